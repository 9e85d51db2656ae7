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
    ] %}
        select
            '{{ name }}' as subject,
            max({{ date }}) as business_date,
            count(*) as evidence_rows
        from {{ ref(name) }}
        {% if not loop.last %}
            union all
        {% endif %}
    {% endfor %}
)

select
    kind,
    subject,
    said,
    figure,
    figure_text,
    figure_unit,
    status,
    source_table,
    source_filter,
    evidence_rows,
    business_date,
    as_of,
    moment
from claims
union all
select
    'table' as kind,
    tables.subject,
    case
        when tables.business_date is null then 'No row yet.'
        when tables.business_date < expected.session_date then 'Later sessions have passed without a row.'
        else 'Holds the last session that has closed.'
    end as said,
    cast(null as double) as figure,
    cast(null as varchar) as figure_text,
    cast(null as varchar) as figure_unit,
    case
        when tables.business_date is null then 'empty'
        when tables.business_date < expected.session_date then 'late'
        else 'fresh'
    end as status,
    tables.subject as source_table,
    cast(null as varchar) as source_filter,
    tables.evidence_rows,
    tables.business_date,
    moments.as_of,
    moments.moment
from tables
cross join moments
cross join expected
