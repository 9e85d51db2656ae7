"""The project's documentation as one page of a release: models, lineage, columns, metrics, exposures.

The page is dbt's own, with the manifest of the build and a catalog of the released file set into it, so that it opens
without a server or a network. Belongs here: joining the two. Does not belong here: any description (the models' .yml
files have those), the ``meta`` schema (``warehouse.catalog``).
"""

from __future__ import annotations

import json
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import duckdb

from warehouse.catalog import PUBLISHED

PAGE = "dbt/task/docs/index.html"
"""Place of dbt's page within the distribution dbt-core."""

MANIFEST_MARK = '"MANIFEST.JSON INLINE DATA"'
CATALOG_MARK = '"CATALOG.JSON INLINE DATA"'

STYLE = (
    "<style>"
    'td[style*="max-width: 1px"]{white-space:normal!important;max-width:none!important;min-width:26em}'
    'td[style*="max-width: 1px"]+td,th[style*="sticky"]:nth-child(4){display:none}'
    ".detail-body{white-space:normal!important;overflow-x:visible!important}"
    "</style></head>"
)
"""Descriptions of columns in full, where dbt's page cuts them after a word, in the place of an empty list of
constraints; details without a scroll bar."""


def render_docs(manifest: Path, marts: Path) -> str:
    """The page for the build whose dbt ``manifest`` and ``sector.duckdb`` (its ``meta`` written) are given.

    Raises ``ValueError`` when the installed dbt's page has no place for the data.
    """
    page = Path(str(distribution("dbt-core").locate_file(PAGE))).read_text(encoding="utf-8")
    if MANIFEST_MARK not in page or CATALOG_MARK not in page:
        raise ValueError(f"{PAGE} of dbt-core has no place for manifest and catalog: pin the version of pyproject.toml")
    content = _own(json.loads(manifest.read_text(encoding="utf-8")))
    page = page.replace("<title>dbt Docs</title>", "<title>Sector warehouse</title>").replace("</head>", STYLE, 1)
    return page.replace(MANIFEST_MARK, _inline(content)).replace(CATALOG_MARK, _inline(_catalog(content, marts)))


def _own(manifest: dict[str, Any]) -> dict[str, Any]:
    """The manifest without dbt's own macros (a third of it), without leave to call home, and with units in words."""
    project = manifest["metadata"].get("project_name")
    macros = {name: macro for name, macro in manifest["macros"].items() if macro["package_name"] == project}
    metadata = {**manifest["metadata"], "send_anonymous_usage_stats": False, "user_id": None}
    nodes = {
        name: {**node, "columns": _with_units(node.get("columns", {}))} for name, node in manifest["nodes"].items()
    }
    return {**manifest, "metadata": metadata, "macros": macros, "nodes": nodes}


def _with_units(columns: dict[str, Any]) -> dict[str, Any]:
    """Columns whose descriptions end with the unit, as in ``meta.columns``."""
    told = {}
    for name, column in columns.items():
        unit = (column.get("config", {}).get("meta") or column.get("meta") or {}).get("unit")
        told[name] = {**column, "description": f"{column['description']} [{unit}]"} if unit else column
    return told


def _catalog(manifest: dict[str, Any], marts: Path) -> dict[str, Any]:
    """Types and row counts of the published relations in the form of dbt's catalog.json."""
    with duckdb.connect(str(marts), read_only=True) as con:
        columns: dict[tuple[str, str], dict[str, Any]] = {}
        for schema, table, name, ordinal, kind in con.execute(
            "select table_schema, table_name, column_name, ordinal, data_type from meta.columns order by all"
        ).fetchall():
            columns.setdefault((schema, table), {})[name] = {"type": kind, "index": ordinal, "name": name}
        rows = {
            (schema, table): count
            for schema, table, count in con.execute("select table_schema, table_name, rows from meta.tables").fetchall()
        }
    nodes = {}
    for unique_id, node in manifest["nodes"].items():
        place = (node.get("schema"), node.get("alias") or node["name"])
        if node["resource_type"] in ("model", "seed") and place in columns and place[0] in PUBLISHED:
            nodes[unique_id] = {
                "unique_id": unique_id,
                "metadata": {
                    "type": "VIEW" if place[0] == "desk" else "BASE TABLE",
                    "schema": place[0],
                    "name": place[1],
                    "database": node["database"],
                    "comment": None,
                    "owner": None,
                },
                "columns": columns[place],
                "stats": {
                    "has_stats": {"id": "has_stats", "label": "Has Stats?", "value": True, "include": False},
                    "row_count": {"id": "row_count", "label": "Rows", "value": rows.get(place), "include": True},
                },
            }
    return {"metadata": {}, "nodes": nodes, "sources": {}, "errors": None}


def _inline(content: dict[str, Any]) -> str:
    """JSON that no text of it can leave: it stands inside a script element."""
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).replace("</", "<\\/")
