-- Mean daily turnover of the last twenty bars up to each bar, of what an index has held.
with members as (
    select distinct security_code
    from {{ ref('stg_index_weights') }}
)

select
    bars.security_code,
    bars.trade_date,
    coalesce(bars.currency, case when bars.security_code like '%.HK' then 'HKD' else 'CNY' end) as currency,
    avg(cast(bars.turnover as double)) over last_bars as average_turnover,
    count(bars.turnover) over last_bars as bars,
    max(bars.knowledge_at) over last_bars as known_at
from {{ ref('stg_security_bars') }} as bars
inner join members
    on bars.security_code = members.security_code
window last_bars as (
    partition by bars.security_code
    order by bars.trade_date nulls last
    rows between 19 preceding and current row
)
