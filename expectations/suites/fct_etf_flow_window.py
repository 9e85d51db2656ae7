"""fct_etf_flow_window: 5, 10 and 20 sessions of flow, which must be the sum of their days."""

from expectations.vocabulary import Measure, Suite, in_set, key_checks, no_rows, within_cut

GRAIN = ("etf_code", "as_of_date", "window_sessions")

TWENTY_SESSIONS = 60
"""Days that hold them: a fund has a row for each session."""


def _days(n: int) -> str:
    frame = (
        f"over (partition by etf_code order by trade_date nulls last rows between {n - 1} preceding and current row)"
    )
    return (
        f"select etf_code, trade_date as as_of_date, {n} as window_sessions, "
        f"sum(net_flow_cny) {frame} as sum_of_days, "
        f"sum(net_flow_at_vwap_cny) {frame} as sum_at_vwap, count(net_flow_at_vwap_cny) {frame} as days_at_vwap, "
        f"max(net_flow_cny) {frame} as greatest_day, "
        f"count(case when net_flow_cny > 0 then 1 end) {frame} as days_in, "
        f"count(case when net_flow_cny < 0 then 1 end) {frame} as days_out, "
        f"count(case when net_flow_cny is null then 1 end) {frame} as days_missing, "
        f"count(case when flow_status = 'structural_zero' then 1 end) {frame} as days_structural "
        "from marts.fct_etf_daily where trade_date >= {since}"
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
            reach=TWENTY_SESSIONS,
        ),
        no_rows(
            "cumulative_at_vwap_is_sum_of_days",
            "critical",
            "A cent a day for rounding; the same days as the flow at NAV, or no figure.",
            "select w.etf_code, w.as_of_date, w.window_sessions, w.cumulative_flow_at_vwap_cny, d.sum_at_vwap from "
            "{batch} as w "
            f"left join ({DAYS}) as d on w.etf_code = d.etf_code and w.as_of_date = d.as_of_date "
            "and w.window_sessions = d.window_sessions "
            "where w.cumulative_flow_at_vwap_cny is not null "
            "and (d.days_at_vwap <> w.window_sessions - w.missing_days "
            "or abs(w.cumulative_flow_at_vwap_cny - d.sum_at_vwap) > 0.01 * w.window_sessions)",
            "within 0.01 CNY a day",
            reach=TWENTY_SESSIONS,
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
            reach=TWENTY_SESSIONS,
        ),
        no_rows(
            "average_over_all_sessions",
            "critical",
            "Half a cent of rounding, doubled; the divisor is n, flat and missing days included (contracts R29).",
            "select etf_code, as_of_date, window_sessions, average_flow_cny, cumulative_flow_cny from {batch} "
            "where abs(average_flow_cny - cumulative_flow_cny / window_sessions) > 0.01",
            "cumulative / n within 0.01 CNY",
            reach=0,
        ),
        no_rows(
            "every_day_has_its_windows",
            "critical",
            "A window for each session whose shares are known, once n sessions lie behind the first (contracts R29).",
            "select d.etf_code, d.trade_date, n.window_sessions from (select etf_code, trade_date, shares, place - min("
            "case when shares is not null then place end) over (partition by etf_code) as sessions from (select "
            "etf_code, "
            "trade_date, shares, row_number() over (partition by etf_code order by trade_date nulls last) as place "
            "from marts.fct_etf_daily) as places) as d join (values (5), (10), (20)) as n(window_sessions) "
            "on d.sessions >= n.window_sessions left join {batch} as w on d.etf_code = w.etf_code "
            "and d.trade_date = w.as_of_date and n.window_sessions = w.window_sessions "
            "where d.shares is not null and w.etf_code is null",
            "5, 10 and 20 sessions for each day",
            "G12",
        ),
        no_rows(
            "streak_counts_back_to_its_end",
            "critical",
            "Sessions with inflow back from the day, structural zeros skipped, no other day between (contracts R29).",
            "select w.etf_code, w.as_of_date, w.inflow_streak, d.streak from {batch} as w join (select etf_code, "
            "trade_date, "
            "sum(case when net_flow_cny > 0 then 1 else 0 end) over (partition by etf_code, ended order by trade_date "
            "nulls last rows unbounded preceding) as streak from (select *, sum(case when flow_status <> "
            "'structural_zero' "
            "and coalesce(net_flow_cny, 0) <= 0 then 1 else 0 end) over (partition by etf_code order by trade_date "
            "nulls last rows unbounded preceding) as ended from marts.fct_etf_daily) as days) as d "
            "on w.etf_code = d.etf_code and w.as_of_date = d.trade_date "
            "where w.inflow_streak is not null and w.inflow_streak <> d.streak",
            "the days' own streak",
        ),
    ),
)
