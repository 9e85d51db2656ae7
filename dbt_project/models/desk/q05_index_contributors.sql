with themes as (
    select
        theme,
        index_code
    from {{ ref('theme_indices') }}
),

last_dates as (
    select
        index_code,
        max(trade_date) as trade_date
    from {{ ref('fct_constituent_daily') }}
    where contribution_ratio is not null
    group by index_code
),

ranked as (
    select
        members.*,
        row_number() over (
            partition by members.index_code
            order by members.contribution_ratio desc nulls last, members.security_code asc nulls last
        ) as from_top,
        row_number() over (
            partition by members.index_code
            order by members.contribution_ratio asc nulls last, members.security_code asc nulls last
        ) as from_bottom
    from {{ ref('fct_constituent_daily') }} as members
    inner join last_dates
        on
            members.index_code = last_dates.index_code
            and members.trade_date = last_dates.trade_date
),

sides as (
    select
        *,
        'made' as side,
        from_top as place
    from ranked
    where from_top <= 5 and contribution_ratio > 0
    union all
    select
        *,
        'cost' as side,
        from_bottom as place
    from ranked
    where from_bottom <= 5 and contribution_ratio < 0
)

select
    themes.theme,
    sides.index_code,
    sides.trade_date,
    sides.side,
    sides.place,
    sides.security_code,
    named.name_en,
    named.name_zh,
    sides.weight,
    sides.change_ratio,
    sides.contribution_ratio,
    sides.contribution_ratio * 10000 as contribution_bp,
    whole.index_change_ratio,
    whole.contribution_residual,
    whole.price_coverage,
    sides.knowledge_at
from themes
inner join sides
    on themes.index_code = sides.index_code
left join {{ ref('fct_index_breadth_daily') }} as whole
    on
        sides.index_code = whole.index_code
        and sides.trade_date = whole.trade_date
left join {{ ref('dim_security') }} as named
    on sides.security_code = named.security_code
