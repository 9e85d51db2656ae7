select scheme from {{ ref('int_sector_spans') }}
union
select 'SW2021' as scheme
