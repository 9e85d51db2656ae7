with latest as (
    {{ latest_version('etf_profiles', ['etf_code']) }}
),

-- a file that carries fewer columns is a whole version all the same (contracts R60)
told as (
    select
        etf_code,
        max_by(tracked_index_code, case when tracked_index_code is not null then knowledge_at end) as told_index_code,
        max_by(creation_unit, case when creation_unit is not null then knowledge_at end) as told_creation_unit,
        max_by(creation_calendar, case when creation_calendar is not null then knowledge_at end)
            as told_creation_calendar
    from ({{ known_versions('etf_profiles') }}) as versions
    group by etf_code
)

select
    latest.etf_code,
    latest.name_en,
    latest.name_zh,
    latest.manager,
    latest.tracked_index_code,
    latest.listed_on,
    latest.creation_unit,
    latest.creation_calendar,
    told.told_index_code,
    told.told_creation_unit,
    told.told_creation_calendar,
    latest.knowledge_at
from latest
inner join told
    on latest.etf_code = told.etf_code
