{# The closing auction begins at 14:57; after 15:00 the fund stands still while its Hong Kong members trade on. #}
{% set sessions = 20 %}

with quotes as (
    select
        quotes.etf_code,
        cast(quotes.quote_ts as date) as trade_date,
        quotes.quote_ts,
        cast(quotes.last as double) / cast(quotes.iopv as double) - 1 as premium_ratio,
        quotes.knowledge_at,
        row_number() over (
            partition by quotes.etf_code, cast(quotes.quote_ts as date)
            order by quotes.quote_ts desc nulls last
        ) as newest
    from {{ lately(ref('stg_etf_quotes'), 'cast(quote_ts as date)', 60) }} as quotes
    where
        quotes.last > 0
        and quotes.iopv > 0
        and quotes.quote_ts >= {{ shanghai_moment('cast(quotes.quote_ts as date)', 14 * 60 + 57) }}
        and quotes.quote_ts < {{ shanghai_moment('cast(quotes.quote_ts as date)', 15 * 60 + 1) }}
),

premiums as (
    select
        sessions.etf_code,
        sessions.trade_date,
        cast(sessions.close as double) / nullif(cast(sessions.unit_nav as double), 0) - 1 as nav_premium,
        greatest(sessions.bar_known_at, sessions.nav_known_at) as nav_premium_known_at,
        quotes.premium_ratio as iopv_premium,
        quotes.quote_ts as iopv_at,
        quotes.knowledge_at as iopv_known_at
    from {{ lately(ref('int_etf_sessions'), 'trade_date', 60) }} as sessions
    left join quotes
        on
            sessions.etf_code = quotes.etf_code
            and sessions.trade_date = quotes.trade_date
            and quotes.newest = 1
),

compared as (
    select
        *,
        {% for basis in ['iopv', 'nav'] %}
            count({{ basis }}_premium) over sessions_before as {{ basis }}_count,
            avg({{ basis }}_premium) over sessions_before as {{ basis }}_mean,
            stddev_samp({{ basis }}_premium) over sessions_before as {{ basis }}_deviation,
        {% endfor %}
        max(nav_premium_known_at) over sessions_before as nav_known_before,
        max(iopv_known_at) over sessions_before as iopv_known_before
    from premiums
    window sessions_before as (
        partition by etf_code
        order by trade_date nulls last
        rows between {{ sessions }} preceding and 1 preceding
    )
)

select
    etf_code,
    trade_date,
    iopv_premium as premium_iopv_ratio,
    iopv_at as premium_iopv_at,
    case
        when iopv_premium is not null then 'iopv_1500'
        when nav_premium is not null then 'nav'
    end as premium_basis,
    case
        when iopv_premium is not null and iopv_count = {{ sessions }} and iopv_deviation > 1e-12
            then (iopv_premium - iopv_mean) / iopv_deviation
        when iopv_premium is null and nav_count = {{ sessions }} and nav_deviation > 1e-12
            then (nav_premium - nav_mean) / nav_deviation
    end as premium_zscore,
    case
        when iopv_premium is not null and iopv_count = {{ sessions }} then greatest(iopv_known_at, iopv_known_before)
        when iopv_premium is not null then iopv_known_at
        when nav_premium is not null and nav_count = {{ sessions }}
            then greatest(nav_premium_known_at, nav_known_before)
        else nav_premium_known_at
    end as premium_known_at
from compared
