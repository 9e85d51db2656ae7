"""fct_etf_flow_window: 5, 10 and 20 sessions of flow, which must be the sum of their days."""

from expectations.vocabulary import Measure, Suite, in_set, key_checks, no_rows, within_cut

GRAIN = ("etf_code", "as_of_date", "window_sessions")


def _days(n: int) -> str:
    frame = (
        f"over (partition by etf_code order by trade_date nulls last rows between {n - 1} preceding and current row)"
    )
    return (
        f"select etf_code, trade_date as as_of_date, {n} as window_sessions, "
        f"sum(net_flow_cny) {frame} as sum_of_days, max(net_flow_cny) {frame} as greatest_day, "
        f"count(case when net_flow_cny > 0 then 1 end) {frame} as days_in, "
        f"count(case when net_flow_cny < 0 then 1 end) {frame} as days_out, "
        f"count(case when net_flow_cny is null then 1 end) {frame} as days_missing, "
        f"count(case when flow_status = 'structural_zero' then 1 end) {frame} as days_structural "
        "from marts.fct_etf_daily"
    )


DAYS = " union all ".join(_days(n) for n in (5, 10, 20))

SUITE = Suite(
    table="marts.fct_etf_flow_window",
    owner="etf",
    grain=GRAIN,
    checks=(
        *key_checks(GRAIN),
        within_cut(),
        in_set("window_sessions", (5, 10, 20), "Readers filter on these lengths."),
        no_rows(
            "cumulative_is_sum_of_days",
            "critical",
            "A cent a day for rounding; more means that window and days were built from other flows.",
            "select w.etf_code, w.as_of_date, w.window_sessions, w.cumulative_flow_cny, d.sum_of_days from "
            "{batch} as w "
            f"left join ({DAYS}) as d on w.etf_code = d.etf_code and w.as_of_date = d.as_of_date "
            "and w.window_sessions = d.window_sessions "
            "where (w.cumulative_flow_cny is null) <> (d.sum_of_days is null) "
            "or abs(w.cumulative_flow_cny - d.sum_of_days) > 0.01 * w.window_sessions",
            "within 0.01 CNY a day",
            measure=Measure(
                "select max(abs(w.cumulative_flow_cny - d.sum_of_days)) from {batch} as w "
                f"join ({DAYS}) as d on w.etf_code = d.etf_code and w.as_of_date = d.as_of_date "
                "and w.window_sessions = d.window_sessions",
                "largest difference {:.4f} CNY",
            ),
        ),
        no_rows(
            "counts_are_counts_of_days",
            "critical",
            "The note says k of n; each day must be counted once and under its own sign.",
            "select w.etf_code, w.as_of_date, w.window_sessions, w.inflow_days, d.days_in, w.outflow_days, d.days_out, "
            "w.missing_days, d.days_missing, w.structural_zero_days, d.days_structural, w.max_daily_flow_cny, "
            "d.greatest_day from {batch} as w "
            f"left join ({DAYS}) as d on w.etf_code = d.etf_code and w.as_of_date = d.as_of_date "
            "and w.window_sessions = d.window_sessions "
            "where d.etf_code is null or w.inflow_days <> d.days_in or w.outflow_days <> d.days_out "
            "or w.missing_days <> d.days_missing or w.structural_zero_days <> d.days_structural "
            "or w.max_daily_flow_cny <> d.greatest_day",
            "the days' own counts and maximum",
        ),
        no_rows(
            "average_over_all_sessions",
            "critical",
            "Half a cent of rounding, doubled; the divisor is n, flat and missing days included (contracts R29).",
            "select etf_code, as_of_date, window_sessions, average_flow_cny, cumulative_flow_cny from {batch} "
            "where abs(average_flow_cny - cumulative_flow_cny / window_sessions) > 0.01",
            "cumulative / n within 0.01 CNY",
        ),
    ),
)
