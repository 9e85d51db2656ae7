-- Versions of organizations with the segments that their categories put them into.
with dated as (
    select
        *,
        min(case when country_code is not null then knowledge_at end) over (
            partition by org_uuid
        ) as first_country_known_at
    from {{ ref('stg_organization_versions') }}
    where replaced_at is null or replaced_at > knowledge_at
),

versions as (
    select
        *,
        max(case when knowledge_at = first_country_known_at then country_code end) over (
            partition by org_uuid
        ) as first_country_code
    from dated
),

listed as (
    select
        *,
        ',' || {{ replace_pattern(plain_list('category_list'), "'[ ]*[,;|][ ]*'", "','") }} || ',' as categories
    from versions
),

matched as (
    select
        listed.*,
        segments.segment,
        segments.category,
        {{ dbt.position("',' || segments.category || ','", "listed.categories") }} as place
    from listed
    left join {{ ref('segment_categories') }} as segments
        on listed.categories like '%,' || segments.category || ',%'
)

select
    org_uuid,
    country_code,
    first_country_code,
    first_country_known_at,
    categories,
    max(case when segment = 'innovative_drugs' then 1 else 0 end) as is_innovative_drugs,
    count(case when segment = 'innovative_drugs' then category end) as segment_categories,
    min_by(category, case when segment = 'innovative_drugs' then place end) as primary_category,
    knowledge_at,
    replaced_at
from matched
group by
    org_uuid,
    country_code,
    first_country_code,
    first_country_known_at,
    categories,
    knowledge_at,
    replaced_at
