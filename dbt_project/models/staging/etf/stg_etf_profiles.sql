with latest as (
    {{ latest_version('etf_profiles', ['etf_code']) }}
)

select
    etf_code,
    name_en,
    name_zh,
    manager,
    tracked_index_code,
    listed_on,
    creation_unit,
    creation_calendar,
    knowledge_at
from latest
