{%- set regions = [
    ('global', 'GLOBAL', 'worldwide'), ('usa', 'USA', 'in the United States'), ('chn', 'CHN', 'in China')
] -%}
{%- set growths = [
    ('', 'yoy_latest', 'as known now'),
    ('_lag_matched', 'yoy_lag_matched', 'against the figure known a year before'),
] -%}

with note as (
    select * from {{ ref('int_note_moment') }}
)

{% for suffix, growth, growth_words in growths %}
    {% set outer_index = loop.index0 %}
    {% for claim_region, region, region_words in regions %}
        {% if not (loop.first and outer_index == 0) %}
            union all
        {% endif %}
        select
            {{ 27 + 3 * outer_index + loop.index0 }} as claim_order,
            'funding_yoy_{{ claim_region }}{{ suffix }}' as claim_id,
            funding.{{ growth }} as value,
            cast(null as {{ dbt.type_string() }}) as value_text,
            'ratio' as unit,
            'fct_funding_quarterly' as source_table,
            'profile = ''cb_news_venture'' and segment = ''innovative_drugs'' and region = ''{{ region }}'''
            || ' and quarter_start = ' || {{ quoted_date('note.ended_quarter_start') }} as source_filter,
            case when funding.profile is not null then 1 else 0 end as evidence_rows,
            'Venture funding of innovative drugs {{ region_words }} '
            || {{ moved_text('funding.' ~ growth) }}
            || ' year on year in the quarter from '
            || cast(note.ended_quarter_start as {{ dbt.type_string() }}) || ', {{ growth_words }}.' as sentence,
            case
                when funding.profile is null
                    then
                        'no funding_rounds known in or after the quarter from '
                        || cast(note.ended_quarter_start as {{ dbt.type_string() }})
                when funding.amount_usd is null
                    then
                        'raised_amount_usd of funding_rounds in the quarter from '
                        || cast(note.ended_quarter_start as {{ dbt.type_string() }})
                {%- if suffix == '' %}
                    when not funding.is_ended then 'the end of the quarter'
                {%- endif %}
                else
                    'funding_rounds with an amount a year earlier'
                    {%- if suffix == '_lag_matched' %} || ', or what was known of them a year before'{% endif %}
            end as missing
        from note
        left join {{ ref('fct_funding_quarterly') }} as funding
            on
                funding.profile = 'cb_news_venture'
                and funding.segment = 'innovative_drugs'
                and funding.region = '{{ region }}'
                and note.ended_quarter_start = funding.quarter_start
    {% endfor %}
{% endfor %}
