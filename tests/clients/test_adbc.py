"""ADBC with the driver of DuckDB's own wheel: Arrow in, nothing written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.clients.environments import HERE, READING, answer, python_with


@pytest.mark.clients
def test_arrow_types_and_figures_through_adbc(
    published: Path, ours: dict[str, Any], flow_of_all: tuple[int, str]
) -> None:
    python = python_with(HERE / "requirements" / "adbc.txt")
    found = answer([str(python), str(READING / "with_adbc.py"), str(published)])
    assert found["types"] == {
        "etf_code": "string", "trade_date": "date32[day]", "close": "decimal128(18, 4)",
        "net_flow_cny": "decimal128(20, 2)", "shares": "int64", "knowledge_at": found["types"]["knowledge_at"],
    }  # fmt: skip
    assert found["types"]["knowledge_at"].startswith("timestamp[us, tz=")
    assert (found["rows"], found["flow"]) == flow_of_all
    assert found["desk"] == {
        name.removeprefix("desk."): table["rows"] for name, table in ours["tables"].items() if name.startswith("desk.")
    }
    assert "read-only" in found["refused"]
