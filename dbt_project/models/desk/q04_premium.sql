with etfs as (
    {{ theme_etfs() }}
),

sessions as (
    select
        etf_code,
        trade_date,
        premium_iopv_ratio,
        premium_iopv_at,
        premium_ratio,
        premium_basis,
        premium_zscore,
        net_flow_cny,
        knowledge_at,
        lead(net_flow_cny) over (partition by etf_code order by trade_date nulls last) as next_flow_cny,
        row_number() over (partition by etf_code order by trade_date desc nulls last) as sessions_back,
        row_number() over (
            partition by etf_code
            order by case when premium_basis is not null then 0 else 1 end nulls last, trade_date desc nulls last
        ) as place
    from {{ ref('fct_etf_daily') }}
    where etf_code in (select etf_code from etfs)
),

followed as (
    select
        etf_code,
        count(*) as sessions_compared,
        corr(premium_ratio, cast(next_flow_cny as double)) as premium_next_flow_correlation
    from sessions
    where sessions_back <= 61 and premium_ratio is not null and next_flow_cny is not null
    group by etf_code
)

select
    etfs.theme,
    etfs.index_code,
    sessions.etf_code,
    sessions.trade_date,
    sessions.premium_iopv_ratio,
    sessions.premium_iopv_at,
    sessions.premium_ratio,
    sessions.premium_basis,
    sessions.premium_zscore,
    followed.premium_next_flow_correlation,
    followed.sessions_compared,
    sessions.knowledge_at
from etfs
inner join sessions
    on etfs.etf_code = sessions.etf_code
left join followed
    on sessions.etf_code = followed.etf_code
where sessions.place = 1
