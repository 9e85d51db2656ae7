"""Great Expectations on DuckDB, pushed down as SQL.

Belongs here: the SQLAlchemy dialect that GX needs, one execution engine over the build files, running the
expectations of a table. Does not belong here: what is expected (``expectations.suites``), what a failure means
(``expectations.gate``).

GX's expectations, metrics and execution engine do the work. Its data context is left out: the stores behind it write
the whole project down again for every table, and nothing here reads them back.

GX returns a query's cursor after it has closed the connection, and in duckdb-engine the cursor *is* the connection,
so the pending result is gone and almost every expectation raises. The dialect below gives each query a cursor of its
own. GX reports such exceptions as ``success=False``; here they are errors, because a broken engine must never be
mistaken for broken data.
"""

from __future__ import annotations

import datetime as dt
import os
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from expectations import imports  # noqa: F401 (before what it is about)

# isort: split
os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")

import duckdb_engine
import great_expectations.expectations as gxe
from great_expectations.compatibility import pydantic
from great_expectations.core.batch_spec import SqlAlchemyDatasourceBatchSpec
from great_expectations.core.expectation_validation_result import ExpectationValidationResult
from great_expectations.execution_engine import SqlAlchemyExecutionEngine
from great_expectations.expectations.expectation import BatchExpectation
from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
from great_expectations.validator.metrics_calculator import MetricsCalculator
from great_expectations.validator.validation_graph import ValidationGraph
from sqlalchemy import text
from sqlalchemy import types as sqltypes
from sqlalchemy.dialects import registry
from sqlalchemy.sql.elements import quoted_name

from expectations.gate import LIMITS, Limits
from orchestration.sql import quoted
from warehouse.build import MARTS_FILE, WORK_FILE

SAMPLE_ROWS = 5
"""Rows shown of a failed expectation: enough to find the cause, few enough for a terminal."""

LATE = "late"
"""A database in memory, with views of the last rows of tables."""

COUNTS: dict[str, Any] = {"result_format": "BOOLEAN_ONLY"}
"""Verdicts and counts, no values: what most checks need, in one query for all aggregates of a table."""


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
        connection.execute(f"attach if not exists ':memory:' as {LATE} (read_write)")
        return _Connection(connection)

    def get_columns(self, connection: Any, table_name: str, schema: str | None = None, **kwargs: Any) -> Any:
        """Columns by ``pragma_table_info``: 40 ms a table faster than the inherited way, which asks PostgreSQL's
        catalog, 8 ms faster than ``information_schema``, which lists every file; and it raises for want of a table."""
        found = connection.execute(
            text('select name, type, "notnull" from pragma_table_info(:name)'),
            {"name": f"{schema or 'main'}.{table_name}"},
        )
        return [
            {"name": name, "type": _type(self, kind), "nullable": not filled, "default": None}
            for name, kind, filled in found
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


class _Settled(BatchExpectation):
    """An expectation whose configuration is made once. GX makes it anew whenever a metric asks for one argument: half
    the time of an audit of small tables."""

    _made: ExpectationConfiguration | None = pydantic.PrivateAttr(None)

    @property
    def configuration(self) -> ExpectationConfiguration:
        if self._made is None:
            self._made = super().configuration
        return self._made


class ColumnKnown(_Settled, gxe.ExpectColumnValuesToNotBeNull):
    """No NULL in ``column``."""


class ColumnUnique(_Settled, gxe.ExpectColumnValuesToBeUnique):
    """No value of ``column`` twice."""


class ColumnsUnique(_Settled, gxe.ExpectCompoundColumnsToBeUnique):
    """No combination of ``column_list`` twice."""


class ColumnInSet(_Settled, gxe.ExpectColumnValuesToBeInSet):
    """Values of ``column`` are NULL or of ``value_set``."""


class ColumnBetween(_Settled, gxe.ExpectColumnValuesToBeBetween):
    """Values of ``column`` are NULL or from ``min_value`` to ``max_value``."""


class OffendingRowsExpectation(_Settled, gxe.UnexpectedRowsExpectation):
    """Rows that break a rule, counted; GX's own also fetches them, which runs the query twice on good data."""

    metric_dependencies: ClassVar[tuple[str, ...]] = ("unexpected_rows_query.row_count",)

    def _validate(
        self, metrics: dict[str, Any], runtime_configuration: Any = None, execution_engine: Any = None
    ) -> dict[str, Any]:
        count = metrics["unexpected_rows_query.row_count"]
        return {"success": count == 0, "result": {"observed_value": count}}

    def with_rows(self) -> gxe.UnexpectedRowsExpectation:
        """The same rule as GX has it, for the rows of a failure."""
        return gxe.UnexpectedRowsExpectation(unexpected_rows_query=self.unexpected_rows_query, batch_id=self.batch_id)


@dataclass(frozen=True)
class Outcome:
    """What came of one expectation: ``observed`` in words, the count of rows that broke it and some of them."""

    passed: bool
    observed: str
    unexpected_rows: int
    sample: tuple[dict[str, Any], ...]


class Engine:
    """Runs expectations on tables of the build's ``sector.duckdb``; ``work.duckdb`` is attached as ``work``."""

    def __init__(self, execution: SqlAlchemyExecutionEngine) -> None:
        self._execution = execution

    def run(self, table: str, expectations: Mapping[str, BatchExpectation], key: Sequence[str]) -> dict[str, Outcome]:
        """Evaluate ``expectations`` (by name) on ``table`` (``schema.name``), whose grain is ``key``.

        Raises ``EngineError`` naming the expectation that could not be evaluated.
        """
        self._load(table)
        for expectation in expectations.values():
            expectation.batch_id = table
        outcomes = {}
        failed = []
        for check, result, metrics in self._evaluated(table, expectations, COUNTS):
            if not result.success:
                failed.append(check)
            outcomes[check] = _counted(expectations[check], bool(result.success), metrics)
        if failed:  # sample rows cost further queries, so only failures ask for them
            detail = {
                "result_format": {
                    "result_format": "COMPLETE",
                    "unexpected_index_column_names": list(key),
                    "partial_unexpected_count": SAMPLE_ROWS,
                }
            }
            shown = {
                check: rule.with_rows() if isinstance(rule, OffendingRowsExpectation) else rule
                for check, rule in expectations.items()
                if check in failed
            }
            outcomes |= {check: _detailed(result) for check, result, _ in self._evaluated(table, shown, detail)}
        return outcomes

    def late_rows(self, table: str, day: str, first: dt.date) -> str:
        """Name of a view of the rows of ``table`` from a day on, to run expectations on. ``day``: its column."""
        name = f"{LATE}.{table.split('.')[1]}"
        # a view finds tables of its own database by their short names, others by the name of their file
        rows = f"select * from {Path(MARTS_FILE).stem}.{table} where {day} >= date '{first.isoformat()}'"
        with self._execution.get_connection() as connection:
            connection.execute(text(f"create or replace view {name} as {rows}"))
        return name

    def rows(self, table: str) -> int:
        """Rows of ``table``."""
        with self._execution.get_connection() as connection:
            return int(connection.execute(text(f"select count(*) from {table}")).scalar_one())

    def _load(self, table: str) -> None:
        schema, name = table.split(".")
        spec = SqlAlchemyDatasourceBatchSpec(
            # told plainly that no quotes are in the way, or GX warns once a table
            table_name=quoted_name(name, quote=False),
            schema_name=schema,
            data_asset_name=table,
            create_temp_table=False,
            batch_identifiers={},
        )
        try:
            data, _ = self._execution.get_batch_data_and_markers(batch_spec=spec)
            self._execution.get_inspector().get_columns(name, schema)
        except Exception as error:
            raise EngineError(f"{table}: cannot be read: {_cause(error)}") from error
        self._execution.load_batch_data(table, data)

    def _evaluated(
        self, table: str, expectations: Mapping[str, BatchExpectation], runtime: Mapping[str, Any]
    ) -> Iterator[tuple[str, ExpectationValidationResult, dict[str, Any]]]:
        """Check, result and metrics by name; the metrics of all expectations are resolved together."""
        calculator = MetricsCalculator(self._execution, show_progress_bars=False)
        together = ValidationGraph(self._execution)
        asked: dict[str, dict[str, Any]] = {}
        graphs: dict[str, ValidationGraph] = {}
        for check, expectation in expectations.items():
            with _naming(table, check):
                needs = expectation.get_validation_dependencies(self._execution, dict(runtime))
                metrics = needs.get_metric_configurations()
                graphs[check] = calculator.build_metric_dependency_graph(metrics, dict(runtime))
            asked[check] = {name: metric.id for name, metric in needs.metric_configurations.items()}
            for edge in graphs[check].edges:
                together.add(edge)
        found, broken = calculator.resolve_validation_graph(together, dict(runtime))
        if broken:
            for check, graph in graphs.items():
                for edge in graph.edges:
                    told = broken.get(edge.left.id)
                    if told is not None:
                        raise _unevaluated(table, check, told["exception_info"].exception_message)
        for check, expectation in expectations.items():
            with _naming(table, check):
                result = expectation.metrics_validate(found, dict(runtime), self._execution)
                metrics_of = {name: found[identity] for name, identity in asked[check].items()}
            yield check, result, metrics_of


@contextmanager
def open_engine(build: Path, limits: Limits = LIMITS) -> Iterator[Engine]:
    """An engine over the files of ``build``, read-only. Nothing of them stays open afterwards."""
    for file in (MARTS_FILE, WORK_FILE):
        if not (build / file).is_file():
            raise EngineError(f"{build / file} is missing: build before auditing")
    connect: dict[str, Any] = {
        "read_only": True,
        "config": dict(limits),
        "attach": {"work": str(build / WORK_FILE)},
    }
    execution = SqlAlchemyExecutionEngine(
        connection_string=f"gxduckdb:///{build / MARTS_FILE}", create_temp_table=False, connect_args=connect
    )
    try:
        yield Engine(execution)
    finally:
        for cursor in list(_open_cursors):
            cursor.close()
        execution.engine.dispose()


@contextmanager
def _naming(table: str, check: str) -> Iterator[None]:
    """Whatever GX raises, as the error of ``check``."""
    try:
        yield
    except Exception as error:
        raise _unevaluated(table, check, str(error)) from error


def _unevaluated(table: str, check: str, message: str) -> EngineError:
    lines = message.strip().splitlines()
    return EngineError(f"{table}.{check} could not be evaluated: {lines[0] if lines else 'no message'}")


def _cause(error: BaseException) -> str:
    """The first line of the innermost exception: GX wraps the sentence that helps in several that do not."""
    while error.__cause__ is not None:
        error = error.__cause__
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__


def _counted(expectation: BatchExpectation, passed: bool, metrics: Mapping[str, Any]) -> Outcome:
    """The outcome by the counts behind the verdict."""
    map_metric = getattr(expectation, "map_metric", None)
    if map_metric is None:
        return _told(passed, int(metrics["unexpected_rows_query.row_count"]), None, ())
    return _told(passed, int(metrics[f"{map_metric}.unexpected_count"] or 0), metrics["table.row_count"], ())


def _detailed(result: ExpectationValidationResult) -> Outcome:
    """The outcome with rows."""
    found = result.result
    passed = bool(result.success)
    if "unexpected_count" in found:
        sample = found.get("partial_unexpected_index_list") or found.get("partial_unexpected_list") or ()
        return _told(passed, int(found["unexpected_count"] or 0), found.get("element_count") or 0, sample)
    sample = found.get("details", {}).get("unexpected_rows", ())
    return _told(passed, int(found.get("observed_value") or 0), None, sample)


def _told(passed: bool, rows: int, of: int | None, sample: Sequence[Any]) -> Outcome:
    """``rows`` that broke the rule, of ``of`` judged one by one; None: found by a query."""
    observed = f"{rows} of {of} rows" if of is not None else f"{rows} row{'' if rows == 1 else 's'}"
    shown = tuple(row if isinstance(row, dict) else {"value": row} for row in list(sample)[:SAMPLE_ROWS])
    return Outcome(passed, observed, 0 if passed else rows, () if passed else shown)
