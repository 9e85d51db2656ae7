with sessions as (
    select
        date as session_date,
        case when is_session_hk then 1 else 0 end as hk,
        case when is_session_szse then 1 else 0 end as szse,
        case when is_session_hk and is_session_szse then 1 else 0 end as common
    from {{ ref('stg_trading_calendar') }}
),

session_numbers as (
    select
        session_date,
        hk,
        szse,
        common,
        sum(hk) over (order by session_date nulls first rows unbounded preceding) as hk_number,
        sum(szse) over (order by session_date nulls first rows unbounded preceding) as szse_number,
        sum(common) over (order by session_date nulls first rows unbounded preceding) as common_number
    from sessions
),

level_dates as (
    select
        index_code,
        trade_date as level_date,
        case when close is not null then trade_date end as close_date
    from {{ ref('stg_index_bars') }}
    union all
    select distinct
        index_code,
        quote_date as level_date,
        cast(null as date) as close_date
    from {{ ref('stg_index_quotes') }}
),

level_days as (
    select
        index_code,
        level_date,
        max(close_date) as close_date
    from level_dates
    group by index_code, level_date
),

neighbours as (
    select
        index_code,
        level_date,
        max(close_date) over (
            partition by index_code
            order by level_date nulls first
            rows between unbounded preceding and 1 preceding
        ) as previous_date
    from level_days
)

select
    neighbours.index_code,
    neighbours.level_date,
    neighbours.previous_date,
    bars.close as previous_close,
    bars.knowledge_at
from neighbours
inner join {{ ref('stg_index_bars') }} as bars
    on
        neighbours.index_code = bars.index_code
        and neighbours.previous_date = bars.trade_date
inner join session_numbers as here
    on neighbours.level_date = here.session_date
inner join session_numbers as there
    on neighbours.previous_date = there.session_date
-- An index of CNI or CSI may follow either market: a gap is a date on which both were open.
where
    case
        when neighbours.index_code like '%.HI' then here.hk_number - here.hk - there.hk_number
        when neighbours.index_code like '%.SH' or neighbours.index_code like '%.SZ'
            then here.szse_number - here.szse - there.szse_number
        else here.common_number - here.common - there.common_number
    end <= 0
