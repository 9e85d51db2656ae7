{# Counts begin anew with each month: rows are made from the first of one. #}
{% set first = first_changed_day() %}

with bounds as (
    select
        visits.month_start as first_date,
        {% if first is none %}
            visits.month_start as first_shown,
        {% else %}
            greatest(visits.month_start, cast({{ dbt.date_trunc('month', "date '" ~ first ~ "'") }} as date))
                as first_shown,
        {% endif %}
        cast({{ as_of() }} as date) as last_date,
        min(visits.knowledge_at) as earliest_knowledge,
        min(visits.visit_date) as first_visit_date
    from {{ ref('int_visits') }} as visits
    where visits.month_start = (select min(earliest.month_start) from {{ ref('int_visits') }} as earliest)
    group by visits.month_start
),

days as (
    select {{ each_date('first_shown', 'last_date', 'day') }} as series_date
    from bounds
),

visitor_types as (
    select 'all' as visitor_type
    union all
    select 'broker' as visitor_type
),

member_spans as (
    select
        spans.scheme,
        spans.sector_code,
        greatest(spans.valid_from, bounds.first_shown) as first_date,
        spans.valid_to
    from {{ ref('int_sector_spans') }} as spans
    cross join bounds
    where
        spans.sector_code <> 'NONE'
        and spans.valid_to > bounds.first_shown
        and spans.valid_from <= bounds.last_date
),

member_steps as (
    select
        scheme,
        sector_code,
        step_date,
        sum(step) as members
    from (
        select
            scheme,
            sector_code,
            first_date as step_date,
            1 as step
        from member_spans
        union all
        select
            scheme,
            sector_code,
            valid_to as step_date,
            -1 as step
        from member_spans
    ) as steps
    group by scheme, sector_code, step_date
),

schemes as (
    select spans.scheme
    from {{ ref('int_sector_spans') }} as spans
    cross join bounds
    where
        spans.sector_code <> 'NONE'
        and spans.valid_to > bounds.first_date
        and spans.valid_from <= bounds.last_date
    union
    select 'SW2021' as scheme
),

sector_codes as (
    select
        scheme,
        sector_code
    from member_spans
    union
    select
        scheme,
        sector_code
    from {{ lately(ref('int_visit_day_steps'), 'step_date', 31) }}
    union
    select
        scheme,
        'ALL' as sector_code
    from schemes
    union
    select
        scheme,
        'NONE' as sector_code
    from schemes
),

spine as (
    select
        sector_codes.scheme,
        sector_codes.sector_code,
        visitor_types.visitor_type,
        days.series_date as as_of_date,
        cast({{ dbt.date_trunc('month', 'days.series_date') }} as date) as month_start
    from days
    cross join sector_codes
    cross join visitor_types
),

counted as (
    select
        spine.scheme,
        spine.sector_code,
        spine.visitor_type,
        spine.as_of_date,
        spine.month_start,
        sum(coalesce(steps.companies, 0)) over month_to_date as companies_mtd,
        sum(coalesce(steps.companies_beside_briefings, 0)) over month_to_date as companies_excluding_briefings_mtd,
        sum(coalesce(steps.first_time_companies, 0)) over month_to_date as first_time_companies_mtd,
        sum(coalesce(steps.visits, 0)) over month_to_date as visits_mtd,
        sum(coalesce(steps.briefings, 0)) over month_to_date as briefings_mtd,
        sum(coalesce(steps.institutions, 0)) over month_to_date as institutions_mtd,
        sum(coalesce(fund_steps.companies, 0)) over month_to_date as companies_by_funds_mtd,
        sum(coalesce(fund_steps.visits, 0)) over month_to_date as visits_by_funds_mtd,
        sum(coalesce(fund_steps.institutions, 0)) over month_to_date as fund_institutions_mtd,
        max(steps.knowledge_at) over month_to_date as knowledge_at,
        sum(coalesce(member_steps.members, 0)) over (
            partition by spine.scheme, spine.sector_code, spine.visitor_type
            order by spine.as_of_date nulls last
            rows unbounded preceding
        ) as members
    from spine
    left join {{ lately(ref('int_visit_day_steps'), 'step_date', 31) }} as steps
        on
            spine.scheme = steps.scheme
            and spine.sector_code = steps.sector_code
            and spine.visitor_type = steps.counted_type
            and spine.as_of_date = steps.step_date
    left join {{ lately(ref('int_visit_day_steps'), 'step_date', 31) }} as fund_steps
        on
            spine.scheme = fund_steps.scheme
            and spine.sector_code = fund_steps.sector_code
            and spine.as_of_date = fund_steps.step_date
            and fund_steps.counted_type = 'fund'
    left join member_steps
        on
            spine.scheme = member_steps.scheme
            and spine.sector_code = member_steps.sector_code
            and spine.as_of_date = member_steps.step_date
    window month_to_date as (
        partition by spine.scheme, spine.sector_code, spine.visitor_type, spine.month_start
        order by spine.as_of_date nulls last
        rows unbounded preceding
    )
),

-- what was known before the rows that are made
known_before as (
    select
        steps.scheme,
        steps.counted_type,
        max(steps.knowledge_at) as knowledge_at
    from {{ ref('int_visit_day_steps') }} as steps
    cross join bounds
    where steps.sector_code = 'ALL' and steps.step_date < bounds.first_shown
    group by steps.scheme, steps.counted_type
),

shown as (
    select
        counted.*,
        -- a zero is as old as the latest visit of any company that could have been another sector's
        greatest(
            coalesce(known_before.knowledge_at, bounds.earliest_knowledge),
            coalesce(
                max(case when counted.sector_code = 'ALL' then counted.knowledge_at end) over (
                    partition by counted.scheme, counted.visitor_type
                    order by counted.as_of_date nulls last
                    range unbounded preceding
                ),
                bounds.earliest_knowledge
            )
        ) as known_so_far
    from counted
    cross join bounds
    left join known_before
        on
            counted.scheme = known_before.scheme
            and counted.visitor_type = known_before.counted_type
    where counted.sector_code in ('ALL', 'NONE') or counted.members > 0 or counted.companies_mtd > 0
),

ranked as (
    select
        scheme,
        sector_code,
        visitor_type,
        as_of_date,
        rank() over (
            partition by scheme, visitor_type, as_of_date
            order by companies_mtd desc nulls last
        ) as rank_mtd
    from shown
    where sector_code not in ('ALL', 'NONE')
)

select
    shown.scheme,
    shown.sector_code,
    shown.as_of_date,
    shown.visitor_type,
    case shown.sector_code
        when 'ALL' then 'All companies'
        when 'NONE' then 'Companies without a sector'
        else sectors.sector_name_en
    end as sector_name,
    cast(shown.companies_mtd as bigint) as companies_mtd,
    cast(shown.visits_mtd as bigint) as visits_mtd,
    cast(shown.briefings_mtd as bigint) as briefings_mtd,
    cast(shown.companies_excluding_briefings_mtd as bigint) as companies_excluding_briefings_mtd,
    cast(shown.visits_mtd - shown.briefings_mtd as bigint) as visits_excluding_briefings_mtd,
    case
        when bounds.first_visit_date <= {{ dbt.dateadd('day', -365, 'shown.month_start') }}
            then cast(shown.first_time_companies_mtd as bigint)
    end as first_time_companies_mtd,
    completeness.completeness_mtd,
    -- a fifth known makes five out of one: less is a guess
    case
        when completeness.completeness_mtd >= 0.2
            then cast(shown.companies_mtd as double) / completeness.completeness_mtd
    end as companies_expected_final,
    cast(shown.institutions_mtd as bigint) as institutions_mtd,
    cast(ranked.rank_mtd as bigint) as rank_mtd,
    cast(shown.companies_by_funds_mtd as bigint) as companies_by_funds_mtd,
    cast(shown.visits_by_funds_mtd as bigint) as visits_by_funds_mtd,
    cast(shown.fund_institutions_mtd as bigint) as fund_institutions_mtd,
    coalesce(shown.knowledge_at, shown.known_so_far) as knowledge_at
from shown
cross join bounds
left join {{ ref('int_visit_completeness') }} as completeness
    on shown.as_of_date = completeness.as_of_date
left join ranked
    on
        shown.scheme = ranked.scheme
        and shown.sector_code = ranked.sector_code
        and shown.visitor_type = ranked.visitor_type
        and shown.as_of_date = ranked.as_of_date
left join {{ ref('dim_sector') }} as sectors
    on
        shown.scheme = sectors.scheme
        and sectors.level = 'L1'
        and shown.sector_code = sectors.sector_code
