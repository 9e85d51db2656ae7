"""fct_sector_daily: the sector on one row."""

from expectations.vocabulary import Suite, key_checks, no_rows, within_cut

GRAIN = ("sector_code", "trade_date")

SUITE = Suite(
    table="marts.fct_sector_daily",
    owner="desk",
    grain=GRAIN,
    checks=(
        *key_checks(GRAIN),
        within_cut(),
        no_rows(
            "breadth_within_members",
            "critical",
            "More risers and fallers than members means a join that multiplies.",
            "select sector_code, trade_date, members, advancers, decliners from {batch} "
            "where advancers < 0 or decliners < 0 or advancers + decliners > members",
            "advancers + decliners ≤ members",
            reach=0,
        ),
        no_rows(
            "newest_day_is_recounted",
            "critical",
            "Risers and fallers of each sector on the last session with bars, counted anew from the members' bars; "
            "a sector that is not there reads like no news.",
            "select r.sector_code, r.trade_date, s.advancers, r.up, s.decliners, r.down from (select p.sector_code, "
            "b.trade_date, count(case when b.change_ratio > 0 then 1 end) as up, "
            "count(case when b.change_ratio < 0 then 1 end) as down from work.intermediate.int_security_returns as b "
            "join work.intermediate.int_sector_spans as p on b.security_code = p.security_code "
            "and b.trade_date >= p.valid_from and b.trade_date < p.valid_to where p.scheme = 'SW2021' "
            "and p.sector_code <> 'NONE' and b.trade_date = (select max(trade_date) "
            "from work.intermediate.int_security_returns) group by p.sector_code, b.trade_date) as r "
            "left join {batch} as s on r.sector_code = s.sector_code and r.trade_date = s.trade_date "
            "where s.sector_code is null or s.advancers <> r.up or s.decliners <> r.down",
            "the members' own counts",
            "G3",
        ),
        no_rows(
            "theme_has_its_index_breadth",
            "critical",
            "The theme's members are those of its index (contracts R70): one count of risers and fallers.",
            "select s.trade_date, s.advancers, b.advancers as of_the_index, s.decliners, b.decliners as "
            "index_decliners "
            "from {batch} as s join marts.fct_index_breadth_daily as b on b.index_code = '987018.CNI' "
            "and s.trade_date = b.trade_date where s.sector_code = 'HK_INNOVATIVE_DRUG' "
            "and (s.advancers <> b.advancers or s.decliners <> b.decliners)",
            "the index's own counts",
        ),
        no_rows(
            "flows_are_those_of_trackers",
            "critical",
            "Each tracker once, to the cent; a sum too large to hold is NULL.",
            "select s.trade_date, s.etf_net_flow_cny, f.flow from {batch} as s left join (select d.trade_date, "
            "sum(d.net_flow_cny) as flow from marts.fct_etf_daily as d join marts.dim_etf as e on d.etf_code = "
            "e.etf_code "
            "where e.tracked_index_code = '987018.CNI' group by d.trade_date) as f on s.trade_date = f.trade_date "
            "where s.sector_code = 'HK_INNOVATIVE_DRUG' and s.etf_net_flow_cny is distinct from f.flow "
            "and coalesce(abs(f.flow) < 1e18, true)",
            "Σ flows of the funds that track 987018.CNI",
        ),
        no_rows(
            "visits_are_those_of_the_sector",
            "critical",
            "The same count under the same name.",
            "select s.sector_code, s.trade_date, s.companies_visited_mtd, v.companies, "
            "s.companies_visited_by_brokers_mtd, "
            "v.by_brokers from {batch} as s join (select sector_code, as_of_date, "
            "max(case when visitor_type = 'all' then companies_mtd end) as companies, "
            "max(case when visitor_type = 'broker' then companies_mtd end) as by_brokers "
            "from marts.fct_sector_visits_daily where scheme = 'SW2021' and as_of_date >= {since} group by "
            "sector_code, as_of_date) as v "
            "on s.sector_code = v.sector_code and s.trade_date = v.as_of_date "
            "where s.companies_visited_mtd is distinct from v.companies "
            "or s.companies_visited_by_brokers_mtd is distinct from v.by_brokers",
            "companies_mtd of fct_sector_visits_daily",
            reach=0,
        ),
        no_rows(
            "funding_is_that_of_the_quarter",
            "critical",
            "The last quarter ended before the day, as fct_funding_quarterly has it.",
            "select s.trade_date, s.funding_quarter_start, s.funding_amount_usd, q.amount_usd, s.funding_yoy_latest, "
            "q.yoy_latest from {batch} as s left join marts.fct_funding_quarterly as q on q.profile = "
            "'cb_news_venture' "
            "and q.segment = 'innovative_drugs' and q.region = 'GLOBAL' and q.quarter_start = s.funding_quarter_start "
            "where s.funding_quarter_start is not null and (s.funding_amount_usd is distinct from q.amount_usd "
            "or s.funding_yoy_latest is distinct from q.yoy_latest or s.funding_quarter_start "
            "<> cast(date_trunc('quarter', s.trade_date) - interval 3 month as date))",
            "amount and growth of the last ended quarter",
        ),
    ),
)
