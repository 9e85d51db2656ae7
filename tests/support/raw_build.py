"""Raw tables from plain rows, and a dbt run over them. Belongs here: what pipeline tests of the models share."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.calendars import trading_calendar
from orchestration.contracts import CONTRACTS
from orchestration.paths import PROJECT_ROOT
from warehouse.build import MARTS_FILE, BuildParameters, prepare

INGESTED_AT = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)


def raw_table(name: str, rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Rows of contract columns as the raw table's Arrow table; provenance that a row does not give is filled in."""
    provenance = {"_feed": "test", "_file": "rows", "_batch_id": "one", "_ingested_at": INGESTED_AT}
    return pa.Table.from_pylist(
        [{**provenance, "_row": number, "_knowledge_source": "rule", **row} for number, row in enumerate(rows)],
        schema=CONTRACTS[name].arrow_schema(),
    )


def run_models(
    folder: Path, tables: Mapping[str, Sequence[Mapping[str, Any]]], as_of: dt.datetime, select: str
) -> Path:
    """Build the selected models (dbt selection syntax) over ``tables`` as of a moment; gives the marts' file."""
    files: dict[str, list[Path]] = {}
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in tables.items():
        files[name] = [folder / f"{name}.parquet"]
        pq.write_table(raw_table(name, rows), files[name][0])
    return run_models_on(folder, files, as_of, select)


def run_models_on(folder: Path, files: Mapping[str, Sequence[Path]], as_of: dt.datetime, select: str) -> Path:
    """The same over raw Parquet files by table, such as a ledger names."""
    prepare(folder, CONTRACTS, files, trading_calendar(), BuildParameters(as_of, "159567.SZ", "987018.CNI"))
    project = str(PROJECT_ROOT / "dbt_project")
    dbt = Path(sys.executable).with_name("dbt")
    command = [str(dbt), "build", "--quiet", "--select", select, "--exclude-resource-type", "unit_test"]
    # one parse of the project serves every run of a test: the target folder lies beside the builds
    options = ["--project-dir", project, "--profiles-dir", project, "--target-path", str(folder.parent / "target")]
    done = subprocess.run(
        [*command, *options, "--log-path", str(folder / "logs")],
        env={**os.environ, "SECTOR_BUILD_DIR": str(folder), "DO_NOT_TRACK": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
    return folder / MARTS_FILE
