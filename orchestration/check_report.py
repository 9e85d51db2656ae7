"""``sector check``: the gate over the present build, and what each of its checks protects from.

Belongs here: running it alone and putting it into words. Does not belong here: the checks (``expectations``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from orchestration.refresh import Refresh, prepared
from orchestration.settings import Settings

if TYPE_CHECKING:
    from expectations.gate import CheckResult, GateReport

HOUSE = "house"
"""What checks without a gate of the field stand under."""


@dataclass(frozen=True)
class Explanation:
    """A check as it is declared: ``stands`` is where (door, suite, audit, releases, deliveries)."""

    gate: str
    mart: str
    check_name: str
    severity: str
    owner: str
    limit: str
    protects_from: str
    stands: str


def check(settings: Settings) -> GateReport:
    """Run the gate over the build that lies in the build folder. Nothing is published and nothing is kept.

    Raises ``RefusedError`` when nothing was built.
    """
    return Refresh(settings, as_of=prepared(settings).as_of).judge_again()


def explanations() -> list[Explanation]:
    """Every check, gate by gate; ``mart`` of a comparison with past releases is ``marts.fct_*``."""
    from expectations.gates import GATES
    from expectations.history import RULES
    from expectations.suites import SUITES
    from orchestration.silence import DESCRIPTIONS
    from orchestration.silence import GATES as DELIVERY_GATES

    found = [
        Explanation(
            check.gate, suite.table, check.name, check.severity, suite.owner, check.limit, check.reason, "suite"
        )
        for suite in SUITES
        for check in suite.checks
    ]
    found += [
        Explanation(rule.gate, "marts.fct_*", name, rule.severity, "release", rule.limit, rule.reason, "past releases")
        for name, rule in RULES.items()
    ]
    found += [
        Explanation(
            DELIVERY_GATES[name],
            "raw.*",
            f"delivery_{name}",
            "warning",
            "landing",
            limit,
            "What a provider left out looks like a quiet day.",
            "deliveries",
        )
        for name, limit in DESCRIPTIONS.items()
    ]
    found += [
        Explanation(name, "landing", gate.title, "critical", "ingest", gate.door, gate.protects_from, "door")
        for name, gate in GATES.items()
        if gate.door
    ]
    order = {name: place for place, name in enumerate([*GATES, ""])}
    return sorted(found, key=lambda line: (order[line.gate], line.stands, line.mart, line.check_name))


def document(report: GateReport) -> dict[str, Any]:
    """The report as ``--json`` prints it."""
    return {
        "passed": report.passed,
        "refusing": len(report.refusing),
        "warnings": len(report.warnings),
        "checks": [asdict(check) for check in report.checks],
    }


def show(report: GateReport, console: Console, everything: bool) -> None:
    """What failed, measured beside its limit and with its reason; the rest as counts by table, or a line each."""
    for check in [*report.refusing, *report.warnings]:
        verdict = "REFUSES" if check.severity == "critical" else "warns"
        console.print(f"{verdict}  {check.mart} · {check.check_name}", markup=False, style="bold")
        console.print(f"  found    {check.observed}", markup=False)
        console.print(f"  allowed  {check.limit}", markup=False)
        console.print(f"  because  {check.reason}", markup=False)
        for row in check.sample[:3]:
            console.print("           " + ", ".join(f"{name}={value}" for name, value in row.items()), markup=False)
    passed = [check for check in report.checks if check.passed]
    if everything:
        console.print(_lines(passed))
    verdict = "the build may be published" if report.passed else "the build must not be published"
    console.print(
        f"{len(report.checks)} checks: {len(passed)} passed, {len(report.warnings)} warn, "
        f"{len(report.refusing)} refuse: {verdict}",
        markup=False,
    )


def _lines(checks: Sequence[CheckResult]) -> Table:
    table = _table("gate", "table", "check", "found", "allowed")
    for check in checks:
        table.add_row(check.gate or "·", check.mart, check.check_name, check.observed, check.limit)
    return table


def show_explanations(lines: Sequence[Explanation], console: Console) -> None:
    """A chapter for each gate of the field, then the rules of this house."""
    from expectations.gates import GATES

    for name in [*GATES, ""]:
        title = f"{name} {GATES[name].title}: {GATES[name].protects_from}" if name else "rules of this house"
        console.print(f"\n{title}", markup=False, style="bold")
        table = _table("where", "check", "severity", "owner", "allowed", "protects from")
        for line in lines:
            if line.gate == name:
                table.add_row(line.mart, line.check_name, line.severity, line.owner, line.limit, line.protects_from)
        console.print(table)


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", show_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table
