-- The sector of a security can only change where a membership begins or ends; before the first there is none.
with members as (
    select
        scheme,
        security_code,
        valid_from,
        valid_to,
        sector_code,
        knowledge_at
    from {{ ref('stg_sector_members') }}
    where level = 'L1'
),

changes as (
    select
        scheme,
        security_code,
        valid_from as change_date
    from members
    union
    select
        scheme,
        security_code,
        valid_to as change_date
    from members
    where valid_to is not null
    union
    select
        scheme,
        security_code,
        cast('0001-01-01' as date) as change_date
    from members
),

spans as (
    select
        scheme,
        security_code,
        change_date as valid_from,
        coalesce(
            lead(change_date) over (partition by scheme, security_code order by change_date nulls last),
            cast('9999-12-31' as date)
        ) as valid_to
    from changes
),

covered as (
    select
        spans.scheme,
        spans.security_code,
        spans.valid_from,
        spans.valid_to,
        members.sector_code,
        members.knowledge_at,
        row_number() over (
            partition by spans.scheme, spans.security_code, spans.valid_from
            order by members.valid_from desc nulls last
        ) as precedence
    from spans
    left join members
        on
            spans.scheme = members.scheme
            and spans.security_code = members.security_code
            and spans.valid_from >= members.valid_from
            and (members.valid_to is null or spans.valid_from < members.valid_to)
)

select
    scheme,
    security_code,
    valid_from,
    valid_to,
    coalesce(sector_code, 'NONE') as sector_code,
    knowledge_at
from covered
where precedence = 1
