"""Ingest beside the floor: what DuckDB's own CSV reader takes for the same files, types, provenance and Parquet.

Run with ``make bench``. Every case runs in a process of its own, so that its greatest memory is its own; ratios are of
one run on one machine. ``--rows`` and ``--files`` make it smaller, ``--json FILE`` writes the figures too. No test:
machines differ, and so does what else they do (CPU seconds are the steadier figure).
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
from rich.console import Console
from rich.table import Table

THREADS = 2
ROWS_A_DAY = 400
NEW_DAY = dt.date(2026, 3, 2)
INGESTED_AT = dt.datetime(2026, 3, 2, 12, 0, tzinfo=dt.UTC)
CANONICAL = ("etf_code", "trade_date", "open", "high", "low", "close", "prev_close", "volume_shares", "turnover_cny")
AKSHARE = ("日期", "开盘", "收盘", "最高", "最低", "成交量", "成交额", "振幅", "涨跌幅", "涨跌额", "换手率", "etf_code")
PROVENANCE = (
    "'canonical' as _feed, filename as _file, row_number() over () + 1 as _row, filename as _batch_id,"
    " timestamptz '2026-03-02 12:00:00+00' as _ingested_at, 'rule' as _knowledge_source,"
    " cast(cast(trade_date as timestamp) + interval 7 hours as timestamptz) as knowledge_at"
)


# ------------------------------------------------------------------ files


def bars(con: duckdb.DuckDBPyConnection, codes: int, first: dt.date, last: dt.date) -> str:
    """SQL of made-up daily bars of so many ETFs on the sessions between two days, ordered by code and day."""
    from orchestration.calendars import trading_calendar

    con.register("calendar", trading_calendar())
    return f"""
        with etf as (select i, cast(159000 + i % 1000 as varchar) || '.SZ' as code from range({min(codes, 1000)}) t(i)
            union all
            select i, cast(510000 + i - 1000 as varchar) || '.SH' as code from range(1000, {max(codes, 1000)}) t(i)),
        day as (select date from calendar where is_session_szse and date between date '{first}' and date '{last}'),
        bar as (select code, date, cast(1.5 + (i % 97) / 25 + sin(i + epoch(date) / 1e7) as decimal(18, 3)) as p,
            hash(i, epoch(date)) as h from etf, day)
        select code as etf_code, date as trade_date, p as open, p + 0.05 as high, p - 0.05 as low,
            p + cast(h % 90 / 1000 as decimal(18, 3)) - 0.045 as close, p - 0.01 as prev_close,
            h % 1000000000 * 100 as volume_shares, cast(h % 100000000000 / 100 as decimal(18, 2)) as turnover_cny
        from bar order by etf_code, trade_date"""


def write_bars(path: Path, rows: int, *, akshare: bool = False) -> int:
    """One file of about so many daily bars; gives their exact number."""
    path.parent.mkdir(parents=True, exist_ok=True)
    days = 5_000
    with duckdb.connect() as con:
        con.execute("set threads = 1")
        first = dt.date(2005, 1, 4)
        source = bars(con, max(1, rows // days), first, dt.date(2025, 8, 1))
        if akshare:
            source = (
                "select trade_date as 日期, open as 开盘, close as 收盘, high as 最高, low as 最低,"
                " volume_shares // 100 as 成交量, turnover_cny as 成交额, 3.72 as 振幅, 1.2 as 涨跌幅,"
                f" close - prev_close as 涨跌额, 0.9 as 换手率, etf_code from ({source})"
            )
        row = con.execute(f"copy ({source}) to '{path}' (header, delimiter ',')").fetchone()
    assert row is not None
    return int(row[0])


def write_days(folder: Path, files: int) -> Path:
    """So many files of one session each, the newest last; gives the newest of all, which lies beside the folder."""
    folder.mkdir(parents=True)
    with duckdb.connect() as con:
        source = bars(con, ROWS_A_DAY, dt.date(2005, 1, 4), NEW_DAY)
        found = con.execute(f"select * from ({source}) order by trade_date, etf_code").fetchall()
    lines: dict[dt.date, list[str]] = {}
    for record in found:
        lines.setdefault(record[1], []).append(",".join(map(str, record)))
    for day in sorted(lines)[-files - 1 :]:
        name = folder / f"{day}.csv" if day != max(lines) else folder.with_name("new.csv")
        name.write_text("\n".join([",".join(CANONICAL), *lines[day], ""]))
    return folder.with_name("new.csv")


# ------------------------------------------------------------------ cases, each in a process of its own


def measured(work: Callable[[], Any]) -> dict[str, float]:
    """Wall and CPU seconds of some work."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return {"wall_s": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu}


def floor(files: list[str], target: str, *, akshare: bool = False) -> dict[str, float]:
    """One read_csv over the files, types given, to one Parquet file."""
    names = AKSHARE if akshare else CANONICAL
    kinds = {"trade_date": "date", "日期": "date", "volume_shares": "bigint", "成交量": "bigint", "etf_code": "varchar"}
    money = {"turnover_cny": "decimal(20, 2)", "成交额": "decimal(20, 2)"}
    types = {name: {**kinds, **money}.get(name, "decimal(18, 4)") for name in names}
    columns = ", ".join(CANONICAL)
    if akshare:
        columns = (
            "etf_code, 日期 as trade_date, 开盘 as open, 最高 as high, 最低 as low, 收盘 as close,"
            " cast(收盘 - 涨跌额 as decimal(18, 4)) as prev_close, 成交量 * 100 as volume_shares,"
            " 成交额 as turnover_cny"
        )
    reader = f"read_csv({files}, columns = {types}, header = true, delim = ',', auto_detect = false, filename = true)"
    with duckdb.connect() as con:
        con.execute(f"set threads = {THREADS}")
        con.execute("set TimeZone = 'UTC'")
        sql = f"copy (select {columns}, {PROVENANCE} from {reader}) to '{target}' (format parquet, compression zstd)"
        return measured(lambda: con.execute(sql))


def ingest(home: str, landed: list[str], expected: int, minutes: int = 0) -> dict[str, float]:
    """``ingest_table`` of files that are linked into ``landing/`` first."""
    from orchestration.calendars import trading_calendar
    from orchestration.ingest import TableReport, ingest_table
    from orchestration.settings import Settings

    settings = Settings(home=Path(home), threads=THREADS, memory_limit="1GB")
    folder = settings.landing / "etf_bars"
    folder.mkdir(parents=True, exist_ok=True)
    for name in landed:
        shutil.copyfile(name, folder / Path(name).name)
    trading_calendar()
    reports: list[TableReport] = []
    at = INGESTED_AT + dt.timedelta(minutes=minutes)
    found = measured(lambda: reports.append(ingest_table(settings, "etf_bars", at)))
    report = reports[0]
    if report.rows_accepted != expected:
        raise AssertionError(f"{report.rows_accepted} rows accepted, expected {expected}: {report.batches[:1]}")
    return found


def ingest_warm(home: str, landed: list[str], expected: int) -> dict[str, float]:
    """The same in a process that has ingested a file of another table before."""
    from orchestration.ingest import ingest_table
    from orchestration.settings import Settings

    settings = Settings(home=Path(home), threads=THREADS, memory_limit="1GB")
    other = settings.landing / "fx_rates" / "warm.csv"
    other.parent.mkdir(parents=True, exist_ok=True)
    other.write_text("pair,kind,rate_date,rate\nHKDCNY,market,2025-04-23,0.94\n")
    ingest_table(settings, "fx_rates", INGESTED_AT + dt.timedelta(minutes=1))
    return ingest(home, landed, expected, 2)


CASES = {"floor": floor, "ingest": ingest, "ingest_warm": ingest_warm}


def in_child(case: str, **arguments: object) -> dict[str, float]:
    """Run a case in a process of its own; with its greatest resident memory in MB, and whole seconds of the process."""
    begun = time.perf_counter()
    command = [sys.executable, "-m", "tests.benchmarks.ingest", "--case", json.dumps([case, arguments])]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return {**found, "process_s": time.perf_counter() - begun}


def greatest_memory() -> float:
    """Greatest resident memory of this process in MB (getrusage includes what came before exec)."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
    return int(lines["VmHWM"].split()[0]) / 1024


def run_case(text: str) -> None:
    """What the child does: one case, its figures as the last line of standard output."""
    case, arguments = json.loads(text)
    found = CASES[case](**arguments)  # type: ignore[operator]
    found["rss_mb"] = greatest_memory()
    sys.stdout.write(json.dumps(found) + "\n")


# ------------------------------------------------------------------ the table


def compare(folder: Path, rows: int, files: int) -> list[dict[str, Any]]:
    """All cases: name, rows, figures, and those of the floor where there is one."""
    found: list[dict[str, Any]] = []

    def add(name: str, count: int, figures: dict[str, float], below: dict[str, float] | None = None) -> None:
        found.append({"case": name, "rows": count, **figures, "floor": below})

    target = str(folder / "floor.parquet")
    for name, is_akshare in (("one file", False), ("one file, akshare's header, lots", True)):
        path = folder / "one" / "big.csv"
        count = write_bars(path, rows, akshare=is_akshare)
        below = in_child("floor", files=[str(path)], target=target, akshare=is_akshare)
        home = folder / f"home-{is_akshare}"
        add(name, count, in_child("ingest", home=str(home), landed=[str(path)], expected=count), below)
        path.unlink()
        if is_akshare:
            shutil.rmtree(home)
    new = write_days(folder / "days", files)
    days = sorted(str(path) for path in (folder / "days").iterdir())
    below = in_child("floor", files=days, target=target)
    home = folder / "home-days"
    count = len(days) * ROWS_A_DAY
    add(f"{len(days)} files", count, in_child("ingest", home=str(home), landed=days, expected=count), below)
    for name, base in (
        (f"a new file beside {len(days)}", home),
        ("a new file after the one file", folder / "home-False"),
    ):
        again = folder / "again"
        shutil.copytree(base, again)
        arguments = {"home": str(again), "landed": [str(new)], "expected": ROWS_A_DAY}
        add(name, ROWS_A_DAY, in_child("ingest_warm", **arguments))
        shutil.rmtree(again)
        shutil.copytree(base, again)
        cold = in_child("ingest", **arguments, minutes=2)
        add(f"{name}, whole cold process", ROWS_A_DAY, {**cold, "wall_s": cold["process_s"]})
        shutil.rmtree(again)
    return found


def main() -> None:
    """Measure in a temporary folder and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000, help="rows of the one file")
    parser.add_argument("--files", type=int, default=2_500, help="number of daily files")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--case", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.case:
        run_case(arguments.case)
        return
    folder = Path(tempfile.mkdtemp(prefix="sector-bench-"))
    try:
        found = compare(folder, arguments.rows, arguments.files)
    finally:
        shutil.rmtree(folder)
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    table = Table(title=f"Ingest beside DuckDB's own CSV reader ({machine}, {THREADS} threads)")
    for heading in ("case", "rows", "wall s", "CPU s", "MB", "floor wall s", "floor CPU s", "wall ratio", "CPU ratio"):
        table.add_column(heading, justify="left" if heading == "case" else "right")
    for row in found:
        cells = [row["case"], f"{row['rows']:,}", f"{row['wall_s']:.2f}", f"{row['cpu_s']:.2f}", f"{row['rss_mb']:.0f}"]
        if below := row["floor"]:
            ratios = [row[unit] / below[unit] for unit in ("wall_s", "cpu_s")]
            cells += [f"{below['wall_s']:.2f}", f"{below['cpu_s']:.2f}", *(f"{ratio:.2f}" for ratio in ratios)]
        table.add_row(*cells)
    Console(width=110).print(table)
    if arguments.json:
        arguments.json.write_text(json.dumps({"machine": machine, "threads": THREADS, "cases": found}, indent=1))


if __name__ == "__main__":
    main()
