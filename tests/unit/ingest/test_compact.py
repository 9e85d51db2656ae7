"""Small files become one: same rows, same refusals, same decisions after it, whatever happens in between."""

import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from orchestration.contracts import CONTRACTS
from orchestration.ingest import Ledger, compact, ingest_table
from tests.support.killing import Workshop
from tests.support.warehouse_home import Home

MERGE = "tests.unit.ingest.test_compact:merge"
HEAD = "etf_code,trade_date,open,high,low,close,prev_close,volume_shares,turnover_cny\n"


def bar(day: int, close: str = "1.21") -> str:
    return f"159567.SZ,2025-04-{day:02},{close},{close},{close},{close},1.20,1000000,1210000\n"


SESSIONS = (1, 2, 3, 7, 8, 9, 10, 11, 14, 15)


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compact, "MOST_SMALL", 4)


def daily(folder: Path, days: int) -> Home:
    """A file a day, each with a refused line; the fourth day's also restates the first day."""
    home = Home(folder)
    for number, day in enumerate(SESSIONS[:days]):
        restated = bar(SESSIONS[0], "1.22") if number == 3 else ""
        home.land(f"etf_bars/{day:02}.csv", HEAD + bar(day) + restated + bar(day, "x"))
        read(home)
    return home


def read(home: Home) -> None:
    home.now = home.now.replace(minute=home.now.minute + 1)
    ingest_table(home.settings, "etf_bars", home.now)


def merge(folder: str) -> None:
    """In a process of its own, which ``few`` does not reach."""
    compact.MOST_SMALL = 4
    compact.compact(Home(Path(folder)).settings, "etf_bars")


def facts(home: Home) -> tuple[list, list]:
    return home.raw("etf_bars"), sorted(home.quarantine(), key=str)


def on_disk(home: Home, layer: str = "raw") -> list[str]:
    folder = home.settings.raw if layer == "raw" else home.settings.quarantine
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def named(home: Home, layer: str = "raw") -> list[str]:
    return sorted(file.path.name for file in Ledger(home.settings.ledger).parquet_files(layer, "etf_bars"))


def test_one_file_more_than_may_lie_there_makes_one_of_them_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = daily(tmp_path / "merged", 5)
    monkeypatch.setattr(compact, "MOST_SMALL", 99)
    apart = daily(tmp_path / "apart", 5)
    assert (len(on_disk(home)), len(on_disk(apart))) == (1, 5)
    for layer in ("raw", "quarantine"):
        assert on_disk(home, layer) == named(home, layer)
    assert facts(home) == facts(apart)
    (path,) = Ledger(home.settings.ledger).raw_files()["etf_bars"]
    assert pq.read_schema(path).names == CONTRACTS["etf_bars"].arrow_schema().names
    days = pq.read_table(path).column("trade_date").to_pylist()
    assert days == sorted(days)


def test_the_merged_file_is_merged_again_and_old_keys_are_still_known(tmp_path: Path) -> None:
    home = daily(tmp_path / "home", 9)
    assert len(on_disk(home)) == 1
    assert len(home.raw("etf_bars")) == 10
    home.land("etf_bars/again.csv", HEAD + bar(SESSIONS[2]) + bar(SESSIONS[0], "1.23"))
    read(home)
    *_, last = Ledger(home.settings.ledger).batches().to_pylist()
    assert (last["rows_accepted"], last["rows_repeated"]) == (1, 1), "the restated day is new, the other one known"


def test_its_ranges_are_those_of_its_rows(tmp_path: Path) -> None:
    home = daily(tmp_path / "home", 5)
    (file,) = Ledger(home.settings.ledger).parquet_files("raw", "etf_bars")
    assert file.may_hold("2025-04-07", "2025-04-07")
    assert not file.may_hold("2025-04-09", "2025-04-30")
    assert file.latest_knowledge == max(row["knowledge_at"] for row in home.raw("etf_bars"))


def test_large_files_stay_as_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compact, "SMALL_BYTES", 1)
    assert len(on_disk(daily(tmp_path / "home", 6))) == 6


def test_no_more_is_put_together_than_can_be_sorted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compact, "MOST_SMALL", 99)
    home = daily(tmp_path / "home", 6)
    sizes = [path.stat().st_size for path in home.settings.raw.rglob("*.parquet")]
    before = facts(home)
    monkeypatch.setattr(compact, "MOST_SMALL", 4)
    monkeypatch.setattr(compact, "MERGED_BYTES", sum(sizes) * 2 // 3)
    assert compact.compact(home.settings, "etf_bars") >= 6
    assert 1 < len(on_disk(home)) < 6
    assert facts(home) == before


def test_files_that_belong_to_no_table_are_few_too(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    for number in range(6):
        home.land(f"nowhere/{number}.csv", "a\n1\n")
        home.run()
    assert len(home.quarantine()) == 6
    assert len(on_disk(home, "quarantine")) == 2


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    with Workshop(tmp_path_factory.mktemp("said"), imported=("tests.unit.ingest.test_compact",)) as server:
        yield server


def test_killed_before_any_line_nothing_is_lost_or_there_twice(
    workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched = ("ingest/compact.py", "ingest/ledger.py", "orchestration/durable.py")

    monkeypatch.setattr(compact, "MOST_SMALL", 99)
    made = daily(tmp_path / "made", 5).settings.home
    monkeypatch.setattr(compact, "MOST_SMALL", 4)

    def apart(name: str) -> Home:
        return Home(shutil.copytree(made, tmp_path / name), now=Home(made).now.replace(minute=30))

    home = apart("counted")
    right = facts(home)
    call = workshop.call(MERGE, str(home.settings.home), watched=watched)
    assert call.wait() == 0, call.progress()
    lines, _ = call.counted()
    assert lines > 60
    for line in range(1, lines + 1, 8):
        home = apart(f"line-{line}")
        call = workshop.call(MERGE, str(home.settings.home), watched=watched, at_line=line)
        assert call.wait() == -signal.SIGKILL, call.progress()
        assert facts(home) == right, line
        home.land("etf_bars/next.csv", HEAD + bar(SESSIONS[6]))
        read(home)
        for layer in ("raw", "quarantine"):
            assert on_disk(home, layer) == named(home, layer), line
        assert len(home.raw("etf_bars")) == len(right[0]) + 1
