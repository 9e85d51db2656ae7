-- How much of a quarter's deals is usually known at its age (contracts R55).
with aged as (
    select
        aged.profile,
        aged.segment,
        aged.region,
        aged.stage,
        moments.for_quarter,
        cast(coalesce(aged_deals.deals, 0) as double) / cast(aged.deals as double) as known_share
    from {{ ref('int_funding_totals') }} as aged
    inner join {{ ref('int_funding_moments') }} as moments
        on
            aged.quarter_start = moments.quarter_start
            and moments.purpose = 'same_age'
    left join {{ ref('int_funding_totals') }} as aged_deals
        on
            aged.profile = aged_deals.profile
            and aged.segment = aged_deals.segment
            and aged.region = aged_deals.region
            and aged.stage = aged_deals.stage
            and moments.quarter_start = aged_deals.quarter_start
            and moments.for_quarter = aged_deals.for_quarter
            and aged_deals.purpose = 'same_age'
            and aged_deals.region_basis = 'latest'
    where aged.purpose = 'now' and aged.region_basis = 'latest' and aged.deals > 0
)

select
    profile,
    segment,
    region,
    stage,
    for_quarter as quarter_start,
    median(known_share) as completeness,
    count(*) as quarters_compared
from aged
group by profile, segment, region, stage, for_quarter
