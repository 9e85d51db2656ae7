"""What is noticed without a schedule: files that have landed, another release, what is late, sessions that were read.

Belongs here: when a run is asked for, when an event is told. What a file is and whether it can be read stands in
``orchestration.ingest``; a run guards itself too and leaves a file that is being written, so the sensor of files only
has to be patient, not certain. Off until switched on, but for the one that only tells what is late.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import dagster as dg

from orchestration import lateness
from orchestration.assets.release import RELEASE
from orchestration.assets.sessions import session_metadata, sessions_key
from orchestration.checks import lateness_result, mart_key
from orchestration.coverage import sessions_read_after
from orchestration.locking import is_held
from orchestration.moments import write_short
from orchestration.partitions import MARKET_TABLES
from orchestration.refresh import current_or_lost, utc_now
from orchestration.settings import Settings

if TYPE_CHECKING:
    from orchestration.ingest.files import LandedFile

SECONDS_BETWEEN_LOOKS = 30

MINUTE = 60

MOST_SESSIONS = 100
"""Sessions of a table that one look tells; a table of twenty years is told in an hour or two."""

NOTHING_TOLD = ("1970-01-01T00:00:00+00:00", "1970-01-01")

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


def release_sensor(job: Any, settings: Settings) -> dg.SensorDefinition:
    """Notices that another release is current, whoever made it so: a run, the command line, a rollback.

    Tells it as an observation of the release, and asks for a run of ``job`` where SECTOR_AFTER_RELEASE names a command.
    The release that is current at the first look is no news.
    """

    @dg.sensor(
        name="new_release",
        job=job,
        minimum_interval_seconds=SECONDS_BETWEEN_LOOKS,
        default_status=dg.DefaultSensorStatus.STOPPED,
        description="Another release is current: tells it, and calls SECTOR_AFTER_RELEASE if that names a command.",
    )
    def new_release(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        release = current_or_lost(settings)
        if release is None:
            return dg.SkipReason("no release is current yet")
        before, now = context.cursor, release.release_id
        context.update_cursor(now)
        if before == now or before is None:
            return dg.SkipReason(f"{now} is current{' still' if before else ': the next one will be news'}")
        told = dg.AssetObservation(
            RELEASE,
            description=f"{now} is current, as of {write_short(release.as_of)}; before: {before}",
            metadata={"release_id": now, "before": before},
        )
        config = {"ops": {"call": {"config": {"release_id": now, "before": before}}}}
        moment = settings.current.lstat().st_mtime_ns
        asked = [dg.RunRequest(run_key=f"{now}@{moment}", run_config=config, tags={"sector/release": now})]
        if not settings.after_release:
            return dg.SensorResult(asset_events=[told], skip_reason=f"{now} is told; no command is to be called")
        return dg.SensorResult(asset_events=[told], run_requests=asked)

    return new_release


def lateness_sensor(settings: Settings) -> dg.SensorDefinition:
    """Evaluates what is late, whether or not anything runs, and tells it when a verdict has changed."""

    @dg.sensor(
        name="late_families",
        minimum_interval_seconds=2 * MINUTE,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="What the current release should hold by now, by session: tells each change as an asset check.",
    )
    def late_families(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        found = lateness.verdicts(settings, utc_now())
        if all(verdict.newest is None for verdict in found):
            return dg.SkipReason("no release holds anything yet")
        words = f"{sum(not verdict.passed for verdict in found)} of {len(found)} late"
        # a check older than the mart's last materialization counts as not evaluated: it is told anew after each
        marts = context.instance.get_asset_records(list({mart_key(due.mart) for due in lateness.DUE}))
        made = sorted(str(mart.asset_entry.last_materialization_storage_id) for mart in marts)
        state = hashlib.sha256(repr([made, [(v.passed, v.message) for v in found]]).encode()).hexdigest()
        if state == context.cursor:
            return dg.SkipReason(f"{words}, as before")
        context.update_cursor(state)
        return dg.SensorResult(
            asset_events=[evaluation(lateness_result(verdict)) for verdict in found], skip_reason=f"{words}: told"
        )

    return late_families


def evaluation(result: dg.AssetCheckResult) -> dg.AssetCheckEvaluation:
    """A check's result as an event outside of a run."""
    if result.asset_key is None or result.check_name is None:
        raise ValueError("a result outside of a run has to name its asset and its check")
    return dg.AssetCheckEvaluation(
        asset_key=result.asset_key,
        check_name=result.check_name,
        passed=result.passed,
        metadata=result.metadata,
        severity=result.severity,
        description=result.description,
    )


def sessions_sensor(settings: Settings, days: Mapping[str, frozenset[dt.date]]) -> dg.SensorDefinition:
    """Tells the sessions that runs have read, as materializations of their partitions. ``days``: the partitions of each
    table. The cursor is, for each table, when and which session was told last."""

    @dg.sensor(
        name="sessions_read",
        minimum_interval_seconds=MINUTE,
        default_status=dg.DefaultSensorStatus.STOPPED,
        description="Sessions of which runs have read rows: tells them as partitions of sessions/<table>.",
    )
    def sessions_read(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        told: dict[str, list[str]] = json.loads(context.cursor or "{}")
        events: list[dg.AssetMaterialization] = []
        for table in MARKET_TABLES:
            moment, day = told.get(table, NOTHING_TOLD)
            found = sessions_read_after(
                settings, table, dt.datetime.fromisoformat(moment), dt.date.fromisoformat(day), MOST_SESSIONS
            )
            if found:
                told[table] = [found[-1].read_at.isoformat(), found[-1].day.isoformat()]
            events += [
                dg.AssetMaterialization(
                    sessions_key(table), partition=session.day.isoformat(), metadata=session_metadata(session)
                )
                for session in found
                if session.day in days[table]
            ]
        context.update_cursor(json.dumps(told))
        if not events:
            return dg.SkipReason("no session was read since")
        return dg.SensorResult(asset_events=events, skip_reason=f"{len(events)} sessions told")

    return sessions_read
