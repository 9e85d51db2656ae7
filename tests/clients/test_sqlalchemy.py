"""SQLAlchemy and duckdb-engine on the published file: queries with every version, reflection with those that can.

The versions that cannot are held here too, so that the README's word about them is noticed when it gets old.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from tests.clients.environments import HERE, READING, answer, python_with

SCRIPT = str(READING / "with_sqlalchemy.py")


def hold(found: dict[str, Any], ours: dict[str, Any]) -> None:
    """Schemas, tables, views, figures and the refusal to write."""
    assert {"sector.marts", "sector.desk", "sector.meta"} <= set(found["schemas"])
    marts = {name.removeprefix("marts.") for name in ours["tables"] if name.startswith("marts.")}
    assert set(found["tables"]) == marts
    views = [name.removeprefix("desk.") for name in ours["tables"] if name.startswith("desk.")]
    assert sorted(found["views"]) == sorted(views)
    assert found["figures"][0] > 0
    assert dict(zip(found["views"], found["desk"], strict=True)) == {
        v: ours["tables"][f"desk.{v}"]["rows"] for v in views
    }
    assert "read-only" in found["writing"]


def hold_reflection(found: dict[str, Any]) -> None:
    assert found["reflecting"] == ""
    types = {name: found["columns"][name] for name in ("etf_code", "trade_date", "close", "net_flow_cny", "shares")}
    assert types == {
        "etf_code": "VARCHAR", "trade_date": "DATE", "close": "NUMERIC(18, 4)", "net_flow_cny": "NUMERIC(20, 2)",
        "shares": "BIGINT",
    }  # fmt: skip
    assert found["columns"]["knowledge_at"].startswith("TIMESTAMP")


def test_with_this_projects_versions(published: Path, ours: dict[str, Any]) -> None:
    found = answer([sys.executable, SCRIPT, str(published)])
    assert found["versions"]["sqlalchemy"].startswith("2.0.")
    hold(found, ours)
    hold_reflection(found)


@pytest.mark.clients
def test_with_sqlalchemy_1_4_as_superset_has_it(published: Path, ours: dict[str, Any]) -> None:
    python = python_with(HERE / "requirements" / "sqlalchemy-1.4.txt")
    found = answer([str(python), SCRIPT, str(published)])
    hold(found, ours)
    hold_reflection(found)


@pytest.mark.clients
def test_with_sqlalchemy_2_1_queries_work_and_reflecting_columns_does_not(
    published: Path, ours: dict[str, Any]
) -> None:
    python = python_with(HERE / "requirements" / "sqlalchemy-2.1.txt")
    found = answer([str(python), SCRIPT, str(published)])
    hold(found, ours)
    assert "pg_collation" in found["reflecting"], "it can now: say so in the README and drop this test's second half"
