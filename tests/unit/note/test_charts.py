"""Charts: what is drawn, what is said instead where nothing can be, and the same bytes every time."""

import dataclasses
import datetime as dt
import itertools
import re
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.story import told
from warehouse.note.charts import Picture, pictures, spread
from warehouse.note.facts import FlowDay, Note, read_note
from warehouse.note.series import Series, read_series

NAMES = ["morning", "flow", "contribution", "breadth", "visits", "funding", "growth"]


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> tuple[Note, Series]:
    db = told(tmp_path_factory.mktemp("build"))
    note = read_note(db)
    return note, read_series(db, note)


@pytest.fixture(scope="module")
def drawn(read: tuple[Note, Series]) -> dict[str, Picture]:
    return {picture.id: picture for picture in pictures(*read)}


def texts(picture: Picture) -> list[str]:
    return re.findall(r"<(?:text|tspan)[^>]*>([^<]+)</", picture.svg)


def test_every_chart_is_drawn_and_told(drawn: dict[str, Picture]) -> None:
    assert list(drawn) == NAMES
    for name, picture in drawn.items():
        assert picture.svg.startswith("<svg "), picture.missing
        assert 'role="img"' in picture.svg
        assert f'<title id="{name}-title">{picture.title}</title>' in picture.svg
        assert picture.alt
        assert len(picture.svg) < 30_000
        assert "font-family" not in picture.svg, "the page's own font shows the texts"


def test_same_figures_same_bytes_and_good_vega_lite(read: tuple[Note, Series], drawn: dict[str, Picture]) -> None:
    assert {picture.id: picture for picture in pictures(*read, validate=True)} == drawn


def test_a_chart_is_drawn_again_when_its_figures_changed(
    read: tuple[Note, Series], drawn: dict[str, Picture], tmp_path: Path
) -> None:
    note, series = read
    assert {picture.id: picture for picture in pictures(note, series, drawings=tmp_path)} == drawn
    kept = {file.name: file.stat().st_mtime_ns for file in tmp_path.iterdir()}
    assert len(kept) == len(NAMES)
    [first, *others] = note.flows
    changed = dataclasses.replace(note, flows=(dataclasses.replace(first, flow=Decimal("1.00")), *others))
    again = {picture.id: picture for picture in pictures(changed, series, drawings=tmp_path)}
    assert again == {picture.id: picture for picture in pictures(changed, series)}
    assert [name for name in NAMES if again[name].svg != drawn[name].svg] == ["flow"]
    left = {file.name: file.stat().st_mtime_ns for file in tmp_path.iterdir()}
    assert len(left) == len(NAMES), "the flow of before is forgotten"
    assert len(left.items() & kept.items()) == len(NAMES) - 1, "the others were not drawn again"


def test_the_morning_marks_where_the_indices_turned(drawn: dict[str, Picture]) -> None:
    shown = texts(drawn["morning"])
    for text in ("159567.SZ +3.72%", "HSI +0.51%", "HSTECH -0.20%", "HSI up 09:52", "HSTECH up 10:04", "09:30"):
        assert text in shown


def test_closed_days_are_hatched_and_missing_ones_framed(drawn: dict[str, Picture]) -> None:
    flow = drawn["flow"]
    assert flow.svg.count('fill="url(#flow-hatch)"') == 2
    assert flow.svg.count('<pattern id="flow-hatch"') == 1
    shown = texts(flow)
    assert "closed" in shown
    assert "missing" in shown
    assert "+61.2" in shown
    assert "-12.9" in shown
    assert "+0.0" not in shown, "no figure where there is none"


def test_the_quarter_that_is_not_complete_has_room_above_it(drawn: dict[str, Picture]) -> None:
    assert drawn["funding"].svg.count('fill="url(#funding-hatch)"') == 1
    assert "Completeness of Q1 2025, worldwide: 86.00%." in drawn["funding"].caption


def test_growth_shows_both_figures_and_what_is_not_known(drawn: dict[str, Picture]) -> None:
    shown = texts(drawn["growth"])
    for text in ("+20.6% / +25.1%", "-5.0% / +1.0%", "n/a / n/a"):
        assert text in shown


def test_growth_beyond_the_chart_is_drawn_at_its_edge_and_said(read: tuple[Note, Series]) -> None:
    note, series = read
    funding = tuple(
        dataclasses.replace(row, latest=21.5) if row.region == "HKG" and row.quarter == note.quarter else row
        for row in series.funding
    )
    growth = pictures(note, dataclasses.replace(series, funding=funding))[-1]
    assert "+2,150.0% / n/a" in texts(growth)
    assert growth.caption.endswith("Beyond +200%: at the edge.")


def test_visits_say_when_last_month_is_unknown(drawn: dict[str, Picture]) -> None:
    shown = texts(drawn["visits"])
    assert "60 (30)" in shown
    assert "41 (unknown)" in shown
    assert "电子" in shown


def test_nothing_known_is_said_and_not_drawn(read: tuple[Note, Series]) -> None:
    note, series = read
    blank = dataclasses.replace(
        series,
        lines=tuple(dataclasses.replace(line, points=(), turned_at=None) for line in series.lines),
        session=None,
        contributions=(),
        breadth=(),
        sectors=(),
        funding=(),
    )
    for picture in pictures(dataclasses.replace(note, flows=()), blank):
        assert picture.svg == ""
        assert picture.missing.startswith("Not available: ")
        assert re.search(r"\((?:\w+, )*\w+\)|funding_rounds", picture.missing), "names the input"


def test_a_line_without_quotes_is_named_beside_those_that_have_some(read: tuple[Note, Series]) -> None:
    note, series = read
    etf, hsi, hstech = series.lines
    gone = dataclasses.replace(hstech, points=(), turned_at=None)
    morning = pictures(note, dataclasses.replace(series, lines=(etf, hsi, gone)))[0]
    assert "Not available: quotes of HSTECH.HI." in morning.caption
    assert not any("HSTECH" in text for text in texts(morning))


@pytest.mark.parametrize(
    "days",
    [
        [(None, "missing")],
        [(Decimal(0), "structural_zero"), (None, "missing")],
        [(Decimal(-5_000_000), "final"), (Decimal(-1), "estimated")],
        [(Decimal(0), "final")],
    ],
)
def test_flows_of_every_kind_can_be_drawn(read: tuple[Note, Series], days: list) -> None:
    note, series = read
    flows = tuple(
        FlowDay(dt.date(2025, 4, 10 + place), flow, status, 1, None) for place, (flow, status) in enumerate(days)
    )
    flow = pictures(dataclasses.replace(note, flows=flows), series)[1]
    assert flow.svg.startswith("<svg ")
    assert "NaN" not in flow.svg


def test_one_quote_is_enough_for_a_morning(read: tuple[Note, Series]) -> None:
    note, series = read
    lines = tuple(dataclasses.replace(line, points=line.points[:1], turned_at=None) for line in series.lines)
    morning = pictures(note, dataclasses.replace(series, lines=lines))[0]
    assert "NaN" not in morning.svg
    assert "159567.SZ +0.60%" in texts(morning)


@given(st.lists(st.floats(-1, 1), max_size=6))
def test_labels_stand_apart_in_their_order(heights: list[float]) -> None:
    moved = spread(heights, 0.1)
    order = sorted(range(len(heights)), key=lambda place: heights[place])
    for lower, upper in itertools.pairwise(order):
        assert moved[upper] - moved[lower] >= 0.1 - 1e-9
    assert sum(moved) == pytest.approx(sum(heights), abs=1e-9)
