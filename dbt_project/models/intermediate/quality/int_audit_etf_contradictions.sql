-- Figures of two sources that cannot both be right, with what became of the figure that hangs on them.
with denied as (
    select
        etf_code,
        trade_date,
        -- a factor that no split has is shown no greater than fits
        cast(least(split_factor, 1e13) as decimal(18, 4)) as factor,
        previous_nav,
        unit_nav
    from {{ ref('int_etf_nav_returns') }}
    where is_split_denied
),

unreadable as (
    select
        etf_code,
        count(*) as findings,
        min(trade_date) as first_date,
        min_by(cast(accumulated_nav - previous_accumulated as decimal(18, 4)), trade_date) as accumulated_change,
        min_by(cast(unit_nav - previous_nav as decimal(18, 4)), trade_date) as unit_change
    from {{ ref('int_etf_nav_returns') }}
    where is_contradicted
    group by etf_code
),

averages as (
    select
        etf_code,
        count(*) as findings,
        min(trade_date) as first_date,
        min_by(turnover_cny, trade_date) as turnover_cny,
        min_by(volume_shares, trade_date) as volume_shares,
        min_by(low, trade_date) as low,
        min_by(high, trade_date) as high
    from {{ ref('fct_etf_daily') }}
    where vwap_status = 'contradicts_range'
    group by etf_code
)

select
    'etf_split_denied_by_nav' as check_name,
    concat(etf_code, ' ', trade_date) as subject,
    concat(
        'A split of ', factor, ' new shares for 1 is declared for ', etf_code, ' on ', trade_date,
        ', but NAV went from ', previous_nav, ' to ', unit_nav,
        ' as if there were none: the declaration decides the flow, nav_return_ratio and tracking of that session '
        || 'are NULL.'
    ) as detail
from denied

union all

select
    'etf_accumulated_nav_contradicts' as check_name,
    concat(etf_code, ' ', first_date) as subject,
    concat(
        'Accumulated NAV of ', etf_code, ' lost against unit NAV on ', findings, ' session(s), first on ', first_date,
        ' (changes ', accumulated_change, ' and ', unit_change,
        '), which no distribution can do: distribution and nav_return_ratio of those sessions, and of gains beside '
        || 'them, are NULL.'
    ) as detail
from unreadable

union all

select
    'etf_turnover_outside_range' as check_name,
    concat(etf_code, ' ', first_date) as subject,
    concat(
        'Turnover of ', etf_code, ' over volume lies outside low and high on ', findings, ' session(s), first on ',
        first_date, ' (', turnover_cny, ' CNY, ', volume_shares, ' shares, ', low, ' to ', high,
        '): both stand as delivered, vwap is NULL.'
    ) as detail
from averages
