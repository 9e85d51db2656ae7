with breadth as (
    select
        *,
        row_number() over (partition by index_code order by trade_date desc nulls last) as place
    from {{ ref('fct_index_breadth_daily') }}
),

baskets as (
    select distinct security_code
    from {{ ref('concept_baskets') }}
    where basket = 'CRO_H' and valid_to is null
),

members as (
    select
        constituents.index_code,
        constituents.security_code,
        constituents.trade_date,
        constituents.change_ratio,
        baskets.security_code is not null as is_cro,
        sum(case when constituents.change_ratio > -1 then ln(1 + constituents.change_ratio) end) over (
            partition by constituents.index_code, constituents.security_code
            order by constituents.trade_date nulls last
            rows unbounded preceding
        ) as log_level
    from {{ ref('fct_constituent_daily') }} as constituents
    inner join {{ ref('theme_indices') }} as themes
        on constituents.index_code = themes.index_code
    left join baskets
        on constituents.security_code = baskets.security_code
),

highs as (
    select
        *,
        max(log_level) over last_20 as highest,
        count(change_ratio) over last_20 as sessions_known
    from members
    window
        last_20 as (
            partition by index_code, security_code
            order by trade_date nulls last
            rows between 19 preceding and current row
        )
),

counted as (
    select
        index_code,
        trade_date,
        sum(case when sessions_known = 20 and change_ratio > 0 and log_level >= highest then 1 else 0 end)
            as new_20_session_highs,
        sum(case when sessions_known = 20 then 1 else 0 end) as members_with_20_sessions,
        sum(case when is_cro then 1 else 0 end) as cro_members,
        avg(case when is_cro then change_ratio end) as cro_change_ratio,
        avg(case when not is_cro then change_ratio end) as other_change_ratio
    from highs
    group by index_code, trade_date
)

select
    themes.theme,
    breadth.index_code,
    breadth.trade_date,
    breadth.advancers,
    breadth.decliners,
    breadth.unchanged,
    breadth.suspended,
    breadth.pct_advancing,
    breadth.weight_advancing,
    cast(counted.new_20_session_highs as integer) as new_20_session_highs,
    cast(counted.members_with_20_sessions as integer) as members_with_20_sessions,
    cast(counted.cro_members as integer) as cro_members,
    counted.cro_change_ratio,
    counted.other_change_ratio,
    counted.cro_change_ratio - counted.other_change_ratio as cro_spread_ratio,
    breadth.knowledge_at
from {{ ref('theme_indices') }} as themes
inner join breadth
    on themes.index_code = breadth.index_code
left join counted
    on
        breadth.index_code = counted.index_code
        and breadth.trade_date = counted.trade_date
where breadth.place = 1
