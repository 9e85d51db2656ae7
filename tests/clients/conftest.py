"""What the tests of clients share: the published file, and what this project's own DuckDB reads in it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from tests.clients.environments import READING, answer


@pytest.fixture(scope="session")
def published(run) -> Path:
    """``current/sector.duckdb`` of the shared run of the sample."""
    home, _ = run
    return home / "current" / "sector.duckdb"


@pytest.fixture(scope="session")
def ours(published: Path) -> dict[str, Any]:
    """What the DuckDB that wrote the file reads in it."""
    return answer([sys.executable, str(READING / "with_duckdb.py"), str(published)])
