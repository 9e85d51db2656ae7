with notices as (
    select
        *,
        row_number() over (
            partition by security_code, visit_date, visit_way, visitor_org, notice_date
            order by
                knowledge_at desc nulls last,
                _ingested_at desc nulls last,
                _file desc nulls last,
                _row desc nulls last
        ) as version_rank
    from ({{ known_versions('broker_visits') }}) as known
)

select
    security_code,
    visit_date,
    visit_way,
    visitor_org,
    visitor_type,
    visitor_names,
    notice_date,
    knowledge_at
from notices
where version_rank = 1
