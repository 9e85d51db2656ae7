-- Members of the pseudo-sector on every session of its index (contracts R70), with their companies.
select
    constituents.trade_date,
    constituents.security_code,
    coalesce(companies.company_id, 'code ' || constituents.security_code) as company_id,
    constituents.knowledge_at
from {{ lately(ref('fct_constituent_daily'), 'trade_date', 0) }} as constituents
left join {{ ref('int_companies') }} as companies
    on constituents.security_code = companies.security_code
where constituents.index_code = '987018.CNI'
