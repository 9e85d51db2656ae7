with latest as (
    {{ latest_version('etf_nav', ['etf_code', 'nav_date'], first_known=true) }}
)

select
    etf_code,
    nav_date,
    unit_nav,
    accumulated_nav,
    published_on,
    knowledge_at,
    first_known_at
from latest
