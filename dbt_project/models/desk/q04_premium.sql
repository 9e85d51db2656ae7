with etfs as (
    {{ theme_etfs() }}
),

closing_quotes as (
    select
        *,
        row_number() over (
            partition by etf_code, cast(quote_ts as date) order by quote_ts desc nulls last
        ) as place
    from {{ ref('fct_etf_intraday') }}
    where premium_ratio is not null
),

sessions as (
    select
        *,
        lead(net_flow_cny) over (partition by etf_code order by trade_date nulls last) as next_flow_cny,
        row_number() over (partition by etf_code order by trade_date desc nulls last) as sessions_back,
        row_number() over (
            partition by etf_code
            order by case when premium_ratio is not null then 0 else 1 end nulls last, trade_date desc nulls last
        ) as place
    from {{ ref('fct_etf_daily') }}
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
    quotes.quote_ts,
    quotes.premium_ratio as premium_to_iopv_ratio,
    sessions.premium_ratio as premium_to_nav_ratio,
    followed.premium_next_flow_correlation,
    followed.sessions_compared,
    greatest(sessions.knowledge_at, coalesce(quotes.knowledge_at, sessions.knowledge_at)) as knowledge_at
from etfs
inner join sessions
    on etfs.etf_code = sessions.etf_code
left join closing_quotes as quotes
    on
        sessions.etf_code = quotes.etf_code
        and sessions.trade_date = cast(quotes.quote_ts as date)
        and quotes.place = 1
left join followed
    on sessions.etf_code = followed.etf_code
where sessions.place = 1
