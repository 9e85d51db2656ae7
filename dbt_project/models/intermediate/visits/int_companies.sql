-- Securities of one company: equal issuer_id, else equal Chinese name without the share-class mark (contracts R44).
with seen as (
    select security_code from {{ ref('stg_securities') }}
    union
    select security_code from {{ ref('stg_broker_visits') }}
    union
    select security_code from {{ ref('stg_sector_members') }}
),

named as (
    select
        seen.security_code,
        nullif(securities.issuer_id, '') as issuer_id,
        {{ company_name('securities.name_zh') }} as company_name,
        securities.knowledge_at
    from seen
    left join {{ ref('stg_securities') }} as securities
        on seen.security_code = securities.security_code
),

-- a security without issuer_id joins the issuer of its namesake
issuers_of_names as (
    select
        company_name,
        min(issuer_id) as issuer_id
    from named
    where company_name is not null and issuer_id is not null
    group by company_name
),

identified as (
    select
        named.security_code,
        coalesce(
            'issuer ' || coalesce(named.issuer_id, issuers_of_names.issuer_id),
            'name ' || named.company_name,
            'code ' || named.security_code
        ) as company_id,
        case
            when named.security_code like '%.HK' then 3
            when named.security_code like '200%.SZ' or named.security_code like '900%.SH' then 2
            else 1
        end as share_class,
        named.knowledge_at
    from named
    left join issuers_of_names
        on named.company_name = issuers_of_names.company_name
)

select
    security_code,
    company_id,
    share_class,
    knowledge_at
from identified
