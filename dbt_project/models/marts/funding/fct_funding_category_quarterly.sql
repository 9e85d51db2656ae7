with attributions as (
    select 'each' as attribution
    union all
    select 'fractional' as attribution
    union all
    select 'primary' as attribution
),

spine as (
    select
        quarters.profile,
        quarters.region,
        quarters.quarter_start,
        quarters.is_ended,
        quarters.knowledge_at,
        categories.category,
        attributions.attribution
    from {{ ref('fct_funding_quarterly') }} as quarters
    inner join {{ ref('segment_categories') }} as categories
        on quarters.segment = categories.segment
    cross join attributions
),

regions as (
    select distinct region from spine
),

rounds as (
    select
        rounds.*,
        categories.category
    from {{ ref('fct_funding_round') }} as rounds
    inner join {{ ref('int_funding_organizations') }} as organizations
        on
            rounds.org_uuid = organizations.org_uuid
            and organizations.knowledge_at <= {{ as_of() }}
            and (organizations.replaced_at is null or organizations.replaced_at > {{ as_of() }})
    inner join {{ ref('segment_categories') }} as categories
        on
            rounds.segment = categories.segment
            and organizations.categories like '%,' || categories.category || ',%'
),

shares as (
    {% for attribution, share in [
        ('each', 'cast(1 as double)'),
        ('fractional', '1 / cast(segment_categories as double)'),
        ('primary', 'case when category = primary_category then cast(1 as double) else cast(0 as double) end'),
    ] %}
        select
            *,
            '{{ attribution }}' as attribution,
            {{ share }} as round_share
        from rounds
        {% if not loop.last %}
            union all
        {% endif %}
    {% endfor %}
),

by_profile as (
    {% for profile in ['cb_news_venture', 'vc_pe_broad'] %}
        select
            '{{ profile }}' as profile,
            shares.*
        from shares
        where in_{{ profile }} and round_share > 0
        {% if not loop.last %}
            union all
        {% endif %}
    {% endfor %}
),

totals as (
    select
        by_profile.profile,
        regions.region,
        by_profile.category,
        by_profile.attribution,
        by_profile.quarter_start,
        sum(cast(by_profile.raised_amount_usd as double) * by_profile.round_share) as amount_usd,
        sum(by_profile.round_share) as deals
    from by_profile
    inner join regions
        on regions.region in ('GLOBAL', by_profile.region)
    group by
        by_profile.profile, regions.region, by_profile.category, by_profile.attribution, by_profile.quarter_start
),

measured as (
    select
        spine.*,
        coalesce(totals.deals, 0) as deals,
        cast(case when totals.deals is null then 0 else totals.amount_usd end as decimal(20, 2)) as amount_usd
    from spine
    left join totals
        on
            spine.profile = totals.profile
            and spine.region = totals.region
            and spine.category = totals.category
            and spine.attribution = totals.attribution
            and spine.quarter_start = totals.quarter_start
)

select
    measured.profile,
    measured.region,
    measured.category,
    measured.attribution,
    measured.quarter_start,
    measured.is_ended,
    measured.amount_usd,
    measured.deals,
    case
        when measured.is_ended and base.amount_usd > 0
            then cast(measured.amount_usd as double) / cast(base.amount_usd as double) - 1
    end as yoy_latest,
    measured.knowledge_at
from measured
left join measured as base
    on
        measured.profile = base.profile
        and measured.region = base.region
        and measured.category = base.category
        and measured.attribution = base.attribution
        and base.quarter_start = {{ dbt.dateadd('year', -1, 'measured.quarter_start') }}
