"""One warehouse for all tests of this folder: the real files, and the sample's ETF and index tables beside them.

The files stand beside the checkout in ``../shared/data``, or where ``SECTOR_REALDATA`` points. They are copied into the
test's own landing folder, never into the project.
"""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.paths import PROJECT_ROOT
from orchestration.providers.sample import write_sample

DATA = Path(os.environ.get("SECTOR_REALDATA") or PROJECT_ROOT.parent / "shared" / "data")

# Behind "sample" in the order of names, so that a real figure wins over a synthetic one of the same day (R11).
REAL = "vendor"
SAMPLE_TABLES = (
    *("etf_profiles", "etf_bars", "etf_quotes", "etf_shares", "etf_nav", "etf_splits"),
    *("index_bars", "index_quotes", "index_weights", "securities"),
)
NAV_SAMPLES = ("fund_etf_category_ths", "fund_etf_spot_ths", "fund_etf_fund_daily_em", "fund_exchange_rank_em")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.realdata)
            if not DATA.is_dir():
                item.add_marker(pytest.mark.skip(reason=f"the real public files are not at {DATA}"))


@dataclass(frozen=True)
class RealWarehouse:
    """A published release over the real files."""

    home: Path
    outcome: dict[str, Any]
    con: duckdb.DuckDBPyConnection

    def rows(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        return self.con.execute(query, list(parameters)).fetchall()

    def batch(self, ending: str) -> dict[str, Any]:
        """The one line of meta.batches whose file name ends so."""
        found = [batch for batch in self.outcome["batches"] if batch["file"].endswith(ending)]
        assert len(found) == 1, [batch["file"] for batch in found]
        return found[0]

    def refusals(self, ending: str) -> list[tuple[int, str, str]]:
        """(row number, reason, raw text) of the refused rows of a file."""
        return self.rows(
            "select row_number, reason, raw_text from meta.quarantine where ends_with(file, ?) order by row_number",
            ending,
        )


def records(path: Path, encoding: str = "utf-8", delimiter: str = ",") -> list[dict[str, str]]:
    """The records of a file, read without any code of the project."""
    with path.open(encoding=encoding, newline="") as handle:
        text = handle.read().replace("\r\n", "\n").replace("\r", "\n")
    return list(csv.DictReader(io.StringIO(text), delimiter=delimiter))


def _copy(landing: Path, table: str, source: Path, name: str = "") -> None:
    target = landing / table / REAL / (name or source.name)
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def land_real_files(landing: Path) -> None:
    """Every real file that holds something a raw table can take, and some that no dialect may take."""
    for source in (DATA / "etf_bars").glob("[0-9]*.csv"):
        _copy(landing, "etf_bars", source)
    _copy(landing, "etf_profiles", DATA / "etf_bars" / "etf_list_corrupt_line.csv")
    samples = DATA / "akshare_samples"
    for name in NAV_SAMPLES:
        _copy(landing, "etf_nav", samples / f"{name}.csv")
    _copy(landing, "etf_shares", samples / "fund_etf_scale_sse.csv")
    _copy(landing, "etf_profiles", samples / "fund_etf_scale_szse.csv")
    _copy(landing, "etf_shares", samples / "fund_scale_change_em.csv")
    _copy(landing, "index_weights", samples / "index_stock_cons_weight_csindex.csv")
    _copy(landing, "index_weights", samples / "index_stock_cons_csindex.csv")
    members = DATA / "constituents" / "yfiua"
    for source in members.rglob("*.csv"):
        _copy(landing, "index_weights", source, source.relative_to(members).as_posix())
    for name in ("HSI", "CSI_300", "SP500"):
        _copy(landing, "index_bars", DATA / "index" / f"{name}.csv")
    _copy(landing, "fx_rates", DATA / "index" / "USD_CNY.csv")
    for source in (DATA / "hk").glob("*.csv"):
        _copy(landing, "security_bars", source)
    _copy(landing, "securities", DATA / "hk" / "hk-listings_date.json")
    _copy(landing, "sector_members", DATA / "sector" / "sw_industry_categorys.csv")
    _copy(landing, "funding_rounds", DATA / "crunchbase_2013" / "crunchbase-rounds.csv")
    _copy(landing, "organizations", DATA / "crunchbase_2013" / "crunchbase-companies.csv")


@pytest.fixture(scope="session")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealWarehouse]:
    home = tmp_path_factory.mktemp("realdata")
    everything = tmp_path_factory.mktemp("sample")
    write_sample(everything)
    for table in SAMPLE_TABLES:
        shutil.copytree(everything / table, home / "landing" / table)
    land_real_files(home / "landing")
    done = subprocess.run(
        [sys.executable, "-m", "orchestration.cli", "run", "--json"],
        cwd=PROJECT_ROOT,
        env={**os.environ, "SECTOR_HOME": str(home), "PYTHONPATH": str(PROJECT_ROOT), "DO_NOT_TRACK": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    with duckdb.connect(str(home / "current" / "sector.duckdb"), read_only=True) as con:
        con.execute("set TimeZone = 'Asia/Shanghai'")
        yield RealWarehouse(home, json.loads(done.stdout), con)
