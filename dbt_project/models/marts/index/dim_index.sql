with seen as (
    select index_code from {{ ref('stg_index_bars') }}
    union
    select index_code from {{ ref('stg_index_quotes') }}
    union
    select index_code from {{ ref('stg_index_weights') }}
    union
    select tracked_index_code as index_code
    from {{ ref('stg_etf_profiles') }}
    where tracked_index_code is not null
    union
    select index_code from {{ ref('indices') }}
)

select
    seen.index_code,
    described.name_en,
    described.name_zh,
    described.currency,
    coalesce(
        described.market,
        case
            when seen.index_code like '%.HI' then 'HK'
            when seen.index_code like '%.SH' or seen.index_code like '%.SZ' then 'CN'
        end
    ) as market
from seen
left join {{ ref('indices') }} as described
    on seen.index_code = described.index_code
