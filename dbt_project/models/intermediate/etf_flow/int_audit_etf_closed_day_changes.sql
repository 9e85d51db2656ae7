select
    'etf_closed_day_change' as check_name,
    etf_code || ' ' || cast(trade_date as varchar) as subject,
    'shares of ' || etf_code || ' went from ' || cast(cast(shares_expected as decimal(38, 0)) as varchar)
    || ' to ' || cast(cast(shares_held as decimal(38, 0)) as varchar)
    || ' over ' || cast(span_sessions as varchar)
    || ' session(s) ending on one without creations or redemptions; the flow of '
    || cast(net_flow_cny as varchar) || ' CNY is published as ' || flow_status as detail
from {{ ref('int_etf_flows') }}
where is_creation_closed and has_shares and net_flow_cny is not null and flow_status <> 'structural_zero'
