"""Schema ``meta`` of ``sector.duckdb``: what a release is made of, described where BI tools look.

``write_inputs`` comes before the gate (it audits the accounting), ``write_release`` after it. Descriptions, units and
grains come from dbt's manifest; nothing is described twice. Types are plain: readers are older than the writer.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from expectations.gate import GateReport
from orchestration.sql import quoted
from warehouse.build import WORK_FILE
from warehouse.carrying import NOTE, CarriedMart, read_lineage
from warehouse.releases import ReleaseRecord

PUBLISHED = ("marts", "desk", "reference", "meta")
"""Schemas of a release: facts and dimensions, views that answer the desk's questions, reference lists, this catalog."""


@dataclass(frozen=True)
class Column:
    """A column as readers are told of it."""

    name: str
    type: str
    description: str
    unit: str


@dataclass(frozen=True)
class Table:
    """A table as readers are told of it. ``raw_tables``: upstream of it; ``marts``: that it is made from directly."""

    description: str
    grain: str
    columns: tuple[Column, ...]
    raw_tables: tuple[str, ...] = ()
    marts: tuple[str, ...] = ()
    example: str | None = None


META: dict[str, Table] = {
    "batches": Table(
        "One row per landed file, archive member or sheet that was ever read, with its row accounting. Cumulative.",
        "batch_id",
        (
            Column("batch_id", "varchar", "Identifies the reading of this file.", "text"),
            Column("table_name", "varchar", "Raw table that the rows went to.", "text"),
            Column("file", "varchar", "Path under landing/, with the member or sheet where there is one.", "text"),
            Column("sha256", "varchar", "Hash of the bytes; the file's identity.", "text"),
            Column("dialect", "varchar", "Dialect that read the file; NULL when none matched.", "text"),
            Column("rows_landed", "bigint", "Rows in the file.", "count"),
            Column("rows_accepted", "bigint", "Rows that are in raw.", "count"),
            Column("rows_quarantined", "bigint", "Rows refused, each with a line in meta.quarantine.", "count"),
            Column("rows_repeated", "bigint", "Exact repeats of what was known.", "count"),
            Column("ingested_at", "timestamp with time zone", "When the run that read it began.", "timestamp UTC"),
            Column("unknown_columns", "varchar", "Columns of the file that no contract knows.", "text"),
            Column("warnings", "varchar", "What was accepted with doubts.", "text"),
        ),
    ),
    "quarantine": Table(
        "One row per refused row or file, with the reason. Cumulative.",
        "batch_id, row_number",
        (
            Column("batch_id", "varchar", "Batch that refused it.", "text"),
            Column("table_name", "varchar", "Raw table that it was meant for.", "text"),
            Column("file", "varchar", "Path under landing/, with the member or sheet where there is one.", "text"),
            Column("row_number", "bigint", "Line, sheet row or record; NULL when the file was refused whole.", "count"),
            Column("reason", "varchar", "What was found, what was expected.", "text"),
            Column("raw_text", "varchar", "The row as delivered.", "text"),
        ),
    ),
    "release": Table(
        "One row: this release, when and from what it was built.",
        "release_id",
        (
            Column("release_id", "varchar", "Name of the folder under releases/; sorts by build time.", "text"),
            Column("id", "varchar", "The same as release_id.", "text"),
            Column("built_at", "timestamp with time zone", "When the build began.", "timestamp UTC"),
            Column("as_of", "timestamp with time zone", "Nothing known later took part.", "timestamp UTC"),
            Column("code_version", "varchar", "Version of the code that built it.", "text"),
            Column("settings_fingerprint", "varchar", "Hash of the settings that change figures.", "text"),
            Column("input_batch_ids", "varchar", "Batches that went in, a JSON list.", "text"),
            Column("is_sample", "boolean", "True when any input is synthetic.", "flag"),
            Column("note_etf_code", "varchar", "ETF of the market note.", "code"),
            Column("note_index_code", "varchar", "Index of the market note.", "code"),
            Column("duckdb_version", "varchar", "DuckDB that wrote the file.", "text"),
            Column("dbt_version", "varchar", "dbt that ran the models.", "text"),
        ),
    ),
    "tables": Table(
        "One row per table and view of this file.",
        "table_schema, table_name",
        (
            Column("table_schema", "varchar", "marts, desk, reference or meta.", "text"),
            Column("table_name", "varchar", "Name.", "text"),
            Column("description", "varchar", "What a row is, and the edge cases a reader needs.", "text"),
            Column("grain", "varchar", "Columns that identify a row.", "text"),
            Column("rows", "bigint", "Rows in this release.", "count"),
            Column("knowledge_at", "timestamp with time zone", "Latest input used; NULL where none.", "timestamp UTC"),
            Column("raw_tables", "varchar", "Raw tables that feed it, separated by commas.", "text"),
            Column("family", "varchar", "Marts that stand or fall together; NULL for what is no mart.", "text"),
            Column("release_id", "varchar", "Release in which the rows were made; of a view, the oldest.", "text"),
            Column("built_at", "timestamp with time zone", "When that release was built.", "timestamp UTC"),
            Column("as_of", "timestamp with time zone", "Nothing known later took part in the rows.", "timestamp UTC"),
            Column("carried_over", "boolean", "True when rows come from an earlier release, whole.", "flag"),
            Column("carried_over_because", "varchar", "What was refused here, or in part; NULL: nothing.", "text"),
            Column("example", "varchar", "A query to begin with, for marts.", "text"),
        ),
    ),
    "columns": Table(
        "One row per column of this file, with its unit.",
        "table_schema, table_name, column_name",
        (
            Column("table_schema", "varchar", "marts, desk, reference or meta.", "text"),
            Column("table_name", "varchar", "Name of the table.", "text"),
            Column("column_name", "varchar", "Name of the column.", "text"),
            Column("ordinal", "integer", "Position in the table, from 1.", "count"),
            Column("data_type", "varchar", "DuckDB type.", "text"),
            Column("description", "varchar", "Meaning.", "text"),
            Column("unit", "varchar", "CNY, shares, ratio, date, …", "text"),
        ),
    ),
    "checks": Table(
        "One row per result of the gate on this release, warnings of the audit models included.",
        "mart, check_name, observed",
        (
            Column("check_name", "varchar", "Name of the check.", "text"),
            Column("mart", "varchar", "Table it looked at.", "text"),
            Column("severity", "varchar", "critical refuses the rows of its family, or all; warning is shown.", "text"),
            Column("owner", "varchar", "Family that answers for it.", "text"),
            Column("reason", "varchar", "Why it must hold; for an audit finding, the finding.", "text"),
            Column("passed", "boolean", "Whether it held.", "flag"),
            Column("observed", "varchar", "What was found.", "text"),
            Column("allowed", "varchar", "What is allowed.", "text"),
            Column("unexpected_rows", "bigint", "Rows that broke it.", "count"),
            Column("sample", "varchar", "Some of those rows, a JSON list.", "text"),
            Column("seconds", "double", "Time it took, shared evenly within a suite.", "seconds"),
            Column("gate", "varchar", "Gate of the field that it stands for (G1 to G16); NULL: a house rule.", "text"),
            Column("value", "double", "The observed figure, or the count of rows that broke it.", "number"),
            Column("set_aside", "boolean", "True: about rows that were refused and are not in this release.", "flag"),
        ),
    ),
}


def write_inputs(marts: Path, batches: pa.Table, quarantine: pa.Table) -> None:
    """Write ``meta.batches`` and ``meta.quarantine`` into the build's ``sector.duckdb``.

    Both tables carry the columns of the contract, by name; an extra column is an error, not a surprise for readers.
    """
    with duckdb.connect(str(marts)) as con:
        con.execute("set TimeZone = 'UTC'")
        con.execute("create schema if not exists meta")
        for name, table in (("batches", batches), ("quarantine", quarantine)):
            expected = [column.name for column in META[name].columns]
            if sorted(table.column_names) != sorted(expected):
                raise ValueError(f"meta.{name}: columns found {table.column_names}, expected {expected}")
            _create(con, name)
            con.register("incoming", table)
            con.execute(f"insert into meta.{name} by name select * from incoming")
            con.unregister("incoming")


def write_release(
    marts: Path, record: ReleaseRecord, report: GateReport, manifest: Path, carried: Sequence[CarriedMart] = ()
) -> None:
    """Write release, checks, tables and columns of ``meta``, and the same descriptions as SQL comments.

    ``manifest`` is dbt's ``manifest.json`` of the run that built the file; ``carried`` what came from earlier releases.
    """
    described = read_descriptions(manifest)
    families = read_lineage(manifest).families
    own = CarriedMart("", "", "", record.release_id, record.built_at, record.as_of)
    origins = {mart.mart: mart for mart in carried}
    with duckdb.connect(str(marts)) as con:
        con.execute("set TimeZone = 'UTC'")
        con.execute("create schema if not exists meta")
        _fill(
            con,
            "release",
            [
                [
                    record.release_id,
                    record.release_id,
                    record.built_at,
                    record.as_of,
                    record.code_version,
                    record.settings_fingerprint,
                    json.dumps(list(record.input_batch_ids)),
                    record.is_sample,
                    *_note_subjects(marts.parent / WORK_FILE),
                    record.duckdb_version,
                    record.dbt_version,
                ]
            ],
        )
        _fill(
            con,
            "checks",
            [
                [
                    check.check_name,
                    check.mart,
                    check.severity,
                    check.owner,
                    check.reason,
                    check.passed,
                    check.observed,
                    check.limit,
                    check.unexpected_rows,
                    json.dumps(check.sample, ensure_ascii=False),
                    check.seconds,
                    check.gate or None,
                    check.value,
                    check.set_aside,
                ]
                for check in report.checks
            ],
        )
        _create(con, "tables")
        _create(con, "columns")
        schemas = ", ".join(map(quoted, PUBLISHED))
        present = con.execute(
            "select table_schema, table_name, column_name, ordinal_position, data_type from information_schema.columns "
            f"where table_schema in ({schemas}) and table_catalog = current_database() "
            "order by table_schema, table_name, ordinal_position"
        ).fetchall()
        views = set(con.execute("select schema_name, view_name from duckdb_views() where not internal").fetchall())
        # what a build left as it was has its comments from the release before
        told = {tuple(place): comment for *place, comment in con.execute(_COMMENTS).fetchall()}
        columns: list[list[Any]] = []
        tables: dict[tuple[str, str], list[str]] = {}
        comments = []
        for schema, table, column, ordinal, data_type in present:
            tables.setdefault((schema, table), []).append(column)
            about = _column(described, schema, table, column)
            columns.append([schema, table, column, ordinal, data_type, about.description, about.unit])
            words = f"{about.description} [{about.unit}]"
            if told.get((schema, table, column)) != words:
                comments.append(f'comment on column {schema}."{table}"."{column}" is {quoted(words)}')
        _fill(con, "columns", columns, create=False)
        rows: list[list[Any]] = []
        for (schema, table), names in tables.items():
            about_table = described.get((schema, table), Table("", "", ()))
            latest = "max(knowledge_at)" if "knowledge_at" in names and schema in ("marts", "desk") else "null"
            [(count, known)] = con.execute(f'select count(*), {latest} from {schema}."{table}"').fetchall()
            if (schema, table) == ("meta", "tables"):
                count = len(tables)
            rows.append(
                [
                    *(schema, table, about_table.description, about_table.grain, count, known),
                    ", ".join(about_table.raw_tables),
                    families.get(table) if schema == "marts" else None,
                    *_origin(schema, table, about_table, origins, own),
                    about_table.example,
                ]
            )
            kind = "view" if (schema, table) in views else "table"
            if told.get((schema, table, "")) != about_table.description:
                comments.append(f'comment on {kind} {schema}."{table}" is {quoted(about_table.description)}')
        _fill(con, "tables", rows, create=False)
        con.execute("begin")
        for comment in comments:
            con.execute(comment)
        con.execute("commit")


_COMMENTS = """
    select schema_name, table_name, column_name, comment from duckdb_columns() where database_name = current_database()
    union all
    select schema_name, table_name, '', comment from duckdb_tables() where database_name = current_database()
    union all
    select schema_name, view_name, '', comment from duckdb_views() where database_name = current_database()
"""


def _origin(
    schema: str, table: str, about: Table, origins: Mapping[str, CarriedMart], own: CarriedMart
) -> tuple[str, dt.datetime, dt.datetime, bool, str | None]:
    """Release id, build time, as-of, whether carried over, and why, of one table; of a view, of its oldest mart."""
    names = {table} if schema == "marts" else set(about.marts) if schema == "desk" else set()
    found = [origins[name] for name in sorted(names) if name in origins]
    oldest = min(found, key=lambda mart: mart.as_of, default=own)
    reasons = [f"{mart.family}: {mart.reason}" for mart in found]
    if (schema, table) == ("marts", NOTE) and origins and not found:
        reasons = [f"claims from {name}" for name in origins]
    said = "; ".join(dict.fromkeys(reasons)) or None
    return oldest.release_id, oldest.built_at, oldest.as_of, bool(found), said


def _note_subjects(work: Path) -> tuple[str, str]:
    """The note's ETF and index, as the build took them."""
    with duckdb.connect(str(work), read_only=True) as con:
        [(etf, index)] = con.execute("select note_etf_code, note_index_code from control.build_parameters").fetchall()
    return etf, index


def _create(con: duckdb.DuckDBPyConnection, name: str) -> None:
    columns = ", ".join(f'"{column.name}" {column.type}' for column in META[name].columns)
    con.execute(f"create or replace table meta.{name} ({columns})")


def _fill(con: duckdb.DuckDBPyConnection, name: str, rows: Sequence[Sequence[Any]], create: bool = True) -> None:
    if create:
        _create(con, name)
    if not rows:
        return
    names = [column.name for column in META[name].columns]
    arrow = pa.table({column: list(values) for column, values in zip(names, zip(*rows, strict=True), strict=True)})
    con.register("incoming", arrow)
    con.execute(f"insert into meta.{name} by name select * from incoming")
    con.unregister("incoming")


def read_descriptions(manifest: Path) -> dict[tuple[str, str], Table]:
    """Descriptions by (schema, table): from dbt's manifest, those of ``meta`` from this module.

    A column of a desk view that has no words of its own has those of the mart that it comes from.
    """
    nodes: dict[str, dict[str, Any]] = json.loads(manifest.read_text(encoding="utf-8"))["nodes"]
    grains: dict[str, str] = {}
    for node in nodes.values():
        test = node.get("test_metadata") or {}
        if node["resource_type"] == "test" and test.get("name") == "unique_grain":
            grains[node.get("attached_node") or ""] = ", ".join(test["kwargs"]["columns"])
    described = {("meta", name): table for name, table in META.items()}
    for key, node in nodes.items():
        if node["resource_type"] not in ("model", "seed") or node["schema"] not in PUBLISHED:
            continue
        columns = {column.name: column for column in _columns(node)}
        if node["schema"] == "desk":
            for parent in _parents(node):
                columns = {column.name: column for column in _columns(nodes.get(parent, {}))} | columns
        meta = node.get("config", {}).get("meta") or {}
        described[node["schema"], node.get("alias") or node["name"]] = Table(
            " ".join((node.get("description") or "").split()),
            grains.get(key) or str(meta.get("grain", "")),
            tuple(columns.values()),
            tuple(sorted(_sources(nodes, key, {}))),
            tuple(sorted(nodes[parent]["name"] for parent in _parents(node) if _is_mart(nodes.get(parent)))),
            meta.get("example"),
        )
    return described


def _parents(node: dict[str, Any]) -> list[str]:
    return list(node.get("depends_on", {}).get("nodes", []))


def _is_mart(node: dict[str, Any] | None) -> bool:
    return node is not None and node["resource_type"] == "model" and node["schema"] == "marts"


def _sources(nodes: dict[str, dict[str, Any]], key: str, found: dict[str, set[str]]) -> set[str]:
    """Raw tables upstream of a node; ``found`` keeps those of the nodes seen."""
    if key not in found:
        source, *_, schema, table = key.split(".")
        found[key] = {table} if source == "source" and schema == "raw" else set()
        for parent in _parents(nodes.get(key, {})):
            found[key] |= _sources(nodes, parent, found)
    return found[key]


def _columns(node: dict[str, Any]) -> Iterator[Column]:
    for column in node.get("columns", {}).values():
        yield Column(
            column["name"],
            column.get("data_type") or "",
            " ".join((column.get("description") or "").split()),
            str((column.get("config", {}).get("meta") or column.get("meta") or {}).get("unit", "")),
        )


def _column(described: dict[tuple[str, str], Table], schema: str, table: str, column: str) -> Column:
    about = described.get((schema, table))
    found = next((known for known in about.columns if known.name == column), None) if about else None
    return found or Column(column, "", "", "")
