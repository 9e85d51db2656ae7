{# Rows of a raw table that were known at the as-of moment, all versions. #}
{% macro known_versions(table) -%}
    select *
    from {{ source('raw', table) }}
    where knowledge_at <= {{ as_of() }}
{%- endmacro %}

{# The version of each row in force at the as-of moment (contracts R11): the last by knowledge, then by ingestion,
   file name and row. first_known: also first_known_at, when any version of the row was known first. #}
{% macro latest_version(table, key, first_known=false) -%}
    select *
    from (
        select
            *,
            row_number() over (
                partition by {{ key | join(', ') }}
                order by knowledge_at desc, _ingested_at desc, _file desc, _row desc
            ) as version_rank
            {%- if first_known %},
            min(knowledge_at) over (partition by {{ key | join(', ') }}) as first_known_at
            {%- endif %}
        from {{ source('raw', table) }}
        where knowledge_at <= {{ as_of() }}
    ) as versions
    where version_rank = 1
{%- endmacro %}
