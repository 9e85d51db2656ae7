select
    org_uuid,
    name,
    country_code,
    category_list,
    knowledge_at,
    lead(knowledge_at) over (
        partition by org_uuid
        order by knowledge_at nulls last, _ingested_at nulls last, _file nulls last, _row nulls last
    ) as replaced_at
from ({{ known_versions('organizations') }}) as known
