{# A count is a fraction of exact integers: an opening count of a split's effective date is divided by k. #}
{% set one = exact_integer('1') %}

{# A flow spans the sessions since the last share figure. #}
{% set first = first_changed_day() %}
{% if first is not none %}
    {% set since = run_query(
        "select strftime(coalesce(min(counted), date '" ~ first ~ "'), '%Y-%m-%d') from ("
        ~ "select max(case when trade_date < date '" ~ first ~ "' and shares_numerator"
        ~ " is not null then trade_date end) as counted from " ~ ref('int_etf_sessions') ~ " group by etf_code"
        ~ " having max(trade_date) >= date '" ~ first ~ "')"
    ).rows[0][0] %}
{% endif %}

with numbered as (
    select
        *,
        {# Number of share figures before the session: the same over the whole span that the next figure closes. #}
        coalesce(
            sum(case when shares_numerator is not null then 1 else 0 end) over (
                partition by etf_code
                order by trade_date nulls last
                rows between unbounded preceding and 1 preceding
            ),
            0
        ) as span_number
    from {{ ref('int_etf_sessions') }}
    {% if first is not none %}
        where trade_date >= least(date '{{ since }}', date '{{ first }}')
    {% endif %}
),

span_splits as (
    select
        etf_code,
        span_number,
        {{ integer_product('split_numerator', '1e30') }} as split_numerator,
        {{ integer_product('split_denominator', '1e30') }} as split_denominator,
        max(split_known_at) as split_known_at,
        max(split_first_known_at) as split_first_known_at
    from numbered
    where split_source is not null
    group by etf_code, span_number
),

figures as (
    select
        etf_code,
        trade_date,
        span_number,
        session_number,
        shares_numerator,
        shares_denominator,
        shares_known_at,
        shares_first_known_at,
        unit_nav,
        close,
        vwap,
        creation_unit,
        coalesce(nav_known_at, bar_known_at) as price_known_at,
        coalesce(nav_first_known_at, bar_first_known_at) as price_first_known_at,
        lag(session_number) over (partition by etf_code order by trade_date nulls last) as previous_session_number,
        lag(shares_numerator) over (partition by etf_code order by trade_date nulls last) as previous_numerator,
        lag(shares_denominator) over (partition by etf_code order by trade_date nulls last) as previous_denominator,
        lag(shares_known_at) over (partition by etf_code order by trade_date nulls last) as previous_known_at,
        lag(shares_first_known_at) over (partition by etf_code order by trade_date nulls last)
            as previous_first_known_at
    from numbered
    where shares_numerator is not null
),

spans as (
    select
        figures.*,
        span_splits.split_known_at,
        span_splits.split_first_known_at,
        span_splits.etf_code is not null as has_split,
        coalesce(span_splits.split_numerator, {{ one }}) as split_numerator,
        coalesce(span_splits.split_denominator, {{ one }}) as split_denominator,
        coalesce(figures.unit_nav, figures.close) as price,
        {# Beyond 1e36 the products below could leave 128 bits. #}
        (
            cast(figures.shares_numerator as double) * figures.previous_denominator
            * coalesce(span_splits.split_denominator, 1)
            + cast(figures.previous_numerator as double) * figures.shares_denominator
            * coalesce(span_splits.split_numerator, 1)
        ) * 10000 * coalesce(cast(coalesce(figures.unit_nav, figures.close) as double), 1) < 1e36 as is_computable
    from figures
    left join span_splits
        on figures.etf_code = span_splits.etf_code and figures.span_number = span_splits.span_number
),

changes as (
    select
        *,
        case
            when is_computable
                then
                    shares_numerator * split_denominator * previous_denominator
                    - split_numerator * previous_numerator * shares_denominator
        end as change_numerator,
        case
            when is_computable then shares_denominator * split_denominator * previous_denominator
        end as change_denominator
    from spans
),

amounts as (
    select
        *,
        case
            when
                has_split
                and unit_nav is not null
                and abs(change_numerator) < creation_unit * change_denominator
                then {{ exact_integer('0') }}
            else change_numerator * {{ ten_thousandths('price') }}
        end as flow_numerator,
        change_denominator * 100 as flow_denominator,
        {# The bounds of is_computable are those of NAV and close. #}
        case
            when abs(cast(change_numerator as double)) * cast(vwap as double) * 10000 < 1e36
                then change_numerator * {{ ten_thousandths('vwap') }}
        end as vwap_numerator,
        case
            when abs(cast(change_numerator as double)) * cast(close as double) * 10000 < 1e36
                then change_numerator * {{ ten_thousandths('close') }}
        end as close_numerator
    from changes
),

flows as (
    select
        *,
        {{ money_from_cents('flow_numerator', 'flow_denominator') }} as flow_cny,
        {{ money_from_cents('vwap_numerator', 'flow_denominator') }} as flow_at_vwap_cny,
        {{ money_from_cents('close_numerator', 'flow_denominator') }} as flow_at_close_cny
    from amounts
),

judged as (
    select
        numbered.etf_code,
        numbered.trade_date,
        numbered.session_number,
        numbered.is_creation_closed,
        numbered.creation_closed_by,
        {# The provider of the NAV says that the fund is suspended. #}
        case when numbered.creation_closed_by = 'suspension' then numbered.nav_known_at end as closed_known_at,
        case when numbered.creation_closed_by = 'suspension' then numbered.nav_first_known_at end
            as closed_first_known_at,
        numbered.shares_numerator is not null as has_shares,
        flows.session_number - flows.previous_session_number as span_sessions,
        flows.flow_cny,
        flows.flow_at_vwap_cny,
        flows.flow_at_close_cny,
        flows.flow_numerator = 0 as is_zero,
        flows.has_split,
        flows.split_numerator,
        flows.split_denominator,
        flows.change_numerator,
        cast(flows.shares_numerator as double) / cast(flows.shares_denominator as double) as shares_held,
        cast(flows.previous_numerator as double) / cast(flows.previous_denominator as double)
        * (cast(flows.split_numerator as double) / cast(flows.split_denominator as double)) as shares_expected,
        case
            when numbered.span_number = 0 then 'missing'
            when
                numbered.is_creation_closed
                and (flows.etf_code is null or flows.change_numerator = 0)
                then 'structural_zero'
            when flows.flow_cny is null then 'missing'
            when flows.unit_nav is null then 'estimated'
            when flows.split_numerator <> flows.split_denominator then 'split_adjusted'
            else 'final'
        end as flow_status,
        flows.previous_numerator is not null and flows.price is not null and flows.flow_cny is null as is_beyond_range,
        greatest(flows.shares_known_at, flows.previous_known_at, flows.split_known_at) as counts_known_at,
        greatest(flows.shares_first_known_at, flows.previous_first_known_at, flows.split_first_known_at)
            as counts_first_known_at,
        flows.price_known_at,
        flows.price_first_known_at
    from numbered
    left join flows
        on numbered.etf_code = flows.etf_code and numbered.trade_date = flows.trade_date
)

select
    etf_code,
    trade_date,
    session_number,
    is_creation_closed,
    creation_closed_by,
    has_shares,
    flow_status,
    case
        when flow_status = 'structural_zero' then cast(0 as decimal(20, 2))
        when flow_status <> 'missing' then flow_cny
    end as net_flow_cny,
    {% for basis in ['vwap', 'close'] %}
        case
            when flow_status = 'structural_zero' then cast(0 as decimal(20, 2))
            when flow_status <> 'missing' and is_zero then cast(0 as decimal(20, 2))
            when flow_status <> 'missing' then flow_at_{{ basis }}_cny
        end as net_flow_at_{{ basis }}_cny,
    {% endfor %}
    case
        when flow_status = 'missing' then null
        when has_shares then span_sessions
        else 1
    end as span_sessions,
    has_split,
    split_numerator,
    split_denominator,
    shares_held,
    shares_expected,
    is_beyond_range,
    case
        when flow_status = 'missing' then counts_known_at
        when flow_status = 'structural_zero' then greatest(counts_known_at, closed_known_at)
        else greatest(counts_known_at, price_known_at)
    end as flow_known_at,
    case
        when flow_status = 'missing' then counts_first_known_at
        when flow_status = 'structural_zero' then greatest(counts_first_known_at, closed_first_known_at)
        else greatest(counts_first_known_at, price_first_known_at)
    end as flow_first_known_at
from judged
