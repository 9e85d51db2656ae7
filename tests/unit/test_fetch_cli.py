"""`sector fetch`: what it asks, what it prints, its exit codes; and what `sector status` says afterwards."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from orchestration import cli
from tests.support.fake_provider import FakeProvider
from tests.support.recorded import crunchbase, exchanges, tushare

runner = CliRunner()
KEY = "planted-token-0123456789"
DAY = ["--since", "2025-04-24", "--until", "2025-04-24"]


@pytest.fixture
def home(tmp_path: Path, fake_provider: FakeProvider, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home whose providers are on loopback."""
    exchanges.serve(fake_provider)
    tushare.serve(fake_provider)
    addresses = {**exchanges.addresses(fake_provider), tushare.HOST: f"{fake_provider.url}/tushare"}
    monkeypatch.setenv("SECTOR_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SECTOR_BASE_URLS", ",".join(f"{a}={b}" for a, b in addresses.items()))
    monkeypatch.setenv("SECTOR_REQUESTS_PER_MINUTE", "tushare=60000, exchanges=60000")
    monkeypatch.setenv("SECTOR_TUSHARE_TOKEN", KEY)
    return tmp_path / "home"


def sector(*arguments: str):
    result = runner.invoke(cli.app, list(arguments))
    assert KEY not in result.stdout + result.stderr
    return result


def test_a_dataset_lands_and_a_run_is_what_comes_next(home: Path) -> None:
    result = sector("fetch", "exchanges.sse_daily_shares", *DAY)
    assert result.exit_code == 0, result.stderr
    assert result.stdout == "exchanges.sse_daily_shares: 3 rows in 1 answer, 1 new, 2025-04-24\n"
    assert "next: sector run" in result.stderr
    assert (home / "landing/etf_shares/exchanges/sse_daily_shares/20250424.json").exists()
    assert "next: sector run" not in sector("fetch", "exchanges.sse_daily_shares", *DAY).stderr


def test_a_provider_is_all_its_datasets_but_those_on_demand(home: Path) -> None:
    document = json.loads(sector("fetch", "exchanges", *DAY, "--json").stdout)
    names = {fetch["dataset"] for fetch in document["fetches"]}
    assert names == {"exchanges.sse_daily_shares", "exchanges.szse_daily_shares"}
    assert {check["check"] for check in document["fetches"][0]["checks"]} == {
        "empty_on_session", "pages", "row_count", "columns", "control_total",
    }  # fmt: skip
    assert document["skipped"] == []


def test_a_failure_is_exit_1_and_the_others_go_on(home: Path, fake_provider: FakeProvider) -> None:
    fake_provider.fault("/sse/commonQuery.do", "forbidden")
    result = sector("fetch", "exchanges", *DAY)
    assert result.exit_code == 1
    assert "failed: exchanges.sse_daily_shares: refused: exchanges: GET" in result.stderr
    assert "exchanges.szse_daily_shares: 2 rows" in result.stdout


def test_lost_pages_are_exit_1_and_an_empty_answer_a_warning(home: Path, fake_provider: FakeProvider) -> None:
    exchanges.serve(fake_provider, sse_page=2)
    fake_provider.fault("/sse/commonQuery.do", "page_loss")
    lost = sector("fetch", "exchanges.sse_daily_shares", *DAY)
    assert (lost.exit_code, "lost: exchanges.sse_daily_shares" in lost.stderr) == (1, True)
    fake_provider.heal()
    fake_provider.fault("/sse/commonQuery.do", "throttled_empty")
    empty = sector("fetch", "exchanges.sse_daily_shares", *DAY)
    assert (empty.exit_code, "warning: exchanges.sse_daily_shares: no record" in empty.stderr) == (0, True)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["tushare.fund_dayly"], "did you mean tushare.fund_daily"),
        (["tushare", "--since", "yesterday"], "--since 'yesterday' is no day: write 2025-04-24"),
        (["tushare", "--since", "2025-04-24", "--until", "2025-04-01"], "ends before it begins"),
        (["tushare", "--etf", "159567"], "--etf '159567' is no such code: write 159567.SZ"),
        (["tushare", "--security", "1801.HK"], "write 01801.HK"),
        (["tushare", "--from", "x.tar.gz"], "sector fetch crunchbase.bulk_export --from"),
        (["crunchbase.bulk_export", "--from", "gone.tar.gz"], "finds no file"),
    ],
)
def test_a_wrong_call_is_exit_2_and_asks_nothing(
    home: Path, fake_provider: FakeProvider, arguments: list[str], words: str
) -> None:
    result = sector("fetch", *arguments)
    assert (result.exit_code, words in result.stderr) == (2, True), result.stderr
    assert fake_provider.asked == []


def test_without_a_token_a_named_dataset_is_exit_2_and_says_what_to_do(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SECTOR_TUSHARE_TOKEN")
    result = sector("fetch", "tushare.fund_daily")
    assert (result.exit_code, "set SECTOR_TUSHARE_TOKEN" in result.stderr) == (2, True)
    document = json.loads(sector("fetch", "tushare", "exchanges.sse_daily_shares", *DAY, "--json").stdout)
    assert len(document["fetches"]) == 1
    assert {row["reason"] for row in document["skipped"]} != set()


def test_an_export_of_ones_own_is_read_from_its_file_without_a_key(home: Path, tmp_path: Path) -> None:
    export = tmp_path / "bulk_export.tar.gz"
    export.write_bytes(crunchbase.packed({"funding_rounds.csv": crunchbase.export_round(3)}))
    result = sector("fetch", "crunchbase.bulk_export", "--from", str(export))
    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith("crunchbase.bulk_export: 3 rows in 1 answer, 1 new")
    assert (home / "landing/funding_rounds/crunchbase/bulk_export/funding_rounds.csv").exists()
    export.write_bytes(export.read_bytes()[:-20])
    cut = sector("fetch", "crunchbase.bulk_export", "--from", str(export))
    assert (cut.exit_code, "cut or damaged" in cut.stderr) == (1, True)


def test_the_codes_given_are_the_codes_asked(home: Path, fake_provider: FakeProvider) -> None:
    span = ["--since", "2025-06-16", "--until", "2025-06-18"]
    result = sector("fetch", "tushare.fund_daily", "--etf", "510330.SH", "--etf", "159567.SZ", *span)
    assert result.exit_code == 0
    asked = [question.json["params"] for question in fake_provider.questions("/tushare")]
    assert [params["ts_code"] for params in asked] == ["510330.SH", "159567.SZ"]
    assert {(params["start_date"], params["end_date"]) for params in asked} == {("20250616", "20250618")}


def test_the_list_says_what_can_be_asked_here_and_why_not(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sector("fetch", "exchanges.sse_daily_shares", *DAY)
    monkeypatch.delenv("SECTOR_TUSHARE_TOKEN")
    rows = {row["dataset"]: row for row in json.loads(sector("fetch", "--list", "--json").stdout)["datasets"]}
    assert rows["exchanges.sse_daily_shares"]["can_be_asked"]
    assert rows["exchanges.sse_daily_shares"]["last_fetch"]["outcome"] == "delivered"
    assert "SECTOR_TUSHARE_TOKEN" in rows["tushare.fund_daily"]["reason"]
    assert "tushare.fund_daily" in sector("fetch", "--list").stdout


def test_status_tells_of_fetches_and_findings(home: Path, fake_provider: FakeProvider) -> None:
    sector("fetch", "exchanges.sse_daily_shares", *DAY)
    fake_provider.fault("/sse/commonQuery.do", "throttled_empty")
    sector("fetch", "exchanges.sse_daily_shares", *DAY)
    document = json.loads(sector("status", "--json").stdout)
    [last] = document["fetches"]
    assert (last["outcome"], last["rows"]) == ("empty", 0)
    assert {row["check"]: row["state"] for row in document["deliveries"]}["empty_on_session"] == "warning"
    text = sector("status").stdout
    assert "fetched last" in text
    assert "warning: empty_on_session: exchanges.sse_daily_shares: no record about 2025-04-24" in text
