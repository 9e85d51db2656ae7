-- Stock Connect changes that touch members, and the review that nobody has announced yet.
with members as (
    select
        index_code,
        security_code,
        weight,
        valid_from,
        knowledge_at
    from {{ ref('fct_index_membership') }}
    where valid_to is null and change <> 'leave'
),

day as (
    {{ desk_day() }}
),

funds as (
    select
        etf_code,
        aum_cny,
        row_number() over (partition by etf_code order by trade_date desc nulls last) as place
    from {{ ref('fct_etf_daily') }}
    where aum_cny is not null
),

assets as (
    select
        etfs.tracked_index_code as index_code,
        cast(sum(funds.aum_cny) as decimal(20, 2)) as tracker_assets_cny
    from {{ ref('dim_etf') }} as etfs
    inner join funds
        on etfs.etf_code = funds.etf_code and funds.place = 1
    group by etfs.tracked_index_code
),

southbound as (
    select
        security_code,
        max(case when valid_to is null then 1 else 0 end) as is_open_ended,
        max(valid_to) as valid_to,
        max(case when sell_only and (valid_to is null) then 1 else 0 end) as is_sell_only,
        max(knowledge_at) as knowledge_at
    from {{ ref('dim_connect_eligibility') }}
    where is_southbound
    group by security_code
),

present as (
    select
        index_code,
        max(knowledge_at) as knowledge_at
    from members
    group by index_code
),

turnovers as (
    select
        index_code,
        security_code,
        average_turnover_cny,
        row_number() over (partition by index_code, security_code order by set_date desc nulls last) as place
    from {{ ref('fct_index_review_member') }}
    where average_turnover_cny is not null
),

events as (
    select
        members.index_code,
        members.security_code,
        case
            when southbound.is_sell_only = 1 then 'connect_sell_only'
            when southbound.is_open_ended = 0 and southbound.valid_to > day.today then 'connect_ends'
            when southbound.is_open_ended = 0 then 'connect_ended'
        end as event_kind,
        southbound.valid_to as event_date,
        members.weight,
        greatest(members.knowledge_at, southbound.knowledge_at) as knowledge_at
    from members
    inner join southbound
        on members.security_code = southbound.security_code
    cross join day
)

select
    themes.theme,
    themes.index_code,
    events.security_code,
    named.name_en,
    events.event_kind,
    events.event_date,
    events.weight,
    assets.tracker_assets_cny,
    cast(cast(assets.tracker_assets_cny as double) * events.weight as decimal(20, 2)) as forced_trade_cny,
    cast(assets.tracker_assets_cny as double) * events.weight
    / nullif(cast(turnovers.average_turnover_cny as double), 0) as days_to_trade,
    'known' as status,
    cast(null as varchar) as missing_input,
    events.knowledge_at
from {{ ref('theme_indices') }} as themes
inner join events
    on themes.index_code = events.index_code
left join assets
    on themes.index_code = assets.index_code
left join turnovers
    on
        themes.index_code = turnovers.index_code
        and events.security_code = turnovers.security_code
        and turnovers.place = 1
left join {{ ref('dim_security') }} as named
    on events.security_code = named.security_code
where events.event_kind is not null
union all
select
    themes.theme,
    themes.index_code,
    cast(null as varchar) as security_code,
    cast(null as varchar) as name_en,
    'next_review' as event_kind,
    cast(null as date) as event_date,
    cast(null as double) as weight,
    assets.tracker_assets_cny,
    cast(null as decimal(20, 2)) as forced_trade_cny,
    cast(null as double) as days_to_trade,
    'not_available' as status,
    'needs the ranking of the universe at the cut-off: no provider publishes it before the notice' as missing_input,
    present.knowledge_at
from {{ ref('theme_indices') }} as themes
inner join present
    on themes.index_code = present.index_code
left join assets
    on themes.index_code = assets.index_code
