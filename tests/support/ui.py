"""A `sector ui` of its own for tests and pictures: started, asked through GraphQL, stopped."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from orchestration import instance
from orchestration.settings import Settings

SECONDS_TO_START = 240
SECONDS_TO_RUN = 600

LOCATIONS = """{ workspaceOrError { ... on Workspace { locationEntries {
    loadStatus locationOrLoadError { __typename ... on PythonError { message } } } } } }"""

RUNS = "{ runsOrError { ... on Runs { results { runId status pipelineName } } } }"


def restore_interrupt() -> None:
    """A process started in the background ignores SIGINT, and Dagster maps SIGTERM to what SIGINT does."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


class Ui:
    """A `sector ui` on a free port of the loopback, on a SECTOR_HOME of its own."""

    def __init__(self, settings: Settings, log: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url, self.log = f"http://127.0.0.1:{port}", log
        with log.open("w") as output:
            self.process = subprocess.Popen(
                instance.command("127.0.0.1", port),
                env=instance.environment(settings),
                cwd=instance.PROJECT_ROOT,
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

    def wait_for_run(self) -> dict:
        deadline = time.monotonic() + SECONDS_TO_RUN
        while time.monotonic() < deadline:
            runs = self.ask(RUNS)["runsOrError"]["results"]
            if runs and runs[0]["status"] in {"SUCCESS", "FAILURE", "CANCELED"}:
                return runs[0]
            time.sleep(2)
        pytest.fail(f"no run ended in {SECONDS_TO_RUN} s: {self.log.read_text()[-3000:]}")

    def stop(self) -> None:
        os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
