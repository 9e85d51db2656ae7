"""What a file may cost in memory: a process of its own reads each, and says how much it held at most."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from orchestration.paths import PROJECT_ROOT

READ = """
import datetime as dt, json, re, sys
from pathlib import Path
from orchestration.ingest import ingest_table
from orchestration.settings import Settings
peak = lambda: int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024
before = peak()
report = ingest_table(Settings(home=Path(sys.argv[1])), sys.argv[2], dt.datetime.now(dt.UTC))
print(json.dumps({"landed": report.rows_landed, "accepted": report.rows_accepted, "megabytes": peak() - before}))
"""


def names(rows: int) -> pl.DataFrame:
    """Names of just under 1 MiB, each another."""
    return pl.DataFrame(
        {
            "etf_code": [f"{159000 + row}.SZ" for row in range(rows)],
            "name_en": [os.urandom(500_000).hex() for _ in range(rows)],
        }
    )


def parquet(folder: Path, rows: int) -> None:
    """One row group, one dictionary."""
    texts = names(rows).to_arrow().cast(pa.schema([("etf_code", pa.string()), ("name_en", pa.string())]))
    pq.write_table(texts, folder / "p.parquet", row_group_size=rows, data_page_size=1 << 30)


def csv(folder: Path, rows: int) -> None:
    names(rows).write_csv(folder / "p.csv", quote_style="always")


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize(("write", "rows", "most"), [(parquet, 120, 750), (csv, 300, 550)])
def test_long_texts_do_not_pile_up(write: Callable[[Path, int], None], rows: int, most: int, tmp_path: Path) -> None:
    """Texts of a large row group came with its whole dictionary for every few rows: ten times the file. And the few
    figures that are kept of every chunk held the chunk's texts, for all of a batch came as one."""
    landing = tmp_path / "landing" / "etf_profiles"
    landing.mkdir(parents=True)
    write(landing, rows)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", READ, str(tmp_path), "etf_profiles"],
        env={**os.environ, "PYTHONPATH": str(PROJECT_ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["landed"], found["accepted"]) == (rows, rows)
    assert found["megabytes"] < most
