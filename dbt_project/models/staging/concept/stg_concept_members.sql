with latest as (
    {{ latest_version('concept_members', ['concept', 'security_code', 'as_of_date']) }}
)

select
    concept,
    security_code,
    as_of_date,
    source as member_source,
    knowledge_at
from latest
