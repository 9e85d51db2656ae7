-- How far back the vintages of rounds reach (contracts R16).
with vintages as (
    select
        min(ingested_at) as earliest_ingestion,
        max(case when knowledge_source = 'stamp' then 1 else 0 end) as has_stamps,
        max(case when replaced_at is not null then 1 else 0 end) as has_restatements,
        max(knowledge_at) as latest_knowledge
    from {{ ref('stg_funding_round_versions') }}
)

-- a first batch younger than a moment says nothing about what was known then, unless its rows do
select
    has_stamps = 1 or has_restatements = 1 as carries_vintages,
    earliest_ingestion,
    has_stamps = 1
    or has_restatements = 1
    or earliest_ingestion <= {{ dbt.dateadd('year', -1, as_of()) }} as reaches_back_a_year,
    latest_knowledge
from vintages
