"""The sample through the whole pipeline: landing to a release whose note tells the story, from the command line."""

import json
import os
import shutil
import subprocess
import sys

import duckdb
import pytest

from orchestration.contracts import CONTRACTS
from orchestration.explain import document, explain, find_release
from orchestration.paths import PROJECT_ROOT
from orchestration.providers.sample import SAMPLE_FOLDER
from orchestration.settings import Settings
from orchestration.tracing import TRACERS

pytestmark = pytest.mark.pipeline

LEADERS = ["06821.HK", "09995.HK", "09926.HK", "01801.HK", "06855.HK", "00867.HK", "01877.HK", "01530.HK"]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The figures of a run as of the note's minute, and the release it made current."""
    home = tmp_path_factory.mktemp("home")
    environment = {**os.environ, "SECTOR_HOME": str(home), "PYTHONPATH": str(PROJECT_ROOT)}

    def sector(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-W", "ignore", "-m", "orchestration.cli", *arguments]
        done = subprocess.run(command, cwd=PROJECT_ROOT, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr + done.stdout
        return done

    sector("sample")
    done = sector("run", "--as-of", "2025-04-24T10:30:00+08:00", "--current", "--json")
    return home, json.loads(done.stdout)


@pytest.fixture(scope="module")
def release(run):
    home, _ = run
    with duckdb.connect(str(home / "current" / "sector.duckdb"), read_only=True) as con:
        yield con


@pytest.fixture(scope="module")
def note(release):
    rows = release.execute("select claim_id, value, value_text, status from marts.rpt_market_note").fetchall()
    assert {status for *_, status in rows} == {"reproduced"}
    return {claim: (value, text) for claim, value, text, _ in rows}


def value(note, claim: str) -> float:
    return note[claim][0]


def test_every_row_of_the_sample_is_accepted_and_every_table_has_some(run, release):
    _, result = run
    assert result["published"]
    assert not result["checks_failed"]
    assert {batch["table_name"] for batch in result["batches"]} == set(CONTRACTS)
    for batch in result["batches"]:
        assert SAMPLE_FOLDER in batch["file"].split("/")
        assert batch["rows_quarantined"] == 0, batch
        assert not batch["refused_whole"], batch
        assert not batch["warnings"], batch
        assert batch["rows_landed"] > 0, batch
    assert release.execute("select is_sample from meta.release").fetchall() == [(True,)]


def test_nothing_in_the_sample_becomes_known_after_the_note(run):
    home, _ = run
    for table in CONTRACTS:
        files = str(home / "raw" / table / "**" / "*.parquet")
        late = duckdb.execute(
            "select count(*) from read_parquet(?) where knowledge_at > timestamptz '2025-04-24 10:30:00+08'", [files]
        ).fetchone()
        assert late == (0,), table


def test_the_fund_and_its_leaders(note):
    assert round(value(note, "etf_change"), 4) == 0.0372
    assert 166e6 < value(note, "etf_turnover") < 167e6
    assert [note[f"leader_{place}_change"][1] for place in range(1, 9)] == LEADERS
    assert value(note, "leader_1_change") > 0.10


def test_the_hang_seng_indices_opened_lower_and_turned(note):
    for index, turn in (("hsi", "09:47"), ("hstech", "10:04")):
        assert value(note, f"{index}_open_gap") < 0
        assert note[f"{index}_turned_positive"] == (1.0, turn)
        assert note[f"{index}_open_state"][1] == "low_open_now_up"


def test_the_flows_of_ten_sessions(note):
    assert value(note, "etf_inflow_days") == 7
    assert value(note, "etf_window_sessions") == 10
    assert value(note, "etf_structural_zero_days") == 2
    assert 280e6 < value(note, "etf_cumulative_flow") < 290e6


def test_the_visits_of_april(note):
    assert 400 < value(note, "visits_companies_all") < 420
    assert value(note, "visits_companies_electronics") == 60
    assert value(note, "visits_companies_healthcare") == 46
    assert value(note, "visits_companies_all_any_visitor") > value(note, "visits_companies_all")


def test_venture_growth_as_known_now_and_at_the_same_age(note):
    for region, growth in (("global", 0.2057), ("usa", -0.0499), ("chn", -0.0405)):
        assert round(value(note, f"funding_yoy_{region}"), 4) == growth
        assert value(note, f"funding_yoy_{region}_lag_matched") > growth + 0.01


def test_contract_researchers(note):
    assert value(note, "cro_members") == 14
    assert value(note, "cro_advancers") > value(note, "cro_decliners")


def test_contributions_explain_the_index_changes(release):
    worst = release.execute(
        "select index_code, max(abs(contribution_residual)) from marts.fct_index_breadth_daily group by 1 order by 1"
    ).fetchall()
    assert [index for index, _ in worst] == ["399006.SZ", "931250.CSI", "987018.CNI"]
    assert max(residual for _, residual in worst) < 0.0001


def test_what_else_the_sample_holds(release):
    """Splits declared and found, missing and late figures, a suspension, an off-cycle change of members."""
    splits = release.execute(
        "select etf_code, cast(trade_date as varchar), split_factor from marts.fct_etf_daily"
        " where split_factor <> 1 order by 1"
    ).fetchall()
    assert splits == [("159977.SZ", "2024-07-18", 3.0), ("515330.SH", "2024-03-12", 2.0)]
    statuses = dict(release.execute("select flow_status, count(*) from marts.fct_etf_daily group by 1").fetchall())
    assert set(statuses) == {"final", "missing", "structural_zero", "estimated", "split_adjusted"}
    suspended = release.execute(
        "select max(suspended) from marts.fct_index_breadth_daily where index_code = '987018.CNI'"
    ).fetchone()
    assert suspended == (1,)
    off_cycle = release.execute(
        "select change, count(*) from marts.fct_index_membership where index_code = '987018.CNI'"
        " and valid_from = date '2024-09-09' and change <> 'stay' group by 1 order by 1"
    ).fetchall()
    assert off_cycle == [("enter", 1), ("leave", 1)]


QUESTIONS = (
    "q01_flow_yesterday",
    "q02_flow_windows",
    "q03_flow_against_price",
    "q04_premium",
    "q05_index_contributors",
    "q06_breadth",
    "q07_open_state",
    "q08_review_and_connect",
    "q09_constituent_changes",
    "q10_concentration",
    "q11_southbound_against_flows",
    "q12_visits",
    "q13_visits_and_returns",
    "q14_funding",
    "q15_claims_and_freshness",
)


def test_every_question_of_the_desk_has_a_described_view(release):
    described = dict(
        release.execute(
            "select table_name, grain from meta.tables where table_schema = 'desk' and description <> '' and rows > 0"
        ).fetchall()
    )
    assert sorted(described) == list(QUESTIONS)
    for view, grain in described.items():
        twice = release.execute(f"select {grain} from desk.{view} group by all having count(*) > 1 limit 3").fetchall()
        assert twice == [], view
    bare = release.execute(
        "select table_name, column_name from meta.columns where coalesce(description, '') = '' or unit = ''"
    ).fetchall()
    assert bare == []


def test_views_read_the_file_they_stand_in_whatever_it_is_called(run, release, tmp_path):
    stored = release.execute("select sql from duckdb_views() where schema_name = 'desk'").fetchall()
    assert not [sql for (sql,) in stored if "sector.marts" in sql or '"sector"' in sql or "work." in sql]
    home, _ = run
    copy = shutil.copyfile(home / "current" / "sector.duckdb", tmp_path / "elsewhere.duckdb")
    with duckdb.connect() as con:
        con.execute(f"attach '{copy}' as another (read_only)")
        for view in QUESTIONS:
            latest = "max(as_of)" if view == "q15_claims_and_freshness" else "max(knowledge_at)"
            there = con.execute(f"select count(*), {latest} from another.desk.{view}").fetchone()
            assert there == release.execute(f"select count(*), {latest} from desk.{view}").fetchone()
            assert there[0] > 0


def one(release, sql: str):
    (row,) = release.execute(sql).fetchall()
    return row


def test_the_views_answer_with_the_figures_of_the_marts(release, note):
    fund = "etf_code = '159567.SZ'"
    flow = one(
        release,
        f"select trade_date, net_flow_cny, aum_cny from marts.fct_etf_daily where {fund} and net_flow_cny is not null "
        "order by trade_date desc limit 1",
    )
    answer = one(
        release, f"select trade_date, net_flow_cny, flow_of_assets_ratio from desk.q01_flow_yesterday where {fund}"
    )
    assert answer[:2] == flow[:2]
    assert answer[2] == pytest.approx(float(flow[1]) / float(flow[2] - flow[1]))

    window = one(
        release,
        "select inflow_days, structural_zero_days, creation_days, cumulative_flow_cny from desk.q02_flow_windows "
        f"where {fund} and window_sessions = 10",
    )
    assert window[:3] == (value(note, "etf_inflow_days"), 2, 8)
    assert float(window[3]) == value(note, "etf_cumulative_flow")
    together = one(
        release,
        "select cumulative_flow_cny from desk.q02_flow_windows "
        "where etf_code = 'ALL' and index_code = '987018.CNI' and window_sessions = 10",
    )
    summed = one(
        release,
        "select sum(net_flow_cny) from marts.fct_etf_daily join marts.dim_etf using (etf_code) "
        "where tracked_index_code = '987018.CNI' and trade_date between date '2025-04-10' and date '2025-04-23'",
    )
    assert together == summed

    path = release.execute(
        f"select change_ratio from marts.fct_etf_daily where {fund} order by trade_date desc limit 5"
    ).fetchall()
    compounded = 1.0
    for (change,) in path:
        compounded *= 1 + change
    price = one(release, f"select return_5_sessions, quadrant from desk.q03_flow_against_price where {fund}")
    assert price[0] == pytest.approx(compounded - 1)
    assert price[1] == ("buying_weakness" if compounded < 1 else "chasing")

    made = release.execute(
        "select contribution_ratio from desk.q05_index_contributors where index_code = '987018.CNI' and side = 'made' "
        "order by place"
    ).fetchall()
    best = release.execute(
        "select contribution_ratio from marts.fct_constituent_daily where index_code = '987018.CNI' "
        "and trade_date = date '2025-04-23' order by contribution_ratio desc limit 5"
    ).fetchall()
    assert made == best

    state = one(release, "select open_state, open_gap_ratio from desk.q07_open_state where index_code = 'HSTECH.HI'")
    assert state == (note["hstech_open_state"][1], pytest.approx(value(note, "hstech_open_gap")))

    itself = one(
        release,
        "select common_weight, common_members from desk.q10_concentration "
        "where index_code = '987018.CNI' and other_index_code = '987018.CNI'",
    )
    assert itself[0] == pytest.approx(1)

    visited = one(
        release,
        "select companies_mtd, months_compared from desk.q12_visits "
        "where sector_code = '801080' and visitor_type = 'broker'",
    )
    assert visited == (value(note, "visits_companies_electronics"), 12)

    growth = one(
        release,
        "select yoy_latest, quarter_state from desk.q14_funding where profile = 'cb_news_venture' "
        "and region = 'GLOBAL' and quarter_start = date '2025-01-01'",
    )
    assert growth == (value(note, "funding_yoy_global"), "ended")


def test_what_is_no_input_is_said(release):
    held = release.execute("select distinct status, missing_input from desk.q11_southbound_against_flows").fetchall()
    assert [status for status, _ in held] == ["not_available"]
    assert "CCASS" in held[0][1]
    review = release.execute(
        "select status from desk.q08_review_and_connect where event_kind = 'next_review'"
    ).fetchall()
    assert {status for (status,) in review} == {"not_available"}


def test_returns_after_visits_are_those_of_the_bars(release):
    whole = one(
        release,
        "select events, event_return_ratio, usual_return_ratio, excess_return_ratio from desk.q13_visits_and_returns "
        "where sector_code = 'ALL' and visitor_type = 'all' and horizon_sessions = 5",
    )
    assert whole[0] > 100
    assert whole[3] == pytest.approx(whole[1] - whole[2])
    assert abs(whole[1]) < 0.2


def test_figures_are_explained_by_the_rows_they_stand_on(run, release, note):
    home, _ = run
    settings = Settings(home=home)
    current = find_release(settings, None)

    def told(mart: str, *words: str):
        return document(explain(settings, current, mart, words))

    flow = told("fct_etf_daily", "159567.SZ", "2025-04-23", "net_flow_cny")
    after, before, nav = (entry["rows"][0] for entry in flow["inputs"][:3])
    assert (after["shares"] - before["shares"]) * nav["unit_nav"] == flow["value"]
    assert after["_file"].startswith("etf_shares/")

    window = told("fct_etf_flow_window", "159567.SZ", "2025-04-23", "10", "cumulative_flow_cny")
    counts, navs = (entry["rows"] for entry in window["inputs"][:2])
    assert (len(counts), len(navs)) == (11, 10)
    steps = zip(counts, counts[1:], navs, strict=False)
    assert sum((b["shares"] - a["shares"]) * n["unit_nav"] for a, b, n in steps) == window["value"]

    for region in ("GLOBAL", "USA", "CHN", "ROW"):
        funding = told(
            "fct_funding_quarterly", "cb_news_venture", "innovative_drugs", region, "2025-01-01", "amount_usd"
        )
        sure = [row for row in funding["inputs"][0]["rows"] if row["investment_type"] not in AFTER_OTHERS]
        unsure = [row for row in funding["inputs"][0]["rows"] if row["investment_type"] in AFTER_OTHERS]
        least = sum(row["raised_amount_usd"] or 0 for row in sure)
        assert least <= funding["value"] <= least + sum(row["raised_amount_usd"] or 0 for row in unsure), region

    visits = told("fct_sector_visits_daily", "SW2021", "801150", "2025-04-24", "broker", "companies_mtd")
    companies = {row["security_code"] for row in visits["inputs"][0]["rows"]}
    assert len(companies) >= visits["value"] == value(note, "visits_companies_healthcare")

    for claim in note:
        explained = told("rpt_market_note", claim, "value")
        assert explained["inputs"], claim
        assert all(entry["rows"] or "splits" in entry["role"] for entry in explained["inputs"]), claim


def test_every_mart_with_its_own_trace_has_its_grain(release):
    known = dict(release.execute("select table_name, grain from meta.tables where table_schema = 'marts'").fetchall())
    assert set(TRACERS) <= set(known)
    assert all(known.values())


AFTER_OTHERS = ("corporate_round", "private_equity")
