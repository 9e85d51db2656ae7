select
    security_code,
    channel,
    valid_from,
    valid_to,
    coalesce(sell_only, false) as sell_only,
    security_code like '%.HK' as is_southbound,
    knowledge_at
from {{ ref('stg_connect_eligibility') }}
