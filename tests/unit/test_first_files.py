"""`sector init FILE…`: each file lies where the next run reads it, as it was, and what does not is named."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from orchestration import cli
from orchestration.ingest.run import ingest_table
from orchestration.refresh import utc_now
from orchestration.settings import Settings

runner = CliRunner()

BARS = "etf_code,trade_date,open,high,low,close,prev_close,volume_shares,turnover_cny\n"
BAR = BARS + "159567.SZ,2025-04-23,1.2,1.3,1.1,1.25,1.2,1000,1250\n"
WITHOUT_CODE = (
    "trade_date,open,high,low,close,prev_close,volume_shares,turnover_cny\n2025-04-23,1.2,1.3,1.1,1.25,1.2,9,9\n"
)
VISITS = "security_code,visit_date,visit_way,visitor_org,visitor_type\n600276.SH,2025-04-01,电话会议,中信证券,broker\n"


@pytest.fixture
def home(tmp_path, monkeypatch) -> Settings:
    monkeypatch.setenv("SECTOR_HOME", str(tmp_path / "home"))
    return Settings()


@pytest.fixture
def mine(tmp_path) -> Path:
    folder = tmp_path / "mine"
    folder.mkdir()
    return folder


def put(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def init(*arguments: object) -> tuple[int, list[dict]]:
    result = runner.invoke(cli.app, ["init", *map(str, arguments), "--json"])
    return result.exit_code, json.loads(result.stdout).get("files", [])


def under(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for path in files}


def test_files_go_to_the_table_that_their_header_tells_and_are_read_there(home, mine):
    put(mine, "a/bars.csv", BAR)
    put(mine, "a/visits.csv", VISITS)
    put(mine, "LICENSE", "text")
    put(mine, ".hidden.csv", BAR)
    put(mine, "odd.csv", "x,y\n1,2\n")
    code, files = init(mine)
    assert code == 0
    assert under(home.landing) == {"etf_bars/mine/a/bars.csv": BAR, "broker_visits/mine/a/visits.csv": VISITS}
    assert under(mine)["a/bars.csv"] == BAR
    left = {Path(each["source"]).name: each["reason"] for each in files if each["name"] is None}
    assert left.keys() == {"LICENSE", "odd.csv"}
    assert f"sector dialect {mine / 'odd.csv'}" in left["odd.csv"]
    report = ingest_table(home, "etf_bars", utc_now())
    assert (report.rows_accepted, report.rows_quarantined) == (1, 0)


def test_a_second_call_lands_nothing_and_other_bytes_lie_beside_the_first(home, mine):
    file = put(mine, "bars.csv", BAR)
    assert init(file)[1][0]["is_new"]
    code, [again] = init(file)
    assert (code, again["name"], again["is_new"]) == (0, "etf_bars/bars.csv", False)
    corrected = BAR.replace("1.25", "1.26")
    put(mine, "bars.csv", corrected)
    for _ in range(2):
        init(file)
    assert sorted(under(home.landing).values()) == sorted([BAR, corrected])
    assert under(home.landing)["etf_bars/bars.csv"] == BAR


def test_a_code_in_the_folder_and_a_table_in_the_path_are_kept(home, mine):
    put(mine, "159567.SZ/daily.csv", WITHOUT_CODE)
    put(mine, "etf_bars/513120.SH/daily.csv", WITHOUT_CODE)
    code, _ = init(mine, "--table", "etf_bars")
    assert code == 0
    assert set(under(home.landing)) == {"etf_bars/mine/159567.SZ/daily.csv", "etf_bars/513120.SH/daily.csv"}
    assert ingest_table(home, "etf_bars", utc_now()).rows_accepted == 2


def test_a_file_of_which_no_row_would_be_accepted_is_left_unless_its_table_is_given(home, mine):
    future = put(mine, "bars.csv", BAR.replace("2025-04-23", "2199-01-01"))
    code, [left] = init(future)
    assert code == 1
    assert left["name"] is None
    assert "none of its rows would be accepted" in left["reason"]
    code, [landed] = init(future, "--table", "etf_bars")
    assert (code, landed["name"]) == (0, "etf_bars/bars.csv")


@pytest.mark.parametrize("arguments", [("nowhere.csv",), ("--table", "etf_bar")])
def test_a_wrong_call_lands_nothing(home, mine, arguments):
    file = put(mine, "bars.csv", BAR)
    result = runner.invoke(cli.app, ["init", str(file), *arguments])
    assert result.exit_code == 2
    assert under(home.landing) == {}
    assert runner.invoke(cli.app, ["init", str(home.home)]).exit_code == 2


def test_what_was_done_is_said_by_table(home, mine):
    for number in range(12):
        put(mine, f"{number}.csv", f"x,y\n1,{number}\n")
    put(mine, "bars.csv", BAR)
    result = runner.invoke(cli.app, ["init", str(mine)])
    assert "etf_bars: 1 file landed, read by canonical" in result.stdout
    assert "not landed, no dialect knows its header: sector dialect FILE" in result.stdout
    assert "and 4 more" in result.stdout
    assert "next: sector run" in result.stderr
