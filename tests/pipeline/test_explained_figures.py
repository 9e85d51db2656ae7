"""`sector explain` on the sample: the rows that it lists give the figure."""

import pytest

from orchestration.explain import document, explain, find_release
from orchestration.settings import Settings
from orchestration.tracing import TRACERS

pytestmark = pytest.mark.pipeline

AFTER_OTHERS = ("corporate_round", "private_equity")
"""Types that count only after earlier rounds of the organization."""

WITHOUT_RAW = {"dim_date"}
"""The calendar comes from no raw table."""


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
    assert len(companies) >= visits["value"] == note["visits_companies_healthcare"][0]

    for claim in note:
        explained = told("rpt_market_note", claim, "value")
        assert explained["inputs"], claim
        assert all(entry["rows"] or "splits" in entry["role"] for entry in explained["inputs"]), claim


def test_every_mart_with_its_own_trace_has_its_grain(release):
    known = dict(release.execute("select table_name, grain from meta.tables where table_schema = 'marts'").fetchall())
    assert set(TRACERS) <= set(known)
    assert all(known.values())


def test_any_column_of_a_row_and_any_mart_is_explained(run, release):
    home, _ = run
    settings = Settings(home=home)
    current = find_release(settings, None)
    tables = release.execute("select table_name, grain from meta.tables where table_schema = 'marts' and rows > 0")
    marts = dict(tables.fetchall())
    for mart, grain in marts.items():
        texts = ", ".join(f"cast({name} as varchar)" for name in grain.split(", "))
        (key,) = release.execute(f"select {texts} from marts.{mart} limit 1").fetchall()
        columns = release.execute(
            "select column_name from meta.columns where table_schema = 'marts' and table_name = ? order by ordinal",
            [mart],
        ).fetchall()
        for (column,) in columns[14:] if mart == "fct_etf_daily" else columns[-1:]:
            told = document(explain(settings, current, mart, [*key, column]))
            assert told["formula"], (mart, column)
            assert told["inputs"] or told["other_raw_tables"] or mart in WITHOUT_RAW, (mart, column)
