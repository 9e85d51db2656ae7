"""What starts a run by itself: a file under ``landing/`` that no run has read."""

import hashlib
from typing import Any

import dagster as dg

from orchestration.locking import is_held
from orchestration.settings import Settings

SECONDS_BETWEEN_LOOKS = 60


def landing_sensor(job: Any, settings: Settings) -> dg.SensorDefinition:
    """Runs ``job`` once for each new state of the unread files; off until switched on.

    A look compares names, sizes and times with the ledger, so it costs no more than listing the folder.
    """

    @dg.sensor(
        name="new_files",
        job=job,
        minimum_interval_seconds=SECONDS_BETWEEN_LOOKS,
        default_status=dg.DefaultSensorStatus.STOPPED,
        description="A file under landing/ that no run has read yet.",
    )
    def new_files(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        from orchestration.ingest import unread

        if is_held(settings.lock):
            return dg.SkipReason("a run is in progress")
        waiting = sorted((file.name, file.size, file.mtime_ns) for files in unread(settings).values() for file in files)
        if not waiting:
            return dg.SkipReason("every landed file has been read")
        return dg.RunRequest(run_key=hashlib.sha256(repr(waiting).encode()).hexdigest())

    return new_files
