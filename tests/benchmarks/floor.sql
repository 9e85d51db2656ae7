-- The same work without a warehouse: landed files to typed, sorted tables and the facts that cost most, in one script.
-- No versions, no as-of, no checks, no quarantine. $LANDING is the folder, $READ the reader of its files.
create or replace table raw_etf_bars as select * from $READ('$LANDING/etf_bars/*') order by etf_code, trade_date;
create or replace table raw_etf_shares as select * from $READ('$LANDING/etf_shares/*') order by etf_code, share_date;
create or replace table raw_etf_nav as select * from $READ('$LANDING/etf_nav/*') order by etf_code, nav_date;
create or replace table raw_index_bars as select * from $READ('$LANDING/index_bars/*') order by index_code, trade_date;
create or replace table raw_index_weights as
select * from $READ('$LANDING/index_weights/*') order by index_code, weight_date;
create or replace table raw_security_bars as
select * from $READ('$LANDING/security_bars/*') order by security_code, trade_date;
create or replace table raw_broker_visits as
select * from $READ('$LANDING/broker_visits/*') order by security_code, visit_date;
create or replace table raw_funding_rounds as select * from $READ('$LANDING/funding_rounds/*') order by round_uuid;
create or replace table raw_organizations as select * from $READ('$LANDING/organizations/*') order by org_uuid;
create or replace table raw_sector_members as select * from $READ('$LANDING/sector_members/*') order by security_code;

create or replace table fct_etf_daily as
select
    b.*,
    s.shares,
    n.unit_nav,
    cast(s.shares as decimal(38, 0)) * cast(n.unit_nav as decimal(18, 4)) as aum_cny,
    cast(s.shares - lag(s.shares) over w as decimal(38, 0)) * cast(n.unit_nav as decimal(18, 4)) as net_flow_cny,
    b.close / n.unit_nav - 1 as premium_ratio
from raw_etf_bars as b
left join raw_etf_shares as s on b.etf_code = s.etf_code and b.trade_date = s.share_date
left join raw_etf_nav as n on b.etf_code = n.etf_code and b.trade_date = n.nav_date
window w as (partition by b.etf_code order by b.trade_date);

create or replace table fct_etf_flow_window as
select
    etf_code,
    trade_date as as_of_date,
    sessions as window_sessions,
    case sessions when 5 then i5 when 10 then i10 else i20 end as inflow_days,
    case sessions when 5 then f5 when 10 then f10 else f20 end as cumulative_flow_cny,
    case sessions when 5 then m5 when 10 then m10 else m20 end as max_daily_flow_cny
from (
    select
        etf_code,
        trade_date,
        sum(cast(net_flow_cny > 0 as int)) over w5 as i5,
        sum(cast(net_flow_cny > 0 as int)) over w10 as i10,
        sum(cast(net_flow_cny > 0 as int)) over w20 as i20,
        sum(net_flow_cny) over w5 as f5,
        sum(net_flow_cny) over w10 as f10,
        sum(net_flow_cny) over w20 as f20,
        max(net_flow_cny) over w5 as m5,
        max(net_flow_cny) over w10 as m10,
        max(net_flow_cny) over w20 as m20
    from fct_etf_daily
    window
        w5 as (partition by etf_code order by trade_date rows 4 preceding),
        w10 as (partition by etf_code order by trade_date rows 9 preceding),
        w20 as (partition by etf_code order by trade_date rows 19 preceding)
)
cross join (values (5), (10), (20)) as t(sessions);

create or replace table fct_index_daily as
select *, close / prev_close - 1 as change_ratio, open / prev_close - 1 as open_gap_ratio from raw_index_bars;

create or replace table fct_constituent_daily as
with sets as (
    select *, lead(weight_date, 1, date '2100-01-01') over (partition by index_code order by weight_date) as next_date
    from (select distinct index_code, weight_date from raw_index_weights)
),
moved as (
    select
        b.index_code,
        b.trade_date,
        w.security_code,
        w.weight_date,
        w.weight,
        p.close / p.prev_close - 1 as change_ratio
    from raw_index_bars as b
    join sets on b.index_code = sets.index_code and b.trade_date > sets.weight_date and b.trade_date <= sets.next_date
    join raw_index_weights as w on sets.index_code = w.index_code and sets.weight_date = w.weight_date
    left join raw_security_bars as p on w.security_code = p.security_code and b.trade_date = p.trade_date
),
drifted as (
    select
        *,
        weight * exp(coalesce(sum(ln(1 + coalesce(change_ratio, 0))) over (
            partition by index_code, weight_date, security_code order by trade_date
            rows between unbounded preceding and 1 preceding
        ), 0)) as grown
    from moved
)
select
    index_code,
    trade_date,
    security_code,
    grown / sum(grown) over (partition by index_code, trade_date) as weight,
    change_ratio,
    grown / sum(grown) over (partition by index_code, trade_date) * change_ratio as contribution_ratio
from drifted;

create or replace table fct_index_breadth_daily as
select
    index_code,
    trade_date,
    count(*) filter (change_ratio > 0) as advancers,
    count(*) filter (change_ratio < 0) as decliners,
    sum(weight) filter (change_ratio > 0) as weight_advancing,
    sum(weight * weight) as hhi,
    list_sum(max(weight, 10)) as top10_weight,
    sum(contribution_ratio) as contribution
from fct_constituent_daily
group by index_code, trade_date;

create or replace table fct_sector_daily as
select
    m.sector_code,
    p.trade_date,
    count(*) as members,
    avg(p.close / p.prev_close - 1) as equal_weight_change_ratio,
    sum(p.turnover) as turnover
from raw_security_bars as p
join raw_sector_members as m on p.security_code = m.security_code
group by m.sector_code, p.trade_date;

create or replace table fct_sector_visits_daily as
with steps as (
    select
        m.sector_code,
        date_trunc('month', v.visit_date) as month_start,
        v.visit_date,
        v.security_code,
        v.visit_way,
        v.visitor_org,
        t.visitor_type
    from raw_broker_visits as v
    join raw_sector_members as m on v.security_code = m.security_code
    join (values ('all'), ('broker')) as t(visitor_type) on t.visitor_type in ('all', v.visitor_type)
),
firsts as (
    select sector_code, visitor_type, month_start, day, count(*) filter (kind = 'c') as companies,
        count(*) filter (kind = 'v') as visits, count(*) filter (kind = 'i') as institutions
    from (
        select sector_code, visitor_type, month_start, 'c' as kind, min(visit_date) as day
        from steps group by sector_code, visitor_type, month_start, security_code
        union all
        select sector_code, visitor_type, month_start, 'v', visit_date
        from steps group by sector_code, visitor_type, month_start, security_code, visit_way, visit_date
        union all
        select sector_code, visitor_type, month_start, 'i', min(visit_date)
        from steps group by sector_code, visitor_type, month_start, visitor_org
    )
    group by all
)
select
    sector_code, visitor_type, day as as_of_date,
    sum(companies) over w as companies_mtd, sum(visits) over w as visits_mtd, sum(institutions) over w as institutions
from firsts
window w as (partition by sector_code, visitor_type, month_start order by day);

create or replace table fct_funding_quarterly as
select
    region,
    segment,
    date_trunc('quarter', r.announced_on) as quarter_start,
    sum(r.raised_amount_usd) as amount_usd,
    count(*) as deals,
    count(r.raised_amount_usd) / count(*) as disclosed_share
from raw_funding_rounds as r
left join raw_organizations as o on r.org_uuid = o.org_uuid
join (values ('GLOBAL'), ('USA'), ('CHN'), ('HKG')) as x(region) on region in ('GLOBAL', o.country_code)
join (values ('all'), ('innovative_drugs')) as s(segment)
    on segment = 'all' or regexp_matches(o.category_list, 'Biotechnology|Biopharma|Pharmaceutical|Therapeutics')
where r.investment_type in ('seed', 'series_a', 'series_b', 'angel', 'pre_seed')
group by all;
checkpoint;
