with deals as (
    select
        purpose,
        quarter_start,
        for_quarter,
        region,
        first_region,
        is_innovative_drugs,
        in_cb_news_venture,
        in_vc_pe_broad,
        stage,
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
        first_region,
        is_innovative_drugs,
        in_cb_news_venture,
        in_vc_pe_broad,
        stage
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
    {% for basis, column in [('latest', 'region'), ('first', 'first_region')] %}
        select
            *,
            {{ column }} as shown_region,
            '{{ basis }}' as region_basis
        from by_segment
        {% if basis == 'first' %}
            where purpose in ('now', 'year_ago')
        {% endif %}
        union all
    {% endfor %}
    select
        *,
        'GLOBAL' as shown_region,
        'latest' as region_basis
    from by_segment
),

by_stage as (
    select
        *,
        stage as shown_stage
    from by_region
    where purpose <> 'quarter_end' and region_basis = 'latest'
    union all
    select
        *,
        'all' as shown_stage
    from by_region
)

select
    profile,
    segment,
    shown_region as region,
    region_basis,
    shown_stage as stage, -- noqa: RF04
    purpose,
    quarter_start,
    for_quarter,
    cast(sum(amount_usd) as decimal(20, 2)) as amount_usd,
    cast(sum(deals) as bigint) as deals,
    cast(sum(disclosed_deals) as bigint) as disclosed_deals,
    max(knowledge_at) as knowledge_at
from by_stage
group by profile, segment, shown_region, region_basis, shown_stage, purpose, quarter_start, for_quarter
