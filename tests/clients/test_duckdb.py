"""The published file in DuckDB of its own and of older versions: tables, types, comments and figures are the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.clients.environments import HERE, READING, answer, python_with


def versions_beside_ours() -> list[str]:
    return ["1.4", "1.5"]


@pytest.fixture(params=versions_beside_ours())
def theirs(request: pytest.FixtureRequest, published: Path) -> dict[str, Any]:
    """What an older DuckDB reads in the same file."""
    python = python_with(HERE / "requirements" / f"duckdb-{request.param}.txt")
    found = answer([str(python), str(READING / "with_duckdb.py"), str(published)])
    assert found["version"].startswith(request.param)
    return found


def test_the_catalog_is_called_sector_whatever_the_link_points_to(ours: dict[str, Any]) -> None:
    assert ours["catalog"] == "sector"
    assert ours["version"] == duckdb.__version__


def test_types_are_those_that_clients_know(ours: dict[str, Any]) -> None:
    assert ours["values"]["close"][0] == "Decimal"
    assert ours["values"]["net_flow_cny"][0] == "Decimal"
    assert ours["values"]["trade_date"] == ["date", "2025-04-22"]
    assert ours["values"]["knowledge_at"][0] == "datetime"
    assert ours["offset"] == "8:00:00", "a moment carries its zone"
    types = {data_type for table in ours["tables"].values() for _, data_type, _ in table["columns"]}
    assert types <= {
        *("VARCHAR", "DATE", "TIMESTAMP WITH TIME ZONE", "BOOLEAN", "INTEGER", "BIGINT", "DOUBLE"),
        *("DECIMAL(18,4)", "DECIMAL(20,2)"),
    }, "plain types alone: what lists, structs and wide integers become differs from client to client"


def test_every_table_and_column_is_described_where_clients_look(ours: dict[str, Any]) -> None:
    bare = [name for name, table in ours["tables"].items() if not table["comment"]]
    assert bare == []
    columns = [
        (name, column, comment) for name, table in ours["tables"].items() for column, _, comment in table["columns"]
    ]
    assert [(name, column) for name, column, comment in columns if not (comment or "").endswith("]")] == []


def test_the_desk_has_its_fifteen_questions(ours: dict[str, Any]) -> None:
    desk = {name: table for name, table in ours["tables"].items() if name.startswith("desk.")}
    assert sum(name.startswith("desk.q") for name in desk) == 15
    assert all(table["view"] for table in desk.values())
    assert [name for name, table in desk.items() if not table["rows"]] == []


def test_whoever_opens_it_read_only_cannot_write(ours: dict[str, Any]) -> None:
    assert [said for said in ours["refusals"] if "read-only" not in said] == []


@pytest.mark.clients
def test_an_older_duckdb_reads_the_same(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    assert theirs["catalog"] == "sector"
    assert theirs["values"] == ours["values"]
    assert theirs["offset"] == ours["offset"]
    assert set(theirs["tables"]) == set(ours["tables"])
    other = {name: table for name, table in theirs["tables"].items() if table != ours["tables"][name]}
    assert other == {}
    assert [said for said in theirs["refusals"] if "read-only" not in said] == []


@pytest.mark.clients
def test_a_file_in_the_writers_own_format_would_be_refused(tmp_path: Path) -> None:
    """Why a release is written in the format of 1.4: the default of the DuckDB that builds it opens nowhere else."""
    newest = tmp_path / "newest.duckdb"
    duckdb.connect(str(newest)).close()
    python = python_with(HERE / "requirements" / "duckdb-1.5.txt")
    with pytest.raises(RuntimeError, match="version number"):
        answer([str(python), str(READING / "with_duckdb.py"), str(newest)])
