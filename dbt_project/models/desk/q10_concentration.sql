with last_dates as (
    select
        index_code,
        max(trade_date) as trade_date
    from {{ ref('fct_index_breadth_daily') }}
    group by index_code
),

weights as (
    select
        members.index_code,
        members.trade_date,
        members.security_code,
        members.weight
    from {{ ref('fct_constituent_daily') }} as members
    inner join last_dates
        on
            members.index_code = last_dates.index_code
            and members.trade_date = last_dates.trade_date
    inner join {{ ref('theme_indices') }} as themes
        on members.index_code = themes.index_code
),

shared_members as (
    select
        own.index_code,
        peer.index_code as other_index_code,
        count(*) as common_members,
        sum(least(own.weight, peer.weight)) as common_weight
    from weights as own
    inner join weights as peer
        on own.security_code = peer.security_code
    group by own.index_code, peer.index_code
),

year_ago as (
    select
        earlier.index_code,
        max(earlier.trade_date) as trade_date
    from {{ ref('fct_index_breadth_daily') }} as earlier
    inner join last_dates
        on
            earlier.index_code = last_dates.index_code
            and earlier.trade_date <= cast({{ dbt.dateadd('year', -1, 'last_dates.trade_date') }} as date)
    group by earlier.index_code
)

select
    themes.theme,
    present.index_code,
    siblings.index_code as other_index_code,
    present.trade_date,
    present.top10_weight,
    present.hhi,
    present.hhi_points,
    present.effective_members,
    past.trade_date as year_ago_date,
    past.top10_weight as top10_weight_year_ago,
    past.hhi as hhi_year_ago,
    coalesce(shared_members.common_members, 0) as common_members,
    coalesce(shared_members.common_weight, 0) as common_weight,
    present.knowledge_at
from {{ ref('theme_indices') }} as themes
inner join last_dates
    on themes.index_code = last_dates.index_code
inner join {{ ref('fct_index_breadth_daily') }} as present
    on
        last_dates.index_code = present.index_code
        and last_dates.trade_date = present.trade_date
inner join {{ ref('theme_indices') }} as sibling_themes
    on themes.theme = sibling_themes.theme
inner join last_dates as siblings
    on sibling_themes.index_code = siblings.index_code
left join shared_members
    on
        present.index_code = shared_members.index_code
        and siblings.index_code = shared_members.other_index_code
left join year_ago
    on present.index_code = year_ago.index_code
left join {{ ref('fct_index_breadth_daily') }} as past
    on
        year_ago.index_code = past.index_code
        and year_ago.trade_date = past.trade_date
