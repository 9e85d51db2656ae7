"""kill -9 in the middle of a run: the current release stands, and the next run finishes the job."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from orchestration.paths import PROJECT_ROOT

pytestmark = pytest.mark.pipeline

BARS = "etf_code,trade_date,open,high,low,close,prev_close,volume_shares,turnover_cny\n"


def bar(day: int, close: str) -> str:
    return f"159567.SZ,2025-04-{day},{close},{close},{close},{close},1.20,1000000,1210000\n"


class Warehouse:
    def __init__(self, home: Path) -> None:
        self.home = home

    def land(self, name: str, text: str) -> None:
        path = self.home / "landing" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "orchestration.cli", "run"],
            cwd=PROJECT_ROOT,
            env={**os.environ, "SECTOR_HOME": str(self.home)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def run(self) -> int:
        return self.start().wait()

    def kill_when(self, reached: Callable[[], bool]) -> None:
        """Start a run and kill it with everything that it started, the moment ``reached`` holds."""
        process = self.start()
        while not reached():
            assert process.poll() is None, "the run ended before it could be killed"
            time.sleep(0.005)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    @property
    def current(self) -> str | None:
        link = self.home / "current"
        return link.readlink().name if link.is_symlink() else None

    @property
    def releases(self) -> list[str]:
        folder = self.home / "releases"
        return sorted(path.name for path in folder.iterdir()) if folder.exists() else []

    def closes(self) -> list[tuple]:
        with duckdb.connect(str(self.home / "current" / "sector.duckdb"), read_only=True) as con:
            return con.execute(
                "select trade_date, close, (select count(*) from meta.checks) > 0, (select count(*) from meta.release)"
                " from marts.fct_etf_daily order by trade_date"
            ).fetchall()


def test_killed_anywhere_the_release_stands_and_the_next_run_finishes(tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path / "home")
    warehouse.land("etf_bars/a.csv", BARS + bar(22, "1.21"))
    warehouse.land("index_bars/HSI.csv", "trade_date,close\n2025-04-22,21562\n")
    ledger, build = warehouse.home / "ledger.sqlite", warehouse.home / "build"

    # the very first run, killed between two tables: nothing is current, nothing was published
    warehouse.kill_when(ledger.exists)
    assert (warehouse.current, warehouse.releases) == (None, [])
    assert warehouse.run() == 0
    first, before = warehouse.current, warehouse.closes()
    assert len(before) == 1

    warehouse.land("etf_bars/b.csv", BARS + bar(23, "1.23"))
    marks = {
        "while the models are built": lambda: (build / "work.duckdb.wal").exists(),
        "while the release is written": lambda: len(list(warehouse.home.rglob("sector.duckdb"))) > 2,
    }
    for name, reached in marks.items():
        for leftover in build.glob("*.duckdb*"):
            leftover.unlink()
        warehouse.kill_when(reached)
        if warehouse.current != first:
            pytest.fail(f"killed {name}: the link moved although the run did not end")
        assert warehouse.closes() == before, name

    assert warehouse.run() == 0
    after = warehouse.closes()
    assert [row[0].day for row in after] == [22, 23]
    assert warehouse.current != first
    assert set(warehouse.releases) >= {first, warehouse.current}
    assert warehouse.run() == 0
    assert warehouse.closes() == after
