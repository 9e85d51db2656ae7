"""What is wrong, seen from the ledger, the current release and the run that just ended.

Belongs here: when something is a trouble, when it is over, and cause and cure in words. Does not belong here: what is
already known or told (``troubles``). Looking costs little: what has not changed is not opened.

- A **failed run** is one that broke; it is over when a run comes to its end, be it with a refusal.
- A **refused release** is a build that a check refused, or a family that is carried over for that; over when a build,
  or that family, is published anew.
- A **stale family** is one of which the current release lacks sessions that were due (``orchestration.lateness``); over
  when a release holds them. One that is carried over has its trouble already.
- A **held batch** is a landed file, member or sheet that was refused whole; over when other bytes under its name, or a
  later file of its folder, are read, or when it is no longer there.
"""

from __future__ import annotations

import datetime as dt
import posixpath
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from orchestration.alerts.troubles import Trouble
from orchestration.moments import write_short
from orchestration.settings import Settings

if TYPE_CHECKING:
    from warehouse.releases import ReleaseRecord

REMEMBERED = dt.timedelta(days=40)
"""Files that were held longer ago, before anybody asked to be told, are no news."""

SHOWN = 3
"""Things of one kind that a cause names; the rest is counted."""

FED_BY = {
    "etf": ("etf_bars", "etf_shares", "etf_nav"),
    "index": ("index_bars", "index_weights", "security_bars"),
    "concept": ("concept_members", "security_bars"),
    "visits": ("broker_visits",),
    "funding": ("funding_rounds",),
}
"""Family -> the raw tables that it waits for. The note and the sectors are made of the others and wait with them."""

RELEASE = "release"


def failed_run(reason: str, settings: Settings) -> Trouble:
    """A run that broke. ``reason``: one line with its cure, as the command line shows it."""
    from orchestration.status import kind_of

    return Trouble(
        kind="failed run",
        subject="sector run",
        reason=kind_of(reason),
        cause=reason,
        cure=f"`sector doctor` looks for what is wrong; {settings.build / 'run.log'} has the details; then run again",
    )


def refused_release(checks: Sequence[Mapping[str, Any]], settings: Settings) -> Trouble:
    """A build that checks refused: nothing of it was published."""
    named = sorted(f"{check['mart']} · {check['check_name']}" for check in checks)
    return Trouble(
        kind="refused release",
        subject=RELEASE,
        reason="; ".join(named),
        cause=f"nothing was published, the release of before stays: {_listed([_found(check) for check in checks])}",
        cure=f"{settings.build / 'checks.html'} shows the rows; land corrected files, then `sector run`",
    )


def is_about_a_family(trouble: Trouble) -> bool:
    """Whether a refusal holds one family back, and not the whole release."""
    return trouble.kind == "refused release" and trouble.subject != RELEASE


def carried_family(family: str, reason: str, as_of: dt.datetime, checks: Sequence[Mapping[str, Any]]) -> Trouble:
    """A family whose rows were refused and are those of an earlier release. ``checks``: those that failed."""
    from orchestration.status import kind_of

    return Trouble(
        kind="refused release",
        subject=f"{family} (carried over)",
        reason="; ".join(sorted(f"{check['mart']} · {check['check_name']}" for check in checks)) or kind_of(reason),
        cause=f"its tables are still those as of {write_short(as_of)}: {reason}",
        cure="`sector status` and checks.html of the release show the rows; land corrected files, then `sector run`",
    )


def _found(check: Mapping[str, Any]) -> str:
    return f"{check['mart']} · {check['check_name']}: {check['observed']} (allowed: {check['limit']})"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return "; ".join(names[:SHOWN]) + more


# -------------------------------------------------------------------- stale


def stale_families(settings: Settings, release: ReleaseRecord, now: dt.datetime) -> list[Trouble]:
    """The families of the current release that lack sessions which were due by ``now``."""
    from orchestration import lateness

    late: dict[str, list[str]] = {}
    for verdict in lateness.verdicts(settings, now):
        if verdict.is_late and verdict.due.family not in release.carried_over:
            late.setdefault(verdict.due.family, []).append(verdict.message)
    return [
        Trouble(
            kind="stale family",
            subject=family,
            reason="",
            cause="; ".join(late[family]),
            cure=f"land newer files of {', '.join(tables)}, or `sector fetch`, then `sector run`; "
            "`sector status` shows what came last",
        )
        for family, tables in FED_BY.items()
        if family in late
    ]


# --------------------------------------------------------------------- held


def held_batches(settings: Settings, now: dt.datetime, known: Sequence[Trouble]) -> list[Trouble]:
    """Files, members and sheets that were refused whole and stand so. ``known``: the troubles that are open.

    A sheet beside others that were read is a cover or notes and no trouble. The reason of a known one is not looked up
    again.
    """
    from orchestration.ingest.ledger import Ledger

    ledger = Ledger(settings.ledger)
    open_ones = {trouble.subject: trouble for trouble in known if trouble.kind == "held batch"}
    refused = [
        batch for batch in ledger.refused_whole() if batch.ingested_at >= now - REMEMBERED or batch.file in open_ones
    ]
    if not refused:
        return []
    read: dict[str, dt.datetime] = {}
    workbooks: set[tuple[str, dt.datetime]] = set()
    for file, moment in ledger.read_since(min(batch.ingested_at for batch in refused)):
        folder = posixpath.dirname(file.partition("!")[0])
        read[folder] = max(read.get(folder, moment), moment)
        workbooks.add((_workbook(file), moment))
    held: dict[str, tuple[str, str]] = {}
    for batch in refused:
        path = _landed(settings, batch.file)
        is_beside_another = "#" in batch.file and (_workbook(batch.file), batch.ingested_at) in workbooks
        if path is None or is_beside_another:
            continue
        later = read.get(posixpath.dirname(path))
        if later is None or later <= batch.ingested_at:
            held[batch.file] = batch.batch_id, path
    reasons = ledger.reasons([batch_id for file, (batch_id, _) in held.items() if file not in open_ones])
    return [
        open_ones.get(file) or _held(file, path, reasons.get(batch_id, "its reason cannot be read"))
        for file, (batch_id, path) in held.items()
    ]


def _workbook(label: str) -> str:
    """The file or member that a sheet is of; other labels stay as they are."""
    return label.rpartition("#")[0] or label


def _landed(settings: Settings, label: str) -> str | None:
    """The path under ``landing/`` of a file, member or sheet; None when it is no longer there."""
    for path in (label, label.rpartition("#")[0], label.partition("!")[0]):
        if path and (settings.landing / path).is_file():
            return path
    return None


def _held(file: str, path: str, reason: str) -> Trouble:
    from orchestration.status import kind_of

    return Trouble(
        kind="held batch",
        subject=file,
        reason=kind_of(reason),
        cause=f"no row of it was read: {reason}",
        cure=f"`sector dialect landing/{path}` shows what it would become; land a corrected file, `sector run`",
    )
