with day as (
    {{ desk_day() }}
),

quarters as (
    select
        cast({{ dbt.date_trunc('quarter', 'today') }} as date) as current_quarter,
        cast({{ dbt.dateadd('month', -3, dbt.date_trunc('quarter', 'today')) }} as date) as last_quarter
    from day
)

select
    funding.profile,
    funding.segment,
    funding.region,
    funding.quarter_start,
    case when funding.quarter_start = quarters.current_quarter then 'to_date' else 'ended' end as quarter_state,
    funding.amount_usd,
    funding.deals,
    funding.disclosed_share,
    funding.yoy_latest,
    funding.yoy_lag_matched,
    funding.completeness,
    funding.knowledge_at
from {{ ref('fct_funding_quarterly') }} as funding
inner join quarters
    on funding.quarter_start in (quarters.current_quarter, quarters.last_quarter)
where funding.segment = 'innovative_drugs'
