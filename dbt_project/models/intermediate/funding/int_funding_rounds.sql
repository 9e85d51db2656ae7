-- Versions that can be a deal or decide whether another round is one, with what their type means.
with dated as (
    select
        *,
        min(case when country_code is not null then knowledge_at end) over (
            partition by round_uuid
        ) as first_country_known_at
    from {{ ref('stg_funding_round_versions') }}
    where
        announced_on is not null
        and (deleted_at is null or deleted_at > knowledge_at)
        and (replaced_at is null or replaced_at > knowledge_at)
),

versions as (
    select
        *,
        max(case when knowledge_at = first_country_known_at then country_code end) over (
            partition by round_uuid
        ) as first_country_code
    from dated
)

select
    rounds.round_uuid,
    rounds.org_uuid,
    rounds.announced_on,
    cast({{ dbt.date_trunc('quarter', 'rounds.announced_on') }} as date) as quarter_start,
    rounds.investment_type,
    kinds.stage as type_stage,
    kinds.cb_news_venture,
    kinds.vc_pe_broad,
    kinds.is_seed_or_venture,
    kinds.is_venture,
    rounds.raised_amount_usd,
    rounds.country_code,
    rounds.first_country_known_at,
    rounds.first_country_code,
    rounds.deleted_at,
    rounds.knowledge_at,
    -- in force from its knowledge until it is replaced or withdrawn, the earlier of the two
    case
        when rounds.deleted_at < rounds.replaced_at or rounds.replaced_at is null then rounds.deleted_at
        else rounds.replaced_at
    end as in_force_until
from versions as rounds
inner join {{ ref('investment_types') }} as kinds
    on rounds.investment_type = kinds.investment_type
