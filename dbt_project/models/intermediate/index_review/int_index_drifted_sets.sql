{% set first = first_changed_day() %}
{% if first is not none %}
    {% set since = run_query(
        "select min(previous_date) from " ~ ref('int_index_reviews') ~ " where weight_date >= date '" ~ first ~ "'"
    ).rows[0][0] %}
    {% set since = since | string if since is not none else first %}
{% endif %}

-- Weights of a set after the close of the date on which the next one replaces it: start-of-day weights of its last day,
-- grown by that day's changes. A set without any day has no drift.
with last_days as (
    select
        reviews.index_code,
        reviews.weight_date,
        reviews.previous_date,
        max(weights.trade_date) as drift_date
    from {{ lately(ref('int_index_reviews'), 'weight_date', 0) }} as reviews
    inner join {{ rows_since(since, ref('int_drifted_weights'), 'trade_date') }} as weights
        on
            reviews.index_code = weights.index_code
            and reviews.previous_date = weights.weight_date
            and reviews.weight_date >= weights.trade_date
    group by reviews.index_code, reviews.weight_date, reviews.previous_date
),

closing as (
    select
        last_days.index_code,
        last_days.weight_date,
        last_days.drift_date,
        weights.security_code,
        weights.weight * (1 + coalesce(moves.change_ratio, 0)) as closing_weight,
        greatest(weights.knowledge_at, coalesce(moves.knowledge_at, weights.knowledge_at)) as known_at
    from last_days
    inner join {{ rows_since(since, ref('int_drifted_weights'), 'trade_date') }} as weights
        on
            last_days.index_code = weights.index_code
            and last_days.previous_date = weights.weight_date
            and last_days.drift_date = weights.trade_date
    left join {{ rows_since(since, ref('int_security_returns'), 'trade_date') }} as moves
        on
            weights.security_code = moves.security_code
            and last_days.drift_date = moves.trade_date
)

select
    index_code,
    weight_date,
    drift_date,
    security_code,
    closing_weight / sum(closing_weight) over (partition by index_code, weight_date) as weight,
    known_at
from closing
