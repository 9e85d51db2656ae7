"""fct_etf_tracking: how closely the NAV of an ETF follows its index in CNY."""

from expectations.vocabulary import Suite, between, in_set, key_checks, no_rows, within_cut

GRAIN = ("etf_code", "as_of_date", "window_name")

SUITE = Suite(
    table="marts.fct_etf_tracking",
    owner="etf",
    grain=GRAIN,
    checks=(
        *key_checks(GRAIN),
        within_cut(),
        in_set("window_name", ("1m", "3m", "1y"), "Readers filter on these words."),
        in_set(
            "tracking_status",
            (
                *("complete", "partial", "nav_missing", "index_missing"),
                *("currency_unknown", "fx_contradicted", "fx_missing"),
            ),
            "Readers filter on these words.",
        ),
        no_rows(
            "days_fill_the_window",
            "critical",
            "A day is used or not used.",
            "select etf_code, as_of_date, window_name, days_used, days_not_used, window_sessions from {batch} "
            "where days_used + days_not_used <> window_sessions or days_used < 0 or days_not_used < 0",
            "used + not used = sessions",
            reach=0,
        ),
        no_rows(
            "figures_follow_status",
            "critical",
            "A whole window has its figures; an error of tracking out of a few days is none.",
            "select etf_code, as_of_date, window_name, tracking_status from {batch} where "
            "(tracking_status = 'complete' and (tracking_difference is null or tracking_error_annualised is null)) or "
            "(tracking_status not in ('complete', 'partial') and tracking_error_annualised is not null) "
            "or tracking_status is null",
            "figures exactly where the status says so",
            reach=0,
        ),
        no_rows(
            "difference_is_fund_less_index",
            "critical",
            "Sums of doubles: a billionth.",
            "select etf_code, as_of_date, window_name, tracking_difference from {batch} "
            "where abs(tracking_difference - (fund_return_ratio - index_return_cny_ratio)) > 1e-9",
            "fund less index",
            reach=0,
        ),
        no_rows(
            "returns_are_those_of_the_days",
            "critical",
            "The newest windows of each fund, multiplied anew out of their days; an index return in another currency "
            "is another figure.",
            "select t.etf_code, t.as_of_date, t.window_name, t.fund_return_ratio, d.fund, t.index_return_cny_ratio, "
            "d.benchmark from {batch} as t join (select etf_code, last_date, window_sessions, "
            "exp(sum(ln_fund)) - 1 as fund, exp(sum(ln_benchmark)) - 1 as benchmark from (select d.etf_code, "
            "e.last_date, d.ln_fund, d.ln_benchmark, row_number() over (partition by d.etf_code order by d.trade_date "
            "desc nulls last) as back from (select * from work.intermediate.int_etf_tracking_days where trade_date "
            ">= {since}) as d "
            "join (select etf_code, "
            "max(as_of_date) as last_date from {batch} group by etf_code) as e on d.etf_code = e.etf_code "
            "and d.trade_date <= e.last_date) as days join (values (20), (60), (250)) as n(window_sessions) "
            "on back <= window_sessions group by etf_code, last_date, window_sessions) as d on t.etf_code = d.etf_code "
            "and t.as_of_date = d.last_date and t.window_sessions = d.window_sessions "
            "where abs(t.fund_return_ratio - d.fund) > 1e-9 * (1 + abs(d.fund)) "
            "or abs(t.index_return_cny_ratio - d.benchmark) > 1e-9 * (1 + abs(d.benchmark))",
            "the product of the days",
            reach=420,
        ),
        between(
            "mean_abs_daily_tracking_difference",
            0,
            0.002,
            "Contracts allow 0.2% a day on average (159567, 2025); beyond, index, currency and NAV belong apart.",
            "warning",
            name="contract_limit_daily",
        ),
    ),
)
