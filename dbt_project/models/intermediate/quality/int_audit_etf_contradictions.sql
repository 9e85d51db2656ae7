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
),

-- Rounding to 万份 with two decimals leaves 50 shares; fewer than one in ten thousand is rounding.
bases as (
    select
        counts.etf_code,
        count(*) as findings,
        min(counts.trade_date) as first_date,
        min_by(counts.delivered_shares, counts.trade_date) as used_shares,
        min_by(counts.other_shares, counts.trade_date) as other_shares
    from {{ ref('int_etf_share_counts') }} as counts
    left join {{ ref('int_etf_splits') }} as splits
        on
            counts.etf_code = splits.etf_code
            and counts.other_unit_date = splits.trade_date
            and counts.unit_date < counts.other_unit_date
    where
        abs(
            cast(counts.other_shares as double)
            / coalesce(cast(splits.numerator as double) / cast(splits.denominator as double), 1)
            - cast(counts.delivered_shares as double)
        ) > 1e-4 * cast(counts.delivered_shares as double)
    group by counts.etf_code
),

-- A count before the open may be valued at the NAV of its own date or of the session before: both are tried.
sizes as (
    select
        shares.etf_code,
        shares.share_date,
        shares.shares,
        shares.size_cny,
        case
            when same_day.unit_nav is null then earlier.unit_nav
            when earlier.unit_nav is null then same_day.unit_nav
            when
                abs(cast(shares.size_cny as double) - cast(shares.shares as double) * cast(earlier.unit_nav as double))
                < abs(
                    cast(shares.size_cny as double) - cast(shares.shares as double) * cast(same_day.unit_nav as double)
                )
                then earlier.unit_nav
            else same_day.unit_nav
        end as unit_nav
    from {{ ref('stg_etf_shares') }} as shares
    inner join {{ ref('stg_trading_calendar') }} as calendar
        on shares.share_date = calendar.date
    left join {{ ref('stg_etf_nav') }} as same_day
        on shares.etf_code = same_day.etf_code and shares.share_date = same_day.nav_date
    left join {{ ref('stg_etf_nav') }} as earlier
        on
            shares.etf_code = earlier.etf_code
            and calendar.previous_session_szse = earlier.nav_date
            and shares.share_basis = 'open_of_day'
    where shares.size_cny is not null
),

valued as (
    select
        *,
        cast(shares as double) * cast(unit_nav as double) as expected_size
    from sizes
    where unit_nav is not null
),

slipped as (
    select
        etf_code,
        count(*) as findings,
        min(share_date) as first_date,
        min_by(size_cny, share_date) as size_cny,
        min_by(shares, share_date) as shares,
        min_by(unit_nav, share_date) as unit_nav,
        min_by(expected_size, share_date) as expected_size
    from valued
    where abs(cast(size_cny as double) - expected_size) > 0.005 * expected_size
    group by etf_code
),

forgotten as (
    {% for column, told, consequence in [
        ('tracked_index_code', 'told_index_code', 'tracking, sums over trackers and a derived creation calendar do'),
        ('creation_unit', 'told_creation_unit', 'the test for rests of a split does'),
        ('creation_calendar', 'told_creation_calendar', 'structural zeros follow a derived calendar and do'),
    ] %}
        select
            etf_code,
            '{{ column }}' as column_name,
            cast({{ told }} as varchar) as told_value,
            '{{ consequence }}' as consequence
        from {{ ref('stg_etf_profiles') }}
        where {{ column }} is null and {{ told }} is not null
        {% if not loop.last %}
            union all
        {% endif %}
    {% endfor %}
)

select
    'etf_split_denied_by_nav' as check_name,
    concat(etf_code, ' ', trade_date) as subject,
    concat(
        'A split of ', factor, ' new shares for 1 is declared for ', etf_code, ' on ', trade_date,
        ', but NAV went from ', previous_nav, ' to ', unit_nav,
        ' as if there were none: the declaration decides flow and shares (also those of the session before, where '
        || 'they are counted at this open), nav_return_ratio and tracking of the session are NULL.'
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

union all

select
    'etf_share_bases_disagree' as check_name,
    concat(etf_code, ' ', first_date) as subject,
    concat(
        'Shares of ', etf_code, ' after the close and before the next open differ on ', findings,
        ' session(s), first on ', first_date, ' (', used_shares, ' and ', other_shares,
        '): the first of the two decides shares, aum_cny and flow, the other is kept raw and not used.'
    ) as detail
from bases

union all

select
    'etf_size_contradicts_nav' as check_name,
    concat(etf_code, ' ', first_date) as subject,
    concat(
        'The size given for ', etf_code, ' is not shares times NAV within 0.5% on ', findings, ' date(s), first on ',
        first_date, ' (', size_cny, ' CNY against ', shares, ' * ', unit_nav, ' = ',
        cast(expected_size as decimal(38, 2)),
        ' CNY): one of the three has slipped; aum_cny and flow go on with shares and NAV, the size is not used.'
    ) as detail
from slipped

union all

select
    'etf_profile_forgets' as check_name,
    concat(etf_code, ' ', column_name) as subject,
    concat(
        'The latest profile of ', etf_code, ' has no ', column_name, ', an earlier one told ', told_value,
        ': the latest counts whole, ', consequence,
        ' without it. Land a profile that carries the column.'
    ) as detail
from forgotten
