{# |ln| of the jump that makes a split thinkable, and how far shares and NAV may each lie from the snapped ratio:
   creations and the day's return ride on top of a split. Ratios in whole numbers beyond 10^15 are cut there, far from
   any split, so that the products below stay within 128 bits. #}
{% set jump = 'ln(1.3)' %}
{% set tolerance = 'ln(1.2)' %}

with declared as (
    select
        splits.etf_code,
        case when calendar.is_session_szse then calendar.date else calendar.next_session_szse end as trade_date,
        {{ integer_product('splits.numerator', '1e15') }} as numerator,
        {{ integer_product('splits.denominator', '1e15') }} as denominator,
        max(splits.knowledge_at) as knowledge_at,
        max(splits.first_known_at) as first_known_at
    from {{ ref('stg_etf_splits') }} as splits
    inner join {{ ref('stg_trading_calendar') }} as calendar
        on splits.effective_date = calendar.date
    group by
        splits.etf_code,
        case when calendar.is_session_szse then calendar.date else calendar.next_session_szse end
),

counts as (
    select
        etf_code,
        unit_date,
        knowledge_at,
        first_known_at,
        cast(delivered_shares as double) as shares,
        lag(cast(delivered_shares as double)) over (
            partition by etf_code order by trade_date nulls last
        ) as previous_shares,
        lag(unit_date) over (partition by etf_code order by trade_date nulls last) as previous_unit_date
    from {{ ref('int_etf_share_counts') }}
),

jumps as (
    select *
    from counts
    where abs(ln(shares / previous_shares)) > {{ jump }} and previous_unit_date < unit_date
),

undeclared_jumps as (
    select jumps.*
    from jumps
    left join declared
        on
            jumps.etf_code = declared.etf_code
            and jumps.previous_unit_date < declared.trade_date
            and jumps.unit_date >= declared.trade_date
    where declared.etf_code is null
),

measured as (
    select
        jumps.etf_code,
        jumps.unit_date,
        ln(jumps.shares / jumps.previous_shares) as ln_shares,
        ln(
            cast(max(after_jump.unit_nav) as double)
            / cast(max_by(before_jump.unit_nav, before_jump.nav_date) as double)
        ) as ln_nav,
        greatest(
            max(jumps.knowledge_at),
            max(after_jump.knowledge_at),
            max_by(before_jump.knowledge_at, before_jump.nav_date)
        ) as knowledge_at,
        greatest(
            max(jumps.first_known_at),
            max(after_jump.first_known_at),
            max_by(before_jump.first_known_at, before_jump.nav_date)
        ) as first_known_at
    from undeclared_jumps as jumps
    inner join {{ ref('stg_etf_nav') }} as after_jump
        on jumps.etf_code = after_jump.etf_code and jumps.unit_date = after_jump.nav_date
    inner join {{ ref('stg_etf_nav') }} as before_jump
        on jumps.etf_code = before_jump.etf_code and jumps.previous_unit_date >= before_jump.nav_date
    where after_jump.unit_nav > 0 and before_jump.unit_nav > 0
    group by jumps.etf_code, jumps.unit_date, jumps.shares, jumps.previous_shares
),

ratios as (
    {% for ratio in [2, 3, 4, 5, 10, 20, 50, 100, 1000] %}
        select
            {{ ratio }} as numerator,
            1 as denominator,
            ln({{ ratio }}) as ln_ratio
        union all
        select
            1 as numerator,
            {{ ratio }} as denominator,
            -ln({{ ratio }}) as ln_ratio
        {% if not loop.last %}
            union all
        {% endif %}
    {% endfor %}
),

fitted as (
    select
        measured.etf_code,
        measured.unit_date as trade_date,
        measured.knowledge_at,
        measured.first_known_at,
        ratios.numerator,
        ratios.denominator,
        row_number() over (
            partition by measured.etf_code, measured.unit_date
            order by
                abs(measured.ln_shares - ratios.ln_ratio) + abs(measured.ln_nav + ratios.ln_ratio) nulls last,
                ratios.numerator nulls last,
                ratios.denominator nulls last
        ) as preference
    from measured
    inner join ratios
        on
            abs(measured.ln_shares - ratios.ln_ratio) < {{ tolerance }}
            and abs(measured.ln_nav + ratios.ln_ratio) < {{ tolerance }}
    where abs(measured.ln_nav) > {{ jump }} and abs(measured.ln_shares + measured.ln_nav) < {{ tolerance }}
)

select
    etf_code,
    trade_date,
    numerator,
    denominator,
    'declared' as split_source,
    knowledge_at,
    first_known_at
from declared
where numerator <> denominator

union all

select
    etf_code,
    trade_date,
    {{ exact_integer('numerator') }} as numerator,
    {{ exact_integer('denominator') }} as denominator,
    'detected' as split_source,
    knowledge_at,
    first_known_at
from fitted
where preference = 1
