{# A streak counts from the session that ended the one before. #}
{% set ends_streak = "flow_status <> 'structural_zero' and coalesce(net_flow_cny, 0) <= 0" %}
{% set first = first_changed_day() %}
{% if first is not none %}
    {% set since = run_query(
        "select strftime(coalesce(min(coalesce(ended, first_date)), date '" ~ first ~ "'), '%Y-%m-%d') from ("
        ~ "select min(trade_date) as first_date, max(case when trade_date < date '" ~ first ~ "' and " ~ ends_streak
        ~ " then trade_date end) as ended from " ~ ref('int_etf_flows') ~ " group by etf_code having max(trade_date)"
        ~ " >= date '" ~ first ~ "')"
    ).rows[0][0] %}
{% endif %}

with firsts as (
    select
        etf_code,
        min(session_number) as first_number
    from {{ ref('int_etf_flows') }}
    where has_shares
    group by etf_code
),

marked as (
    select
        flows.*,
        flows.session_number - firsts.first_number as sessions_since_first_shares,
        case when {{ ends_streak }} then 1 else 0 end as ends_streak
    from {{ ref('int_etf_flows') }} as flows
    left join firsts
        on flows.etf_code = firsts.etf_code
    {% if first is not none %}
        where flows.trade_date >= least(date '{{ since }}', date '{{ first }}' - 60)
    {% endif %}
),

streaks as (
    select
        *,
        sum(ends_streak) over (
            partition by etf_code order by trade_date nulls last rows unbounded preceding
        ) as streak_number
    from marked
),

counted as (
    select
        *,
        sum(case when net_flow_cny > 0 then 1 else 0 end) over (
            partition by etf_code, streak_number order by trade_date nulls last rows unbounded preceding
        ) as inflow_streak,
        max(flow_known_at) over (
            partition by etf_code, streak_number order by trade_date nulls last rows unbounded preceding
        ) as streak_known_at
    from streaks
),

windows as (
    {% for sessions in [5, 10, 20] %}
        select
            etf_code,
            trade_date,
            has_shares,
            sessions_since_first_shares,
            inflow_streak,
            {{ sessions }} as window_sessions,
            sum(case when net_flow_cny > 0 then 1 else 0 end) over last_sessions as inflow_days,
            sum(case when net_flow_cny < 0 then 1 else 0 end) over last_sessions as outflow_days,
            sum(case when flow_status = 'structural_zero' then 1 else 0 end) over last_sessions
                as structural_zero_days,
            sum(case when net_flow_cny is null then 1 else 0 end) over last_sessions as missing_days,
            cast(sum(net_flow_cny) over last_sessions as decimal(20, 2)) as cumulative_flow_cny,
            max(net_flow_cny) over last_sessions as max_daily_flow_cny,
            case
                when count(net_flow_at_vwap_cny) over last_sessions = count(net_flow_cny) over last_sessions
                    then cast(sum(net_flow_at_vwap_cny) over last_sessions as decimal(20, 2))
            end as cumulative_flow_at_vwap_cny,
            max(flow_first_known_at) over last_sessions as first_known_at,
            greatest(max(flow_known_at) over last_sessions, streak_known_at) as knowledge_at
        from counted
        window
            last_sessions as (
                partition by etf_code
                order by trade_date nulls last
                rows between {{ sessions - 1 }} preceding and current row
            )
        {% if not loop.last %}
            union all
        {% endif %}
    {% endfor %}
),

averaged as (
    select
        *,
        {{ exact_integer('cast(cumulative_flow_cny as decimal(38, 2)) * 100') }} as cumulative_cents,
        {{ exact_integer('window_sessions') }} as sessions
    from windows
    where has_shares and sessions_since_first_shares >= window_sessions
)

select
    etf_code,
    trade_date as as_of_date,
    window_sessions,
    cast(inflow_days as integer) as inflow_days,
    cast(outflow_days as integer) as outflow_days,
    cast(structural_zero_days as integer) as structural_zero_days,
    cast(missing_days as integer) as missing_days,
    cumulative_flow_cny,
    max_daily_flow_cny,
    {{ money_from_cents('cumulative_cents', 'sessions') }} as average_flow_cny,
    cast(inflow_streak as integer) as inflow_streak,
    cumulative_flow_at_vwap_cny,
    first_known_at,
    knowledge_at
from averaged
order by as_of_date nulls last, window_sessions nulls last, etf_code nulls last
