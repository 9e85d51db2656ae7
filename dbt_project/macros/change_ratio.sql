{# last / reference - 1 of two prices, as a quotient of whole ten-thousandths: doubles hold those exactly, so that equal
   changes of different prices are the same double and tie. Quotients of prices as doubles differ in their last bit. #}
{% macro change_ratio(last, reference) -%}
    cast(cast(({{ last }} - {{ reference }}) * 10000 as bigint) as double)
    / cast(cast({{ reference }} * 10000 as bigint) as double)
{%- endmacro %}
