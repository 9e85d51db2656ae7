"""Asset checks: the gate, each check of a suite on its mart from one run of the gate; and what is late.

Comparisons with past releases are one check a mart, and so is what names no mart. None of them blocks: a failed one is
red where it failed, and the release decides whether it takes earlier rows in their place or stays out.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import dagster as dg

from orchestration import lateness, transform
from orchestration.refresh import utc_now
from orchestration.resources import current_refresh
from orchestration.settings import Settings

PAST = "past_releases"
"""All comparisons of a mart with the releases before."""

REST = "gate"
"""Whatever names no mart: accounting, audits of the models, deliveries."""

SHOWN_CHECKS = 50


def _row(check: Any) -> str:
    refused = "REFUSED, carried over" if check.set_aside else "REFUSED"
    verdict = "passed" if check.passed else (refused if check.severity == "critical" else "warning")
    cells = (check.check_name, verdict, check.observed, check.limit, check.unexpected_rows, check.reason)
    return "| " + " | ".join(str(cell).replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def result_of(key: dg.AssetKey, name: str, checks: Sequence[Any]) -> dg.AssetCheckResult:
    """The verdict of one check or of several: failed ones first; ERROR when a critical one failed."""
    failed = [check for check in checks if not check.passed]
    refusing = [check for check in failed if check.severity == "critical"]
    metadata: dict[str, Any]
    if len(checks) == 1:
        [only] = checks
        metadata = {"observed": only.observed, "allowed": only.limit, "reason": only.reason}
        if only.gate:
            metadata["gate_of_the_field"] = only.gate
        if only.value is not None:
            metadata["value"] = dg.MetadataValue.float(float(only.value))
    else:
        listed = [*refusing, *(check for check in failed if check not in refusing), *(c for c in checks if c.passed)]
        head = ["| check | verdict | observed | limit | rows | reason |", "|---|---|---|---|---|---|"]
        metadata = {
            "checks": len(checks),
            "refusing": len(refusing),
            "warnings": len(failed) - len(refusing),
            "results": dg.MetadataValue.md("\n".join([*head, *(_row(check) for check in listed[:SHOWN_CHECKS])])),
        }
    sampled = next((check for check in [*refusing, *failed] if check.sample), None)
    if sampled is not None:
        metadata["sample"] = dg.MetadataValue.md("\n".join(f"- {row}" for row in sampled.sample))
    return dg.AssetCheckResult(
        asset_key=key,
        check_name=name,
        passed=not failed,
        severity=dg.AssetCheckSeverity.ERROR if refusing else dg.AssetCheckSeverity.WARN,
        metadata=metadata,
    )


def gate_checks(marts: Sequence[dg.AssetKey], rest: dg.AssetKey) -> dg.AssetChecksDefinition:
    """Checks on ``marts``; what the gate finds beside them is shown on ``rest``."""
    from expectations.suites import SUITES

    keys = {key.path[-1]: key for key in marts}
    specs = [
        dg.AssetCheckSpec(
            check.name,
            asset=keys[suite.table.rsplit(".", 1)[-1]],
            description=f"{check.reason} Allowed: {check.limit}.",
        )
        for suite in SUITES
        if suite.table.rsplit(".", 1)[-1] in keys
        for check in suite.checks
    ]
    about_past = "What this build changed against the releases before it; limits are what was usual."
    facts = [key for key in marts if key.path[-1].startswith("fct_")]
    specs += [dg.AssetCheckSpec(PAST, asset=key, description=about_past) for key in facts]
    about_rest = "Accounting of the batches, findings of the models' audits, what the providers left out."
    specs.append(dg.AssetCheckSpec(REST, asset=rest, description=about_rest))
    declared = {(spec.asset_key, spec.name) for spec in specs}

    @dg.multi_asset_check(name="gate", specs=specs, required_resource_keys={"refresh"})
    def gate(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        report = current_refresh(context).audit()
        found: dict[tuple[dg.AssetKey, str], list[Any]] = {}
        for check in report.checks:
            key = keys.get(str(check.mart).rsplit(".", 1)[-1], rest)
            if check.check_name == transform.MODEL_BUILT:
                key = rest
            place = next((place for place in ((key, check.check_name), (key, PAST)) if place in declared), (rest, REST))
            found.setdefault(place, []).append(check)
        for spec in specs:
            checks = found.get((spec.asset_key, spec.name), [])
            if not checks and spec.name not in (PAST, REST):
                raise dg.Failure(f"the gate did not run {spec.name} on {spec.asset_key.to_user_string()}")
            yield result_of(spec.asset_key, spec.name, checks)

    return gate


def mart_key(name: str) -> dg.AssetKey:
    """Asset key of a mart."""
    return dg.AssetKey(["marts", name])


def lateness_result(verdict: lateness.Verdict) -> dg.AssetCheckResult:
    """Whether a mart of the current release is late: a warning, which blocks nothing."""
    metadata: dict[str, Any] = {"sessions_lacking": verdict.lacking, "allowed": verdict.due.slack}
    dates = {"newest": verdict.newest, "last_session_due": verdict.expected}
    return dg.AssetCheckResult(
        asset_key=mart_key(verdict.due.mart),
        check_name=verdict.due.check,
        passed=verdict.passed,
        severity=dg.AssetCheckSeverity.WARN,
        description=verdict.message,
        metadata={**metadata, **{name: day.isoformat() for name, day in dates.items() if day is not None}},
    )


def lateness_checks(settings: Settings) -> dg.AssetChecksDefinition:
    """A check for each of ``lateness.DUE``, over the release that is current."""

    def described(due: lateness.Due) -> str:
        when = "the session after" if due.sessions_after else "a session"
        slack = f"; {due.slack} sessions may be lacking" if due.slack else ""
        return f"{due.words} are in the release by {due.at:%H:%M} of {when}{slack}. Closed days make nothing late."

    specs = [dg.AssetCheckSpec(due.check, asset=mart_key(due.mart), description=described(due)) for due in lateness.DUE]

    @dg.multi_asset_check(name="lateness", specs=specs)
    def late(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        for verdict in lateness.verdicts(settings, utc_now()):
            yield lateness_result(verdict)

    return late
