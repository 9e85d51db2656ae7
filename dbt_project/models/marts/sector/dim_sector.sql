-- Sectors of the seed, and those that only the landed memberships know, under the name last delivered.
with seen as (
    select
        scheme,
        level,
        sector_code,
        max_by(sector_name, valid_from) as sector_name
    from {{ ref('stg_sector_members') }}
    where sector_code is not null
    group by scheme, level, sector_code
)

select
    sectors.scheme,
    sectors.level,
    sectors.sector_code,
    sectors.sector_name_en,
    sectors.sector_name_zh
from {{ ref('sectors') }} as sectors
union all
select
    seen.scheme,
    seen.level,
    seen.sector_code,
    seen.sector_name as sector_name_en,
    seen.sector_name as sector_name_zh
from seen
left join {{ ref('sectors') }} as sectors
    on
        seen.scheme = sectors.scheme
        and seen.level = sectors.level
        and seen.sector_code = sectors.sector_code
where sectors.sector_code is null
