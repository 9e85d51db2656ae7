-- The moment that the market note speaks of, and the business dates it bounds.
with parameters as (
    select
        as_of,
        note_etf_code,
        note_index_code
    from {{ source('control', 'build_parameters') }}
),

latest_quotes as (
    select max(quotes.quote_ts) as quote_ts
    from {{ ref('fct_etf_intraday') }} as quotes
    inner join parameters
        on quotes.etf_code = parameters.note_etf_code
),

latest_bars as (
    select max(bars.trade_date) as trade_date
    from {{ ref('fct_etf_daily') }} as bars
    inner join parameters
        on bars.etf_code = parameters.note_etf_code
    where bars.close is not null
),

-- a later session without a quote is told by its close
moments as (
    select
        parameters.as_of,
        parameters.note_etf_code,
        parameters.note_index_code,
        case
            when latest_bars.trade_date is null or cast(latest_quotes.quote_ts as date) >= latest_bars.trade_date
                then latest_quotes.quote_ts
        end as quote_ts,
        latest_bars.trade_date
    from parameters
    cross join latest_quotes
    cross join latest_bars
),

bounded as (
    select
        as_of,
        note_etf_code,
        note_index_code,
        quote_ts,
        coalesce(quote_ts, {{ shanghai_moment('trade_date', 900) }}, as_of) as moment
    from moments
)

select
    as_of,
    note_etf_code,
    note_index_code,
    quote_ts,
    moment,
    cast(moment as date) as note_date,
    cast({{ dbt.date_trunc('month', 'moment') }} as date) as month_start,
    cast(
        {{ dbt.dateadd('month', -3, dbt.date_trunc('quarter', 'cast(moment as date)')) }} as date
    ) as ended_quarter_start,
    case
        when moment < as_of
            then
                'data ends ' || cast(cast(moment as date) as {{ dbt.type_string() }})
                || ' ' || {{ clock_text('moment') }}
    end as data_ends
from bounded
