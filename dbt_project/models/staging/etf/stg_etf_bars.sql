with latest as (
    {{ latest_version('etf_bars', ['etf_code', 'trade_date'], first_known=true) }}
)

select
    etf_code,
    trade_date,
    open,
    high,
    low,
    close,
    prev_close,
    volume_shares,
    turnover_cny,
    knowledge_at,
    first_known_at
from latest
