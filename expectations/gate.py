"""The gate: runs every suite on a finished build and says whether it may be published.

Plain results in, plain results out: no Dagster here, and nothing of Great Expectations leaves this module. Importing
it is cheap; GX is imported when the gate runs.
"""

from __future__ import annotations

import datetime as dt
import decimal
import json
import re
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import duckdb

from orchestration.sql import quoted
from warehouse.build import MARTS_FILE, WORK_FILE

if TYPE_CHECKING:
    from great_expectations.expectations.expectation import BatchExpectation

    from expectations.engine import Engine, Outcome
    from expectations.vocabulary import Suite

Severity = Literal["critical", "warning"]

Limits = Mapping[str, str | int]
"""What DuckDB may take, by the names of its own settings: ``threads``, ``memory_limit``."""

LIMITS: Limits = {"threads": 2, "memory_limit": "4GB"}

MESSAGE_CHECKS = 5
MESSAGE_ROWS = 3


class GateError(Exception):
    """The gate itself broke: a missing table, SQL that does not run. Never a statement about the data."""


@dataclass(frozen=True)
class CheckResult:
    """One expectation on one build.

    ``observed`` and ``limit`` are words for people; ``value`` is the observed figure, to be followed from release to
    release; ``unexpected_rows`` counts the rows that broke it, ``sample`` holds some of them with JSON-friendly values;
    ``gate`` is its gate in ``expectations.gates``; ``seconds`` is the share of wall time of its suite. ``set_aside``:
    it judged rows that are not published, because their table was carried over from an earlier release.
    """

    check_name: str
    mart: str
    severity: Severity
    owner: str
    reason: str
    passed: bool
    observed: str
    limit: str
    unexpected_rows: int = 0
    sample: list[dict[str, Any]] = field(default_factory=list)
    seconds: float = 0.0
    gate: str = ""
    value: float | None = None
    set_aside: bool = False


@dataclass(frozen=True)
class GateReport:
    """All results of a build. ``passed`` unless a critical check failed on rows that would be published."""

    checks: list[CheckResult]
    passed: bool

    @property
    def refusing(self) -> list[CheckResult]:
        return [check for check in self.checks if _refuses(check)]

    @property
    def set_aside(self) -> list[CheckResult]:
        """Critical failures on rows that were not published."""
        return [check for check in self.checks if check.set_aside and check.severity == "critical"]

    @property
    def warnings(self) -> list[CheckResult]:
        return [check for check in self.checks if not (check.passed or check.set_aside) and check.severity == "warning"]

    def to_json(self) -> str:
        """The report as it is kept beside a release."""
        return json.dumps({"passed": self.passed, "checks": [asdict(check) for check in self.checks]}, indent=1)


def report_of(checks: Sequence[CheckResult]) -> GateReport:
    """A report over ``checks``: warnings show, only critical failures refuse."""
    return GateReport(list(checks), not any(map(_refuses, checks)))


def _refuses(check: CheckResult) -> bool:
    return not check.passed and check.severity == "critical" and not check.set_aside


def read_results(text: str) -> list[CheckResult]:
    """The checks of a report that ``GateReport.to_json`` wrote."""
    return [CheckResult(**check) for check in json.loads(text)["checks"]]


def run_gate(
    build: Path,
    limits: Limits = LIMITS,
    tables: Collection[str] | None = None,
    releases: Sequence[Path] = (),
    code_version: str | None = None,
    carried: Mapping[str, str] | None = None,
    unchanged: Collection[str] = (),
    earlier: Mapping[tuple[str, str], CheckResult] | None = None,
    changed: Mapping[str, dt.date] | None = None,
) -> GateReport:
    """Audit ``build`` (folder with ``sector.duckdb`` and ``work.duckdb``, opened read-only).

    ``tables`` (``schema.name``) restricts the suites; the audits and the comparison with ``releases`` (files of past
    releases, newest first) run always. ``code_version`` is that of the code that made the build, ``carried`` as in
    ``run_suites``, and so are ``unchanged``, ``earlier`` and ``changed``.

    Raises ``GateError`` when a check cannot be evaluated.
    """
    from expectations.audits import run_audits
    from expectations.history import run_history
    from expectations.suites import SUITES

    chosen = [suite for suite in SUITES if tables is None or suite.table in tables]
    results = run_suites(build, chosen, limits, carried, unchanged, earlier, changed)
    results.extend(run_audits(build, unchanged, earlier, limits))
    results.extend(run_history(build, releases, code_version, limits))
    return report_of(results)


def run_suites(
    build: Path,
    suites: Sequence[Suite],
    limits: Limits = LIMITS,
    carried: Mapping[str, str] | None = None,
    unchanged: Collection[str] = (),
    earlier: Mapping[tuple[str, str], CheckResult] | None = None,
    changed: Mapping[str, dt.date] | None = None,
) -> list[CheckResult]:
    """A result for each check of ``suites``.

    ``carried`` (``schema.name`` -> release id) names tables whose rows come from an earlier release. Of those, checks
    run that look at the table and the dimensions; a comparison with what has moved on since held in that release.

    ``earlier`` ((mart, check) -> result) are the results of the release that ``unchanged`` tables (``schema.name``,
    ``work.schema.name``) hold the same rows as, made by the same code. A check that passed there and reads nothing else
    keeps its result. One that passed and hangs on rows of a few days (``Check.reach``) is judged on the rows that may
    be other ones: ``changed`` (``schema.name`` -> day) are tables whose rows before that day are those of then; where
    it does not hold there, it is judged on all. Without the three, the default, every check runs on everything. GX is
    imported only where one has to.

    Raises ``GateError`` when a check cannot be evaluated.
    """
    from expectations.unchanged import still_passed

    fresh = [suite for suite in suites if suite.table not in (carried or {})]
    stand = still_passed(fresh, unchanged, earlier or {})
    due = [
        replace(suite, checks=tuple(check for check in suite.checks if (suite.table, check.name) not in stand))
        for suite in suites
    ]
    made = _evaluated(
        build, [suite for suite in due if suite.checks], limits, carried, unchanged, earlier or {}, changed or {}
    )
    found = stand | {(result.mart, result.check_name): result for result in made}
    return [found[suite.table, check.name] for suite in suites for check in suite.checks]


def _evaluated(
    build: Path,
    suites: Sequence[Suite],
    limits: Limits,
    carried: Mapping[str, str] | None,
    unchanged: Collection[str],
    earlier: Mapping[tuple[str, str], CheckResult],
    changed: Mapping[str, dt.date],
) -> list[CheckResult]:
    """``run_suites`` without anything that stands."""
    if not suites:
        return []
    from expectations.engine import EngineError, open_engine
    from expectations.unchanged import days_to_judge

    results: list[CheckResult] = []
    try:
        with open_engine(build, limits) as engine:
            for suite in suites:
                began = time.perf_counter()
                release = (carried or {}).get(suite.table)
                days = {} if release else days_to_judge(suite, unchanged, changed, earlier)
                held = _held_lately(engine, suite, days, changed)
                made = {check.name: check.expectation(suite.table) for check in suite.checks if check.name not in held}
                runs = {
                    name: expectation
                    for name, expectation in made.items()
                    if release is None or _stands_alone(suite.table, expectation)
                }
                outcomes = held | (engine.run(suite.table, runs, suite.grain) if runs else {})
                seconds = (time.perf_counter() - began) / max(len(suite.checks), 1)
                for check in suite.checks:
                    outcome = outcomes.get(check.name) if release is not None else outcomes[check.name]
                    result = CheckResult(
                        check_name=check.name,
                        mart=suite.table,
                        severity=check.severity,
                        owner=suite.owner,
                        reason=check.reason,
                        passed=True,
                        observed=f"held in release {release}, where the rows were made",
                        limit=check.limit,
                        seconds=round(seconds, 4),
                        gate=check.gate,
                    )
                    if outcome is not None:
                        result = replace(
                            result,
                            passed=outcome.passed,
                            observed=outcome.observed,
                            unexpected_rows=outcome.unexpected_rows,
                            sample=[{name: plain(value) for name, value in row.items()} for row in outcome.sample],
                            value=float(outcome.unexpected_rows),
                        )
                    results.append(result)
    except EngineError as error:
        raise GateError(str(error)) from error
    return measured(build, suites, results, limits)


def _held_lately(
    engine: Engine, suite: Suite, days: Mapping[str, dt.date], changed: Mapping[str, dt.date]
) -> dict[str, Outcome]:
    """Outcomes on the whole table of the checks that ``days`` (check -> first day to judge) names and that hold: no row
    broke them before, and none of those days does."""
    from expectations.vocabulary import since

    checks = {check.name: check for check in suite.checks if check.name in days}
    if not checks or suite.day is None:
        return {}
    # a check without a query reads nothing but its table
    late = engine.late_rows(suite.table, suite.day, changed[suite.table])
    narrow = {
        name: (check if check.query is None else since(suite, check, days[name])).expectation(late)
        for name, check in checks.items()
    }
    outcomes = engine.run(late, narrow, suite.grain)
    rows = engine.rows(suite.table)
    return {
        name: replace(outcome, observed=f"0 of {rows} rows" if checks[name].query is None else outcome.observed)
        for name, outcome in outcomes.items()
        if outcome.passed
    }


_TABLE = re.compile(r"\b(?:marts|work|meta|reference)\.\w[\w.]*")


def _stands_alone(table: str, expectation: BatchExpectation) -> bool:
    """Whether a check reads nothing but its table, dimensions and the build's parameters."""
    read = set(_TABLE.findall(str(getattr(expectation, "unexpected_rows_query", ""))))
    return all(name == table or name.startswith(("marts.dim_", "work.control.")) for name in read)


def after_carrying(
    report: GateReport, build: Path, carried: Mapping[str, str], touched: Collection[str] = (), limits: Limits = LIMITS
) -> GateReport:
    """What holds of ``build`` now that the tables ``carried`` (``schema.name`` -> release id) hold earlier rows.

    ``report`` is about the build before that. What it says about other tables stands. What failed on the rows that
    were replaced is kept, set aside; the rows in their place, and those of tables ``touched`` in part, are judged.

    Raises ``GateError`` when a check cannot be evaluated.
    """
    from expectations.suites import SUITES

    told = []
    for check in report.checks:
        if check.mart not in carried and check.mart not in touched and not _refuses(check):
            told.append(check)
        elif not check.passed:
            told.append(replace(check, set_aside=True))
    again = [suite for suite in SUITES if suite.table in carried or suite.table in touched]
    return report_of([*told, *run_suites(build, again, limits, carried)])


def measured(
    build: Path, suites: Sequence[Suite], results: Sequence[CheckResult], limits: Limits = LIMITS
) -> list[CheckResult]:
    """``results`` with the figures that their checks measure, before the count of rows that broke them.

    Raises ``GateError`` when a figure cannot be taken.
    """
    from expectations.vocabulary import over_all

    measures = {(suite.table, check.name): check.measure for suite in suites for check in suite.checks if check.measure}
    told = []
    with open_build(build, limits) as con:
        for result in results:
            measure = measures.get((result.mart, result.check_name))
            if measure is None or result.value is None:
                told.append(result)
                continue
            try:
                row = con.execute(over_all(measure.query, result.mart)).fetchone()
            except duckdb.Error as error:
                raise GateError(f"{result.mart}.{result.check_name}: {str(error).splitlines()[0]}") from error
            if row is None or None in row:
                told.append(result)
                continue
            figures = [float(figure) for figure in row]
            words = measure.words.format(*figures)
            observed = words if result.passed else f"{words}; {result.observed}"
            told.append(replace(result, observed=observed, value=figures[0]))
    return told


@contextmanager
def open_build(build: Path, limits: Limits = LIMITS) -> Iterator[duckdb.DuckDBPyConnection]:
    """The build's marts, read-only, with ``work.duckdb`` attached as ``work``, in market time."""
    with duckdb.connect(str(build / MARTS_FILE), read_only=True, config=dict(limits)) as con:
        con.execute(f"attach {quoted(str(build / WORK_FILE))} as work (read_only)")
        con.execute("set TimeZone = 'Asia/Shanghai'")
        yield con


def plain(value: object) -> object:
    """A value that JSON and people can read: dates in ISO form, decimals as written."""
    if isinstance(value, (dt.date, dt.datetime)):
        return value.isoformat()
    if isinstance(value, decimal.Decimal):
        return str(value)
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return str(value)


def failure_message(report: GateReport) -> str:
    """Why the build was refused: mart, expectation, figure and sample rows, a few lines. Empty when it passed."""
    refusing = report.refusing
    if not refusing:
        return ""
    lines = [f"{len(refusing)} check{'s' if len(refusing) > 1 else ''} refused this build:"]
    for check in refusing[:MESSAGE_CHECKS]:
        lines.append(f"  {check.mart} · {check.check_name}: {check.observed}, allowed: {check.limit}. {check.reason}")
        lines += [
            "      " + ", ".join(f"{name}={value}" for name, value in row.items())
            for row in check.sample[:MESSAGE_ROWS]
        ]
    if len(refusing) > MESSAGE_CHECKS:
        lines.append(f"  and {len(refusing) - MESSAGE_CHECKS} more: sector status")
    return "\n".join(lines)
