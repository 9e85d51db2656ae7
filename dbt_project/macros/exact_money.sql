{# Exact money (contracts R27): whole numbers of 128 bits, one division, rounded half away from zero. #}

{% macro exact_integer(expression) -%}
    {{ return(adapter.dispatch('exact_integer')(expression)) }}
{%- endmacro %}

{% macro default__exact_integer(expression) -%}
    cast({{ expression }} as hugeint)
{%- endmacro %}

{% macro spark__exact_integer(expression) -%}
    cast({{ expression }} as decimal(38, 0))
{%- endmacro %}

{# A price (four decimals) as a whole number of ten-thousandths. #}
{% macro ten_thousandths(price) -%}
    {{ exact_integer('cast(' ~ price ~ ' as decimal(38, 4)) * 10000') }}
{%- endmacro %}

{# Quotient of two exact integers, the second positive, towards zero. #}
{% macro exact_quotient(numerator, denominator) -%}
    {{ return(adapter.dispatch('exact_quotient')(numerator, denominator)) }}
{%- endmacro %}

{% macro default__exact_quotient(numerator, denominator) -%}
    (({{ numerator }}) // ({{ denominator }}))
{%- endmacro %}

{% macro spark__exact_quotient(numerator, denominator) -%}
    cast((({{ numerator }}) - ({{ numerator }}) % ({{ denominator }})) / ({{ denominator }}) as decimal(38, 0))
{%- endmacro %}

{# numerator / denominator cents (columns of exact integers, denominator positive) as DECIMAL(20,2).
   NULL from 10^16 on, so that sums of amounts fit too. #}
{% macro money_from_cents(numerator, denominator) -%}
    case
        when abs(cast({{ numerator }} as double) / cast({{ denominator }} as double)) < 1e18
            then cast(
                cast(
                    (case when {{ numerator }} < 0 then -1 else 1 end)
                    * {{ exact_quotient('2 * abs(' ~ numerator ~ ') + ' ~ denominator, '2 * ' ~ denominator) }}
                    as decimal(20, 0)
                ) * cast(0.01 as decimal(3, 2))
                as decimal(20, 2)
            )
    end
{%- endmacro %}

{# Product of positive whole numbers of a group, at most the ceiling; exact below 2^53. #}
{% macro integer_product(expression, ceiling) -%}
    {{ return(adapter.dispatch('integer_product')(expression, ceiling)) }}
{%- endmacro %}

{% macro default__integer_product(expression, ceiling) -%}
    cast(least(product({{ expression }}), {{ ceiling }}) as hugeint)
{%- endmacro %}

{% macro spark__integer_product(expression, ceiling) -%}
    aggregate(
        collect_list({{ expression }}),
        cast(1 as decimal(38, 0)),
        (total, factor) -> least(cast(total * factor as decimal(38, 0)), cast({{ ceiling }} as decimal(38, 0)))
    )
{%- endmacro %}

{# Sum of amounts; NULL where the sum is more than money can hold, which only damaged figures reach. #}
{% macro money_sum(expression) -%}
    cast(
        case when abs(sum({{ expression }})) < 1e18 then sum({{ expression }}) end
        as decimal(20, 2)
    )
{%- endmacro %}
