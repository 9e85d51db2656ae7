"""A Superset of its own, on loopback, for the length of the test: the desk's dashboard over a published release.

`make superset-smoke` runs it, about four minutes, once its 850 MB are installed. The picture of the dashboard stays
in ``.clients/sector-desk.png``.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import httpx
import pytest

from tests.clients.environments import CACHE, HERE, python_with
from warehouse import superset as bi

pytestmark = pytest.mark.superset

USER = "admin"
SECONDS_TO_START = 300
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
TEMPLATE = json.loads(bi.TEMPLATE.read_text(encoding="utf-8"))
CHARTS = {chart["title"]: chart for row in TEMPLATE["rows"] for chart in row}


class Home:
    """A SECTOR_HOME with two releases of one build that differ in their id; ``show`` makes one current."""

    ids = ("20250101T000000-00000001", "20250102T000000-00000002")

    def __init__(self, folder: Path, published: Path) -> None:
        self.folder, self.file = folder, folder / "current" / "sector.duckdb"
        for release_id in self.ids:
            copy = folder / "releases" / release_id / "sector.duckdb"
            copy.parent.mkdir(parents=True)
            shutil.copyfile(published, copy)
            with duckdb.connect(str(copy)) as con:
                con.execute("update meta.release set release_id = ?", [release_id])
            copy.chmod(0o444)
        self.show(self.ids[0])

    def show(self, release_id: str) -> None:
        staged = self.folder / ".current.next"
        staged.symlink_to(Path("releases") / release_id)
        staged.replace(self.folder / "current")


@pytest.fixture(scope="module")
def home(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Home:
    return Home(tmp_path_factory.mktemp("home"), published)


@pytest.fixture(scope="module")
def password() -> str:
    return secrets.token_urlsafe(24)


@pytest.fixture(scope="module")
def url(password: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Superset that has just been set up."""
    binaries = python_with(HERE / "requirements" / "superset.txt").parent
    folder = tmp_path_factory.mktemp("superset")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "SECTOR_"))}
    environment = {
        **kept,
        "PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}",
        "FLASK_APP": "superset",
        "SUPERSET_HOME": str(folder),
        "SUPERSET_CONFIG_PATH": str(HERE / "superset" / "superset_config.py"),
        "SMOKE_SECRET_KEY": secrets.token_urlsafe(48),
        "DO_NOT_TRACK": "1",
    }
    person = ["--username", USER, "--firstname", "Desk", "--lastname", "Desk", "--email", "desk@localhost"]
    for words in (["db", "upgrade"], ["fab", "create-admin", *person, "--password", password], ["init"]):
        done = subprocess.run(
            [str(binaries / "superset"), *words], env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr[-3000:]
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    serve = ["-w", "1", "-k", "gthread", "--threads", "8", "-t", "300", "-b", f"127.0.0.1:{port}"]
    log = folder / "server.log"
    with log.open("w") as output:
        server = subprocess.Popen(
            [str(binaries / "gunicorn"), *serve, "superset.app:create_app()"],
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + SECONDS_TO_START
        while not _answers(f"http://127.0.0.1:{port}/health"):
            assert server.poll() is None, log.read_text()[-3000:]
            assert time.monotonic() < deadline, log.read_text()[-3000:]
            time.sleep(1)
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(60)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=60).is_success
    except httpx.HTTPError:
        return False


@pytest.fixture(scope="module")
def superset(url: str, password: str) -> Iterator[bi.Superset]:
    client = bi.Superset(url, USER, password, seconds=300)
    yield client
    client.close()


@pytest.fixture(scope="module")
def made(superset: bi.Superset, home: Home) -> bi.Dashboard:
    return bi.set_up(superset, home.file)


def question(chart: dict[str, Any], dataset: int) -> dict[str, Any]:
    """What a chart of the template asks for, as Superset's own pages ask for it."""
    params = chart["params"]
    columns: list[Any] = list(params.get("all_columns", params.get("groupby", [])))
    if "x_axis" in params:
        axis = {
            "columnType": "BASE_AXIS",
            "expressionType": "SQL",
            "label": params["x_axis"],
            "sqlExpression": params["x_axis"],
        }
        columns = [axis | ({"timeGrain": params["time_grain_sqla"]} if "time_grain_sqla" in params else {}), *columns]
    filters = [
        {"col": each["subject"], "op": each["operator"], "val": each["comparator"]}
        for each in params.get("adhoc_filters", [])
    ]
    query = {
        "columns": columns,
        **({"metrics": params["metrics"]} if "metrics" in params else {}),
        "filters": filters,
        "row_limit": params["row_limit"],
    }
    return {
        "datasource": {"id": dataset, "type": "table"},
        "queries": [query],
        "result_format": "json",
        "result_type": "full",
    }


def answers(superset: bi.Superset, made: bi.Dashboard, title: str) -> list[dict[str, Any]]:
    """The records that a chart of the dashboard shows."""
    chart = CHARTS[title]
    [result] = superset.ask("POST", "/api/v1/chart/data", question(chart, made.datasets[chart["dataset"]]))["result"]
    return result["data"]


def comparable(value: Any) -> Any:
    """A figure or text by value: what comes as JSON has lost its type."""
    return round(float(value), 6) if isinstance(value, int | float | Decimal) and not isinstance(value, bool) else value


EXPECTED = {
    "What each ETF took in on the last session, CNY": (
        ("etf_code", "net_flow_cny", "flow_of_assets_ratio", "flow_status"),
        "select etf_code, net_flow_cny, flow_of_assets_ratio, flow_status from desk.q01_flow_yesterday",
    ),
    "The market note": (
        ("claim_id", "claim", "value", "unit", "status"),
        "select claim_id, claim, value, unit, status from marts.rpt_market_note",
    ),
    "Net inflow of all trackers of Hong Kong innovative drugs by month, CNY": (
        ("net inflow",),
        "select sum(etf_net_flow_cny) from marts.fct_sector_daily where sector_code = 'HK_INNOVATIVE_DRUG' "
        "group by date_trunc('month', trade_date)",
    ),
    "Companies visited by brokers, month to date": (
        ("sector_name_en", "companies"),
        "select sector_name_en, companies_mtd from desk.q12_visits where visitor_type = 'broker' "
        "and sector_code not in ('ALL', 'NONE')",
    ),
    "Venture funding of innovative drugs by quarter, USD": (
        ("region", "raised"),
        "select region, amount_usd from marts.fct_funding_quarterly where profile = 'cb_news_venture' "
        "and segment = 'innovative_drugs' and region in ('USA', 'CHN', 'HKG', 'ROW')",
    ),
    "Share of the index's weight that rose, mean of the month": (
        ("index_code", "weight advancing"),
        "select index_code, avg(weight_advancing) from marts.fct_index_breadth_daily "
        "group by index_code, date_trunc('month', trade_date)",
    ),
}


def test_asked_again_it_makes_nothing_twice(superset: bi.Superset, made: bi.Dashboard, home: Home) -> None:
    assert bi.set_up(superset, home.file) == made
    assert superset.ask("GET", "/api/v1/chart/")["count"] == len(CHARTS)
    assert superset.ask("GET", "/api/v1/dashboard/")["count"] == 1


@pytest.mark.parametrize("title", EXPECTED)
def test_a_chart_shows_the_figures_of_its_mart(
    superset: bi.Superset, made: bi.Dashboard, home: Home, title: str
) -> None:
    columns, query = EXPECTED[title]
    shown = [tuple(comparable(record[column]) for column in columns) for record in answers(superset, made, title)]
    with duckdb.connect(str(home.file), read_only=True) as con:
        expected = [tuple(map(comparable, row)) for row in con.execute(query).fetchall()]
    assert sorted(shown, key=repr) == sorted(expected, key=repr)
    assert shown


def test_nobody_writes_through_it(superset: bi.Superset, made: bi.Dashboard) -> None:
    database = superset.find("database", database_name=bi.DATABASE)
    for sql in ("create table marts.planted as select 1 as i", "delete from marts.fct_etf_daily"):
        with pytest.raises(bi.SupersetError):
            superset.ask("POST", "/api/v1/sqllab/execute/", {"database_id": database, "sql": sql, "schema": "marts"})


def test_the_password_is_in_no_error(url: str, password: str) -> None:
    with pytest.raises(bi.SupersetError) as refused:
        bi.Superset(url, "nobody", password)
    assert password not in str(refused.value)


def test_the_dashboard_in_a_browser(made: bi.Dashboard, url: str, password: str) -> None:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("no Chromium on PATH")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1600, "height": 1900})
        page.set_default_timeout(300_000)
        page.goto(f"{url}/login/")
        page.locator("input[type=password]").wait_for()
        page.locator("input:visible").first.fill(USER)
        page.locator("input[type=password]").fill(password)
        page.keyboard.press("Enter")
        page.wait_for_url(lambda address: "/login" not in address)
        page.goto(f"{made.url}?standalone=2")
        page.wait_for_function(
            "count => document.querySelectorAll('.slice_container').length + "
            "document.querySelectorAll('[data-test=\"chart-container\"] [role=alert]').length >= count && "
            "!document.querySelector('.loading')",
            arg=len(CHARTS),
        )
        page.wait_for_timeout(3000)  # bars and lines grow
        page.screenshot(path=CACHE / "sector-desk.png")
        text = page.inner_text("body")
        browser.close()
    assert "error" not in text.lower()
    for title in CHARTS:
        assert title in text
    assert "29,647,200" in text, "the note's ETF took in CNY 29.65 million on the last session of the sample"
    assert Home.ids[0] in text


def test_readers_go_on_while_releases_are_swapped(superset: bi.Superset, made: bi.Dashboard, home: Home) -> None:
    title = "The release (times in UTC)"
    seen: list[str] = []
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            seen.extend(record["release_id"] for record in answers(superset, made, title))

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for number in range(1, 7):
            home.show(home.ids[number % 2])
            before = len(seen)
            while len(seen) < before + 3 and reader.is_alive():
                time.sleep(0.05)
    finally:
        stop.set()
        reader.join()
    assert set(seen) == set(home.ids)
    home.show(home.ids[1])
    assert [record["release_id"] for record in answers(superset, made, title)] == [home.ids[1]]
