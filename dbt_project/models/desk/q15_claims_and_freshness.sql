with claims as (
    select
        'claim' as kind,
        claim_id as subject,
        claim as said,
        value as figure,
        value_text as figure_text,
        unit as figure_unit,
        status,
        source_table,
        source_filter,
        evidence_rows,
        note_date as business_date,
        as_of,
        moment
    from {{ ref('rpt_market_note') }}
),

moments as (
    select
        max(as_of) as as_of,
        max(moment) as moment
    from {{ ref('rpt_market_note') }}
),

-- the last session that had closed by the build's moment
expected as (
    select max(dates.date) as session_date
    from {{ ref('dim_date') }} as dates
    cross join moments
    where dates.is_session_szse and dates.date < cast(moments.as_of as date)
),

tables as (
    {% for name, date in [
        ('fct_etf_daily', 'trade_date'),
        ('fct_etf_flow_window', 'as_of_date'),
        ('fct_etf_intraday', 'cast(quote_ts as date)'),
        ('fct_index_daily', 'trade_date'),
        ('fct_index_intraday', 'cast(quote_ts as date)'),
        ('fct_constituent_daily', 'trade_date'),
        ('fct_index_breadth_daily', 'trade_date'),
        ('fct_constituent_intraday', 'cast(quote_ts as date)'),
        ('fct_concept_daily', 'trade_date'),
        ('fct_tracker_flow_window', 'as_of_date'),
        ('fct_etf_tracking', 'as_of_date'),
        ('fct_index_membership', 'valid_from'),
        ('fct_index_review', 'set_date'),
        ('fct_index_review_member', 'set_date'),
        ('fct_sector_daily', 'trade_date'),
        ('fct_sector_visits_daily', 'as_of_date'),
        ('fct_visit', 'visit_date'),
        ('fct_visit_event_study', 'cast(null as date)'),
        ('fct_funding_round', 'announced_on'),
        ('fct_funding_quarterly', 'quarter_start'),
        ('fct_funding_stage_quarterly', 'quarter_start'),
        ('fct_funding_category_quarterly', 'quarter_start'),
        ('fct_funding_restatement', 'quarter_start'),
        ('rpt_market_note', 'note_date'),
    ] %}
        select
            '{{ name }}' as subject,
            max({{ date }}) as business_date,
            count(*) as evidence_rows,
            {{ 'true' if loop.index <= 9 else 'false' }} as is_timed
        from {{ ref(name) }}
        {% if not loop.last %}
            union all
        {% endif %}
    {% endfor %}
)

-- meta.tables tells where the rows of a mart come from: an earlier release, where its family was refused. While it is
-- empty, a filter on it makes DuckDB 2.0 lose the limit and the exists of a reader, so that there is none.
select
    claims.kind,
    claims.subject,
    claims.said,
    claims.figure,
    claims.figure_text,
    claims.figure_unit,
    claims.status,
    claims.source_table,
    claims.source_filter,
    claims.evidence_rows,
    claims.business_date,
    coalesce(origins.carried_over, false) as carried_over,
    origins.carried_over_because,
    origins.release_id as rows_release_id,
    coalesce(origins.as_of, claims.as_of) as rows_as_of,
    claims.as_of,
    claims.moment
from claims
left join {{ source('meta', 'tables') }} as origins
    on 'marts.' || claims.source_table = origins.table_schema || '.' || origins.table_name
union all
select
    'table' as kind,
    tables.subject,
    case
        when origins.carried_over
            then
                concat('Blocked: rows of release ', origins.release_id, ' stand here. ', origins.carried_over_because)
        when tables.evidence_rows = 0 then 'No row yet.'
        when not tables.is_timed then 'Follows no daily clock.'
        when tables.business_date < expected.session_date then 'Later sessions have passed without a row.'
        else 'Holds the last session that has closed.'
    end as said,
    cast(null as double) as figure,
    cast(null as varchar) as figure_text,
    cast(null as varchar) as figure_unit,
    case
        when origins.carried_over then 'carried_over'
        when tables.evidence_rows = 0 then 'empty'
        when not tables.is_timed then 'not_timed'
        when tables.business_date < expected.session_date then 'late'
        else 'fresh'
    end as status,
    tables.subject as source_table,
    cast(null as varchar) as source_filter,
    tables.evidence_rows,
    tables.business_date,
    coalesce(origins.carried_over, false) as carried_over,
    origins.carried_over_because,
    origins.release_id as rows_release_id,
    coalesce(origins.as_of, moments.as_of) as rows_as_of,
    moments.as_of,
    moments.moment
from tables
cross join moments
cross join expected
left join {{ source('meta', 'tables') }} as origins
    on 'marts.' || tables.subject = origins.table_schema || '.' || origins.table_name
