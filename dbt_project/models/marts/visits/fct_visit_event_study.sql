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

forward_returns as (
    {% for sessions in [1, 5, 20] %}
        select
            security_code,
            trade_date,
            {{ sessions }} as horizon_sessions,
            case when count(log_return) over ahead = {{ sessions }} then exp(sum(log_return) over ahead) - 1 end
                as forward_return,
            max(knowledge_at) over ahead as knowledge_at
        from returns
        window
            ahead as (
                partition by security_code
                order by trade_date nulls last
                rows between current row and {{ sessions - 1 }} following
            )
        {% if not loop.last %}
            union all
        {% endif %}
    {% endfor %}
),

placed as (
    select
        spans.scheme,
        spans.sector_code,
        ahead.security_code,
        ahead.trade_date,
        ahead.horizon_sessions,
        ahead.forward_return,
        ahead.knowledge_at
    from forward_returns as ahead
    inner join {{ ref('int_sector_spans') }} as spans
        on
            ahead.security_code = spans.security_code
            and ahead.trade_date >= spans.valid_from
            and ahead.trade_date < spans.valid_to
    where ahead.forward_return is not null and spans.sector_code <> 'NONE'
),

-- every sector on its own, and all of them together
scoped as (
    select
        scheme,
        sector_code,
        security_code,
        trade_date,
        horizon_sessions,
        forward_return,
        knowledge_at
    from placed
    union all
    select
        scheme,
        'ALL' as sector_code,
        security_code,
        trade_date,
        horizon_sessions,
        forward_return,
        knowledge_at
    from placed
),

usual as (
    select
        scheme,
        sector_code,
        horizon_sessions,
        avg(forward_return) as usual_return_ratio
    from scoped
    group by scheme, sector_code, horizon_sessions
),

followed as (
    select
        scoped.scheme,
        scoped.sector_code,
        events.visitor_type,
        scoped.horizon_sessions,
        count(*) as events,
        avg(scoped.forward_return) as event_return_ratio,
        stddev_samp(scoped.forward_return) as deviation,
        max(greatest(scoped.knowledge_at, events.knowledge_at)) as knowledge_at
    from scoped
    inner join events
        on
            scoped.security_code = events.security_code
            and scoped.trade_date = events.event_session
    group by scoped.scheme, scoped.sector_code, events.visitor_type, scoped.horizon_sessions
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
