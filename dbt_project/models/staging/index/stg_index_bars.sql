with latest as (
    {{ latest_version('index_bars', ['index_code', 'trade_date']) }}
)

select
    index_code,
    trade_date,
    open,
    high,
    low,
    close,
    prev_close,
    volume_shares,
    turnover,
    knowledge_at
from latest
