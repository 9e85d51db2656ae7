"""Runs the Dagster job in this process, for the command line.

The same job, code and instance as in the UI, which shows the run afterwards. Importing this module imports Dagster.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import sys

import dagster as dg

from orchestration.alerts.telling import after_break
from orchestration.definitions import build_defs
from orchestration.garbage import loaded
from orchestration.instance import dagster_home
from orchestration.jobs import REFRESH
from orchestration.journal import open_instance
from orchestration.refresh import Outcome, Progress, Refresh, conclude
from orchestration.settings import Settings

LOG = "run.log"


def execute(
    settings: Settings, as_of: dt.datetime | None, make_current: bool, progress: Progress
) -> tuple[Outcome, int]:
    """Run the job to its end. Gives what it came to and the exit code (0 done, 1 refused, 2 broken).

    To be called within ``garbage.few_searches``. Raises ``KeyboardInterrupt`` when a signal ended it.
    """
    settings.build.mkdir(parents=True, exist_ok=True)
    runs: list[Refresh] = []
    config = {
        "resources": {
            "refresh": {"config": {"as_of": as_of.isoformat() if as_of else None, "make_current": make_current}}
        },
        "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
    }
    terminal = sys.stderr

    def tell(text: str) -> None:
        with contextlib.redirect_stderr(terminal):
            progress(text)

    # dagster-dbt repeats dbt's words on stdout, where the result belongs; Dagster's own go to stderr
    with (
        (settings.build / LOG).open("w", encoding="utf-8") as log,
        contextlib.redirect_stdout(log),
        contextlib.redirect_stderr(log),
        open_instance(dagster_home(settings)) as instance,
    ):
        job = build_defs(settings, progress=tell, on_start=runs.append).resolve_job_def(REFRESH)
        loaded()
        result = job.execute_in_process(run_config=config, instance=instance, raise_on_error=False)
    if not runs and as_of is None:
        after_break(settings, conclude(None, succeeded=False)[0].message, tell)
    published = bool(runs) and runs[-1].release is not None
    if not result.success and not published and any(_interrupted(event) for event in result.all_events):
        raise KeyboardInterrupt
    return conclude(runs[-1] if runs else None, result.success)


def _interrupted(event: dg.DagsterEvent) -> bool:
    """Whether the run says that a signal ended it (Dagster takes the signals while a job runs)."""
    return event.is_run_failure and "interrupted" in (event.message or "")
