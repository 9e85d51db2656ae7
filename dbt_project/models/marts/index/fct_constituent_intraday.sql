with quotes as (
    select
        *,
        -- one figure a day: a quote without it takes what the day told before
        coalesce(
            prev_close,
            max(prev_close) over (
                partition by security_code, quote_date
                order by quote_ts nulls first
                rows unbounded preceding
            )
        ) as reference_price,
        max(knowledge_at) over (
            partition by security_code, quote_date
            order by quote_ts nulls first
            rows unbounded preceding
        ) as known_so_far
    from {{ ref('stg_security_quotes') }}
),

-- else the close of the bar before
unreferenced_days as (
    select distinct
        security_code,
        quote_date
    from quotes
    where reference_price is null
),

earlier_dates as (
    select
        asked.security_code,
        asked.quote_date,
        max(moves.trade_date) as earlier_date
    from unreferenced_days as asked
    inner join {{ ref('int_security_returns') }} as moves
        on
            asked.security_code = moves.security_code
            and asked.quote_date > moves.trade_date
    where moves.close is not null
    group by asked.security_code, asked.quote_date
),

earlier_closes as (
    select
        earlier_dates.security_code,
        earlier_dates.quote_date,
        moves.close,
        moves.knowledge_at
    from earlier_dates
    inner join {{ ref('int_security_returns') }} as moves
        on
            earlier_dates.security_code = moves.security_code
            and earlier_dates.earlier_date = moves.trade_date
),

changes as (
    select
        weights.index_code,
        quotes.quote_ts,
        quotes.security_code,
        quotes.last,
        {{ change_ratio('quotes.last', 'coalesce(quotes.reference_price, earlier_closes.close)') }} as change_ratio,
        weights.weight,
        greatest(
            case when quotes.prev_close is null then quotes.known_so_far else quotes.knowledge_at end,
            weights.knowledge_at,
            case
                when quotes.reference_price is null then coalesce(earlier_closes.knowledge_at, quotes.knowledge_at)
                else quotes.knowledge_at
            end
        ) as knowledge_at
    from quotes
    inner join {{ ref('int_drifted_weights') }} as weights
        on
            quotes.security_code = weights.security_code
            and quotes.quote_date = weights.trade_date
    left join earlier_closes
        on
            quotes.security_code = earlier_closes.security_code
            and quotes.quote_date = earlier_closes.quote_date
)

select
    index_code,
    quote_ts,
    security_code,
    last,
    change_ratio,
    weight,
    case
        when change_ratio is not null
            then row_number() over (
                partition by index_code, quote_ts
                order by change_ratio desc nulls last, weight desc nulls last, security_code asc nulls last
            )
    end as rank_in_index,
    knowledge_at
from changes
