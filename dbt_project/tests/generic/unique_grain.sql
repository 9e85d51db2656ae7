{# One row per value of the columns, none of them NULL. Rows that stand from a build whose rows passed are not read again
   where the day of a row is among the columns. #}
{% test unique_grain(model, columns) %}
    select
        {{ columns | join(',\n        ') }},
        count(*) as rows_of_key
    from {{ rows_made_anew(model, columns) }}
    group by {{ columns | join(', ') }}
    having
        count(*) > 1
        {%- for column in columns %}
        or {{ column }} is null
        {%- endfor %}
{% endtest %}
