-- What counts once in a month (a company, a visit, an institution's calls on a company) counts from the first day it
-- occurs to the end of the month, in whatever sector the company is in on each day. So a count of distinct things on
-- every day is a running sum of entries and exits, not a new count per day.
with schemes as (
    select scheme from {{ ref('int_sector_spans') }}
    union
    select 'SW2021' as scheme
),

visits_by_type as (
    select
        *,
        'all' as counted_type
    from {{ ref('int_visits') }}
    union all
    select
        *,
        'broker' as counted_type
    from {{ ref('int_visits') }}
    where visitor_type = 'broker'
),

companies as (
    select
        'companies' as measure,
        counted_type,
        month_start,
        company_id,
        company_id as counted,
        min(visit_date) as first_date,
        min(knowledge_at) as knowledge_at
    from visits_by_type
    group by counted_type, month_start, company_id
),

visits as (
    select
        'visits' as measure,
        counted_type,
        month_start,
        company_id,
        company_id || ' ' || visit_date || ' ' || visit_way as counted,
        visit_date as first_date,
        max(knowledge_at) as knowledge_at
    from visits_by_type
    group by counted_type, month_start, company_id, visit_date, visit_way
),

briefings as (
    select
        'briefings' as measure,
        counted_type,
        month_start,
        company_id,
        company_id || ' ' || visit_date || ' ' || visit_way as counted,
        visit_date as first_date,
        max(knowledge_at) as knowledge_at
    from visits_by_type
    where is_performance_briefing
    group by counted_type, month_start, company_id, visit_date, visit_way
),

institutions as (
    select
        'institutions' as measure,
        counted_type,
        month_start,
        company_id,
        organization as counted,
        min(visit_date) as first_date,
        min(knowledge_at) as knowledge_at
    from visits_by_type
    group by counted_type, month_start, company_id, organization
),

entries as (
    select * from companies
    union all
    select * from visits
    union all
    select * from briefings
    union all
    select * from institutions
),

dated as (
    select
        *,
        cast({{ dbt.last_day('month_start', 'month') }} as date) as month_end
    from entries
),

classified as (
    select
        schemes.scheme,
        dated.measure,
        dated.counted_type,
        dated.month_start,
        dated.month_end,
        dated.company_id,
        dated.counted,
        dated.first_date,
        dated.knowledge_at
    from dated
    cross join schemes
),

spans as (
    select
        classified.scheme,
        coalesce(sectors.sector_code, 'NONE') as sector_code,
        classified.measure,
        classified.counted_type,
        classified.month_start,
        classified.month_end,
        classified.counted,
        greatest(classified.first_date, coalesce(sectors.valid_from, classified.first_date)) as first_date,
        least(
            classified.month_end,
            coalesce({{ dbt.dateadd('day', -1, 'sectors.valid_to') }}, classified.month_end)
        ) as last_date,
        greatest(classified.knowledge_at, coalesce(sectors.knowledge_at, classified.knowledge_at)) as knowledge_at
    from classified
    left join {{ ref('int_company_sector_spans') }} as sectors
        on
            classified.scheme = sectors.scheme
            and classified.company_id = sectors.company_id
            and classified.month_end >= sectors.valid_from
            and classified.first_date < sectors.valid_to
    union all
    select
        scheme,
        'ALL' as sector_code,
        measure,
        counted_type,
        month_start,
        month_end,
        counted,
        first_date,
        month_end as last_date,
        knowledge_at
    from classified
),

-- the same institution calls on several companies of a sector: its spans overlap, and are merged
shortened as (
    select
        scheme,
        sector_code,
        measure,
        counted_type,
        month_start,
        month_end,
        counted,
        cast(last_date as date) as last_date,
        min(first_date) as first_date,
        min(knowledge_at) as knowledge_at
    from spans
    group by scheme, sector_code, measure, counted_type, month_start, month_end, counted, cast(last_date as date)
),

preceded as (
    select
        *,
        max(last_date) over (
            partition by scheme, sector_code, measure, counted_type, month_start, counted
            order by first_date nulls last, last_date nulls last
            rows between unbounded preceding and 1 preceding
        ) as covered_until
    from shortened
),

islands as (
    select
        *,
        sum(case when first_date <= covered_until then 0 else 1 end) over (
            partition by scheme, sector_code, measure, counted_type, month_start, counted
            order by first_date nulls last, last_date nulls last
            rows unbounded preceding
        ) as island
    from preceded
)

select
    scheme,
    sector_code,
    measure,
    counted_type,
    month_start,
    month_end,
    counted,
    island,
    cast(min(first_date) as date) as first_date,
    max(last_date) as last_date,
    min(knowledge_at) as knowledge_at
from islands
group by scheme, sector_code, measure, counted_type, month_start, month_end, counted, island
