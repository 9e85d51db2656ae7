"""The gate as asset checks: one per mart, all from one run of the gate, blocking where a refusing check failed."""

from collections.abc import Iterator, Sequence
from typing import Any

import dagster as dg

from orchestration.resources import current_refresh

NAME = "gate"
SHOWN_CHECKS = 50


def _row(check: Any) -> str:
    verdict = "passed" if check.passed else ("REFUSED" if check.severity == "critical" else "warning")
    cells = (check.check_name, verdict, check.observed, check.limit, check.unexpected_rows, check.reason)
    return "| " + " | ".join(str(cell).replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def result_of(key: dg.AssetKey, checks: Sequence[Any]) -> dg.AssetCheckResult:
    """One mart's verdict: failed checks first; ERROR (which blocks) only when a critical one failed."""
    failed = [check for check in checks if not check.passed]
    refusing = [check for check in failed if check.severity == "critical"]
    listed = [*refusing, *(check for check in failed if check not in refusing), *(c for c in checks if c.passed)]
    head = ["| check | verdict | observed | limit | rows | reason |", "|---|---|---|---|---|---|"]
    metadata: dict[str, Any] = {
        "expectations": len(checks),
        "refusing": len(refusing),
        "warnings": len(failed) - len(refusing),
        "results": dg.MetadataValue.md("\n".join([*head, *(_row(check) for check in listed[:SHOWN_CHECKS])])),
    }
    if refusing and refusing[0].sample:
        metadata["sample"] = dg.MetadataValue.md("\n".join(f"- {row}" for row in refusing[0].sample))
    return dg.AssetCheckResult(
        asset_key=key,
        check_name=NAME,
        passed=not failed,
        severity=dg.AssetCheckSeverity.ERROR if refusing else dg.AssetCheckSeverity.WARN,
        metadata=metadata,
    )


def gate_checks(marts: Sequence[dg.AssetKey], rest: dg.AssetKey) -> dg.AssetChecksDefinition:
    """Blocking checks on ``marts``; checks of the gate that name none of them are shown on ``rest``."""
    keys = {key.path[-1]: key for key in marts}

    @dg.multi_asset_check(
        name="gate",
        specs=[
            dg.AssetCheckSpec(
                NAME,
                asset=key,
                blocking=True,
                description="What must hold before people see this table (expectations/suites).",
            )
            for key in [*marts, rest]
        ],
        required_resource_keys={"refresh"},
    )
    def gate(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        report = current_refresh(context).audit()
        by_key: dict[dg.AssetKey, list[Any]] = {key: [] for key in [*marts, rest]}
        for check in report.checks:
            by_key[keys.get(str(check.mart).rsplit(".", 1)[-1], rest)].append(check)
        for key, checks in by_key.items():
            yield result_of(key, checks)

    return gate
