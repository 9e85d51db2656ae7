{# In every group the row of the total is at least as large as each other row (contracts R72), and it is there. #}
{% test total_covers_parts(model, part_column, total_part, group_columns, measures) %}
    with largest as (
        select
            {{ group_columns | join(', ') }},
            {%- for measure in measures %}
            max({{ measure }}) as {{ measure }}_largest,
            max(case when {{ part_column }} = '{{ total_part }}' then {{ measure }} end) as {{ measure }}_total
            {{- ',' if not loop.last }}
            {%- endfor %}
        from {{ model }}
        group by {{ group_columns | join(', ') }}
    )

    select *
    from largest
    where
        {%- for measure in measures %}
        {{ 'or ' if not loop.first }}{{ measure }}_total is null
        or {{ measure }}_largest > {{ measure }}_total
        {%- endfor %}
{% endtest %}
