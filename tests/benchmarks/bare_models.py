"""The floor of the models: what dbt compiled for a build, as one bare DuckDB script over the same raw rows.

Run as ``python -m tests.benchmarks.bare_models HOME FOLDER`` after a full run of ``HOME``; the tables go to ``FOLDER``.
No contracts, no tests, no events: the queries alone, one after the other. Does not belong here: the floor that says the
same in fewer words (``floor.sql``), what is compared (``scale``).
"""

from __future__ import annotations

import json
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import duckdb

from orchestration.settings import Settings
from orchestration.sql import quoted
from orchestration.transform import target_folder
from warehouse.build import MARTS_FILE, WORK_FILE

SCHEMAS = {"work": ("raw", "control", "staging", "intermediate"), "sector": ("reference", "marts", "desk", "meta")}
GIVEN = (("work", "raw"), ("work", "control"), ("sector", "reference"), ("sector", "meta"))
"""Schemas that dbt's models read and do not make: raw rows, the moment of the build, seeds, accounting."""


def build(settings: Settings, folder: Path) -> None:
    """Make every model of the build in ``settings.home`` anew, in ``folder``."""
    nodes = json.loads((target_folder(settings) / "manifest.json").read_text(encoding="utf-8"))["nodes"]
    models = {key: node for key, node in nodes.items() if node["resource_type"] == "model"}
    order = TopologicalSorter(
        {key: [parent for parent in node["depends_on"]["nodes"] if parent in models] for key, node in models.items()}
    )
    folder.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(folder / WORK_FILE), config=dict(settings.limits)) as con:
        con.execute("set enable_progress_bar = false")
        con.execute("set TimeZone = 'Asia/Shanghai'")
        con.execute(f"attach {quoted(str(folder / MARTS_FILE))} as sector")
        for database, schemas in SCHEMAS.items():
            for schema in schemas:
                con.execute(f"create schema {database}.{schema}")
        for file, database in ((WORK_FILE, "work"), (MARTS_FILE, "sector")):
            con.execute(f"attach {quoted(str(settings.build / file))} as built_{database} (read_only)")
        for database, schema in GIVEN:
            of = [f"built_{database}", schema]
            theirs = "where database_name = ? and schema_name = ?"
            views = con.execute(f"select sql from duckdb_views() {theirs}", of)
            for (sql,) in views.fetchall():
                con.execute(sql.replace(f"CREATE VIEW {schema}.", f"create view {database}.{schema}."))
            tables = con.execute(f"select table_name from duckdb_tables() {theirs}", of)
            for (name,) in tables.fetchall():
                con.execute(f'create table {database}.{schema}."{name}" as from {of[0]}.{schema}."{name}"')
        for database in SCHEMAS:
            con.execute(f"detach built_{database}")
        for key in order.static_order():
            node = models[key]
            kind = "view" if node["config"]["materialized"] == "view" else "table"
            con.execute(f"create {kind} {node['relation_name']} as {node['compiled_code']}")


if __name__ == "__main__":
    build(Settings(home=Path(sys.argv[1])), Path(sys.argv[2]))
