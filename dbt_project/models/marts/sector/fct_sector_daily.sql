-- SW2021 sectors from the bars of their members; the pseudo-sector from constituents and trackers of its index.
with bars as (
    select
        spans.sector_code,
        bars.trade_date,
        bars.change_ratio,
        bars.is_suspended,
        bars.turnover,
        coalesce(bars.currency, case when bars.security_code like '%.HK' then 'HKD' else 'CNY' end) as currency,
        greatest(bars.knowledge_at, spans.knowledge_at) as knowledge_at
    from {{ lately(ref('int_security_returns'), 'trade_date', 0) }} as bars
    inner join {{ ref('int_sector_spans') }} as spans
        on
            bars.security_code = spans.security_code
            and bars.trade_date >= spans.valid_from
            and bars.trade_date < spans.valid_to
    where spans.scheme = 'SW2021' and spans.sector_code <> 'NONE'
    union all
    -- the index's breadth counts its members; their bars give the turnover
    select
        'HK_INNOVATIVE_DRUG' as sector_code,
        bars.trade_date,
        bars.change_ratio,
        bars.is_suspended,
        bars.turnover,
        coalesce(bars.currency, case when bars.security_code like '%.HK' then 'HKD' else 'CNY' end) as currency,
        greatest(bars.knowledge_at, members.knowledge_at) as knowledge_at
    from {{ lately(ref('int_theme_members'), 'trade_date', 0) }} as members
    inner join {{ lately(ref('int_security_returns'), 'trade_date', 0) }} as bars
        on
            members.security_code = bars.security_code
            and members.trade_date = bars.trade_date
),

traded as (
    select
        sector_code,
        trade_date,
        count(case when change_ratio > 0 then 1 end) as advancers,
        count(case when change_ratio < 0 then 1 end) as decliners,
        count(case when change_ratio = 0 and not is_suspended then 1 end) as unchanged,
        count(case when is_suspended then 1 end) as suspended,
        {{ money_sum("case when currency = 'CNY' then turnover end") }} as turnover_cny,
        {{ money_sum("case when currency = 'HKD' then turnover end") }} as turnover_hkd,
        max(knowledge_at) as knowledge_at
    from bars
    group by sector_code, trade_date
),

-- members as a running sum of entries and exits, with or without a bar of the day
member_events as (
    select
        sector_code,
        valid_from as event_date,
        1 as step,
        false as is_session
    from {{ ref('int_sector_spans') }}
    where scheme = 'SW2021' and sector_code <> 'NONE'
    union all
    select
        sector_code,
        valid_to as event_date,
        -1 as step,
        false as is_session
    from {{ ref('int_sector_spans') }}
    where scheme = 'SW2021' and sector_code <> 'NONE'
    union all
    select
        sector_code,
        trade_date as event_date,
        0 as step,
        true as is_session
    from traded
    where sector_code <> 'HK_INNOVATIVE_DRUG'
),

member_counts as (
    select
        sector_code,
        event_date,
        is_session,
        sum(step) over (
            partition by sector_code
            order by event_date nulls last
            range unbounded preceding
        ) as members
    from member_events
),

tracker_flows as (
    select
        flows.trade_date,
        count(flows.net_flow_cny) as trackers_with_flow,
        {{ money_sum('flows.net_flow_cny') }} as etf_net_flow_cny,
        max(flows.knowledge_at) as knowledge_at
    from {{ lately(ref('fct_etf_daily'), 'trade_date', 0) }} as flows
    inner join {{ ref('dim_etf') }} as etfs
        on flows.etf_code = etfs.etf_code
    where etfs.tracked_index_code = '987018.CNI'
    group by flows.trade_date
),

theme_dates as (
    select trade_date from {{ lately(ref('fct_index_breadth_daily'), 'trade_date', 0) }}
    where index_code = '987018.CNI'
    union
    select trade_date from tracker_flows
),

first_visits as (
    select
        company_id,
        month_start,
        min(visit_date) as first_visit_date,
        min(case when visitor_type = 'broker' then visit_date end) as first_broker_visit_date,
        max(knowledge_at) as knowledge_at
    from {{ lately(ref('int_visits'), 'visit_date', 31) }}
    group by company_id, month_start
),

visit_bounds as (
    select min(month_start) as first_month
    from {{ ref('int_visits') }}
),

theme_visits as (
    select
        members.trade_date,
        count(
            distinct case when visits.first_visit_date <= members.trade_date then visits.company_id end
        ) as companies_visited_mtd,
        count(
            distinct case when visits.first_broker_visit_date <= members.trade_date then visits.company_id end
        ) as companies_visited_by_brokers_mtd,
        max(visits.knowledge_at) as knowledge_at
    from {{ lately(ref('int_theme_members'), 'trade_date', 0) }} as members
    inner join visit_bounds
        on members.trade_date >= visit_bounds.first_month
    left join first_visits as visits
        on
            members.company_id = visits.company_id
            and cast({{ dbt.date_trunc('month', 'members.trade_date') }} as date) = visits.month_start
    group by members.trade_date
),

sector_visits as (
    select
        sector_code,
        as_of_date,
        max(case when visitor_type = 'all' then companies_mtd end) as companies_visited_mtd,
        max(case when visitor_type = 'broker' then companies_mtd end) as companies_visited_by_brokers_mtd,
        max(knowledge_at) as knowledge_at
    from {{ lately(ref('fct_sector_visits_daily'), 'as_of_date', 0) }}
    where scheme = 'SW2021' and sector_code not in ('ALL', 'NONE')
    group by sector_code, as_of_date
),

combined as (
    select
        traded.sector_code,
        traded.trade_date,
        cast(member_counts.members as bigint) as members,
        traded.advancers,
        traded.decliners,
        traded.unchanged,
        traded.suspended,
        traded.turnover_cny,
        traded.turnover_hkd,
        cast(null as bigint) as trackers_with_flow,
        cast(null as decimal(20, 2)) as etf_net_flow_cny,
        sector_visits.companies_visited_mtd,
        sector_visits.companies_visited_by_brokers_mtd,
        cast(null as date) as funding_quarter_start,
        greatest(traded.knowledge_at, coalesce(sector_visits.knowledge_at, traded.knowledge_at)) as knowledge_at
    from traded
    inner join member_counts
        on
            traded.sector_code = member_counts.sector_code
            and traded.trade_date = member_counts.event_date
            and member_counts.is_session
    left join sector_visits
        on
            traded.sector_code = sector_visits.sector_code
            and traded.trade_date = sector_visits.as_of_date
    union all
    select
        'HK_INNOVATIVE_DRUG' as sector_code,
        theme_dates.trade_date,
        cast(index_breadth.members as bigint) as members,
        cast(index_breadth.advancers as bigint) as advancers,
        cast(index_breadth.decliners as bigint) as decliners,
        cast(index_breadth.unchanged as bigint) as unchanged,
        cast(index_breadth.suspended as bigint) as suspended,
        traded.turnover_cny,
        traded.turnover_hkd,
        tracker_flows.trackers_with_flow,
        tracker_flows.etf_net_flow_cny,
        theme_visits.companies_visited_mtd,
        theme_visits.companies_visited_by_brokers_mtd,
        cast(
            {{ dbt.dateadd('month', -3, dbt.date_trunc('quarter', 'theme_dates.trade_date')) }} as date
        ) as funding_quarter_start,
        greatest(
            coalesce(index_breadth.knowledge_at, tracker_flows.knowledge_at),
            coalesce(tracker_flows.knowledge_at, index_breadth.knowledge_at),
            coalesce(traded.knowledge_at, index_breadth.knowledge_at, tracker_flows.knowledge_at),
            coalesce(theme_visits.knowledge_at, index_breadth.knowledge_at, tracker_flows.knowledge_at)
        ) as knowledge_at
    from theme_dates
    left join {{ lately(ref('fct_index_breadth_daily'), 'trade_date', 0) }} as index_breadth
        on
            index_breadth.index_code = '987018.CNI'
            and theme_dates.trade_date = index_breadth.trade_date
    left join traded
        on
            traded.sector_code = 'HK_INNOVATIVE_DRUG'
            and theme_dates.trade_date = traded.trade_date
    left join tracker_flows
        on theme_dates.trade_date = tracker_flows.trade_date
    left join theme_visits
        on theme_dates.trade_date = theme_visits.trade_date
)

select
    combined.sector_code,
    combined.trade_date,
    sectors.sector_name_en as sector_name,
    combined.members,
    combined.advancers,
    combined.decliners,
    combined.unchanged,
    combined.suspended,
    combined.turnover_cny,
    combined.turnover_hkd,
    combined.trackers_with_flow,
    combined.etf_net_flow_cny,
    combined.companies_visited_mtd,
    combined.companies_visited_by_brokers_mtd,
    funding.quarter_start as funding_quarter_start,
    funding.amount_usd as funding_amount_usd,
    funding.yoy_latest as funding_yoy_latest,
    funding.yoy_lag_matched as funding_yoy_lag_matched,
    greatest(combined.knowledge_at, coalesce(funding.knowledge_at, combined.knowledge_at)) as knowledge_at
from combined
left join {{ ref('dim_sector') }} as sectors
    on
        sectors.level = 'L1'
        and sectors.scheme in ('SW2021', 'THEME')
        and combined.sector_code = sectors.sector_code
left join {{ ref('fct_funding_quarterly') }} as funding
    on
        funding.profile = 'cb_news_venture'
        and funding.segment = 'innovative_drugs'
        and funding.region = 'GLOBAL'
        and combined.funding_quarter_start = funding.quarter_start
