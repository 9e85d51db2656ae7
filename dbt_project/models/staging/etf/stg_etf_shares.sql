with latest as (
    {{ latest_version('etf_shares', ['etf_code', 'share_date', 'share_basis'], first_known=true) }}
)

select
    etf_code,
    share_date,
    share_basis,
    shares,
    size_cny,
    knowledge_at,
    first_known_at
from latest
