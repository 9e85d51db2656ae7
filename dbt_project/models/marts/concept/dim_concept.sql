with seen as (
    select distinct concept from {{ ref('stg_concept_members') }}
)

select
    seen.concept,
    described.name_en,
    described.name_zh
from seen
left join {{ ref('concepts') }} as described
    on seen.concept = described.concept
