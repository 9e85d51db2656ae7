with bars as (
    select
        bars.index_code,
        bars.trade_date,
        bars.open,
        bars.high,
        bars.low,
        bars.close,
        coalesce(bars.prev_close, earlier.previous_close) as prev_close,
        bars.volume_shares,
        bars.turnover,
        case
            when bars.prev_close is null and earlier.previous_close is not null
                then greatest(bars.knowledge_at, earlier.knowledge_at)
            else bars.knowledge_at
        end as knowledge_at
    from {{ lately(ref('stg_index_bars'), 'trade_date', 0) }} as bars
    left join {{ lately(ref('int_index_previous_closes'), 'level_date', 0) }} as earlier
        on
            bars.index_code = earlier.index_code
            and bars.trade_date = earlier.level_date
)

select
    index_code,
    trade_date,
    open,
    high,
    low,
    close,
    prev_close,
    {{ change_ratio('close', 'prev_close') }} as change_ratio,
    {{ change_ratio('open', 'prev_close') }} as open_gap_ratio,
    volume_shares,
    turnover,
    knowledge_at
from bars
