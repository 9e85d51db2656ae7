with etfs as (
    {{ theme_etfs() }}
),

latest as (
    select
        *,
        row_number() over (partition by etf_code order by as_of_date desc nulls last) as place
    from {{ ref('fct_etf_flow_window') }}
    where window_sessions = 5 and etf_code in (select etf_code from etfs)
),

sessions as (
    select
        latest.etf_code,
        bars.change_ratio,
        row_number() over (partition by latest.etf_code order by bars.trade_date desc nulls last) as sessions_back
    from latest
    inner join {{ ref('fct_etf_daily') }} as bars
        on
            latest.etf_code = bars.etf_code
            and latest.as_of_date >= bars.trade_date
    where latest.place = 1
),

returns as (
    select
        etf_code,
        case when count(change_ratio) = 5 then exp(sum(ln(1 + change_ratio))) - 1 end as return_5_sessions
    from sessions
    where sessions_back <= 5 and coalesce(change_ratio > -1, true)
    group by etf_code
)

select
    etfs.theme,
    etfs.index_code,
    latest.etf_code,
    latest.as_of_date,
    latest.cumulative_flow_cny,
    returns.return_5_sessions,
    case
        when latest.cumulative_flow_cny > 0 and returns.return_5_sessions > 0 then 'chasing'
        when latest.cumulative_flow_cny < 0 and returns.return_5_sessions > 0 then 'selling_strength'
        when latest.cumulative_flow_cny > 0 and returns.return_5_sessions < 0 then 'buying_weakness'
        when latest.cumulative_flow_cny < 0 and returns.return_5_sessions < 0 then 'leaving'
        when latest.cumulative_flow_cny is not null and returns.return_5_sessions is not null then 'flat'
        else 'unknown'
    end as quadrant,
    latest.inflow_streak,
    latest.missing_days,
    latest.knowledge_at
from etfs
inner join latest
    on etfs.etf_code = latest.etf_code
left join returns
    on latest.etf_code = returns.etf_code
where latest.place = 1
