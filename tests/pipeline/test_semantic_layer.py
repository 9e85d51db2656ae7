"""The semantic layer gives the figures of the marts: MetricFlow writes the SQL, the release answers it."""

import datetime as dt
import json

import pytest

from orchestration.paths import DBT_PROJECT
from tests.support.semantic_layer import questions

pytest.importorskip("metricflow", reason="metricflow is not installed: pip install metricflow (extra dev)")

pytestmark = pytest.mark.pipeline


@pytest.fixture(scope="module")
def manifest(run):
    home, _ = run
    return home / "build" / "dbt" / "semantic_manifest.json"


@pytest.fixture(scope="module")
def ask(manifest, release):
    sql = questions(manifest)

    def answer(**question):
        cursor = release.execute(sql(**question))
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    return answer


def test_the_window_of_the_note_is_the_sum_of_its_days(ask, note):
    days = [
        row
        for row in ask(saved_query_name="note_etf_flows")
        if dt.date(2025, 4, 10) <= row["metric_time__day"].date() <= dt.date(2025, 4, 23)
    ]
    assert float(sum(row["etf_net_flow"] for row in days)) == note["etf_cumulative_flow"][0]
    assert sum(row["etf_inflow_days"] for row in days) == note["etf_inflow_days"][0]
    assert sum(row["etf_unknown_flow_days"] for row in days) == 0
    assert sum(row["etf_structural_zero_days"] for row in days) == note["etf_structural_zero_days"][0]
    assert sum(row["etf_sessions"] for row in days) == note["etf_window_sessions"][0]


def test_the_last_quote_is_that_of_the_note(ask, note):
    asked = {"group_by_names": ["etf"], "where_constraints": ["{{ Entity('etf') }} = '159567.SZ'"]}
    (row,) = ask(metric_names=["etf_quoted_change", "etf_quoted_turnover"], **asked)
    assert row["etf_quoted_change"] == pytest.approx(note["etf_change"][0])
    assert float(row["etf_quoted_turnover"]) == note["etf_turnover"][0]
    quotes = ask(saved_query_name="note_leaders")
    last = max(row["metric_time__minute"] for row in quotes)
    ranked = {row["member_quote__rank_in_index"]: row for row in quotes if row["metric_time__minute"] == last}
    for place in range(1, 9):
        change, code = note[f"leader_{place}_change"]
        assert (ranked[place]["security"], ranked[place]["member_change"]) == (code, pytest.approx(change))


def test_openings_and_concepts_are_those_of_the_marts(ask, release, note):
    gaps = {(row["market_index"], row["metric_time__day"].date()): row for row in ask(saved_query_name="note_opening")}
    marts = release.execute(
        "select index_code, trade_date, open_gap_ratio, change_ratio from marts.fct_index_daily "
        "where index_code = 'HSI.HI'"
    ).fetchall()
    assert len(marts) > 10
    for index, day, gap, change in marts:
        row = gaps[index, day]
        assert (row["index_open_gap"], row["index_change"]) == (pytest.approx(gap), pytest.approx(change))
    concepts = ask(saved_query_name="note_contract_research")
    ((last,),) = release.execute("select max(trade_date) from marts.fct_concept_daily where concept = 'CRO'").fetchall()
    (row,) = [row for row in concepts if row["metric_time__day"].date() == last]
    assert [row[f"concept_{what}"] for what in ("members", "advancers", "decliners")] == [
        note[f"cro_{what}"][0] for what in ("members", "advancers", "decliners")
    ]


def test_contributions_and_premiums_are_those_of_the_marts(ask, release):
    day = "{{ TimeDimension('metric_time', 'day') }} = '2025-04-23'"
    told = ask(
        metric_names=["index_contribution"],
        group_by_names=["market_index", "metric_time__day"],
        where_constraints=[day],
    )
    marts = release.execute(
        "select index_code, index_change_ratio - contribution_residual from marts.fct_index_breadth_daily "
        "where trade_date = '2025-04-23'"
    ).fetchall()
    assert {row["market_index"]: row["index_contribution"] for row in told} == pytest.approx(dict(marts))
    premiums = ask(
        metric_names=["etf_premium", "etf_change"], group_by_names=["etf", "metric_time__day"], where_constraints=[day]
    )
    marts = release.execute(
        "select etf_code, premium_ratio, change_ratio from marts.fct_etf_daily where trade_date = '2025-04-23'"
    ).fetchall()
    by_etf = {row["etf"]: (row["etf_premium"], row["etf_change"]) for row in premiums}
    assert len(marts) > 10
    for etf, premium, change in marts:
        assert by_etf[etf] == (pytest.approx(premium), pytest.approx(change)), etf


def test_assets_are_those_of_the_last_session(ask, release):
    (told,) = release.execute(
        "select sum(aum_cny) from marts.fct_etf_daily join marts.dim_etf using (etf_code) "
        "where tracked_index_code = '987018.CNI' and trade_date = (select max(trade_date) from marts.fct_etf_daily)"
    ).fetchone()
    rows = ask(metric_names=["etf_assets"], group_by_names=["etf__tracked_index_code"])
    assert {row["etf__tracked_index_code"]: row["etf_assets"] for row in rows}["987018.CNI"] == told


def test_companies_visited_on_the_day_of_the_note(ask, note):
    day = dt.date(2025, 4, 24)
    rows = ask(saved_query_name="note_visits")
    on_the_day = {
        (row["sector"], row["sector_visit_day__visitor_type"]): row["companies_visited"]
        for row in rows
        if row["metric_time__day"].date() == day
    }
    assert on_the_day["801080", "broker"] == note["visits_companies_electronics"][0]
    assert on_the_day["ALL", "broker"] == note["visits_companies_all"][0]
    assert on_the_day["ALL", "all"] == note["visits_companies_all_any_visitor"][0]


def test_growth_of_funding_is_that_of_the_mart(ask, release):
    told = {
        (row["metric_time__quarter"].date(), row["funding_quarter__region"]): row
        for row in ask(saved_query_name="note_funding")
    }
    marts = release.execute(
        "select quarter_start, region, yoy_latest, yoy_lag_matched from marts.fct_funding_quarterly "
        "where profile = 'cb_news_venture' and segment = 'innovative_drugs' and yoy_latest is not null"
    ).fetchall()
    assert len(marts) > 10
    for quarter, region, growth, matched in marts:
        row = told[quarter, region]
        assert row["funding_growth"] == pytest.approx(growth), (quarter, region)
        assert row["funding_growth_lag_matched"] == pytest.approx(matched), (quarter, region)


def test_breadth_is_a_ratio_of_sums(ask, release):
    told = {
        row["market_index"]: row["advancing_share"]
        for row in ask(
            metric_names=["advancing_share"],
            group_by_names=["market_index", "metric_time__day"],
            where_constraints=["{{ TimeDimension('metric_time', 'day') }} = '2025-04-23'"],
        )
    }
    views = dict(release.execute("select index_code, pct_advancing from desk.q06_breadth").fetchall())
    assert views
    assert {index: told[index] for index in views} == pytest.approx(views)


def test_every_metric_and_saved_query_can_be_asked(ask, manifest):
    known = json.loads(manifest.read_text(encoding="utf-8"))
    for metric in known["metrics"]:
        assert ask(metric_names=[metric["name"]], group_by_names=["metric_time__quarter"]), metric["name"]
    for query in known["saved_queries"]:
        assert ask(saved_query_name=query["name"]), query["name"]
    assert [file.name for file in sorted((DBT_PROJECT / "semantic").glob("*.sql"))] == []
