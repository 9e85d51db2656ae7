with bars as (
    select
        bars.*,
        cast(bars.turnover_cny as double) / nullif(bars.volume_shares, 0) as average_price
    from {{ lately(ref('stg_etf_bars'), 'trade_date', 30) }} as bars
    inner join {{ ref('stg_trading_calendar') }} as calendar
        on bars.trade_date = calendar.date and calendar.is_session_szse
),

navs as (
    select navs.*
    from {{ lately(ref('stg_etf_nav'), 'nav_date', 30) }} as navs
    inner join {{ ref('stg_trading_calendar') }} as calendar
        on navs.nav_date = calendar.date and calendar.is_session_szse
),

numbers as (
    select
        date as session_date,
        row_number() over (order by date nulls last) as number
    from {{ ref('stg_trading_calendar') }}
    where is_session_szse
),

sessions as (
    select
        extents.etf_code,
        calendar.date as trade_date,
        calendar.is_southbound_open is not null as can_be_closed,
        case
            when calendar.is_southbound_open is null then false
            when calendars.creation_calendar = 'southbound' then not calendar.is_southbound_open
            when calendars.creation_calendar = 'hk' then not calendar.is_session_hk
            else false
        end as is_calendar_closed,
        calendars.creation_unit,
        numbers.number - first_numbers.number + 1 as session_number
    from {{ ref('int_etf_extents') }} as extents
    inner join {{ lately(ref('stg_trading_calendar'), 'date', 30) }} as calendar
        on calendar.date between extents.first_date and extents.last_date
    inner join numbers
        on calendar.date = numbers.session_date
    inner join numbers as first_numbers
        on extents.first_date = first_numbers.session_date
    left join {{ ref('int_etf_creation_calendars') }} as calendars
        on extents.etf_code = calendars.etf_code
    where calendar.is_session_szse
)

select
    sessions.etf_code,
    sessions.trade_date,
    sessions.session_number,
    bars.open,
    bars.high,
    bars.low,
    bars.close,
    coalesce(
        bars.prev_close,
        case
            when bars.etf_code is not null and splits.etf_code is null
                then lag(bars.close) over (
                    partition by sessions.etf_code order by sessions.trade_date nulls last
                )
        end
    ) as prev_close,
    bars.volume_shares,
    bars.turnover_cny,
    {# Thousands of CNY and lots of shares leave an average price a little beside the true one: half a percent and a
       tick. #}
    case
        when
            bars.average_price between cast(bars.low as double) * 0.995 - 0.001
            and cast(bars.high as double) * 1.005 + 0.001
            then cast(bars.average_price as decimal(18, 4))
    end as vwap,
    bars.average_price is not null and bars.low is not null and bars.high is not null as has_vwap_inputs,
    bars.knowledge_at as bar_known_at,
    bars.first_known_at as bar_first_known_at,
    {{ exact_integer('counts.delivered_shares') }} * coalesce(unit_splits.denominator, 1) as shares_numerator,
    case
        when counts.etf_code is not null then {{ exact_integer('coalesce(unit_splits.numerator, 1)') }}
    end as shares_denominator,
    greatest(counts.knowledge_at, unit_splits.knowledge_at) as shares_known_at,
    greatest(counts.first_known_at, unit_splits.first_known_at) as shares_first_known_at,
    navs.unit_nav,
    navs.accumulated_nav,
    navs.knowledge_at as nav_known_at,
    navs.first_known_at as nav_first_known_at,
    splits.numerator as split_numerator,
    splits.denominator as split_denominator,
    splits.split_source,
    splits.knowledge_at as split_known_at,
    splits.first_known_at as split_first_known_at,
    sessions.creation_unit,
    sessions.is_calendar_closed
    or (sessions.can_be_closed and coalesce(navs.is_suspended, false)) as is_creation_closed,
    case
        when sessions.is_calendar_closed then 'calendar'
        when sessions.can_be_closed and navs.is_suspended then 'suspension'
    end as creation_closed_by
from sessions
left join bars
    on sessions.etf_code = bars.etf_code and sessions.trade_date = bars.trade_date
left join navs
    on sessions.etf_code = navs.etf_code and sessions.trade_date = navs.nav_date
left join {{ lately(ref('int_etf_share_counts'), 'trade_date', 30) }} as counts
    on sessions.etf_code = counts.etf_code and sessions.trade_date = counts.trade_date
left join {{ ref('int_etf_splits') }} as splits
    on sessions.etf_code = splits.etf_code and sessions.trade_date = splits.trade_date
left join {{ ref('int_etf_splits') }} as unit_splits
    on
        counts.etf_code = unit_splits.etf_code
        and counts.unit_date = unit_splits.trade_date
        and counts.unit_date <> counts.trade_date
