with deals as (
    select
        purpose,
        quarter_start,
        for_quarter,
        region,
        is_innovative_drugs,
        in_cb_news_venture,
        in_vc_pe_broad,
        sum(raised_amount_usd) as amount_usd,
        count(*) as deals,
        count(raised_amount_usd) as disclosed_deals,
        max(knowledge_at) as knowledge_at
    from {{ ref('int_funding_deals') }}
    group by
        purpose,
        quarter_start,
        for_quarter,
        region,
        is_innovative_drugs,
        in_cb_news_venture,
        in_vc_pe_broad
),

by_profile as (
    select
        *,
        'cb_news_venture' as profile
    from deals
    where in_cb_news_venture
    union all
    select
        *,
        'vc_pe_broad' as profile
    from deals
    where in_vc_pe_broad
),

by_segment as (
    select
        *,
        'all' as segment
    from by_profile
    union all
    select
        *,
        'innovative_drugs' as segment
    from by_profile
    where is_innovative_drugs
),

by_region as (
    select
        *,
        region as shown_region
    from by_segment
    union all
    select
        *,
        'GLOBAL' as shown_region
    from by_segment
)

select
    profile,
    segment,
    shown_region as region,
    purpose,
    quarter_start,
    for_quarter,
    cast(sum(amount_usd) as decimal(20, 2)) as amount_usd,
    cast(sum(deals) as bigint) as deals,
    cast(sum(disclosed_deals) as bigint) as disclosed_deals,
    max(knowledge_at) as knowledge_at
from by_region
group by profile, segment, shown_region, purpose, quarter_start, for_quarter
