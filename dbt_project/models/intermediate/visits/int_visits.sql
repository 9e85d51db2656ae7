with notices as (
    select
        *,
        -- a row without a notice is older than every notice of the same event
        max(coalesce(notice_date, cast('0001-01-01' as date))) over (
            partition by security_code, visit_date, visit_way
        ) as latest_notice
    from {{ ref('stg_broker_visits') }}
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

named as (
    select
        *,
        {{ organization_name('visitor_org') }} as organization_name
    from counted
    -- a visit listed on consecutive days is one visit, on the first of them
    where
        day_listed_before is null
        or {{ dbt.datediff('day_listed_before', 'visit_date', 'day') }} > 1
)

select
    companies.company_id,
    named.security_code,
    named.visit_date,
    cast({{ dbt.date_trunc('month', 'named.visit_date') }} as date) as month_start,
    named.visit_way,
    named.visitor_org,
    coalesce(aliases.organization, named.organization_name) as organization,
    named.visitor_type,
    named.visit_way like '%业绩说明会%' as is_performance_briefing,
    named.notice_date,
    greatest(named.knowledge_at, coalesce(companies.knowledge_at, named.knowledge_at)) as knowledge_at
from named
inner join {{ ref('int_companies') }} as companies
    on named.security_code = companies.security_code
left join {{ ref('organization_aliases') }} as aliases
    on named.organization_name = aliases.alias
