"""Calling dbt: its environment, a manifest that is never older than the project, and what a call came to.

Belongs here: everything the assets and the command line share about dbt. Does not belong here: Dagster, and any
model's logic. dbt runs in a process of its own and is the only writer of the build files while it does.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestration.durable import write_whole
from orchestration.fingerprint import code_files, digest
from orchestration.paths import DBT_PROJECT
from orchestration.settings import Settings

BUILD_ARGUMENTS = ("build", "--exclude-resource-type", "unit_test")
"""Seeds, models and data tests. Unit tests prove the code, not the data: they run in the test suite."""

ABOUT_DATA_TESTS = "A data test of dbt: keys, relationships and allowed words, without which no formula holds."

MODEL_BUILT = "model_built"
"""Name of the check that a model that dbt could not build fails."""

ABOUT_MODELS = (
    "A model that cannot be built leaves no rows: its code is broken, or it met a value that it cannot compute."
)

SECONDS_TO_END = 10


class DbtError(Exception):
    """dbt could not do its work: a model or the project is broken, whatever the data say."""


@dataclass(frozen=True)
class NodeResult:
    """What dbt did with one node (model, seed, test)."""

    unique_id: str
    status: str
    message: str
    failures: int | None

    @property
    def kind(self) -> str:
        return self.unique_id.split(".", 1)[0]

    @property
    def name(self) -> str:
        return self.unique_id.split(".")[2]

    @property
    def failed(self) -> bool:
        """Whether it is a data test that found rows; dbt says ``warn`` so that the models after it are built."""
        return self.kind == "test" and self.status in {"fail", "warn"}

    @property
    def broken(self) -> bool:
        """Whether dbt could not run it; ``cause`` says why."""
        return self.status in {"error", "runtime error"}

    @property
    def skipped(self) -> bool:
        """Whether dbt left it out because of a node before it."""
        return self.status == "skipped"

    @property
    def cause(self) -> str:
        """What the database or dbt said, without dbt's trace of macros."""
        return self.message.split(" > in macro ", 1)[0]


def executable() -> str:
    """The dbt of this Python's environment, whatever ``PATH`` says."""
    beside = Path(sys.executable).with_name("dbt")
    return str(beside) if beside.exists() else "dbt"


def target_folder(settings: Settings) -> Path:
    """Where dbt keeps manifest, partial parse and results for this SECTOR_HOME."""
    return settings.build / "dbt"


def environment(settings: Settings) -> dict[str, str]:
    """Variables that every dbt call of this project needs."""
    return {
        "SECTOR_BUILD_DIR": str(settings.build),
        "SECTOR_THREADS": str(settings.threads),
        "SECTOR_MEMORY_LIMIT": settings.memory_limit,
        "DBT_PROFILES_DIR": str(DBT_PROJECT),
        "DBT_TARGET_PATH": str(target_folder(settings)),
        "DBT_LOG_PATH": str(target_folder(settings)),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DO_NOT_TRACK": "1",
    }


@contextmanager
def in_environment(settings: Settings) -> Iterator[None]:
    """This process with ``environment(settings)``, for dagster-dbt, which hands its own on and reads the profile."""
    ours = environment(settings)
    before = {name: os.environ.get(name) for name in ours}
    os.environ.update(ours)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def up_to_date_manifest(settings: Settings) -> Path:
    """Path of a manifest parsed from the project as it is now; parses only when a file of it has changed.

    It is a copy of ours: dbt writes its own anew at every call, and a call that is killed leaves half of it. Raises
    ``DbtError`` with dbt's own words when the project does not parse.
    """
    target = target_folder(settings)
    manifest, stamp = target / "manifest.parsed.json", target / "manifest.digest"
    current = digest(code_files(DBT_PROJECT), str(settings.build), str(DBT_PROJECT))
    if manifest.exists() and stamp.exists() and stamp.read_text(encoding="utf-8") == current:
        return manifest
    target.mkdir(parents=True, exist_ok=True)
    stamp.unlink(missing_ok=True)
    call = subprocess.run(
        [executable(), "--quiet", "parse", "--project-dir", str(DBT_PROJECT)],
        env={**os.environ, **environment(settings)},
        cwd=DBT_PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    theirs = target / "manifest.json"
    if call.returncode or not theirs.exists():
        raise DbtError(f"dbt cannot parse the project: {' '.join((call.stdout + call.stderr).split())[-2000:]}")
    write_whole(manifest, theirs.read_text(encoding="utf-8"))
    write_whole(stamp, current)
    return manifest


def end(process: subprocess.Popen[Any]) -> None:
    """Make sure that a dbt process is gone: ask it to end, then make it."""
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(SECONDS_TO_END)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


_RESULTS = "run_results.json"
_EARLIER_RESULTS = "run_results.earlier.json"


def results(settings: Settings) -> list[NodeResult]:
    """Results of the build's dbt calls, the last one of each node; empty when none was written."""
    nodes: dict[str, NodeResult] = {}
    for name in (_EARLIER_RESULTS, _RESULTS):
        path = target_folder(settings) / name
        if not path.exists():
            continue
        for row in json.loads(path.read_text(encoding="utf-8"))["results"]:
            message = " ".join((row["message"] or "").split())
            nodes[row["unique_id"]] = NodeResult(row["unique_id"], row["status"], message, row["failures"])
    return list(nodes.values())


def set_results_aside(settings: Settings) -> None:
    """Keep what dbt's last call came to beside what another call of the same build will come to."""
    (target_folder(settings) / _RESULTS).replace(target_folder(settings) / _EARLIER_RESULTS)


def end_orphans(settings: Settings) -> None:
    """End a ``dbt build`` that goes on in the build folder for a run that was killed; call it under the run lock alone.

    A process is found by its environment, not by a note of its id: there is no moment in which it has none. Where the
    system does not show processes (no /proc), a dbt without a reader ends by itself at its next line of output.
    """
    build = f"SECTOR_BUILD_DIR={settings.build}".encode()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().split(b"\0")
            if b"build" not in words or not any(Path(os.fsdecode(word)).name == "dbt" for word in words[:2]):
                continue
            if build in (process / "environ").read_bytes().split(b"\0"):
                os.kill(int(process.name), signal.SIGKILL)
                _wait_until_gone(process)
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue  # it has ended meanwhile, or is somebody else's


def _wait_until_gone(process: Path) -> None:
    until = time.monotonic() + SECONDS_TO_END
    while time.monotonic() < until:
        # a dead process that nobody has asked after yet (Z) holds no file
        if not process.exists() or (process / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] == "Z":
            return
        time.sleep(0.01)
    raise DbtError(f"dbt of a run that was killed (process {process.name}) does not end: end it, then run again")


def forget_results(settings: Settings) -> None:
    """Remove the last call's results, so that a call that dies early is not mistaken for it."""
    for name in (_EARLIER_RESULTS, _RESULTS):
        (target_folder(settings) / name).unlink(missing_ok=True)
