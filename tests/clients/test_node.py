"""DuckDB for Node on the published file."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.clients.environments import HERE, answer, node_modules


@pytest.mark.clients
@pytest.mark.skipif(shutil.which("node") is None or shutil.which("npm") is None, reason="no node and npm on PATH")
def test_types_figures_and_comments_through_node(
    published: Path, ours: dict[str, Any], flow_of_all: tuple[int, str]
) -> None:
    folder = node_modules(HERE / "node")
    shutil.copyfile(HERE / "node" / "read.mjs", folder / "read.mjs")
    found = answer(["node", str(folder / "read.mjs"), str(published)], cwd=folder)
    assert found["types"] == ["DECIMAL(18,4)", "DECIMAL(20,2)", "TIMESTAMP WITH TIME ZONE"]
    assert (found["rows"], found["flow"]) == flow_of_all
    assert found["comment"].endswith("[CNY]")
    assert found["desk"] == {
        name.removeprefix("desk."): table["rows"] for name, table in ours["tables"].items() if name.startswith("desk.")
    }
    assert "read-only" in found["refused"]
