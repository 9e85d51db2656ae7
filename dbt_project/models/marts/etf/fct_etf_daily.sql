with counted as (
    select
        sessions.*,
        case
            when
                cast(sessions.shares_numerator as double) / cast(sessions.shares_denominator as double) < 9.22e18
                then {{ exact_quotient('sessions.shares_numerator', 'sessions.shares_denominator') }}
        end as whole_shares
    from {{ lately(ref('int_etf_sessions'), 'trade_date', 30) }} as sessions
),

valued as (
    select
        *,
        {# what was outstanding at the open, in the units of the session #}
        cast(lag(whole_shares) over (partition by etf_code order by trade_date nulls last) as double)
        * coalesce(cast(split_numerator as double) / cast(split_denominator as double), 1) as opening_shares,
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
    valued.vwap,
    case
        when valued.vwap is not null then 'known'
        when valued.has_vwap_inputs then 'contradicts_range'
        else 'missing'
    end as vwap_status,
    cast(valued.volume_shares as double) / valued.opening_shares as turnover_rate_ratio,
    cast(valued.whole_shares as bigint) as shares,
    valued.unit_nav,
    {{ money_from_cents('valued.aum_numerator', 'valued.aum_denominator') }} as aum_cny,
    coalesce(cast(valued.split_numerator as double) / cast(valued.split_denominator as double), 1) as split_factor,
    valued.split_source,
    not valued.is_creation_closed as creation_open,
    flows.net_flow_cny,
    flows.flow_status,
    case when flows.flow_status = 'structural_zero' then flows.creation_closed_by end as structural_zero_reason,
    case
        when flows.net_flow_cny is null or flows.flow_status = 'structural_zero' then null
        when flows.flow_status = 'estimated' then 'close'
        else 'nav'
    end as flow_price_basis,
    flows.net_flow_at_vwap_cny,
    flows.net_flow_at_close_cny,
    cast(flows.span_sessions as integer) as span_sessions,
    cast(valued.close as double) / nullif(cast(valued.unit_nav as double), 0) - 1 as premium_ratio,
    premiums.premium_iopv_ratio,
    premiums.premium_iopv_at,
    premiums.premium_basis,
    premiums.premium_zscore,
    nav_returns.distribution_per_share,
    case when nav_returns.span_sessions = 1 then nav_returns.nav_return_ratio end as nav_return_ratio,
    case
        when nav_returns.return_status is null or nav_returns.span_sessions > 1 then 'missing'
        else nav_returns.return_status
    end as nav_return_status,
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
    ) as knowledge_at,
    greatest(premiums.premium_known_at, nav_returns.known_at) as comparisons_known_at
from valued
inner join {{ lately(ref('int_etf_flows'), 'trade_date', 30) }} as flows
    on valued.etf_code = flows.etf_code and valued.trade_date = flows.trade_date
inner join {{ lately(ref('int_etf_premiums'), 'trade_date', 30) }} as premiums
    on valued.etf_code = premiums.etf_code and valued.trade_date = premiums.trade_date
left join {{ lately(ref('int_etf_nav_returns'), 'trade_date', 30) }} as nav_returns
    on valued.etf_code = nav_returns.etf_code and valued.trade_date = nav_returns.trade_date
order by trade_date nulls last, etf_code nulls last
