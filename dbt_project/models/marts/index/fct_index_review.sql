with members as (
    select
        index_code,
        set_date,
        count(case when change = 'add' then 1 end) as members_added,
        count(case when change = 'drop' then 1 end) as members_dropped,
        count(case when change <> 'drop' then 1 end) as members,
        sum(abs(weight_change)) / 2 as one_way_turnover,
        count(weight_change) as known_changes,
        max(days_to_trade) as longest_days_to_trade,
        max_by(security_code, days_to_trade) as longest_security_code,
        count(case when trade_status = 'known' then 1 end) as members_with_days_to_trade,
        max(knowledge_at) as known_at
    from {{ ref('fct_index_review_member') }}
    group by index_code, set_date
),

changed as (
    select
        index_code,
        set_date,
        case when change = 'add' then security_code end as added_code,
        case when change = 'drop' then security_code end as dropped_code
    from {{ ref('fct_index_review_member') }}
    where change <> 'stay'
),

lists as (
    select
        index_code,
        set_date,
        {{ sorted_list('added_code') }} as added,
        {{ sorted_list('dropped_code') }} as dropped
    from changed
    group by index_code, set_date
),

drift_days as (
    select
        index_code,
        weight_date,
        max(drift_date) as drift_date
    from {{ ref('int_index_drifted_sets') }}
    group by index_code, weight_date
)

select
    reviews.index_code,
    reviews.weight_date as set_date,
    reviews.previous_date as previous_set_date,
    reviews.effective_date,
    drift_days.drift_date,
    members.members,
    members.members_added,
    members.members_dropped,
    lists.added as added_codes,
    lists.dropped as dropped_codes,
    case when members.known_changes > 0 then members.one_way_turnover end as one_way_turnover,
    case
        when reviews.review_date is not null then 'scheduled_review'
        when members.members_added + members.members_dropped = 0 then 'reweighted'
        when reviews.is_calendar_known then 'off_cycle'
        else 'calendar_unknown'
    end as review_kind,
    reviews.review_date,
    assets.trackers,
    assets.aum_cny as tracker_assets_cny,
    case
        when
            members.known_changes > 0
            and members.one_way_turnover * cast(assets.aum_cny as double) < 1e17
            then cast(members.one_way_turnover * cast(assets.aum_cny as double) as decimal(20, 2))
    end as tracker_turnover_cny,
    members.longest_days_to_trade,
    members.longest_security_code,
    members.members_with_days_to_trade,
    members.known_at as knowledge_at
from {{ ref('int_index_reviews') }} as reviews
inner join members
    on reviews.index_code = members.index_code and reviews.weight_date = members.set_date
left join lists
    on reviews.index_code = lists.index_code and reviews.weight_date = lists.set_date
left join drift_days
    on reviews.index_code = drift_days.index_code and reviews.weight_date = drift_days.weight_date
left join {{ ref('int_tracker_assets') }} as assets
    on reviews.index_code = assets.index_code and reviews.weight_date = assets.weight_date
