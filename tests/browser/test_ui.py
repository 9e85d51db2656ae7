"""The Dagster UI as people use it: open the job, materialize everything, see the release and its checks.

What happened is asserted through GraphQL and on the disk; the page is only clicked and read (its classes are hashed).
"""

import pytest

from orchestration.settings import Settings
from tests.support.chromium import chromium
from tests.support.ui import Ui

pytestmark = pytest.mark.browser

BARS = (
    "etf_code,trade_date,open,high,low,close,prev_close,volume_shares,turnover_cny\n"
    "159567.SZ,2025-04-16,1.21,1.23,1.20,1.22,1.21,1000000,1220000\n"
    "159567.SZ,2025-04-17,1.22,1.25,1.21,1.24,1.22,1000000,1240000\n"
)

CHECKS = """query Checks($key: AssetKeyInput!) { assetNodeOrError(assetKey: $key) { ... on AssetNode {
    assetChecksOrError { ... on AssetChecks { checks {
        name blocking executionForLatestMaterialization { status evaluation { severity } } } } } } } }"""


@pytest.fixture(scope="module")
def settings(tmp_path_factory) -> Settings:
    settings = Settings(home=tmp_path_factory.mktemp("ui") / "home")
    landed = settings.landing / "etf_bars" / "159567.csv"
    landed.parent.mkdir(parents=True)
    landed.write_text(BARS, encoding="utf-8")
    return settings


@pytest.fixture(scope="module")
def ui(settings, tmp_path_factory):
    served = Ui(settings, tmp_path_factory.mktemp("log") / "ui.log")
    try:
        served.wait_until_loaded()
        yield served
    finally:
        served.stop()


@pytest.fixture(scope="module")
def page(ui):
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 1500, "height": 1000})
        page.set_default_timeout(90_000)
        page.outside = []
        page.on("request", lambda request: _note_outside(page.outside, ui.url, request.url))
        yield page


def _note_outside(outside: list[str], own: str, url: str) -> None:
    if not url.startswith((own, own.replace("http", "ws"), "data:", "blob:")):
        outside.append(url)


def test_materialize_all_publishes_a_release(ui, page, settings, tmp_path):
    page.goto(f"{ui.url}/locations/sector_warehouse/jobs/refresh")
    page.get_by_role("button", name="Materialize all").click()
    run = ui.wait_for_run()
    assert run["status"] == "SUCCESS", ui.log.read_text()[-3000:]
    page.goto(f"{ui.url}/runs/{run['runId']}")
    page.get_by_text("Success", exact=True).first.wait_for()
    page.screenshot(path=tmp_path / "run.png")
    assert settings.current.is_symlink()
    assert (settings.current / "sector.duckdb").is_file()


def test_the_release_tells_its_id_and_rows(ui, page, settings, tmp_path):
    page.goto(f"{ui.url}/assets/release?view=overview")
    page.get_by_text(settings.current.readlink().name).first.wait_for()
    page.get_by_text("fct_etf_daily").first.wait_for()
    page.screenshot(path=tmp_path / "release.png")


def test_a_mart_shows_its_gate(ui, page, tmp_path):
    node = ui.ask(CHECKS, key={"path": ["marts", "fct_etf_daily"]})["assetNodeOrError"]
    checks = {check["name"]: check for check in node["assetChecksOrError"]["checks"]}
    assert not any(check["blocking"] for check in checks.values()), "the release decides, by family"
    assert checks["grain_unique"]["executionForLatestMaterialization"]["status"] == "SUCCEEDED"
    ran = checks["past_releases"]["executionForLatestMaterialization"]
    assert ran["status"] == "FAILED", "bars of 2025 are old news: a warning, which is shown and blocks nothing"
    assert ran["evaluation"]["severity"] == "WARN"
    page.goto(f"{ui.url}/assets/marts/fct_etf_daily?view=checks")
    page.get_by_text("grain_unique", exact=True).first.wait_for()
    page.screenshot(path=tmp_path / "checks.png")


def test_the_documentation_of_the_release_opens_without_a_server(ui, page, settings, tmp_path):
    documentation = page.context.browser.new_page()
    asked: list[str] = []
    documentation.on("request", lambda request: asked.append(request.url))
    documentation.goto(f"{(settings.current / 'docs.html').as_uri()}#!/model/model.sector_warehouse.fct_etf_daily")
    documentation.get_by_text("net_flow_cny").first.wait_for(timeout=90_000)
    documentation.screenshot(path=tmp_path / "docs.png")
    documentation.close()
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []


def test_no_page_asked_another_host(page):
    assert page.outside == []
