"""Fixtures of all tests."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from orchestration.paths import PROJECT_ROOT
from tests.support.fake_provider import FakeProvider, serving
from tests.support.planted_keys import SECRETS
from tests.support.warehouse_home import Home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """An empty warehouse."""
    return Home(tmp_path / "home")


@pytest.fixture
def fake_provider() -> Iterator[FakeProvider]:
    """A provider on loopback that answers as told."""
    with serving() as server:
        yield server


@pytest.fixture(scope="session")
def run(tmp_path_factory):
    """A run of the sample as of the note's minute, with planted keys in its environment: its home, and what it said."""
    home = tmp_path_factory.mktemp("home")
    environment = {**os.environ, **SECRETS, "SECTOR_HOME": str(home), "PYTHONPATH": str(PROJECT_ROOT)}

    def sector(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-W", "ignore", "-m", "orchestration.cli", *arguments]
        done = subprocess.run(command, cwd=PROJECT_ROOT, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr + done.stdout
        return done

    sector("sample")
    done = sector("run", "--as-of", "2025-04-24T10:30:00+08:00", "--current", "--json")
    return home, json.loads(done.stdout)


@pytest.fixture(scope="session")
def release(run):
    """The published file of that run, open for reading."""
    home, _ = run
    with duckdb.connect(str(home / "current" / "sector.duckdb"), read_only=True) as con:
        yield con


_status = {"exit": 0}


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    _status["exit"] = int(exitstatus)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave before DuckDB 2.0's bindings list what other libraries still hold: it buries the closing line."""
    if hasattr(config, "workerinput"):  # a worker of pytest-xdist: its last words go to the controller
        return
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(_status["exit"])
