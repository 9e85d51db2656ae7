with etfs as (
    {{ theme_etfs() }}
),

flows as (
    select
        etf_code,
        trade_date,
        net_flow_cny,
        aum_cny,
        flow_status,
        span_sessions,
        knowledge_at,
        row_number() over (partition by etf_code order by trade_date desc nulls last) as sessions_back,
        max(case when net_flow_cny is not null then trade_date end) over (partition by etf_code) as flow_date
    from {{ ref('fct_etf_daily') }}
    where etf_code in (select etf_code from etfs)
),

latest as (
    select * from flows
    where trade_date = coalesce(flow_date, trade_date) and (flow_date is not null or sessions_back = 1)
)

select
    etfs.theme,
    etfs.index_code,
    etfs.etf_code,
    named.name_en,
    named.name_zh,
    latest.trade_date,
    latest.net_flow_cny,
    cast(latest.net_flow_cny as double)
    / nullif(cast(latest.aum_cny as double) - cast(latest.net_flow_cny as double), 0) as flow_of_assets_ratio,
    case
        when latest.net_flow_cny > 0 then 'inflow'
        when latest.net_flow_cny < 0 then 'outflow'
        when latest.net_flow_cny = 0 then 'none'
        else 'unknown'
    end as direction,
    coalesce(latest.flow_status, 'missing') as flow_status,
    coalesce(latest.flow_status in ('final', 'split_adjusted', 'structural_zero'), false) as is_final,
    latest.span_sessions,
    latest.sessions_back - 1 as sessions_since,
    latest.knowledge_at
from etfs
inner join latest
    on etfs.etf_code = latest.etf_code
left join {{ ref('dim_etf') }} as named
    on etfs.etf_code = named.etf_code
