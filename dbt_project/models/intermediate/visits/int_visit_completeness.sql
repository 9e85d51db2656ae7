-- Month to date, the share of visits that is usually known by now: mean over the sessions so far of the share that is
-- published after as many days as have passed since. Visits are taken to fall evenly on sessions.
{% set smallest_history = 100 %}

with days as (
    select
        calendar.date as as_of_date,
        cast({{ dbt.date_trunc('month', 'calendar.date') }} as date) as month_start,
        calendar.is_session_szse,
        {{ dbt.datediff('calendar.date', 'cast(build.as_of as date)', 'day') }} as age_days
    from {{ ref('stg_trading_calendar') }} as calendar
    cross join {{ source('control', 'build_parameters') }} as build
    where calendar.date <= cast(build.as_of as date)
),

ages as (
    select distinct age_days
    from days
    where age_days <= 60
),

curve as (
    select
        ages.age_days,
        case
            when max(lags.all_visits) >= {{ smallest_history }}
                then
                    cast(sum(case when lags.lag_days <= ages.age_days then lags.visits else 0 end) as double)
                    / cast(max(lags.all_visits) as double)
        end as known_share
    from ages
    cross join {{ ref('int_visit_notice_lags') }} as lags
    group by ages.age_days
),

known as (
    select
        days.as_of_date,
        days.month_start,
        case when days.is_session_szse then 1 else 0 end as sessions,
        case
            when not days.is_session_szse then null
            when days.age_days > 60 then cast(1 as double)
            else curve.known_share
        end as known_share
    from days
    left join curve
        on days.age_days = curve.age_days
),

averaged as (
    select
        as_of_date,
        sum(sessions) over month_to_date as sessions,
        count(known_share) over month_to_date as known_sessions,
        sum(known_share) over month_to_date as known_shares
    from known
    window month_to_date as (
        partition by month_start
        order by as_of_date nulls last
        rows unbounded preceding
    )
)

select
    as_of_date,
    case when sessions > 0 and known_sessions = sessions then known_shares / cast(sessions as double) end
        as completeness_mtd
from averaged
