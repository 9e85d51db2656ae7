-- A visit counts from its day to the end of the month, in whatever sector the company is in on each day; the company
-- itself from its first visit of the month. So a count of distinct things on every day is a running sum of entries
-- and exits, not a new count per day.
with visit_days as (
    select
        counted_type,
        month_start,
        company_id,
        visit_date,
        count(distinct visit_way) as visits,
        count(distinct case when is_performance_briefing then visit_way end) as briefings,
        max(knowledge_at) as knowledge_at
    from {{ lately(ref('int_visits_by_type'), 'visit_date', 400) }}
    group by counted_type, month_start, company_id, visit_date
),

ordered as (
    select
        *,
        cast({{ dbt.last_day('month_start', 'month') }} as date) as month_end,
        row_number() over (
            partition by counted_type, month_start, company_id
            order by visit_date nulls last
        ) as day_of_company,
        row_number() over (
            partition by counted_type, month_start, company_id
            order by case when visits > briefings then 0 else 1 end, visit_date nulls last
        ) as day_beside_briefings,
        lag(visit_date) over (
            partition by counted_type, company_id
            order by visit_date nulls last
        ) as previous_visit_date
    from visit_days
),

counted as (
    select
        schemes.scheme,
        ordered.counted_type,
        ordered.company_id,
        ordered.visit_date,
        ordered.month_end,
        case when ordered.day_of_company = 1 then 1 else 0 end as companies,
        case when ordered.day_beside_briefings = 1 and ordered.visits > ordered.briefings then 1 else 0 end
            as companies_beside_briefings,
        -- providers keep about a year: a look back of constant length means the same in every month
        case
            when
                ordered.day_of_company = 1
                and (
                    ordered.previous_visit_date is null
                    or {{ dbt.datediff('ordered.previous_visit_date', 'ordered.visit_date', 'day') }} > 365
                )
                then 1
            else 0
        end as first_time_companies,
        ordered.visits,
        ordered.briefings,
        ordered.knowledge_at
    from ordered
    cross join {{ ref('int_classification_schemes') }} as schemes
)

select
    counted.scheme,
    coalesce(sectors.sector_code, 'NONE') as sector_code,
    counted.counted_type,
    counted.company_id,
    counted.visit_date,
    counted.month_end,
    greatest(counted.visit_date, coalesce(sectors.valid_from, counted.visit_date)) as first_date,
    least(
        counted.month_end,
        coalesce(cast({{ dbt.dateadd('day', -1, 'sectors.valid_to') }} as date), counted.month_end)
    ) as last_date,
    counted.companies,
    counted.companies_beside_briefings,
    counted.first_time_companies,
    counted.visits,
    counted.briefings,
    greatest(counted.knowledge_at, coalesce(sectors.knowledge_at, counted.knowledge_at)) as knowledge_at
from counted
left join {{ ref('int_company_sector_spans') }} as sectors
    on
        counted.scheme = sectors.scheme
        and counted.company_id = sectors.company_id
        and counted.month_end >= sectors.valid_from
        and counted.visit_date < sectors.valid_to
union all
select
    scheme,
    'ALL' as sector_code,
    counted_type,
    company_id,
    visit_date,
    month_end,
    visit_date as first_date,
    month_end as last_date,
    companies,
    companies_beside_briefings,
    first_time_companies,
    visits,
    briefings,
    knowledge_at
from counted
