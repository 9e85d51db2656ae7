with profiles as (
    select 'cb_news_venture' as profile
    union all
    select 'vc_pe_broad' as profile
),

segments as (
    select 'all' as segment
    union all
    select 'innovative_drugs' as segment
),

regions as (
    select 'GLOBAL' as region
    union all
    select 'USA' as region
    union all
    select 'CHN' as region
    union all
    select 'HKG' as region
    union all
    select 'ROW' as region
)

select
    profiles.profile,
    segments.segment,
    regions.region
from profiles
cross join segments
cross join regions
