-- Bars whose turnover over volume lies outside low and high: by half a percent and a tick, for turnover in thousands
-- and volume in lots.
with averages as (
    select
        security_code,
        trade_date,
        turnover,
        volume_shares,
        low,
        high,
        cast(turnover as double) / cast(volume_shares as double) as average_price
    from {{ lately(ref('stg_security_bars'), 'trade_date', 0) }}
    where volume_shares > 0 and turnover > 0 and low > 0 and high > 0
)

select
    security_code,
    trade_date,
    turnover,
    volume_shares,
    low,
    high,
    abs(ln(average_price / ((cast(low as double) + cast(high as double)) / 2))) as distance
from averages
where
    average_price < cast(low as double) * 0.995 - 0.01
    or average_price > cast(high as double) * 1.005 + 0.01
