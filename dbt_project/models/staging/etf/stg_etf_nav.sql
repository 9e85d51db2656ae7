with latest as (
    {{ latest_version('etf_nav', ['etf_code', 'nav_date'], first_known=true) }}
)

select
    etf_code,
    nav_date,
    unit_nav,
    accumulated_nav,
    published_on,
    creation_status,
    redemption_status,
    (
        creation_status like '%暂停申购%' or creation_status like '%封闭%'
        or lower(creation_status) in ('suspended', 'closed')
    )
    and (
        redemption_status like '%暂停赎回%' or redemption_status like '%封闭%'
        or lower(redemption_status) in ('suspended', 'closed')
    ) as is_suspended,
    knowledge_at,
    first_known_at
from latest
