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
        ),
        no_rows(
            "difference_is_fund_less_index",
            "critical",
            "Sums of doubles: a billionth.",
            "select etf_code, as_of_date, window_name, tracking_difference from {batch} "
            "where abs(tracking_difference - (fund_return_ratio - index_return_cny_ratio)) > 1e-9",
            "fund less index",
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
