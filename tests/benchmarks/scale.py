"""What history costs: a full run of a large market beside bare DuckDB scripts, a next day, and nothing new.

Run with ``make bench-scale`` (``--years``, ``--share`` for other sizes; the whole market of ten years wants some 20 GB
of disk and a machine of its own). Prints wall, CPU and memory of each, their ratios, and the models that took longest;
``--json FILE`` keeps the figures, ``--chart FILE`` draws several such files. No test: machines differ.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from orchestration.settings import Settings
from orchestration.transform import target_folder
from tests.benchmarks.market import LAST_DAY, Market, write_market

FLOOR = Path(__file__).with_name("floor.sql")
READERS = {"parquet": "read_parquet", "csv": "read_csv"}
THREADS = 2


@dataclass(frozen=True)
class Lap:
    """A process: wall and CPU seconds with those of its children, and the most memory that one of them held."""

    name: str
    wall_s: float
    cpu_s: float
    peak_mb: float


def run(name: str, command: list[str], **environment: str) -> Lap:
    """Run a command to its end. Raises ``RuntimeError`` with its last words when it fails."""
    began = time.perf_counter()
    with tempfile.TemporaryFile() as words:
        process = subprocess.Popen(command, env={**os.environ, **environment}, stdout=words, stderr=words)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        wall = time.perf_counter() - began
        if process.returncode:
            words.seek(0)
            raise RuntimeError(f"{name}: {words.read().decode(errors='replace')[-2000:]}")
    return Lap(name, wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def floor(landing: Path, file: Path, ending: str) -> Lap:
    """The bare script over the same landed files, in a process of its own."""
    script = FLOOR.read_text(encoding="utf-8").replace("$LANDING", str(landing)).replace("$READ", READERS[ending])
    code = (
        f"import duckdb; con = duckdb.connect({str(file)!r}); con.execute('set threads = {THREADS}'); "
        "con.execute('set enable_progress_bar = false'); "
    )
    return run("floor: one DuckDB script", [sys.executable, "-c", code + f"con.execute({script!r})"])


def slowest(settings: Settings, count: int = 12) -> list[tuple[str, float]]:
    """The nodes of dbt's last call that took longest, with their seconds."""
    results = json.loads((target_folder(settings) / "run_results.json").read_text(encoding="utf-8"))["results"]
    found = [(str(row["unique_id"]).split(".")[2], float(row["execution_time"])) for row in results]
    return sorted(found, key=lambda row: -row[1])[:count]


def measure(folder: Path, market: Market, ending: str) -> tuple[list[Lap], list[tuple[str, float]]]:
    """A warehouse of ``market``: all but the last day, again with nothing new, the last day; and the floor of all."""
    settings = Settings(home=folder / "home")
    command, home = [sys.executable, "-m", "orchestration.cli", "run"], str(settings.home)
    environment = {"SECTOR_HOME": home, "SECTOR_THREADS": str(THREADS)}
    last_days = _before(market)
    write_market(settings.landing, market, last=last_days, ending=ending)
    laps = [floor(settings.landing, folder / "floor.duckdb", ending)]
    laps.append(run("sector run, all of it", command, **environment))
    nodes = slowest(settings)
    bare = [sys.executable, "-m", "tests.benchmarks.bare_models", home, str(folder / "bare")]
    laps.append(run("its models alone, as one bare script", bare, **environment))
    laps.append(run("sector run, nothing new", command, **environment))
    write_market(settings.landing, market, LAST_DAY, LAST_DAY, ending=ending)
    laps.append(run("sector run, one day more", command, **environment))
    return laps, nodes


def _before(market: Market) -> dt.date:
    return max(LAST_DAY - dt.timedelta(days=1), market.first_day)


def draw(files: list[Path], chart: Path) -> None:
    """Wall seconds of each lap by years of history, a line each, as SVG."""
    runs = sorted((json.loads(file.read_text(encoding="utf-8")) for file in files), key=lambda r: r["market"]["years"])
    names = [lap["name"] for lap in runs[0]["laps"]]
    most = max(lap["wall_s"] for each in runs for lap in each["laps"])
    oldest = max(each["market"]["years"] for each in runs)
    lines = []
    for place, name in enumerate(names):
        points = [
            (60 + 500 * each["market"]["years"] / oldest, 320 - 280 * lap["wall_s"] / most)
            for each in runs
            for lap in each["laps"]
            if lap["name"] == name
        ]
        colour = ("#1b6ca8", "#b5402a", "#5b8c3a", "#7a5195", "#8a6d00")[place % 5]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        lines.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        lines += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in points]
        lines.append(f'<text x="580" y="{40 + 18 * place}" fill="{colour}">{name}</text>')
    ticks = "".join(
        f'<text x="{60 + 500 * y / oldest:.0f}" y="340" text-anchor="middle">{y}</text>'
        for y in sorted({each["market"]["years"] for each in runs})
    )
    chart.write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" width="800" height="370" font-family="sans-serif" font-size="12">'
        f'<text x="8" y="30">{most:.0f} s</text><text x="8" y="322">0 s</text>{ticks}'
        f'<text x="310" y="360" text-anchor="middle">years of history</text>{"".join(lines)}</svg>',
        encoding="utf-8",
    )


def main() -> None:
    """Measure one size, or draw the sizes measured before."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--years", type=int, default=1)
    parser.add_argument("--share", type=float, default=0.05, help="of the whole market (1: all of it)")
    parser.add_argument("--ending", choices=tuple(READERS), default="csv", help="form of the landed files")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--folder", type=Path, help="where to work (default: the system's temporary folder)")
    parser.add_argument("--chart", type=Path, help="draw the files of --of into this SVG, measure nothing")
    parser.add_argument("--of", type=Path, nargs="*", default=[])
    arguments = parser.parse_args()
    if arguments.chart:
        draw(arguments.of, arguments.chart)
        return
    market = Market(arguments.years).scaled(arguments.share)
    folder = Path(tempfile.mkdtemp(prefix="sector-scale-", dir=arguments.folder))
    try:
        laps, nodes = measure(folder, market, arguments.ending)
    finally:
        shutil.rmtree(folder)
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    base = laps[0]
    table = Table(title=f"{market.years} years, {market.etfs} ETFs, {market.securities} securities ({machine})")
    for heading in ("what", "wall s", "CPU s", "MB at most", "CPU / floor"):
        table.add_column(heading, justify="left" if heading == "what" else "right")
    for lap in laps:
        cells = (f"{lap.wall_s:.1f}", f"{lap.cpu_s:.1f}", f"{lap.peak_mb:.0f}", f"{lap.cpu_s / base.cpu_s:.2f}")
        table.add_row(lap.name, *cells)
    console = Console()
    console.print(table)
    console.print("longest models: " + ", ".join(f"{name} {seconds:.1f} s" for name, seconds in nodes))
    if arguments.json:
        figures = {"machine": machine, "market": asdict(market), "laps": [asdict(lap) for lap in laps], "models": nodes}
        arguments.json.write_text(json.dumps(figures, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
