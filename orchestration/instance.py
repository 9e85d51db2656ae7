"""The Dagster instance under SECTOR_HOME: its configuration kept up to date, how many runs it remembers, its UI, and
the pages beside it."""

from __future__ import annotations

import ipaddress
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from orchestration.paths import PROJECT_ROOT
from orchestration.settings import Settings

if TYPE_CHECKING:
    from dagster import DagsterInstance

DEPLOY = Path(__file__).resolve().parent / "deploy"

FORGOTTEN_AT_ONCE = 50
"""Old runs that one run removes at most, so that the first one after years of them takes no minutes."""

REFRESH_PAGE = "/locations/sector_warehouse/jobs/refresh"
"""The UI's page of the job that a day needs."""

EVERYWHERE = "0.0.0.0"  # noqa: S104 (compared, not listened on)


def dagster_home(settings: Settings) -> Path:
    """The instance's folder, made if need be, with our ``dagster.yaml`` in it."""
    settings.dagster.mkdir(parents=True, exist_ok=True)
    ours = (DEPLOY / "dagster.yaml").read_bytes()
    theirs = settings.dagster / "dagster.yaml"
    if not theirs.exists() or theirs.read_bytes() != ours:
        theirs.write_bytes(ours)
    return settings.dagster


def forget_runs(instance: DagsterInstance, keep: int) -> int:
    """Remove finished runs but the newest ``keep``, with their events and logs. Gives how many went.

    A run tells some two thousand events, 7 MB of SQLite; what it published and why is in its release.
    """
    from dagster import DagsterRunStatus, RunsFilter

    ended = [DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE, DagsterRunStatus.CANCELED]
    newest = instance.get_run_records(RunsFilter(statuses=ended), limit=keep + FORGOTTEN_AT_ONCE)
    for record in newest[keep:]:
        run_id = record.dagster_run.run_id
        instance.delete_run(run_id)
        instance.compute_log_manager.delete_logs(prefix=[run_id])
        # Dagster empties the run's own file and leaves it as large as it was
        for path in (Path(instance.root_directory) / "history" / "runs").glob(f"{run_id}.db*"):
            path.unlink(missing_ok=True)
    if newest[keep:]:
        _forget_checks(instance)
    return len(newest[keep:])


def _forget_checks(instance: DagsterInstance) -> None:
    """Remove the check results of runs that are no more, which Dagster leaves behind: 1.4 MB of each. The latest result
    of a check stays, whichever run it is of: the UI shows it."""
    import sqlalchemy as sa
    from dagster._core.storage.event_log import SqlEventLogStorage
    from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable as Results

    storage = instance.event_log_storage
    if not isinstance(storage, SqlEventLogStorage):
        return
    with storage.index_connection() as connection:
        found = {run for (run,) in connection.execute(sa.select(Results.c.run_id).distinct()) if run}
        # asked for afterwards: a run is there before its first check is
        gone = found - set(instance.get_run_ids())
        latest = sa.select(sa.func.max(Results.c.id)).group_by(
            Results.c.asset_key, Results.c.check_name, Results.c.partition
        )
        connection.execute(sa.delete(Results).where(Results.c.run_id.in_(gone), Results.c.id.not_in(latest)))


def environment(settings: Settings) -> dict[str, str]:
    """Variables of every process of the UI: this SECTOR_HOME, this instance, no telemetry, this code."""
    paths = [str(PROJECT_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {
        **os.environ,
        "SECTOR_HOME": str(settings.home),
        "DAGSTER_HOME": str(dagster_home(settings)),
        "DAGSTER_DISABLE_TELEMETRY": "yes",
        "DO_NOT_TRACK": "1",
        "PYTHONPATH": os.pathsep.join(paths),
    }


def command(host: str, port: int) -> list[str]:
    """The call that serves UI, daemon and code location."""
    workspace = str(DEPLOY / "workspace.yaml")
    return [sys.executable, "-m", "dagster", "dev", "-w", workspace, "-h", host, "-p", str(port)]


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server that listens on ``host``."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def pages_url(host: str, port: int) -> str:
    """Address of the pages beside a UI on ``port``: the next port; "" where that cannot be listened on."""
    try:
        with socket.create_server((host, port + 1)):
            return f"http://{socket.gethostname() if host == EVERYWHERE else host}:{port + 1}"
    except (OSError, OverflowError):
        return ""


def serve(settings: Settings, host: str, port: int) -> None:
    """Become the UI's process, with the pages beside it; does not return."""
    os.chdir(PROJECT_ROOT)
    known = environment(settings)
    if address := pages_url(host, port):
        known["SECTOR_PAGES_AT"] = address
        subprocess.Popen([sys.executable, "-m", "orchestration.pages", str(port + 1), host], env=known)
    os.execvpe(sys.executable, command(host, port), known)  # noqa: S606 (fixed words, no shell)
