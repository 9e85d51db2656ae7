{# One row per step ('day', 'quarter') from one date column to another, inclusive, of every row of a relation;
   the date is called series_date. #}
{% macro date_series(relation, first, last, step) -%}
    {{ return(adapter.dispatch('date_series')(relation, first, last, step)) }}
{%- endmacro %}

{% macro default__date_series(relation, first, last, step) -%}
    select cast(unnest(generate_series(
        cast({{ first }} as timestamp), cast({{ last }} as timestamp), interval 1 {{ step }}
    )) as date) as series_date
    from {{ relation }}
{%- endmacro %}

{% macro spark__date_series(relation, first, last, step) -%}
    select explode(sequence({{ first }}, {{ last }}, interval {{ '3 month' if step == 'quarter' else '1 ' ~ step }})) as series_date
    from {{ relation }}
    where {{ first }} <= {{ last }}
{%- endmacro %}
