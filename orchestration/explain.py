"""How a figure of a release came about: ``sector explain``.

The figure, its formula in words, the raw rows behind it (file, line, when known) and what would change it. Everything
is read from the release and the raw files as they were at its moment. Which rows belong to a figure stands in
``orchestration.tracing``; no figure is computed here.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import duckdb
from rich.console import Console
from rich.table import Table

from orchestration.contracts import CONTRACTS
from orchestration.ingest import Ledger
from orchestration.moments import write_moment, write_short
from orchestration.refresh import release_file
from orchestration.settings import Settings
from orchestration.sql import quoted, raw_rows
from orchestration.tracing import TRACERS, Part, by_lineage, claim_column
from warehouse import releases as shelf

if TYPE_CHECKING:
    from warehouse.releases import ReleaseRecord

NOTE = "rpt_market_note"

SHOWN_ROWS = 12
"""Rows that a person is shown of one raw table; ``--rows`` asks for more, ``--json`` has them all."""

NEAREST = 5

LINEAGE = "those that share the key with the row in the raw tables that feed the mart: more than went in"


class UnknownFigureError(ValueError):
    """No such mart, row or column; the message names what comes nearest."""


@dataclass(frozen=True)
class Input:
    """Rows of one raw table behind a figure. ``rows``: contract columns and provenance; ``later``: newer versions."""

    part: Part
    rows: list[dict[str, Any]]
    later: int


@dataclass(frozen=True)
class Explanation:
    """A figure of a release with everything behind it."""

    release: ReleaseRecord
    mart: str
    grain: tuple[str, ...]
    row: dict[str, Any]
    column: str
    unit: str
    formula: str
    about: str
    inputs: list[Input]
    feeds: list[str]
    would_change: list[str]
    exact: bool
    told_by: dict[str, Any] = field(default_factory=dict)

    @property
    def value(self) -> Any:
        return self.row[self.column]


def explain(settings: Settings, release: ReleaseRecord, mart: str, words: Sequence[str]) -> Explanation:
    """The figure in column ``words[-1]`` of the row of ``mart`` whose key is ``words[:-1]``, in the order of its grain.

    A claim of the note needs its id alone. Raises ``UnknownFigureError`` with what comes nearest.
    """
    with _opened(settings, release) as con:
        mart = mart.removeprefix("marts.")
        grain, about, feeds = _mart(con, mart)
        *key, column = words
        _column_exists(con, mart, column, grain)
        if mart == NOTE and len(key) == 1:
            key = [str(day) for (day,) in con.execute(f"select max(note_date) from {_name(mart)}").fetchall()] + key
        row = _row(con, mart, grain, key)
        _cut_where_rows_were_made(con, {mart, str(row["source_table"])} if mart == NOTE else {mart})
        told_by: dict[str, Any] = {}
        exact = True
        if mart == NOTE and column in ("value", "value_text", "claim", "evidence_rows", "status"):
            parts, told_by = _claim_parts(con, row)
        elif mart in TRACERS:
            parts = TRACERS[mart](con, {name: row[name] for name in grain}, column)
        else:
            known = {table: (*CONTRACTS[table].key, *CONTRACTS[table].value_columns) for table in feeds}
            exact = False
            parts = by_lineage(feeds, known, {name: row[name] for name in grain}, column)
        inputs = [_read(con, part) for part in parts]
        [(formula, unit)] = con.execute(
            "select description, unit from release.meta.columns "
            "where table_schema = 'marts' and table_name = ? and column_name = ?",
            [mart, column],
        ).fetchall()
        if mart == NOTE:
            unit = str(row["unit"])
        if told_by:
            feeds = _mart(con, told_by["mart"])[2]
        traced = {part.table for part in parts}
        rest = [table for table in feeds if table not in traced]
        changes = _would_change(con, row, inputs, [str(value) for value in row.values() if isinstance(value, str)])
        return Explanation(
            release, mart, grain, row, column, unit, formula, about, inputs, rest, changes, exact, told_by
        )


@contextmanager
def _opened(settings: Settings, release: ReleaseRecord) -> Iterator[duckdb.DuckDBPyConnection]:
    """The release as ``release``, each raw table as a view of the versions in force at its moment, ``cut`` its moment.

    ``all_<table>`` holds every version, also those that came later.
    """
    files = Ledger(settings.ledger).raw_files()
    with duckdb.connect(":memory:") as con:
        con.execute("set TimeZone = 'Asia/Shanghai'")
        con.execute(f"attach {quoted(str(release_file(settings, release)))} as release (read_only)")
        con.execute("create table cut as select cast(? as timestamptz) as as_of", [release.as_of])
        con.execute("alter table cut add column built_at timestamptz")
        con.execute("update cut set built_at = ?", [release.built_at])
        for table, contract in CONTRACTS.items():
            paths = files.get(table, [])
            if paths:
                con.execute(f"create view all_{table} as from {raw_rows(con, paths, contract.arrow_schema())}")
            else:
                con.register("nothing", contract.arrow_schema().empty_table())
                con.execute(f"create table all_{table} as from nothing")
                con.unregister("nothing")
            con.execute(
                f"create view {table} as select * exclude (version_rank) from (select *, row_number() over ("
                f"partition by {', '.join(contract.key)} "
                "order by knowledge_at desc, _ingested_at desc, _file desc, _row desc) as version_rank "
                f"from all_{table} where knowledge_at <= (select as_of from cut) "
                "and _ingested_at <= (select built_at from cut)) where version_rank = 1"
            )
        yield con


def _cut_where_rows_were_made(con: duckdb.DuckDBPyConnection, marts: set[str]) -> None:
    """Move the cut to the release that made the rows of ``marts``, where one was carried over from an earlier one."""
    names = ", ".join(quoted(mart.removeprefix("marts.")) for mart in sorted(marts))
    with suppress(duckdb.BinderException):  # releases of earlier code carry nothing over and do not say so
        con.execute(
            "update cut set as_of = origin.as_of, built_at = origin.built_at from ("
            "select min(as_of) as as_of, min(built_at) as built_at from release.meta.tables "
            f"where table_schema = 'marts' and table_name in ({names}) and carried_over) as origin "
            "where origin.as_of is not null"
        )


def _name(mart: str) -> str:
    return f'release.marts."{mart}"'


def _nearest(word: str, known: Sequence[str]) -> str:
    near = get_close_matches(word, known, NEAREST, 0.4)
    return ", ".join(near or list(known)[:NEAREST]) or "none"


def _mart(con: duckdb.DuckDBPyConnection, mart: str) -> tuple[tuple[str, ...], str, list[str]]:
    tables = _tables(con)
    if mart not in tables:
        raise UnknownFigureError(f"no mart {mart!r}; nearest: {_nearest(mart, sorted(tables))}")
    grain, about, feeds = tables[mart]
    return tuple(filter(None, grain.split(", "))), about, [name for name in feeds.split(", ") if name in CONTRACTS]


def _tables(con: duckdb.DuckDBPyConnection) -> dict[str, tuple[str, str, str]]:
    try:
        rows = con.execute(
            "select table_name, grain, description, raw_tables from release.meta.tables where table_schema = 'marts'"
        ).fetchall()
    except duckdb.BinderException:
        raise UnknownFigureError(
            "this release was built before releases told their lineage: explain a later one, or run `sector run`"
        ) from None
    return {name: (grain, about, feeds) for name, grain, about, feeds in rows}


def _column_exists(con: duckdb.DuckDBPyConnection, mart: str, column: str, grain: Sequence[str]) -> None:
    known = [
        name
        for (name,) in con.execute(
            "select column_name from release.meta.columns where table_schema = 'marts' and table_name = ? "
            "order by ordinal",
            [mart],
        ).fetchall()
    ]
    if column not in known:
        raise UnknownFigureError(
            f"{mart} has no column {column!r}; nearest: {_nearest(column, known)} "
            f"(write: sector explain {mart} {' '.join(name.upper() for name in grain)} COLUMN)"
        )


def _row(con: duckdb.DuckDBPyConnection, mart: str, grain: Sequence[str], key: Sequence[str]) -> dict[str, Any]:
    if len(key) != len(grain):
        raise UnknownFigureError(f"{mart} is keyed by {' '.join(grain)}: {len(key)} given")
    types = dict(
        con.execute(
            "select column_name, data_type from release.meta.columns where table_schema = 'marts' and table_name = ?",
            [mart],
        ).fetchall()
    )
    conditions = [
        f'"{name}" = try_cast(? as timestamptz)'
        if types[name].startswith("TIMESTAMP")
        else f'cast("{name}" as varchar) = ?'
        for name in grain
    ]
    cursor = con.execute(f"select * from {_name(mart)} where {' and '.join(conditions)}", list(key))
    names = [column[0] for column in cursor.description]
    rows = cursor.fetchall()
    if rows:
        return dict(zip(names, rows[0], strict=True))
    for place, (name, word) in enumerate(zip(grain, key, strict=True)):
        before = " and ".join(conditions[:place]) or "true"
        found = [
            str(value)
            for (value,) in con.execute(
                f'select distinct cast("{name}" as varchar) from {_name(mart)} where {before} order by 1',
                list(key[:place]),
            ).fetchall()
        ]
        hit = con.execute(
            f"select count(*) from {_name(mart)} where {before} and {conditions[place]}", list(key[: place + 1])
        ).fetchone()
        if not hit or not hit[0]:
            given = f" of {' '.join(key[:place])}" if place else ""
            raise UnknownFigureError(f"{mart} has no {name} {word!r}{given}; nearest: {_nearest(word, found)}")
    raise UnknownFigureError(f"{mart} has no row {' '.join(key)}")


def _claim_parts(con: duckdb.DuckDBPyConnection, claim: dict[str, Any]) -> tuple[list[Part], dict[str, Any]]:
    """The parts behind a claim of the note: those of the rows that it names, and where it names them."""
    mart = str(claim["source_table"]).removeprefix("marts.")
    column = claim_column(str(claim["claim_id"]))
    told_by = {"mart": mart, "filter": claim["source_filter"], "column": column}
    tables = _tables(con)
    if mart not in tables or mart not in TRACERS:
        return [], told_by
    grain = tables[mart][0].split(", ")
    rows = con.execute(
        f"select {', '.join(grain)} from {_name(mart)} where {claim['source_filter']} limit 50"
    ).fetchall()
    parts: list[Part] = []
    for row in rows:
        for part in TRACERS[mart](con, dict(zip(grain, row, strict=True)), column):
            if part not in parts:
                parts.append(part)
    return parts, told_by


def _read(con: duckdb.DuckDBPyConnection, part: Part) -> Input:
    contract = CONTRACTS[part.table]
    columns = [*contract.key, *contract.value_columns, "knowledge_at", "_file", "_row"]
    order = ", ".join(contract.key)
    cursor = con.execute(
        f"select {', '.join(columns)} from {part.table} where {part.where} order by {order}", list(part.values)
    )
    names = [column[0] for column in cursor.description]
    rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    (later,) = con.execute(
        f"select count(*) from all_{part.table} where ({order}) in (select ({order}) from {part.table} "
        f"where {part.where}) and (knowledge_at > (select as_of from cut) "
        "or _ingested_at > (select built_at from cut))",
        list(part.values),
    ).fetchone() or (0,)
    return Input(part, rows, int(later))


def _would_change(
    con: duckdb.DuckDBPyConnection, row: dict[str, Any], inputs: Sequence[Input], words: Sequence[str]
) -> list[str]:
    """What would make the figure another one, in sentences: what is missing, estimated, newer or refused."""
    said = []
    for name, value in row.items():
        if name.endswith("status") and value in ("missing", "estimated", "not_available", "fx_missing"):
            said.append(f"{name} is {value}.")
    for entry in inputs:
        part = entry.part
        if part.required and not entry.rows:
            said.append(f"Missing: {part.table} has no row for {part.role}.")
        if entry.later:
            said.append(
                f"{part.table} has {entry.later} newer version{'s' if entry.later > 1 else ''} of these rows that came "
                "after this release: a build made now takes them."
            )
    if row.get("missing_days"):
        said.append(f"{row['missing_days']} days of the window have no flow: their shares would add to the sum.")
    codes = [word for word in words if "." in word and len(word) <= 12]
    for table in dict.fromkeys(entry.part.table for entry in inputs):
        for code in codes:
            (refused,) = con.execute(
                "select count(*) from release.meta.quarantine where table_name = ? and contains(raw_text, ?)",
                [table, code.split(".")[0]],
            ).fetchone() or (0,)
            if refused:
                said.append(f"{refused} refused rows of {table} name {code}: see meta.quarantine.")
    said.append("A later version of any row above, or of the reference lists and calendars.")
    return said


def find_release(settings: Settings, release_id: str | None) -> ReleaseRecord:
    """The named release, else the current one. Raises ``ReleaseError`` or ``UnknownFigureError``."""
    if release_id is not None:
        return shelf.read_record(settings.home, release_id)
    current = shelf.current_release(settings.home)
    if current is None:
        raise UnknownFigureError(f"no release under {settings.home} yet: run `sector run` first")
    return current


def _plain(value: Any) -> Any:
    return write_moment(value) if isinstance(value, dt.datetime) else value


def document(found: Explanation) -> dict[str, Any]:
    """The explanation for machines: moments in ISO 8601, exact numbers and dates as text."""
    return {
        "release_id": found.release.release_id,
        "as_of": write_moment(found.release.as_of),
        "mart": found.mart,
        "key": {name: _plain(found.row[name]) for name in found.grain},
        "column": found.column,
        "value": _plain(found.value),
        "unit": found.unit,
        "formula": found.formula,
        "told_by": found.told_by or None,
        "rows_are": "those of the figure" if found.exact else LINEAGE,
        "inputs": [
            {
                "table": entry.part.table,
                "role": entry.part.role,
                "newer_versions": entry.later,
                "rows": [{name: _plain(value) for name, value in row.items()} for row in entry.rows],
            }
            for entry in found.inputs
        ],
        "other_raw_tables": found.feeds,
        "would_change": found.would_change,
    }


def show(found: Explanation, out: Console, shown: int = SHOWN_ROWS) -> None:
    """The explanation for people; ``shown`` rows of each input."""
    key = " ".join(str(_short(found.row[name])) for name in found.grain)
    value = "unknown" if found.value is None else _short(found.value)
    out.print(f"{found.mart} {key}", markup=False)
    out.print(f"{found.column} = {value} [{found.unit}]", markup=False)
    out.print(f"formula  {found.formula}", markup=False)
    for name, told in found.row.items():
        if name.endswith("status") and name != found.column and told is not None:
            out.print(f"{name}  {told}", markup=False)
    if found.told_by:
        by = found.told_by
        out.print(f"from     {by['mart']}.{by['column']} where {by['filter']}", markup=False)
    out.print(f"release  {found.release.release_id}, as of {write_short(found.release.as_of)}", markup=False)
    if not found.exact:
        out.print(f"rows     {LINEAGE}", markup=False)
    for entry in found.inputs:
        _show_input(entry, out, shown)
    if found.feeds:
        out.print(
            f"\nalso fed by the raw tables {', '.join(found.feeds)} (`sector history` shows a record)", markup=False
        )
    out.print("\nwhat would change it", markup=False)
    for sentence in found.would_change:
        out.print(f"- {sentence}", markup=False)


def _short(value: Any) -> Any:
    return write_short(value) if isinstance(value, dt.datetime) else value


def _show_input(entry: Input, out: Console, shown: int) -> None:
    contract = CONTRACTS[entry.part.table]
    out.print(f"\n{entry.part.table}: {entry.part.role} ({len(entry.rows):,} rows)", markup=False)
    if not entry.rows:
        return
    grid = Table(box=None, pad_edge=False, show_edge=False)
    for heading in ("key", "figures", "known", "file and row"):
        grid.add_column(heading, overflow="fold")
    for row in entry.rows[:shown]:
        figures = ", ".join(f"{name} {row[name]}" for name in contract.value_columns if row[name] is not None)
        grid.add_row(
            " ".join(str(_short(row[name])) for name in contract.key),
            figures,
            write_short(row["knowledge_at"]).removesuffix(" Asia/Shanghai"),
            f"{row['_file']}:{row['_row']}",
        )
    out.print(grid)
    if len(entry.rows) > shown:
        out.print(f"  and {len(entry.rows) - shown:,} more (--rows, --json)", markup=False)
