"""Damage, one at a time, to a copy of a good build or to the next delivery of a good home; who caught it.

Belongs here: copying, cutting a build at an earlier day, running the gate or the ingest, telling what the clean build
says anyway from what the damage did. What is damaged stands in ``damage_marts`` and ``damage_files``.
"""

from __future__ import annotations

import datetime as dt
import inspect
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import duckdb

from expectations.gate import CheckResult, GateError, run_gate
from expectations.history import DATES
from expectations.suites import SUITES
from expectations.vocabulary import Suite
from orchestration.contracts import CONTRACTS
from orchestration.ingest import BatchReport, ingest_table
from orchestration.moments import MARKET_ZONE
from orchestration.settings import Settings
from orchestration.sql import quoted
from tests.support.damage_files import DELIVERIES, FileDamage, Spoil
from tests.support.damage_marts import MartDamage
from warehouse.build import MARTS_FILE, WORK_FILE

Fate = Literal["refused", "warned", "missed"]


@dataclass(frozen=True)
class Verdict:
    """``refused``: the release does not come out, or the rows do not come in. ``by`` names the checks; ``beyond`` the
    damage to the marts that shows what becomes of rows that came in."""

    name: str
    imitates: str
    table: str
    fate: Fate
    by: tuple[str, ...]
    miss: str = ""
    beyond: str = ""


@dataclass(frozen=True)
class Subject:
    """A finished build, the releases before it, and what the gate says of it undamaged."""

    build: Path
    releases: tuple[Path, ...]
    code_version: str
    day: dt.date
    quote: dt.datetime
    clean: frozenset[tuple[str, str, str]]


def subject(build: Path, releases: Sequence[Path]) -> Subject:
    """``build`` against ``releases`` (files, newest first), whose code is taken to be that of the build."""
    with duckdb.connect(str(releases[0]), read_only=True) as con:
        [(code,)] = con.execute("select code_version from meta.release").fetchall()
    with duckdb.connect(str(build / MARTS_FILE), read_only=True) as con:
        [(day,)] = con.execute("select max(trade_date) from marts.fct_index_daily").fetchall()
        [(quote,)] = con.execute("select max(quote_ts) from marts.fct_etf_intraday").fetchall()
    report = run_gate(build, releases=releases, code_version=code)
    return Subject(build, tuple(releases), code, day, quote, frozenset(_failed(report.checks)))


def _failed(checks: Sequence[CheckResult]) -> set[tuple[str, str, str]]:
    """(severity, mart, check) of failures; audits also say of what."""
    return {
        (
            check.severity,
            check.mart,
            f"{check.check_name} {check.observed}" if "int_audit" in check.mart else check.check_name,
        )
        for check in checks
        if not check.passed
    }


def concerned(table: str) -> set[str]:
    """Tables whose suites look at ``table``: its own and those whose module names it."""
    naming = {
        suite.table
        for name, module in list(sys.modules.items())
        if name.startswith("expectations.suites.") and table in inspect.getsource(module)
        for suite in vars(module).values()
        if isinstance(suite, Suite)
    }
    return {table} | naming


def copied(build: Path, folder: Path) -> Path:
    """Both files of ``build`` in ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in (MARTS_FILE, WORK_FILE):
        shutil.copyfile(build / name, folder / name)
    return folder


def inflict(damage: MartDamage, build: Path, day: dt.date, quote: dt.datetime) -> int:
    """Do ``damage`` to ``build``; gives the rows it changed. No row changed is an error of the catalogue."""
    script = damage.script.replace("{day}", f"date '{day}'").replace("{quote}", f"timestamptz '{quote.isoformat()}'")
    with duckdb.connect(str(build / MARTS_FILE)) as con:
        con.execute("set TimeZone = 'Asia/Shanghai'")
        con.execute(f"attach {quoted(str(build / WORK_FILE))} as work")
        row = con.execute(script).fetchone()
    changed = int(row[0]) if row else 0
    if changed == 0:
        raise ValueError(f"{damage.table}: {damage.name}: no row of the build was damaged")
    return changed


def judged(damage: MartDamage, whole: Subject, folder: Path) -> Verdict:
    """What the gate says of a copy of the build with ``damage`` done to it, beyond what it says of the clean one."""
    build = copied(whole.build, folder)
    inflict(damage, build, whole.day, whole.quote)
    try:
        report = run_gate(
            build, tables=concerned(damage.table), releases=whole.releases, code_version=whole.code_version
        )
        said = _failed(report.checks) - whole.clean
    except GateError as error:
        said = {("critical", "gate", str(error))}
    refusing = sorted(f"{mart.removeprefix('marts.')}.{check}" for kind, mart, check in said if kind == "critical")
    warning = sorted(f"{mart.removeprefix('marts.')}.{check}" for kind, mart, check in said if kind == "warning")
    fate: Fate = "refused" if refusing else "warned" if warning else "missed"
    return Verdict(damage.name, damage.imitates, damage.table, fate, tuple(refusing or warning), damage.miss)


def cut(build: Path, folder: Path, moment: dt.datetime) -> Path:
    """``build`` as it stands today, without the days after ``moment``, as a build and release of that moment.

    Only marts that grow day by day lose rows; a figure that was restated since shows its last value. Enough for
    comparisons of days, no substitute for a build as of the moment.
    """
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(build / WORK_FILE, folder / WORK_FILE)
    file = folder / MARTS_FILE
    file.unlink(missing_ok=True)
    shutil.copyfile(build / MARTS_FILE, file)
    with duckdb.connect(str(folder / WORK_FILE)) as con:
        con.execute("update control.build_parameters set as_of = ?", [moment])
    with duckdb.connect(str(file)) as con:
        con.execute("set TimeZone = 'Asia/Shanghai'")
        columns: dict[str, set[str]] = {}
        for table, column in con.execute(
            "select table_name, column_name from information_schema.columns where table_schema = 'marts'"
        ).fetchall():
            columns.setdefault(table, set()).add(column)
        grains = {suite.table.removeprefix("marts."): suite.grain for suite in SUITES}
        for table, names in columns.items():
            grain = grains.get(table, ())
            day = next((name for name in grain if name in DATES), None)
            if day is not None:
                moment_of_day = f'cast("{day}" as timestamptz)' if day != "quote_ts" else '"quote_ts"'
                con.execute(f'delete from marts."{table}" where {moment_of_day} > ?', [moment])
            if "knowledge_at" in names:
                con.execute(f'update marts."{table}" set knowledge_at = ? where knowledge_at > ?', [moment, moment])
                [(rows, newest)] = con.execute(f'select count(*), max(knowledge_at) from marts."{table}"').fetchall()
                con.execute(
                    "update meta.tables set rows = ?, knowledge_at = ? where table_schema = 'marts' and table_name = ?",
                    [rows, newest, table],
                )
        con.execute("update meta.release set as_of = ?", [moment])
    return file


@dataclass(frozen=True)
class Delivery:
    """What became of a delivery; ``sound`` of its rows are those of the clean one, of ``clean`` rows."""

    batch: BatchReport
    clean: int
    sound: int


@dataclass
class Door:
    """A home whose raw tables are known; each delivery meets it as it was."""

    home: Path
    folder: Path
    now: dt.datetime = dt.datetime(2025, 4, 24, 23, 0, tzinfo=MARKET_ZONE)
    """Deliveries arrive at the end of the day after the last one that raw holds."""

    def deliver(self, table: str, query: str = "select * from clean", spoil: Spoil | None = None) -> Delivery:
        """Ingest the next delivery of ``table``, changed by ``query`` and ``spoil``."""
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(self.home / "raw" / table, self.folder / "raw" / table)
        shutil.copyfile(self.home / "ledger.sqlite", self.folder / "ledger.sqlite")
        file = self.folder / "landing" / table / "next.csv"
        file.parent.mkdir(parents=True)
        columns = ", ".join(f'"{name}"' for name in CONTRACTS[table].columns)
        with duckdb.connect() as con:
            con.execute("set TimeZone = 'Asia/Shanghai'")
            parquet = quoted(str(self.folder / "raw" / table / "*.parquet"))
            con.execute(f"create view raw as select {columns} from read_parquet({parquet})")
            con.execute(f"create view clean as {DELIVERIES[table]}")
            con.execute(f"copy ({query}) to {quoted(str(file))} (format csv, header)")
            clean = con.execute("select count(*) from clean").fetchone()
            kept = con.execute(f"select count(*) from (select * from clean intersect all {query})").fetchone()
        if spoil is not None:
            file.write_bytes(spoil(file.read_bytes()))
        [batch] = ingest_table(Settings(home=self.folder), table, self.now).batches
        assert clean is not None
        assert kept is not None
        return Delivery(batch, int(clean[0]), int(kept[0]) if spoil is None else 0)


def received(damage: FileDamage, door: Door) -> Verdict:
    """What the door does with a damaged delivery: refused when none of its damaged rows comes in."""
    delivery = door.deliver(damage.table, damage.query, damage.spoil)
    batch = delivery.batch
    said: tuple[str, ...] = tuple(batch.warnings)
    fate: Fate = "warned" if said else "missed"
    if batch.refused_whole:
        fate, said = "refused", (f"door: {batch.refused_whole.splitlines()[0]}",)
    elif batch.rows_accepted == 0:
        fate, said = "refused", (f"door: {batch.rows_quarantined} rows quarantined, {batch.rows_repeated} repeats",)
    elif batch.rows_quarantined:
        fate = "refused" if batch.rows_accepted <= delivery.sound else "warned"
        said = (f"door: {batch.rows_quarantined} of {batch.rows_landed} rows quarantined",)
    return Verdict(damage.name, damage.imitates, f"raw.{damage.table}", fate, said, damage.miss, damage.beyond)
