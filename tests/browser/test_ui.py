"""The Dagster UI as people use it: materialize everything, see the release, its checks and pages; backfill sessions;
switch a schedule and a sensor on and see them tick; read why the gate stopped a release.

The tests are one morning, in order: each goes on from the one before. What happened is asserted through GraphQL and on
the disk; the page is only clicked and read (its classes are hashed).
"""

import datetime as dt
import time

import pytest

from orchestration.instance import REFRESH_PAGE
from orchestration.moments import MARKET_ZONE
from orchestration.schedules import reason_to_skip
from orchestration.settings import Settings
from tests.support.chromium import chromium
from tests.support.fake_provider import serving
from tests.support.recorded import akshare, exchanges
from tests.support.ui import Ui

pytestmark = pytest.mark.browser

BARS = (
    "etf_code,trade_date,open,high,low,close,prev_close,volume_shares,turnover_cny\n"
    "159567.SZ,2025-04-16,1.21,1.23,1.20,1.22,1.21,1000000,1220000\n"
    "159567.SZ,2025-04-17,1.22,1.25,1.21,1.24,1.22,1000000,1240000\n"
)

ABSURD = (
    "etf_code,trade_date,open,high,low,close,prev_close,volume_shares,turnover_cny\n"
    "159570.SZ,2025-04-17,1.22,1.25,1.21,1.24,0.0010,1000000,1240000\n"
)
"""A price a thousand times that of the day before: the door takes it, the gate does not."""

SESSIONS = """query Sessions($key: AssetKeyInput!) { assetNodeOrError(assetKey: $key) { ... on AssetNode {
    assetPartitionStatuses { ... on TimePartitionStatuses { ranges { startKey endKey status } } }
    latestMaterializationByPartition(partitions: ["2025-04-22", "2025-04-23", "2025-04-24"]) {
        runId partition metadataEntries { label ... on IntMetadataEntry { intValue } } } } } }"""

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
def provider():
    """Shenzhen and Shanghai, played on loopback; nobody else is reached."""
    with serving() as server:
        exchanges.serve(server)
        yield server


@pytest.fixture(scope="module")
def ui(settings, provider, tmp_path_factory):
    now = dt.datetime.now(MARKET_ZONE)
    addresses = {**akshare.base_urls(provider), **exchanges.addresses(provider)}
    variables = {
        "SECTOR_BASE_URLS": ",".join(f"{one}={other}" for one, other in addresses.items()),
        "SECTOR_REQUESTS_PER_MINUTE": "akshare=6000,exchanges=6000",
        "SECTOR_FETCH_ATTEMPTS": "1",
        "SECTOR_PARTIAL_RELEASES": "false",
        # each minute of the next hour, whenever the test comes to it
        "SECTOR_REFRESH_TIMES": ",".join(f"{now + dt.timedelta(minutes=later):%H:%M}" for later in range(1, 61)),
    }
    served = Ui(settings, tmp_path_factory.mktemp("log") / "ui.log", variables)
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
        browser_context = page.context
        browser_context.on("request", lambda request: _note_outside(page.outside, ui, request.url))
        yield page


def _note_outside(outside: list[str], ui: Ui, url: str) -> None:
    if not url.startswith((ui.url, ui.url.replace("http", "ws"), ui.pages, "data:", "blob:")):
        outside.append(url)


def switch_on(ui: Ui, page, name: str) -> None:
    page.goto(f"{ui.url}/locations/sector_warehouse/sensors/{name}")
    toggle(ui, page, name)


def toggle(ui: Ui, page, name: str, to: bool = True) -> None:
    """Click the switch of the schedule or sensor whose page is open."""
    page.get_by_text("Running", exact=True).first.wait_for()
    page.locator("label:has(input[type=checkbox])").first.click()
    deadline = time.monotonic() + 30
    while ui.is_on(name) != to:
        assert time.monotonic() < deadline, f"{name} has not changed after a click on its switch"
        time.sleep(0.5)


def test_materialize_all_publishes_a_release(ui, page, settings, tmp_path):
    page.goto(f"{ui.url}{REFRESH_PAGE}")
    page.get_by_role("button", name="Materialize all").click()
    run = ui.wait_for_run("refresh")
    assert run["status"] == "SUCCESS", ui.log.read_text()[-3000:]
    page.goto(f"{ui.url}/runs/{run['runId']}")
    page.get_by_text("Success", exact=True).first.wait_for()
    page.screenshot(path=tmp_path / "run.png")
    assert settings.current.is_symlink()
    assert (settings.current / "sector.duckdb").is_file()
    assert run["tags"]["sector/release"] == settings.current.readlink().name


def test_sensors_are_switched_on_while_a_file_lands(ui, page, settings):
    """The run that is asked for is looked at in the last but one test: it waits until the file has stopped changing."""
    (settings.landing / "etf_bars" / "159570.csv").write_text(ABSURD, encoding="utf-8")
    switch_on(ui, page, "new_files")
    switch_on(ui, page, "new_release")


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


def test_links_lead_from_assets_to_their_pages(ui, page, tmp_path):
    page.goto(f"{ui.url}/assets/marts/fct_etf_daily?view=overview")
    with page.expect_popup() as opened:
        page.get_by_role("link", name="docs.html").first.click()
    opened.value.get_by_text("net_flow_cny").first.wait_for()
    assert opened.value.url.startswith(f"{ui.pages}/docs.html#!/model/model.sector_warehouse.fct_etf_daily")
    opened.value.close()
    page.goto(f"{ui.url}/assets/raw/etf_bars?view=overview")
    # the file of the first run, or that of the sensor's, which may have read it by now
    page.get_by_text("159567.csv").or_(page.get_by_text("159570.csv")).first.wait_for()
    page.screenshot(path=tmp_path / "raw.png")
    with page.expect_popup() as opened:
        page.get_by_role("link", name="quarantine/etf_bars.html").first.click()
    opened.value.get_by_text("Nothing was refused.").wait_for()
    opened.value.close()


def test_what_a_tick_of_the_schedule_would_do_is_shown(ui, page, tmp_path):
    page.goto(f"{ui.url}/locations/sector_warehouse/schedules/market_days")
    page.get_by_role("button", name="Preview tick result").click()
    dialog = page.get_by_role("dialog").first
    dialog.get_by_role("button", name="Continue").click()
    # the first time that is offered: of the week before, on a session or not
    dialog.get_by_text("Requested").or_(dialog.get_by_text("Skipped")).first.wait_for()
    page.screenshot(path=tmp_path / "preview.png")


def test_a_range_of_sessions_is_backfilled_in_one_run(ui, page, settings, tmp_path):
    ui.wait_for_run("refresh", 2)  # that of the sensor: while it goes on, what is fetched would wait for the next one
    page.goto(f"{ui.url}/assets/sessions/etf_shares?view=partitions")
    page.get_by_text("Partitions Selected").first.wait_for()
    page.get_by_role("button", name="Materialize").first.click()
    page.get_by_role("button", name="Show all partitions").click()
    dialog = page.get_by_role("dialog").first
    chosen = dialog.locator("input[type=text]").first
    chosen.fill("[2025-04-22...2025-04-24]")
    chosen.press("Enter")
    dialog.get_by_text("3 partitions").wait_for()
    dialog.get_by_text("Backfills all partitions in a single run.").wait_for()
    page.screenshot(path=tmp_path / "backfill.png")
    dialog.get_by_role("button", name="Launch backfill").click()
    run = ui.wait_for_run("__ASSET_JOB")
    assert run["status"] == "SUCCESS", ui.log.read_text()[-3000:]
    node = ui.ask(SESSIONS, key={"path": ["sessions", "etf_shares"]})["assetNodeOrError"]
    [made] = node["assetPartitionStatuses"]["ranges"]
    assert (made["startKey"], made["endKey"], made["status"]) == ("2025-04-22", "2025-04-24", "MATERIALIZED")
    found = node["latestMaterializationByPartition"]
    assert {event["runId"] for event in found} == {run["runId"]}
    rows = {e["partition"]: {m["label"]: m.get("intValue") for m in e["metadataEntries"]}["rows"] for e in found}
    assert rows == {"2025-04-22": 0, "2025-04-23": 3, "2025-04-24": 5}, "two of Shenzhen, one and three of Shanghai"
    assert list((settings.landing / "etf_shares" / "exchanges").rglob("*.json"))
    page.goto(f"{ui.url}/assets/sessions/etf_shares?view=checks&checkDetail=every_session_has_rows")
    page.get_by_text("no row of 2025-04-22").first.wait_for()
    page.screenshot(path=tmp_path / "sessions.png")


def test_sensors_tell_the_release_and_the_sessions_that_were_read(ui, page, settings, tmp_path):
    ui.wait_for_tick("new_release", settings.current.readlink().name)
    switch_on(ui, page, "sessions_read")
    ui.wait_for_tick("sessions_read", "sessions told")
    node = ui.ask(SESSIONS, key={"path": ["sessions", "etf_bars"]})["assetNodeOrError"]
    [told] = node["assetPartitionStatuses"]["ranges"]
    assert (told["startKey"], told["endKey"], told["status"]) == ("2025-04-16", "2025-04-17", "MATERIALIZED")
    page.get_by_role("button", name="View logs").first.wait_for()  # of a tick, in the list under the switch
    page.screenshot(path=tmp_path / "ticks.png")


def test_what_is_late_is_told_from_the_beginning(ui, page, tmp_path):
    ui.wait_for_tick("late_families", "late: told")
    page.goto(f"{ui.url}/assets/marts/fct_etf_daily?view=checks&checkDetail=in_time")
    page.get_by_text("Prices of ETFs up to 2025-04-17").first.wait_for()
    page.screenshot(path=tmp_path / "late.png")


def test_a_failed_gate_stops_the_release_and_says_why(ui, page, settings, tmp_path):
    released = settings.current.readlink()
    run = ui.wait_for_run("refresh", 2)
    assert (run["status"], run["tags"]["sector/outcome"]) == ("FAILURE", "refused")
    assert run["tags"]["dagster/sensor_name"] == "new_files"
    assert settings.current.readlink() == released
    page.goto(f"{ui.url}/runs/{run['runId']}")
    page.get_by_text("change_not_absurd").first.wait_for()
    page.screenshot(path=tmp_path / "refused.png")
    page.goto(f"{ui.url}/assets/marts/fct_etf_daily?view=checks&checkDetail=change_not_absurd")
    page.get_by_text("1239").first.wait_for()
    page.screenshot(path=tmp_path / "reason.png")
    page.goto(f"{ui.pages}/refused.html")
    page.get_by_text("change_not_absurd").first.wait_for()


def test_a_schedule_is_switched_on_and_its_tick_runs(ui, page, tmp_path):
    """Last of all: on a session its tick asks for a run, each minute here."""
    page.goto(f"{ui.url}/locations/sector_warehouse/schedules/market_days")
    toggle(ui, page, "market_days")
    tick = ui.wait_for_schedule("market_days")
    closed = reason_to_skip(dt.datetime.now(MARKET_ZONE).date())
    assert (tick["status"], bool(tick["runIds"])) == (("SKIPPED", False) if closed else ("SUCCESS", True)), tick
    toggle(ui, page, "market_days", to=False)
    page.screenshot(path=tmp_path / "schedule.png")


def test_no_page_asked_another_host(page):
    assert page.outside == []
