with quotes as (
    select
        quotes.index_code,
        quotes.quote_ts,
        quotes.quote_date,
        quotes.last,
        quotes.open,
        -- one figure a day: a quote without it takes what the day, else the previous bar, told
        coalesce(
            quotes.prev_close,
            max(quotes.prev_close) over (
                partition by quotes.index_code, quotes.quote_date
                order by quotes.quote_ts nulls first
                rows unbounded preceding
            ),
            earlier.previous_close
        ) as prev_close,
        greatest(
            quotes.knowledge_at,
            case
                when quotes.prev_close is null then coalesce(earlier.knowledge_at, quotes.knowledge_at)
                else quotes.knowledge_at
            end
        ) as knowledge_at
    from {{ ref('stg_index_quotes') }} as quotes
    left join {{ ref('int_index_previous_closes') }} as earlier
        on
            quotes.index_code = earlier.index_code
            and quotes.quote_date = earlier.level_date
),

opening_moments as (
    select
        index_code,
        quote_date,
        min(quote_ts) as opening_ts
    from quotes
    where open is not null
    group by index_code, quote_date
),

openings as (
    select
        quotes.index_code,
        quotes.quote_date,
        quotes.quote_ts as opening_ts,
        quotes.open
    from quotes
    inner join opening_moments
        on
            quotes.index_code = opening_moments.index_code
            and quotes.quote_ts = opening_moments.opening_ts
),

opened as (
    select
        quotes.index_code,
        quotes.quote_ts,
        quotes.quote_date,
        quotes.last,
        quotes.prev_close,
        openings.open,
        quotes.quote_ts > openings.opening_ts as is_after_opening,
        coalesce(quotes.quote_ts = openings.opening_ts, false) as is_opening_quote,
        -- in decimals, so that half a basis point is judged exactly
        case
            when abs(openings.open - quotes.prev_close) * 20000 < quotes.prev_close then 'flat'
            when openings.open < quotes.prev_close then 'low'
            when openings.open > quotes.prev_close then 'high'
        end as opening,
        quotes.knowledge_at
    from quotes
    left join openings
        on
            quotes.index_code = openings.index_code
            and quotes.quote_date = openings.quote_date
            and quotes.quote_ts >= openings.opening_ts
),

turned as (
    select
        index_code,
        quote_ts,
        last,
        open,
        prev_close,
        opening,
        is_opening_quote,
        min(
            case
                when not is_after_opening then null
                when opening = 'low' and last > prev_close then quote_ts
                when opening = 'high' and last < prev_close then quote_ts
            end
        ) over (
            partition by index_code, quote_date
            order by quote_ts nulls first
            rows unbounded preceding
        ) as turned_at,
        max(knowledge_at) over (
            partition by index_code, quote_date
            order by quote_ts nulls first
            rows unbounded preceding
        ) as knowledge_at
    from opened
)

select
    index_code,
    quote_ts,
    last,
    open,
    prev_close,
    {{ change_ratio('last', 'prev_close') }} as change_ratio,
    {{ change_ratio('open', 'prev_close') }} as open_gap_ratio,
    case
        when opening = 'flat' then 'flat_open'
        when last is null then null
        when opening = 'low' and last > prev_close then 'low_open_now_up'
        when opening = 'low' and turned_at is not null then 'low_open_faded'
        when opening = 'low' then 'low_open_still_down'
        when opening = 'high' and last < prev_close then 'high_open_now_down'
        when opening = 'high' and turned_at is not null then 'high_open_recovered'
        when opening = 'high' then 'high_open_still_up'
    end as open_state,
    turned_at,
    is_opening_quote,
    knowledge_at
from turned
