with latest as (
    {{ latest_version('fx_rates', ['pair', 'kind', 'rate_date']) }}
)

select
    pair,
    kind as rate_kind,
    rate_date,
    rate,
    knowledge_at
from latest
