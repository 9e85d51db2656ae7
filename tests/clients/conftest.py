"""What the tests of clients share: the published file, and what this project's own DuckDB reads in it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.clients.environments import READING, answer


@pytest.fixture(scope="session")
def published(request: pytest.FixtureRequest) -> Path:
    """``current/sector.duckdb`` of the shared run of the sample, or of the home that SECTOR_CLIENTS_HOME names."""
    given = os.environ.get("SECTOR_CLIENTS_HOME")
    home = Path(given) if given else request.getfixturevalue("run")[0]
    return home / "current" / "sector.duckdb"


@pytest.fixture(scope="session")
def flow_of_all(published: Path) -> tuple[int, str]:
    """Rows of ``fct_etf_daily`` and the sum of its flows as text."""
    with duckdb.connect(str(published), read_only=True) as con:
        query = "select count(*), sum(net_flow_cny)::varchar from marts.fct_etf_daily"
        [(rows, flow)] = con.execute(query).fetchall()
    return rows, flow


@pytest.fixture(scope="session")
def ours(published: Path) -> dict[str, Any]:
    """What the DuckDB that wrote the file reads in it."""
    return answer([sys.executable, str(READING / "with_duckdb.py"), str(published)])
