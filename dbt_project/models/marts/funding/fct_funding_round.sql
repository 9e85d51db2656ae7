with deals as (
    select *
    from {{ ref('int_funding_deals') }}
    where purpose = 'now'
),

names as (
    select
        org_uuid,
        name,
        knowledge_at
    from {{ ref('stg_organization_versions') }}
    where replaced_at is null
)

select
    deals.round_uuid,
    rounds.org_uuid,
    names.name as org_name,
    rounds.announced_on,
    deals.quarter_start,
    rounds.investment_type,
    deals.stage,
    deals.region,
    case when deals.is_innovative_drugs then 'innovative_drugs' else 'all' end as segment,
    deals.in_cb_news_venture,
    deals.in_vc_pe_broad,
    deals.first_region,
    organizations.primary_category,
    cast(coalesce(organizations.segment_categories, 0) as integer) as segment_categories,
    cast(deals.raised_amount_usd as decimal(20, 2)) as raised_amount_usd,
    greatest(deals.knowledge_at, coalesce(names.knowledge_at, deals.knowledge_at)) as knowledge_at
from deals
inner join {{ ref('int_funding_rounds') }} as rounds
    on
        deals.round_uuid = rounds.round_uuid
        and deals.moment >= rounds.knowledge_at
        and (rounds.in_force_until is null or deals.moment < rounds.in_force_until)
left join {{ ref('int_funding_organizations') }} as organizations
    on
        rounds.org_uuid = organizations.org_uuid
        and deals.moment >= organizations.knowledge_at
        and (organizations.replaced_at is null or deals.moment < organizations.replaced_at)
left join names
    on rounds.org_uuid = names.org_uuid
where deals.in_vc_pe_broad or deals.in_cb_news_venture
