{%- set concept_counts = [
    ('cro_members', 'members'), ('cro_advancers', 'advancers'), ('cro_decliners', 'decliners')
] -%}

with note as (
    select * from {{ ref('int_note_moment') }}
),

concept_dates as (
    select max(breadths.trade_date) as trade_date
    from {{ ref('fct_concept_daily') }} as breadths
    cross join note
    where
        breadths.concept = 'CRO'
        and (
            breadths.trade_date < note.note_date
            or (breadths.trade_date = note.note_date and breadths.knowledge_at <= note.moment)
        )
),

concept as (
    select
        breadths.members,
        breadths.advancers,
        breadths.decliners,
        'concept = ''CRO'' and trade_date = '
        || {{ quoted_date('coalesce(concept_dates.trade_date, note.note_date)') }} as source_filter,
        case when breadths.concept is not null then 1 else 0 end as evidence_rows,
        ' on ' || cast(concept_dates.trade_date as {{ dbt.type_string() }}) as date_words
    from note
    cross join concept_dates
    left join {{ ref('fct_concept_daily') }} as breadths
        on
            breadths.concept = 'CRO'
            and concept_dates.trade_date = breadths.trade_date
)

{% for claim_id, count_column in concept_counts %}
    {{ 'union all' if not loop.first }}
    select
        {{ 32 + loop.index }} as claim_order,
        '{{ claim_id }}' as claim_id,
        cast({{ count_column }} as double) as value,
        cast(null as {{ dbt.type_string() }}) as value_text,
        'companies' as unit,
        'fct_concept_daily' as source_table,
        source_filter,
        evidence_rows,
        {% if count_column == 'members' -%}
            'The CRO concept had ' || members || ' members' || date_words || '.' as sentence,
        {%- elif count_column == 'advancers' -%}
            advancers || ' of ' || members || ' CRO companies rose' || date_words || '.' as sentence,
        {%- else -%}
            decliners || ' of ' || members || ' CRO companies fell' || date_words || '.' as sentence,
        {%- endif %}
        'no concept_members of CRO, or no security_bars of them, by the moment of the note' as missing
    from concept
{% endfor %}
