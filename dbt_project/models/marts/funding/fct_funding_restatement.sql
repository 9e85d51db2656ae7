with groups as (
    select
        profile,
        segment,
        region
    from {{ ref('int_funding_groups') }}
    where stage = 'all'
),

moments as (
    select
        purpose,
        quarter_start,
        for_quarter,
        moment,
        {{ dbt.datediff('quarter_start', 'for_quarter', 'month') }} as months_later
    from {{ ref('int_funding_moments') }}
    where purpose = 'quarter_end' or (purpose = 'now' and is_ended)
),

vintages as (
    select
        groups.profile,
        groups.segment,
        groups.region,
        moments.quarter_start,
        moments.moment as known_at,
        moments.purpose = 'now' as is_latest,
        case when moments.purpose = 'quarter_end' then moments.months_later / 3 end as quarters_after,
        -- the last word is always known; an earlier one only where the raw data tells what was known then
        moments.purpose = 'now'
        or history.carries_vintages
        or history.earliest_ingestion <= moments.moment as is_known,
        case when totals.deals is null then cast(0 as decimal(20, 2)) else totals.amount_usd end as amount_usd,
        coalesce(totals.deals, 0) as deals,
        cast(totals.disclosed_deals as double) / cast(totals.deals as double) as disclosed_share,
        coalesce(totals.knowledge_at, least(moments.moment, history.latest_knowledge)) as knowledge_at
    from moments
    cross join groups
    cross join {{ ref('int_funding_history') }} as history
    left join {{ ref('int_funding_totals') }} as totals
        on
            groups.profile = totals.profile
            and groups.segment = totals.segment
            and groups.region = totals.region
            and totals.stage = 'all'
            and totals.region_basis = 'latest'
            and moments.purpose = totals.purpose
            and moments.quarter_start = totals.quarter_start
            and moments.for_quarter = totals.for_quarter
),

numbered as (
    select
        *,
        min(case when is_known and not is_latest then known_at end) over (
            partition by profile, segment, region, quarter_start
        ) as first_known_at
    from vintages
),

compared as (
    select
        *,
        max(case when known_at = first_known_at then amount_usd end) over (
            partition by profile, segment, region, quarter_start
        ) as first_amount_usd,
        max(case when known_at = first_known_at then deals end) over (
            partition by profile, segment, region, quarter_start
        ) as first_deals,
        max(case when known_at = first_known_at then knowledge_at end) over (
            partition by profile, segment, region, quarter_start
        ) as first_print_known_at
    from numbered
)

select
    profile,
    segment,
    region,
    quarter_start,
    known_at,
    cast(quarters_after as integer) as quarters_after,
    is_latest,
    case when is_known then 'known' else 'no_vintage' end as vintage_status,
    case when is_known then amount_usd end as amount_usd,
    case when is_known then deals end as deals,
    case when is_known then disclosed_share end as disclosed_share,
    first_known_at,
    first_amount_usd,
    first_deals,
    case
        when is_known and first_amount_usd > 0
            then cast(amount_usd as double) / cast(first_amount_usd as double) - 1
    end as amount_change_ratio,
    case when is_known and first_deals > 0 then cast(deals as double) / cast(first_deals as double) - 1 end
        as deals_change_ratio,
    case
        when is_known then greatest(knowledge_at, coalesce(first_print_known_at, knowledge_at))
        else knowledge_at
    end as knowledge_at
from compared
