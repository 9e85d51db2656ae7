{# What the desk views share. #}

{# ETFs of the themes, one row per ETF and index: by their profile, else by the list of known trackers. #}
{% macro theme_etfs() %}
    select
        themes.theme,
        themes.index_code,
        themes.role,
        etfs.etf_code
    from {{ ref('theme_indices') }} as themes
    inner join {{ ref('dim_etf') }} as etfs
        on themes.index_code = etfs.tracked_index_code
    union
    select
        themes.theme,
        themes.index_code,
        themes.role,
        known.etf_code
    from {{ ref('theme_indices') }} as themes
    inner join {{ ref('index_trackers') }} as known
        on themes.index_code = known.index_code
    left join {{ ref('dim_etf') }} as etfs
        on known.etf_code = etfs.etf_code
    where etfs.tracked_index_code is null
{% endmacro %}

{# The day that the market note speaks of: the desk's today. #}
{% macro desk_day() %}
    select max(note_date) as today from {{ ref('rpt_market_note') }}
{% endmacro %}

{# Texts of a group in the order of their place (1 to count), behind one another: engines agree on no ordered listing. #}
{% macro joined_by_place(text, place, count) -%}
    max(case when {{ place }} = 1 then {{ text }} end)
    {%- for number in range(2, count + 1) %}
    || coalesce('; ' || max(case when {{ place }} = {{ number }} then {{ text }} end), '')
    {%- endfor %}
{%- endmacro %}
