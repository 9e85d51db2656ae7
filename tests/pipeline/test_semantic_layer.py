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
    on_the_day = {row["sector"]: row["companies_visited"] for row in rows if row["metric_time__day"].date() == day}
    assert on_the_day["801080"] == note["visits_companies_electronics"][0]
    assert on_the_day["ALL"] == note["visits_companies_all"][0]


def test_growth_of_funding_is_that_of_the_mart(ask, release):
    told = {
        (row["metric_time__quarter"].date(), row["funding_quarter__region"]): row["funding_growth"]
        for row in ask(saved_query_name="note_funding")
    }
    marts = release.execute(
        "select quarter_start, region, yoy_latest from marts.fct_funding_quarterly "
        "where profile = 'cb_news_venture' and segment = 'innovative_drugs' and yoy_latest is not null"
    ).fetchall()
    assert len(marts) > 10
    for quarter, region, growth in marts:
        assert told[quarter, region] == pytest.approx(growth), (quarter, region)


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
    assert {query["name"] for query in known["saved_queries"]} == {"note_etf_flows", "note_visits", "note_funding"}
    assert [file.name for file in sorted((DBT_PROJECT / "semantic").glob("*.sql"))] == []
