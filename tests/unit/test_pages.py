"""The pages that links of the UI lead to: chosen from a list, escaped, nothing else on the disk is reached."""

from __future__ import annotations

import threading
import urllib.error
import urllib.request
from http import HTTPStatus

import pytest

from orchestration import instance, links, pages
from orchestration.contracts import TABLES
from orchestration.families import family_of_model, family_of_table, owner
from orchestration.pages import answer, make_server
from orchestration.paths import DBT_PROJECT
from tests.support.warehouse_home import Home

HEADER = "etf_code,share_date,share_basis,shares\n"


def text(home: Home, address: str) -> str:
    status, content = answer(home.settings, address)
    assert status is HTTPStatus.OK
    return content.decode()


def test_pages_of_the_current_release_are_its_files(home: Home) -> None:
    assert answer(home.settings, "/note.html")[0] is HTTPStatus.NOT_FOUND
    home.settings.current.mkdir(parents=True)
    (home.settings.current / "docs.html").write_text("<p>docs</p>", encoding="utf-8")
    assert text(home, "/docs.html?x=1") == "<p>docs</p>"
    assert "href='/docs.html'" in text(home, "/")
    assert "note.html" not in text(home, "/")


def test_the_first_page_names_what_there_is(home: Home) -> None:
    assert "first release" in text(home, "/")
    assert "Nothing was refused." in text(home, "/")
    home.land("etf_shares/a.csv", HEADER + "nonsense,2025-04-24,close_of_day,1\n")
    home.run()
    assert "href='/quarantine/etf_shares.html'" in text(home, "/")
    assert "etf_bars" not in text(home, "/")


def test_refused_rows_are_shown_escaped_with_file_line_and_reason(home: Home) -> None:
    home.land(
        "etf_shares/<b>.csv", "etf_code,share_date,share_basis,shares\n<script>x</script>,2025-04-24,close_of_day,1\n"
    )
    home.run()
    page = text(home, "/quarantine/etf_shares.html")
    assert "<script>" not in page
    assert "&lt;script&gt;x&lt;/script&gt;" in page
    assert "<td>2</td>" in page
    assert "Nothing was refused." in text(home, "/quarantine/etf_bars.html")


def test_the_newest_refused_rows_are_shown_first(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "SHOWN_LINES", 3)
    for name in ("a", "b"):
        rows = "".join(f"{name}{n},2025-04-24,close_of_day,1\n" for n in range(2))
        home.land(f"etf_shares/{name}.csv", HEADER + rows)
        home.run()
    page = text(home, "/quarantine/etf_shares.html")
    assert [code for code in ("a0", "a1", "b0", "b1") if f"{code}," in page] == ["a1", "b0", "b1"]


@pytest.mark.parametrize(
    "address",
    [
        "/../ledger.sqlite",
        "/quarantine/../../ledger.sqlite",
        "/quarantine/nothing.html",
        "/current/note.html",
        "/%2e%2e/x",
    ],
)
def test_nothing_else_is_reached(home: Home, address: str) -> None:
    home.land("etf_shares/a.csv", HEADER)
    home.run()
    assert (home.settings.home / "ledger.sqlite").exists()
    assert answer(home.settings, address)[0] is HTTPStatus.NOT_FOUND


def test_the_server_answers_and_takes_no_other_word_than_get(home: Home) -> None:
    server = make_server(home.settings, "127.0.0.1", 0)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        url = f"http://127.0.0.1:{server.server_address[1]}/"
        with urllib.request.urlopen(url) as page:
            assert b"Pages of the sector warehouse" in page.read()
        with pytest.raises(urllib.error.HTTPError, match="501"):
            urllib.request.urlopen(url, b"x=1")
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_links_are_addresses_where_pages_are_served_and_files_elsewhere(home: Home) -> None:
    model = "model.sector_warehouse.fct_etf_daily"
    assert links.model_docs(home.settings, model).value == str(home.settings.current / "docs.html")
    served = home.settings.model_copy(update={"pages_at": "http://127.0.0.1:3001"})
    assert links.model_docs(served, model).value == f"http://127.0.0.1:3001/docs.html#!/model/{model}"
    for link in (links.page(served, links.NOTE), links.refused(served), links.quarantine(served, "etf_bars")):
        address = link.value.removeprefix("http://127.0.0.1:3001")
        assert address in pages.page_files(served) or address == "/quarantine/etf_bars.html"


def test_pages_stand_on_the_port_after_that_of_the_ui_if_it_is_free() -> None:
    with instance.socket.create_server(("127.0.0.1", 0)) as taken:
        assert instance.pages_url("127.0.0.1", taken.getsockname()[1] - 1) == ""
        port = taken.getsockname()[1]
    assert instance.pages_url("127.0.0.1", port - 1) == f"http://127.0.0.1:{port}"
    assert instance.pages_url("127.0.0.1", 65535) == ""


def test_families_are_the_folders_of_marts() -> None:
    models = DBT_PROJECT / "models"
    known = {folder.name for folder in (models / "marts").iterdir() if folder.is_dir()} | {"release"}
    paths = [path.relative_to(models).with_suffix("").parts for path in models.rglob("*.sql")]
    assert {family_of_model(("sector_warehouse", *parts)) for parts in paths} <= known
    assert {family_of_table(table) for table in TABLES} <= known
    for path in (models / "staging").rglob("stg_*.sql"):
        if (table := path.stem.removeprefix("stg_")) in TABLES:
            assert family_of_table(table) == family_of_model(
                ("sector_warehouse", "staging", path.parent.name, path.stem)
            )
    assert owner("etf") == "team:etf"
