with members as (
    select
        concept,
        as_of_date,
        security_code,
        knowledge_at
    from {{ ref('stg_concept_members') }}
),

sets as (
    select
        concept,
        as_of_date,
        count(*) as members,
        max(knowledge_at) as knowledge_at
    from members
    group by concept, as_of_date
),

member_codes as (
    select distinct
        concept,
        security_code
    from members
),

member_dates as (
    select distinct
        member_codes.concept,
        moves.trade_date
    from member_codes
    inner join {{ ref('int_security_returns') }} as moves
        on member_codes.security_code = moves.security_code
),

events as (
    select
        concept,
        trade_date,
        cast(null as date) as as_of_date
    from member_dates
    union all
    select
        concept,
        as_of_date as trade_date,
        as_of_date
    from sets
),

-- nulls last: on its own date a set comes before the session, which already belongs to it
effective_events as (
    select
        concept,
        trade_date,
        as_of_date as own_set,
        max(as_of_date) over (
            partition by concept
            order by trade_date nulls first, as_of_date nulls last
            rows unbounded preceding
        ) as as_of_date
    from events
),

effective as (
    select
        concept,
        trade_date,
        as_of_date
    from effective_events
    where own_set is null and as_of_date is not null
),

member_sessions as (
    select
        effective.concept,
        effective.trade_date,
        effective.as_of_date,
        members.security_code,
        -- a suspended member without a close has no price; one that closed unchanged has
        case when moves.close is not null then moves.change_ratio end as change_ratio,
        moves.knowledge_at
    from effective
    inner join members
        on
            effective.concept = members.concept
            and effective.as_of_date = members.as_of_date
    inner join {{ ref('int_security_returns') }} as moves
        on
            members.security_code = moves.security_code
            and effective.trade_date = moves.trade_date
),

ranked as (
    select
        *,
        row_number() over (
            partition by concept, trade_date
            order by change_ratio desc nulls last, security_code asc nulls last
        ) as change_rank
    from member_sessions
),

daily as (
    select
        concept,
        trade_date,
        as_of_date,
        count(change_ratio) as priced,
        count(case when change_ratio > 0 then 1 end) as advancers,
        count(case when change_ratio < 0 then 1 end) as decliners,
        avg(change_ratio) as equal_weight_change_ratio,
        max(case when change_rank = 1 and change_ratio is not null then security_code end) as leader_code,
        max(case when change_rank = 1 then change_ratio end) as leader_change_ratio,
        max(knowledge_at) as knowledge_at
    from ranked
    group by concept, trade_date, as_of_date
)

select
    daily.concept,
    daily.trade_date,
    sets.members,
    daily.priced,
    daily.advancers,
    daily.decliners,
    daily.equal_weight_change_ratio,
    daily.leader_code,
    daily.leader_change_ratio,
    daily.as_of_date as set_date,
    greatest(sets.knowledge_at, daily.knowledge_at) as knowledge_at
from daily
inner join sets
    on
        daily.concept = sets.concept
        and daily.as_of_date = sets.as_of_date
