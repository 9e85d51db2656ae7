-- An institution counts in a sector from its first call of the month on a company of it, as long as one of those
-- companies is there: the spans of its companies, merged.
with calls as (
    select
        counted_type,
        month_start,
        company_id,
        organization,
        min(visit_date) as first_date
    from {{ lately(ref('int_visits_by_type'), 'visit_date', 31) }}
    group by counted_type, month_start, company_id, organization
),

dated as (
    select
        schemes.scheme,
        calls.counted_type,
        calls.company_id,
        calls.organization,
        calls.month_start,
        calls.first_date,
        cast({{ dbt.last_day('calls.month_start', 'month') }} as date) as month_end
    from calls
    cross join {{ ref('int_classification_schemes') }} as schemes
),

spans as (
    select
        dated.scheme,
        dated.counted_type,
        dated.organization,
        dated.month_start,
        dated.month_end,
        coalesce(sectors.sector_code, 'NONE') as sector_code,
        greatest(dated.first_date, coalesce(sectors.valid_from, dated.first_date)) as first_date,
        least(
            dated.month_end,
            coalesce(cast({{ dbt.dateadd('day', -1, 'sectors.valid_to') }} as date), dated.month_end)
        ) as last_date
    from dated
    left join {{ ref('int_company_sector_spans') }} as sectors
        on
            dated.scheme = sectors.scheme
            and dated.company_id = sectors.company_id
            and dated.month_end >= sectors.valid_from
            and dated.first_date < sectors.valid_to
),

-- of spans with one end the longest holds the others; most end with the month, so few are left to merge
longest as (
    select
        scheme,
        sector_code,
        counted_type,
        organization,
        month_start,
        month_end,
        last_date,
        min(first_date) as first_date
    from spans
    group by scheme, sector_code, counted_type, organization, month_start, month_end, last_date
),

groups as (
    select
        scheme,
        sector_code,
        counted_type,
        organization,
        month_start,
        month_end,
        count(*) as ends,
        min(first_date) as first_date,
        max(last_date) as last_date
    from longest
    group by scheme, sector_code, counted_type, organization, month_start, month_end
),

preceded as (
    select
        longest.*,
        max(longest.last_date) over (
            partition by
                longest.scheme,
                longest.sector_code,
                longest.counted_type,
                longest.organization,
                longest.month_start
            order by longest.first_date nulls last, longest.last_date nulls last
            rows between unbounded preceding and 1 preceding
        ) as covered_until
    from longest
    inner join groups
        on
            longest.scheme = groups.scheme
            and longest.sector_code = groups.sector_code
            and longest.counted_type = groups.counted_type
            and longest.organization = groups.organization
            and longest.month_start = groups.month_start
    where groups.ends > 1
),

islands as (
    select
        *,
        sum(case when first_date <= covered_until then 0 else 1 end) over (
            partition by scheme, sector_code, counted_type, organization, month_start
            order by first_date nulls last, last_date nulls last
            rows unbounded preceding
        ) as island
    from preceded
)

select
    scheme,
    sector_code,
    counted_type,
    organization,
    month_end,
    first_date,
    last_date
from groups
where ends = 1
union all
select
    scheme,
    sector_code,
    counted_type,
    organization,
    month_end,
    min(first_date) as first_date,
    max(last_date) as last_date
from islands
group by scheme, sector_code, counted_type, organization, month_end, island
union all
select
    scheme,
    'ALL' as sector_code,
    counted_type,
    organization,
    month_end,
    min(first_date) as first_date,
    month_end as last_date
from dated
group by scheme, counted_type, organization, month_end
