"""`sector explain`: the raw rows behind a figure, what would change it, and the answer to a wrong call."""

import datetime as dt
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from orchestration.cli import app
from orchestration.explain import UnknownFigureError, document, explain
from orchestration.tracing import TRACERS, claim_column
from tests.support.marts import AS_OF
from tests.support.story import record_of, told
from tests.support.warehouse_home import Home
from warehouse.claims import CLAIM_IDS
from warehouse.releases import make_current, publish

FLOW = ("159567.SZ", "2025-04-23", "net_flow_cny")


def released(folder: Path) -> Home:
    """The release of the story, and raw rows that came an hour before it: one count of two, and the NAV."""
    home = Home(folder, now=dt.datetime(2025, 4, 24, 1, 20, tzinfo=dt.UTC))
    home.land(
        "etf_shares/a.csv", "etf_code,share_date,share_basis,shares\n159567.SZ,2025-04-24,open_of_day,395000000\n"
    )
    home.land("etf_nav/a.csv", "etf_code,nav_date,unit_nav,published_on\n159567.SZ,2025-04-23,1.2345,2025-04-24\n")
    home.run()
    build = home.settings.build
    build.mkdir(parents=True)
    told(build)
    publish(home.settings.home, build, record_of(AS_OF), {})
    make_current(home.settings.home, record_of(AS_OF).release_id)
    return home


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """One release for the tests that only read."""
    return released(tmp_path_factory.mktemp("explained") / "home")


def test_a_flow_stands_on_two_counts_and_a_nav(home: Home) -> None:
    found = document(explain(home.settings, record_of(AS_OF), "fct_etf_daily", FLOW))
    assert (found["value"], found["key"]["etf_code"]) == (43_000_000, "159567.SZ")
    rows = [(entry["table"], [(row["_file"], row["_row"]) for row in entry["rows"]]) for entry in found["inputs"]]
    assert rows == [
        ("etf_shares", [("etf_shares/a.csv", 2)]),
        ("etf_shares", []),
        ("etf_nav", [("etf_nav/a.csv", 2)]),
        ("etf_splits", []),
    ]
    assert "Missing: etf_shares has no row for closing shares of 2025-04-22." in found["would_change"]


def test_what_came_after_the_release_is_named_and_not_used(tmp_path: Path) -> None:
    home = released(tmp_path / "home")
    home.now = dt.datetime(2025, 4, 25, 1, 0, tzinfo=dt.UTC)
    home.land("etf_nav/b.csv", "etf_code,nav_date,unit_nav\n159567.SZ,2025-04-23,1.3\n")
    home.run()
    found = explain(home.settings, record_of(AS_OF), "fct_etf_daily", FLOW)
    (nav,) = [entry for entry in found.inputs if entry.part.table == "etf_nav"]
    assert [str(row["unit_nav"]) for row in nav.rows] == ["1.2345"]
    assert nav.later == 1
    assert any("etf_nav has 1 newer version of these rows" in sentence for sentence in found.would_change)


def test_the_command_speaks_to_people_and_machines(home: Home) -> None:
    runner = CliRunner(env={"SECTOR_HOME": str(home.settings.home), "COLUMNS": "200"})
    people = runner.invoke(app, ["explain", "fct_etf_daily", *FLOW])
    assert people.exit_code == 0, people.output
    assert "net_flow_cny = 43000000.00 [CNY]" in people.stdout
    assert "etf_shares/a.csv:2" in people.stdout
    machines = runner.invoke(
        app, ["explain", "fct_etf_daily", *FLOW, "--json", "--release", record_of(AS_OF).release_id]
    )
    assert json.loads(machines.stdout)["inputs"][0]["rows"][0]["shares"] == 395_000_000


@pytest.mark.parametrize(
    ("arguments", "told_so"),
    [
        (("fct_etf_daly", *FLOW), "no mart 'fct_etf_daly'; nearest: fct_etf_daily"),
        (("fct_etf_daily", "159567.SZ", "2025-04-23", "net_flow"), "no column 'net_flow'; nearest: net_flow_cny"),
        (("fct_etf_daily", "15957.SZ", "2025-04-23", "net_flow_cny"), "no etf_code '15957.SZ'; nearest: 159567.SZ"),
        (("fct_etf_daily", "159567.SZ", "2025-04-20", "shares"), "no trade_date '2025-04-20' of 159567.SZ; nearest"),
        (("fct_etf_daily", "shares"), "keyed by etf_code trade_date: 0 given"),
        (("fct_etf_daily", "' or 1=1 --", "2025-04-23", "shares"), "no etf_code"),
        (('x" --', "shares"), "no mart"),
    ],
)
def test_a_wrong_call_says_what_comes_nearest(home: Home, arguments, told_so) -> None:
    with pytest.raises(UnknownFigureError) as error:
        explain(home.settings, record_of(AS_OF), arguments[0], arguments[1:])
    assert told_so in str(error.value)
    called = CliRunner(env={"SECTOR_HOME": str(home.settings.home)}).invoke(app, ["explain", *arguments])
    assert called.exit_code == 2


def test_a_new_mart_that_nothing_traces_yet_says_where_to_add_it(home: Home, monkeypatch) -> None:
    monkeypatch.delitem(TRACERS, "fct_etf_daily")
    with pytest.raises(UnknownFigureError, match="raw rows fct_etf_daily comes from: add it to orchestration/tracing/"):
        explain(home.settings, record_of(AS_OF), "fct_etf_daily", FLOW)


def test_without_a_release_the_cure_is_said(tmp_path: Path) -> None:
    called = CliRunner(env={"SECTOR_HOME": str(tmp_path)}).invoke(app, ["explain", "fct_etf_daily", *FLOW, "--json"])
    assert called.exit_code == 2
    assert "sector run" in json.loads(called.stdout)["error"]


def test_every_claim_of_the_note_has_a_column() -> None:
    assert all(claim_column(claim) for claim in CLAIM_IDS)


def test_every_mart_of_the_project_has_a_trace() -> None:
    marts = {path.stem for path in Path("dbt_project/models/marts").glob("*/*.sql")}
    assert marts - {"rpt_market_note"} == set(TRACERS)
