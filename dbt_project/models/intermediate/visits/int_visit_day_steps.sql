-- Steps of the running counts: in on the first day of a span, out on the day after its last, within the month.
with spans as (
    select
        scheme,
        sector_code,
        counted_type,
        month_end,
        first_date,
        last_date,
        companies,
        companies_beside_briefings,
        first_time_companies,
        visits,
        briefings,
        0 as institutions,
        knowledge_at
    from {{ lately(ref('int_company_visit_spans'), 'visit_date', 31) }}
    union all
    select
        scheme,
        sector_code,
        counted_type,
        month_end,
        first_date,
        last_date,
        0 as companies,
        0 as companies_beside_briefings,
        0 as first_time_companies,
        0 as visits,
        0 as briefings,
        1 as institutions,
        null as knowledge_at
    from {{ lately(ref('int_institution_spans'), 'month_end', 0) }}
),

steps as (
    select
        scheme,
        sector_code,
        counted_type,
        first_date as step_date,
        companies,
        companies_beside_briefings,
        first_time_companies,
        visits,
        briefings,
        institutions,
        knowledge_at
    from spans
    union all
    select
        scheme,
        sector_code,
        counted_type,
        cast({{ dbt.dateadd('day', 1, 'last_date') }} as date) as step_date,
        -companies as companies,
        -companies_beside_briefings as companies_beside_briefings,
        -first_time_companies as first_time_companies,
        -visits as visits,
        -briefings as briefings,
        -institutions as institutions,
        knowledge_at
    from spans
    where last_date < month_end
)

select
    scheme,
    sector_code,
    counted_type,
    step_date,
    sum(companies) as companies,
    sum(companies_beside_briefings) as companies_beside_briefings,
    sum(first_time_companies) as first_time_companies,
    sum(visits) as visits,
    sum(briefings) as briefings,
    sum(institutions) as institutions,
    max(knowledge_at) as knowledge_at
from steps
group by scheme, sector_code, counted_type, step_date
