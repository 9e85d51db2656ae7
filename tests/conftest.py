"""Fixtures of all tests."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.fake_provider import FakeProvider, serving
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
