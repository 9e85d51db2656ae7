{% set horizons = [1, 5, 20] %}

-- Event study of visits: every sector on its own, and all of them together.
with totals as (
    {% for sector in ['sector_code', "'ALL'"] %}
        select
            scheme,
            {{ sector }} as sector_code, -- noqa: AL09
            {% for sessions in horizons %}
                sum(returns_{{ sessions }}) as returns_{{ sessions }},
                sum(sum_{{ sessions }}) as sum_{{ sessions }},
                sum(squares_{{ sessions }}) as squares_{{ sessions }},
                max(known_{{ sessions }}) as known_{{ sessions }},
            {% endfor %}
            begun_by
        from {{ ref('int_sector_forward_returns') }}
        group by scheme, {{ sector }}, begun_by
        {% if not loop.last %}
            union all
        {% endif %}
    {% endfor %}
),

by_horizon as (
    {% for sessions in horizons %}
        select
            scheme,
            sector_code,
            begun_by,
            {{ sessions }} as horizon_sessions,
            cast(returns_{{ sessions }} as bigint) as events,
            sum_{{ sessions }} / returns_{{ sessions }} as mean_return_ratio,
            -- what is left of equal returns is the last digits of their sums
            case
                when
                    squares_{{ sessions }} - sum_{{ sessions }} * sum_{{ sessions }} / returns_{{ sessions }}
                    > 1e-12 * squares_{{ sessions }}
                    then squares_{{ sessions }} - sum_{{ sessions }} * sum_{{ sessions }} / returns_{{ sessions }}
            end as squared_deviations,
            known_{{ sessions }} as knowledge_at
        from totals
        where returns_{{ sessions }} > 0
        {% if not loop.last %}
            union all
        {% endif %}
    {% endfor %}
)

select
    followed.scheme,
    followed.sector_code,
    followed.begun_by as visitor_type,
    followed.horizon_sessions,
    followed.events,
    followed.mean_return_ratio as event_return_ratio,
    usual.mean_return_ratio as usual_return_ratio,
    followed.mean_return_ratio - usual.mean_return_ratio as excess_return_ratio,
    -- the standard error is the deviation over the root of the events
    (followed.mean_return_ratio - usual.mean_return_ratio)
    / sqrt(followed.squared_deviations / nullif(followed.events - 1, 0) / followed.events) as t_statistic,
    followed.knowledge_at
from by_horizon as followed
inner join by_horizon as usual
    on
        followed.scheme = usual.scheme
        and followed.sector_code = usual.sector_code
        and followed.horizon_sessions = usual.horizon_sessions
        and usual.begun_by = 'any'
where followed.begun_by <> 'any'
