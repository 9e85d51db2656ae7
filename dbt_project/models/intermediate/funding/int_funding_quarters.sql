-- Every group and quarter with its figures as known now and their growth; the two quarterly marts show parts of it.
with history as (
    select
        reaches_back_a_year,
        latest_knowledge
    from {{ ref('int_funding_history') }}
),

spine as (
    select
        funding_groups.profile,
        funding_groups.segment,
        funding_groups.region,
        funding_groups.stage,
        moments.quarter_start,
        moments.next_quarter_start,
        moments.is_ended
    from {{ ref('int_funding_moments') }} as moments
    cross join {{ ref('int_funding_groups') }} as funding_groups
    where moments.purpose = 'now'
),

measured as (
    select
        spine.profile,
        spine.segment,
        spine.region,
        spine.stage,
        spine.quarter_start,
        spine.next_quarter_start,
        spine.is_ended,
        -- no deals: nothing was raised; deals without any known amount: unknown
        case
            when totals.deals is null then cast(0 as decimal(20, 2))
            else totals.amount_usd
        end as amount_usd,
        coalesce(totals.deals, 0) as deals,
        cast(totals.disclosed_deals as double) / cast(totals.deals as double) as disclosed_share,
        totals.knowledge_at
    from spine
    left join {{ ref('int_funding_totals') }} as totals
        on
            spine.profile = totals.profile
            and spine.segment = totals.segment
            and spine.region = totals.region
            and spine.stage = totals.stage
            and spine.quarter_start = totals.quarter_start
            and totals.purpose = 'now'
            and totals.region_basis = 'latest'
)

select
    measured.profile,
    measured.segment,
    measured.region,
    measured.stage,
    measured.quarter_start,
    cast({{ dbt.dateadd('day', -1, 'measured.next_quarter_start') }} as date) as quarter_end,
    measured.is_ended,
    measured.amount_usd,
    measured.deals,
    measured.disclosed_share,
    case
        when measured.is_ended and base.amount_usd > 0
            then cast(measured.amount_usd as double) / cast(base.amount_usd as double) - 1
    end as yoy_latest,
    case
        when history.reaches_back_a_year and year_ago.amount_usd > 0
            then cast(measured.amount_usd as double) / cast(year_ago.amount_usd as double) - 1
    end as yoy_lag_matched,
    case when completeness.quarters_compared >= 4 then completeness.completeness end as completeness,
    base.amount_usd as base_amount_usd,
    case when history.reaches_back_a_year then year_ago.amount_usd end as base_amount_known_year_ago_usd,
    greatest(
        coalesce(measured.knowledge_at, history.latest_knowledge),
        coalesce(base.knowledge_at, measured.knowledge_at, history.latest_knowledge)
    ) as knowledge_at
from measured
cross join history
left join measured as base
    on
        measured.profile = base.profile
        and measured.segment = base.segment
        and measured.region = base.region
        and measured.stage = base.stage
        and base.quarter_start = {{ dbt.dateadd('year', -1, 'measured.quarter_start') }}
left join {{ ref('int_funding_totals') }} as year_ago
    on
        measured.profile = year_ago.profile
        and measured.segment = year_ago.segment
        and measured.region = year_ago.region
        and measured.stage = year_ago.stage
        and measured.quarter_start = year_ago.for_quarter
        and year_ago.purpose = 'year_ago'
        and year_ago.region_basis = 'latest'
left join {{ ref('int_funding_completeness') }} as completeness
    on
        measured.profile = completeness.profile
        and measured.segment = completeness.segment
        and measured.region = completeness.region
        and measured.stage = completeness.stage
        and measured.quarter_start = completeness.quarter_start
