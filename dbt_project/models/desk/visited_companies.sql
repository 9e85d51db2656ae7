with day as (
    {{ desk_day() }}
),

bounds as (
    select
        today,
        cast({{ dbt.date_trunc('month', 'today') }} as date) as month_start
    from day
),

-- a step of months ends on the last day of a shorter month
months as (
    {% for months in range(13) %}
        select
            {{ months }} as months_before,
            cast({{ dbt.dateadd('month', -months, 'month_start') }} as date) as first_date,
            cast({{ dbt.dateadd('month', -months, 'today') }} as date) as last_date
        from bounds
        {% if not loop.last %}
            union all
        {% endif %}
    {% endfor %}
),

visitors as (
    {% for visitor_type in ['all', 'broker', 'fund'] %}
        select '{{ visitor_type }}' as visitor_type
        {% if not loop.last %}
            union all
        {% endif %}
    {% endfor %}
),

oldest as (
    select min(first_date) as first_date from months
),

of_a_year as (
    select visits.*
    from {{ ref('fct_visit') }} as visits
    inner join oldest
        on visits.visit_date >= oldest.first_date
),

counted as (
    select
        visits.company_id,
        visitors.visitor_type,
        months.months_before,
        min(visits.security_code) as security_code,
        count(distinct concat(visits.visit_date, visits.visit_way)) as visits,
        count(distinct visits.organization) as institutions,
        max(visits.visit_date) as last_visit_date,
        max(visits.knowledge_at) as knowledge_at
    from of_a_year as visits
    inner join months
        on visits.visit_date between months.first_date and months.last_date
    inner join visitors
        on visitors.visitor_type in ('all', visits.visitor_type)
    group by visits.company_id, visitors.visitor_type, months.months_before
),

earlier_by_type as (
    select
        visits.company_id,
        visits.visitor_type,
        max(visits.visit_date) as visit_date
    from {{ ref('fct_visit') }} as visits
    inner join bounds
        on visits.visit_date < bounds.month_start
    group by visits.company_id, visits.visitor_type
),

earlier as (
    select
        visits.company_id,
        visitors.visitor_type,
        max(visits.visit_date) as previous_visit_date
    from earlier_by_type as visits
    inner join visitors
        on visitors.visitor_type in ('all', visits.visitor_type)
    group by visits.company_id, visitors.visitor_type
),

usual as (
    select
        company_id,
        visitor_type,
        cast(sum(visits) as double) / 12 as average_visits
    from counted
    where months_before > 0
    group by company_id, visitor_type
),

present as (
    select
        *,
        rank() over (
            partition by visitor_type order by institutions desc nulls last, visits desc nulls last
        ) as rank_mtd
    from counted
    where months_before = 0
),

sectors as (
    select
        company_id,
        max_by(sector_code, visit_date) as sector_code
    from {{ ref('fct_visit') }}
    inner join bounds
        on visit_date <= bounds.today
    group by company_id
)

select
    present.company_id,
    present.visitor_type,
    present.rank_mtd,
    present.security_code,
    securities.name_en,
    securities.name_zh,
    sectors.sector_code,
    named.sector_name_en,
    bounds.today as as_of_date,
    present.visits as visits_mtd,
    present.institutions as institutions_mtd,
    present.last_visit_date,
    coalesce(usual.average_visits, 0) as average_visits_same_day,
    present.visits - coalesce(usual.average_visits, 0) as visits_above_average,
    earlier.previous_visit_date,
    present.knowledge_at
from present
cross join bounds
inner join sectors
    on present.company_id = sectors.company_id
left join earlier
    on present.company_id = earlier.company_id and present.visitor_type = earlier.visitor_type
left join usual
    on present.company_id = usual.company_id and present.visitor_type = usual.visitor_type
left join {{ ref('dim_security') }} as securities
    on present.security_code = securities.security_code
left join {{ ref('dim_sector') }} as named
    on
        sectors.sector_code = named.sector_code
        and named.scheme = 'SW2021'
        and named.level = 'L1'
