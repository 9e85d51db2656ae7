with latest as (
    {{ latest_version('etf_quotes', ['etf_code', 'quote_ts']) }}
)

select
    etf_code,
    quote_ts,
    last,
    open,
    prev_close,
    volume_shares,
    turnover_cny,
    iopv,
    knowledge_at
from latest
