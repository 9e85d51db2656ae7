select
    profile,
    segment,
    region,
    stage,
    quarter_start,
    quarter_end,
    is_ended,
    amount_usd,
    deals,
    disclosed_share,
    yoy_latest,
    yoy_lag_matched,
    completeness,
    base_amount_usd,
    base_amount_known_year_ago_usd,
    knowledge_at
from {{ ref('int_funding_quarters') }}
where stage <> 'all'
