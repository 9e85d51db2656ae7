"""The gate: runs every suite on a finished build and says whether it may be published.

Plain results in, plain results out: no Dagster here, and nothing of Great Expectations leaves this module. Importing
it is cheap; GX is imported when the gate runs.
"""

from __future__ import annotations

import datetime as dt
import decimal
import json
import time
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

Severity = Literal["critical", "warning"]

MESSAGE_CHECKS = 5
MESSAGE_ROWS = 3


class GateError(Exception):
    """The gate itself broke: a missing table, SQL that does not run. Never a statement about the data."""


@dataclass(frozen=True)
class CheckResult:
    """One expectation on one build.

    ``observed`` and ``limit`` are words for people; ``unexpected_rows`` counts the rows that broke it, ``sample`` holds
    some of them with JSON-friendly values; ``seconds`` is the share of wall time of its suite.
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


@dataclass(frozen=True)
class GateReport:
    """All results of a build. ``passed`` unless a critical check failed."""

    checks: list[CheckResult]
    passed: bool

    @property
    def refusing(self) -> list[CheckResult]:
        return [check for check in self.checks if not check.passed and check.severity == "critical"]

    @property
    def warnings(self) -> list[CheckResult]:
        return [check for check in self.checks if not check.passed and check.severity == "warning"]

    def to_json(self) -> str:
        """The report as it is kept beside a release."""
        return json.dumps({"passed": self.passed, "checks": [asdict(check) for check in self.checks]}, indent=1)


def report_of(checks: Sequence[CheckResult]) -> GateReport:
    """A report over ``checks``: warnings show, only critical failures refuse."""
    return GateReport(list(checks), not any(not check.passed and check.severity == "critical" for check in checks))


def run_gate(
    build: Path, threads: int = 2, tables: Collection[str] | None = None, previous: Path | None = None
) -> GateReport:
    """Audit ``build`` (folder with ``sector.duckdb`` and ``work.duckdb``, opened read-only).

    ``tables`` (``schema.name``) restricts the suites; the audits run always. ``previous`` is the file of the release
    before, for what the build lost against it.

    Raises ``GateError`` when a check cannot be evaluated.
    """
    from expectations.audits import run_audits
    from expectations.drift import run_drift
    from expectations.engine import EngineError, open_engine
    from expectations.suites import SUITES

    results: list[CheckResult] = []
    try:
        with open_engine(build, threads) as engine:
            for suite in SUITES:
                if tables is not None and suite.table not in tables:
                    continue
                began = time.perf_counter()
                outcomes = engine.run(
                    suite.table, {check.name: check.expectation(suite.table) for check in suite.checks}, suite.grain
                )
                seconds = (time.perf_counter() - began) / max(len(suite.checks), 1)
                for check in suite.checks:
                    outcome = outcomes[check.name]
                    results.append(
                        CheckResult(
                            check_name=check.name,
                            mart=suite.table,
                            severity=check.severity,
                            owner=suite.owner,
                            reason=check.reason,
                            passed=outcome.passed,
                            observed=outcome.observed,
                            limit=check.limit,
                            unexpected_rows=outcome.unexpected_rows,
                            sample=[{name: plain(value) for name, value in row.items()} for row in outcome.sample],
                            seconds=round(seconds, 4),
                        )
                    )
    except EngineError as error:
        raise GateError(str(error)) from error
    results.extend(run_audits(build))
    if previous is not None:
        results.extend(run_drift(build, previous))
    return report_of(results)


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
