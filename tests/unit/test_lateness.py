"""What is late, counted in sessions: a holiday, a weekend and the hours before a deadline make nothing late."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise

import dagster as dg
import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration import lateness
from orchestration.calendars import horizon
from orchestration.checks import lateness_checks, mart_key
from orchestration.doctor import age
from orchestration.lateness import DUE, judge, sessions_due
from orchestration.market_days import market_days
from orchestration.moments import MARKET_ZONE
from orchestration.paths import DBT_PROJECT
from orchestration.sensors import lateness_sensor
from tests.support.warehouse_home import Home

PRICES = DUE[0]
FLOWS = next(due for due in DUE if due.mart == "fct_etf_flow_window")
VISITS = next(due for due in DUE if due.mart == "fct_visit")


@pytest.fixture(scope="module")
def days(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dt.date]]:
    return market_days(Home(tmp_path_factory.mktemp("days")).settings).sessions


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=MARKET_ZONE)


def verdict(due: lateness.Due, newest: str | None, days: dict, now: str) -> lateness.Verdict:
    newest_day = dt.date.fromisoformat(newest) if newest else None
    return judge(due, newest_day, days[due.market], at(now), horizon())


@pytest.mark.parametrize(
    ("due", "newest", "now", "lacking"),
    [
        (PRICES, "2025-04-23", "2025-04-24 17:29", 0),
        (PRICES, "2025-04-23", "2025-04-24 17:30", 1),
        (PRICES, "2025-04-25", "2025-04-27 12:00", 0),
        (PRICES, "2025-04-24", "2025-04-28 17:30", 2),
        (PRICES, "2025-09-30", "2025-10-09 17:29", 0),
        (PRICES, "2025-09-30", "2025-10-09 17:31", 1),
        (FLOWS, "2025-09-29", "2025-10-08 12:00", 0),
        (FLOWS, "2025-09-29", "2025-10-09 10:00", 1),
        (PRICES, None, "2014-11-17 12:00", 0),
    ],
    ids=[
        "an hour before it is due", "due and not there", "weekend", "Friday and Monday", "nine closed days",
        "the first session after them", "the counts before the open come after them", "and are due then",
        "before anything is due",
    ],
)  # fmt: skip
def test_sessions_make_late_and_closed_days_do_not(due, newest, now, lacking, days) -> None:
    found = verdict(due, newest, days, now)
    assert found.lacking == lacking
    assert found.passed == (lacking == 0 and newest is not None)


def test_notices_may_be_lacking_for_some_sessions(days) -> None:
    assert verdict(VISITS, "2025-04-10", days, "2025-04-25 12:00").passed
    late = verdict(VISITS, "2025-04-01", days, "2025-04-25 12:00")
    assert not late.passed
    assert "10 may be" in late.message


def test_past_the_calendars_nothing_is_called_in_time(days) -> None:
    late = judge(PRICES, horizon(), days["mainland"], at(f"{horizon() + dt.timedelta(days=1)} 09:00"), horizon())
    assert not late.passed
    assert "upgrade exchange-calendars" in late.message


@given(st.dates(dt.date(2015, 1, 1), dt.date(2026, 12, 30)), st.sampled_from(DUE))
def test_nothing_becomes_due_on_a_closed_day(days, day, due) -> None:
    """Between midnight and midnight of a session one more is due, and of any other day none."""
    morning = dt.datetime.combine(day, dt.time(), MARKET_ZONE)
    before, after = (len(list(sessions_due(due, days[due.market], m))) for m in (morning, morning + dt.timedelta(1)))
    assert after - before == (day in set(days[due.market][due.sessions_after :]))


def test_the_words_name_dates_and_counts(days) -> None:
    late = verdict(PRICES, "2025-04-22", days, "2025-04-24 20:00")
    assert late.message == "Prices of ETFs up to 2025-04-22: 2 sessions due since, the last 2025-04-24"
    missing = verdict(PRICES, None, days, "2025-04-24 20:00")
    assert missing.message == "Prices of ETFs not there yet: the last session due is 2025-04-24"


def test_every_family_of_facts_is_watched_in_marts_that_are_there() -> None:
    marts = {path.stem: path.parent.name for path in (DBT_PROJECT / "models" / "marts").rglob("*.sql")}
    assert all(marts[due.mart] == due.family for due in DUE)
    assert {due.family for due in DUE} == {"etf", "index", "concept", "sector", "visits", "funding", "note"}
    assert all(earlier.check != later.check for earlier, later in pairwise(DUE) if earlier.mart == later.mart)


# ------------------------------------------------------------------- Dagster


@pytest.fixture
def told(home: Home, monkeypatch: pytest.MonkeyPatch) -> list[dt.date | None]:
    """The one date that every mart holds, to be changed by a test; the clock stands at a Thursday evening."""
    newest: list[dt.date | None] = [dt.date(2025, 4, 24)]
    monkeypatch.setattr(lateness, "newest_dates", lambda settings: dict.fromkeys(DUE, newest[0]))
    monkeypatch.setattr("orchestration.sensors.utc_now", lambda: at("2025-04-24 23:59"))
    monkeypatch.setattr("orchestration.checks.utc_now", lambda: at("2025-04-24 23:59"))
    return newest


def test_a_change_is_told_once_as_asset_checks(home: Home, told: list) -> None:
    sensor, instance = lateness_sensor(home.settings), dg.DagsterInstance.ephemeral()

    def look(cursor: str | None = None):
        return sensor.evaluate_tick(dg.build_sensor_context(cursor=cursor, instance=instance))

    first = look()
    assert len(first.asset_events) == len(DUE)
    assert all(event.passed for event in first.asset_events)
    assert "as before" in look(first.cursor).skip_message
    told[0] = dt.date(2025, 4, 23)
    later = look(first.cursor)
    late = {(event.asset_key, event.check_name): event for event in later.asset_events if not event.passed}
    assert set(late) == {(mart_key(d.mart), d.check) for d in DUE if d.slack == 0 and d.sessions_after == 0}
    assert {event.severity for event in late.values()} == {dg.AssetCheckSeverity.WARN}
    assert later.run_requests == []
    assert "as before" in look(later.cursor).skip_message
    instance.report_runless_asset_event(dg.AssetMaterialization(mart_key(DUE[0].mart)))
    assert len(look(later.cursor).asset_events) == len(DUE), "older than the mart, a check would count for nothing"


def test_an_empty_warehouse_is_told_nothing(home: Home, told: list) -> None:
    told[0] = None
    look = lateness_sensor(home.settings).evaluate_tick(
        dg.build_sensor_context(instance=dg.DagsterInstance.ephemeral())
    )
    assert (look.asset_events, look.skip_message) == ([], "no release holds anything yet")


def test_the_checks_can_be_asked_for(home: Home, told: list) -> None:
    told[0] = None
    marts = [dg.AssetSpec(mart_key(name)) for name in sorted({due.mart for due in DUE})]
    late = lateness_checks(home.settings)
    definitions = dg.Definitions(
        assets=marts, asset_checks=[late], jobs=[dg.define_asset_job("ask", dg.AssetSelection.checks(late))]
    )
    result = definitions.resolve_job_def("ask").execute_in_process(instance=dg.DagsterInstance.ephemeral())
    assert {check.passed for check in result.get_asset_check_evaluations()} == {False}


def release_of(home: Home, monkeypatch: pytest.MonkeyPatch, visits: str, rounds: str) -> None:
    """A current release with rows of 2025-04-24, and of ``visits`` and ``rounds`` (values of visit or announcement and
    the moment of knowledge)."""
    file = home.settings.home / "sector.duckdb"
    home.settings.home.mkdir(parents=True, exist_ok=True)
    file.unlink(missing_ok=True)
    with duckdb.connect(str(file)) as con:
        con.execute("create schema marts")
        for name in {due.mart for due in DUE} - {"fct_visit", "fct_funding_round"}:
            con.execute(
                f"create table marts.{name} as select date '2025-04-24' as trade_date, 1.2 as close, null as unit_nav, "
                "date '2025-04-23' as as_of_date, date '2025-04-24' as note_date"
            )
        for name, day, values in (("fct_visit", "visit_date", visits), ("fct_funding_round", "announced_on", rounds)):
            con.execute(f"create table marts.{name} ({day} date, knowledge_at timestamptz)")
            con.execute(f"insert into marts.{name} values {values}")
    monkeypatch.setattr(lateness, "current_or_lost", lambda settings: object())
    monkeypatch.setattr(lateness, "release_file", lambda settings, release: file)


VISIT, ROUND = "(date '2025-04-22', '2025-04-23 20:00+00')", "(date '2025-04-21', '2025-04-23 20:00+00')"


def test_newest_dates_are_read_from_the_current_release(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    assert set(lateness.newest_dates(home.settings).values()) == {None}
    release_of(home, monkeypatch, VISIT, ROUND)
    found = {(due.mart, due.check): day for due, day in lateness.newest_dates(home.settings).items()}
    assert found["fct_etf_daily", "in_time"] == dt.date(2025, 4, 24)
    assert found["fct_etf_daily", "nav_in_time"] is None
    assert found["fct_visit", "in_time"] == dt.date(2025, 4, 22)
    assert found["fct_funding_round", "in_time"] == dt.date(2025, 4, 21)


def test_a_release_of_an_older_version_is_judged_by_what_it_has(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    release_of(home, monkeypatch, VISIT, ROUND)
    with duckdb.connect(str(home.settings.home / "sector.duckdb")) as con:
        con.execute("drop table marts.fct_visit; alter table marts.fct_funding_round rename knowledge_at to known")
    found = {due.mart: day for due, day in lateness.newest_dates(home.settings).items()}
    assert (found["fct_visit"], found["fct_funding_round"]) == (None, None)
    assert found["fct_index_daily"] == dt.date(2025, 4, 24)


def test_a_correction_that_comes_late_makes_nothing_fresher(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Age by what became known last would call both families fresh: an amended notice of March came this morning."""
    old = "(date '2025-03-20', '2025-03-24 20:00+00'), (date '2025-03-18', '2025-04-24 01:00+00')"
    release_of(home, monkeypatch, old, old)
    late = {
        verdict.due.family for verdict in lateness.verdicts(home.settings, at("2025-04-24 12:00")) if verdict.is_late
    }
    assert late == {"visits", "funding"}
    release_of(home, monkeypatch, VISIT, ROUND)
    assert not any(verdict.is_late for verdict in lateness.verdicts(home.settings, at("2025-04-24 12:00")))


def test_a_round_announced_for_a_day_ahead_hides_no_silence(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    release_of(
        home, monkeypatch, VISIT, "(date '2025-12-01', '2025-03-20 20:00+00'), (date '2025-03-19', '2025-03-20')"
    )
    found = {due.mart: day for due, day in lateness.newest_dates(home.settings).items()}
    assert found["fct_funding_round"] == dt.date(2025, 3, 19)


def test_what_the_release_never_held_is_lacking_and_not_late(days) -> None:
    missing = verdict(PRICES, None, days, "2025-04-24 20:00")
    assert (missing.passed, missing.is_late) == (False, False)


def test_the_doctor_names_the_families_that_are_late(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orchestration.doctor.utc_now", lambda: at("2025-04-24 12:00"))
    assert list(age(home.settings)) == [], "before the first release nothing is late"
    release_of(home, monkeypatch, VISIT, ROUND)
    assert [(found.state, found.detail) for found in age(home.settings)] == [
        ("ok", "every session that was due is there")
    ]
    release_of(home, monkeypatch, "(date '2025-03-20', '2025-03-24')", ROUND)
    [late] = age(home.settings)
    assert (late.state, late.detail) == ("warning", "late: visits")
    assert "sector status" in late.cure
