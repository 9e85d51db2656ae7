with members as (
    select
        *,
        row_number() over (
            partition by index_code, trade_date
            order by weight desc nulls last, security_code asc nulls last
        ) as weight_rank
    from {{ lately(ref('fct_constituent_daily'), 'trade_date', 0) }}
),

breadth as (
    select
        index_code,
        trade_date,
        count(*) as members,
        count(case when price_status = 'priced' and change_ratio > 0 then 1 end) as advancers,
        count(case when price_status = 'priced' and change_ratio < 0 then 1 end) as decliners,
        count(case when price_status = 'priced' and change_ratio = 0 then 1 end) as unchanged,
        count(case when price_status = 'suspended' then 1 end) as suspended,
        sum(case when change_ratio > 0 then weight else 0 end) as weight_advancing,
        sum(case when weight_rank <= 10 then weight else 0 end) as top10_weight,
        sum(weight * weight) as hhi,
        coalesce(sum(contribution_ratio), 0) as explained_ratio,
        sum(case when change_ratio is not null then weight else 0 end) as price_coverage,
        max(knowledge_at) as knowledge_at
    from members
    group by index_code, trade_date
)

select
    breadth.index_code,
    breadth.trade_date,
    breadth.members,
    breadth.advancers,
    breadth.decliners,
    breadth.unchanged,
    breadth.suspended,
    breadth.weight_advancing,
    breadth.top10_weight,
    breadth.hhi,
    breadth.hhi * 10000 as hhi_points,
    1 / nullif(breadth.hhi, 0) as effective_members,
    cast(breadth.advancers as double) / nullif(breadth.advancers + breadth.decliners + breadth.unchanged, 0)
        as pct_advancing,
    levels.change_ratio as index_change_ratio,
    levels.change_ratio - breadth.explained_ratio as contribution_residual,
    breadth.price_coverage,
    greatest(breadth.knowledge_at, levels.knowledge_at) as knowledge_at
from breadth
inner join {{ lately(ref('fct_index_daily'), 'trade_date', 0) }} as levels
    on
        breadth.index_code = levels.index_code
        and breadth.trade_date = levels.trade_date
