-- From when to when an ETF has sessions. A table of its own, so that a session after a gap is told with the day on
-- which the gap began.
select
    seen.etf_code,
    min(seen.trade_date) as first_date,
    max(seen.trade_date) as last_date
from (
    select
        known.etf_code,
        known.known_day as trade_date
    from {{ ref('stg_etf_days') }} as known
    inner join {{ ref('stg_trading_calendar') }} as calendar
        on known.known_day = calendar.date and calendar.is_session_szse
    where known.raw_table in ('etf_bars', 'etf_nav')
    union all
    select
        etf_code,
        trade_date
    from {{ ref('int_etf_share_counts') }}
) as seen
group by seen.etf_code
