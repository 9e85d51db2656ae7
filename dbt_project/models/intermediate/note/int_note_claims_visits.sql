{%- set sectors = [
    ('visits_companies_all', 'ALL', '', ''),
    ('visits_companies_electronics', '801080', 'electronics ', ', or no sector_members of 801080'),
    ('visits_companies_healthcare', '801150', 'healthcare ', ', or no sector_members of 801150'),
] -%}
{%- set visitors = [('', 'broker', 'Brokers'), ('_any_visitor', 'all', 'Institutions')] -%}

with note as (
    select * from {{ ref('int_note_moment') }}
)

{% for suffix, visitor_type, visitor_words in visitors %}
    {% set outer_index = loop.index0 %}
    {% for claim_id, sector_code, sector_words, unless in sectors %}
        {% if not (loop.first and outer_index == 0) %}
            union all
        {% endif %}
        select
            {{ 21 + 3 * outer_index + loop.index0 }} as claim_order,
            '{{ claim_id }}{{ suffix }}' as claim_id,
            cast(visits.companies_mtd as double) as value,
            cast(null as {{ dbt.type_string() }}) as value_text,
            'companies' as unit,
            'fct_sector_visits_daily' as source_table,
            'scheme = ''SW2021'' and sector_code = ''{{ sector_code }}'''
            || ' and visitor_type = ''{{ visitor_type }}'''
            || ' and as_of_date = ' || {{ quoted_date('note.note_date') }} as source_filter,
            case when visits.scheme is not null then 1 else 0 end as evidence_rows,
            '{{ visitor_words }} visited ' || visits.companies_mtd
            || ' {{ sector_words }}'
            || case when visits.companies_mtd = 1 then 'company' else 'companies' end
            || ' from '
            || cast(note.month_start as {{ dbt.type_string() }})
            || ' to ' || cast(note.note_date as {{ dbt.type_string() }}) || '.' as sentence,
            'no broker_visits by ' || cast(note.note_date as {{ dbt.type_string() }})
            || '{{ unless }}' as missing
        from note
        left join {{ ref('fct_sector_visits_daily') }} as visits
            on
                visits.scheme = 'SW2021'
                and visits.sector_code = '{{ sector_code }}'
                and visits.visitor_type = '{{ visitor_type }}'
                and note.note_date = visits.as_of_date
    {% endfor %}
{% endfor %}
