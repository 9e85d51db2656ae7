"""The note: figures as the mart has them, missing ones said to be missing, the same bytes every time."""

import dataclasses
import datetime as dt
import re
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from expectations.gate import report_of
from tests.support.marts import AS_OF, accounting, empty_build, refusals
from tests.support.story import manifest_of, record_of, told
from warehouse.build import MARTS_FILE
from warehouse.catalog import write_inputs, write_release
from warehouse.claims import CLAIM_IDS
from warehouse.note import render_html, render_text
from warehouse.note.facts import read_note
from warehouse.note.story import plain, story
from warehouse.note.words import cell, money, percent

LATER = AS_OF + dt.timedelta(days=30)


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return told(tmp_path_factory.mktemp("build"), as_of=LATER)


@pytest.fixture(scope="module")
def page(db: Path) -> str:
    return render_html(db)


def test_story_tells_the_morning(db: Path) -> None:
    text = render_text(db)
    for sentence in (
        "Sector note, Thursday 2025-04-24",
        "Yinhua HK Innovative Drug ETF 港股创新药ETF (159567.SZ) rose 3.72%",
        "rose 3.72% on turnover of CNY 166.32 million by 10:30.",
        "Asymchem 凯莱英 +10.42%, RemeGen 荣昌生物 +7.81%",
        "The Hang Seng Index opened 0.48% lower, turned positive at 09:52 and is above its previous close.",
        "The Hang Seng TECH Index opened 0.61% lower, turned positive at 10:04 and has faded since.",
        "Net creations on 7 of the last 10 sessions to 2025-04-23 (2 of them without creations",
        "cumulative net inflow CNY 283.10 million.",
        "brokers called on 412 listed companies, 60 of them in electronics (电子) and 46 in pharmaceuticals",
        "in Q1 2025 against a year earlier, as known now: +20.57% worldwide, -4.99% USA, -4.05% China.",
        "Of 30 members 22 rose and 7 fell",
    ):
        assert sentence in text


def test_sample_and_old_data_say_so(db: Path, page: str, tmp_path: Path) -> None:
    said = "data ends 2025-04-24 10:30; release as of 2025-05-24 10:30"
    for face in (render_text(db), page):
        assert "Synthetic sample data" in face
        assert said in face
    real = told(tmp_path, is_sample=False)
    for face in (render_text(real), render_html(real)):
        assert "Synthetic" not in face
        assert "data ends" not in face


def test_every_claim_is_shown_with_its_source(db: Path, page: str) -> None:
    text = render_text(db)
    for claim in CLAIM_IDS:
        assert f"  {claim} " in text
        assert f'<tr id="{claim}">' in page
        assert f"sector explain rpt_market_note {claim} value</code>" in page
        assert f"etf_code &lt; &#39;{claim}&#39;" in page


def test_every_figure_of_the_story_leads_to_its_source(page: str) -> None:
    told = page[page.index('<dl class="story">') : page.index("</dl>")]
    links = re.findall(r'<a href="#(\w+)">([^<]+)</a>', told)
    assert ("etf_change", "rose 3.72%") in links
    assert ("hstech_turned_positive", "10:04") in links
    assert ("leader_8_change", "+4.02%") in links
    assert {claim for claim, _ in links} == set(CLAIM_IDS)
    for target in re.findall(r'href="#([^"]+)"', page):
        assert f' id="{target}"' in page
    without = re.sub(r"<a [^>]*>[^<]*</a>|\d{4}-\d\d-\d\d|\(\d+\.\w+\)|10:30|Q1 2025", "", told)
    assert not re.findall(r"\b\d+\b", without), "a figure without a link"


def test_ids_are_given_once(page: str) -> None:
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert sorted(ids) == sorted(set(ids))


def test_missing_figures_name_the_missing_input(tmp_path: Path) -> None:
    gone = ("etf_turnover", "hsi_open_gap", "etf_cumulative_flow", "funding_yoy_usa_lag_matched")
    text = render_text(told(tmp_path, missing=gone))
    assert "(159567.SZ) rose 3.72% by 10:30. Not available: no input for etf_turnover." in " ".join(text.split())
    assert re.search(r"Hang Seng +Not available: no input for hsi_open_gap\.", text)
    page = render_html(told(tmp_path / "page", missing=gone))
    assert '<a href="#hsi_open_gap">Not available: no input for hsi_open_gap.</a>' in page
    assert re.search(r"Flows +Not available: no input for etf_cumulative_flow\.", text)
    assert "not available USA" in text
    assert len(re.findall(r"^  \w+ +not available", text, re.MULTILINE)) == len(gone)


def test_release_without_data_gives_a_note_without_figures(tmp_path: Path) -> None:
    empty_build(tmp_path)
    marts = tmp_path / MARTS_FILE
    write_inputs(marts, accounting(), refusals())
    write_release(marts, record_of(AS_OF, is_sample=False), report_of([]), manifest_of(tmp_path))
    text, page = render_text(marts), render_html(marts)
    assert text.startswith("Sector note: no data yet")
    assert "Not available: no data has been ingested." in text
    assert "no data yet" in page
    assert "<svg" not in page
    assert page.count('<p class="missing">Not available: ') == 7 + 3, "charts and tables"
    assert not re.search(r"\d%", text)


def test_page_is_deterministic_small_and_asks_nobody(db: Path, page: str) -> None:
    assert page == render_html(db)
    assert render_text(db) == render_text(db)
    assert len(page.encode()) < 400_000
    assert "://" not in page, "not even the name of an address"
    assert re.findall(r'href="(?!#)[^"]*', page) == []
    assert re.findall(r"url\((?!#)[^)]*", page) == []
    assert not re.search(r"\bsrc(?:set)?\s*=|@import|<(?:script|link|iframe|object|embed|image|use)\b", page)


def test_text_of_the_data_cannot_become_markup(tmp_path: Path) -> None:
    db = told(tmp_path)
    with duckdb.connect(str(db)) as con:
        con.execute(
            "update marts.dim_security set name_en = '<script>alert(1)</script>' where security_code = '06821.HK'"
        )
    page = render_html(db)
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_flows_are_those_of_the_window_known_by_the_moment(db: Path, tmp_path: Path) -> None:
    """A window whose inputs came later exists in the file; the note must not look at it."""
    assert [day.date.day for day in read_note(db).flows] == [10, 11, 14, 15, 16, 17, 18, 21, 22, 23]
    late = told(tmp_path, as_of=LATER)
    with duckdb.connect(str(late)) as con:
        con.execute(
            "insert into marts.fct_etf_flow_window by name select etf_code, date '2025-04-24' as as_of_date, "
            "window_sessions, first_known_at + interval 1 day as first_known_at from marts.fct_etf_flow_window"
        )
        con.execute(
            "insert into marts.fct_etf_daily by name select etf_code, date '2025-04-24' as trade_date, net_flow_cny, "
            "flow_status from marts.fct_etf_daily where trade_date = date '2025-04-23'"
        )
    assert read_note(late).flows == read_note(db).flows


def test_warnings_of_the_gate_are_told(db: Path, page: str) -> None:
    for face in (render_text(db), page):
        assert "undeclared_split" in face
        assert "159567.SZ 2025-04-22" in face


def test_each_opening_state_has_its_sentence(db: Path) -> None:
    note = read_note(db)
    said = set()
    for state in (
        "low_open_now_up",
        "low_open_faded",
        "low_open_still_down",
        "high_open_now_down",
        "high_open_recovered",
        "high_open_still_up",
        "flat_open",
    ):
        gap = -0.01 if state.startswith("low") else 0.01
        claims = note.claims | {
            "hsi_open_state": dataclasses.replace(note.claims["hsi_open_state"], text=state),
            "hsi_open_gap": dataclasses.replace(note.claims["hsi_open_gap"], value=gap),
        }
        [sentence] = next(
            [plain(sentence) for sentence in paragraph.sentences]
            for paragraph in story(dataclasses.replace(note, claims=claims))
            if paragraph.title == "Hang Seng"
        )
        said.add(sentence)
        assert ("lower" in sentence) == state.startswith("low")
    assert len(said) == 7


def test_words_for_figures() -> None:
    assert percent(0.0372) == "+3.72%"
    assert percent(None) == "not available"
    assert money(Decimal("166320000.00"), "CNY") == "CNY 166.32 million"
    assert money(4_812_000_000, "USD") == "USD 4.81 billion"
    assert money(Decimal(-1500), "CNY", signed=True) == "CNY -1,500.00"
    assert money(None, "CNY") == "not available"
    assert [cell(value) for value in (None, True, 1.5, Decimal("1.50"), AS_OF)] == [
        "NULL",
        "true",
        "1.5",
        "1.50",
        "2025-04-24 10:30:00",
    ]
