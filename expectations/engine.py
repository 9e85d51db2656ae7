"""Great Expectations on DuckDB, pushed down as SQL.

Belongs here: the SQLAlchemy dialect that GX needs, one ephemeral context over the build files, running the
expectations of a table. Does not belong here: what is expected (``expectations.suites``), what a failure means
(``expectations.gate``).

GX returns a query's cursor after it has closed the connection, and in duckdb-engine the cursor *is* the connection,
so the pending result is gone and almost every expectation raises. The dialect below gives each query a cursor of its
own. GX reports such exceptions as ``success=False``; here they are errors, because a broken engine must never be
mistaken for broken data.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")

import duckdb_engine
import great_expectations as gx
import great_expectations.expectations as gxe
from great_expectations.core.expectation_suite import ExpectationSuite
from great_expectations.core.expectation_validation_result import ExpectationValidationResult
from great_expectations.data_context.types.base import ProgressBarsConfig
from great_expectations.datasource.fluent import SQLDatasource
from great_expectations.expectations.expectation import Expectation
from sqlalchemy import text
from sqlalchemy import types as sqltypes
from sqlalchemy.dialects import registry

from orchestration.sql import quoted
from warehouse.build import MARTS_FILE, WORK_FILE

SAMPLE_ROWS = 5
"""Rows shown of a failed expectation: enough to find the cause, few enough for a terminal."""

KEY = "check"
"""GX returns results in another order than the expectations came in; each carries its key in ``meta``."""


class EngineError(Exception):
    """An expectation could not be evaluated. Says nothing about the data."""


_open_cursors: weakref.WeakSet[Any] = weakref.WeakSet()
"""Cursors outlive SQLAlchemy's connections on purpose; whoever opened the engine closes them, or the file "
"stays open."""


class _Connection(duckdb_engine.ConnectionWrapper):
    def cursor(self) -> duckdb_engine.CursorWrapper:
        own = self._ConnectionWrapper__c.cursor()
        own.execute("set TimeZone = 'Asia/Shanghai'")  # a cursor starts with the process's zone; sessions are local
        _open_cursors.add(own)
        return duckdb_engine.CursorWrapper(own, self)


class GxDuckDB(duckdb_engine.Dialect):
    """duckdb-engine with a cursor per query; ``attach`` among the connect arguments names read-only files."""

    supports_statement_cache = False

    def connect(self, *args: Any, **kwargs: Any) -> Any:
        attach: Mapping[str, str] = kwargs.pop("attach", {})
        connection = super().connect(*args, **kwargs)._ConnectionWrapper__c
        for alias, path in attach.items():
            # connections of one process share a DuckDB instance, where the first has attached already
            connection.execute(f"attach if not exists {quoted(path)} as {alias} (read_only)")
        return _Connection(connection)

    def get_columns(self, connection: Any, table_name: str, schema: str | None = None, **kwargs: Any) -> Any:
        """Columns by ``information_schema``: the inherited way asks PostgreSQL's catalog, 40 ms a table."""
        found = connection.execute(
            text(
                "select column_name, data_type, is_nullable from information_schema.columns where table_name = :name "
                "and table_schema = :schema and table_catalog = current_database() order by ordinal_position"
            ),
            {"name": table_name, "schema": schema or "main"},
        )
        return [
            {"name": name, "type": _type(self, kind), "nullable": nullable == "YES", "default": None}
            for name, kind, nullable in found
        ]

    def get_pk_constraint(self, connection: Any, table_name: str, schema: str | None = None, **kwargs: Any) -> Any:
        return {"constrained_columns": [], "name": None}


def _type(dialect: GxDuckDB, kind: str) -> Any:
    """GX looks at types only to tell numbers and dates apart; a parameterised type counts as its family."""
    family = kind.split("(")[0].lower()
    return {"double": sqltypes.Double, "decimal": sqltypes.Numeric}.get(
        family, dialect.ischema_names.get(family, sqltypes.NullType)
    )()


registry.register("gxduckdb", __name__, "GxDuckDB")


class OffendingRowsExpectation(gxe.UnexpectedRowsExpectation):
    """Rows that break a rule, counted; GX's own also fetches them, which runs the query twice on good data."""

    metric_dependencies: ClassVar[tuple[str, ...]] = ("unexpected_rows_query.row_count",)

    def _validate(
        self, metrics: dict[str, Any], runtime_configuration: Any = None, execution_engine: Any = None
    ) -> dict[str, Any]:
        count = metrics["unexpected_rows_query.row_count"]
        return {"success": count == 0, "result": {"observed_value": count}}

    def with_rows(self) -> gxe.UnexpectedRowsExpectation:
        """The same rule as GX has it, for the rows of a failure."""
        return gxe.UnexpectedRowsExpectation(unexpected_rows_query=self.unexpected_rows_query, meta=self.meta)


@dataclass(frozen=True)
class Outcome:
    """What came of one expectation: ``observed`` in words, the count of rows that broke it and some of them."""

    passed: bool
    observed: str
    unexpected_rows: int
    sample: tuple[dict[str, Any], ...]


class Engine:
    """Runs expectations on tables of the build's ``sector.duckdb``; ``work.duckdb`` is attached as ``work``."""

    def __init__(self, source: SQLDatasource) -> None:
        self._source = source

    def run(self, table: str, expectations: Mapping[str, Expectation], key: Sequence[str]) -> dict[str, Outcome]:
        """Evaluate ``expectations`` (by name) on ``table`` (``schema.name``), whose grain is ``key``.

        Raises ``EngineError`` naming the expectation that could not be evaluated.
        """
        schema, name = table.split(".")
        try:
            asset = self._source.add_table_asset(table, table_name=name, schema_name=schema)
            batch = asset.add_batch_definition_whole_table("whole").get_batch()
        except Exception as error:
            raise EngineError(f"{table}: cannot be read: {_cause(error)}") from error
        for check, expectation in expectations.items():
            expectation.meta = {KEY: check}
        outcomes = {}
        failed = []
        for result in batch.validate(ExpectationSuite(table, expectations=list(expectations.values()))).results:
            check = _key(result)
            _refuse_exception(table, check, result)
            if not result.success:
                failed.append(check)
            outcomes[check] = _outcome(result)
        if failed:  # sample rows cost further queries, so only failures ask for them
            detail = {
                "result_format": "COMPLETE",
                "unexpected_index_column_names": list(key),
                "partial_unexpected_count": SAMPLE_ROWS,
            }
            shown = [
                rule.with_rows() if isinstance(rule, OffendingRowsExpectation) else rule
                for rule in (expectations[check] for check in failed)
            ]
            again = ExpectationSuite(f"{table} rows", expectations=shown)
            for result in batch.validate(again, result_format=detail).results:
                check = _key(result)
                _refuse_exception(table, check, result)
                outcomes[check] = _outcome(result)
        return outcomes


@contextmanager
def open_engine(build: Path, threads: int = 2) -> Iterator[Engine]:
    """An engine over the files of ``build``, read-only. Nothing of them stays open afterwards."""
    for file in (MARTS_FILE, WORK_FILE):
        if not (build / file).is_file():
            raise EngineError(f"{build / file} is missing: build before auditing")
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    connect: dict[str, Any] = {
        "read_only": True,
        "config": {"threads": threads},
        "attach": {"work": str(build / WORK_FILE)},
    }
    source = context.data_sources.add_sql(
        "build",
        connection_string=f"gxduckdb:///{build / MARTS_FILE}",
        kwargs={"connect_args": connect},  # type: ignore[call-arg]  # accepted, but absent from GX's stubs
    )
    try:
        yield Engine(source)
    finally:
        for cursor in list(_open_cursors):
            cursor.close()
        source.get_execution_engine().engine.dispose()
        source.get_engine().dispose()


def _key(result: ExpectationValidationResult) -> str:
    config = result.expectation_config
    if config is None or config.meta is None:
        raise EngineError("GX returned a result that names no expectation")
    return str(config.meta[KEY])


def _refuse_exception(table: str, check: str, result: ExpectationValidationResult) -> None:
    info = result.exception_info or {}
    entries = [info] if "raised_exception" in info else list(info.values())
    for entry in entries:
        if entry.get("raised_exception"):
            message = str(entry.get("exception_message") or "").strip().splitlines()
            raise EngineError(f"{table}.{check} could not be evaluated: {message[0] if message else 'no message'}")


def _cause(error: BaseException) -> str:
    """The first line of the innermost exception: GX wraps the sentence that helps in several that do not."""
    while error.__cause__ is not None:
        error = error.__cause__
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__


def _outcome(result: ExpectationValidationResult) -> Outcome:
    found = result.result
    if "unexpected_count" in found:
        rows = int(found["unexpected_count"] or 0)
        sample = found.get("partial_unexpected_index_list") or found.get("partial_unexpected_list") or ()
        observed = f"{rows} of {found.get('element_count') or 0} rows"
    else:
        rows = int(found.get("observed_value") or 0)
        sample = found.get("details", {}).get("unexpected_rows", ())
        observed = "1 row" if rows == 1 else f"{rows} rows"
    shown = tuple(row if isinstance(row, dict) else {"value": row} for row in list(sample)[:SAMPLE_ROWS])
    return Outcome(bool(result.success), observed, 0 if result.success else rows, () if result.success else shown)
