with dated as (
    select
        shares.etf_code,
        shares.share_date,
        shares.share_basis,
        shares.shares,
        shares.knowledge_at,
        shares.first_known_at,
        case
            when shares.share_basis = 'open_of_day' then calendar.previous_session_szse
            when calendar.is_session_szse then calendar.date
        end as trade_date,
        case
            when calendar.is_session_szse then calendar.date
            when shares.share_basis = 'open_of_day' then calendar.next_session_szse
        end as unit_date
    from {{ lately(ref('stg_etf_shares'), 'share_date', 30) }} as shares
    inner join {{ ref('stg_trading_calendar') }} as calendar
        on shares.share_date = calendar.date
),

ranked as (
    select
        *,
        row_number() over by_preference as preference,
        {# the count of the other basis for the same session, where both are delivered #}
        lead(shares) over by_preference as other_shares,
        lead(unit_date) over by_preference as other_unit_date
    from dated
    where trade_date is not null and unit_date is not null
    window by_preference as (
        partition by etf_code, trade_date
        order by case when share_basis = 'close_of_day' then 0 else 1 end, share_date desc nulls last
    )
)

select
    etf_code,
    trade_date,
    share_basis,
    unit_date,
    shares as delivered_shares,
    other_shares,
    other_unit_date,
    knowledge_at,
    first_known_at
from ranked
where preference = 1
