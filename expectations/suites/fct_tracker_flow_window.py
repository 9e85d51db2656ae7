"""fct_tracker_flow_window: flows of all trackers of an index together."""

from expectations.vocabulary import Suite, in_set, key_checks, no_rows, within_cut

GRAIN = ("index_code", "as_of_date", "window_sessions")

DAYS = (
    "select t.index_code, d.trade_date, row_number() over (partition by t.index_code order by d.trade_date) as place, "
    "sum(d.net_flow_cny) as flow from (select tracked_index_code as index_code, etf_code from marts.dim_etf "
    "where tracked_index_code is not null union select k.index_code, k.etf_code from reference.index_trackers as k "
    "left join marts.dim_etf as e on k.etf_code = e.etf_code where e.tracked_index_code is null) as t "
    "join marts.fct_etf_daily as d on t.etf_code = d.etf_code where d.trade_date >= {since} group by t.index_code, "
    "d.trade_date"
)
"""The trackers of each index, summed session by session."""

SUITE = Suite(
    table="marts.fct_tracker_flow_window",
    owner="etf",
    grain=GRAIN,
    checks=(
        *key_checks(GRAIN),
        within_cut(),
        in_set("window_sessions", (5, 10, 20), "Readers filter on these lengths."),
        no_rows(
            "windows_are_their_days",
            "critical",
            "Sum and days in and out, counted anew from the trackers' own flows; both sides are exact.",
            "select w.index_code, w.as_of_date, w.window_sessions, w.cumulative_flow_cny, d.flow, w.inflow_days, "
            "d.days_in, w.outflow_days, d.days_out from {batch} as w left join (select n.window_sessions, "
            "e.index_code, e.trade_date, sum(b.flow) as flow, count(case when b.flow > 0 then 1 end) as days_in, "
            "count(case when b.flow < 0 then 1 end) as days_out "
            f"from ({DAYS}) as e join (values (5), (10), (20)) as n(window_sessions) on true join ({DAYS}) as b "
            "on e.index_code = b.index_code and b.place between e.place - n.window_sessions + 1 and e.place "
            "group by n.window_sessions, e.index_code, e.trade_date) as d on w.index_code = d.index_code "
            "and w.as_of_date = d.trade_date and w.window_sessions = d.window_sessions "
            "where d.index_code is null or w.cumulative_flow_cny is distinct from d.flow "
            "or w.inflow_days <> d.days_in or w.outflow_days <> d.days_out",
            "Σ of the trackers' days",
            reach=60,
        ),
        no_rows(
            "average_over_all_sessions",
            "critical",
            "Half a cent of rounding, doubled; the divisor is n.",
            "select index_code, as_of_date, window_sessions, average_flow_cny, cumulative_flow_cny from {batch} "
            "where abs(average_flow_cny - cumulative_flow_cny / window_sessions) > 0.01",
            "cumulative / n within 0.01 CNY",
            reach=0,
        ),
    ),
)
