"""The words that suites are written in: a suite per table, a check with its severity and its reason.

A check holds a factory (of the table's name), not an expectation: GX gives expectations an identity when they run, so
every run makes its own, and suites can be listed without importing GX. Native expectations where GX pushes them down;
SQL that selects the offending rows for everything else.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from expectations.gate import Severity

if TYPE_CHECKING:
    from great_expectations.expectations.expectation import BatchExpectation


@dataclass(frozen=True)
class Measure:
    """A figure of the table to show beside the limit, and to follow from release to release.

    ``query`` gives one row of numbers (``{batch}`` is the table); the first is kept. ``words`` names them, in the
    order of the query: ``"largest |Σ − 1| {:.1e}"``.
    """

    query: str
    words: str


@dataclass(frozen=True)
class Check:
    """One expectation. ``limit`` says in words what is allowed; ``reason`` why it must hold, or why the tolerance.

    ``gate`` is the gate of ``expectations.gates`` that it belongs to; blank: a rule of this house alone. ``query`` is
    the SQL of a check that may read more than its table.

    ``reach``: days before its own that the verdict on a row of some day looks back over, in all that the check reads,
    and no day after it; None: it may hang on any row. A query with a reach names, beyond 0, the day of its table.
    """

    name: str
    severity: Severity
    reason: str
    limit: str
    expectation: Callable[[str], BatchExpectation]
    gate: str = ""
    measure: Measure | None = None
    query: str | None = None
    reach: int | None = None


DAYS = ("trade_date", "as_of_date", "visit_date")
"""Key columns that are the business date of a row."""


@dataclass(frozen=True)
class Suite:
    """The checks of one table (``schema.name``) of sector.duckdb. ``owner`` is the family that answers for it."""

    table: str
    owner: str
    grain: tuple[str, ...]
    checks: tuple[Check, ...]

    @property
    def day(self) -> str | None:
        """The key column of the business date; None: the table has none."""
        return next((column for column in self.grain if column in DAYS), None)


def key_checks(grain: Sequence[str]) -> tuple[Check, ...]:
    """One row per grain, and no key without a value (contracts R72)."""
    columns = list(grain)

    def unique(table: str) -> BatchExpectation:
        from expectations.engine import ColumnsUnique, ColumnUnique

        return ColumnUnique(column=columns[0]) if len(columns) == 1 else ColumnsUnique(column_list=columns)

    return (
        Check(
            "grain_unique",
            "critical",
            "A doubled key doubles every sum built on it.",
            f"no {', '.join(columns)} twice",
            unique,
            "G3",
            reach=0,
        ),
        *(
            known(column, "A row without its key cannot be found, joined or corrected.", gate="G3")
            for column in columns
        ),
    )


def within_cut() -> Check:
    """Nothing known after the build's as-of took part (contracts R12)."""
    return no_rows(
        "knowledge_within_cut",
        "critical",
        "A build as of a moment must not know more than that moment.",
        "select * from {batch} where knowledge_at > (select as_of from work.control.build_parameters)",
        "no knowledge_at after the as-of",
        # a build that goes on from another is as of a later moment
        reach=0,
    )


def in_set(column: str, values: Sequence[object], reason: str, severity: Severity = "critical") -> Check:
    """Values of ``column`` are NULL or among ``values``."""
    listed = list(values)

    def expectation(table: str) -> BatchExpectation:
        from expectations.engine import ColumnInSet

        return ColumnInSet(column=column, value_set=listed)

    return Check(
        f"{column}_in_set",
        severity,
        reason,
        "one of " + ", ".join(str(value) for value in listed),
        expectation,
        reach=0,
    )


def known(column: str, reason: str, severity: Severity = "critical", gate: str = "") -> Check:
    """``column`` is never NULL."""

    def expectation(table: str) -> BatchExpectation:
        from expectations.engine import ColumnKnown

        return ColumnKnown(column=column)

    return Check(f"{column}_known", severity, reason, "no NULL", expectation, gate, reach=0)


def between(
    column: str,
    low: float | None,
    high: float | None,
    reason: str,
    severity: Severity = "critical",
    name: str | None = None,
    gate: str = "",
) -> Check:
    """Values of ``column`` are NULL or within the closed range."""
    if low is not None and high is not None:
        limit = f"{low:g} to {high:g}"
    else:
        limit = f"at least {low:g}" if low is not None else f"at most {high:g}"

    def expectation(table: str) -> BatchExpectation:
        from expectations.engine import ColumnBetween

        return ColumnBetween(column=column, min_value=low, max_value=high)

    return Check(
        name or f"{column}_in_range",
        severity,
        reason,
        limit,
        expectation,
        gate,
        Measure(f'select max("{column}"), min("{column}") from {{batch}}', "{1:.4g} to {0:.4g}"),
        reach=0,
    )


def no_rows(
    name: str,
    severity: Severity,
    reason: str,
    query: str,
    limit: str = "no such row",
    gate: str = "",
    measure: Measure | None = None,
    reach: int | None = None,
) -> Check:
    """``query`` selects the rows that break the rule. ``{batch}`` is the suite's table; ``work`` the other file.

    ``reach`` as in ``Check``. ``{since}`` is then the first day of which rows of other tables are needed.
    """

    def expectation(table: str) -> BatchExpectation:
        return _offending(over_all(query, table))

    return Check(name, severity, reason, limit, expectation, gate, measure, query, reach)


def over_all(query: str, table: str) -> str:
    """The query of a check or a measure over all rows of ``table``."""
    return query.replace("{batch}", table).replace("{since}", _literal(dt.date.min))


def _offending(query: str) -> BatchExpectation:
    from expectations.engine import OffendingRowsExpectation

    # GX wants {batch} in the query, but puts a subquery there whose alias depends on the word JOIN; the table's own
    # name stays readable and can be aliased
    return OffendingRowsExpectation(unexpected_rows_query=query + " /* {batch} */")


def _literal(day: dt.date) -> str:
    return f"date '{day.isoformat()}'"


def since(suite: Suite, check: Check, first: dt.date) -> Check:
    """``check``, which has a query and a reach, on the rows of ``suite`` from the day ``first`` on."""
    if check.query is None or check.reach is None or suite.day is None:
        raise ValueError(f"{suite.table}.{check.name} hangs on any row")
    start = _literal(first - dt.timedelta(days=check.reach))
    rows = f"(select * from {suite.table} where {suite.day} >= {start})"
    query = check.query.replace("{batch}", rows).replace("{since}", start)
    if check.reach:
        query = f"select * from ({query}) as found where {suite.day} >= {_literal(first)}"
    return replace(check, query=query, expectation=lambda _: _offending(query))


def follows(
    name: str, grain: Sequence[str], column: str, formula: str, reason: str, words: str, where: str = "true"
) -> Check:
    """``column`` is what ``formula`` over other columns of the row gives, or both are NULL; doubles to a billionth."""
    expected = f"({formula})"
    return no_rows(
        name,
        "critical",
        reason,
        f"select {', '.join(grain)}, {column}, {formula} as expected from {{batch}} where ({where}) "
        f"and (({column} is null) <> ({expected} is null) "
        f"or abs(cast({column} as double) - {expected}) > 1e-9 * (1 + abs({expected})))",
        words,
        "G8",
        reach=0,
    )


def as_delivered(
    name: str, grain: Sequence[str], source: str, columns: Sequence[str], or_filled: Sequence[str] = ()
) -> Check:
    """The table holds the rows of ``source`` (a staging table of the same key), each once, with its ``columns``.

    ``or_filled``: columns that the table may know where the source does not.
    """
    joined = " and ".join(f"b.{key} = s.{key}" for key in grain)
    other = " or ".join(
        [f"b.{column} is distinct from s.{column}" for column in columns]
        + [f"(s.{column} is not null and b.{column} is distinct from s.{column})" for column in or_filled]
    )
    day = next((key for key in grain if key in DAYS), None)
    cut = f"(select * from {source} where {day} >= {{since}})" if day else source
    shown = ", ".join(f"b.{column}, s.{column} as delivered_{column}" for column in (*columns, *or_filled))
    keys = ", ".join(f"coalesce(b.{key}, s.{key}) as {key}" for key in grain)
    return no_rows(
        name,
        "critical",
        "What was delivered and known is published as it was delivered; a row lost, doubled by a join or moved to "
        "another moment, and columns mixed up, are ours.",
        f"select {keys}, {shown} from {{batch}} as b full outer join {cut} as s on {joined} "
        f"where b.{grain[0]} is null or s.{grain[0]} is null or {other}",
        f"the rows of {source.removeprefix('work.')}",
        "G16",
        reach=0 if day else None,
    )
