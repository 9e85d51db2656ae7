"""Calling dbt: its environment, a manifest that is never older than the project, and what a call came to.

Belongs here: everything the assets and the command line share about dbt. Does not belong here: Dagster, any model's
logic, and which models a build has to make (``orchestration.scope``). dbt builds in this process, on a thread of its
own, with the manifest that was parsed before: a process for each call would import dbt and read the project anew (5 of
its 16 CPU seconds on the sample, measured 2026-11). It is the only writer of the build files while it runs.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Any, cast

from orchestration.durable import sync, write_whole
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

SECONDS_TO_END = 10.0
"""A query that is told to stop does so at its next chunk of rows."""

_OPTIONS = ("--log-level", "none", "--log-level-file", "info")
"""What dbt would print its callback hears; its debug log costs a second a build."""


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


_PARSED = "manifest.parsed.json"
_PARSED_FOR_DBT = "manifest.parsed.msgpack"


def up_to_date_manifest(settings: Settings) -> Path:
    """Path of a manifest parsed from the project as it is now; parses only when a file of it has changed.

    It is a copy of ours, as is the one that ``Call`` hands to dbt: dbt writes its own anew at its calls, and a call
    that is killed leaves half of it. Raises ``DbtError`` with dbt's own words when the project does not parse.
    """
    target = target_folder(settings)
    manifest, stamp = target / _PARSED, target / "manifest.digest"
    current = digest(code_files(DBT_PROJECT), str(settings.build), str(DBT_PROJECT), version("dbt-core"))
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
    shutil.copyfile(target / "partial_parse.msgpack", target / _PARSED_FOR_DBT)
    sync(target / _PARSED_FOR_DBT)
    write_whole(stamp, current)
    return manifest


class Call:
    """One ``dbt build``. Its events are read while it runs; ``stop`` ends it; afterwards no file stays open here.

    ``select``: names or unique ids of the models to build, with the tests that look at them; None: everything. Only a
    call for everything leaves dbt's ``manifest.json``, with the SQL that it compiled.
    """

    def __init__(self, settings: Settings, select: Iterable[str] | None = None) -> None:
        up_to_date_manifest(settings)
        self.error: Exception | None = None
        self._settings = settings
        self._arguments = [*_OPTIONS, *BUILD_ARGUMENTS, "--project-dir", str(DBT_PROJECT)]
        if select is not None:
            self._arguments += ["--no-write-json", "--select", *sorted(name.rsplit(".", 1)[-1] for name in select)]
        self._events: SimpleQueue[dict[str, Any] | None] = SimpleQueue()
        self._thread = Thread(target=self._run, name="dbt", daemon=True)
        self._thread.start()

    def events(self) -> Iterator[dict[str, Any]]:
        """dbt's events as its JSON log has them, to the end of the call; then ``error`` is what ended it early."""
        while (event := self._events.get()) is not None:
            yield event
        self._thread.join()

    def stop(self) -> None:
        """End the call: every query that it begins is told to stop. Raises ``DbtError`` when that does not help."""
        from dbt.adapters.base.impl import BaseAdapter
        from dbt.adapters.factory import FACTORY

        until = time.monotonic() + SECONDS_TO_END
        while self._thread.is_alive():
            if time.monotonic() > until:
                raise DbtError("dbt goes on although it was told to stop: end this process")
            # what is cancelled may close at that very moment: the next round finds what is left
            with suppress(Exception):
                for adapter in list(FACTORY.adapters.values()):
                    cast(BaseAdapter, adapter).cancel_open_connections()
            self._thread.join(0.05)

    def _run(self) -> None:
        try:
            self.error = self._build()
        except Exception as error:  # noqa: BLE001 (it belongs to whoever reads the events, on another thread)
            self.error = error
        finally:
            self._events.put(None)

    def _build(self) -> Exception | None:
        from dbt.adapters.duckdb.connections import DuckDBConnectionManager
        from dbt.cli.main import dbtRunner
        from dbt.contracts.graph.manifest import Manifest

        manifest = Manifest.from_msgpack((target_folder(self._settings) / _PARSED_FOR_DBT).read_bytes())
        before = Path.cwd()
        try:
            outcome = dbtRunner(manifest, callbacks=[self._hear]).invoke(self._arguments)
        finally:
            os.chdir(before)  # dbt goes to its project's folder
            DuckDBConnectionManager.close_all_connections()
        if outcome.result is not None:
            write_whole(target_folder(self._settings) / _RESULTS, json.dumps({"results": _plain(outcome.result)}))
        return (
            outcome.exception if isinstance(outcome.exception, Exception | None) else DbtError(str(outcome.exception))
        )

    def _hear(self, event: Any) -> None:
        if event.info.name in _EVENTS:
            from google.protobuf.json_format import MessageToDict

            self._events.put(MessageToDict(event, preserving_proto_field_name=True))


_EVENTS = frozenset({"LogSeedResult", "LogModelResult", "LogTestResult"})
"""Those that tell what became of a node."""


def _plain(outcome: Any) -> list[dict[str, Any]]:
    return [
        {
            "unique_id": result.node.unique_id,
            "status": str(result.status),
            "message": result.message,
            "failures": result.failures,
            "execution_time": result.execution_time,
        }
        for result in outcome.results
    ]


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


def forget_results(settings: Settings) -> None:
    """Remove the last call's results, so that a call that dies early is not mistaken for it."""
    for name in (_EARLIER_RESULTS, _RESULTS):
        (target_folder(settings) / name).unlink(missing_ok=True)
