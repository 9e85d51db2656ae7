with listed as (
    select index_code from {{ ref('theme_indices') }}
    union
    select index_code from {{ ref('dim_index') }}
    where index_code in ('HSI.HI', 'HSTECH.HI')
),

quotes as (
    select
        *,
        row_number() over (partition by index_code order by quote_ts desc nulls last) as place
    from {{ ref('fct_index_intraday') }}
),

bars as (
    select
        *,
        row_number() over (partition by index_code order by trade_date desc nulls last) as place
    from {{ ref('fct_index_daily') }}
    where close is not null
),

-- whichever is later speaks
current_state as (
    select
        listed.index_code,
        case
            when
                quotes.quote_ts is not null
                and cast(quotes.quote_ts as date) >= coalesce(bars.trade_date, cast(quotes.quote_ts as date))
                then 'intraday'
            else 'close'
        end as basis,
        quotes.quote_ts,
        quotes.last,
        quotes.prev_close,
        quotes.change_ratio as intraday_change,
        quotes.open_gap_ratio as intraday_gap,
        quotes.open_state,
        quotes.turned_at,
        quotes.knowledge_at as quote_known_at,
        bars.trade_date,
        bars.change_ratio as daily_change,
        bars.open_gap_ratio as daily_gap,
        bars.knowledge_at as bar_known_at
    from listed
    left join quotes
        on listed.index_code = quotes.index_code and quotes.place = 1
    left join bars
        on listed.index_code = bars.index_code and bars.place = 1
    where quotes.index_code is not null or bars.index_code is not null
),

spoken as (
    select
        index_code,
        basis,
        case when basis = 'intraday' then cast(quote_ts as date) else trade_date end as trade_date,
        case when basis = 'intraday' then quote_ts end as quote_ts,
        case when basis = 'intraday' then intraday_gap else daily_gap end as open_gap_ratio,
        case when basis = 'intraday' then intraday_change else daily_change end as change_ratio,
        case when basis = 'intraday' then open_state end as open_state,
        case when basis = 'intraday' then turned_at end as turned_at,
        case when basis = 'intraday' then quote_known_at else bar_known_at end as knowledge_at
    from current_state
),

pairs as (
    select
        own.index_code,
        own.change_ratio,
        market.change_ratio as market_change_ratio,
        row_number() over (partition by own.index_code order by own.trade_date desc nulls last) as sessions_back
    from {{ ref('fct_index_daily') }} as own
    inner join {{ ref('fct_index_daily') }} as market
        on
            market.index_code = 'HSI.HI'
            and own.trade_date = market.trade_date
    where own.index_code <> 'HSI.HI' and own.change_ratio is not null and market.change_ratio is not null
),

betas as (
    select
        index_code,
        count(*) as beta_sessions,
        covar_samp(change_ratio, market_change_ratio) / nullif(var_samp(market_change_ratio), 0) as beta_to_hsi
    from pairs
    where sessions_back <= 60
    group by index_code
    having count(*) >= 20
)

select
    spoken.index_code,
    named.name_en,
    spoken.basis,
    spoken.trade_date,
    spoken.quote_ts,
    spoken.open_gap_ratio,
    spoken.change_ratio,
    spoken.open_state,
    spoken.turned_at,
    betas.beta_to_hsi,
    betas.beta_sessions,
    case
        when spoken.trade_date = market.trade_date and spoken.basis = market.basis
            then spoken.change_ratio - betas.beta_to_hsi * market.change_ratio
    end as alpha_to_hsi_ratio,
    spoken.knowledge_at
from spoken
left join betas
    on spoken.index_code = betas.index_code
left join spoken as market
    on market.index_code = 'HSI.HI'
left join {{ ref('dim_index') }} as named
    on spoken.index_code = named.index_code
