{# Every match of a regular expression replaced by a text without back references; both are SQL literals. Patterns
   keep to what RE2 and Java share, and write a backslash nowhere: Spark reads it as an escape. #}
{% macro replace_pattern(expression, pattern, replacement) -%}
    {{ return(adapter.dispatch('replace_pattern')(expression, pattern, replacement)) }}
{%- endmacro %}

{% macro default__replace_pattern(expression, pattern, replacement) -%}
    regexp_replace({{ expression }}, {{ pattern }}, {{ replacement }}, 'g')
{%- endmacro %}

{% macro spark__replace_pattern(expression, pattern, replacement) -%}
    regexp_replace({{ expression }}, {{ pattern }}, {{ replacement }})
{%- endmacro %}

{# Full-width forms as the plain characters that NFKC gives, and spaces out. No engine here has NFKC itself; names of
   institutions and companies hold no other compatibility characters that occur. #}
{% macro plain_width(expression) -%}
    {{ replace_pattern(
        "translate(" ~ expression ~ ", '"
        ~ '　 ！＂＃＄％＆（）＊＋，－．／０１２３４５６７８９：；＜＝＞？＠'
        ~ 'ＡＢＣＤＥＦＧＨＩＪＫＬＭＮＯＰＱＲＳＴＵＶＷＸＹＺ［］＾＿｀ａｂｃｄｅｆｇｈｉｊｋｌｍｎｏｐｑｒｓｔｕｖｗｘｙｚ｛｜｝～'
        ~ "', '"
        ~ '  !"#$%&()*+,-./0123456789:;<=>?@'
        ~ 'ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_`abcdefghijklmnopqrstuvwxyz{|}~'
        ~ "')", "'[ 	]'", "''") }}
{%- endmacro %}

{# Name of an institution by which it is counted (contracts R45), before the alias seed. The company form goes again
   after the research house, for a firm named with both. #}
{% macro organization_name(expression) -%}
    {%- set form = "'(股份有限公司|有限责任公司|有限公司|股份公司|合伙企业|[(](有限合伙|普通合伙|特殊普通合伙)[)])+$'" -%}
    {%- set plain = plain_width(expression) -%}
    {%- set company = replace_pattern(plain, form, "''") -%}
    {%- set bare = replace_pattern(replace_pattern(company, "'(研究所|研究院)$'", "''"), form, "''") -%}
    coalesce(nullif({{ replace_pattern(bare, "'基金管理$'", "'基金'") }}, ''), {{ plain }})
{%- endmacro %}

{# Chinese name of a company without the mark of the share class (A, B, H, -B, -W, -SW, -U …), contracts R44. #}
{% macro company_name(expression) -%}
    nullif({{ replace_pattern(plain_width(expression), "'(-[A-Z]+|[ABH]股|[ABH])$'", "''") }}, '')
{%- endmacro %}

{# A list of names in lower case, blanks around it gone. #}
{% macro plain_list(expression) -%}
    lower(trim({{ expression }}))
{%- endmacro %}

{# The known texts of a group in their order, blanks between; NULL without any. #}
{% macro sorted_list(expression) -%}
    {{ return(adapter.dispatch('sorted_list')(expression)) }}
{%- endmacro %}

{% macro default__sorted_list(expression) -%}
    string_agg({{ expression }}, ' ' order by {{ expression }} asc nulls last)
{%- endmacro %}

{% macro spark__sorted_list(expression) -%}
    nullif(array_join(array_sort(collect_list({{ expression }})), ' '), '')
{%- endmacro %}
