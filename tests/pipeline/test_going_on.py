"""A build that goes on from the one before holds what a whole build holds: all tables, all columns."""

from __future__ import annotations

import datetime as dt
import random
import sqlite3
from dataclasses import asdict
from pathlib import Path

import duckdb
import pytest

from expectations.gate import CheckResult, run_gate
from orchestration.refresh import Refresh
from orchestration.settings import Settings
from tests.benchmarks.market import LAST_DAY, Market, write_market
from tests.support.two_builds import KINDS, News, build, differences, whole_copy
from warehouse.build import first_days_changed

pytestmark = pytest.mark.pipeline

MARKET = Market(years=1).scaled(0.004)


def evening(day: dt.date) -> dt.datetime:
    return dt.datetime(day.year, day.month, day.day, 15, tzinfo=dt.UTC)


class Gate:
    """The gate over a home, build after build: what it does not look at again must not change what it says."""

    def __init__(self) -> None:
        self.said: dict[tuple[str, str], CheckResult] = {}

    def judge(self, home: Path, goes_on: bool) -> set[str]:
        """Judge the build of ``home``; where it goes on, also whole, and compare. Gives the tables of which days
        changed."""
        folder, earlier = Settings(home=home).build, self.said
        whole, changed = run_gate(folder), {}
        self.said = {(check.mart, check.check_name): check for check in whole.checks}
        if goes_on:
            days = first_days_changed(folder)
            unchanged = {name for name, day in days.items() if day is None}
            changed = {name: day for name, day in days.items() if day is not None and day > dt.date.min}
            going_on = run_gate(folder, unchanged=unchanged, earlier=earlier, changed=changed)
            assert [told(check) for check in going_on.checks] == [told(check) for check in whole.checks]
        return set(changed)


def told(check: CheckResult) -> dict[str, object]:
    """What a check says, without the time that it took; doubles to nine digits."""
    said = {name: value for name, value in asdict(check).items() if name not in ("seconds", "sample")}
    return {name: float(f"{value:.9g}") if isinstance(value, float) else value for name, value in said.items()}


@pytest.fixture(scope="module")
def gate() -> Gate:
    return Gate()


@pytest.fixture(scope="module")
def market(gate: Gate, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dt.date]:
    """A home that holds a year up to a Wednesday."""
    home, last = tmp_path_factory.mktemp("going_on") / "home", LAST_DAY - dt.timedelta(days=9)
    write_market(home / "landing", MARKET, last=last, ending="csv")
    build(home, evening(last))
    gate.judge(home, goes_on=False)
    return home, last


@pytest.fixture(scope="module")
def changed(gate: Gate, market: tuple[Path, dt.date]) -> dict[str, tuple[dt.date, dt.date]]:
    """What changed with a session more, after a day of which nothing came: model -> first and last day."""
    home, last = market
    day = last + dt.timedelta(days=2)
    write_market(home / "landing", MARKET, day, day, ending="csv")
    build(home, evening(day))
    assert {"marts.fct_constituent_daily", "marts.fct_etf_daily"} <= gate.judge(home, goes_on=True)
    with duckdb.connect(str(home / "build" / "work.duckdb"), read_only=True) as con:
        found = {name: (first, until) for name, first, until, _ in con.execute("from control.changes").fetchall()}
    assert differences(home, whole_copy(home, evening(day))) == []
    return found


def test_a_session_more_is_made_alone(
    changed: dict[str, tuple[dt.date, dt.date]], market: tuple[Path, dt.date]
) -> None:
    _, last = market
    day = last + dt.timedelta(days=2)
    assert changed["int_security_returns"] == (day, day)
    assert changed["fct_constituent_daily"] == (day, day)
    # share counts of Shenzhen are known the morning after
    assert changed["fct_etf_daily"] == (last, day)
    # what nothing was said of
    assert not {"dim_sector", "int_sector_spans", "dim_connect_eligibility", "int_etf_splits"} & set(changed)


@pytest.mark.parametrize("seed", [3, 11])
def test_news_of_every_kind_come_to_what_a_whole_build_makes_of_them(
    seed: int, changed: object, gate: Gate, market: tuple[Path, dt.date]
) -> None:
    home, last = market
    chance = random.Random(seed)  # noqa: S311 (to draw, not to hide)
    day = last + dt.timedelta(days=3 + seed)
    news = News(home / "landing", last, chance, number=100 * seed)
    half = len(KINDS) // 2
    for kind in KINDS[:half] if seed == 3 else KINDS[half:]:
        kind(news)
    build(home, evening(day))
    gate.judge(home, goes_on=True)
    assert differences(home, whole_copy(home, evening(day))) == [], news.said


def test_nothing_new_leaves_the_tables_alone(changed: object, market: tuple[Path, dt.date]) -> None:
    home, last = market
    later = evening(last + dt.timedelta(days=16))
    build(home, later)
    # with what was read before and is known since
    assert differences(home, whole_copy(home, later)) == []
    left = build(home, later + dt.timedelta(minutes=5))
    assert "fct_sector_daily" in left
    with duckdb.connect(str(Settings(home=home).build / "work.duckdb"), read_only=True) as con:
        names = {name for (name,) in con.execute("select name from control.changes").fetchall()}
    # what was known of a quarter at the moment of the build
    assert {name for name in names if name.startswith("fct_")} <= {"fct_funding_restatement"}


def test_a_ledger_that_knows_less_than_the_build_asks_for_a_whole_one(
    changed: object, market: tuple[Path, dt.date]
) -> None:
    """As after a home was put back from a backup around the build files of a later day."""
    home, last = market
    later = evening(last + dt.timedelta(days=20))
    run = Refresh(Settings(home=home), began=later)
    run.prepare()
    assert run.models() is not None
    build(home, later, whole=True)
    with sqlite3.connect(Settings(home=home).ledger) as ledger:
        ledger.execute("delete from batches where rowid = (select max(rowid) from batches)")
    run = Refresh(Settings(home=home), began=later + dt.timedelta(minutes=1))
    run.prepare()
    assert run.models() is None
