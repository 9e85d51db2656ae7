with member_sessions as (
    select
        weights.index_code,
        weights.trade_date,
        weights.security_code,
        weights.weight_date,
        weights.weight,
        moves.change_ratio as bar_change_ratio,
        case
            when moves.is_suspended then 'suspended'
            when moves.change_ratio is not null then 'priced'
            when moves.security_code is not null then 'no_reference'
            when weights.security_code like '%.HK' and not calendar.is_session_hk then 'market_closed'
            when weights.security_code not like '%.HK' and not calendar.is_session_szse then 'market_closed'
            else 'no_bar'
        end as price_status,
        greatest(
            weights.knowledge_at, bars.knowledge_at, coalesce(moves.knowledge_at, weights.knowledge_at)
        ) as knowledge_at
    from {{ lately(ref('int_drifted_weights'), 'trade_date', 0) }} as weights
    inner join {{ lately(ref('stg_index_bars'), 'trade_date', 0) }} as bars
        on
            weights.index_code = bars.index_code
            and weights.trade_date = bars.trade_date
    left join {{ lately(ref('int_security_returns'), 'trade_date', 0) }} as moves
        on
            weights.security_code = moves.security_code
            and weights.trade_date = moves.trade_date
    left join {{ ref('stg_trading_calendar') }} as calendar
        on weights.trade_date = calendar.date
),

changes as (
    select
        *,
        case when price_status = 'market_closed' then cast(0 as double) else bar_change_ratio end as change_ratio
    from member_sessions
)

select
    index_code,
    trade_date,
    security_code,
    weight,
    change_ratio,
    weight * change_ratio as contribution_ratio,
    price_status,
    weight_date,
    knowledge_at
from changes
order by index_code nulls last, trade_date nulls last, security_code nulls last
