with seen as (
    select security_code from {{ ref('stg_securities') }}
    union
    select security_code from {{ ref('int_security_returns') }}
    union
    select security_code from {{ ref('stg_security_quotes') }}
    union
    select security_code from {{ ref('stg_index_weights') }}
    union
    select security_code from {{ ref('stg_concept_members') }}
    union
    select security_code from {{ ref('stg_connect_eligibility') }}
    union
    select security_code from {{ ref('stg_sector_members') }}
    union
    select security_code from {{ ref('stg_broker_visits') }}
)

select
    seen.security_code,
    described.name_en,
    described.name_zh,
    described.issuer_id,
    case
        when seen.security_code like '%.SZ' then 'SZ'
        when seen.security_code like '%.SH' then 'SH'
        when seen.security_code like '%.BJ' then 'BJ'
        when seen.security_code like '%.HK' then 'HK'
    end as market,
    described.listed_on,
    described.delisted_on
from seen
left join {{ ref('stg_securities') }} as described
    on seen.security_code = described.security_code
