-- Steps of the running counts: in on the first day of a span, out on the day after its last, within the month.
with steps as (
    select
        scheme,
        sector_code,
        counted_type,
        measure,
        month_start,
        first_date as step_date,
        1 as step,
        knowledge_at
    from {{ ref('int_visit_spans') }}
    union all
    select
        scheme,
        sector_code,
        counted_type,
        measure,
        month_start,
        cast({{ dbt.dateadd('day', 1, 'last_date') }} as date) as step_date,
        -1 as step,
        knowledge_at
    from {{ ref('int_visit_spans') }}
    where last_date < month_end
)

select
    scheme,
    sector_code,
    counted_type,
    step_date,
    sum(case when measure = 'companies' then step else 0 end) as companies,
    sum(case when measure = 'visits' then step else 0 end) as visits,
    sum(case when measure = 'briefings' then step else 0 end) as briefings,
    sum(case when measure = 'institutions' then step else 0 end) as institutions,
    max(knowledge_at) as knowledge_at
from steps
group by scheme, sector_code, counted_type, step_date
