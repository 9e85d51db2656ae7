{%- set indices = [('hsi', 'HSI.HI', 'Hang Seng Index'), ('hstech', 'HSTECH.HI', 'Hang Seng TECH Index')] -%}

with note as (
    select * from {{ ref('int_note_moment') }}
),

etf as (
    select
        note.note_date,
        case
            when note.quote_ts is not null then 'fct_etf_intraday' else 'fct_etf_daily'
        end as source_table,
        'etf_code = ''' || note.note_etf_code || ''' and '
        || case
            when note.quote_ts is not null then 'quote_ts = ''' || {{ moment_text('note.quote_ts') }} || ''''
            else 'trade_date = ' || {{ quoted_date('note.note_date') }}
        end as source_filter,
        case when note.quote_ts is not null then quotes.change_ratio else bars.change_ratio end as change_ratio,
        case when note.quote_ts is not null then quotes.turnover_cny else bars.turnover_cny end as turnover_cny,
        case when quotes.etf_code is not null or bars.etf_code is not null then 1 else 0 end as evidence_rows,
        note.note_etf_code as subject,
        case when note.quote_ts is not null then 'at ' || {{ clock_text('note.moment') }} else 'at the close' end
        || ' on ' || cast(note.note_date as {{ dbt.type_string() }})
        || coalesce(' (' || note.data_ends || ')', '') as moment_words
    from note
    left join {{ ref('fct_etf_intraday') }} as quotes
        on
            note.note_etf_code = quotes.etf_code
            and note.quote_ts = quotes.quote_ts
    left join {{ ref('fct_etf_daily') }} as bars
        on
            note.note_etf_code = bars.etf_code
            and note.note_date = bars.trade_date
            and note.quote_ts is null
),

leader_moments as (
    select max(changes.quote_ts) as quote_ts
    from {{ ref('fct_constituent_intraday') }} as changes
    inner join note
        on
            changes.index_code = note.note_index_code
            and cast(changes.quote_ts as date) = note.note_date
            and changes.quote_ts <= note.moment
),

leader_places as (
    {% for place in range(1, 9) %}
        select {{ place }} as place{{ ' union all' if not loop.last }}
    {% endfor %}
),

leaders as (
    select
        leader_places.place,
        note.note_index_code,
        note.note_date,
        leader_moments.quote_ts,
        changes.security_code,
        changes.change_ratio,
        coalesce(securities.name_en || ' (' || changes.security_code || ')', changes.security_code) as security_words
    from leader_places
    cross join note
    cross join leader_moments
    left join {{ ref('fct_constituent_intraday') }} as changes
        on
            note.note_index_code = changes.index_code
            and leader_moments.quote_ts = changes.quote_ts
            and leader_places.place = changes.rank_in_index
    left join {{ ref('dim_security') }} as securities
        on changes.security_code = securities.security_code
),

index_moments as (
    select
        quotes.index_code,
        max(quotes.quote_ts) as quote_ts
    from {{ ref('fct_index_intraday') }} as quotes
    inner join note
        on
            cast(quotes.quote_ts as date) = note.note_date
            and quotes.quote_ts <= note.moment
    where quotes.index_code in ('HSI.HI', 'HSTECH.HI')
    group by quotes.index_code
),

{% for prefix, code, name in indices %}
    {{ prefix }} as (
        select
            note.note_date,
            index_moments.quote_ts,
            quotes.open_gap_ratio,
            quotes.open_state,
            case
                when quotes.open_gap_ratio is null then null
                when quotes.open < quotes.prev_close and quotes.turned_at is not null then 1
                else 0
            end as turned_positive,
            case
                when quotes.open < quotes.prev_close then {{ clock_text('quotes.turned_at') }}
            end as turned_clock,
            'index_code = ''{{ code }}'' and quote_ts = '''
            || coalesce({{ moment_text('index_moments.quote_ts') }}, {{ moment_text('note.moment') }})
            || '''' as source_filter,
            case when quotes.index_code is not null then 1 else 0 end as evidence_rows,
            ' at ' || {{ clock_text('index_moments.quote_ts') }}
            || ' on ' || cast(note.note_date as {{ dbt.type_string() }}) as moment_words,
            case
                when quotes.index_code is null
                    then 'no index_quotes of {{ code }} on ' || cast(note.note_date as {{ dbt.type_string() }})
                when quotes.open_gap_ratio is null
                    then
                        'index_quotes of {{ code }} without open or prev_close on '
                        || cast(note.note_date as {{ dbt.type_string() }})
                else 'index_quotes of {{ code }} without last at the moment of the note'
            end as missing
        from note
        left join index_moments
            on index_moments.index_code = '{{ code }}'
        left join {{ ref('fct_index_intraday') }} as quotes
            on
                index_moments.index_code = quotes.index_code
                and index_moments.quote_ts = quotes.quote_ts
    ){{ ',' if not loop.last }}
{% endfor %}

select
    1 as claim_order,
    'etf_change' as claim_id,
    change_ratio as value,
    cast(null as {{ dbt.type_string() }}) as value_text,
    'ratio' as unit,
    source_table,
    source_filter,
    evidence_rows,
    subject || ' ' || {{ moved_text('change_ratio') }} || ' ' || moment_words || '.' as sentence,
    case
        when evidence_rows = 0 then 'no etf_quotes or etf_bars of ' || subject
        else 'last price or prev_close of ' || subject
    end as missing
from etf
union all
select
    2 as claim_order,
    'etf_turnover' as claim_id,
    cast(turnover_cny as double) as value,
    cast(null as {{ dbt.type_string() }}) as value_text,
    'CNY' as unit,
    source_table,
    source_filter,
    evidence_rows,
    subject || ' turned over ' || {{ millions_text('turnover_cny') }} || ' ' || moment_words || '.' as sentence,
    case
        when evidence_rows = 0 then 'no etf_quotes or etf_bars of ' || subject
        else 'turnover_cny of ' || subject
    end as missing
from etf
union all
select
    2 + place as claim_order,
    'leader_' || place || '_change' as claim_id,
    change_ratio as value,
    security_code as value_text,
    'ratio' as unit,
    'fct_constituent_intraday' as source_table,
    'index_code = ''' || note_index_code || ''' and rank_in_index = ' || place || ' and quote_ts = '''
    || coalesce({{ moment_text('quote_ts') }}, cast(note_date as {{ dbt.type_string() }})) || '''' as source_filter,
    case when security_code is not null then 1 else 0 end as evidence_rows,
    security_words || ' ' || {{ moved_text('change_ratio') }} || ' at ' || {{ clock_text('quote_ts') }}
    || ' on ' || cast(note_date as {{ dbt.type_string() }}) || ', place ' || place || ' of the members of '
    || note_index_code || '.' as sentence,
    case
        when quote_ts is null
            then
                'no security_quotes of members of ' || note_index_code || ' by the moment of the note on '
                || cast(note_date as {{ dbt.type_string() }})
                || ', or no index_weights of it'
        else
            'fewer than ' || place || ' members of ' || note_index_code || ' in security_quotes at '
            || {{ clock_text('quote_ts') }}
    end as missing
from leaders
{% for prefix, code, name in indices %}
    union all
    select
        {{ 10 + loop.index }} as claim_order,
        '{{ prefix }}_open_gap' as claim_id,
        open_gap_ratio as value,
        cast(null as {{ dbt.type_string() }}) as value_text,
        'ratio' as unit,
        'fct_index_intraday' as source_table,
        source_filter,
        evidence_rows,
        'The {{ name }} opened '
        || case
            when open_gap_ratio < 0 then {{ percent_text('open_gap_ratio') }} || ' lower'
            when open_gap_ratio > 0 then {{ percent_text('open_gap_ratio') }} || ' higher'
            when open_gap_ratio = 0 then 'unchanged'
        end
        || ' on ' || cast(note_date as {{ dbt.type_string() }}) || '.' as sentence,
        missing
    from {{ prefix }}
    union all
    select
        {{ 12 + loop.index }} as claim_order,
        '{{ prefix }}_turned_positive' as claim_id,
        cast(turned_positive as double) as value,
        turned_clock as value_text,
        '0/1' as unit,
        'fct_index_intraday' as source_table,
        source_filter,
        evidence_rows,
        'The {{ name }} '
        || case turned_positive
            when 1 then 'opened lower and turned positive at ' || turned_clock
            when 0 then 'had not turned from a lower open to positive' || moment_words
        end
        || '.' as sentence,
        missing
    from {{ prefix }}
    union all
    select
        {{ 14 + loop.index }} as claim_order,
        '{{ prefix }}_open_state' as claim_id,
        cast(null as double) as value,
        open_state as value_text,
        'text' as unit,
        'fct_index_intraday' as source_table,
        source_filter,
        evidence_rows,
        'The {{ name }}'
        || case open_state
            when 'low_open_now_up' then ' opened lower and stood above the previous close'
            when 'low_open_faded' then ' opened lower, turned positive and fell back'
            when 'low_open_still_down' then ' opened lower and had not risen above the previous close'
            when 'high_open_now_down' then ' opened higher and stood below the previous close'
            when 'high_open_recovered' then ' opened higher, turned negative and recovered'
            when 'high_open_still_up' then ' opened higher and had not fallen below the previous close'
            when 'flat_open' then ' opened flat'
        end
        || moment_words || '.' as sentence,
        missing
    from {{ prefix }}
{% endfor %}
