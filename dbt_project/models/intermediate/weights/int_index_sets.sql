with sets as (
    select
        index_code,
        weight_date,
        count(*) as members,
        count(weight) as known_weights,
        -- decimals, so that a sum on the edge of the tolerance is judged exactly
        sum(cast(weight as decimal(18, 12))) as weight_sum,
        max(knowledge_at) as knowledge_at
    from {{ ref('stg_index_weights') }}
    group by index_code, weight_date
),

judged as (
    select
        *,
        case
            when known_weights = 0 then 'membership_list'
            when weight_sum not between 0.995 and 1.005 then 'bad'
            when known_weights < members then 'incomplete'
            else 'weighted'
        end as set_kind
    from sets
)

select
    index_code,
    weight_date,
    set_kind,
    members,
    known_weights,
    weight_sum,
    set_kind <> 'bad' as serves_membership,
    set_kind = 'weighted' as serves_weights,
    row_number() over (
        partition by index_code, set_kind <> 'bad'
        order by weight_date nulls first
    ) as set_number,
    lead(weight_date) over (
        partition by index_code, set_kind <> 'bad'
        order by weight_date nulls first
    ) as next_date,
    knowledge_at
from judged
