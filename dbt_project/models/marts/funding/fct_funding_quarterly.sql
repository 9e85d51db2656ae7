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
    quarters.knowledge_at
from quarters
inner join worlds
    on
        quarters.profile = worlds.profile
        and quarters.segment = worlds.segment
        and quarters.quarter_start = worlds.quarter_start
