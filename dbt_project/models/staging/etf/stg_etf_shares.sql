with latest as (
    {{ latest_version('etf_shares', ['etf_code', 'share_date', 'share_basis']) }}
)

select
    etf_code,
    share_date,
    share_basis,
    shares,
    knowledge_at
from latest
