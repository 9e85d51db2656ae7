{# The wall-clock moment of a date in Asia/Shanghai, minutes after midnight, as a timestamp with time zone. #}
{% macro shanghai_moment(date_expression, minutes) -%}
    {{ return(adapter.dispatch('shanghai_moment')(date_expression, minutes)) }}
{%- endmacro %}

{% macro default__shanghai_moment(date_expression, minutes) -%}
    timezone(
        'Asia/Shanghai',
        cast({{ date_expression }} as timestamp) + to_minutes(cast({{ minutes }} as bigint))
    )
{%- endmacro %}

{% macro spark__shanghai_moment(date_expression, minutes) -%}
    to_utc_timestamp(
        cast({{ date_expression }} as timestamp) + make_dt_interval(0, 0, {{ minutes }}, 0), 'Asia/Shanghai'
    )
{%- endmacro %}
