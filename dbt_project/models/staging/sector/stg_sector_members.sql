select
    latest.security_code,
    latest.scheme,
    latest.level,
    latest.valid_from,
    coalesce(
        sectors.sector_code,
        {{ dbt.split_part('latest.sector_code', "'.'", 1) }}
    ) as sector_code,
    latest.sector_name,
    latest.valid_to,
    latest.knowledge_at
from ({{ latest_version('sector_members', ['security_code', 'scheme', 'level', 'valid_from']) }}) as latest
left join {{ ref('sectors') }} as sectors
    on
        latest.scheme = sectors.scheme
        and latest.level = sectors.level
        and {{ dbt.split_part('latest.sector_code', "'.'", 1) }} = sectors.industry_code
