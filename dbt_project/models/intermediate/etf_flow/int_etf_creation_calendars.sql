with sets as (
    select
        index_code,
        weight_date,
        sum(weight) as total_weight,
        sum(case when security_code like '%.HK' then weight else 0 end) as hk_weight
    from {{ ref('stg_index_weights') }}
    group by index_code, weight_date
),

{# Sums of doubles depend on their order: a billionth of slack at the edges. #}
usable_sets as (
    select
        index_code,
        hk_weight / total_weight as hk_share,
        row_number() over (partition by index_code order by weight_date desc nulls last) as newest
    from sets
    where total_weight between 0.995 - 1e-9 and 1.005 + 1e-9
),

codes as (
    select etf_code
    from {{ ref('stg_etf_profiles') }}
    union
    select etf_code
    from {{ ref('stg_etf_days') }}
)

select
    codes.etf_code,
    profiles.creation_unit,
    usable_sets.hk_share as index_hk_weight,
    coalesce(
        profiles.creation_calendar,
        case
            when
                usable_sets.hk_share >= 0.5 - 1e-9
                and upper(coalesce(profiles.name_zh, '')) not like '%QDII%'
                then 'southbound'
            else 'domestic'
        end
    ) as creation_calendar,
    case when profiles.creation_calendar is not null then 'declared' else 'derived' end as creation_calendar_source
from codes
left join {{ ref('stg_etf_profiles') }} as profiles
    on codes.etf_code = profiles.etf_code
left join usable_sets
    on profiles.tracked_index_code = usable_sets.index_code and usable_sets.newest = 1
