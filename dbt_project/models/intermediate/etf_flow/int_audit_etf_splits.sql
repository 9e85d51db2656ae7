with spans as (
    select
        *,
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
    etf_code || ' ' || cast(trade_date as varchar) as subject,
    'shares of ' || etf_code || ' went to ' || cast(cast(shares_held as decimal(38, 0)) as varchar)
    || ' where ' || cast(cast(shares_expected as decimal(38, 0)) as varchar)
    || ' stood before ('
    || cast(cast(100 * unexplained_change as decimal(38, 1)) as varchar)
    || '%) and no split explains it; the flow is published as computed' as detail
from spans
where abs(unexplained_change) > 0.35
