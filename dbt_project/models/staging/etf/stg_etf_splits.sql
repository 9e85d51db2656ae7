with latest as (
    {{ latest_version('etf_splits', ['etf_code', 'effective_date'], first_known=true) }}
)

select
    etf_code,
    effective_date,
    numerator,
    denominator,
    knowledge_at,
    first_known_at
from latest
