with notices as (
    select
        *,
        -- a row without a notice is older than every notice of the same event
        max(coalesce(notice_date, cast('0001-01-01' as date))) over (
            partition by security_code, visit_date, visit_way
        ) as latest_notice
    from {{ lately(ref('stg_broker_visits'), 'visit_date', 2) }}
),

counted as (
    select
        *,
        lag(visit_date) over (
            partition by security_code, visit_way, visitor_org, notice_date
            order by visit_date nulls last
        ) as day_listed_before
    from notices
    where coalesce(notice_date, cast('0001-01-01' as date)) = latest_notice
),

-- a visit listed on consecutive days is one visit, on the first of them
visits as (
    select *
    from counted
    where
        day_listed_before is null
        or {{ dbt.datediff('day_listed_before', 'visit_date', 'day') }} > 1
),

-- the few thousand names once, not every row's
names as (
    select distinct visitor_org from visits
),

institutions as (
    select
        visitor_org,
        {{ organization_name('visitor_org') }} as organization_name
    from names
),

named as (
    select
        institutions.visitor_org,
        coalesce(aliases.organization, institutions.organization_name) as organization
    from institutions
    left join {{ ref('organization_aliases') }} as aliases
        on institutions.organization_name = aliases.alias
)

select
    companies.company_id,
    visits.security_code,
    visits.visit_date,
    cast({{ dbt.date_trunc('month', 'visits.visit_date') }} as date) as month_start,
    visits.visit_way,
    visits.visitor_org,
    named.organization,
    visits.visitor_type,
    visits.visit_way like '%业绩说明会%' as is_performance_briefing,
    visits.notice_date,
    greatest(visits.knowledge_at, coalesce(companies.knowledge_at, visits.knowledge_at)) as knowledge_at
from visits
inner join named
    on visits.visitor_org = named.visitor_org
inner join {{ ref('int_companies') }} as companies
    on visits.security_code = companies.security_code
