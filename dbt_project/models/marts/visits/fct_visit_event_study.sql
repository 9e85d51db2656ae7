{% set horizons = [1, 5, 20] %}
{% set sectors = ['sector_code', "'ALL'"] %}

-- Event study of visits: the clock of an event is its notice, so that nothing is used before it could be known.
with events as (
    select
        visits.security_code,
        'all' as visitor_type,
        dates.next_session_szse as event_session,
        max(visits.knowledge_at) as knowledge_at
    from {{ ref('int_visits') }} as visits
    inner join {{ ref('dim_date') }} as dates
        on cast(visits.knowledge_at as date) = dates.date
    group by visits.security_code, dates.next_session_szse
    union all
    select
        visits.security_code,
        'broker' as visitor_type,
        dates.next_session_szse as event_session,
        max(visits.knowledge_at) as knowledge_at
    from {{ ref('int_visits') }} as visits
    inner join {{ ref('dim_date') }} as dates
        on cast(visits.knowledge_at as date) = dates.date
    where visits.visitor_type = 'broker'
    group by visits.security_code, dates.next_session_szse
),

returns as (
    select
        security_code,
        trade_date,
        knowledge_at,
        case when change_ratio > -1 then ln(1 + change_ratio) end as log_return
    from {{ ref('int_security_returns') }}
    where security_code in (select security_code from events)
),

-- all horizons of a row side by side: one pass over the bars, and one join with the sectors
forward_returns as (
    select
        security_code,
        {% for sessions in horizons %}
            case
                when count(log_return) over ahead_{{ sessions }} = {{ sessions }}
                    then exp(sum(log_return) over ahead_{{ sessions }}) - 1
            end as forward_{{ sessions }},
            max(knowledge_at) over ahead_{{ sessions }} as known_{{ sessions }},
        {% endfor %}
        trade_date
    from returns
    window
        ahead_1 as (
            partition by security_code order by trade_date nulls last rows between current row and current row
        ),
        ahead_5 as (
            partition by security_code order by trade_date nulls last rows between current row and 4 following
        ),
        ahead_20 as (
            partition by security_code order by trade_date nulls last rows between current row and 19 following
        )
),

placed as (
    select
        spans.scheme,
        spans.sector_code,
        ahead.*
    from forward_returns as ahead
    inner join {{ ref('int_sector_spans') }} as spans
        on
            ahead.security_code = spans.security_code
            and ahead.trade_date >= spans.valid_from
            and ahead.trade_date < spans.valid_to
    where spans.sector_code <> 'NONE'
),

-- every sector on its own, and all of them together
usual_side_by_side as (
    {% for sector in sectors %}
        select
            {{ sector }} as sector_code, -- noqa: AL09
            {% for sessions in horizons %}
                avg(forward_{{ sessions }}) as usual_{{ sessions }},
            {% endfor %}
            scheme
        from placed
        group by {{ sector }}, scheme
        {% if not loop.last %}
            union all
        {% endif %}
    {% endfor %}
),

placed_events as (
    select
        placed.*,
        events.visitor_type,
        events.knowledge_at as visit_known_at
    from placed
    inner join events
        on
            placed.security_code = events.security_code
            and placed.trade_date = events.event_session
),

followed_side_by_side as (
    {% for sector in sectors %}
        select
            {{ sector }} as sector_code, -- noqa: AL09
            {% for sessions in horizons %}
                count(forward_{{ sessions }}) as events_{{ sessions }},
                avg(forward_{{ sessions }}) as return_{{ sessions }},
                stddev_samp(forward_{{ sessions }}) as deviation_{{ sessions }},
                max(
                    case when forward_{{ sessions }} is not null then greatest(known_{{ sessions }}, visit_known_at) end
                ) as known_{{ sessions }},
            {% endfor %}
            visitor_type,
            scheme
        from placed_events
        group by {{ sector }}, visitor_type, scheme
        {% if not loop.last %}
            union all
        {% endif %}
    {% endfor %}
),

usual as (
    {% for sessions in horizons %}
        select
            scheme,
            sector_code,
            {{ sessions }} as horizon_sessions,
            usual_{{ sessions }} as usual_return_ratio
        from usual_side_by_side
        {% if not loop.last %}
            union all
        {% endif %}
    {% endfor %}
),

followed as (
    {% for sessions in horizons %}
        select
            scheme,
            sector_code,
            visitor_type,
            {{ sessions }} as horizon_sessions,
            events_{{ sessions }} as events,
            return_{{ sessions }} as event_return_ratio,
            deviation_{{ sessions }} as deviation,
            known_{{ sessions }} as knowledge_at
        from followed_side_by_side
        where events_{{ sessions }} > 0
        {% if not loop.last %}
            union all
        {% endif %}
    {% endfor %}
)

select
    followed.scheme,
    followed.sector_code,
    followed.visitor_type,
    followed.horizon_sessions,
    followed.events,
    followed.event_return_ratio,
    usual.usual_return_ratio,
    followed.event_return_ratio - usual.usual_return_ratio as excess_return_ratio,
    (followed.event_return_ratio - usual.usual_return_ratio)
    / nullif(followed.deviation / sqrt(cast(followed.events as double)), 0) as t_statistic,
    followed.knowledge_at
from followed
inner join usual
    on
        followed.scheme = usual.scheme
        and followed.sector_code = usual.sector_code
        and followed.horizon_sessions = usual.horizon_sessions
