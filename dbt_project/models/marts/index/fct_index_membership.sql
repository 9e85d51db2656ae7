with sets as (
    select
        index_code,
        weight_date,
        set_number,
        next_date,
        knowledge_at,
        lag(knowledge_at) over (partition by index_code order by set_number nulls first) as previous_knowledge_at,
        lead(knowledge_at) over (partition by index_code order by set_number nulls first) as next_knowledge_at
    from {{ ref('int_index_sets') }}
    where serves_membership
),

members as (
    select
        sets.index_code,
        sets.weight_date,
        sets.set_number,
        sets.next_date,
        members.security_code,
        members.weight,
        lag(sets.set_number) over (
            partition by sets.index_code, members.security_code
            order by sets.set_number nulls first
        ) as previous_number,
        lead(sets.set_number) over (
            partition by sets.index_code, members.security_code
            order by sets.set_number nulls first
        ) as next_number,
        sets.knowledge_at,
        sets.previous_knowledge_at,
        sets.next_knowledge_at
    from sets
    inner join {{ ref('stg_index_weights') }} as members
        on
            sets.index_code = members.index_code
            and sets.weight_date = members.weight_date
)

select
    index_code,
    security_code,
    weight_date as valid_from,
    next_date as valid_to,
    weight,
    case when previous_number = set_number - 1 then 'stay' else 'enter' end as change, -- noqa: RF04
    greatest(
        knowledge_at,
        coalesce(previous_knowledge_at, knowledge_at),
        coalesce(next_knowledge_at, knowledge_at)
    ) as knowledge_at
from members
union all
select
    index_code,
    security_code,
    next_date as valid_from,
    next_date as valid_to,
    cast(null as double) as weight,
    'leave' as change, -- noqa: RF04
    greatest(knowledge_at, next_knowledge_at) as knowledge_at
from members
where next_date is not null and coalesce(next_number, 0) <> set_number + 1
