-- Which quarter is looked at as of which moment: now, a year before, for the completeness of each of the eight
-- quarters after it when it was as old as that one is now, and at its own end and that of the eight after it.
with versions as (
    select max(knowledge_at) as latest_knowledge
    from {{ ref('stg_funding_round_versions') }}
),

bounds as (
    select
        min(rounds.quarter_start) as first_quarter,
        -- quarters after the provider's last word are unknown, not empty
        greatest(
            max(rounds.quarter_start),
            max(cast({{ dbt.date_trunc('quarter', 'versions.latest_knowledge') }} as date))
        ) as last_quarter
    from {{ ref('int_funding_rounds') }} as rounds
    cross join versions
    where rounds.in_force_until is null or rounds.in_force_until > {{ as_of() }}
    having min(rounds.quarter_start) is not null
),

series as (
    select {{ each_date('first_quarter', 'last_quarter', 'quarter') }} as series_date
    from bounds
),

quarters as (
    select
        series_date as quarter_start,
        cast({{ dbt.dateadd('month', 3, 'series_date') }} as date) as next_quarter_start,
        row_number() over (order by series_date nulls last) as quarter_number
    from series
),

pairs as (
    select
        looked_at.quarter_start,
        looked_at.next_quarter_start,
        aged.quarter_start as for_quarter,
        aged.next_quarter_start as for_next_quarter_start,
        aged.quarter_number - looked_at.quarter_number as quarters_later,
        {{ dbt.datediff('looked_at.next_quarter_start', 'aged.next_quarter_start', 'day') }} as days_later
    from quarters as looked_at
    inner join quarters as aged
        on
            looked_at.quarter_number >= aged.quarter_number - 8
            and looked_at.quarter_number <= aged.quarter_number
),

parameters as (
    select as_of from {{ source('control', 'build_parameters') }}
)

select
    case when pairs.quarters_later = 0 then 'now' else 'same_age' end as purpose,
    pairs.quarter_start,
    pairs.for_quarter,
    pairs.next_quarter_start,
    {{ shanghai_moment('pairs.next_quarter_start', 0) }} <= parameters.as_of as is_ended,
    {{ dbt.dateadd('day', '-pairs.days_later', 'parameters.as_of') }} as moment
from pairs
cross join parameters
where
    pairs.quarters_later = 0
    or {{ shanghai_moment('pairs.next_quarter_start', 0) }} <= parameters.as_of
union all
-- the base of the first quarters may lie before them: all of it withdrawn since
select
    'year_ago' as purpose,
    cast({{ dbt.dateadd('month', -12, 'quarters.quarter_start') }} as date) as quarter_start,
    quarters.quarter_start as for_quarter,
    cast({{ dbt.dateadd('month', -12, 'quarters.next_quarter_start') }} as date) as next_quarter_start,
    true as is_ended,
    {{ dbt.dateadd('year', -1, 'parameters.as_of') }} as moment
from quarters
cross join parameters
union all
select
    'quarter_end' as purpose,
    pairs.quarter_start,
    pairs.for_quarter,
    pairs.next_quarter_start,
    true as is_ended,
    {{ shanghai_moment('pairs.for_next_quarter_start', 0) }} as moment
from pairs
cross join parameters
where {{ shanghai_moment('pairs.for_next_quarter_start', 0) }} < parameters.as_of
