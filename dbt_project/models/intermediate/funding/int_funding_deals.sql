{# Its readers take a part or a sum of it: its twenty rows for each round need not be written. #}
{{ config(materialized="view") }}

-- Rounds in force at each moment, judged entirely by what was known then (contracts R50, R52, R54).
with organizations as (
    select
        org_uuid,
        country_code,
        first_country_code,
        first_country_known_at,
        is_innovative_drugs,
        knowledge_at,
        replaced_at
    from {{ ref('int_funding_organizations') }}
    union all
    -- before its first version nothing is known of an organization
    select
        org_uuid,
        null as country_code,
        null as first_country_code,
        null as first_country_known_at,
        null as is_innovative_drugs,
        null as knowledge_at,
        min(knowledge_at) as replaced_at
    from {{ ref('int_funding_organizations') }}
    group by org_uuid
),

deals as (
    select
        moments.purpose,
        moments.for_quarter,
        moments.moment,
        rounds.quarter_start,
        rounds.round_uuid,
        rounds.org_uuid,
        rounds.announced_on,
        rounds.type_stage,
        rounds.cb_news_venture,
        rounds.vc_pe_broad,
        rounds.raised_amount_usd,
        rounds.country_code,
        case when rounds.first_country_known_at <= moments.moment then rounds.first_country_code end
            as first_country_code,
        rounds.knowledge_at,
        organizations.country_code as org_country_code,
        case when organizations.first_country_known_at <= moments.moment then organizations.first_country_code end
            as org_first_country_code,
        organizations.is_innovative_drugs,
        organizations.knowledge_at as org_known_at
    from {{ ref('int_funding_rounds') }} as rounds
    left join organizations
        on rounds.org_uuid = organizations.org_uuid
    inner join {{ ref('int_funding_moments') }} as moments
        on
            rounds.quarter_start = moments.quarter_start
            and rounds.knowledge_at <= moments.moment
            and (rounds.in_force_until is null or rounds.in_force_until > moments.moment)
            and (organizations.knowledge_at is null or organizations.knowledge_at <= moments.moment)
            and (organizations.replaced_at is null or organizations.replaced_at > moments.moment)
    where rounds.vc_pe_broad <> 'never'
),

-- Only two types need the organization's history; every round announced strictly before counts as known then.
-- A round whose date moved is looked at in both of its quarters, as of two moments: each has a history of its own.
histories as (
    select
        deals.purpose,
        deals.quarter_start,
        deals.for_quarter,
        deals.round_uuid,
        max(case when earlier.is_seed_or_venture then 1 else 0 end) as after_seed_or_venture,
        max(case when earlier.is_venture then 1 else 0 end) as after_venture,
        max(earlier.knowledge_at) as knowledge_at
    from deals
    inner join {{ ref('int_funding_rounds') }} as earlier
        on
            deals.org_uuid = earlier.org_uuid
            and deals.announced_on > earlier.announced_on
            and deals.moment >= earlier.knowledge_at
            and (earlier.in_force_until is null or deals.moment < earlier.in_force_until)
    where
        earlier.is_seed_or_venture
        and deals.cb_news_venture in ('after_seed_or_venture', 'after_venture')
    group by deals.purpose, deals.quarter_start, deals.for_quarter, deals.round_uuid
)

select
    deals.purpose,
    deals.quarter_start,
    deals.for_quarter,
    deals.moment,
    deals.round_uuid,
    deals.raised_amount_usd,
    {% for region, country in [('region', 'country_code'), ('first_region', 'first_country_code')] %}
        case coalesce(deals.org_{{ country }}, deals.{{ country }})
            when 'USA' then 'USA'
            when 'CHN' then 'CHN'
            when 'HKG' then 'HKG'
            else 'ROW'
        end as {{ region }},
    {% endfor %}
    coalesce(deals.is_innovative_drugs, 0) = 1 as is_innovative_drugs,
    case deals.cb_news_venture
        when 'always' then true
        when 'after_seed_or_venture' then coalesce(histories.after_seed_or_venture, 0) = 1
        when 'after_venture' then coalesce(histories.after_venture, 0) = 1
        else false
    end as in_cb_news_venture,
    case deals.vc_pe_broad
        when 'always' then true
        when 'after_seed_or_venture' then coalesce(histories.after_seed_or_venture, 0) = 1
        else false
    end as in_vc_pe_broad,
    -- boundaries of the Crunchbase News glossary; the amounts are those known at the moment
    case
        when deals.type_stage in ('seed_angel', 'early', 'late') then deals.type_stage
        when deals.type_stage = 'technology_growth' and coalesce(histories.after_venture, 0) = 1
            then 'technology_growth'
        when deals.type_stage = 'technology_growth' then 'private_equity'
        when deals.raised_amount_usd is null then 'unknown'
        when deals.raised_amount_usd <= 3000000 then 'seed_angel'
        when deals.raised_amount_usd <= 15000000 then 'early'
        else 'late'
    end as stage, -- noqa: RF04
    greatest(
        deals.knowledge_at,
        coalesce(deals.org_known_at, deals.knowledge_at),
        coalesce(histories.knowledge_at, deals.knowledge_at)
    ) as knowledge_at
from deals
left join histories
    on
        deals.purpose = histories.purpose
        and deals.quarter_start = histories.quarter_start
        and deals.for_quarter = histories.for_quarter
        and deals.round_uuid = histories.round_uuid
