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
    ),
)
