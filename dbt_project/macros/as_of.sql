{# The moment of the build: nothing known later takes part (contracts R12). A parameter table instead of a dbt
   variable, because a changed variable makes dbt parse the whole project again. #}
{% macro as_of() -%}
    (select as_of from {{ source('control', 'build_parameters') }})
{%- endmacro %}
