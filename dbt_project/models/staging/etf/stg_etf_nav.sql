with latest as (
    {{ latest_version('etf_nav', ['etf_code', 'nav_date']) }}
)

select
    etf_code,
    nav_date,
    unit_nav,
    accumulated_nav,
    published_on,
    knowledge_at
from latest
