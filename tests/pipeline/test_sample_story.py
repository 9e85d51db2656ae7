"""The sample through the whole pipeline: landing to a release whose note tells the story, from the command line."""

import duckdb
import pytest

from orchestration.contracts import CONTRACTS
from orchestration.providers.sample import SAMPLE_FOLDER

pytestmark = pytest.mark.pipeline

LEADERS = ["06821.HK", "09995.HK", "09926.HK", "01801.HK", "06855.HK", "00867.HK", "01877.HK", "01530.HK"]


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
