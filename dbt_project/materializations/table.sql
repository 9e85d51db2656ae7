{# Builds that go on from the one before. The orchestrator writes what has changed into two tables of `control`:
   `changes` (name of a raw table, or of a model that was made anew; first and last business date of the rows that are
   other ones; a model's column of it) and `inputs` (model, and the raw tables and models that it is made from, through any views). Both are
   empty where everything is built. A model is left alone when none of its inputs changed; one that comes out as it was
   is no change to those below.

   Under `meta` a model may say:
     day:    its column of the business date, by which what has changed is told;
     ahead:  it may be made in part. A changed input of a day changes its rows from so many days before that day on, and
             `lately` reads its inputs from where these rows need them;
     back:   beside those days, a row of an input changes so many rows before it of the same key: {key, rows, of: the
             input, a model beside this one, where: which of its rows count}. #}

{# Date from which the rows of this model are to be made, as text; none: all of them. #}
{% macro first_changed_day() -%}
    {%- set meta = model.config.meta or {} -%}
    {%- if 'ahead' not in meta or model.resource_type != 'model' or not execute or flags.WHICH not in ('build', 'run') -%}
        {{ return(none) }}
    {%- endif -%}
    {%- set changed = changed_days() -%}
    {%- if changed is none or changed == 'nothing' or changed.first <= '0002' -%}
        {{ return(none) }}
    {%- endif -%}
    {%- if 'back' not in meta -%}
        {{ return(changed.first) }}
    {%- endif -%}
    {%- set back = meta.back -%}
    {%- set of = this.incorporate(path={'identifier': back.of}) -%}
    {%- set where = back.where | default('true') -%}
    {%- set among = "select " ~ back.key ~ " from " ~ of ~ " where " ~ where ~ " and " ~ meta.day ~ " >= date '"
        ~ changed.first ~ "'" -%}
    {{ return(day_of_earlier_row(changed.first, back.key, meta.day, back.rows, among, where, of)) }}
{%- endmacro %}

{# What changed among the inputs of this model: none where everything is built, 'nothing', or first and last day, the
   first as its own rows see it. #}
{% macro changed_days() -%}
    {%- if target.type != 'duckdb' or load_cached_relation(this) is none -%}
        {{ return(none) }}
    {%- endif -%}
    {%- set inputs = adapter.get_relation(database=target.database, schema='control', identifier='inputs') -%}
    {%- if inputs is none -%}
        {{ return(none) }}
    {%- endif -%}
    {%- set ahead = (model.config.meta or {}).get('ahead', 0) -%}
    {%- set found = run_query(
        "select count(inputs.input), count(changes.name),"
        ~ " strftime(greatest(min(changes.first_day) - " ~ ahead ~ ", date '0001-01-01'), '%Y-%m-%d')"
        ~ " from " ~ inputs ~ " as inputs left join " ~ inputs.incorporate(path={'identifier': 'changes'})
        ~ " as changes on changes.name = inputs.input where inputs.model = '" ~ model.name ~ "'"
    ).rows[0] -%}
    {%- if found[0] == 0 -%}
        {{ return(none) }}
    {%- elif found[1] == 0 -%}
        {{ return('nothing') }}
    {%- endif -%}
    {{ return({'first': found[2]}) }}
{%- endmacro %}

{# The rows of a table that are other ones than in the build that this one goes on from, where its day is one of `columns`;
   else all of them. #}
{% macro rows_made_anew(relation, columns) -%}
    {%- set changes = adapter.get_relation(database=target.database, schema='control', identifier='changes')
        if target.type == 'duckdb' and execute and flags.WHICH == 'build' -%}
    {%- if not changes -%}
        {{ return(relation) }}
    {%- endif -%}
    {%- set found = run_query(
        "select strftime(first_day, '%Y-%m-%d'), day from " ~ changes ~ " where name = '" ~ relation.identifier ~ "'"
    ).rows -%}
    {%- if not found -%}
        {{ return("(select * from " ~ relation ~ " where false)") }}
    {%- elif found[0][1] in columns -%}
        {{ return(rows_since(found[0][0] | string, relation, found[0][1])) }}
    {%- endif -%}
    {{ return(relation) }}
{%- endmacro %}

{# A relation from `days` before the first day whose rows are made; all of it where all are made. `day`: its column. #}
{% macro lately(relation, day, days) -%}
    {%- set first = first_changed_day() -%}
    {{ rows_since(first, relation, day, days) }}
{%- endmacro %}

{# A relation from `days` before a date (text) on; all of it where that is undefined. `day`: its column. #}
{% macro rows_since(date, relation, day, days=0) -%}
    {%- if date -%}
        (select * from {{ relation }} where {{ day }} >= date '{{ date }}' - {{ days }})
    {%- else -%}
        {{ relation }}
    {%- endif -%}
{%- endmacro %}

{# Date from which the `key` of a relation have that many rows before the day `first`, as text: all those of `among` (SQL
   of keys) that it has. `where` picks the rows that count. A quarter holds them for most keys; the years before it are
   looked through for the others alone. #}
{% macro day_of_earlier_row(first, key, day, rows, among, where='true', of=this) -%}
    {%- set before = " from " ~ of ~ " where " ~ day ~ " < date '" ~ first ~ "' and " ~ where ~ " and " ~ key ~ " in " -%}
    {%- set days = "select " ~ key ~ ", max(" ~ day ~ ", " ~ rows ~ ") as days" ~ before -%}
    {%- set lately = "(" ~ days ~ "(" ~ among ~ ") and " ~ day ~ " >= date '" ~ first ~ "' - 90 group by " ~ key ~ ")" -%}
    {%- set full = lately ~ " as lately where len(days) = " ~ rows -%}
    {%- set others = "(from (" ~ among ~ ") except select " ~ key ~ " from " ~ full ~ ")" -%}
    {%- set oldest = run_query("select min(list_min(days)), (select count(*) from " ~ others ~ ") from " ~ full).rows[0] -%}
    {%- set found = [first] + ([oldest[0] | string] if oldest[0] is not none else []) -%}
    {%- if oldest[1] > 0 -%}
        {%- set older = run_query(
            "select min(list_min(days)) from (" ~ days ~ others ~ " group by " ~ key ~ ") as earlier"
        ).rows[0][0] -%}
        {%- set found = found + ([older | string] if older is not none else []) -%}
    {%- endif -%}
    {{ return(found | min) }}
{%- endmacro %}

{# Counts and checksums of two tables with the same columns, by day where they have one; gives first and last day on
   which they differ, or none. `since` looks at the rows from that day on. The last digits of a double are those of the
   order in which its parts were added, which is another one at each build: they are no news. #}
{% macro days_that_differ(made, stood, day, since) -%}
    {%- set columns = [] -%}
    {%- for column in adapter.get_columns_in_relation(stood) -%}
        {%- set name = adapter.quote(column.name) -%}
        {%- do columns.append(
            "case when abs(" ~ name ~ ") < 100 then round(" ~ name ~ ", 10) when abs(" ~ name ~ ") < 1e7 then round("
            ~ name ~ ", 6) else round(" ~ name ~ ", 1) end" if column.dtype == 'DOUBLE' else name
        ) -%}
    {%- endfor -%}
    {%- set by = "coalesce(" ~ day ~ ", date '0001-01-01')" if day else "date '0001-01-01'" -%}
    {%- set sums = "select " ~ by ~ " as day, count(*) as n, sum(hash(" ~ columns | join(', ') ~ ")) as s from " -%}
    {%- set part = " where " ~ day ~ " >= date '" ~ since ~ "'" if since else "" -%}
    {%- set found = run_query(
        "select strftime(min(coalesce(made.day, stood.day)), '%Y-%m-%d'),"
        ~ " strftime(max(coalesce(made.day, stood.day)), '%Y-%m-%d')"
        ~ " from (" ~ sums ~ made ~ " group by all) as made"
        ~ " full join (" ~ sums ~ stood ~ part ~ " group by all) as stood on made.day = stood.day"
        ~ " where made.n is distinct from stood.n or made.s is distinct from stood.s"
    ).rows[0] -%}
    {{ return(none if found[0] is none else {'first': found[0], 'last': found[1]}) }}
{%- endmacro %}

{% macro note_change(differ, day) -%}
    {%- set changes = adapter.get_relation(database=target.database, schema='control', identifier='changes') -%}
    {%- set last = "date '" ~ differ.last ~ "'" if day else "date '9999-12-31'" -%}
    {% do run_query(
        "insert into " ~ changes ~ " values ('" ~ model.name ~ "', date '" ~ differ.first ~ "', " ~ last ~ ", "
        ~ ("'" ~ day ~ "'" if day else "null") ~ ")"
    ) %}
{%- endmacro %}

{% materialization table, adapter='duckdb' %}
    {%- set stood = load_cached_relation(this) -%}
    {%- set this_table = this.incorporate(type='table') -%}
    {%- set made = make_intermediate_relation(this_table).incorporate(type='table') -%}
    {%- set changed = changed_days() -%}
    {%- set first = first_changed_day() -%}
    {%- set day = (model.config.meta or {}).get('day') -%}
    {%- set differ = none -%}

    {{ run_hooks(pre_hooks) }}
    {% if changed == 'nothing' %}
        {% call noop_statement('main', 'UNCHANGED') %}{% endcall %}
    {% elif first is not none %}
        {% call statement('main') -%}
            {# never an empty copy and an insert: in one transaction DuckDB 2.0.0 then loses the rows of a large insert #}
            create or replace temp table rows_of_late as
            select
                {%- for column in adapter.get_columns_in_relation(stood) %}
                cast({{ adapter.quote(column.name) }} as {{ column.data_type }}) as {{ adapter.quote(column.name) }}
                {{- ', ' if not loop.last }}
                {%- endfor %}
            from (
                {{ compiled_code }}
            ) as model_rows where {{ day }} >= date '{{ first }}'
        {%- endcall %}
    {% else %}
        {% do drop_relation_if_exists(load_cached_relation(made)) %}
        {% call statement('main') -%}
            {{ create_table_as(False, this_table if changed is none else made, compiled_code) }}
        {%- endcall %}
    {% endif %}
    {{ run_hooks(post_hooks) }}
    {# A run that is killed from here on leaves nothing that another one goes on from. #}
    {{ adapter.commit() }}

    {% if first is not none and changed != 'nothing' %}
        {%- set differ = days_that_differ('rows_of_late', stood, day, first) -%}
        {% if differ is not none %}
            {%- set between = day ~ " between date '" ~ differ.first ~ "' and date '" ~ differ.last ~ "'" -%}
            {% do run_query("delete from " ~ stood ~ " where " ~ between) %}
            {% do run_query("insert into " ~ stood ~ " by name select * from rows_of_late where " ~ between) %}
        {% endif %}
        {% do run_query("drop table rows_of_late") %}
    {% elif changed is not none and changed != 'nothing' %}
        {%- set differ = days_that_differ(made, stood, day, none) -%}
        {% if differ is none %}
            {% do adapter.drop_relation(made) %}
        {% else %}
            {% do adapter.drop_relation(stood) %}
            {% do adapter.rename_relation(made, this_table) %}
        {% endif %}
    {% endif %}
    {# a transaction writes to one file, and `control` may be in another than the model #}
    {{ adapter.commit() }}
    {% if differ is not none %}
        {% do note_change(differ, day) %}
    {% endif %}
    {{ return({'relations': [this_table]}) }}
{% endmaterialization %}
