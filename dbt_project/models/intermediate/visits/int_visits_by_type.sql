{{ config(materialized="view") }}

-- Visits under each visitor filter.
{% for visitor_type in ['all', 'broker', 'fund'] %}
    select
        '{{ visitor_type }}' as counted_type,
        company_id,
        visit_date,
        month_start,
        visit_way,
        organization,
        is_performance_briefing,
        knowledge_at
    from {{ ref('int_visits') }}
    {% if visitor_type != 'all' %}
        where visitor_type = '{{ visitor_type }}'
    {% endif %}
    {% if not loop.last %}
        union all
    {% endif %}
{% endfor %}
