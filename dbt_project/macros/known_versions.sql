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

{# Most rows have one version. Where all are read, finding the keys of several takes a third of the time of ranking every
   row, and little memory; where a part is, only ranking lets a filter on the key reach the files. #}
{% macro duckdb__latest_version(table, key, first_known) -%}
    {%- if goes_on() -%}
        {{ return(default__latest_version(table, key, first_known)) }}
    {%- endif -%}
    {%- set same_key = [] -%}
    {%- for column in key -%}
        {%- do same_key.append("versions." ~ column ~ " is not distinct from repeated." ~ column) -%}
    {%- endfor %}
    with repeated as materialized (
        select {{ key | join(', ') }}
        from {{ source('raw', table) }}
        where knowledge_at <= {{ as_of() }}
        group by {{ key | join(', ') }}
        having count(*) > 1
    )

    select
        versions.*,
        cast(1 as bigint) as version_rank
        {%- if first_known %},
        versions.knowledge_at as first_known_at
        {%- endif %}
    from {{ source('raw', table) }} as versions
    anti join repeated on {{ same_key | join(' and ') }}
    where versions.knowledge_at <= {{ as_of() }}
    union all by name
    select *
    from (
        {{ ranked_versions(
            "(select versions.* from " ~ source('raw', table) ~ " as versions semi join repeated on "
            ~ same_key | join(' and ') ~ ") as several", key, first_known
        ) }}
    ) as ranked
    where version_rank = 1
{%- endmacro %}
