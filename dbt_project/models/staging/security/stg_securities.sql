with latest as (
    {{ latest_version('securities', ['security_code']) }}
)

select
    security_code,
    name_en,
    name_zh,
    issuer_id,
    listed_on,
    delisted_on,
    knowledge_at
from latest
