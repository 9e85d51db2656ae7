with day as (
    {{ desk_day() }}
),

quarters as (
    select
        cast({{ dbt.date_trunc('quarter', 'today') }} as date) as current_quarter,
        cast({{ dbt.dateadd('month', -3, dbt.date_trunc('quarter', 'today')) }} as date) as last_quarter
    from day
),

stages as (
    select
        profile,
        segment,
        region,
        quarter_start,
        max(case when stage = 'seed_angel' then amount_usd end) as seed_angel_amount_usd,
        max(case when stage = 'early' then amount_usd end) as early_amount_usd,
        max(case when stage = 'late' then amount_usd end) as late_amount_usd,
        max(case when stage = 'technology_growth' then amount_usd end) as technology_growth_amount_usd,
        max(knowledge_at) as knowledge_at
    from {{ ref('fct_funding_stage_quarterly') }}
    group by profile, segment, region, quarter_start
),

rounds as (
    select
        *,
        'cb_news_venture' as profile
    from {{ ref('fct_funding_round') }}
    where in_cb_news_venture
    union all
    select
        *,
        'vc_pe_broad' as profile
    from {{ ref('fct_funding_round') }}
    where in_vc_pe_broad
),

regional as (
    select
        *,
        region as shown_region
    from rounds
    union all
    select
        *,
        'GLOBAL' as shown_region
    from rounds
),

ranked as (
    select
        regional.*,
        row_number() over (
            partition by regional.profile, regional.shown_region, regional.quarter_start
            order by regional.raised_amount_usd desc nulls last, regional.round_uuid asc nulls last
        ) as place,
        concat(
            coalesce(regional.org_name, regional.org_uuid, 'organization unknown'), ' (', regional.region, ', ',
            regional.investment_type, ', ',
            cast(cast(regional.raised_amount_usd / 1000000 as decimal(18, 1)) as varchar), 'm USD)'
        ) as said
    from regional
    inner join quarters
        on regional.quarter_start in (quarters.current_quarter, quarters.last_quarter)
    where regional.segment = 'innovative_drugs' and regional.raised_amount_usd is not null
),

top_five as (
    select
        profile,
        shown_region as region,
        quarter_start,
        max(case when place = 1 then round_uuid end) as top_round_uuid,
        {{ joined_by_place('said', 'place', 5) }} as top_rounds,
        max(knowledge_at) as knowledge_at
    from ranked
    where place <= 5
    group by profile, shown_region, quarter_start
)

select
    funding.profile,
    funding.segment,
    funding.region,
    funding.quarter_start,
    case when funding.quarter_start = quarters.current_quarter then 'to_date' else 'ended' end as quarter_state,
    funding.amount_usd,
    funding.deals,
    funding.disclosed_share,
    funding.yoy_latest,
    funding.yoy_lag_matched,
    funding.completeness,
    prints.first_amount_usd,
    prints.first_known_at,
    prints.amount_change_ratio,
    stages.seed_angel_amount_usd,
    stages.early_amount_usd,
    stages.late_amount_usd,
    stages.technology_growth_amount_usd,
    top_five.top_round_uuid,
    top_five.top_rounds,
    greatest(
        funding.knowledge_at,
        coalesce(prints.knowledge_at, funding.knowledge_at),
        coalesce(stages.knowledge_at, funding.knowledge_at),
        coalesce(top_five.knowledge_at, funding.knowledge_at)
    ) as knowledge_at
from {{ ref('fct_funding_quarterly') }} as funding
inner join quarters
    on funding.quarter_start in (quarters.current_quarter, quarters.last_quarter)
left join {{ ref('fct_funding_restatement') }} as prints
    on
        funding.profile = prints.profile
        and funding.segment = prints.segment
        and funding.region = prints.region
        and funding.quarter_start = prints.quarter_start
        and prints.is_latest
left join stages
    on
        funding.profile = stages.profile
        and funding.segment = stages.segment
        and funding.region = stages.region
        and funding.quarter_start = stages.quarter_start
left join top_five
    on
        funding.profile = top_five.profile
        and funding.region = top_five.region
        and funding.quarter_start = top_five.quarter_start
where funding.segment = 'innovative_drugs'
