"""fct_visit: the visits behind the sectors' counts."""

from expectations.vocabulary import Suite, key_checks, known, no_rows, within_cut

GRAIN = ("security_code", "visit_date", "visit_way", "visitor_org")

SUITE = Suite(
    table="marts.fct_visit",
    owner="visits",
    grain=GRAIN,
    checks=(
        *key_checks(GRAIN),
        within_cut(),
        known("company_id", "A visit to nobody is counted in no company."),
        known("organization", "A visit by nobody is counted under no institution."),
        no_rows(
            "notice_not_before_visit",
            "critical",
            "The door refuses such rows; here a date was put in the place of another.",
            "select security_code, visit_date, visit_way, visitor_org, notice_date from {batch} "
            "where notice_date < visit_date",
            "notice on the day of the visit or later",
            "G14",
            reach=0,
        ),
        no_rows(
            "months_are_their_visits",
            "critical",
            "Whoever counts visits must get the total row of the last day of a month: companies, visits and houses "
            "(contracts R41), by all visitors, by brokers and by funds.",
            "select d.as_of_date, d.visitor_type, d.companies_mtd, v.companies, d.visits_mtd, v.visits, "
            "d.institutions_mtd, v.institutions, d.companies_by_funds_mtd, v.companies_by_funds "
            "from marts.fct_sector_visits_daily as d left join (select k.visitor_type, "
            "date_trunc('month', x.visit_date) as month_start, count(distinct x.company_id) as companies, "
            "count(distinct x.company_id || '|' || x.visit_date || '|' || x.visit_way) as visits, "
            "count(distinct x.organization) as institutions, "
            "count(distinct case when x.visitor_type = 'fund' then x.company_id end) as companies_by_funds "
            "from {batch} as x join (values ('all'), ('broker')) as k(visitor_type) "
            "on k.visitor_type = 'all' or x.visitor_type = k.visitor_type group by all) as v "
            "on d.visitor_type = v.visitor_type and date_trunc('month', d.as_of_date) = v.month_start "
            "where d.sector_code = 'ALL' and d.scheme = 'SW2021' and d.as_of_date = last_day(d.as_of_date) "
            "and (d.companies_mtd <> coalesce(v.companies, 0) or d.visits_mtd <> coalesce(v.visits, 0) "
            "or d.institutions_mtd <> coalesce(v.institutions, 0) or (d.visitor_type = 'all' "
            "and d.companies_by_funds_mtd <> coalesce(v.companies_by_funds, 0)))",
            "visits counted = month's total",
        ),
    ),
)
