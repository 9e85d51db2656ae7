"""The desk's fifteen questions: a view each, with the figures of the marts, wherever the file goes."""

import shutil

import duckdb
import pytest

pytestmark = pytest.mark.pipeline

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
    "visited_companies",
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


def value_of(note, claim: str) -> float:
    return note[claim][0]


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
    assert window[:3] == (value_of(note, "etf_inflow_days"), 2, 8)
    assert float(window[3]) == value_of(note, "etf_cumulative_flow")
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
    assert state == (note["hstech_open_state"][1], pytest.approx(value_of(note, "hstech_open_gap")))

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
    assert visited == (value_of(note, "visits_companies_electronics"), 12)

    [(most_visited, institutions)] = release.execute(
        "select company_id, institutions_mtd from desk.visited_companies where visitor_type = 'broker' "
        "order by rank_mtd, company_id limit 1"
    ).fetchall()
    counted = release.execute(
        "select company_id, count(distinct organization) from marts.fct_visit where visitor_type = 'broker' "
        "and visit_date between date '2025-04-01' and date '2025-04-24' group by 1"
    ).fetchall()
    assert institutions == max(count for _, count in counted) == dict(counted)[most_visited]
    assert len(counted) == value_of(note, "visits_companies_all")
    by_funds = one(
        release,
        "select count(*), max(companies_by_funds_mtd) from desk.visited_companies as c, desk.q12_visits as s "
        "where c.visitor_type = 'fund' and s.sector_code = 'ALL'",
    )
    assert by_funds[0] == 2 * by_funds[1], "the sectors' rows of all visitors and of brokers tell it alike"

    growth = one(
        release,
        "select yoy_latest, quarter_state from desk.q14_funding where profile = 'cb_news_venture' "
        "and region = 'GLOBAL' and quarter_start = date '2025-01-01'",
    )
    assert growth == (value_of(note, "funding_yoy_global"), "ended")

    largest = release.execute(
        "select round_uuid, org_name from marts.fct_funding_round where in_cb_news_venture "
        "and segment = 'innovative_drugs' and region = 'CHN' and quarter_start = date '2025-01-01' "
        "and raised_amount_usd is not null order by raised_amount_usd desc, round_uuid limit 5"
    ).fetchall()
    top_round, top_rounds = one(
        release,
        "select top_round_uuid, top_rounds from desk.q14_funding where profile = 'cb_news_venture' "
        "and region = 'CHN' and quarter_start = date '2025-01-01'",
    )
    assert top_round == largest[0][0]
    assert [said.split(" (CHN")[0] for said in top_rounds.split("; ")] == [name for _, name in largest]


def test_premium_changes_and_freshness_are_those_of_the_marts(release):
    fund = "etf_code = '159567.SZ'"
    premium = one(release, f"select trade_date, premium_ratio, premium_zscore from desk.q04_premium where {fund}")
    mart = release.execute(
        f"select trade_date, premium_ratio, premium_zscore from marts.fct_etf_daily where {fund} "
        "and premium_basis is not null order by trade_date desc limit 1"
    ).fetchall()
    assert [premium] == mart

    changes = dict(
        release.execute(
            "select change, count(*) from desk.q09_constituent_changes where index_code = '987018.CNI' group by change"
        ).fetchall()
    )
    members = release.execute(
        "select change, count(*) from marts.fct_index_membership where index_code = '987018.CNI' and valid_from = "
        "(select max(valid_from) from marts.fct_index_membership where index_code = '987018.CNI') group by change"
    ).fetchall()
    assert changes == dict(members)

    fresh = dict(
        release.execute("select subject, status from desk.q15_claims_and_freshness where kind = 'table'").fetchall()
    )
    assert fresh["fct_etf_daily"] == "fresh", "the last closed session before the morning of the note is there"
    assert set(fresh.values()) <= {"fresh", "late", "empty", "not_timed"}
    facts = release.execute(
        "select table_name from meta.tables where table_schema = 'marts' and table_name not like 'dim%'"
    )
    assert set(fresh) == {name for (name,) in facts.fetchall()}
    claims = one(release, "select count(*) from desk.q15_claims_and_freshness where kind = 'claim'")
    assert claims == one(release, "select count(*) from marts.rpt_market_note")


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


def test_the_documentation_stands_beside_the_release(run):
    home, _ = run
    page = (home / "current" / "docs.html").read_text(encoding="utf-8")
    assert "INLINE DATA" not in page
    assert '"send_anonymous_usage_stats":false' in page
    for name in ("model.sector_warehouse.q01_flow_yesterday", "exposure.sector_warehouse.market_note"):
        assert name in page
    assert '"id":"row_count"' in page
    assert "<title>Sector warehouse</title>" in page
    assert "Closing price, unadjusted; NULL without a bar. [CNY]" in page
