with etfs as (
    {{ theme_etfs() }}
),

windows as (
    select
        *,
        row_number() over (partition by etf_code order by as_of_date desc nulls last) as place
    from {{ ref('fct_etf_flow_window') }}
    where window_sessions = 5 and etf_code in (select etf_code from etfs)
),

tracker_flows as (
    select
        etfs.theme,
        etfs.index_code,
        max(windows.as_of_date) as as_of_date,
        cast(sum(windows.cumulative_flow_cny) as decimal(20, 2)) as tracker_flow_cny,
        max(windows.knowledge_at) as knowledge_at
    from etfs
    inner join windows
        on etfs.etf_code = windows.etf_code and windows.place = 1
    group by etfs.theme, etfs.index_code
),

last_dates as (
    select
        index_code,
        max(trade_date) as trade_date
    from {{ ref('fct_constituent_daily') }}
    group by index_code
)

select
    flows.theme,
    members.index_code,
    members.security_code,
    named.name_en,
    named.name_zh,
    flows.as_of_date,
    members.weight,
    cast(cast(flows.tracker_flow_cny as double) * members.weight as decimal(20, 2)) as tracker_flow_share_cny,
    cast(null as bigint) as southbound_holding_change_shares,
    'not_available' as status,
    'needs southbound holdings by security and day (CCASS): no table carries them' as missing_input,
    greatest(flows.knowledge_at, members.knowledge_at) as knowledge_at
from tracker_flows as flows
inner join last_dates
    on flows.index_code = last_dates.index_code
inner join {{ ref('fct_constituent_daily') }} as members
    on
        last_dates.index_code = members.index_code
        and last_dates.trade_date = members.trade_date
left join {{ ref('dim_security') }} as named
    on members.security_code = named.security_code
