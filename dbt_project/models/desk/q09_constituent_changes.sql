with sets as (
    select
        index_code,
        valid_from,
        row_number() over (partition by index_code order by valid_from desc nulls last) as place
    from {{ ref('fct_index_membership') }}
    group by index_code, valid_from
),

latest as (
    select
        last_set.index_code,
        last_set.valid_from as set_date,
        set_before.valid_from as previous_set_date
    from sets as last_set
    left join sets as set_before
        on last_set.index_code = set_before.index_code and set_before.place = 2
    where last_set.place = 1
),

connect_changes as (
    select
        security_code,
        valid_from as change_date,
        case when sell_only then 'sell_only' else 'added' end as connect_change
    from {{ ref('dim_connect_eligibility') }}
    where is_southbound
    union all
    select
        security_code,
        valid_to as change_date,
        'removed' as connect_change
    from {{ ref('dim_connect_eligibility') }}
    where is_southbound and valid_to is not null
),

connect_since as (
    select
        latest.index_code,
        changes.security_code,
        max(changes.change_date) as connect_change_date,
        max_by(changes.connect_change, changes.change_date) as connect_change
    from latest
    inner join connect_changes as changes
        on latest.previous_set_date < changes.change_date
    group by latest.index_code, changes.security_code
)

select
    themes.theme,
    members.index_code,
    members.security_code,
    named.name_en,
    named.name_zh,
    latest.set_date,
    latest.previous_set_date,
    members.change,
    members.weight,
    earlier.weight as previous_weight,
    coalesce(members.weight, 0) - coalesce(earlier.weight, 0) as published_weight_change,
    reviews.review_kind,
    reviews.effective_date,
    trades.tracker_trade_cny,
    trades.days_to_trade,
    connect_since.connect_change,
    connect_since.connect_change_date,
    'not available: needs creation lists (PCF) of the trackers, a change that only they show is not seen'
        as not_covered,
    greatest(members.knowledge_at, coalesce(trades.knowledge_at, members.knowledge_at)) as knowledge_at
from latest
inner join {{ ref('theme_indices') }} as themes
    on latest.index_code = themes.index_code
inner join {{ ref('fct_index_membership') }} as members
    on
        latest.index_code = members.index_code
        and latest.set_date = members.valid_from
left join {{ ref('fct_index_membership') }} as earlier
    on
        latest.index_code = earlier.index_code
        and latest.previous_set_date = earlier.valid_from
        and members.security_code = earlier.security_code
        and earlier.change <> 'leave'
left join connect_since
    on
        members.index_code = connect_since.index_code
        and members.security_code = connect_since.security_code
left join {{ ref('fct_index_review') }} as reviews
    on
        members.index_code = reviews.index_code
        and latest.set_date = reviews.set_date
left join {{ ref('fct_index_review_member') }} as trades
    on
        members.index_code = trades.index_code
        and latest.set_date = trades.set_date
        and members.security_code = trades.security_code
left join {{ ref('dim_security') }} as named
    on members.security_code = named.security_code
