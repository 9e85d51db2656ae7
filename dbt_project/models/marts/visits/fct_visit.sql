select
    visits.security_code,
    visits.visit_date,
    visits.visit_way,
    visits.visitor_org,
    visits.company_id,
    visits.organization,
    visits.visitor_type,
    visits.is_performance_briefing,
    visits.notice_date,
    coalesce(sectors.sector_code, 'NONE') as sector_code,
    greatest(visits.knowledge_at, coalesce(sectors.knowledge_at, visits.knowledge_at)) as knowledge_at
from {{ lately(ref('int_visits'), 'visit_date', 0) }} as visits
left join {{ ref('int_company_sector_spans') }} as sectors
    on
        sectors.scheme = 'SW2021'
        and visits.company_id = sectors.company_id
        and visits.visit_date >= sectors.valid_from
        and visits.visit_date < sectors.valid_to
order by visit_date nulls last, security_code nulls last
