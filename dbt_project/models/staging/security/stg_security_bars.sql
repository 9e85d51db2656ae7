with latest as (
    {{ latest_version('security_bars', ['security_code', 'trade_date']) }}
)

select
    security_code,
    trade_date,
    open,
    high,
    low,
    close,
    prev_close,
    volume_shares,
    turnover,
    currency,
    knowledge_at
from latest
