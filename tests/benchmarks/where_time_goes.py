"""Where the time of a run goes, on the sample: imports, dbt parse, ingest, build, gate, release, and whole commands.

Run with ``make bench``. Prints a table; ``--json FILE`` writes the figures too. No test: machines differ.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.table import Table

IMPORTS = ("polars", "duckdb", "dagster", "dagster_dbt", "great_expectations")


def cpu_seconds() -> float:
    """CPU time of this process and of its finished children."""
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


class Stopwatch:
    """Wall and CPU seconds by name, in order."""

    def __init__(self) -> None:
        self.laps: list[tuple[str, float, float]] = []

    @contextmanager
    def lap(self, name: str) -> Iterator[None]:
        wall, cpu = time.perf_counter(), cpu_seconds()
        yield
        self.laps.append((name, time.perf_counter() - wall, cpu_seconds() - cpu))


def python(code: str) -> None:
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def measure(home: Path) -> Stopwatch:
    """One warehouse from the sample, stage by stage, then by whole commands."""
    from orchestration import transform
    from orchestration.contracts import CONTRACTS
    from orchestration.providers.sample import write_sample
    from orchestration.refresh import Refresh
    from orchestration.settings import Settings

    watch, settings = Stopwatch(), Settings(home=home)
    with watch.lap("start Python"):
        python("pass")
    for module in IMPORTS:
        with watch.lap(f"import {module}"):
            python(f"import {module}")
    with watch.lap("write the sample"):
        write_sample(settings.landing, 7)
    with watch.lap("dbt parse, cold"):
        transform.up_to_date_manifest(settings)
    with watch.lap("dbt parse, nothing changed"):
        transform.up_to_date_manifest(settings)
    run = Refresh(settings, force=True)
    with watch.lap("ingest"):
        for table in CONTRACTS:
            run.ingest(table)
    with watch.lap("prepare the build files"):
        run.prepare()
    with watch.lap("dbt build"):
        subprocess.run(
            [transform.executable(), "--quiet", *transform.BUILD_ARGUMENTS],
            env={**os.environ, **transform.environment(settings)},
            cwd=transform.DBT_PROJECT,
            check=True,
            capture_output=True,
        )
        run.built(None)
    with watch.lap("gate"):
        run.audit()
    with watch.lap("release and note"):
        run.publish()
    command = [sys.executable, "-m", "orchestration.cli"]
    environment = {**os.environ, "SECTOR_HOME": str(home)}
    (settings.landing / "fx_rates" / "one_more.csv").write_text(
        "pair,kind,rate_date,rate\nHKDCNY,market,2025-04-23,0.94\n"
    )
    with watch.lap("sector run, one row more"):
        subprocess.run([*command, "run"], env=environment, check=True, capture_output=True)
    with watch.lap("sector run, nothing new"):
        subprocess.run([*command, "run"], env=environment, check=True, capture_output=True)
    return watch


def main() -> None:
    """Measure in a temporary folder and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="sector-bench-"))
    try:
        watch = measure(folder / "home")
    finally:
        shutil.rmtree(folder)
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    table = Table(title=f"Where the time goes ({machine})")
    for heading, side in (("stage", "left"), ("wall s", "right"), ("CPU s", "right")):
        table.add_column(heading, justify=side)  # type: ignore[arg-type]
    for name, wall, cpu in watch.laps:
        table.add_row(name, f"{wall:.2f}", f"{cpu:.2f}")
    Console().print(table)
    if arguments.json:
        rows = [{"stage": name, "wall_s": round(wall, 3), "cpu_s": round(cpu, 3)} for name, wall, cpu in watch.laps]
        arguments.json.write_text(json.dumps({"machine": machine, "stages": rows}, indent=1))


if __name__ == "__main__":
    main()
