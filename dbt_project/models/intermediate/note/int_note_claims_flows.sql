with note as (
    select * from {{ ref('int_note_moment') }}
),

window_dates as (
    select max(windows.as_of_date) as as_of_date
    from {{ ref('fct_etf_flow_window') }} as windows
    inner join note
        on
            windows.etf_code = note.note_etf_code
            and windows.as_of_date <= note.note_date
            and windows.first_known_at <= note.moment
    where windows.window_sessions = 10
),

flows as (
    select
        windows.inflow_days,
        windows.window_sessions,
        windows.structural_zero_days,
        windows.missing_days,
        windows.cumulative_flow_cny,
        'etf_code = ''' || note.note_etf_code || ''' and window_sessions = 10 and as_of_date = '
        || {{ quoted_date('coalesce(window_dates.as_of_date, note.note_date)') }} as source_filter,
        case when windows.etf_code is not null then 1 else 0 end as evidence_rows,
        note.note_etf_code as subject,
        ' sessions to ' || cast(window_dates.as_of_date as {{ dbt.type_string() }}) as window_words,
        case
            when windows.etf_code is null
                then
                    'etf_shares and etf_nav of ten sessions of ' || note.note_etf_code
                    || ' known by the moment of the note'
            else 'etf_shares and etf_nav of ' || note.note_etf_code || ' in the window'
        end as missing
    from note
    cross join window_dates
    left join {{ ref('fct_etf_flow_window') }} as windows
        on
            note.note_etf_code = windows.etf_code
            and window_dates.as_of_date = windows.as_of_date
            and windows.window_sessions = 10
)

select
    17 as claim_order,
    'etf_inflow_days' as claim_id,
    cast(inflow_days as double) as value,
    cast(null as {{ dbt.type_string() }}) as value_text,
    'days' as unit,
    'fct_etf_flow_window' as source_table,
    source_filter,
    evidence_rows,
    subject || ' had net inflows on ' || inflow_days || ' of the ' || window_sessions || window_words
    || case when missing_days > 0 then '; flows of ' || missing_days || ' days are missing' else '' end
    || '.' as sentence,
    missing
from flows
union all
select
    18 as claim_order,
    'etf_window_sessions' as claim_id,
    cast(window_sessions as double) as value,
    cast(null as {{ dbt.type_string() }}) as value_text,
    'days' as unit,
    'fct_etf_flow_window' as source_table,
    source_filter,
    evidence_rows,
    'The window of the flow figures is the ' || window_sessions || window_words || '.' as sentence,
    missing
from flows
union all
select
    19 as claim_order,
    'etf_structural_zero_days' as claim_id,
    cast(structural_zero_days as double) as value,
    cast(null as {{ dbt.type_string() }}) as value_text,
    'days' as unit,
    'fct_etf_flow_window' as source_table,
    source_filter,
    evidence_rows,
    'On ' || structural_zero_days || ' of the ' || window_sessions || window_words
    || ' no shares could be created or redeemed.' as sentence,
    missing
from flows
union all
select
    20 as claim_order,
    'etf_cumulative_flow' as claim_id,
    cast(cumulative_flow_cny as double) as value,
    cast(null as {{ dbt.type_string() }}) as value_text,
    'CNY' as unit,
    'fct_etf_flow_window' as source_table,
    source_filter,
    evidence_rows,
    subject
    || case when cumulative_flow_cny < 0 then ' lost ' else ' took in ' end
    || {{ millions_text('cumulative_flow_cny') }} || ' net over the ' || window_sessions || window_words
    || '.' as sentence,
    missing
from flows
