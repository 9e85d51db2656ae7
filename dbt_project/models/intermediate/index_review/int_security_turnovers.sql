-- Mean daily turnover of the last twenty bars up to each bar.
select
    security_code,
    trade_date,
    coalesce(currency, case when security_code like '%.HK' then 'HKD' else 'CNY' end) as currency,
    avg(cast(turnover as double)) over last_bars as average_turnover,
    count(turnover) over last_bars as bars,
    max(knowledge_at) over last_bars as known_at
from {{ ref('stg_security_bars') }}
window last_bars as (
    partition by security_code
    order by trade_date nulls last
    rows between 19 preceding and current row
)
