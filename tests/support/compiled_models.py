"""Models run many times over small worlds: dbt compiles them once, DuckDB runs their SQL in memory.

Belongs here: what property tests need that cannot wait seconds for every example. Everything else runs dbt itself
(``raw_build``): data tests, contracts and materialisations are not those of a build here.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import duckdb

from orchestration.calendars import trading_calendar
from orchestration.contracts import CONTRACTS
from orchestration.paths import DBT_PROJECT
from orchestration.sql import quoted
from tests.support.raw_build import raw_table
from warehouse.build import BuildParameters, prepare, repeated_keys


class CompiledModels:
    """``select`` (dbt selection syntax) compiled in ``folder``; ``run`` gives a connection with the layers' schemas."""

    def __init__(self, folder: Path, select: str) -> None:
        now = dt.datetime.now(dt.UTC)
        prepare(folder / "build", CONTRACTS, {}, trading_calendar(), BuildParameters(now, "159567.SZ", "987018.CNI"))
        done = subprocess.run(
            [
                *(str(Path(sys.executable).with_name("dbt")), "compile", "--quiet", "--select", select),
                *("--project-dir", str(DBT_PROJECT), "--profiles-dir", str(DBT_PROJECT)),
                *("--target-path", str(folder / "target"), "--log-path", str(folder / "logs")),
            ],
            env={**os.environ, "SECTOR_BUILD_DIR": str(folder / "build"), "DO_NOT_TRACK": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
        results = json.loads((folder / "target" / "run_results.json").read_text())["results"]
        nodes = json.loads((folder / "target" / "manifest.json").read_text())["nodes"]
        self.seeds = [
            (node["relation_name"], DBT_PROJECT / node["original_file_path"], node["config"]["column_types"])
            for node in nodes.values()
            if node["resource_type"] == "seed"
        ]
        code = {result["unique_id"]: result["compiled_code"] for result in results}
        self.parents = {name: nodes[name]["depends_on"]["nodes"] for name in code if name.startswith("model.")}
        self.models = {
            name: (nodes[name]["relation_name"], code[name], nodes[name]["config"]["materialized"])
            for name in TopologicalSorter(self.parents).static_order()
            if name in self.parents
        }

    def ancestry(self, marts: Sequence[str]) -> set[str]:
        """Unique ids of ``marts`` and all that they are made of."""
        found: set[str] = set()
        waiting = [name for name in self.models if name.rpartition(".")[2] in marts]
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                waiting.extend(parent for parent in self.parents.get(name, ()) if parent in self.models)
        return found

    def run(
        self, tables: Mapping[str, Sequence[Mapping[str, Any]]], as_of: dt.datetime, marts: Sequence[str]
    ) -> duckdb.DuckDBPyConnection:
        con = duckdb.connect(config={"threads": 1})
        con.execute("set TimeZone = 'Asia/Shanghai'")
        con.execute("attach ':memory:' as work")
        con.execute("attach ':memory:' as sector")
        for schema in ("raw", "control", "staging", "intermediate"):
            con.execute(f"create schema work.{schema}")
        for schema in ("reference", "marts", "desk"):
            con.execute(f"create schema sector.{schema}")
        calendar = trading_calendar()  # noqa: F841 (read by name from SQL)
        con.execute("create table work.control.trading_calendar as from calendar")
        con.execute("create table work.control.build_parameters as select cast(? as timestamptz) as as_of", [as_of])
        for name in CONTRACTS:
            rows = raw_table(name, tables.get(name, []))  # noqa: F841 (read by name from SQL)
            con.execute(f"create table work.raw.{name} as from rows")
        con.execute("use work")
        for name, contract in CONTRACTS.items():
            con.execute(f"create table work.control.repeated_{name} as {repeated_keys(contract)}")
        for relation, path, types in self.seeds:
            given = ", ".join(f"{quoted(column)}: {quoted(kind)}" for column, kind in types.items())
            option = f", types = {{{given}}}" if given else ""
            con.execute(f"create table {relation} as from read_csv({quoted(str(path))}{option})")
        wanted = self.ancestry(marts)
        for name, (relation, sql, materialized) in self.models.items():
            if name in wanted:
                con.execute(f"create {'view' if materialized == 'view' else 'table'} {relation} as {sql}")
        return con
