"""fct_sector_visits_daily: month-to-date visits by sector."""

from expectations.vocabulary import Measure, Suite, between, in_set, key_checks, no_rows, within_cut

GRAIN = ("scheme", "sector_code", "as_of_date", "visitor_type")

NOTICE_LAGS = (
    "select quantile_cont(case when notice_date > newest - 31 then lag_days end, 0.99) as late_days, "
    "quantile_cont(case when notice_date <= newest - 31 then lag_days end, 0.99) as usual_days from ("
    "select notice_date, date_diff('day', visit_date, notice_date) as lag_days, max(notice_date) over () as newest "
    "from work.staging.stg_broker_visits) as notices where notice_date > newest - 396"
)

SUITE = Suite(
    table="marts.fct_sector_visits_daily",
    owner="visits",
    grain=GRAIN,
    checks=(
        *key_checks(GRAIN),
        within_cut(),
        in_set("visitor_type", ("all", "broker"), "Readers filter on these words."),
        no_rows(
            "all_sectors_cover_each",
            "critical",
            "The total row counts every company and house once; a sector above it was counted twice.",
            "select s.scheme, s.sector_code, s.as_of_date, s.visitor_type, s.companies_mtd, a.companies_mtd "
            "as all_companies, "
            "s.visits_mtd, a.visits_mtd as all_visits, s.institutions_mtd, a.institutions_mtd as all_institutions "
            "from {batch} as s left join {batch} as a on s.scheme = a.scheme and s.as_of_date = a.as_of_date "
            "and s.visitor_type = a.visitor_type and a.sector_code = 'ALL' "
            "where a.sector_code is null or s.companies_mtd > a.companies_mtd or s.visits_mtd > a.visits_mtd "
            "or s.institutions_mtd > a.institutions_mtd",
            "ALL ≥ each sector",
        ),
        no_rows(
            "companies_conserved",
            "critical",
            "A company has one sector a day, or none (NONE): the parts make the whole.",
            "select scheme, as_of_date, visitor_type, "
            "sum(case when sector_code = 'ALL' then companies_mtd else 0 end) as whole, "
            "sum(case when sector_code <> 'ALL' then companies_mtd else 0 end) as parts from {batch} "
            "group by scheme, as_of_date, visitor_type "
            "having sum(case when sector_code = 'ALL' then companies_mtd else -companies_mtd end) <> 0",
            "Σ sectors = ALL",
        ),
        no_rows(
            "brokers_within_all_visitors",
            "critical",
            "Brokers are some of the visitors.",
            "select b.scheme, b.sector_code, b.as_of_date, b.companies_mtd as broker_companies, a.companies_mtd "
            "from {batch} as b left join {batch} as a on b.scheme = a.scheme and b.sector_code = a.sector_code "
            "and b.as_of_date = a.as_of_date and a.visitor_type = 'all' where b.visitor_type = 'broker' "
            "and (a.scheme is null or b.companies_mtd > a.companies_mtd or b.visits_mtd > a.visits_mtd "
            "or b.institutions_mtd > a.institutions_mtd)",
            "broker ≤ all",
            reach=0,
        ),
        no_rows(
            "funds_within_all_visitors",
            "critical",
            "Funds are some of the visitors, the same on the rows of every visitor type, and none of them a broker.",
            "select f.scheme, f.sector_code, f.as_of_date, f.visitor_type, f.companies_by_funds_mtd, a.companies_mtd "
            "from {batch} as f left join {batch} as a on f.scheme = a.scheme and f.sector_code = a.sector_code "
            "and f.as_of_date = a.as_of_date and a.visitor_type = 'all' where a.scheme is null "
            "or f.companies_by_funds_mtd <> a.companies_by_funds_mtd or f.companies_by_funds_mtd > a.companies_mtd "
            "or f.visits_by_funds_mtd > a.visits_mtd or f.fund_institutions_mtd > a.institutions_mtd",
            "fund ≤ all",
            reach=0,
        ),
        no_rows(
            "parts_within_companies",
            "critical",
            "Companies beside briefings and companies for the first time are some of the companies.",
            "select scheme, sector_code, as_of_date, visitor_type, companies_mtd, companies_excluding_briefings_mtd, "
            "first_time_companies_mtd from {batch} where companies_excluding_briefings_mtd > companies_mtd "
            "or first_time_companies_mtd > companies_mtd or visits_excluding_briefings_mtd > visits_mtd "
            "or companies_excluding_briefings_mtd > visits_excluding_briefings_mtd",
            "part ≤ companies",
            reach=0,
        ),
        between("completeness_mtd", 0, 1, "A share of visits."),
        no_rows(
            "month_only_grows",
            "warning",
            "Month-to-date totals grow within a month; a fall means that a date went wrong.",
            "select scheme, as_of_date, visitor_type, companies_mtd, before from (select *, lag(companies_mtd) over "
            "(partition by scheme, visitor_type, date_trunc('month', as_of_date) order by as_of_date nulls last) "
            "as before from {batch} where sector_code = 'ALL') as totals where companies_mtd < before",
            "never below the day before",
        ),
        no_rows(
            "notices_come_as_fast_as_before",
            "warning",
            "Month-to-date counts of today are compared with those of last month: notices that come later make fewer "
            "visits of the same number. The last 31 days beside the year before them.",
            f"select late_days, usual_days from ({NOTICE_LAGS}) as lags where late_days > 2 * usual_days + 7",
            "99% of notices within twice the usual days and a week",
            "G14",
            Measure(NOTICE_LAGS, "99% within {:.0f} days lately, {:.0f} in the year before"),
        ),
        no_rows(
            "totals_are_recounted",
            "critical",
            "Companies, visits and houses of the month so far (contracts R41), counted anew from the visits, on the "
            "last "
            "day of each month and on the newest.",
            "select r.scheme, r.as_of_date, r.visitor_type, r.companies_mtd, v.companies, r.visits_mtd, v.visits, "
            "r.institutions_mtd, v.institutions from {batch} as r join (select d.as_of_date, k.visitor_type, "
            "count(distinct x.company_id) as companies, count(distinct x.company_id || '|' || x.visit_date || '|' || "
            "x.visit_way) as visits, count(distinct x.organization) as institutions from (select distinct as_of_date "
            "from {batch} where as_of_date = last_day(as_of_date) or as_of_date = (select max(as_of_date) from "
            "{batch})) "
            "as d cross join (values ('all'), ('broker')) as k(visitor_type) left join "
            "(select * from work.intermediate.int_visits where visit_date >= {since}) as x "
            "on x.month_start = date_trunc('month', d.as_of_date) and x.visit_date <= d.as_of_date "
            "and (k.visitor_type = 'all' or x.visitor_type = 'broker') group by d.as_of_date, k.visitor_type) as v "
            "on r.as_of_date = v.as_of_date and r.visitor_type = v.visitor_type where r.sector_code = 'ALL' "
            "and (r.companies_mtd <> v.companies or r.visits_mtd <> v.visits or r.institutions_mtd <> v.institutions)",
            "the visits' own counts",
            reach=31,
        ),
        no_rows(
            "sectors_are_recounted",
            "critical",
            "Companies of each sector on the newest day, counted anew from the visits and the sectors of that day.",
            "select r.scheme, r.sector_code, r.visitor_type, r.companies_mtd, v.companies from {batch} as r "
            "left join (select s.scheme, s.sector_code, k.visitor_type, count(distinct x.company_id) as companies "
            "from work.intermediate.int_visits as x join work.intermediate.int_company_sector_spans as s "
            "on x.company_id = s.company_id join (select max(as_of_date) as newest from {batch}) as d "
            "on d.newest >= s.valid_from and (s.valid_to is null or d.newest < s.valid_to) "
            "and x.month_start = date_trunc('month', d.newest) and x.visit_date <= d.newest "
            "join (values ('all'), ('broker')) as k(visitor_type) on k.visitor_type = 'all' or x.visitor_type = "
            "'broker' "
            "group by s.scheme, s.sector_code, k.visitor_type) as v on r.scheme = v.scheme "
            "and r.sector_code = v.sector_code and r.visitor_type = v.visitor_type "
            "where r.sector_code not in ('ALL', 'NONE') and r.as_of_date = (select max(as_of_date) from {batch}) "
            "and r.companies_mtd <> coalesce(v.companies, 0)",
            "the visits' own counts",
        ),
        no_rows(
            "ranks_follow_companies",
            "critical",
            "Rank 1 has most companies; ALL and NONE have none (contracts R45).",
            "select scheme, sector_code, as_of_date, visitor_type, companies_mtd, rank_mtd, expected from (select *, "
            "case when sector_code not in ('ALL', 'NONE') then rank() over (partition by scheme, as_of_date, "
            "visitor_type, "
            "sector_code in ('ALL', 'NONE') order by companies_mtd desc nulls last) end as expected from {batch}) as "
            "ranked "
            "where rank_mtd is distinct from expected",
            "rank() by companies",
            reach=0,
        ),
        no_rows(
            "month_begins_anew",
            "warning",
            "On the first of a month no more companies than on its last day, and only those of one day.",
            "select f.scheme, f.sector_code, f.as_of_date, f.visitor_type, f.companies_mtd, n.companies_mtd as "
            "last_day "
            "from {batch} as f join {batch} as n on f.scheme = n.scheme and f.sector_code = n.sector_code "
            "and f.visitor_type = n.visitor_type and n.as_of_date = f.as_of_date + 1 "
            "where f.sector_code = 'ALL' and day(f.as_of_date) = 1 and n.companies_mtd < f.companies_mtd",
            "never above the second day",
        ),
    ),
)
