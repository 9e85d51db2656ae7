with note as (
    select * from {{ ref('int_note_moment') }}
),

claims as (
    select * from {{ ref('int_note_claims_prices') }}
    union all
    select * from {{ ref('int_note_claims_flows') }}
    union all
    select * from {{ ref('int_note_claims_visits') }}
    union all
    select * from {{ ref('int_note_claims_funding') }}
    union all
    select * from {{ ref('int_note_claims_concept') }}
)

select
    note.note_date,
    claims.claim_id,
    cast(claims.claim_order as integer) as claim_order,
    coalesce(claims.sentence, 'Not available: ' || claims.missing || '.') as claim,
    case when claims.sentence is not null then claims.value end as value,
    case when claims.sentence is not null then claims.value_text end as value_text,
    claims.unit,
    note.as_of,
    note.moment,
    note.data_ends,
    claims.source_table,
    claims.source_filter,
    cast(claims.evidence_rows as bigint) as evidence_rows,
    case when claims.sentence is not null then 'reproduced' else 'not_available' end as status
from claims
cross join note
