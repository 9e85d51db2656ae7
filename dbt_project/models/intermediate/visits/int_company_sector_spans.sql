-- A company has the sector of its A share, else of its B, else of its H share (contracts R44).
with classified as (
    select distinct
        spans.scheme,
        spans.security_code,
        companies.company_id,
        companies.share_class
    from {{ ref('int_sector_spans') }} as spans
    inner join {{ ref('int_companies') }} as companies
        on spans.security_code = companies.security_code
),

preferred as (
    select
        *,
        row_number() over (
            partition by scheme, company_id
            order by share_class nulls last, security_code nulls last
        ) as preference
    from classified
)

select
    preferred.scheme,
    preferred.company_id,
    preferred.security_code,
    spans.valid_from,
    spans.valid_to,
    spans.sector_code,
    spans.knowledge_at
from preferred
inner join {{ ref('int_sector_spans') }} as spans
    on
        preferred.scheme = spans.scheme
        and preferred.security_code = spans.security_code
where preferred.preference = 1
