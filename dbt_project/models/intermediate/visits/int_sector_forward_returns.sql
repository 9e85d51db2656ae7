{% set horizons = [1, 5, 20] %}
{% set first = first_changed_day() %}

-- The clock of an event is its notice, so that nothing is used before it could be known.
with events as (
    select
        visits.security_code,
        'all' as visitor_type,
        dates.next_session_szse as event_session,
        max(visits.knowledge_at) as knowledge_at
    from {{ rows_since(first, ref('int_visits'), 'cast(knowledge_at as date)', 30) }} as visits
    inner join {{ ref('dim_date') }} as dates
        on cast(visits.knowledge_at as date) = dates.date
    group by visits.security_code, dates.next_session_szse
    union all
    select
        visits.security_code,
        'broker' as visitor_type,
        dates.next_session_szse as event_session,
        max(visits.knowledge_at) as knowledge_at
    from {{ rows_since(first, ref('int_visits'), 'cast(knowledge_at as date)', 30) }} as visits
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
    from {{ lately(ref('int_security_returns'), 'trade_date', 0) }}
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

followed as (
    select
        scheme,
        sector_code,
        'any' as begun_by,
        {% for sessions in horizons %}
            forward_{{ sessions }},
            known_{{ sessions }},
        {% endfor %}
        trade_date
    from placed
    union all
    select
        placed.scheme,
        placed.sector_code,
        events.visitor_type as begun_by,
        {% for sessions in horizons %}
            placed.forward_{{ sessions }},
            greatest(placed.known_{{ sessions }}, events.knowledge_at) as known_{{ sessions }},
        {% endfor %}
        placed.trade_date
    from placed
    inner join events
        on
            placed.security_code = events.security_code
            and placed.trade_date = events.event_session
)

select
    scheme,
    sector_code,
    begun_by,
    {% for sessions in horizons %}
        count(forward_{{ sessions }}) as returns_{{ sessions }},
        sum(forward_{{ sessions }}) as sum_{{ sessions }},
        sum(forward_{{ sessions }} * forward_{{ sessions }}) as squares_{{ sessions }},
        max(case when forward_{{ sessions }} is not null then known_{{ sessions }} end) as known_{{ sessions }},
    {% endfor %}
    trade_date
from followed
group by scheme, sector_code, begun_by, trade_date
