"""A `sector ui` of its own for tests and pictures: started, asked through GraphQL, stopped."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from orchestration.instance import PROJECT_ROOT, environment
from orchestration.settings import Settings

SECONDS_TO_START = 240
SECONDS_TO_RUN = 600
SECONDS_TO_TICK = 150

LOCATIONS = """{ workspaceOrError { ... on Workspace { locationEntries {
    loadStatus locationOrLoadError { __typename ... on PythonError { message } } } } } }"""

RUNS = "{ runsOrError { ... on Runs { results { runId status pipelineName tags { key value } } } } }"

SWITCHES = """{ workspaceOrError { ... on Workspace { locationEntries { locationOrLoadError {
    ... on RepositoryLocation { repositories {
        schedules { name scheduleState { status } } sensors { name sensorState { status } } } } } } } } }"""

SCHEDULE_TICKS = """query Ticks($schedule: ScheduleSelector!) { scheduleOrError(scheduleSelector: $schedule) {
    ... on Schedule { scheduleState { ticks(limit: 5) { status runIds skipReason error { message } } } } } }"""

TICKS = """query Ticks($sensor: SensorSelector!) { sensorOrError(sensorSelector: $sensor) { ... on Sensor {
    sensorState { ticks(limit: 20) { status skipReason error { message } } } } } }"""


def _two_free_ports() -> int:
    """A port that is free together with the next one."""
    while True:
        with socket.create_server(("127.0.0.1", 0)) as first:
            port = first.getsockname()[1]
            try:
                with socket.create_server(("127.0.0.1", port + 1)):
                    return port
            except (OSError, OverflowError):
                continue


def restore_interrupt() -> None:
    """A process started in the background ignores SIGINT, and Dagster maps SIGTERM to what SIGINT does."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


class Ui:
    """A `sector ui` on a free port of the loopback, its pages on the next, on a SECTOR_HOME of its own."""

    def __init__(self, settings: Settings, log: Path, variables: dict[str, str] | None = None) -> None:
        port = _two_free_ports()
        self.url, self.pages, self.log = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{port + 1}", log
        with log.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "orchestration.cli", "ui", "--port", str(port)],
                env={**environment(settings), **(variables or {})},
                cwd=PROJECT_ROOT,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=restore_interrupt,
            )

    def ask(self, query: str, **variables: Any) -> dict:
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(f"{self.url}/graphql", body, {"content-type": "application/json"})  # noqa: S310 (our own http:// address)
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
            return json.load(answer)["data"]

    def wait_until_loaded(self) -> None:
        deadline = time.monotonic() + SECONDS_TO_START
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.log.read_text()[-3000:]
            try:
                entries = self.ask(LOCATIONS)["workspaceOrError"]["locationEntries"]
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                entries = []
            if entries and entries[0]["loadStatus"] == "LOADED":
                loaded = entries[0]["locationOrLoadError"]
                assert loaded["__typename"] == "RepositoryLocation", loaded
                return
            time.sleep(1)
        pytest.fail(f"the UI did not load in {SECONDS_TO_START} s: {self.log.read_text()[-3000:]}")

    def wait_for_run(self, job: str, ended: int = 1) -> dict:
        """The latest of ``ended`` runs of a job, once so many have ended."""
        deadline = time.monotonic() + SECONDS_TO_RUN
        while time.monotonic() < deadline:
            runs = [run for run in self.ask(RUNS)["runsOrError"]["results"] if run["pipelineName"] == job]
            if sum(run["status"] in {"SUCCESS", "FAILURE", "CANCELED"} for run in runs) >= ended:
                return {**runs[0], "tags": {tag["key"]: tag["value"] for tag in runs[0]["tags"]}}
            time.sleep(1)
        pytest.fail(f"no run of {job} ended in {SECONDS_TO_RUN} s: {self.log.read_text()[-3000:]}")

    def wait_for_tick(self, sensor: str, says: str) -> None:
        """Until a tick of a sensor has said that."""
        selector = {
            "repositoryLocationName": "sector_warehouse",
            "repositoryName": "__repository__",
            "sensorName": sensor,
        }
        deadline = time.monotonic() + SECONDS_TO_TICK
        while time.monotonic() < deadline:
            ticks = self.ask(TICKS, sensor=selector)["sensorOrError"]["sensorState"]["ticks"]
            assert not [tick["error"] for tick in ticks if tick["error"]]
            if any(says in (tick["skipReason"] or "") for tick in ticks):
                return
            time.sleep(1)
        pytest.fail(f"no tick of {sensor} said {says!r} in {SECONDS_TO_TICK} s, but {ticks}")

    def wait_for_schedule(self, name: str) -> dict:
        """The first tick of a schedule that was told."""
        selector = {
            "repositoryLocationName": "sector_warehouse",
            "repositoryName": "__repository__",
            "scheduleName": name,
        }
        deadline = time.monotonic() + SECONDS_TO_TICK
        while time.monotonic() < deadline:
            ticks = self.ask(SCHEDULE_TICKS, schedule=selector)["scheduleOrError"]["scheduleState"]["ticks"]
            if ended := [tick for tick in ticks if tick["status"] != "STARTED"]:
                return ended[-1]
            time.sleep(1)
        pytest.fail(f"no tick of {name} in {SECONDS_TO_TICK} s")

    def is_on(self, name: str) -> bool:
        """Whether a schedule or sensor is switched on."""
        [entry] = self.ask(SWITCHES)["workspaceOrError"]["locationEntries"]
        [found] = entry["locationOrLoadError"]["repositories"]
        states = {
            **{schedule["name"]: schedule["scheduleState"]["status"] for schedule in found["schedules"]},
            **{sensor["name"]: sensor["sensorState"]["status"] for sensor in found["sensors"]},
        }
        return states[name] == "RUNNING"

    def stop(self) -> None:
        os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
