"""`sector explain` on the sample: the rows that it lists, reckoned with in plain Python, give the figure."""

import random
from collections import defaultdict
from decimal import ROUND_HALF_UP, Decimal

import pytest

from orchestration.explain import _opened, document, explain, find_release
from orchestration.settings import Settings
from orchestration.tracing import GAPS, TRACERS

pytestmark = pytest.mark.pipeline

CENT = Decimal("0.01")


@pytest.fixture(scope="module")
def told(run):
    """The explanation of a figure of the current release, as machines get it."""
    home, _ = run
    settings = Settings(home=home)
    current = find_release(settings, None)

    def ask(mart: str, *words: object):
        return document(explain(settings, current, mart, [str(word) for word in words]))

    return ask


@pytest.fixture(scope="module")
def drawn(release):
    """Some keys of a mart that meet a condition, the same ones on every run."""

    def draw(mart: str, grain: str, condition: str, count: int):
        texts = ", ".join(f"cast({name} as varchar)" for name in grain.split(", "))
        keys = release.execute(f"select {texts} from marts.{mart} where {condition} order by all").fetchall()
        return random.Random(20250424).sample(keys, min(count, len(keys)))  # noqa: S311

    return draw


def rows(explained, table: str, role: str = ""):
    return [
        row
        for entry in explained["inputs"]
        if entry["table"] == table and role in entry["role"]
        for row in entry["rows"]
    ]


def splits_between(explained, after: str, until: str) -> tuple[int, int]:
    numerator, denominator = 1, 1
    for split in rows(explained, "etf_splits"):
        if after < str(split["effective_date"]) <= until:
            numerator, denominator = numerator * int(split["numerator"]), denominator * int(split["denominator"])
    return numerator, denominator


def flow_of(explained) -> Decimal:
    day = explained["key"]["trade_date"]
    after, before = (entry["rows"][0] for entry in explained["inputs"][:2])
    (nav,) = rows(explained, "etf_nav")
    up, down = splits_between(explained, "0000", str(day))
    exact = (Decimal(after["shares"]) - Decimal(before["shares"]) * up / down) * Decimal(nav["unit_nav"])
    return exact.quantize(CENT, ROUND_HALF_UP)


def test_two_counts_and_a_nav_give_a_flow(told, drawn):
    grain = "etf_code, trade_date"
    known = "flow_status = 'final' and net_flow_cny <> 0"
    keys = drawn("fct_etf_daily", grain, known, 4) + drawn("fct_etf_daily", grain, "span_sessions > 1", 1)
    for key in keys:
        explained = told("fct_etf_daily", *key, "net_flow_cny")
        assert flow_of(explained) == explained["value"], key


def test_a_window_is_the_sum_of_its_rows(told):
    window = told("fct_etf_flow_window", "159567.SZ", "2025-04-23", "10", "cumulative_flow_cny")
    counts, navs = rows(window, "etf_shares"), rows(window, "etf_nav")
    assert (len(counts), len(navs)) == (11, 10)
    steps = zip(counts, counts[1:], navs, strict=False)
    assert sum((b["shares"] - a["shares"]) * n["unit_nav"] for a, b, n in steps) == window["value"]


def test_a_streak_reaches_back_to_the_session_that_ends_it(told, drawn, release):
    keys = drawn("fct_etf_flow_window", "etf_code, as_of_date, window_sessions", "inflow_streak > window_sessions", 1)
    for key in keys or drawn("fct_etf_flow_window", "etf_code, as_of_date, window_sessions", "inflow_streak > 2", 1):
        explained = told("fct_etf_flow_window", *key, "inflow_streak")
        first = min(str(row["nav_date"]) for row in rows(explained, "etf_nav"))
        ((flow, status),) = release.execute(
            "select net_flow_cny, flow_status from marts.fct_etf_daily where etf_code = ? and trade_date = ?",
            [key[0], first],
        ).fetchall()
        assert flow is None or flow <= 0, (key, status)
        assert len(rows(explained, "etf_nav")) > explained["value"]


def change_of(bar) -> float:
    if bar["close"] is None or (bar["volume_shares"] == 0 and bar["close"] == bar["prev_close"]):
        return 0.0
    return float(bar["close"]) / float(bar["prev_close"]) - 1


def test_published_weights_and_bars_give_a_contribution(told, drawn):
    grain = "index_code, trade_date, security_code"
    for key in drawn("fct_constituent_daily", grain, "price_status = 'priced' and trade_date > '2023-06-01'", 3):
        explained = told("fct_constituent_daily", *key, "contribution_ratio")
        weights = {row["security_code"]: row["weight"] for row in rows(explained, "index_weights")}
        grown = defaultdict(lambda: 1.0)
        for entry in explained["inputs"]:
            if entry["table"] == "security_bars" and ("after" in entry["role"] or "between" in entry["role"]):
                for bar in entry["rows"]:
                    grown[bar["security_code"]] *= 1 + change_of(bar)
        drifted = {code: weight * grown[code] for code, weight in weights.items()}
        (bar,) = rows(explained, "security_bars", "bar of")
        contribution = drifted[key[2]] / sum(drifted.values()) * change_of(bar)
        assert contribution == pytest.approx(explained["value"], rel=1e-9), key


def test_members_bars_give_the_breadth(told, drawn):
    for key in drawn("fct_index_breadth_daily", "index_code, trade_date", "decliners > 0", 2):
        explained = told("fct_index_breadth_daily", *key, "decliners")
        members = {row["security_code"] for row in rows(explained, "index_weights")}
        bars = rows(explained, "security_bars", "bars of")
        assert {bar["security_code"] for bar in bars} <= members
        assert sum(change_of(bar) < 0 for bar in bars) == explained["value"], key


def test_notices_give_the_visits(told, drawn):
    grain = "scheme, sector_code, as_of_date, visitor_type"
    some = "companies_mtd > 1"
    keys = [("SW2021", "801150", "2025-04-24", "broker"), ("SW2021", "ALL", "2025-03-31", "all")]
    keys += drawn("fct_sector_visits_daily", grain, some, 2)
    keys += drawn("fct_sector_visits_daily", grain, f"{some} and sector_code = 'NONE'", 1)
    for key in keys:
        for column in ("companies_mtd", "visits_mtd"):
            explained = told("fct_sector_visits_daily", *key, column)
            issuer = {row["security_code"]: row["issuer_id"] for row in rows(explained, "securities")}
            visits = rows(explained, "broker_visits")
            seen = [
                (issuer.get(v["security_code"]) or v["security_code"], v["visit_date"], v["visit_way"]) for v in visits
            ]
            counted = {company for company, _, _ in seen} if column == "companies_mtd" else set(seen)
            assert len(counted) == explained["value"], (key, column)


def test_the_bars_after_visits_give_the_return_of_the_study(told, drawn):
    grain = "scheme, sector_code, visitor_type, horizon_sessions"
    keys = drawn("fct_visit_event_study", grain, "events between 3 and 400 and horizon_sessions = 1", 3)
    assert keys
    for key in keys:
        explained = told("fct_visit_event_study", *key, "event_return_ratio")
        bars = rows(explained, "security_bars")
        assert len(bars) == told("fct_visit_event_study", *key, "events")["value"]
        assert sum(map(change_of, bars)) / len(bars) == pytest.approx(explained["value"], rel=1e-9)
        assert {row["security_code"] for row in rows(explained, "broker_visits")} == {b["security_code"] for b in bars}


def test_rounds_give_the_funding_by_the_region_known_first(told, drawn):
    grain = "profile, segment, region, quarter_start"
    moved = "first_region_deals <> deals and region <> 'GLOBAL' and first_region_amount_usd > 0"
    for key in drawn("fct_funding_quarterly", grain, moved, 2):
        explained = told("fct_funding_quarterly", *key, "first_region_amount_usd")
        amounts = [row["raised_amount_usd"] or 0 for row in rows(explained, "funding_rounds", "rounds of the quarter")]
        assert sum(amounts) == explained["value"], key


def test_rounds_give_the_funding_as_it_is_and_as_it_was(told, drawn):
    grain = "profile, segment, region, quarter_start"
    quarters = [("cb_news_venture", "innovative_drugs", region, "2025-01-01") for region in ("GLOBAL", "CHN", "ROW")]
    quarters += drawn("fct_funding_quarterly", grain, "deals > 0 and profile = 'vc_pe_broad'", 1)
    asked = [("fct_funding_quarterly", key, "amount_usd", "rounds of the quarter") for key in quarters]
    of_stage = "profile, segment, region, stage, quarter_start"
    staged = drawn("fct_funding_stage_quarterly", of_stage, "stage = 'technology_growth' and deals > 0", 1)
    asked += [("fct_funding_stage_quarterly", key, "amount_usd", "rounds of the quarter") for key in staged]
    restated = "amount_change_ratio <> 0 and not is_latest"
    for key in drawn("fct_funding_restatement", f"{grain}, known_at", restated, 2):
        asked.append(("fct_funding_restatement", key, "amount_usd", "rounds of the quarter"))
        asked.append(("fct_funding_restatement", key, "first_amount_usd", "first print"))
    asked.append(("fct_funding_quarterly", quarters[0], "base_amount_known_year_ago_usd", "rounds of the quarter"))
    for mart, key, column, role in asked:
        explained = told(mart, *key, column)
        amounts = [row["raised_amount_usd"] or 0 for row in rows(explained, "funding_rounds", role)]
        assert sum(amounts) == explained["value"], (mart, key, column)


def test_claims_of_the_note_go_through_to_raw_rows(told, note):
    families = {claim.split("_")[0]: claim for claim in note}
    for claim in families.values():
        explained = told("rpt_market_note", claim, "value")
        assert explained["told_by"]["mart"] in TRACERS
        assert explained["formula"], claim
        assert any(entry["count"] for entry in explained["inputs"]), claim


def test_every_column_of_every_mart_has_a_trace_and_a_sentence(run, release, told):
    home, _ = run
    settings = Settings(home=home)
    tables = release.execute("select table_name, grain from meta.tables where table_schema = 'marts' and rows > 0")
    marts = dict(tables.fetchall())
    assert set(marts) - {"rpt_market_note"} <= set(TRACERS)
    described = release.execute(
        "select table_name, column_name, description from meta.columns where table_schema = 'marts' order by ordinal"
    ).fetchall()
    with _opened(settings, find_release(settings, None)) as con:
        for mart, grain in marts.items():
            if mart == "rpt_market_note":
                continue
            names = grain.split(", ")
            row = con.execute(f"select {grain} from release.marts.{mart} using sample 1 rows (reservoir, 7)").fetchone()
            key = dict(zip(names, row, strict=True))
            parts = {}
            for name, column, about in described:
                if name == mart:
                    traced = TRACERS[mart](con, key, column)
                    assert traced or GAPS[mart](con, key, column), (mart, column)
                    assert about, (mart, column)
                    parts |= dict.fromkeys(traced)
            for part in parts:
                con.execute(f"select count(*) from ({_from(part)})", list(part.values))


def _from(part) -> str:
    source = f"release.{part.table}" if part.table.startswith("reference.") else part.table
    return f"select 1 from {source} where {part.where}"
