{# One row per step ('day', 'quarter') from one date to another, inclusive; stands in a select list. #}
{% macro each_date(first, last, step) -%}
    {{ return(adapter.dispatch('each_date')(first, last, step)) }}
{%- endmacro %}

{% macro default__each_date(first, last, step) -%}
    cast(unnest(generate_series(
        cast({{ first }} as timestamp), cast({{ last }} as timestamp), interval 1 {{ step }}
    )) as date)
{%- endmacro %}

{% macro spark__each_date(first, last, step) -%}
    explode(sequence({{ first }}, {{ last }}, interval {{ '3 month' if step == 'quarter' else '1 ' ~ step }}))
{%- endmacro %}
