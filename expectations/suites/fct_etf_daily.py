"""fct_etf_daily: bars, shares, NAV and the day's creation flow."""

from expectations.vocabulary import Suite, between, in_set, key_checks, known, no_rows, within_cut

GRAIN = ("etf_code", "trade_date")

SUITE = Suite(
    table="marts.fct_etf_daily",
    owner="etf",
    grain=GRAIN,
    checks=(
        *key_checks(GRAIN),
        within_cut(),
        known("flow_status", "A flow without its status cannot be told from a guess."),
        in_set(
            "flow_status",
            ("final", "estimated", "structural_zero", "missing", "split_adjusted"),
            "Readers filter on these words.",
        ),
        no_rows(
            "missing_means_null",
            "critical",
            "A missing flow that shows a figure, or a stated flow without one, is invented or lost money.",
            "select etf_code, trade_date, flow_status, net_flow_cny from {batch} "
            "where (flow_status = 'missing') <> (net_flow_cny is null)",
            "NULL exactly where missing",
        ),
        no_rows(
            "structural_zero_is_zero",
            "critical",
            "No creation is possible on such a session.",
            "select etf_code, trade_date, net_flow_cny from {batch} "
            "where flow_status = 'structural_zero' and net_flow_cny <> 0",
            "flow 0.00",
        ),
        no_rows(
            "date_is_session",
            "critical",
            "Windows count sessions; a row between two sessions shifts every one of them.",
            "select b.etf_code, b.trade_date from {batch} as b "
            "left join marts.dim_date as d on b.trade_date = d.date and d.is_session_szse where d.date is null",
            "an SZSE session",
        ),
        no_rows(
            "ohlc_order",
            "critical",
            "The door refuses such bars; here it means that columns were mixed up.",
            "select etf_code, trade_date, open, high, low, close from {batch} "
            "where high < low or high < open or high < close or low > open or low > close",
            "low ≤ open, close ≤ high",
        ),
        no_rows(
            "aum_is_shares_times_nav",
            "critical",
            "One cent: both sides are exact and rounded once; more means a unit slipped (万份, 千元).",
            "select etf_code, trade_date, shares, unit_nav, aum_cny from {batch} "
            "where abs(aum_cny - shares * unit_nav) > 0.01",
            "within 0.01 CNY",
        ),
        between(
            "split_factor", 1e-6, 1e6, "A split of more than a million to one is a data error; zero is impossible."
        ),
        between(
            "change_ratio",
            -1,
            1000,
            "A thousandfold day is a unit slip; a 1:100 merger that nobody declared stays below.",
            name="change_not_absurd",
        ),
        between(
            "change_ratio",
            -0.31,
            0.31,
            "Price limits are 10%, 20% and 30% (observed 2025); beyond is a first day, a split or an error.",
            "warning",
            name="change_within_limits",
        ),
        between(
            "premium_ratio",
            -0.2,
            0.2,
            "Cross-border funds have traded up to about 20% over NAV (2024-01); beyond, NAV and price belong apart.",
            "warning",
            name="premium_plausible",
        ),
        no_rows(
            "turnover_keeps_its_unit",
            "warning",
            "Five ETFs or more, their median: a market's turnover has never changed twentyfold overnight; lots and "
            "thousands do.",
            "select trade_date, median(ratio) as median_ratio, count(*) as etfs from (select trade_date, "
            "turnover_cny / "
            "lag(turnover_cny) over (partition by etf_code order by trade_date nulls last) as ratio from {batch} "
            "where turnover_cny > 0) as changes where ratio is not null group by trade_date "
            "having count(*) >= 5 and (median(ratio) > 20 or median(ratio) < 0.05)",
            "median change between 1/20 and 20",
        ),
        no_rows(
            "data_reaches_as_of",
            "warning",
            "Three sessions: a bar arrives the same evening, a long weekend excuses no more.",
            "select max(b.trade_date) as last_session from {batch} as b having count(*) > 0 and ("
            "select count(*) from marts.dim_date as d, work.control.build_parameters as p "
            "where d.is_session_szse and d.date > max(b.trade_date) "
            "and d.date < cast(timezone('Asia/Shanghai', p.as_of) as date)) > 3",
            "at most 3 sessions behind the as-of",
        ),
    ),
)
