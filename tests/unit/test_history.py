"""`sector history`: every version of a record, with its line."""

import json
import re

import pytest
from typer.testing import CliRunner

from orchestration.cli import app
from orchestration.history import UnknownRecordError, versions
from tests.support.warehouse_home import Home

HEAD = "etf_code,share_date,share_basis,shares"
KEY = ("etf_shares", "510300.SH", "2025-04-22", "close_of_day")


def restated(home: Home) -> None:
    home.land(
        "etf_shares/a.csv", f"{HEAD}\n510300.SH,2025-04-22,close_of_day,100\n510300.SH,2025-04-23,close_of_day,9\n"
    )
    home.run()
    home.land("etf_shares/b.csv", f"{HEAD}\n510300.SH,2025-04-22,close_of_day,120\n")
    home.run()


def _told(home: Home, *arguments: str) -> str:
    called = CliRunner(env={"SECTOR_HOME": str(home.settings.home), "COLUMNS": "100"}).invoke(
        app, ["history", *arguments]
    )
    assert called.exit_code == 0, called.output
    return called.stdout


def test_versions_come_in_the_order_in_which_they_were_known(home: Home) -> None:
    restated(home)
    found = versions(home.settings, KEY[0], KEY[1:])
    assert [(v["shares"], v["_file"], v["_row"], v["_knowledge_source"]) for v in found] == [
        (100, "etf_shares/a.csv", 2, "rule"),
        (120, "etf_shares/b.csv", 2, "ingestion"),
    ]


def test_the_command_prints_them(home: Home) -> None:
    restated(home)
    runner = CliRunner(env={"SECTOR_HOME": str(home.settings.home), "COLUMNS": "120"})
    people = runner.invoke(app, ["history", *KEY])
    assert people.exit_code == 0, people.output
    assert "etf_shares/a.csv:2" in people.stdout
    assert "shares  100 → 120 (+20.00%)" in people.stdout
    machines = json.loads(runner.invoke(app, ["history", *KEY, "--json"]).stdout)
    assert [v["shares"] for v in machines["versions"]] == [100, 120]
    assert machines["versions"][0]["knowledge_at"] == "2025-04-22T20:00:00+08:00"


def test_a_deletion_says_what_is_no_longer_told(home: Home) -> None:
    header = "round_uuid,org_uuid,announced_on,investment_type,raised_amount_usd"
    home.land("funding_rounds/a.csv", f"{header}\nr[red]1,o1,2025-04-01,seed,100\n")
    home.run()
    home.land("funding_rounds/gone.csv", "round_uuid,deleted_at\nr[red]1,2025-06-01 09:00:00\n")
    home.run()
    told = _told(home, "funding_rounds", "r[red]1")
    assert "funding_rounds r[red]1: 2 versions" in told
    assert "deleted_at         unknown → 2025-06-01 09:00" in told
    assert "no longer told: org_uuid, announced_on, investment_type, raised_amount_usd" in told


def test_lines_fit_a_hundred_columns_but_for_the_path_which_stays_whole(home: Home) -> None:
    """A path that is broken over lines cannot be opened."""
    name = f"etf_shares/{'a-long-folder/' * 8}file.csv"
    home.land(name, f"{HEAD}\n510300.SH,2025-04-22,close_of_day,100\n")
    home.run()
    lines = _told(home, *KEY).splitlines()
    assert f"    {name}:2" in lines
    assert max(len(line) for line in lines if name not in line) <= 100


@pytest.mark.parametrize(
    ("table", "header", "row", "written"),
    [
        ("etf_nav", "etf_code,nav_date,unit_nav", "159567.SZ,2025-04-24,1.27", ("159567", "20250424")),
        ("etf_nav", "etf_code,nav_date,unit_nav", "159567.SZ,2025-04-24,1.27", ("sz159567", "2025/4/24")),
        ("etf_nav", "etf_code,nav_date,unit_nav", "510300.SH,2025-04-24,3.9", (" 510300.sh ", "2025-04-24")),
        ("security_bars", "security_code,trade_date,close", "01801.HK,2025-04-24,50", ("1801", "2025-04-24")),
        ("security_bars", "security_code,trade_date,close", "01801.HK,2025-04-24,50", ("1801.hk", "2025-04-24")),
        ("security_bars", "security_code,trade_date,close", "002821.SZ,2025-04-24,50", ("002821", "2025.4.24")),
        ("index_bars", "index_code,trade_date,close", "HSTECH.HI,2025-04-24,50", ("HKTECH", "2025-04-24")),
        ("index_bars", "index_code,trade_date,close", "987018.CNI,2025-04-24,50", ("987018", "2025-04-24")),
        ("index_quotes", "index_code,quote_ts,last", "HSI.HI,2025-04-24 09:31:00,5", ("hsi", "2025-04-24 09:31")),
        ("index_quotes", "index_code,quote_ts,last", "HSI.HI,2025-04-24 09:31:00,5", ("HSI", "2025-04-24T01:31Z")),
    ],
)
def test_keys_as_others_write_them(home: Home, table: str, header: str, row: str, written) -> None:
    home.land(f"{table}/a.csv", f"{header}\n{row}\n")
    home.run()
    assert len(versions(home.settings, table, written)) == 1


def test_a_key_may_hold_anything(home: Home) -> None:
    concept = "C'R\"O [red] %s $1 --"
    member = {"concept": concept, "security_code": "002821.SZ", "as_of_date": "2025-04-24", "source": "x"}
    home.land("concept_members/a.json", json.dumps([member]))
    home.run()
    assert f"concept_members {concept} 002821.SZ 2025-04-24" in _told(
        home, "concept_members", concept, "002821", "2025-04-24"
    )


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("etf_share", "x"), "is no raw table: did you mean etf_shares?"),
        (("nowhere", "x"), "is no raw table: One of etf_profiles"),
        (("etf_shares", "510300.SH"), "keyed by etf_code share_date share_basis"),
        (("etf_shares", "510300.SH"), "share_date there: 2025-04-22, 2025-04-23"),
        (("etf_shares", *"abcd"), "4 keys given, etf_shares has 3"),
        (("etf_shares", "510300.SH", "2025-04-22", "' or 1=1 --"), "knows no share_basis ' or 1=1 --"),
        (("etf_shares", "' or 1=1 --", "2025-04-22", "close_of_day"), "knows no etf_code ' or 1=1 --"),
        (("etf_shares", "510301", "2025-04-22", "close_of_day"), "knows no etf_code 510301.SH: there is 510300.SH"),
        (("etf_shares", "510300", "2025-04-30", "close_of_day"), "the nearest is 2025-04-23"),
        (("etf_shares", "510300", "2025-04-22", "open_of_day"), "of 510300.SH 2025-04-22: there is close_of_day"),
        (("etf_shares", "510300", "2025-13-01", "close_of_day"), "'2025-13-01' is no date"),
        (("etf_quotes", "510300", "at noon"), "'at noon' is no moment"),
        (("etf_bars", "510300", "2025-04-22"), "etf_bars is empty"),
    ],
)
def test_a_wrong_call_says_what_to_write(home: Home, arguments, told) -> None:
    restated(home)
    with pytest.raises(UnknownRecordError, match=re.escape(told)):
        versions(home.settings, arguments[0], arguments[1:])
    called = CliRunner(env={"SECTOR_HOME": str(home.settings.home)}).invoke(app, ["history", *arguments])
    assert called.exit_code == 2


def test_a_home_without_anything_says_so(home: Home) -> None:
    with pytest.raises(UnknownRecordError, match="etf_shares is empty"):
        versions(home.settings, KEY[0], KEY[1:])
