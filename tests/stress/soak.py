"""Daily runs in a row: time, memory, files and disk of a run must not creep with their number.

Run with ``make soak`` (``--days`` for fewer). A small market of a year is landed; then each session's files of the year
after come one by one, a run each, as in production. Prints a line a run and, at the end, the first tenth of the runs
beside the last one; ends with an error where the last tenth costs more than the limit, or a row is missing.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import duckdb
from rich.console import Console
from rich.progress import track
from rich.table import Table

from orchestration.calendars import trading_calendar
from orchestration.ingest import Ledger
from orchestration.settings import Settings
from tests.benchmarks.market import LAST_DAY, Market, write_market

GROWTH = 1.15
"""The last tenth of the runs may cost so much of the first tenth."""

KEPT = {
    "SECTOR_KEEP_RELEASES": "5",
    "SECTOR_KEEP_DAYS": "0",
    "SECTOR_KEEP_LAST_OF_DAY": "false",
    "SECTOR_KEEP_RUNS": "10",
}
"""Little is kept, so that retention reaches its steady state within a tenth of the runs."""


@dataclass(frozen=True)
class Lap:
    """A run: CPU and wall seconds with those of its children, most memory held by one process, and what lies in the
    home after it: files apart from landed ones, and their megabytes without what history itself takes (raw rows and
    the release)."""

    day: dt.date
    wall_s: float
    cpu_s: float
    peak_mb: float
    files: int
    other_mb: float


def sessions(first: dt.date, count: int) -> list[dt.date]:
    """The first ``count`` sessions of Shenzhen from ``first`` on."""
    calendar = trading_calendar()  # noqa: F841 (read by name from SQL)
    rows = duckdb.execute(
        "select date from calendar where is_session_szse and date >= ? order by date limit ?", [first, count]
    ).fetchall()
    return [day for (day,) in rows]


def run_day(settings: Settings, day: dt.date) -> Lap:
    """``sector run`` to its end. Raises ``RuntimeError`` with its last words when it fails or publishes nothing."""
    before = settings.current.readlink()
    began = time.perf_counter()
    with tempfile.TemporaryFile() as words:
        environment = {**os.environ, **KEPT, "SECTOR_HOME": str(settings.home)}
        process = subprocess.Popen(
            [sys.executable, "-m", "orchestration.cli", "run"], env=environment, stdout=words, stderr=words
        )
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        wall = time.perf_counter() - began
        words.seek(0)
        told = words.read().decode(errors="replace")
    if process.returncode or settings.current.readlink() == before:
        raise RuntimeError(f"{day}: exit {process.returncode}: {told[-2000:]}")
    files = [path for path in settings.home.rglob("*") if path.is_file() and settings.landing not in path.parents]
    history = (settings.raw, settings.releases, settings.build)
    other = sum(path.stat().st_size for path in files if not any(folder in path.parents for folder in history))
    return Lap(day, wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, len(files), other / 1e6)


def main() -> None:
    """Land and run, day by day."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=250)
    parser.add_argument("--share", type=float, default=0.01, help="of the whole market")
    options = parser.parse_args()
    market = Market(years=2).scaled(options.share)
    first = LAST_DAY.replace(year=LAST_DAY.year - 1) + dt.timedelta(days=1)
    folder = Path(tempfile.mkdtemp(prefix="sector-soak-"))
    console = Console()
    try:
        settings = Settings(home=folder / "home")
        write_market(settings.landing, market, last=first - dt.timedelta(days=1), ending="csv")
        laps = soak(settings, market, sessions(first, options.days), console)
    finally:
        shutil.rmtree(folder)
    if not report(laps, console):
        raise SystemExit(1)


def soak(settings: Settings, market: Market, days: list[dt.date], console: Console) -> list[Lap]:
    """The history in one run, then a run for each of ``days``."""
    subprocess.run(
        [sys.executable, "-m", "orchestration.cli", "run"],
        env={**os.environ, **KEPT, "SECTOR_HOME": str(settings.home)},
        check=True,
        capture_output=True,
    )
    laps = []
    for day in track(days, description="daily runs", console=console):
        write_market(settings.landing, market, day, day, ending="csv")
        laps.append(run_day(settings, day))
        lap = laps[-1]
        console.print(
            f"{lap.day}: {lap.wall_s:.1f} s, {lap.cpu_s:.1f} CPU s, {lap.peak_mb:.0f} MB, {lap.files} files, "
            f"{lap.other_mb:.1f} MB beside history"
        )
    landed = Ledger(settings.ledger).batches().to_pylist()
    with duckdb.connect() as con:
        for table, files in Ledger(settings.ledger).raw_files().items():
            paths = [str(path) for path in files]
            [(rows,)] = con.execute("select count(*) from read_parquet(?)", [paths]).fetchall()
            accepted = sum(batch["rows_accepted"] for batch in landed if batch["table_name"] == table)
            if rows != accepted:
                raise AssertionError(f"{table}: {rows} rows in raw, {accepted} were accepted")
    return laps


def report(laps: list[Lap], console: Console) -> bool:
    """Print the first tenth beside the last one; whether nothing creeps."""
    tenth = max(len(laps) // 10, 1)
    table = Table(title=f"{len(laps)} daily runs: median of the first and of the last {tenth}")
    for heading in ("", "first", "last", "last / first"):
        table.add_column(heading, justify="right" if heading else "left")
    steady = True
    # the first runs have not removed anything yet: what lies there is compared once retention is at work
    for name, start in (
        ("wall_s", 0),
        ("cpu_s", 0),
        ("peak_mb", 0),
        ("files", len(laps) // 3),
        ("other_mb", len(laps) // 3),
    ):
        first, last = (
            statistics.median(getattr(lap, name) for lap in some)
            for some in (laps[start : start + tenth], laps[-tenth:])
        )
        table.add_row(name, f"{first:.1f}", f"{last:.1f}", f"{last / first:.2f}")
        steady &= last <= first * GROWTH
    console.print(table)
    console.print("nothing creeps" if steady else f"[red]more than {GROWTH:.2f} times the first runs")
    return steady


if __name__ == "__main__":
    main()
