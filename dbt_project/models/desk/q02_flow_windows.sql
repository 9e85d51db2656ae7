with etfs as (
    {{ theme_etfs() }}
),

of_one as (
    select
        *,
        row_number() over (
            partition by etf_code, window_sessions order by as_of_date desc nulls last
        ) as place
    from {{ ref('fct_etf_flow_window') }}
    where etf_code in (select etf_code from etfs)
),

together as (
    select
        *,
        row_number() over (
            partition by index_code, window_sessions order by as_of_date desc nulls last
        ) as place
    from {{ ref('fct_tracker_flow_window') }}
),

both_kinds as (
    select
        etfs.theme,
        etfs.index_code,
        etfs.etf_code,
        of_one.window_sessions,
        of_one.as_of_date,
        of_one.inflow_days,
        of_one.outflow_days,
        of_one.structural_zero_days,
        of_one.missing_days,
        of_one.cumulative_flow_cny,
        of_one.knowledge_at
    from etfs
    inner join of_one
        on etfs.etf_code = of_one.etf_code
    where of_one.place = 1
    union all
    select
        themes.theme,
        together.index_code,
        'ALL' as etf_code,
        together.window_sessions,
        together.as_of_date,
        together.inflow_days,
        together.outflow_days,
        together.structural_zero_days,
        together.missing_days,
        together.cumulative_flow_cny,
        together.knowledge_at
    from {{ ref('theme_indices') }} as themes
    inner join together
        on themes.index_code = together.index_code
    where together.place = 1
)

select
    theme,
    index_code,
    etf_code,
    window_sessions,
    as_of_date,
    cast(inflow_days as integer) as inflow_days,
    cast(outflow_days as integer) as outflow_days,
    cast(structural_zero_days as integer) as structural_zero_days,
    cast(missing_days as integer) as missing_days,
    cast(window_sessions - structural_zero_days as integer) as creation_days,
    cumulative_flow_cny,
    knowledge_at
from both_kinds
