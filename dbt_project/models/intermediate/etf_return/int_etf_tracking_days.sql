{% set first = first_changed_day() %}
{% if first is not none %}
    {# known_at is that of a session on which all was known #}
    {% set since = day_of_earlier_row(first, 'etf_code', 'trade_date', 1, where='known_at is not null', among=
        'select etf_code from ' ~ ref('int_etf_sessions') ~ " where trade_date >= date '" ~ first ~ "'") %}
{% endif %}

-- Fund and index in CNY between sessions on which both are known; a session without one of them is bridged by the next.
with sessions as (
    select
        sessions.etf_code,
        sessions.trade_date,
        sessions.session_number,
        profiles.tracked_index_code as index_code,
        indices.currency,
        nav_returns.ln_growth,
        nav_returns.breaks,
        nav_returns.known_at as nav_known_at,
        nav_returns.etf_code is not null as has_nav,
        case
            when indices.market = 'HK' and not calendar.is_session_hk then calendar.previous_session_hk
        end as earlier_level_date
    from {{ rows_since(since, ref('int_etf_sessions'), 'trade_date') }} as sessions
    inner join {{ ref('stg_etf_profiles') }} as profiles
        on sessions.etf_code = profiles.etf_code
    inner join {{ ref('stg_trading_calendar') }} as calendar
        on sessions.trade_date = calendar.date
    left join {{ ref('dim_index') }} as indices
        on profiles.tracked_index_code = indices.index_code
    left join {{ rows_since(since, ref('int_etf_nav_returns'), 'trade_date') }} as nav_returns
        on sessions.etf_code = nav_returns.etf_code and sessions.trade_date = nav_returns.trade_date
    where profiles.tracked_index_code is not null
),

levels as (
    select
        sessions.*,
        cast(coalesce(same_day.close, earlier.close) as double) as index_level,
        case
            when sessions.currency = 'CNY' then 1
            when rates.contradiction is null then rates.rate
        end as cny_rate,
        rates.contradiction is not null as is_rate_contradicted,
        coalesce(rates.jumps_so_far, 0) as rate_jumps,
        greatest(
            sessions.nav_known_at,
            case when same_day.close is not null then same_day.knowledge_at else earlier.knowledge_at end,
            rates.knowledge_at
        ) as known_at
    from sessions
    left join {{ ref('stg_index_bars') }} as same_day
        on sessions.index_code = same_day.index_code and sessions.trade_date = same_day.trade_date
    left join {{ ref('stg_index_bars') }} as earlier
        on sessions.index_code = earlier.index_code and sessions.earlier_level_date = earlier.trade_date
    left join {{ ref('int_exchange_rates') }} as rates
        on
            rates.pair = sessions.currency || 'CNY'
            and rates.rate_kind = 'valuation'
            and sessions.trade_date = rates.rate_date
            and sessions.currency <> 'CNY'
),

judged as (
    select
        *,
        case
            when not has_nav then 'nav_missing'
            when index_level is null or index_level <= 0 then 'index_missing'
            when currency is null then 'currency_unknown'
            when is_rate_contradicted then 'fx_contradicted'
            when cny_rate is null then 'fx_missing'
            else 'known'
        end as input_status
    from levels
),

known_days as (
    select
        etf_code,
        trade_date,
        session_number,
        ln_growth,
        breaks,
        ln(index_level * cny_rate) as ln_benchmark,
        rate_jumps,
        known_at,
        lag(session_number) over by_session as previous_session_number,
        lag(ln_growth) over by_session as previous_ln_growth,
        lag(breaks) over by_session as previous_breaks,
        lag(ln(index_level * cny_rate)) over by_session as previous_ln_benchmark,
        lag(rate_jumps) over by_session as previous_rate_jumps,
        lag(known_at) over by_session as previous_known_at
    from judged
    where input_status = 'known'
    window by_session as (partition by etf_code order by trade_date nulls last)
),

compared as (
    select
        etf_code,
        trade_date,
        session_number - previous_session_number as span_sessions,
        rate_jumps > previous_rate_jumps as is_across_a_jump,
        case when breaks = previous_breaks and rate_jumps = previous_rate_jumps then ln_growth - previous_ln_growth end
            as ln_fund,
        case
            when breaks = previous_breaks and rate_jumps = previous_rate_jumps
                then ln_benchmark - previous_ln_benchmark
        end as ln_benchmark,
        greatest(known_at, previous_known_at) as known_at
    from known_days
)

select
    judged.etf_code,
    judged.trade_date,
    judged.session_number,
    judged.index_code,
    judged.has_nav,
    case
        when judged.input_status <> 'known' then judged.input_status
        when compared.is_across_a_jump then 'fx_contradicted'
        when compared.ln_fund is null then 'nav_missing'
        when compared.span_sessions > 1 then 'bridges_a_gap'
        else 'used'
    end as day_status,
    compared.span_sessions,
    compared.ln_fund,
    compared.ln_benchmark,
    exp(compared.ln_fund) - exp(compared.ln_benchmark) as tracking_difference,
    compared.known_at
from judged
left join compared
    on judged.etf_code = compared.etf_code and judged.trade_date = compared.trade_date
