{# Words of the market note. Times are market time, the session's time zone. #}

{% macro clock_text(moment) -%}
    {{ return(adapter.dispatch('clock_text')(moment)) }}
{%- endmacro %}

{% macro default__clock_text(moment) -%}
    strftime({{ moment }}, '%H:%M')
{%- endmacro %}

{% macro spark__clock_text(moment) -%}
    date_format({{ moment }}, 'HH:mm')
{%- endmacro %}

{# A moment to the microsecond with its offset, as a filter compares it. #}
{% macro moment_text(moment) -%}
    {{ return(adapter.dispatch('moment_text')(moment)) }}
{%- endmacro %}

{% macro default__moment_text(moment) -%}
    strftime({{ moment }}, '%Y-%m-%d %H:%M:%S.%f+08')
{%- endmacro %}

{% macro spark__moment_text(moment) -%}
    date_format({{ moment }}, 'yyyy-MM-dd HH:mm:ss.SSSSSS+08')
{%- endmacro %}

{# 3.72% of 0.0372, without sign. #}
{% macro percent_text(ratio) -%}
    cast(cast(round(abs({{ ratio }}) * 100, 2) as decimal(18, 2)) as {{ dbt.type_string() }}) || '%'
{%- endmacro %}

{% macro moved_text(ratio) -%}
    case
        when {{ ratio }} > 0 then 'rose ' || {{ percent_text(ratio) }}
        when {{ ratio }} < 0 then 'fell ' || {{ percent_text(ratio) }}
        when {{ ratio }} = 0 then 'was unchanged'
    end
{%- endmacro %}

{% macro millions_text(amount) -%}
    cast(cast(round(abs(cast({{ amount }} as double)) / 1000000, 2) as decimal(20, 2)) as {{ dbt.type_string() }})
    || ' million yuan'
{%- endmacro %}

{# A date between quotes, for the text of a filter. #}
{% macro quoted_date(date_expression) -%}
    '''' || cast({{ date_expression }} as {{ dbt.type_string() }}) || ''''
{%- endmacro %}
