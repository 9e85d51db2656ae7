-- How many days companies take to publish a visit: first notices of visits old enough for nearly all to be out. The
-- window ends at the as-of date less the 60 days within which notices come, and is a year long.
with notices as (
    select
        visits.security_code,
        visits.visit_date,
        visits.visit_way,
        min(visits.notice_date) as notice_date
    from {{ ref('stg_broker_visits') }} as visits
    cross join {{ source('control', 'build_parameters') }} as build
    where
        visits.notice_date is not null
        and visits.visit_date <= {{ dbt.dateadd('day', -60, 'cast(build.as_of as date)') }}
        and visits.visit_date > {{ dbt.dateadd('day', -425, 'cast(build.as_of as date)') }}
    group by visits.security_code, visits.visit_date, visits.visit_way
),

lags as (
    select {{ dbt.datediff('visit_date', 'notice_date', 'day') }} as lag_days
    from notices
),

counted as (
    select
        lag_days,
        count(*) as visits
    from lags
    group by lag_days
)

select
    lag_days,
    visits,
    sum(visits) over (order by lag_days nulls last rows unbounded preceding) as visits_within,
    sum(visits) over () as all_visits
from counted
