with latest as (
    {{ latest_version('index_weights', ['index_code', 'weight_date', 'security_code']) }}
)

select
    index_code,
    weight_date,
    security_code,
    security_name,
    weight,
    published_at,
    knowledge_at
from latest
