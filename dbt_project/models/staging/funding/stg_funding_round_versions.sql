select
    round_uuid,
    org_uuid,
    announced_on,
    investment_type,
    case when raised_amount_usd > 0 then raised_amount_usd end as raised_amount_usd,
    country_code,
    deleted_at,
    _ingested_at as ingested_at,
    _knowledge_source as knowledge_source,
    knowledge_at,
    lead(knowledge_at) over (
        partition by round_uuid
        order by knowledge_at nulls last, _ingested_at nulls last, _file nulls last, _row nulls last
    ) as replaced_at
from ({{ known_versions('funding_rounds') }}) as known
