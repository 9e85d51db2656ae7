{# Weights drift from the date of their set: rows are made from the set that is in force on the first of them. #}
{% set first = first_changed_day() %}
{% if first is not none %}
    {% set since = run_query(
        "select strftime(coalesce(min(weight_date), date '" ~ first ~ "'), '%Y-%m-%d') from (select max(weight_date)"
        ~ " as weight_date from " ~ ref('int_index_sets') ~ " where serves_weights and weight_date < date '" ~ first
        ~ "' group by index_code)"
    ).rows[0][0] %}
{% endif %}

with sets as (
    select
        index_code,
        weight_date,
        lead(weight_date) over (partition by index_code order by weight_date nulls first) as next_date,
        knowledge_at
    from {{ ref('int_index_sets') }}
    where serves_weights
),

indices as (
    select distinct index_code from sets
),

-- Dates on which a weight is asked for: those of the index's bars, and those of intraday quotes.
asked_dates as (
    select
        index_code,
        trade_date
    from {{ ref('stg_index_bars') }}
    {% if first is not none %}
        where trade_date >= date '{{ since }}'
    {% endif %}
    union
    select
        indices.index_code,
        quote_dates.quote_date as trade_date
    from (select distinct quote_date from {{ ref('stg_security_quotes') }}) as quote_dates
    cross join indices
    {% if first is not none %}
        where quote_dates.quote_date >= date '{{ since }}'
    {% endif %}
),

moves as (
    select
        security_code,
        trade_date,
        change_ratio,
        knowledge_at
    from {{ ref('int_security_returns') }}
    {% if first is not none %}
        where trade_date >= date '{{ since }}'
    {% endif %}
),

-- Members move on their own sessions, also where the index has no bar.
market_dates as (
    select distinct trade_date from moves
),

dates as (
    select
        index_code,
        trade_date,
        true as is_asked
    from asked_dates
    union all
    select
        indices.index_code,
        market_dates.trade_date,
        false as is_asked
    from market_dates
    cross join indices
),

index_dates as (
    select
        index_code,
        trade_date,
        bool_or(is_asked) as is_asked
    from dates
    group by index_code, trade_date
),

events as (
    select
        index_code,
        trade_date,
        is_asked,
        cast(null as date) as weight_date
    from index_dates
    union all
    select
        index_code,
        weight_date as trade_date,
        false as is_asked,
        weight_date
    from sets
),

-- nulls first: on its own date a set comes after the session, which still belongs to the set before
effective_events as (
    select
        index_code,
        trade_date,
        is_asked,
        weight_date as own_set,
        max(weight_date) over (
            partition by index_code
            order by trade_date nulls first, weight_date nulls first
            rows unbounded preceding
        ) as weight_date
    from events
),

effective as (
    select
        index_code,
        trade_date,
        is_asked,
        weight_date,
        max(trade_date) over (partition by index_code, weight_date) as last_date
    from effective_events
    where own_set is null and weight_date is not null
),

member_days as (
    select
        effective.index_code,
        effective.trade_date,
        effective.is_asked,
        effective.weight_date,
        effective.last_date,
        members.security_code,
        members.weight,
        moves.change_ratio,
        moves.knowledge_at
    from effective
    inner join {{ ref('stg_index_weights') }} as members
        on
            effective.index_code = members.index_code
            and effective.weight_date = members.weight_date
    left join moves
        on
            members.security_code = moves.security_code
            and effective.trade_date = moves.trade_date
),

drifted as (
    select
        index_code,
        trade_date,
        is_asked,
        weight_date,
        last_date,
        security_code,
        weight * exp(
            coalesce(
                sum(ln(1 + coalesce(change_ratio, 0))) over (
                    partition by index_code, weight_date, security_code
                    order by trade_date nulls first
                    rows between unbounded preceding and 1 preceding
                ), 0
            )
        ) as grown_weight
    from member_days
),

known_days as (
    select
        index_code,
        weight_date,
        trade_date,
        max(knowledge_at) as knowledge_at
    from member_days
    group by index_code, weight_date, trade_date
),

known_before as (
    select
        index_code,
        weight_date,
        trade_date,
        max(knowledge_at) over (
            partition by index_code, weight_date
            order by trade_date nulls first
            rows between unbounded preceding and 1 preceding
        ) as knowledge_at
    from known_days
)

select
    drifted.index_code,
    drifted.trade_date,
    drifted.security_code,
    drifted.weight_date,
    drifted.grown_weight / sum(drifted.grown_weight) over (
        partition by drifted.index_code, drifted.trade_date
    ) as weight,
    greatest(sets.knowledge_at, coalesce(known_before.knowledge_at, sets.knowledge_at)) as knowledge_at
from drifted
inner join sets
    on
        drifted.index_code = sets.index_code
        and drifted.weight_date = sets.weight_date
inner join known_before
    on
        drifted.index_code = known_before.index_code
        and drifted.weight_date = known_before.weight_date
        and drifted.trade_date = known_before.trade_date
-- the last day of a set is where the next one is compared with it
where drifted.is_asked or (sets.next_date is not null and drifted.trade_date = drifted.last_date)
