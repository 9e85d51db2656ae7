"""This build against past releases: what a slip looks like there, and what must not alarm."""

import datetime as dt
from collections.abc import Iterable, Mapping
from pathlib import Path

import duckdb
import pytest

from expectations.gate import CheckResult, report_of
from expectations.history import run_history
from tests.support.marts import AS_OF, accounting, empty_build, fill, refusals
from tests.support.story import manifest_of, record_of
from warehouse.build import MARTS_FILE
from warehouse.catalog import write_inputs, write_release

CODES = [f"{159000 + number}.SZ" for number in range(8)]
SESSIONS = [
    *(dt.date(2025, 3, day) for day in (17, 18, 19, 20, 21, 24, 25, 26, 27, 28, 31)),
    *(dt.date(2025, 4, day) for day in (7, 8, 9, 10, 11, 14, 15, 16, 17, 18, 21, 22, 23)),
]
APRIL = SESSIONS[11:]
Row = Mapping[str, object]


def rows(dates: Iterable[dt.date], codes: Iterable[str] = CODES, **changes: float) -> list[Row]:
    """Days of ETFs whose turnover wanders between 0.5 and 2 million; ``changes`` are factors by column."""
    return [
        {
            "etf_code": code,
            "trade_date": date,
            "turnover_cny": round(1_000_000 * (0.5 + (place + date.day) % 4 / 2) * changes.get("turnover_cny", 1), 2),
            "shares": int(50_000_000 * changes.get("shares", 1)),
            "flow_status": "missing",
            "knowledge_at": dt.datetime.combine(date, dt.time(15), AS_OF.tzinfo),
        }
        for date in dates
        for place, code in enumerate(codes)
    ]


def built(folder: Path, content: Iterable[Row], as_of: dt.datetime = AS_OF) -> Path:
    empty_build(folder, as_of)
    write_inputs(folder / MARTS_FILE, accounting(), refusals())
    fill(folder, "fct_etf_daily", list(content))
    return folder


def released(folder: Path, content: Iterable[Row], as_of: dt.datetime = AS_OF) -> Path:
    """A release's file; its code version is that of ``record_of``."""
    marts = built(folder, content, as_of) / MARTS_FILE
    write_release(marts, record_of(as_of), report=EMPTY, manifest=manifest_of(folder))
    return marts


EMPTY = report_of([])
CODE = record_of(AS_OF).code_version


def found(build: Path, *files: Path, code: str = CODE) -> dict[str, CheckResult]:
    """Results on fct_etf_daily, by check."""
    results = run_history(build, files, code)
    return {result.check_name: result for result in results if result.mart == "marts.fct_etf_daily"}


def failed(results: Mapping[str, CheckResult]) -> dict[str, str]:
    return {name: result.severity for name, result in results.items() if not result.passed}


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return released(tmp_path_factory.mktemp("before"), rows(SESSIONS[:-1]), AS_OF - dt.timedelta(days=1))


def test_a_clean_new_day_alarms_nothing(before: Path, tmp_path: Path) -> None:
    results = found(built(tmp_path / "now", rows(SESSIONS)), before)
    assert failed(results) == {}
    assert results["new_days_are_whole"].observed == "8 rows on the shortest of 1 new days"
    assert set(results) == {
        "newest_input_is_recent",
        "rows_not_lost",
        "entities_kept",
        "figures_keep_their_unit",
        "figures_stay_known",
        "new_days_are_whole",
        "new_days_keep_the_unit",
    }


def test_restated_figures_alarm_nothing(before: Path, tmp_path: Path) -> None:
    restated = [*rows(SESSIONS[:3], turnover_cny=3), *rows(SESSIONS[3:])]
    assert failed(found(built(tmp_path / "now", restated), before)) == {}


def test_rows_and_funds_that_vanished(before: Path, tmp_path: Path) -> None:
    lost = failed(found(built(tmp_path / "now", rows(SESSIONS, CODES[1:])), before))
    assert lost == {"entities_kept": "critical", "rows_not_lost": "warning", "new_days_are_whole": "warning"}
    fewer = failed(found(built(tmp_path / "fewer", rows(SESSIONS[3:])), before))
    assert fewer == {"rows_not_lost": "warning"}


def test_a_column_in_another_unit_refuses(before: Path, tmp_path: Path) -> None:
    slipped = found(built(tmp_path / "now", rows(SESSIONS, turnover_cny=0.001)), before)
    assert failed(slipped)["figures_keep_their_unit"] == "critical"
    assert slipped["figures_keep_their_unit"].sample == [{"column": "turnover_cny", "median_ratio": 0.001}]


def test_a_backfill_that_moves_everything_by_many_factors_is_told_not_refused(before: Path, tmp_path: Path) -> None:
    content = [
        {**row, "turnover_cny": float(str(row["turnover_cny"])) * (3 + place % 7)}
        for place, row in enumerate(rows(SESSIONS))
    ]
    assert failed(found(built(tmp_path / "now", content), before))["figures_keep_their_unit"] == "warning"


def test_one_restated_figure_that_stands_in_many_rows_is_no_slip(tmp_path: Path) -> None:
    few = released(tmp_path / "few", rows(SESSIONS[:3]), AS_OF - dt.timedelta(days=1))
    moved = failed(found(built(tmp_path / "now", rows(SESSIONS[:3], turnover_cny=10)), few))
    assert moved["figures_keep_their_unit"] == "warning"


def test_a_quarters_figure_that_stands_on_every_day_may_be_restated(tmp_path: Path) -> None:
    """Growth of two quarters on some hundred rows: near zero, a late round moves all of one by any factor."""

    def growth(first: float, second: float) -> list[Row]:
        return [{**row, "turnover_cny": first if place % 2 else second} for place, row in enumerate(rows(SESSIONS))]

    before = released(tmp_path / "before", growth(40.0, 30.0), AS_OF - dt.timedelta(days=1))
    moved = failed(found(built(tmp_path / "now", growth(-44.0, -33.0)), before))
    assert moved["figures_keep_their_unit"] == "warning"


def test_new_code_that_moves_a_column_is_told_but_not_refused(before: Path, tmp_path: Path) -> None:
    slipped = found(built(tmp_path / "now", rows(SESSIONS, turnover_cny=0.001)), before, code="another")
    assert set(failed(slipped).values()) == {"warning"}


@pytest.mark.parametrize(("factor", "severity"), [(10_000, "critical"), (100, "critical"), (10, "warning")])
def test_a_new_day_in_another_unit(before: Path, tmp_path: Path, factor: float, severity: str) -> None:
    content = [*rows(SESSIONS[:-1]), *rows(SESSIONS[-1:], shares=factor)]
    results = failed(found(built(tmp_path / "now", content), before))
    assert results == {"new_days_keep_the_unit": severity}


def test_a_cut_off_day_is_told(before: Path, tmp_path: Path) -> None:
    content = [*rows(SESSIONS[:-1]), *rows(SESSIONS[-1:], CODES[:6])]
    assert failed(found(built(tmp_path / "now", content), before)) == {"new_days_are_whole": "warning"}


def test_a_column_that_empties_refuses(before: Path, tmp_path: Path) -> None:
    content = [{**row, "shares": None} for row in rows(SESSIONS)]
    assert failed(found(built(tmp_path / "now", content), before)) == {"figures_stay_known": "critical"}


def test_a_holiday_makes_nothing_late_and_old_data_is(tmp_path: Path) -> None:
    """From 30 April to 6 May 2025 neither market opened but Hong Kong on 2 May."""
    content = rows([*SESSIONS[:-1], dt.date(2025, 4, 30)])
    after_holiday = dt.datetime(2025, 5, 6, 9, tzinfo=AS_OF.tzinfo)
    assert found(built(tmp_path / "now", content, after_holiday))["newest_input_is_recent"].value == 1
    late = found(built(tmp_path / "late", content, after_holiday + dt.timedelta(days=7)))["newest_input_is_recent"]
    assert (late.passed, late.severity, late.value) == (False, "warning", 6)


def test_the_age_that_was_usual_sets_the_limit(tmp_path: Path) -> None:
    """A source that always came a week later is not late when it does so again."""
    habit = [
        released(tmp_path / f"r{place}", rows(APRIL[: place + 1]), moment)
        for place, moment in enumerate(AS_OF - dt.timedelta(days=10 - 2 * step) for step in range(4))
    ]
    build = built(tmp_path / "now", rows(APRIL[:5]))
    assert found(build, habit[0])["newest_input_is_recent"].limit == "3 sessions (no habit yet)"
    assert found(build, *habit)["newest_input_is_recent"].limit == "8 sessions (at most 6 in 4 releases, and 2)"


def test_only_releases_of_no_later_moment_count(before: Path, tmp_path: Path) -> None:
    build = built(tmp_path / "now", rows(SESSIONS[:2]), AS_OF - dt.timedelta(days=1, microseconds=1))
    assert set(found(build, before)) == {"newest_input_is_recent"}


def test_damaged_release_before_does_not_stop_the_next(tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.duckdb"
    damaged.write_bytes(b"no database")
    [warning, *rest] = run_history(built(tmp_path / "now", rows(SESSIONS)), [damaged], CODE)
    assert (warning.check_name, warning.severity, warning.passed) == ("release_before_comparable", "warning", False)
    assert [result.check_name for result in rest] == ["newest_input_is_recent"]


def test_a_mart_that_is_gone_refuses(before: Path, tmp_path: Path) -> None:
    build = built(tmp_path / "now", rows(SESSIONS))
    with duckdb.connect(str(build / MARTS_FILE)) as con:
        con.execute("drop table marts.fct_concept_daily")
    gone = [result for result in run_history(build, [before], CODE) if result.check_name == "mart_kept"]
    assert [(result.mart, result.passed, result.severity) for result in gone] == [
        ("marts.fct_concept_daily", False, "critical")
    ]
