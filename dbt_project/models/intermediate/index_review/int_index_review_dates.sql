-- Sessions from which a regular review holds: the first Shenzhen session after the second Friday of its months.
-- 1970-01-02 was a Friday.
with fridays as (
    select
        date as friday,
        next_session_szse
    from {{ ref('stg_trading_calendar') }}
    where
        mod({{ dbt.datediff("cast('1970-01-02' as date)", "date", "day") }}, 7) = 0
        and extract(day from date) between 8 and 14
)

select
    calendars.index_code,
    fridays.friday,
    fridays.next_session_szse as effective_date
from {{ ref('index_review_calendars') }} as calendars
inner join fridays
    on
        calendars.valid_from <= fridays.next_session_szse
        and (calendars.valid_to is null or calendars.valid_to > fridays.next_session_szse)
        and '|' || calendars.review_months || '|'
        like '%|' || cast(extract(month from fridays.friday) as {{ dbt.type_string() }}) || '|%'
where calendars.weekday_of_month = 'second_friday'
