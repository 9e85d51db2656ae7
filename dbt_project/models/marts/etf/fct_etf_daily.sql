with counted as (
    select
        sessions.*,
        case
            when
                cast(sessions.shares_numerator as double) / cast(sessions.shares_denominator as double) < 9.22e18
                then {{ exact_quotient('sessions.shares_numerator', 'sessions.shares_denominator') }}
        end as whole_shares
    from {{ ref('int_etf_sessions') }} as sessions
),

valued as (
    select
        *,
        whole_shares * {{ ten_thousandths('unit_nav') }} as aum_numerator,
        {{ exact_integer('100') }} as aum_denominator
    from counted
)

select
    valued.etf_code,
    valued.trade_date,
    valued.open,
    valued.high,
    valued.low,
    valued.close,
    valued.prev_close,
    cast(valued.close as double) / nullif(cast(valued.prev_close as double), 0) - 1 as change_ratio,
    valued.turnover_cny,
    valued.volume_shares,
    cast(valued.whole_shares as bigint) as shares,
    valued.unit_nav,
    {{ money_from_cents('valued.aum_numerator', 'valued.aum_denominator') }} as aum_cny,
    coalesce(cast(valued.split_numerator as double) / cast(valued.split_denominator as double), 1) as split_factor,
    valued.split_source,
    not valued.is_creation_closed as creation_open,
    flows.net_flow_cny,
    flows.flow_status,
    cast(flows.span_sessions as integer) as span_sessions,
    cast(valued.close as double) / nullif(cast(valued.unit_nav as double), 0) - 1 as premium_ratio,
    {# A session inside a gap has no input of its own. #}
    coalesce(
        greatest(
            valued.bar_known_at,
            valued.nav_known_at,
            valued.shares_known_at,
            valued.split_known_at,
            flows.flow_known_at
        ),
        {{ shanghai_moment('valued.trade_date', 15 * 60) }}
    ) as knowledge_at
from valued
inner join {{ ref('int_etf_flows') }} as flows
    on valued.etf_code = flows.etf_code and valued.trade_date = flows.trade_date
