{{ config(materialized="view") }}

-- Visits under each visitor filter.
select
    'all' as counted_type,
    company_id,
    visit_date,
    month_start,
    visit_way,
    organization,
    is_performance_briefing,
    knowledge_at
from {{ ref('int_visits') }}
union all
select
    'broker' as counted_type,
    company_id,
    visit_date,
    month_start,
    visit_way,
    organization,
    is_performance_briefing,
    knowledge_at
from {{ ref('int_visits') }}
where visitor_type = 'broker'
