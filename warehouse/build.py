"""The build files: what dbt reads from and writes to.

``work.duckdb`` gets the schemas ``raw`` (a view per raw table over its committed Parquet batches) and ``control``
(build parameters, trading calendar); dbt adds staging and intermediate there and the marts in ``sector.duckdb``.
Both are made anew, or go on from a build that was published whole (``orchestration.scope``): a broken build leaves
nothing behind for the next.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from orchestration.contracts.base import Contract
from orchestration.sql import quoted, raw_rows

STORAGE_VERSION = "v1.4.0"
"""Readable by DuckDB 1.4 and later, and no larger or slower than the newest format."""

WORK_FILE = "work.duckdb"
MARTS_FILE = "sector.duckdb"


META_TABLES = (
    "table_schema varchar, table_name varchar, release_id varchar, as_of timestamptz, carried_over boolean, "
    "carried_over_because varchar"
)
"""Columns of ``meta.tables`` that views of the build name; ``warehouse.catalog`` writes the table anew, whole."""


@dataclass(frozen=True)
class Change:
    """An input of a build of which rows are other ones than before: those of the business dates from ``first_day`` to
    ``last_day``. ``day``: of a model, its column of that date."""

    name: str
    first_day: dt.date = dt.date.min
    last_day: dt.date = dt.date.max
    day: str | None = None


@dataclass(frozen=True)
class BuildParameters:
    """What cuts and colours a build. ``as_of`` carries a time zone."""

    as_of: dt.datetime
    note_etf_code: str
    note_index_code: str


def prepare(
    folder: Path,
    contracts: Mapping[str, Contract],
    batches: Mapping[str, Sequence[Path]],
    calendar: pa.Table,
    parameters: BuildParameters,
    keep: bool = False,
) -> bool:
    """Put the schemas ``raw`` and ``control`` into the build files in ``folder``: new files, or with ``keep`` those
    that lie there. Gives whether the trading calendar is another one than before.

    ``contracts`` names every raw table; ``batches`` its Parquet files (none: an empty table of its schema).
    """
    folder.mkdir(parents=True, exist_ok=True)
    config: dict[str, str | bool | int | float | list[str]] = {"storage_compatibility_version": STORAGE_VERSION}
    if not keep:
        for name in (WORK_FILE, MARTS_FILE):
            for leftover in (folder / name, folder / f"{name}.wal"):
                leftover.unlink(missing_ok=True)
        with duckdb.connect(str(folder / MARTS_FILE), config=config) as con:  # whoever opens it next keeps its version
            con.execute("create schema meta")
            con.execute(f"create table meta.tables ({META_TABLES})")
    with duckdb.connect(str(folder / WORK_FILE), config=config) as con:
        con.execute("begin")
        changed = not keep or _differs(con, "control.trading_calendar", calendar)
        con.execute("drop schema if exists raw cascade")
        con.execute("create schema raw")
        con.execute("create schema if not exists control")
        for table, contract in contracts.items():
            schema, files = contract.arrow_schema(), batches.get(table, ())
            if files:
                con.execute(f'create view raw."{table}" as select * from {raw_rows(con, files, schema)}')
            else:
                empty = schema.empty_table()  # noqa: F841 (read by name from SQL)
                con.execute(f'create table raw."{table}" as from empty')
            if not keep:
                con.execute(f'create table control."repeated_{table}" as {repeated_keys(contract)}')
        if changed:
            con.execute("create or replace table control.trading_calendar as from calendar")
        con.execute(
            "create or replace table control.build_parameters as "
            "select cast(? as timestamptz) as as_of, ? as note_etf_code, ? as note_index_code",
            [parameters.as_of, parameters.note_etf_code, parameters.note_index_code],
        )
        con.execute("drop table if exists control.changes")
        con.execute("drop table if exists control.inputs")
        con.execute("commit")
    return changed


def repeated_keys(contract: Contract, where: str = "true") -> str:
    """SQL of the keys of a raw table under which there are several rows, versions of one. Those alone have to be
    ranked (``latest_version`` of the dbt project)."""
    key = ", ".join(contract.key)
    return f'select {key} from raw."{contract.name}" where {where} group by {key} having count(*) > 1'


def _differs(con: duckdb.DuckDBPyConnection, table: str, rows: pa.Table) -> bool:
    con.register("incoming", rows)
    gone, come = f"from {table} except all from incoming", f"from incoming except all from {table}"
    found = con.execute(f"select count(*) from (({gone}) union all ({come}))").fetchall()
    con.unregister("incoming")
    return bool(found[0][0])


def tell_changes(
    folder: Path,
    changes: Sequence[Change],
    inputs: Iterable[tuple[str, str]],
    contracts: Mapping[str, Contract],
    read_after: dt.datetime,
    known_after: dt.datetime,
) -> None:
    """Write into the build what has changed since it was published, for models that go on from there.

    ``changes``: those of raw tables hold all rows that were read after one moment or became known after another.
    ``inputs``: pairs of a model and what it is made from. ``materializations/table.sql`` of the dbt project reads both.
    """
    with duckdb.connect(str(folder / WORK_FILE)) as con:
        con.execute("begin")
        changed = pa.Table.from_pylist([asdict(change) for change in changes], schema=_CHANGES)  # noqa: F841 (from SQL)
        made_from = pa.Table.from_pylist(  # noqa: F841 (read by name from SQL)
            [{"model": model, "input": name} for model, name in inputs], schema=_INPUTS
        )
        con.execute("create table control.changes as from changed")
        con.execute("create table control.inputs as from made_from")
        for change in changes:
            if change.name in contracts:
                _note_repeated(con, contracts[change.name], change, read_after, known_after)
        con.execute("commit")


def _note_repeated(
    con: duckdb.DuckDBPyConnection,
    contract: Contract,
    change: Change,
    read_after: dt.datetime,
    known_after: dt.datetime,
) -> None:
    """Add to the repeated keys of a raw table those of the rows behind ``change``."""
    key = ", ".join(contract.key)
    day = contract.business_date
    of_days = f"{day} between ? and ?" if day else "true"
    fresh = (
        f'({key}) in (select ({key}) from raw."{contract.name}" where {of_days} and (_ingested_at > ? or'
        " knowledge_at > ?))"
    )
    days = [change.first_day, change.last_day] if day else []
    con.execute(
        f'insert into control."repeated_{contract.name}" {repeated_keys(contract, f"{of_days} and {fresh}")}'
        f' except from control."repeated_{contract.name}"',
        [*days, *days, read_after, known_after],
    )


_CHANGES = pa.schema(
    [("name", pa.string()), ("first_day", pa.date32()), ("last_day", pa.date32()), ("day", pa.string())]
)
_INPUTS = pa.schema([("model", pa.string()), ("input", pa.string())])


def first_days_changed(folder: Path) -> dict[str, dt.date | None]:
    """Tables and views of a build that goes on from the one before, as checks name them (``marts.x``, ``reference.x``,
    ``work.intermediate.x``, ``work.staging.x``, ``work.raw.x``), with the first business date on which their rows are
    other ones: None where none are, ``dt.date.min`` where any may be."""
    with duckdb.connect(str(folder / MARTS_FILE), read_only=True) as con:
        con.execute(f"attach {quoted(str(folder / WORK_FILE))} as work (read_only)")
        found = con.execute(
            "select case when database_name = 'work' then 'work.' else '' end || schema_name || '.' || relation_name,"
            " min(coalesce(own.first_day, inputs_of.first_day))"
            " from (select database_name, schema_name, table_name as relation_name, false as is_view"
            " from duckdb_tables() union all select database_name, schema_name, view_name, schema_name <> 'raw'"
            " from duckdb_views()) as relations"
            " left join work.control.changes as own on relation_name = own.name and not is_view"
            " left join work.control.inputs on relation_name = inputs.model and is_view"
            " left join work.control.changes as inputs_of on inputs.input = inputs_of.name"
            " where schema_name in ('intermediate', 'marts', 'reference', 'staging', 'raw') group by 1"
        ).fetchall()
    return dict(found)


def changed_days(
    folder: Path,
    table: str,
    date: str | None,
    read_after: dt.datetime,
    known_after: dt.datetime,
    known_until: dt.datetime,
) -> Change:
    """First and last business date of the rows of a raw table that were read after one moment, or became known between
    two. ``date``: SQL of the date, which has to be part of the key; None: any row may be another one."""
    if date is None:
        return Change(table)
    with duckdb.connect(str(folder / WORK_FILE), read_only=True) as con:
        con.execute("set TimeZone = 'Asia/Shanghai'")
        # apart, so that files without such rows are passed over by their statistics
        found = [
            con.execute(f'select min({date}), max({date}) from raw."{table}" where {which}', moments).fetchall()[0]
            for which, moments in (
                ("_ingested_at > ? and knowledge_at <= ?", [read_after, known_until]),
                ("knowledge_at > ? and knowledge_at <= ?", [known_after, known_until]),
            )
        ]
    days = [day for pair in found for day in pair if day is not None]
    return Change(table, min(days), max(days)) if days else Change(table)
