-- Mean daily turnover of the last twenty bars up to each bar, of what an index has held.
{% set first = first_changed_day() %}
{% if first is not none %}
    {% set since = day_of_earlier_row(first, 'security_code', 'trade_date', 19, among=
        'select security_code from ' ~ ref('stg_security_bars') ~ " where trade_date >= date '" ~ first ~ "'") %}
{% endif %}

with bars as (
    select *
    from {{ rows_since(since, ref('stg_security_bars'), 'trade_date') }}
)

select
    bars.security_code,
    bars.trade_date,
    coalesce(bars.currency, case when bars.security_code like '%.HK' then 'HKD' else 'CNY' end) as currency,
    -- the sum is one of decimals, so that it does not depend on where the bars begin
    cast(sum(bars.turnover) over last_bars as double) / nullif(count(bars.turnover) over last_bars, 0)
        as average_turnover,
    count(bars.turnover) over last_bars as bars,
    max(bars.knowledge_at) over last_bars as known_at
from bars
inner join {{ ref('int_index_members') }} as members
    on bars.security_code = members.security_code
window last_bars as (
    partition by bars.security_code
    order by bars.trade_date nulls last
    rows between 19 preceding and current row
)
