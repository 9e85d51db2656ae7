select
    date,
    is_session_szse,
    is_session_hk,
    is_southbound_open,
    is_half_day_szse,
    is_half_day_hk,
    is_half_day_southbound,
    previous_session_szse,
    next_session_szse,
    previous_session_hk,
    next_session_hk
from {{ ref('stg_trading_calendar') }}
