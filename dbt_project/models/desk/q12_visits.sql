with day as (
    {{ desk_day() }}
),

present as (
    select visits.*
    from {{ ref('fct_sector_visits_daily') }} as visits
    inner join day
        on visits.as_of_date = day.today
),

-- a step of months ends on the last day of a shorter month
same_days as (
    {% for months in range(1, 13) %}
        select cast({{ dbt.dateadd('month', -months, 'today') }} as date) as same_day
        from day
        {% if not loop.last %}
            union all
        {% endif %}
    {% endfor %}
),

averages as (
    select
        visits.scheme,
        visits.sector_code,
        visits.visitor_type,
        count(*) as months_compared,
        avg(cast(visits.companies_mtd as double)) as average_companies
    from {{ ref('fct_sector_visits_daily') }} as visits
    inner join same_days
        on visits.as_of_date = same_days.same_day
    group by visits.scheme, visits.sector_code, visits.visitor_type
)

select
    present.scheme,
    present.sector_code,
    coalesce(present.sector_name, present.sector_code) as sector_name,
    named.sector_name_en,
    present.visitor_type,
    present.as_of_date,
    present.companies_mtd,
    present.visits_mtd,
    present.institutions_mtd,
    present.first_time_companies_mtd,
    present.companies_excluding_briefings_mtd,
    present.companies_expected_final,
    present.companies_by_funds_mtd,
    present.visits_by_funds_mtd,
    present.fund_institutions_mtd,
    present.rank_mtd,
    averages.average_companies as average_companies_same_day,
    averages.months_compared,
    present.companies_mtd - averages.average_companies as companies_above_average,
    present.knowledge_at
from present
left join averages
    on
        present.scheme = averages.scheme
        and present.sector_code = averages.sector_code
        and present.visitor_type = averages.visitor_type
left join {{ ref('dim_sector') }} as named
    on
        present.scheme = named.scheme
        and present.sector_code = named.sector_code
        and named.level = 'L1'
