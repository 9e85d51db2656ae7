with etfs as (
    {{ theme_etfs() }}
),

lengths as (
    select 5 as window_sessions
    union all
    select 10 as window_sessions
    union all
    select 20 as window_sessions
),

of_one as (
    select
        *,
        row_number() over (
            partition by etf_code, window_sessions order by as_of_date desc nulls last
        ) as place
    from {{ ref('fct_etf_flow_window') }}
),

days as (
    select
        etfs.theme,
        etfs.index_code,
        flows.trade_date,
        count(*) as trackers,
        count(flows.net_flow_cny) as trackers_known,
        sum(case when flows.flow_status = 'structural_zero' then 1 else 0 end) as trackers_closed,
        cast(sum(flows.net_flow_cny) as decimal(20, 2)) as net_flow_cny,
        max(flows.knowledge_at) as knowledge_at
    from etfs
    inner join {{ ref('fct_etf_daily') }} as flows
        on etfs.etf_code = flows.etf_code
    group by etfs.theme, etfs.index_code, flows.trade_date
),

last_known as (
    select
        theme,
        index_code,
        max(trade_date) as as_of_date
    from days
    where trackers_known > 0
    group by theme, index_code
),

numbered as (
    select
        days.*,
        last_known.as_of_date,
        row_number() over (
            partition by days.theme, days.index_code order by days.trade_date desc nulls last
        ) as sessions_back
    from days
    inner join last_known
        on
            days.theme = last_known.theme
            and days.index_code = last_known.index_code
            and days.trade_date <= last_known.as_of_date
),

together as (
    select
        numbered.theme,
        numbered.index_code,
        lengths.window_sessions,
        numbered.as_of_date,
        count(*) as sessions,
        sum(case when numbered.net_flow_cny > 0 then 1 else 0 end) as inflow_days,
        sum(case when numbered.net_flow_cny < 0 then 1 else 0 end) as outflow_days,
        sum(case when numbered.trackers_closed = numbered.trackers then 1 else 0 end) as structural_zero_days,
        sum(case when numbered.trackers_known < numbered.trackers then 1 else 0 end) as missing_days,
        cast(sum(numbered.net_flow_cny) as decimal(20, 2)) as cumulative_flow_cny,
        max(numbered.knowledge_at) as knowledge_at
    from numbered
    inner join lengths
        on numbered.sessions_back <= lengths.window_sessions
    group by numbered.theme, numbered.index_code, lengths.window_sessions, numbered.as_of_date
),

both_kinds as (
    select
        etfs.theme,
        etfs.index_code,
        etfs.etf_code,
        of_one.window_sessions,
        of_one.as_of_date,
        of_one.inflow_days,
        of_one.outflow_days,
        of_one.structural_zero_days,
        of_one.missing_days,
        of_one.cumulative_flow_cny,
        of_one.knowledge_at
    from etfs
    inner join of_one
        on etfs.etf_code = of_one.etf_code
    where of_one.place = 1
    union all
    select
        theme,
        index_code,
        'ALL' as etf_code,
        window_sessions,
        as_of_date,
        inflow_days,
        outflow_days,
        structural_zero_days,
        missing_days,
        cumulative_flow_cny,
        knowledge_at
    from together
    where sessions = window_sessions
)

select
    theme,
    index_code,
    etf_code,
    window_sessions,
    as_of_date,
    cast(inflow_days as integer) as inflow_days,
    cast(outflow_days as integer) as outflow_days,
    cast(structural_zero_days as integer) as structural_zero_days,
    cast(missing_days as integer) as missing_days,
    cast(window_sessions - structural_zero_days as integer) as creation_days,
    cumulative_flow_cny,
    knowledge_at
from both_kinds
