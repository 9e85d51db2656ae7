"""What starts a run by itself: files under ``landing/`` that no run has read, once they have settled.

Belongs here: when a run is asked for. What a file is and whether it can be read stands in ``orchestration.ingest``; a
run guards itself too and leaves a file that is being written, so the sensor only has to be patient, not certain.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import dagster as dg

from orchestration.locking import is_held
from orchestration.settings import Settings

if TYPE_CHECKING:
    from orchestration.ingest.files import LandedFile

SECONDS_BETWEEN_LOOKS = 30

PATIENCE = 20
"""Looks (ten minutes) after which settled files no longer wait for the ones that keep changing."""

ON_THEIR_WAY = [dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.STARTING]
"""Runs that were asked for and hold no lock yet. One that has started holds it; one that died is listed as started."""


@dataclass(frozen=True)
class Look:
    """What a look at ``landing/`` leaves for the next one: marks of the waiting files, and how long they have waited.

    Times of files are compared with each other only, never with a clock: copies may keep an old time (``cp -p``) or
    come from a machine whose clock is wrong.
    """

    marks: tuple[str, ...] = ()
    waits: int = 0

    @classmethod
    def from_cursor(cls, cursor: str | None) -> Look:
        """The last look; none when the cursor is empty or another version wrote it."""
        try:
            found = json.loads(cursor or "{}")
            return cls(tuple(found["marks"]), int(found["waits"]))
        except (ValueError, KeyError, TypeError):
            return cls()

    def to_cursor(self) -> str:
        return json.dumps(asdict(self))


def mark(name: str, size: int, mtime_ns: int) -> str:
    """A file's name, size and time in a few characters: thousands of them have to fit into a cursor."""
    return hashlib.sha256(f"{name}\0{size}\0{mtime_ns}".encode()).hexdigest()[:12]


def decide(before: Look, waiting: Iterable[LandedFile], open_for_writing: frozenset[str]) -> tuple[Look, bool, str]:
    """This look, whether the files have settled, and in words what they wait for.

    A file has settled when two looks found it the same and nobody has it open for writing. The batch waits for all of
    its files, so that one copy of many files is one run; after ``PATIENCE`` looks it no longer waits for the last.
    """
    marks = {mark(file.name, file.size, file.mtime_ns): file.name for file in waiting}
    settled = {m for m, name in marks.items() if m in before.marks and name not in open_for_writing}
    now = Look(tuple(sorted(marks)), before.waits + 1)
    if len(settled) == len(marks) or (settled and now.waits > PATIENCE):
        return replace(now, waits=0), True, ""
    return now, False, f"{len(marks) - len(settled)} of {len(marks)} new files may still be on their way"


def landing_sensor(job: Any, settings: Settings) -> dg.SensorDefinition:
    """Asks for one run of ``job`` for each settled state of the unread files; off until switched on.

    A look compares names, sizes and times with the ledger, so it costs no more than listing the folder. The same
    state asks for the same run, which Dagster starts once: neither a run that failed nor a file that cannot be read
    comes back every minute. What the ledger knows is part of the state, so that what another run left is read.
    """

    @dg.sensor(
        name="new_files",
        job=job,
        minimum_interval_seconds=SECONDS_BETWEEN_LOOKS,
        default_status=dg.DefaultSensorStatus.STOPPED,
        description="Files under landing/ that no run has read yet, once they have stopped changing.",
    )
    def new_files(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        from orchestration.ingest import Ledger, unread
        from orchestration.ingest.files import is_being_written

        if is_held(settings.lock):
            return dg.SkipReason("a run is in progress")
        filters = dg.RunsFilter(job_name=job.name, statuses=ON_THEIR_WAY)
        if context.instance.get_runs(filters=filters, limit=1):
            return dg.SkipReason("a run has been asked for and has not begun")
        waiting = [file for files in unread(settings).values() for file in files]
        if not waiting:
            context.update_cursor(Look().to_cursor())
            return dg.SkipReason("every landed file has been read")
        being_written = frozenset(file.name for file in waiting if is_being_written(file.path))
        look, has_settled, reason = decide(Look.from_cursor(context.cursor), waiting, being_written)
        context.update_cursor(look.to_cursor())
        if not has_settled:
            return dg.SkipReason(reason)
        state = f"{look.marks}{Ledger(settings.ledger).count()}"
        return dg.RunRequest(run_key=hashlib.sha256(state.encode()).hexdigest())

    return new_files
