"""The note as people open it: on a desk, on a phone, on paper. What is measured is the layout, not pixels of a font."""

import base64
from pathlib import Path

import pytest

from tests.support.chromium import chromium
from tests.support.marts import AS_OF
from tests.support.story import told
from warehouse.note import render_html

pytestmark = pytest.mark.browser

DESK, PHONE, PAPER = 1280, 390, 703
"""Widths in CSS pixels; paper is A4 between its margins."""

CHARTS = 7

OVERFLOWING = """() => [...document.querySelectorAll("body *")]
    .filter(e => !e.closest("svg, .scroll, [style*='overflow-x:auto'] table"))
    .filter(e => e.getBoundingClientRect().right > innerWidth + 1)
    .map(e => e.tagName + "." + e.className + ": " + e.textContent.slice(0, 40))"""

CUT = """() => [...document.querySelectorAll("svg text")].filter(text => {
    const own = text.getBoundingClientRect(), box = text.closest("svg").getBoundingClientRect();
    return own.width && (own.left < box.left - 1 || own.right > box.right + 1 ||
                         own.top < box.top - 2 || own.bottom > box.bottom + 2);
}).map(text => text.textContent)"""

OVERLAPPING = """() => [...document.querySelectorAll("svg")].flatMap(svg => {
    const texts = [...svg.querySelectorAll("text")].map(text => [text.textContent, text.getBoundingClientRect()])
        .filter(([words, box]) => words.trim() && box.width);
    return texts.flatMap(([words, box], place) => texts.slice(place + 1)
        .filter(([other, its]) => other !== words &&
            Math.min(box.right, its.right) - Math.max(box.left, its.left) > 2 &&
            Math.min(box.bottom, its.bottom) - Math.max(box.top, its.top) > 3)
        .map(([other]) => words + " | " + other));
})"""

SIZES = """() => [...document.querySelectorAll("figure svg")]
    .map(svg => svg.getBoundingClientRect()).map(box => [box.width, box.height])"""

SMALLEST = """() => Math.min(...[...document.querySelectorAll("svg text")].map(text =>
    parseFloat(getComputedStyle(text).fontSize) * text.getScreenCTM().a).filter(size => size > 0))"""

INK = """async picture => {
    const image = new Image();
    image.src = "data:image/png;base64," + picture;
    await image.decode();
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [image.width, image.height];
    const context = canvas.getContext("2d");
    context.drawImage(image, 0, 0);
    const pixels = context.getImageData(0, 0, image.width, image.height).data;
    let ink = 0, colour = 0;
    for (let at = 0; at < pixels.length; at += 4) {
        const [red, green, blue] = pixels.slice(at, at + 3);
        ink += Math.min(red, green, blue) < 235;
        colour += Math.max(red, green, blue) - Math.min(red, green, blue) > 60;
    }
    return [ink, colour].map(count => count / (image.width * image.height));
}"""
"""Shares of a picture's pixels that are not white, and that have a colour: marks have one, axes and words are grey."""


@pytest.fixture(scope="module")
def note(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("note")
    page = folder / "note.html"
    page.write_text(render_html(told(folder / "build", as_of=AS_OF)), encoding="utf-8")
    return page


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture(params=[DESK, PHONE], ids=["desk", "phone"])
def page(request, browser, note):
    page = browser.new_page(viewport={"width": request.param, "height": 900})
    page.asked = []
    page.on("request", lambda asked: page.asked.append(asked.url))
    page.goto(note.as_uri())
    yield page
    page.close()


def test_the_page_fits_its_window(page):
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert page.evaluate(OVERFLOWING) == []


def test_charts_are_all_there_and_legible(page):
    sizes = page.evaluate(SIZES)
    assert len(sizes) == CHARTS
    assert all(width >= 330 and height >= 120 for width, height in sizes), sizes
    assert page.evaluate(SMALLEST) >= 8.5, "CSS pixels"


def test_no_text_of_a_chart_is_cut_or_lies_on_another(page):
    assert page.evaluate(CUT) == []
    assert page.evaluate(OVERLAPPING) == []


def inked(page) -> list[tuple[str, float, float]]:
    """Title, ink and colour of every chart, as it is drawn."""
    found = []
    for figure in page.locator("figure:has(svg)").all():
        picture = base64.b64encode(figure.locator("svg").first.screenshot()).decode()
        ink, colour = page.evaluate(INK, picture)
        found.append((figure.inner_text().splitlines()[0], ink, colour))
    return found


def test_every_chart_is_drawn_and_none_is_a_blot(page):
    """Boxes of the right size may be empty, or hold axes without a mark."""
    charts = inked(page)
    assert len(charts) == CHARTS
    assert [chart for chart in charts if not 0.02 < chart[1] < 0.5] == []
    assert [chart for chart in charts if not 0.002 < chart[2] < 0.4] == []


def test_a_chart_without_its_marks_would_be_seen(page):
    page.evaluate('document.querySelectorAll(\'svg [fill^="#"], svg [stroke^="#"]\').forEach(e => e.remove())')
    assert max(colour for _, _, colour in inked(page)) < 0.002


def test_a_figure_leads_to_its_row(page):
    page.locator("dl.story").get_by_text("rose 3.72%").click()
    assert page.url.endswith("#etf_change")
    box = page.locator("#etf_change").bounding_box()
    assert box is not None
    assert -1 < box["y"] < 900, "in view"


def test_the_page_asks_for_nothing_but_itself(page, note):
    assert page.asked == [note.as_uri()]


def test_the_same_page_looks_the_same_twice(page, browser):
    again = browser.new_page(viewport=page.viewport_size)
    again.goto(page.url)
    assert page.screenshot(full_page=True) == again.screenshot(full_page=True)
    again.close()


def test_paper_holds_it(browser, note, tmp_path):
    page = browser.new_page(viewport={"width": PAPER, "height": 1020})
    page.emulate_media(media="print")
    page.goto(note.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert page.evaluate(CUT) == []
    printed = page.pdf(path=tmp_path / "note.pdf", prefer_css_page_size=True)
    assert 0 < printed.count(b"/Type /Page\n") <= 12
    page.close()
