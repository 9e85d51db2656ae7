"""Reading is killed before the lines of its code, and finds the disk full at its calls: nothing is lost or read twice.

What is written and committed in which order: ``warehouse.releases``. Here every other line in ``make stress``, some of
them otherwise.
"""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestration.ingest import Ledger, ingest_table
from tests.support.killing import Workshop
from tests.support.warehouse_home import Home

INGEST = "tests.unit.ingest.test_ingest_faults:ingest"
WATCHED = ("ingest/run.py", "ingest/store.py", "ingest/ledger.py", "ingest/bulk.py", "orchestration/durable.py")
BARS = "etf_code,trade_date,open,high,low,close,prev_close,volume_shares,turnover_cny\n"


def bar(day: int, close: str) -> str:
    return f"159567.SZ,2025-04-{day},{close},{close},{close},{close},1.20,1000000,1210000\n"


def landed(folder: Path) -> Home:
    """One table read before; then a plain file, one with a restated and a repeated row, one with refused lines."""
    home = Home(folder)
    home.land("etf_bars/a.csv", BARS + bar(21, "1.21") + bar(22, "1.22"))
    read(home)
    home.land("etf_bars/b.csv", BARS + bar(23, "1.23"))
    home.land("etf_bars/c.csv", BARS + bar(21, "1.2100") + bar(22, "1.24").replace("1000000", '"1,000,000"'))
    home.land("etf_bars/d.csv", BARS + bar(24, "1.25") + bar(25, "x"))
    return home


def read(home: Home, hour: int = 12) -> None:
    ingest_table(home.settings, "etf_bars", home.now.replace(hour=hour))


def ingest(folder: str) -> None:
    """The second run, in a process of its own."""
    read(Home(Path(folder)), hour=13)


def facts(home: Home) -> tuple[list, list, list]:
    """What counts: raw rows, refused lines, row accounting; every file that the ledger names is there."""
    rows = [tuple(str(row[name]) for name in ("trade_date", "close", "_file", "_row")) for row in home.raw("etf_bars")]
    refused = [(line["file"], line["row_number"], line["reason"]) for line in home.quarantine()]
    counted = ("file", "rows_landed", "rows_accepted", "rows_quarantined", "rows_repeated")
    batches = [tuple(b[name] for name in counted) for b in Ledger(home.settings.ledger).batches().to_pylist()]
    return sorted(rows), sorted(refused), sorted(batches)


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    with Workshop(tmp_path_factory.mktemp("said"), imported=("tests.unit.ingest.test_ingest_faults",)) as server:
        yield server


@pytest.fixture
def right(tmp_path: Path) -> tuple[list, list, list]:
    home = landed(tmp_path / "right")
    ingest(str(home.settings.home))
    found = facts(home)
    assert [len(part) for part in found] == [5, 1, 4]
    return found


def leftovers(home: Home) -> list[Path]:
    named = {file.path for layer in ("raw", "quarantine") for file in Ledger(home.settings.ledger).parquet_files(layer)}
    files = [*home.settings.raw.rglob("*"), *home.settings.quarantine.rglob("*")]
    return [path for path in files if path.is_file() and path not in named]


@pytest.mark.parametrize("step", [60, pytest.param(2, marks=pytest.mark.stress)])
def test_killed_before_any_line_nothing_is_lost_or_read_twice(
    workshop: Workshop, tmp_path: Path, right: tuple[list, list, list], step: int
) -> None:
    home = landed(tmp_path / "counted")
    call = workshop.call(INGEST, str(home.settings.home), watched=WATCHED)
    assert call.wait() == 0, call.progress()
    lines, _ = call.counted()
    assert lines > 200
    killed = 0
    for line in {*range(1, lines + 1, step), lines}:
        home = landed(tmp_path / f"line-{line}")
        before = facts(home)
        call = workshop.call(INGEST, str(home.settings.home), watched=WATCHED, at_line=line)
        if call.wait() == 0:  # this time it came to its end in fewer lines: a wait that was not needed, say
            assert call.counted()[0] < line
            assert facts(home) == right, line
            continue
        assert call.wait() == -signal.SIGKILL, call.progress()
        killed += 1
        assert facts(home) in (before, right), line
        read(home, hour=14)
        assert facts(home) == right, line
        assert leftovers(home) == [], line
    assert killed >= 0.9 * (lines // step)


@pytest.mark.parametrize("step", [8, pytest.param(1, marks=pytest.mark.stress)])
def test_a_full_disk_stops_reading_and_nothing_is_lost_or_read_twice(
    workshop: Workshop, tmp_path: Path, right: tuple[list, list, list], step: int
) -> None:
    home = landed(tmp_path / "counted")
    call = workshop.call(INGEST, str(home.settings.home))
    assert call.wait() == 0, call.progress()
    _, calls = call.counted()
    for number in range(1, calls + 1, step):
        home = landed(tmp_path / f"call-{number}")
        before = facts(home)
        call = workshop.call(INGEST, str(home.settings.home), full_at=number)
        assert call.wait() == 70, call.progress()
        assert "No space left on device" in call.progress()
        assert facts(home) == before, number
        read(home, hour=14)
        assert facts(home) == right, number
        assert leftovers(home) == [], number
