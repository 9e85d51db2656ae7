with latest as (
    {{ latest_version('index_quotes', ['index_code', 'quote_ts']) }}
)

select
    index_code,
    quote_ts,
    cast(quote_ts as date) as quote_date,
    last,
    open,
    prev_close,
    knowledge_at
from latest
