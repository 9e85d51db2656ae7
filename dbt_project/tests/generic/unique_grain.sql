{# One row per value of the columns, none of them NULL. #}
{% test unique_grain(model, columns) %}
    select
        {{ columns | join(',\n        ') }},
        count(*) as rows_of_key
    from {{ model }}
    group by {{ columns | join(', ') }}
    having
        count(*) > 1
        {%- for column in columns %}
        or {{ column }} is null
        {%- endfor %}
{% endtest %}
