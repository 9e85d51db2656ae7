"""What the README's chapter on backups copies is a whole warehouse: restored, it knows every row, reads none twice; a
moved one keeps its releases."""

import shlex
import shutil
import subprocess

import pytest

from orchestration.ingest import Ledger, unread
from orchestration.paths import PROJECT_ROOT
from orchestration.settings import Settings
from orchestration.status import roll_back
from tests.support.publishing import built, publish_number, record_of, whole
from tests.support.warehouse_home import Home

HEADER = "etf_code,trade_date,open,high,low,close,prev_close,volume_shares,turnover_cny\n"
BAR = HEADER + "159567.SZ,2025-04-23,1.2,1.3,1.1,1.25,1.2,1000,1250\n"
NOT_COPIED = ("build", "dagster", "releases", ".fetching")


def options() -> list[str]:
    """The options of the command in the README."""
    lines = (PROJECT_ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    [command] = [shlex.split(line) for line in lines if line.startswith("$ tar --format=pax -cf")]
    return [word for word in command if word.startswith("--")]


@pytest.mark.parametrize("keeps_times", [True, False])
def test_a_restored_warehouse_is_the_same_and_reads_nothing_twice(home: Home, tmp_path, keeps_times):
    home.land("etf_bars/a.csv", BAR)
    home.land("etf_bars/b.csv", "no,dialect\n1,2\n")
    home.run()
    for name in NOT_COPIED:
        (home.settings.home / name).mkdir()
        (home.settings.home / name / "large").write_text("x")
    (home.settings.home / "sector.toml").write_text("threads = 1\n")
    archive, restored = tmp_path / "desk.tar", tmp_path / "restored"
    restored.mkdir()
    subprocess.run(["tar", *options(), "-cf", archive, "."], cwd=home.settings.home, check=True)
    subprocess.run(["tar", "-xf", archive], cwd=restored, check=True)
    names = {path.name for path in restored.iterdir()}
    assert names >= {"landing", "raw", "quarantine", "ledger.sqlite", "sector.toml"}
    assert not names & set(NOT_COPIED)
    if not keeps_times:
        for path in (restored / "landing").rglob("*.csv"):
            path.touch()
    there = Home(restored, home.now)
    assert there.settings == Settings(home=restored, threads=1)
    assert bool(unread(there.settings)) is not keeps_times
    assert there.run() == {}
    assert there.raw("etf_bars") == home.raw("etf_bars")
    assert there.quarantine() == home.quarantine()
    files = Ledger(there.settings.ledger).raw_files()["etf_bars"]
    assert all(path.is_relative_to(restored) for path in files)


def test_a_warehouse_that_was_moved_has_its_releases_and_goes_back(tmp_path):
    first, moved = tmp_path / "first", tmp_path / "moved"
    for number in (1, 2):
        built(first, number)
        publish_number(str(first), str(number))
    subprocess.run(["cp", "-a", first, moved], check=True)
    shutil.rmtree(first)
    assert whole(moved) == (2, [1, 2])
    roll_back(Settings(home=moved), record_of(1).release_id)
    assert whole(moved) == (1, [1, 2])
