with latest as (
    {{ latest_version('etf_splits', ['etf_code', 'effective_date']) }}
)

select
    etf_code,
    effective_date,
    numerator,
    denominator,
    knowledge_at
from latest
