{# Where a provider gives no reference price, the last close before is one, however long ago it was. #}
{% set first = first_changed_day() %}
{% if first is not none %}
    {% set since = day_of_earlier_row(first, 'security_code', 'trade_date', 1, where='close is not null', among=
        'select security_code from ' ~ ref('stg_security_bars') ~ " where prev_close is null and trade_date >= date '"
        ~ first ~ "'") %}
{% endif %}

with delivered as (
    select *
    from {{ rows_since(since, ref('stg_security_bars'), 'trade_date') }}
),

-- only for the securities of which a provider gives no reference price
bars as (
    select
        security_code,
        trade_date,
        prev_close,
        max(case when close is not null then trade_date end) over (
            partition by security_code
            order by trade_date nulls first
            rows between unbounded preceding and 1 preceding
        ) as earlier_close_date
    from delivered
    where
        security_code in (
            select unpriced.security_code
            from delivered as unpriced
            where unpriced.prev_close is null
        )
),

earlier_closes as (
    select
        bars.security_code,
        bars.trade_date,
        earlier.close as earlier_close,
        earlier.knowledge_at
    from bars
    inner join delivered as earlier
        on
            bars.security_code = earlier.security_code
            and bars.earlier_close_date = earlier.trade_date
    where bars.prev_close is null
),

referenced as (
    select
        delivered.security_code,
        delivered.trade_date,
        delivered.close,
        coalesce(delivered.prev_close, earlier_closes.earlier_close) as reference_price,
        delivered.volume_shares,
        delivered.turnover,
        delivered.currency,
        greatest(
            delivered.knowledge_at, coalesce(earlier_closes.knowledge_at, delivered.knowledge_at)
        ) as knowledge_at
    from delivered
    left join earlier_closes
        on
            delivered.security_code = earlier_closes.security_code
            and delivered.trade_date = earlier_closes.trade_date
),

judged as (
    select
        *,
        close is null or coalesce(volume_shares = 0 and close = reference_price, false) as is_suspended
    from referenced
)

select
    security_code,
    trade_date,
    close,
    reference_price,
    is_suspended,
    case
        when is_suspended then cast(0 as double)
        else {{ change_ratio('close', 'reference_price') }}
    end as change_ratio,
    turnover,
    currency,
    knowledge_at
from judged
