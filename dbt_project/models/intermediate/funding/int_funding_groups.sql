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
),

stages as (
    {% for stage in ['all', 'seed_angel', 'early', 'late', 'technology_growth', 'private_equity', 'unknown'] %}
        select '{{ stage }}' as stage -- noqa: RF04
        {% if not loop.last %}
            union all
        {% endif %}
    {% endfor %}
)

select
    profiles.profile,
    segments.segment,
    regions.region,
    stages.stage
from profiles
cross join segments
cross join regions
cross join stages
-- without a venture round before it, private equity is of the broad profile alone
where stages.stage <> 'private_equity' or profiles.profile = 'vc_pe_broad'
