-- Rates beside what else is known of them: quoted the other way round, a jump, another source, a cross rate.
{# What one unit is worth, in falling order, since the Hong Kong dollar fell below the yuan in January 2007. Those of
   one place have crossed or may. #}
{% set places = [('GBP', 1), ('EUR', 1), ('USD', 1), ('CNY', 2), ('CNH', 2), ('HKD', 3), ('JPY', 4)] %}
{% set first_day = '2008-01-01' %}

with places as (
    {% for currency, place in places %}
        select
            '{{ currency }}' as currency,
            {{ place }} as place
        {% if not loop.last %}
            union all
        {% endif %}
    {% endfor %}
),

-- two hundredths around 1 are left to both sides
sided as (
    select
        rates.pair,
        rates.rate_kind,
        rates.rate_date,
        cast(rates.rate as double) as rate,
        substring(rates.pair, 1, 3) as base_currency,
        substring(rates.pair, 4, 3) as quote_currency,
        rates.knowledge_at,
        coalesce(
            rates.rate_date >= cast('{{ first_day }}' as date)
            and (
                (bases.place < quotes.place and cast(rates.rate as double) < 0.98)
                or (bases.place > quotes.place and cast(rates.rate as double) > 1.02)
            ),
            false
        ) as is_inverted
    from {{ ref('stg_fx_rates') }} as rates
    left join places as bases
        on substring(rates.pair, 1, 3) = bases.currency
    left join places as quotes
        on substring(rates.pair, 4, 3) = quotes.currency
    where length(rates.pair) = 6
),

followed as (
    select
        *,
        lag(rate) over by_day as rate_before,
        lag(rate_date) over by_day as date_before
    from sided
    window by_day as (partition by pair, rate_kind, is_inverted order by rate_date nulls last)
),

-- no managed currency moves by a fifth within ten days
stepped as (
    select
        *,
        coalesce(
            not is_inverted
            and {{ dbt.datediff('date_before', 'rate_date', 'day') }} <= 10
            and abs(ln(rate / rate_before)) > ln(1.2),
            false
        ) as is_jump
    from followed
),

upright as (
    select *
    from sided
    where not is_inverted
),

witnesses as (
    select
        rates.pair,
        rates.rate_kind,
        rates.rate_date,
        beside.rate as other_rate,
        concat('rate of kind ', beside.rate_kind) as other_said,
        beside.knowledge_at
    from upright as rates
    inner join upright as beside
        on
            rates.pair = beside.pair
            and rates.rate_date = beside.rate_date
            and rates.rate_kind <> beside.rate_kind
    union all
    select
        rates.pair,
        rates.rate_kind,
        rates.rate_date,
        1 / beside.rate as other_rate,
        concat('reciprocal of ', beside.pair, ' ', beside.rate_kind) as other_said,
        beside.knowledge_at
    from upright as rates
    inner join upright as beside
        on
            rates.base_currency = beside.quote_currency
            and rates.quote_currency = beside.base_currency
            and rates.rate_date = beside.rate_date
    union all
    select
        rates.pair,
        rates.rate_kind,
        rates.rate_date,
        in_quote.rate / in_base.rate as other_rate,
        concat(in_quote.pair, ' ', in_quote.rate_kind, ' over ', in_base.pair, ' ', in_base.rate_kind) as other_said,
        greatest(in_quote.knowledge_at, in_base.knowledge_at) as knowledge_at
    from upright as rates
    inner join upright as in_quote
        on rates.quote_currency = in_quote.quote_currency and rates.rate_date = in_quote.rate_date
    inner join upright as in_base
        on
            rates.base_currency = in_base.quote_currency
            and in_quote.base_currency = in_base.base_currency
            and rates.rate_date = in_base.rate_date
    where in_quote.base_currency not in (rates.base_currency, rates.quote_currency)
),

-- buying and selling rates lie three hundredths beside the middle
disagreeing as (
    select
        rates.pair,
        rates.rate_kind,
        rates.rate_date,
        max_by(witnesses.other_rate, abs(ln(rates.rate / witnesses.other_rate))) as other_rate,
        max_by(witnesses.other_said, abs(ln(rates.rate / witnesses.other_rate))) as other_said,
        max(witnesses.knowledge_at) as knowledge_at
    from upright as rates
    inner join witnesses
        on
            rates.pair = witnesses.pair
            and rates.rate_kind = witnesses.rate_kind
            and rates.rate_date = witnesses.rate_date
    where abs(ln(rates.rate / witnesses.other_rate)) > 0.1
    group by rates.pair, rates.rate_kind, rates.rate_date
)

select
    stepped.pair,
    stepped.rate_kind,
    stepped.rate_date,
    stepped.rate,
    case
        when stepped.is_inverted then 'inverted'
        when stepped.is_jump then 'jump'
        when disagreeing.pair is not null then 'disagreement'
    end as contradiction,
    case
        when stepped.is_inverted then 1 / stepped.rate
        when stepped.is_jump then stepped.rate_before
        else disagreeing.other_rate
    end as other_rate,
    case
        when stepped.is_inverted then 'its reciprocal'
        when stepped.is_jump then concat('rate of ', stepped.date_before)
        else disagreeing.other_said
    end as other_said,
    sum(case when stepped.is_jump then 1 else 0 end) over (
        partition by stepped.pair, stepped.rate_kind order by stepped.rate_date nulls last rows unbounded preceding
    ) as jumps_so_far,
    greatest(stepped.knowledge_at, coalesce(disagreeing.knowledge_at, stepped.knowledge_at)) as knowledge_at
from stepped
left join disagreeing
    on
        stepped.pair = disagreeing.pair
        and stepped.rate_kind = disagreeing.rate_kind
        and stepped.rate_date = disagreeing.rate_date
