-- A line per market: adjusted prices or lots for shares would otherwise give one for every security.
with outside as (
    select
        *,
        {{ dbt.split_part('security_code', "'.'", 2) }} as market
    from {{ ref('int_security_turnovers_outside') }}
),

ranked as (
    select
        *,
        row_number() over (
            partition by market
            order by distance desc nulls last, security_code asc nulls last, trade_date asc nulls last
        ) as place
    from outside
),

counted as (
    select
        market,
        count(*) as bars,
        count(distinct security_code) as securities
    from outside
    group by market
)

select
    'security_turnover_outside_range' as check_name,
    counted.market as subject,
    concat(
        counted.bars, ' bar(s) of ', counted.securities, ' ', counted.market,
        ' securities have turnover over volume outside low and high, the furthest ', ranked.security_code, ' on ',
        ranked.trade_date, ' (', ranked.turnover, ' for ', ranked.volume_shares, ' shares, ', ranked.low, ' to ',
        ranked.high, '): turnover stands as delivered, sums and trading days of reviews use it.'
    ) as detail
from counted
inner join ranked
    on counted.market = ranked.market and ranked.place = 1
