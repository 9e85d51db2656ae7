{# Rows of a raw table that were known at the as-of moment, all versions. #}
{% macro known_versions(table) -%}
    select *
    from {{ source('raw', table) }}
    where knowledge_at <= {{ as_of() }}
{%- endmacro %}

{# The version of each row in force at the as-of moment (contracts R11): the last by knowledge, then by ingestion,
   file name and row. first_known: also first_known_at, when any version of the row was known first. #}
{% macro latest_version(table, key, first_known=false) -%}
    {{ return(adapter.dispatch('latest_version')(table, key, first_known)) }}
{%- endmacro %}

{% macro default__latest_version(table, key, first_known) -%}
    select *
    from ({{ ranked_versions(source('raw', table), key, first_known) }}) as versions
    where version_rank = 1
{%- endmacro %}

{% macro ranked_versions(relation, key, first_known) -%}
    select
        *,
        row_number() over (
            partition by {{ key | join(', ') }}
            order by knowledge_at desc, _ingested_at desc, _file desc, _row desc
        ) as version_rank
        {%- if first_known %},
        min(knowledge_at) over (partition by {{ key | join(', ') }}) as first_known_at
        {%- endif %}
    from {{ relation }}
    where knowledge_at <= {{ as_of() }}
{%- endmacro %}

{# Most rows have one version: the others' keys, which `warehouse.build` keeps, are all that has to be ranked. A filter on
   the key reaches the files. #}
{% macro duckdb__latest_version(table, key, first_known) -%}
    {%- if model.resource_type == 'unit_test' -%}
        {{ return(default__latest_version(table, key, first_known)) }}
    {%- endif -%}
    {%- set parameters = source('control', 'build_parameters') -%}
    {%- set repeated = parameters.incorporate(path={'identifier': 'repeated_' ~ table}) -%}
    {%- set same_key = "join " ~ repeated ~ " as repeated using (" ~ key | join(', ') ~ ")" %}
    select
        versions.*,
        cast(1 as bigint) as version_rank
        {%- if first_known %},
        versions.knowledge_at as first_known_at
        {%- endif %}
    from {{ source('raw', table) }} as versions
    anti {{ same_key }}
    where versions.knowledge_at <= {{ as_of() }}
    union all by name
    select *
    from (
        {{ ranked_versions(
            "(select versions.* from " ~ source('raw', table) ~ " as versions semi " ~ same_key ~ ") as several",
            key, first_known
        ) }}
    ) as ranked
    where version_rank = 1
{%- endmacro %}
