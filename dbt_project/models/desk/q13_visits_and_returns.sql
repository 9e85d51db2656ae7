select
    study.scheme,
    study.sector_code,
    coalesce(named.sector_name_en, study.sector_code) as sector_name_en,
    study.visitor_type,
    study.horizon_sessions,
    study.events,
    study.event_return_ratio,
    study.usual_return_ratio,
    study.excess_return_ratio,
    study.t_statistic,
    case
        when study.events < 30 or study.t_statistic is null then 'too_few'
        when study.t_statistic >= 2 then 'visits_lead_gains'
        when study.t_statistic <= -2 then 'visits_lead_losses'
        else 'no_lead'
    end as verdict,
    study.knowledge_at
from {{ ref('fct_visit_event_study') }} as study
left join {{ ref('dim_sector') }} as named
    on
        study.scheme = named.scheme
        and study.sector_code = named.sector_code
        and named.level = 'L1'
