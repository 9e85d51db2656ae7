with trackers as (
    select
        tracked_index_code as index_code,
        etf_code
    from {{ ref('dim_etf') }}
    where tracked_index_code is not null
    union
    select
        known.index_code,
        known.etf_code
    from {{ ref('index_trackers') }} as known
    left join {{ ref('dim_etf') }} as etfs
        on known.etf_code = etfs.etf_code
    where etfs.tracked_index_code is null
),

days as (
    select
        trackers.index_code,
        flows.trade_date,
        count(*) as trackers,
        count(flows.net_flow_cny) as trackers_known,
        sum(case when flows.flow_status = 'structural_zero' then 1 else 0 end) as trackers_closed,
        {{ money_sum('flows.net_flow_cny') }} as net_flow_cny,
        max(flows.knowledge_at) as knowledge_at
    from trackers
    inner join {{ ref('fct_etf_daily') }} as flows
        on trackers.etf_code = flows.etf_code
    group by trackers.index_code, flows.trade_date
),

numbered as (
    select
        *,
        sum(case when trackers_known > 0 then 1 else 0 end) over so_far as days_known,
        row_number() over (partition by index_code order by trade_date nulls last) as session_number
    from days
    window so_far as (partition by index_code order by trade_date nulls last rows unbounded preceding)
),

-- sessions count from the first on which any flow is known
counted as (
    select
        *,
        session_number - min(case when days_known > 0 then session_number end) over (partition by index_code) + 1
            as sessions_so_far
    from numbered
),

windows as (
    {% for sessions in [5, 10, 20] %}
        select
            index_code,
            trade_date,
            {{ sessions }} as window_sessions,
            trackers,
            trackers_known,
            sessions_so_far,
            sum(case when net_flow_cny > 0 then 1 else 0 end) over last_sessions as inflow_days,
            sum(case when net_flow_cny < 0 then 1 else 0 end) over last_sessions as outflow_days,
            sum(case when trackers_closed = trackers then 1 else 0 end) over last_sessions as structural_zero_days,
            sum(case when trackers_known < trackers then 1 else 0 end) over last_sessions as missing_days,
            case
                when abs(sum(net_flow_cny) over last_sessions) < 1e18
                    then cast(sum(net_flow_cny) over last_sessions as decimal(20, 2))
            end as cumulative_flow_cny,
            max(net_flow_cny) over last_sessions as max_daily_flow_cny,
            max(knowledge_at) over last_sessions as knowledge_at
        from counted
        window
            last_sessions as (
                partition by index_code
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
    where trackers_known > 0 and sessions_so_far >= window_sessions
)

select
    index_code,
    trade_date as as_of_date,
    window_sessions,
    cast(trackers as integer) as trackers,
    cast(inflow_days as integer) as inflow_days,
    cast(outflow_days as integer) as outflow_days,
    cast(structural_zero_days as integer) as structural_zero_days,
    cast(missing_days as integer) as missing_days,
    cumulative_flow_cny,
    max_daily_flow_cny,
    {{ money_from_cents('cumulative_cents', 'sessions') }} as average_flow_cny,
    knowledge_at
from averaged
