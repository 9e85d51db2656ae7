with latest as (
    {{ latest_version('connect_eligibility', ['security_code', 'channel', 'valid_from']) }}
)

select
    security_code,
    channel,
    valid_from,
    valid_to,
    sell_only,
    knowledge_at
from latest
