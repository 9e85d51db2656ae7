"""The page of checks: failed first, figures beside limits, a past to look at, nothing asked of a network."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from expectations.gate import CheckResult, GateReport, report_of
from warehouse.checks_page import PAST, past_figures, render_checks

GOOD = CheckResult(
    "weights_sum_to_one",
    "marts.fct_constituent_daily",
    "critical",
    "index",
    "Weights are normalised.",
    True,
    "largest |Σ − 1| 1.1e-15",
    "1 within 1e-6",
    gate="G4",
    value=1.1e-15,
)
WARNED = replace(GOOD, check_name="providers_agree", severity="warning", passed=False, gate="G16", value=2.0)
REFUSING = replace(
    GOOD,
    check_name="<script>alert(1)</script>",
    passed=False,
    gate="",
    value=3.0,
    sample=[{"etf_code": "159567.SZ", "flow": None}],
)


def written(folder: Path, report: GateReport) -> Path:
    folder.mkdir(parents=True)
    file = folder / "checks.json"
    file.write_text(report.to_json(), encoding="utf-8")
    return file


def test_failed_checks_come_first_and_every_check_is_there() -> None:
    page = render_checks(report_of([GOOD, WARNED, REFUSING]), "release 1", {})
    assert page.index("refuses") < page.index("warns") < page.index("All checks, gate by gate")
    assert page.count("weights_sum_to_one") == 1
    assert page.count("providers_agree") == 2, "once among the failed, once in its chapter"
    assert "largest |Σ − 1| 1.1e-15" in page
    assert "1 within 1e-6" in page
    assert "NULL" in page, "an unknown value of a failing row is shown as such"
    for gate in ("G1<", "G4<", "G11<", "G16<"):
        assert f"<b>{gate}" in page


def test_data_cannot_write_into_the_page_and_nothing_is_asked_of_a_network() -> None:
    page = render_checks(report_of([REFUSING]), "<b>", {})
    assert "<script" not in page
    assert "<title>Checks of &lt;b&gt;" in page
    assert "http" not in page.replace("http-equiv", "")
    assert "src=" not in page


def test_the_past_becomes_a_line() -> None:
    page = render_checks(report_of([WARNED]), "r", {(WARNED.mart, WARNED.check_name): [0.0, 1.0]})
    assert 'points="3,17 48,10 93,3"' in page
    assert "3 releases, 0 to 2, now 2" in page
    flat = render_checks(report_of([WARNED]), "r", {(WARNED.mart, WARNED.check_name): [2.0]})
    assert 'points="3,10 93,10"' in flat


def test_no_past_draws_nothing() -> None:
    assert "<polyline" not in render_checks(report_of([GOOD]), "r", {})
    assert "<polyline" not in render_checks(
        report_of([replace(GOOD, value=None)]), "r", {(GOOD.mart, GOOD.check_name): [1.0]}
    )


def test_same_input_same_bytes_whatever_the_time_it_took() -> None:
    pages = [render_checks(report_of([replace(GOOD, seconds=seconds)]), "r", {}) for seconds in (0.1, 2.5)]
    assert pages[0] == pages[1]


def test_past_figures_are_oldest_first_and_bounded(tmp_path: Path) -> None:
    files = [written(tmp_path / str(age), report_of([replace(GOOD, value=float(-age))])) for age in range(PAST + 5)]
    figures = past_figures([*files[:2], tmp_path / "none" / "checks.json", *files[2:]])
    assert figures == {(GOOD.mart, GOOD.check_name): [float(-age) for age in range(PAST - 2, -1, -1)]}


def test_releases_of_before_figures_were_kept_are_passed_over(tmp_path: Path) -> None:
    old = tmp_path / "checks.json"
    old.write_text(json.dumps({"passed": True, "checks": [{"mart": "m", "check_name": "c"}]}), encoding="utf-8")
    assert past_figures([old]) == {}


@pytest.mark.parametrize("count", [1, 40])
def test_the_page_stays_small(count: int) -> None:
    checks = [replace(GOOD, check_name=f"c{place}") for place in range(8 * count)]
    assert len(render_checks(report_of(checks), "r", {})) < 400_000
