-- Versions of organizations with the segments that their categories put them into.
select
    organizations.org_uuid,
    organizations.country_code,
    max(
        case when segments.segment = 'innovative_drugs' then 1 else 0 end
    ) as is_innovative_drugs,
    organizations.knowledge_at,
    organizations.replaced_at
from {{ ref('stg_organization_versions') }} as organizations
left join {{ ref('segment_categories') }} as segments
    on
        ',' || {{ replace_pattern(plain_list('organizations.category_list'), "'[ ]*[,;|][ ]*'", "','") }} || ','
        like '%,' || segments.category || ',%'
where organizations.replaced_at is null or organizations.replaced_at > organizations.knowledge_at
group by
    organizations.org_uuid,
    organizations.country_code,
    organizations.knowledge_at,
    organizations.replaced_at
