"""The build and the gate on one evening after the other: a home's own rows, cut at each.

Belongs here: what makes 250 days affordable. dbt has built the home once; the SQL it compiled then is run again in the
same files with another as-of, which is all that tells two builds of one home apart. What follows is what a run does:
the gate over the build against the releases of the evenings before, the data tests of dbt, the release. Does not belong
here: damage.
"""

from __future__ import annotations

import datetime as dt
import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from graphlib import TopologicalSorter
from pathlib import Path

import duckdb

from expectations.gate import CheckResult, run_gate
from expectations.history import RELEASES
from orchestration.moments import MARKET_ZONE
from orchestration.sql import quoted
from warehouse.build import MARTS_FILE, WORK_FILE
from warehouse.catalog import write_release
from warehouse.releases import current_release

EVENING = dt.time(22, 30)
"""Bars, counts and NAVs of the day are known, quotes of a morning are not."""


@dataclass(frozen=True)
class Evening:
    """What the gate said of one day; ``failed_tests`` names data tests of dbt that found rows."""

    day: dt.date
    checks: tuple[CheckResult, ...]
    failed_tests: tuple[str, ...]

    @property
    def alarms(self) -> list[str]:
        """``severity mart.check`` of what failed, each once: an audit says the same of many."""
        named = {
            f"{check.severity} {check.mart.removeprefix('marts.').removeprefix('intermediate.')}.{check.check_name}"
            for check in self.checks
            if not check.passed
        }
        return sorted(named | {f"critical dbt.{name}" for name in self.failed_tests})


class Evenings:
    """Days of ``home``, which holds a finished build and its release, built anew in ``folder``."""

    def __init__(self, home: Path, folder: Path) -> None:
        record = current_release(home)
        if record is None:
            raise ValueError(f"{home} has no release: run it first")
        self.record, self.folder = record, folder
        self.manifest = home / "build" / "dbt" / "manifest.json"
        folder.mkdir(parents=True, exist_ok=True)
        for name in (WORK_FILE, MARTS_FILE):
            shutil.copyfile(home / "build" / name, folder / name)
        nodes = json.loads(self.manifest.read_text(encoding="utf-8"))["nodes"]
        code = {name: node["compiled_code"] for name, node in nodes.items() if node.get("compiled_code")}
        parents = {name: nodes[name]["depends_on"]["nodes"] for name in code if name.startswith("model.")}
        self.tables = [
            (nodes[name]["relation_name"], code[name])
            for name in TopologicalSorter(parents).static_order()
            if name in parents and nodes[name]["config"]["materialized"] == "table"
        ]
        self.tests = {name.split(".")[2]: query for name, query in code.items() if name.startswith("test.")}

    def sessions(self, last: dt.date, days: int) -> list[dt.date]:
        """The last ``days`` sessions until ``last``."""
        with duckdb.connect(str(self.folder / MARTS_FILE), read_only=True) as con:
            found = con.execute(
                "select distinct trade_date from marts.fct_etf_daily where trade_date <= ? order by 1 desc limit ?",
                [last, days],
            ).fetchall()
        return [day for (day,) in reversed(found)]

    def build(self, as_of: dt.datetime) -> tuple[str, ...]:
        """Every table anew as of a moment; gives the data tests that found rows."""
        with duckdb.connect(str(self.folder / WORK_FILE)) as con:
            con.execute("set TimeZone = 'Asia/Shanghai'")
            con.execute("set threads = 2")
            con.execute(f"attach {quoted(str(self.folder / MARTS_FILE))} as sector")
            con.execute("update control.build_parameters set as_of = ?", [as_of])
            for relation, query in self.tables:
                con.execute(f"create or replace table {relation} as {query}")
            return tuple(
                name for name, query in self.tests.items() if con.execute(f"select 1 from ({query}) limit 1").fetchone()
            )

    def judged(self, days: Sequence[dt.date]) -> Iterator[Evening]:
        """Each of ``days`` in turn, held against the releases of those before, as many as the gate looks at."""
        past: list[Path] = []
        for place, day in enumerate(days):
            as_of = dt.datetime.combine(day, EVENING, MARKET_ZONE)
            failed = self.build(as_of)
            report = run_gate(self.folder, releases=past[::-1], code_version=self.record.code_version)
            record = replace(self.record, release_id=day.isoformat(), as_of=as_of)
            write_release(self.folder / MARTS_FILE, record, report, self.manifest)
            release = self.folder / f"{place % (RELEASES + 1)}.duckdb"
            shutil.copyfile(self.folder / MARTS_FILE, release)
            past = [*[file for file in past if file != release], release][-RELEASES:]
            yield Evening(day, tuple(report.checks), failed)
