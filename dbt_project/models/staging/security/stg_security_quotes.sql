with latest as (
    {{ latest_version('security_quotes', ['security_code', 'quote_ts']) }}
)

select
    security_code,
    quote_ts,
    cast(quote_ts as date) as quote_date,
    last,
    open,
    prev_close,
    volume_shares,
    turnover,
    currency,
    knowledge_at
from latest
