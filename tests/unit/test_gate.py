"""The gate: empty builds pass, broken ones are refused by the check that is meant to, warnings only show."""

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
import yaml

from expectations.audits import family_of
from expectations.gate import CheckResult, GateError, failure_message, report_of, run_gate
from expectations.suites import SUITES
from orchestration.paths import PROJECT_ROOT
from tests.support.marts import AS_OF, MARTS, accounting, back_up, empty_build, fill, refusals
from warehouse.build import MARTS_FILE, WORK_FILE
from warehouse.catalog import write_inputs

DAY = dt.date(2025, 4, 23)
BEFORE = AS_OF - dt.timedelta(hours=12)
Breaker = Callable[[Path], None]


@pytest.fixture
def build(tmp_path: Path) -> Path:
    empty_build(tmp_path)
    write_inputs(tmp_path / MARTS_FILE, accounting(), refusals())
    return tmp_path


def rows(table: str, *values: dict[str, object]) -> Breaker:
    return lambda build: fill(build, table, values)


def window(**changes: object) -> dict[str, object]:
    whole: dict[str, object] = {
        "etf_code": "159567.SZ",
        "as_of_date": DAY,
        "window_sessions": 5,
        "inflow_days": 1,
        "outflow_days": 0,
        "structural_zero_days": 0,
        "missing_days": 0,
        "cumulative_flow_cny": 100,
        "max_daily_flow_cny": 100,
        "average_flow_cny": 20,
        "knowledge_at": BEFORE,
    }
    return whole | changes


def day(**changes: object) -> dict[str, object]:
    whole: dict[str, object] = {
        "etf_code": "159567.SZ",
        "trade_date": DAY,
        "net_flow_cny": 100,
        "flow_status": "final",
        "knowledge_at": BEFORE,
    }
    return whole | changes


def visits(code: str, companies: int, kind: str = "all") -> dict[str, object]:
    return {
        "scheme": "SW2021",
        "sector_code": code,
        "as_of_date": DAY,
        "visitor_type": kind,
        "companies_mtd": companies,
        "visits_mtd": companies,
        "institutions_mtd": companies,
    }


def funding(region: str, amount: int, deals: int) -> dict[str, object]:
    return {
        "profile": "vc_pe_broad",
        "segment": "all",
        "region": region,
        "quarter_start": dt.date(2025, 1, 1),
        "amount_usd": amount,
        "deals": deals,
    }


def member(code: str, weight: float, change: float) -> dict[str, object]:
    return {
        "index_code": "987018.CNI",
        "trade_date": DAY,
        "security_code": code,
        "weight": weight,
        "change_ratio": change,
        "contribution_ratio": weight * change,
    }


def tracking(**changes: object) -> dict[str, object]:
    whole: dict[str, object] = {
        "etf_code": "159567.SZ",
        "as_of_date": DAY,
        "window_name": "1m",
        "window_sessions": 20,
        "tracking_status": "complete",
        "days_used": 20,
        "days_not_used": 0,
        "fund_return_ratio": 0.02,
        "index_return_cny_ratio": 0.03,
        "tracking_difference": -0.01,
        "tracking_error_annualised": 0.002,
        "knowledge_at": BEFORE,
    }
    return whole | changes


def accounted(build: Path, accepted: int, repeated: int) -> None:
    batches = accounting([("b1", "etf_bars", "etf_bars/a.csv", 10, accepted, 0, repeated)])
    write_inputs(build / MARTS_FILE, batches, refusals())


REFUSED: dict[str, tuple[Breaker, str]] = {
    "batch accounting": (lambda build: accounted(build, 0, 9), "meta.batches.rows_accounted_for"),
    "accepted rows that raw does not hold": (
        lambda build: accounted(build, 10, 0),
        "meta.batches.accepted_rows_are_in_raw",
    ),
    "doubled grain": (rows("fct_etf_daily", day(), day()), "marts.fct_etf_daily.grain_unique"),
    "key without value": (rows("fct_etf_daily", day(etf_code=None)), "marts.fct_etf_daily.etf_code_known"),
    "knowledge after the cut": (
        rows("fct_etf_daily", day(knowledge_at=AS_OF + dt.timedelta(seconds=1))),
        "marts.fct_etf_daily.knowledge_within_cut",
    ),
    "flow on a non-session": (
        rows("fct_etf_daily", day(trade_date=dt.date(2025, 4, 19))),
        "marts.fct_etf_daily.date_is_session",
    ),
    "unknown status": (rows("fct_etf_daily", day(flow_status="guess")), "marts.fct_etf_daily.flow_status_in_set"),
    "missing flow with a figure": (
        rows("fct_etf_daily", day(flow_status="missing")),
        "marts.fct_etf_daily.missing_means_null",
    ),
    "assets in another unit": (
        rows("fct_etf_daily", day(shares=1000, unit_nav=1.5, aum_cny=15000000)),
        "marts.fct_etf_daily.aum_is_shares_times_nav",
    ),
    "high below low": (
        rows("fct_etf_daily", day(open=1, high=1, low=2, close=1)),
        "marts.fct_etf_daily.ohlc_order",
    ),
    "window that is not the sum of its days": (
        lambda build: (
            fill(build, "fct_etf_daily", [day()]),
            fill(build, "fct_etf_flow_window", [window(cumulative_flow_cny=100.06, average_flow_cny=20.01)]),
        ),
        "marts.fct_etf_flow_window.cumulative_is_sum_of_days",
    ),
    "inflow day counted twice": (
        lambda build: (
            fill(build, "fct_etf_daily", [day()]),
            fill(build, "fct_etf_flow_window", [window(inflow_days=2)]),
        ),
        "marts.fct_etf_flow_window.counts_are_counts_of_days",
    ),
    "weights that sum to less": (
        rows("fct_constituent_daily", member("01801.HK", 0.5, 0.1), member("09926.HK", 0.4, 0.1)),
        "marts.fct_constituent_daily.weights_sum_to_one",
    ),
    "six-digit Hong Kong code": (
        rows("dim_security", {"security_code": "001801.HK"}),
        "marts.dim_security.hong_kong_codes_have_five_digits",
    ),
    "breadth that is not its members'": (
        lambda build: (
            fill(build, "fct_constituent_daily", [member("01801.HK", 1.0, 0.1)]),
            fill(
                build,
                "fct_index_breadth_daily",
                [
                    {
                        "index_code": "987018.CNI",
                        "trade_date": DAY,
                        "advancers": 2,
                        "decliners": 0,
                        "unchanged": 0,
                        "suspended": 0,
                    }
                ],
            ),
        ),
        "marts.fct_index_breadth_daily.counts_add_up",
    ),
    "sector above all sectors": (
        rows("fct_sector_visits_daily", visits("ALL", 5), visits("801080", 7)),
        "marts.fct_sector_visits_daily.all_sectors_cover_each",
    ),
    "sector without a total": (
        rows("fct_sector_visits_daily", visits("801080", 7)),
        "marts.fct_sector_visits_daily.all_sectors_cover_each",
    ),
    "regions that do not make the world": (
        rows(
            "fct_funding_quarterly",
            funding("GLOBAL", 100, 4),
            funding("USA", 50, 2),
            funding("CHN", 30, 1),
            funding("HKG", 0, 0),
            funding("ROW", 19, 1),
        ),
        "marts.fct_funding_quarterly.regions_conserve_global",
    ),
    "stages that do not make the quarter": (
        lambda build: (
            fill(build, "fct_funding_quarterly", [funding("USA", 50, 2)]),
            fill(
                build,
                "fct_funding_stage_quarterly",
                [funding("USA", 30, 1) | {"stage": "early"}, funding("USA", 20, 2) | {"stage": "unknown"}],
            ),
        ),
        "marts.fct_funding_stage_quarterly.stages_conserve_the_quarter",
    ),
    "a vintage that knows what came after it": (
        rows(
            "fct_funding_restatement",
            funding("USA", 50, 2) | {"known_at": BEFORE, "knowledge_at": BEFORE + dt.timedelta(minutes=1)},
        ),
        "marts.fct_funding_restatement.nothing_known_before_its_moment",
    ),
    "a last vintage that is not the quarter": (
        lambda build: (
            fill(build, "fct_funding_quarterly", [funding("USA", 50, 2) | {"is_ended": True}]),
            fill(build, "fct_funding_restatement", [funding("USA", 51, 2) | {"known_at": BEFORE, "is_latest": True}]),
        ),
        "marts.fct_funding_restatement.latest_is_the_quarter",
    ),
    "rounds that do not make the quarter": (
        lambda build: (
            fill(build, "fct_funding_quarterly", [funding("GLOBAL", 50, 2)]),
            fill(
                build,
                "fct_funding_round",
                [
                    {
                        "round_uuid": name,
                        "quarter_start": dt.date(2025, 1, 1),
                        "in_vc_pe_broad": True,
                        "raised_amount_usd": amount,
                    }
                    for name, amount in (("a", 30), ("b", 21))
                ],
            ),
        ),
        "marts.fct_funding_round.rounds_add_up_to_the_quarter",
    ),
    "an error of tracking out of three days": (
        rows("fct_etf_tracking", tracking(tracking_status="fx_missing", days_used=3, days_not_used=17)),
        "marts.fct_etf_tracking.figures_follow_status",
    ),
    "more days than the window has": (
        rows("fct_etf_tracking", tracking(days_not_used=1)),
        "marts.fct_etf_tracking.days_fill_the_window",
    ),
    "a review that buys more than it sells": (
        rows(
            "fct_index_review_member",
            {"index_code": "987018.CNI", "set_date": DAY, "security_code": "02617.HK", "weight_change": 0.1},
            {"index_code": "987018.CNI", "set_date": DAY, "security_code": "01477.HK", "weight_change": -0.2},
        ),
        "marts.fct_index_review_member.changes_cancel_out",
    ),
    "a review whose members do not follow": (
        lambda build: (
            fill(
                build,
                "fct_index_review",
                [{"index_code": "987018.CNI", "set_date": DAY, "members": 2, "members_added": 0, "members_dropped": 0}],
            ),
            fill(
                build,
                "fct_index_review_member",
                [{"index_code": "987018.CNI", "set_date": DAY, "security_code": "02617.HK", "change": "stay"}],
            ),
        ),
        "marts.fct_index_review.members_follow_from_the_set_before",
    ),
    "more first visits than visits": (
        rows("fct_sector_visits_daily", visits("ALL", 5) | {"first_time_companies_mtd": 6}),
        "marts.fct_sector_visits_daily.parts_within_companies",
    ),
    "state against its quote": (
        rows(
            "fct_index_intraday",
            {
                "index_code": "HSI.HI",
                "quote_ts": BEFORE,
                "change_ratio": -0.01,
                "open_state": "low_open_now_up",
                "turned_at": BEFORE,
            },
        ),
        "marts.fct_index_intraday.state_agrees_with_quote",
    ),
    "note without most of its claims": (
        rows(
            "rpt_market_note",
            {"note_date": DAY, "claim_id": "etf_change", "claim": "Up.", "value": 0.1, "status": "reproduced"},
        ),
        "marts.rpt_market_note.every_claim_present",
    ),
    "figure of a claim that is not available": (
        rows(
            "rpt_market_note",
            {"note_date": DAY, "claim_id": "etf_change", "claim": "?", "value": 0.1, "status": "not_available"},
        ),
        "marts.rpt_market_note.figure_exactly_where_reproduced",
    ),
}


def test_empty_build_passes_without_a_word(build: Path) -> None:
    report = run_gate(build)
    assert report.passed
    assert [check for check in report.checks if not check.passed] == []
    assert len(report.checks) > 100
    assert failure_message(report) == ""


@pytest.mark.parametrize("case", REFUSED)
def test_broken_build_is_refused_by_name(build: Path, case: str) -> None:
    breaker, expected = REFUSED[case]
    breaker(build)
    report = run_gate(build, tables={expected.rsplit(".", 1)[0]})
    assert not report.passed
    assert expected in {f"{check.mart}.{check.check_name}" for check in report.refusing}
    message = failure_message(report)
    assert expected.rsplit(".", 1)[0] in message
    json.loads(report.to_json())


def test_message_names_figure_and_rows(build: Path) -> None:
    accounted(build, 0, 9)
    message = failure_message(run_gate(build, tables={"meta.batches"}))
    assert "meta.batches · rows_accounted_for: 1 row, allowed: landed = accepted + quarantined + repeated" in message
    assert "file=etf_bars/a.csv, rows_landed=10" in message


def test_warning_shows_and_lets_pass(build: Path) -> None:
    quote = {"etf_code": "159567.SZ", "knowledge_at": BEFORE}
    earlier = BEFORE - dt.timedelta(minutes=1)
    fill(
        build,
        "fct_etf_intraday",
        [
            quote | {"quote_ts": earlier, "turnover_cny": 200},
            quote | {"quote_ts": BEFORE, "turnover_cny": 100},
        ],
    )
    back_up(build)
    report = run_gate(build, tables={"marts.fct_etf_intraday"})
    assert report.passed
    assert [check.check_name for check in report.warnings] == ["turnover_does_not_fall"]
    assert failure_message(report) == ""


def test_every_audit_finding_is_a_warning(build: Path) -> None:
    with duckdb.connect(str(build / WORK_FILE)) as con:
        con.execute(
            "create table intermediate.int_audit_index_weight_sets as select 'weights_off' as check_name, "
            "'HSI.HI ' || i as subject, 'sum is 0.9' as detail from range(2) as r(i)"
        )
        con.execute(
            "create table intermediate.int_audit_etf_splits (check_name varchar, subject varchar, detail varchar)"
        )
    report = run_gate(build, tables=())
    assert report.passed
    assert [(w.check_name, w.observed, w.reason, w.owner) for w in report.warnings] == [
        ("weights_off", "HSI.HI 0", "sum is 0.9", "index"),
        ("weights_off", "HSI.HI 1", "sum is 0.9", "index"),
    ]
    assert "etf_splits" in {check.check_name for check in report.checks if check.passed}


def test_findings_beyond_what_is_named_are_counted(build: Path) -> None:
    with duckdb.connect(str(build / WORK_FILE)) as con:
        con.execute(
            "create table intermediate.int_audit_etf_flows as select 'jump' as check_name, "
            "'fund ' || lpad(n::varchar, 4, '0') as subject, 'too large' as detail from range(503) as found(n)"
        )
    found = [check for check in run_gate(build).checks if check.mart == "intermediate.int_audit_etf_flows"]
    assert [check.observed for check in found] == [f"fund {n:04}" for n in range(500)] + ["3 more"]
    assert found[-1].unexpected_rows == 3


def test_audit_model_of_another_shape_breaks_the_gate(build: Path) -> None:
    with duckdb.connect(str(build / WORK_FILE)) as con:
        con.execute("create table intermediate.int_audit_odd as select 1 as x")
    with pytest.raises(GateError, match="int_audit_odd"):
        run_gate(build, tables=())


def test_missing_mart_breaks_the_gate(build: Path) -> None:
    with duckdb.connect(str(build / MARTS_FILE)) as con:
        con.execute("drop table marts.fct_index_daily")
    with pytest.raises(GateError, match="fct_index_daily"):
        run_gate(build, tables={"marts.fct_index_daily"})


def test_every_mart_has_a_suite_and_every_check_a_reason() -> None:
    assert {suite.table for suite in SUITES} == {f"marts.{name}" for name in [*MARTS, "dim_date"]} | {"meta.batches"}
    for suite in SUITES:
        names = [check.name for check in suite.checks]
        assert len(names) == len(set(names)), suite.table
        for check in suite.checks:
            assert check.severity in {"critical", "warning"}
            assert check.reason.endswith("."), (suite.table, check.name)
            assert check.limit
        if suite.table.startswith("marts.fct_"):
            assert "knowledge_within_cut" in names


def test_suites_and_models_agree_on_the_grain() -> None:
    """The gate audits the file, dbt the model: the same key, or one of them lets doubles pass."""
    declared = {}
    for file in (PROJECT_ROOT / "dbt_project" / "models" / "marts").rglob("*.yml"):
        for model in yaml.safe_load(file.read_text(encoding="utf-8")).get("models", []):
            for test in model.get("data_tests", []):
                if isinstance(test, dict) and "unique_grain" in test:
                    declared[f"marts.{model['name']}"] = tuple(test["unique_grain"]["arguments"]["columns"])
    audited = {suite.table: suite.grain for suite in SUITES if suite.table.startswith("marts.")}
    assert declared == audited


def test_every_audit_model_has_a_family() -> None:
    models = [file.stem for file in (PROJECT_ROOT / "dbt_project" / "models").rglob("int_audit_*.sql")]
    assert models
    assert {family_of(model) for model in models} <= {suite.owner for suite in SUITES}


def test_only_critical_failures_refuse() -> None:
    def result(severity: str, passed: bool) -> CheckResult:
        return CheckResult("c", "marts.m", severity, "o", "r.", passed, "1 rows", "none")  # type: ignore[arg-type]

    assert report_of([result("warning", False), result("critical", True)]).passed
    assert not report_of([result("critical", False)]).passed


@pytest.mark.parametrize(("now", "deals", "is_named"), [(126, 20, True), (124, 20, False), (126, 19, False)])
def test_a_closed_quarter_that_moves_is_a_warning_with_both_figures(
    now: int, deals: int, is_named: bool, build: Path
) -> None:
    """Late filings stay below a quarter of the amount; a quarter of few deals moves with every one of them."""
    fill(
        build,
        "fct_funding_restatement",
        [
            funding("USA", 100, deals)
            | {"known_at": BEFORE, "is_latest": False, "vintage_status": "known", "first_amount_usd": 90},
            funding("USA", now, deals)
            | {
                "known_at": BEFORE + dt.timedelta(days=30),
                "is_latest": True,
                "vintage_status": "known",
                "first_amount_usd": 90,
            },
        ],
    )
    report = run_gate(build, tables=["marts.fct_funding_restatement"])
    assert [check.check_name for check in report.warnings] == ["closed_quarter_keeps_its_amount"] * is_named
    for check in report.warnings:
        assert {"first_amount_usd": "90.00", "before_usd": "100.00", "now_usd": "126.00"}.items() <= check.sample[
            0
        ].items()


def test_unit_slip_in_turnover_is_a_warning(build: Path) -> None:
    codes = [f"{159000 + i}.SZ" for i in range(5)]
    days = [dt.date(2025, 4, 22), dt.date(2025, 4, 23)]
    fill(
        build,
        "fct_etf_daily",
        [
            day(etf_code=code, trade_date=date, unit_nav=1, turnover_cny=1000 * 1000**step)
            for code in codes
            for step, date in enumerate(days)
        ],
    )
    back_up(build)
    report = run_gate(build, tables={"marts.fct_etf_daily"})
    assert [check.check_name for check in report.warnings] == ["turnover_keeps_its_unit"]
    assert report.passed


def test_a_declared_split_that_the_day_does_not_carry_is_refused(build: Path) -> None:
    fill(build, "fct_etf_daily", [day(unit_nav=1, split_factor=1)])
    back_up(build)
    split = "('159567.SZ', date '2025-04-23', 2, 1, 'declared')"
    with duckdb.connect(str(build / WORK_FILE)) as con:
        con.execute(f"insert into intermediate.int_etf_splits values {split}")
    [check] = run_gate(build, tables={"marts.fct_etf_daily"}).refusing
    assert check.check_name == "split_factor_is_the_splits"
    assert {"split_factor": 1.0, "numerator": 2, "denominator": 1}.items() <= check.sample[0].items()


@pytest.mark.parametrize(
    ("shares", "nav", "close", "is_named"),
    [
        (2_010_000, "0.5000", "0.5010", True),  # no NAV of the day before, the close falls by half
        (1_500_000, None, "0.6700", True),  # three for two, which the detector does not know
        (2_010_000, None, "0.9900", False),  # creations: the price stays
        (1_100_000, None, "0.5000", False),  # a crash: the shares stay
    ],
)
def test_a_jump_of_shares_that_the_price_takes_back_is_named_with_both(
    shares: int, nav: str | None, close: str, is_named: bool, build: Path
) -> None:
    earlier = day(trade_date=dt.date(2025, 4, 22), flow_status="missing", net_flow_cny=None)
    status = "final" if nav else "estimated"
    premium = float(close) / float(nav) - 1 if nav else None
    fill(
        build,
        "fct_etf_daily",
        [
            earlier | {"shares": 1_000_000, "close": "1.0000", "split_factor": 1},
            day(shares=shares, unit_nav=nav, close=close, premium_ratio=premium, flow_status=status, split_factor=1),
        ],
    )
    back_up(build)
    report = run_gate(build, tables={"marts.fct_etf_daily"})
    assert report.passed
    found = [check for check in report.warnings if check.check_name == "no_jump_against_the_price"]
    assert bool(found) is is_named
    for check in found:
        assert {"before": 1_000_000, "shares": shares, "price_before": "1.0000", "price": close}.items() <= (
            check.sample[0].items()
        )
