select
    calendars.etf_code,
    profiles.name_en,
    profiles.name_zh,
    profiles.manager,
    profiles.tracked_index_code,
    calendars.creation_calendar,
    calendars.creation_calendar_source,
    calendars.creation_unit,
    calendars.index_hk_weight,
    profiles.listed_on
from {{ ref('int_etf_creation_calendars') }} as calendars
left join {{ ref('stg_etf_profiles') }} as profiles
    on calendars.etf_code = profiles.etf_code
