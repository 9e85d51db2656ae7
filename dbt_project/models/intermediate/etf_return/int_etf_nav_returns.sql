{# Both NAVs are rounded to four decimals, so what they differ by is known to a ten-thousandth each. #}
{% set rounding = '0.0001' %}
{% set first = first_changed_day() %}
{% if first is not none %}
    {% set since = day_of_earlier_row(first, 'etf_code', 'trade_date', 1, among=
        'select etf_code from ' ~ ref('int_etf_sessions') ~ " where trade_date >= date '" ~ first ~ "'") %}
{% endif %}

-- where an ETF's rows before those that are made end: everything runs on from there
{% if first is none %}
    with ends as (
        select
            etf_code,
            trade_date,
            cast(null as double) as nav_multiple,
            cast(null as double) as ln_growth,
            cast(null as bigint) as breaks,
            cast(null as boolean) as is_contradicted
        from {{ ref('int_etf_sessions') }}
        where false
    ),
{% else %}
    with stood as (
        select *
        from {{ rows_since(since, this, 'trade_date') }}
        where trade_date < date '{{ first }}'
    ),

    latest as (
        select
            etf_code,
            max(trade_date) as trade_date
        from stood
        group by etf_code
    ),

    ends as (
        select stood.*
        from stood
        inner join latest
            on stood.etf_code = latest.etf_code and stood.trade_date = latest.trade_date
    ),
{% endif %}

factors as (
    select
        sessions.etf_code,
        sessions.trade_date,
        sessions.session_number,
        cast(sessions.unit_nav as double) as unit_nav,
        cast(sessions.accumulated_nav as double) as accumulated_nav,
        greatest(sessions.nav_known_at, sessions.split_known_at) as known_at,
        exp(sum(
            ln(coalesce(cast(sessions.split_numerator as double) / cast(sessions.split_denominator as double), 1))
        ) over (partition by sessions.etf_code order by sessions.trade_date nulls last rows unbounded preceding))
            as split_product,
        ends.etf_code is not null and sessions.trade_date = ends.trade_date as is_end,
        ends.nav_multiple as multiple_before,
        coalesce(ends.ln_growth, 0) as growth_before,
        coalesce(ends.breaks, 0) as breaks_before,
        ends.is_contradicted as contradicted_before,
        ends.etf_code is not null as goes_on
    from {{ rows_since(since, ref('int_etf_sessions'), 'trade_date') }} as sessions
    left join ends
        on sessions.etf_code = ends.etf_code
    where ends.trade_date is null or sessions.trade_date >= ends.trade_date
),

valued as (
    select
        *,
        lag(trade_date) over by_session as previous_date,
        lag(session_number) over by_session as previous_session_number,
        lag(unit_nav) over by_session as previous_nav,
        lag(accumulated_nav) over by_session as previous_accumulated,
        lag(split_product) over by_session as previous_split_product,
        lag(known_at) over by_session as previous_known_at
    from factors
    where unit_nav > 0
    window by_session as (partition by etf_code order by trade_date nulls last)
),

paired as (
    select
        *,
        split_product / previous_split_product as factor,
        ln(unit_nav / previous_nav) as ln_nav,
        {# Some funds go on in units of before the split, others add distributions to today's unit NAV. #}
        case
            when abs(ln(split_product / previous_split_product)) < 1e-9 then 1
            when accumulated_nav is null or previous_accumulated is null then null
            when
                abs(accumulated_nav - previous_accumulated) < 0.5 * abs(unit_nav - previous_nav)
                then split_product / previous_split_product
            else 1
        end as restored_factor
    from valued
),

scaled as (
    select
        *,
        {# Only jumps that stand out from a day's return can be judged. #}
        coalesce(
            abs(ln(factor)) > ln(1.3) and abs(ln_nav + ln(factor)) > abs(ln_nav), false
        ) as is_split_denied,
        case
            when goes_on and multiple_before is null then null
            when
                previous_nav is null
                or max(case when restored_factor is null and previous_nav is not null then 1 else 0 end) over up_to_here
                = 0
                then coalesce(multiple_before, 1) * exp(sum(ln(coalesce(restored_factor, 1))) over up_to_here)
        end as nav_multiple
    from paired
    window up_to_here as (partition by etf_code order by trade_date nulls last rows unbounded preceding)
),

differences as (
    select
        *,
        accumulated_nav - previous_accumulated
        - (nav_multiple * unit_nav - nav_multiple / restored_factor * previous_nav) as residual,
        (1 + nav_multiple) * {{ rounding }} + 1e-9 as tolerance
    from scaled
),

contradicted as (
    select
        *,
        case when is_end then contradicted_before else residual < -tolerance end as is_contradicted
    from differences
),

judged as (
    select
        *,
        {# A wrong figure leads away from the line and back: the step beside a contradiction is none to be trusted. #}
        coalesce(lag(is_contradicted) over by_session, false)
        or coalesce(lead(is_contradicted) over by_session, false) as is_beside_contradiction
    from contradicted
    window by_session as (partition by etf_code order by trade_date nulls last)
),

distributed as (
    select
        *,
        case
            when residual is null or is_split_denied or is_contradicted then null
            when residual <= tolerance then cast(0 as double)
            when is_beside_contradiction then null
            else round(residual / nav_multiple, 4)
        end as distribution
    from judged
),

returns as (
    select
        *,
        case
            when previous_nav is null then 'missing'
            when is_split_denied then 'split_denied'
            when residual is null then 'without_distribution'
            when distribution is null then 'distribution_unreadable'
            else 'final'
        end as return_status
    from distributed
),

grown as (
    select
        *,
        case
            when return_status in ('final', 'without_distribution')
                then factor * (unit_nav + coalesce(distribution, 0)) / previous_nav - 1
        end as nav_return_ratio
    from returns
)

select
    etf_code,
    trade_date,
    session_number,
    previous_date,
    session_number - previous_session_number as span_sessions,
    factor as split_factor,
    cast(distribution as decimal(18, 4)) as distribution_per_share,
    nav_return_ratio,
    return_status,
    is_split_denied,
    is_contradicted,
    unit_nav,
    previous_nav,
    accumulated_nav,
    previous_accumulated,
    nav_multiple,
    {# Between any two sessions without a break the growth is the difference of these. #}
    growth_before + sum(coalesce(ln(1 + nav_return_ratio), 0)) over up_to_here as ln_growth,
    cast(
        breaks_before + sum(case when nav_return_ratio is null and not is_end then 1 else 0 end) over up_to_here
        as bigint
    ) as breaks,
    greatest(known_at, previous_known_at) as known_at
from grown
window up_to_here as (partition by etf_code order by trade_date nulls last rows unbounded preceding)
