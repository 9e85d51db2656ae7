with firsts as (
    select
        etf_code,
        min(session_number) as first_number
    from {{ ref('int_etf_tracking_days') }}
    where has_nav
    group by etf_code
),

-- 250 sessions never take more than 420 days
numbered as (
    select
        tracked.*,
        tracked.session_number - firsts.first_number as sessions_since_first_nav,
        case when tracked.day_status = 'used' then tracked.tracking_difference end as used_difference
    from {{ lately(ref('int_etf_tracking_days'), 'trade_date', 420) }} as tracked
    left join firsts
        on tracked.etf_code = firsts.etf_code
),

windows as (
    {% for name, sessions in [('1m', 20), ('3m', 60), ('1y', 250)] %}
        select
            etf_code,
            trade_date,
            index_code,
            '{{ name }}' as window_name,
            {{ sessions }} as window_sessions,
            has_nav,
            sessions_since_first_nav,
            count(used_difference) over last_sessions as days_used,
            sum(case when ln_fund is not null then span_sessions else 0 end) over last_sessions as sessions_covered,
            {% for reason in ['nav_missing', 'index_missing', 'currency_unknown', 'fx_contradicted', 'fx_missing'] %}
                sum(case when day_status = '{{ reason }}' then 1 else 0 end) over last_sessions as {{ reason }}_days,
            {% endfor %}
            exp(sum(ln_fund) over last_sessions) - 1 as fund_return,
            exp(sum(ln_benchmark) over last_sessions) - 1 as benchmark_return,
            stddev_samp(used_difference) over last_sessions as daily_deviation,
            avg(abs(used_difference)) over last_sessions as mean_abs_difference,
            max(known_at) over last_sessions as known_at
        from numbered
        window
            last_sessions as (
                partition by etf_code
                order by trade_date nulls last
                rows between {{ sessions - 1 }} preceding and current row
            )
        {% if not loop.last %}
            union all
        {% endif %}
    {% endfor %}
),

judged as (
    select
        *,
        case
            when days_used = window_sessions then 'complete'
            when days_used >= 0.8 * window_sessions then 'partial'
            when
                index_missing_days
                >= greatest(nav_missing_days, currency_unknown_days, fx_contradicted_days, fx_missing_days)
                and index_missing_days > 0
                then 'index_missing'
            when
                currency_unknown_days >= greatest(nav_missing_days, fx_contradicted_days, fx_missing_days)
                and currency_unknown_days > 0
                then 'currency_unknown'
            when fx_contradicted_days >= greatest(nav_missing_days, fx_missing_days) and fx_contradicted_days > 0
                then 'fx_contradicted'
            when fx_missing_days >= nav_missing_days and fx_missing_days > 0 then 'fx_missing'
            else 'nav_missing'
        end as tracking_status
    from windows
    where has_nav and sessions_since_first_nav >= window_sessions
)

select
    etf_code,
    trade_date as as_of_date,
    window_name,
    window_sessions,
    index_code,
    tracking_status,
    cast(days_used as integer) as days_used,
    cast(window_sessions - days_used as integer) as days_not_used,
    case when tracking_status = 'complete' or sessions_covered = window_sessions then fund_return end
        as fund_return_ratio,
    case when tracking_status = 'complete' or sessions_covered = window_sessions then benchmark_return end
        as index_return_cny_ratio,
    case
        when tracking_status = 'complete' or sessions_covered = window_sessions
            then fund_return - benchmark_return
    end as tracking_difference,
    case when tracking_status in ('complete', 'partial') then daily_deviation * sqrt(250) end
        as tracking_error_annualised,
    case when tracking_status in ('complete', 'partial') then mean_abs_difference end
        as mean_abs_daily_tracking_difference,
    coalesce(known_at, {{ shanghai_moment('trade_date', 15 * 60) }}) as knowledge_at
from judged
order by as_of_date nulls last, window_name nulls last, etf_code nulls last
