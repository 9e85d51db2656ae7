-- Consecutive weighted sets of an index, and whether a regular review explains the step from one to the next.
with sets as (
    select
        index_code,
        weight_date,
        knowledge_at,
        lag(weight_date) over (partition by index_code order by weight_date nulls first) as previous_date,
        lag(knowledge_at) over (partition by index_code order by weight_date nulls first) as previous_known_at
    from {{ ref('int_index_sets') }}
    where serves_weights
),

-- a set holds from the session after its date
dated as (
    select
        sets.index_code,
        sets.weight_date,
        sets.previous_date,
        calendar.next_session_szse as effective_date,
        previous_calendar.next_session_szse as previous_effective_date,
        greatest(sets.knowledge_at, sets.previous_known_at) as known_at
    from sets
    inner join {{ ref('stg_trading_calendar') }} as calendar
        on sets.weight_date = calendar.date
    inner join {{ ref('stg_trading_calendar') }} as previous_calendar
        on sets.previous_date = previous_calendar.date
),

reviewed as (
    select
        dated.index_code,
        dated.weight_date,
        max(reviews.effective_date) as review_date
    from dated
    inner join {{ ref('int_index_review_dates') }} as reviews
        on
            dated.index_code = reviews.index_code
            and dated.previous_effective_date < reviews.effective_date
            and dated.effective_date >= reviews.effective_date
    group by dated.index_code, dated.weight_date
),

-- the calendar is known when one rule holds over the whole step
covered as (
    select distinct
        dated.index_code,
        dated.weight_date
    from dated
    inner join {{ ref('index_review_calendars') }} as calendars
        on
            dated.index_code = calendars.index_code
            and dated.previous_effective_date >= calendars.valid_from
            and (calendars.valid_to is null or dated.effective_date < calendars.valid_to)
)

select
    dated.index_code,
    dated.weight_date,
    dated.previous_date,
    dated.effective_date,
    reviewed.review_date,
    covered.index_code is not null as is_calendar_known,
    dated.known_at
from dated
left join reviewed
    on dated.index_code = reviewed.index_code and dated.weight_date = reviewed.weight_date
left join covered
    on dated.index_code = covered.index_code and dated.weight_date = covered.weight_date
