"""How a figure of a release came about: ``sector explain``.

The figure, its formula in words, the raw rows behind it (file, line, when known) and what would change it. Everything
is read from the release and the raw files as they were at its moment. Which rows belong to a figure stands in
``orchestration.tracing``; no figure is computed here.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import duckdb
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from orchestration.contracts import CONTRACTS
from orchestration.ingest import Ledger
from orchestration.moments import write_moment, write_short
from orchestration.refresh import release_file
from orchestration.settings import Settings
from orchestration.sql import quoted, raw_rows
from orchestration.tracing import GAPS, TRACERS, Part, claim_column
from orchestration.tracing.parts import LIST
from orchestration.tracing.views import define
from warehouse import releases as shelf

if TYPE_CHECKING:
    from warehouse.releases import ReleaseRecord

NOTE = "rpt_market_note"

SHOWN_ROWS = 12
"""Rows that a person is shown of one input; ``--rows`` asks for more."""

MOST_ROWS = 10_000
"""Rows of one input that are listed at all; their number is told whatever it is."""

NEAREST = 5

VERSIONED_BY = {"broker_visits": ("notice_date",)}
"""Columns beside its key by which rows of a table stand for themselves (contracts R40: a notice is one)."""


class UnknownFigureError(ValueError):
    """No such mart, row or column; the message names what comes nearest."""


@dataclass(frozen=True)
class Input:
    """Rows of one raw table or reference list behind a figure.

    ``rows``: at most ``MOST_ROWS`` of the ``count`` there are, each with the contract's columns and its provenance;
    ``later``: newer versions of them.
    """

    part: Part
    rows: list[dict[str, Any]]
    count: int
    later: int

    @property
    def is_raw(self) -> bool:
        return not self.part.table.startswith(LIST)


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
    inputs: list[Input]
    would_change: list[str]
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
        grain = _grain(con, mart)
        *key, column = words
        _column_exists(con, mart, column, grain)
        if mart == NOTE and len(key) == 1:
            key = [str(day) for (day,) in con.execute(f"select max(note_date) from {_name(mart)}").fetchall()] + key
        row = _row(con, mart, grain, key)
        _cut_where_rows_were_made(con, {mart, str(row["source_table"])} if mart == NOTE else {mart})
        formula, unit = _described(con, mart, column)
        told_by: dict[str, Any] = {}
        try:
            if mart == NOTE:
                parts, gaps, told_by = _claim(con, row)
                if column == "value":
                    unit = str(row["unit"])
                if column in ("value", "value_text"):
                    formula = _described(con, told_by["mart"], told_by["column"])[0]
            else:
                of_row = {name: row[name] for name in grain}
                parts = TRACERS[mart](con, of_row, column)
                gaps = GAPS[mart](con, of_row, column) if mart in GAPS else []
            inputs = [_read(con, part, release) for part in parts]
        except (duckdb.CatalogException, duckdb.BinderException) as error:
            raise UnknownFigureError(
                f"release {release.release_id} lacks a table or column that explains {mart}.{column}, so it was built "
                f"by another version ({str(error).splitlines()[0]}): explain a later one, or run `sector run`"
            ) from error
        changes = _would_change(con, row, column, inputs, gaps)
        return Explanation(release, mart, grain, row, column, unit, formula, inputs, changes, told_by)


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
            versions = (*contract.key, *VERSIONED_BY.get(table, ()))
            con.execute(
                f"create view {table} as select * exclude (version_rank) from (select *, row_number() over ("
                f"partition by {', '.join(versions)} "
                "order by knowledge_at desc, _ingested_at desc, _file desc, _row desc) as version_rank "
                f"from all_{table} where knowledge_at <= (select as_of from cut) "
                "and _ingested_at <= (select built_at from cut)) where version_rank = 1"
            )
        define(con)
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
    """What may have been meant: the days or moments around one, else what is written alike."""
    if re.match(r"\d{4}-\d\d-\d\d", word):
        before, after = [day for day in known if day < word], [day for day in known if day > word]
        return ", ".join([*before[-2:], *after[:2]]) or "none"
    near = get_close_matches(word, known, NEAREST, 0.4)
    return ", ".join(near or list(known)[:NEAREST]) or "none"


def _grain(con: duckdb.DuckDBPyConnection, mart: str) -> tuple[str, ...]:
    try:
        grains = dict(
            con.execute("select table_name, grain from release.meta.tables where table_schema = 'marts'").fetchall()
        )
        con.execute("select raw_tables from release.meta.tables limit 0")
    except duckdb.BinderException:
        raise UnknownFigureError(
            "this release was built before releases told their lineage: explain a later one, or run `sector run`"
        ) from None
    if mart not in grains:
        raise UnknownFigureError(f"no mart {mart!r}; nearest: {_nearest(mart, sorted(grains))}")
    if mart != NOTE and mart not in TRACERS:
        raise UnknownFigureError(f"nothing says which raw rows {mart} comes from: add it to orchestration/tracing/")
    return tuple(filter(None, grains[mart].split(", ")))


def _described(con: duckdb.DuckDBPyConnection, mart: str, column: str) -> tuple[str, str]:
    """What a column says of itself: how it comes about, and its unit."""
    [(formula, unit)] = con.execute(
        "select description, unit from release.meta.columns "
        "where table_schema = 'marts' and table_name = ? and column_name = ?",
        [mart, column],
    ).fetchall()
    return formula, unit


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


def _claim(con: duckdb.DuckDBPyConnection, claim: dict[str, Any]) -> tuple[list[Part], list[str], dict[str, Any]]:
    """The parts and gaps of the rows that a claim of the note names, and where it names them."""
    mart = str(claim["source_table"]).removeprefix("marts.")
    column = claim_column(str(claim["claim_id"]))
    grain = _grain(con, mart)
    rows = con.execute(f"select {', '.join(grain)} from {_name(mart)} where {claim['source_filter']}").fetchall()
    parts: dict[Part, None] = {}
    gaps: dict[str, None] = {}
    for row in rows:
        key = dict(zip(grain, row, strict=True))
        parts |= dict.fromkeys(TRACERS[mart](con, key, column))
        gaps |= dict.fromkeys(GAPS[mart](con, key, column) if mart in GAPS else [])
    return list(parts), list(gaps), {"mart": mart, "filter": claim["source_filter"], "column": column}


def _read(con: duckdb.DuckDBPyConnection, part: Part, release: ReleaseRecord) -> Input:
    if part.table.startswith(LIST):
        con.execute(f"create or replace temp table chosen as from release.{part.table} where {part.where}", part.values)
        return Input(part, *_chosen(con, "select *", ""), later=0)
    contract = CONTRACTS[part.table]
    key = ", ".join(contract.key)
    if part.moment is not None:
        con.execute("update cut set as_of = ?", [part.moment])
    try:
        con.execute(f"create or replace temp table chosen as from {part.table} where {part.where}", part.values)
    finally:
        con.execute("update cut set as_of = ?", [release.as_of])
    columns = ", ".join([*contract.key, *contract.value_columns, "knowledge_at", "_file", "_row"])
    rows, count = _chosen(con, f"select {columns}", f"order by {key}")
    if part.moment is not None or not count:
        return Input(part, rows, count, later=0)
    [(later,)] = con.execute(
        f"select count(*) from all_{part.table} where ({key}) in (select ({key}) from chosen) "
        "and (knowledge_at > (select as_of from cut) or _ingested_at > (select built_at from cut))"
    ).fetchall()
    return Input(part, rows, count, int(later))


def _chosen(con: duckdb.DuckDBPyConnection, columns: str, order: str) -> tuple[list[dict[str, Any]], int]:
    """The first rows chosen, and how many there are."""
    [(count,)] = con.execute("select count(*) from chosen").fetchall()
    cursor = con.execute(f"{columns} from chosen {order} limit {MOST_ROWS}")
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()], int(count)


def _would_change(
    con: duckdb.DuckDBPyConnection,
    row: dict[str, Any],
    column: str,
    inputs: Sequence[Input],
    gaps: Sequence[str],
) -> list[str]:
    """What would make the figure another one, in sentences: what is missing, estimated, newer or refused."""
    said = [str(row["claim"])] if row.get("status") == "not_available" else []
    said += gaps
    for entry in inputs:
        part = entry.part
        if part.required and not entry.count:
            said.append(f"Missing: {part.table} has no row for {part.role}.")
        if entry.later:
            said.append(
                f"{part.table} has {entry.later} newer version{'s' if entry.later > 1 else ''} of these rows that came "
                "after this release: a build made now takes them."
            )
    codes = [value for value in row.values() if isinstance(value, str) and "." in value and len(value) <= 12]
    for table in dict.fromkeys(entry.part.table for entry in inputs if entry.is_raw):
        for code in codes:
            [(refused,)] = con.execute(
                "select count(*) from release.meta.quarantine where table_name = ? and contains(raw_text, ?)",
                [table, code.split(".")[0]],
            ).fetchall()
            if refused:
                said.append(f"{refused} refused rows of {table} name {code}: see meta.quarantine.")
    if row[column] is None and not said:
        said.append("The figure is NULL: the formula says what that means.")
    raw = "A later version of any row above" if any(entry.is_raw for entry in inputs) else "A later landed row"
    said.append(f"{raw}, or of the reference lists and calendars.")
    return list(dict.fromkeys(said))


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
        "inputs": [
            {
                "table": entry.part.table,
                "role": entry.part.role,
                "known_at": _plain(entry.part.moment),
                "newer_versions": entry.later,
                "count": entry.count,
                "rows": [{name: _plain(value) for name, value in row.items()} for row in entry.rows],
            }
            for entry in found.inputs
        ],
        "would_change": found.would_change,
    }


def show(found: Explanation, out: Console, shown: int = SHOWN_ROWS) -> None:
    """The explanation for people; ``shown`` rows of each input."""
    key = " ".join(str(_short(found.row[name])) for name in found.grain)
    value = "unknown" if found.value is None else _short(found.value)
    out.print(f"{found.mart} {key}", markup=False)
    out.print(f"{found.column} = {value} [{found.unit}]", markup=False)
    out.print(f"formula  {found.formula}", markup=False)
    for name in _statuses(found.row, found.column):
        out.print(f"{name}  {found.row[name]}", markup=False)
    if found.told_by:
        by = found.told_by
        out.print(f"claim    {found.row['claim']}", markup=False)
        out.print(f"from     {by['mart']}.{by['column']} where {by['filter']}", markup=False)
    out.print(f"release  {found.release.release_id}, as of {write_short(found.release.as_of)}", markup=False)
    for entry in [entry for entry in found.inputs if entry.count or entry.part.required] or found.inputs:
        _show_input(entry, out, shown)
    out.print("\nwhat would change it", markup=False)
    for sentence in found.would_change:
        out.print(f"- {sentence}", markup=False)


def _statuses(row: dict[str, Any], column: str) -> list[str]:
    """Columns that say how sure a figure is: the only one of the row, else those named after the figure."""
    known = [name for name in row if name.endswith("status") and name != column and row[name] is not None]
    own = [name for name in known if name.removesuffix("_status") in column]
    return known if len(known) == 1 else own


def _short(value: Any) -> Any:
    return write_short(value) if isinstance(value, dt.datetime) else value


def _show_input(entry: Input, out: Console, shown: int) -> None:
    rows = "1 row" if entry.count == 1 else f"{entry.count:,} rows"
    out.print(f"\n{entry.part.table}: {entry.part.role} ({rows})", markup=False)
    grid = Table(box=None, pad_edge=False, show_edge=False)
    if not entry.is_raw:
        for row in entry.rows[:shown]:
            out.print(
                "  " + ", ".join(f"{name} {told}" for name, told in row.items() if told is not None), markup=False
            )
    elif entry.rows[:shown]:
        contract = CONTRACTS[entry.part.table]
        for heading in ("key", "figures", "known", "file and row"):
            grid.add_column(heading, overflow="fold")
        for row in entry.rows[:shown]:
            figures = ", ".join(f"{name} {row[name]}" for name in contract.value_columns if row[name] is not None)
            grid.add_row(
                escape(" ".join(str(_short(row[name])) for name in contract.key)),
                escape(figures),
                write_short(row["knowledge_at"]).removesuffix(" Asia/Shanghai"),
                escape(f"{row['_file']}:{row['_row']}"),
            )
        out.print(grid)
    if entry.count > shown:
        out.print(f"  and {entry.count - shown:,} more (--rows, --json)", markup=False)
