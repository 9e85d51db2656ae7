with flows as (
    select
        *,
        etf_code || ' ' || cast(trade_date as varchar) as subject,
        cast(cast(least(shares_held, 1e37) as decimal(38, 0)) as varchar) as held,
        cast(cast(least(shares_expected, 1e37) as decimal(38, 0)) as varchar) as expected,
        shares_held / shares_expected - 1 as unexplained_change
    from {{ ref('int_etf_flows') }}
    where shares_expected is not null
)

select
    'etf_undeclared_split' as check_name,
    etf_code || ' ' || cast(trade_date as varchar) as subject,
    'shares and NAV of ' || etf_code || ' jumped against each other with no split declared: '
    || cast(numerator as varchar) || ' new shares for ' || cast(denominator as varchar)
    || ' old were assumed from ' || cast(trade_date as varchar) as detail
from {{ ref('int_etf_splits') }}
where split_source = 'detected'

union all

select
    'etf_share_jump' as check_name,
    subject,
    'shares of ' || etf_code || ' went from ' || expected || ' to ' || held
    || ' and no split explains it; the flow is published as computed' as detail
from flows
where abs(unexplained_change) > 0.35 and not is_beyond_range

union all

select
    'etf_closed_day_change' as check_name,
    subject,
    'shares of ' || etf_code || ' went from ' || expected || ' to ' || held
    || ' over ' || cast(span_sessions as varchar) || ' session(s) ending on one without creations or redemptions ('
    || creation_closed_by || '); '
    || 'the flow of ' || cast(net_flow_cny as varchar) || ' CNY is published as ' || flow_status as detail
from flows
where creation_closed_by is not null and net_flow_cny is not null and flow_status <> 'structural_zero'

union all

select
    'etf_flow_beyond_range' as check_name,
    subject,
    'shares of ' || etf_code || ' went from ' || expected || ' to ' || held
    || ', a flow too large to hold in CNY; it is published as missing' as detail
from flows
where is_beyond_range
