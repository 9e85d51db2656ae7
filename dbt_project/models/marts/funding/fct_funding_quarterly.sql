with quarters as (
    select *
    from {{ ref('int_funding_quarters') }}
    where stage = 'all'
),

-- what the named regions leave of the world, Hong Kong among it, as press figures of USA and China imply it
worlds as (
    select
        profile,
        segment,
        quarter_start,
        max(case when region = 'GLOBAL' then base_amount_usd end) as global_base,
        sum(case region when 'GLOBAL' then 1 when 'USA' then -1 when 'CHN' then -1 end * amount_usd) as rest_amount,
        sum(case region when 'GLOBAL' then 1 when 'USA' then -1 when 'CHN' then -1 end * base_amount_usd) as rest_base
    from quarters
    group by profile, segment, quarter_start
),

-- China with Hong Kong: rounds known without any amount leave a sum unknown, as in a region of its own
china as (
    select
        profile,
        segment,
        quarter_start,
        case
            when sum(amount_usd) > 0 or count(amount_usd) = 2 then cast(sum(amount_usd) as decimal(20, 2))
        end as amount_usd,
        case
            when sum(base_amount_usd) > 0 then cast(sum(base_amount_usd) as decimal(20, 2))
        end as base_amount_usd,
        case
            when sum(base_amount_known_year_ago_usd) > 0
                then cast(sum(base_amount_known_year_ago_usd) as decimal(20, 2))
        end as base_amount_known_year_ago_usd
    from quarters
    where region in ('CHN', 'HKG')
    group by profile, segment, quarter_start
),

-- by the region that was known first; the whole world is the same by either
pinned as (
    select
        quarters.profile,
        quarters.segment,
        quarters.region,
        quarters.quarter_start,
        case
            when quarters.region = 'GLOBAL' then quarters.amount_usd
            when present.deals is null then cast(0 as decimal(20, 2))
            else present.amount_usd
        end as amount_usd,
        case when quarters.region = 'GLOBAL' then quarters.deals else coalesce(present.deals, 0) end as deals,
        case when quarters.region = 'GLOBAL' then quarters.base_amount_usd else base.amount_usd end as base_amount_usd,
        case
            when quarters.region = 'GLOBAL' then quarters.base_amount_known_year_ago_usd
            when history.reaches_back_a_year then year_ago.amount_usd
        end as base_amount_known_year_ago_usd
    from quarters
    cross join {{ ref('int_funding_history') }} as history
    {% for name, purpose, quarter, years in [
        ('present', 'now', 'quarter_start', 0),
        ('base', 'now', 'quarter_start', -1),
        ('year_ago', 'year_ago', 'for_quarter', 0),
    ] %}
        left join {{ ref('int_funding_totals') }} as {{ name }}
            on
                quarters.profile = {{ name }}.profile
                and quarters.segment = {{ name }}.segment
                and quarters.region = {{ name }}.region
                and {{ name }}.{{ quarter }} = {{ dbt.dateadd('year', years, 'quarters.quarter_start') }}
                and {{ name }}.region_basis = 'first'
                and {{ name }}.purpose = '{{ purpose }}'
    {% endfor %}
)

select
    quarters.profile,
    quarters.segment,
    quarters.region,
    quarters.quarter_start,
    quarters.quarter_end,
    quarters.is_ended,
    quarters.amount_usd,
    quarters.deals,
    quarters.disclosed_share,
    quarters.yoy_latest,
    quarters.yoy_lag_matched,
    quarters.completeness,
    quarters.base_amount_usd,
    quarters.base_amount_known_year_ago_usd,
    case
        when worlds.global_base > 0
            then cast(quarters.base_amount_usd as double) / cast(worlds.global_base as double)
    end as base_share,
    case
        when
            quarters.region = 'GLOBAL'
            and quarters.is_ended
            and quarters.amount_usd is not null
            and quarters.base_amount_usd is not null
            and worlds.rest_base > 0
            then cast(worlds.rest_amount as double) / cast(worlds.rest_base as double) - 1
    end as implied_rest_yoy,
    case when quarters.region = 'CHN' then china.amount_usd end as with_hong_kong_amount_usd,
    case
        when quarters.region = 'CHN' and quarters.is_ended and china.base_amount_usd > 0
            then cast(china.amount_usd as double) / cast(china.base_amount_usd as double) - 1
    end as with_hong_kong_yoy_latest,
    case
        when quarters.region = 'CHN' and china.base_amount_known_year_ago_usd > 0
            then cast(china.amount_usd as double) / cast(china.base_amount_known_year_ago_usd as double) - 1
    end as with_hong_kong_yoy_lag_matched,
    pinned.amount_usd as first_region_amount_usd,
    pinned.deals as first_region_deals,
    case
        when quarters.is_ended and pinned.base_amount_usd > 0
            then cast(pinned.amount_usd as double) / cast(pinned.base_amount_usd as double) - 1
    end as first_region_yoy_latest,
    case
        when pinned.base_amount_known_year_ago_usd > 0
            then cast(pinned.amount_usd as double) / cast(pinned.base_amount_known_year_ago_usd as double) - 1
    end as first_region_yoy_lag_matched,
    quarters.knowledge_at
from quarters
inner join pinned
    on
        quarters.profile = pinned.profile
        and quarters.segment = pinned.segment
        and quarters.region = pinned.region
        and quarters.quarter_start = pinned.quarter_start
inner join china
    on
        quarters.profile = china.profile
        and quarters.segment = china.segment
        and quarters.quarter_start = china.quarter_start
inner join worlds
    on
        quarters.profile = worlds.profile
        and quarters.segment = worlds.segment
        and quarters.quarter_start = worlds.quarter_start
