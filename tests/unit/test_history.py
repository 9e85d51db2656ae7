"""`sector history`: every version of a record, with its line."""

import json

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
    assert "shares = 120" in people.stdout
    machines = json.loads(runner.invoke(app, ["history", *KEY, "--json"]).stdout)
    assert [v["shares"] for v in machines["versions"]] == [100, 120]
    assert machines["versions"][0]["knowledge_at"] == "2025-04-22T20:00:00+08:00"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("nowhere", "x"), "is no raw table"),
        (("etf_shares", "510300.SH"), "keyed by etf_code share_date share_basis"),
        (("etf_shares", "510300.SH", "2025-04-22", "' or 1=1 --"), "knows no record"),
    ],
)
def test_a_wrong_call_says_what_to_write(home: Home, arguments, told) -> None:
    restated(home)
    with pytest.raises(UnknownRecordError, match=told):
        versions(home.settings, arguments[0], arguments[1:])
    called = CliRunner(env={"SECTOR_HOME": str(home.settings.home)}).invoke(app, ["history", *arguments])
    assert called.exit_code == 2
