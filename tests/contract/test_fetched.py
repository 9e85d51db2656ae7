"""From a provider on loopback to raw: fetched, landed, read by the dialect of its bytes; and each way of failing."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from orchestration import silence
from orchestration.fetching import fetch, question
from orchestration.providers import datasets
from orchestration.providers.transport import Limits, Transport
from orchestration.providers.tushare.client import refusal
from orchestration.receipts import Receipt
from tests.support.fake_provider import Clock, FakeProvider, as_json
from tests.support.recorded import exchanges, tushare
from tests.support.warehouse_home import Home

TOKEN = "planted-token-0123456789"  # noqa: S105
BY_KEY = {dataset.key: dataset for dataset in datasets()}
NOW = dt.datetime(2026, 3, 1, 14, 30, tzinfo=dt.UTC)


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECTOR_TUSHARE_TOKEN", TOKEN)


@pytest.fixture
def server(fake_provider: FakeProvider) -> FakeProvider:
    tushare.serve(fake_provider)
    exchanges.serve(fake_provider)
    return fake_provider


def ask(
    home: Home,
    server: FakeProvider,
    key: str,
    since: str,
    until: str | None = None,
    clock: Clock | None = None,
    limits: Limits = Limits(attempts=2),  # noqa: B008 (frozen)
    **codes: Any,
) -> Receipt:
    clock = clock or Clock()
    dataset = BY_KEY[key]
    span = {"since": dt.date.fromisoformat(since), "until": dt.date.fromisoformat(until or since)}
    addresses = {**exchanges.addresses(server), tushare.HOST: f"{server.url}/tushare"}
    with Transport(addresses, limits, clock=clock, sleep=clock.sleep) as transport:
        wanted = question(home.settings, dataset, **span, **codes)
        receipt = fetch(home.settings, dataset, wanted, transport, clock=lambda: NOW)
    assert TOKEN not in repr(receipt)
    return receipt


def verdicts(receipt: Receipt, *earlier: Receipt) -> dict[str, silence.Verdict]:
    return {verdict.check: verdict for verdict in silence.judge(receipt, earlier)}


def figures(home: Home, table: str, *columns: str) -> list[tuple[Any, ...]]:
    home.run()
    assert home.quarantine() == []
    return sorted(tuple(row[name] for name in columns) for row in home.raw(table))


DAY = ("exchanges.sse_daily_shares", "2025-04-24")
PATH = "/sse/commonQuery.do"

# ------------------------------------------------------------------- Tushare


def test_fund_daily_in_lots_and_thousands(home: Home, server: FakeProvider) -> None:
    receipt = ask(home, server, "tushare.fund_daily", "2025-06-16", "2025-06-18", etfs=["510330.SH"])
    assert (receipt.outcome, receipt.rows, receipt.pages) == ("delivered", 3, 1)
    assert figures(home, "etf_bars", "etf_code", "trade_date", "close", "volume_shares", "turnover_cny")[-1] == (
        "510330.SH", dt.date(2025, 6, 18), Decimal("4.0170"), 38_289_600, Decimal("153574446.00"),
    )  # fmt: skip


def test_share_counts_in_wan_with_the_basis_of_their_exchange(home: Home, server: FakeProvider) -> None:
    ask(home, server, "tushare.etf_share_size", "2025-11-01", "2025-12-24", etfs=["510330.SH", "159880.SZ"])
    assert figures(home, "etf_shares", "etf_code", "share_date", "share_basis", "shares") == [
        ("159880.SZ", dt.date(2025, 11, 5), "open_of_day", 373_551_518),
        ("510330.SH", dt.date(2025, 12, 22), "close_of_day", 47_468_949_800),
        ("510330.SH", dt.date(2025, 12, 24), "close_of_day", 47_418_549_800),
    ]


def test_net_asset_values_with_the_day_of_their_publication(home: Home, server: FakeProvider) -> None:
    ask(home, server, "tushare.fund_nav", "2025-04-23", "2025-04-24")
    assert figures(home, "etf_nav", "etf_code", "nav_date", "published_on", "unit_nav")[0] == (
        "159567.SZ", dt.date(2025, 4, 23), dt.date(2025, 4, 24), Decimal("1.1100"),
    )  # fmt: skip


def test_weights_are_asked_by_month(home: Home, server: FakeProvider) -> None:
    codes = {"indices": ["399300.SZ", "HSI.HI"]}
    ask(home, server, "tushare.index_weight", "2018-08-20", "2018-09-10", **codes)
    spans = [(q.json["params"]["start_date"], q.json["params"]["end_date"]) for q in server.asked]
    assert spans == [("20180801", "20180831"), ("20180901", "20180930")]
    found = figures(home, "index_weights", "security_code", "weight")
    assert found[0] == ("000001.SZ", pytest.approx(0.008656))


@pytest.mark.parametrize(
    ("codes", "asked"), [({"securities": ["00001.HK", "000001.SZ"]}, "ts_code"), ({}, "trade_date")]
)
def test_hong_kong_by_code_or_by_day(home: Home, server: FakeProvider, codes: dict, asked: str) -> None:
    receipt = ask(home, server, "tushare.hk_daily", "2019-09-04", **codes)
    assert (receipt.pages, asked in server.asked[0].json["params"]) == (1, True)
    assert figures(home, "security_bars", "security_code", "volume_shares", "turnover", "currency") == [
        ("00001.HK", 8_212_577, Decimal("561953400.00"), "HKD")
    ]


@pytest.mark.parametrize("tells_more", [True, False])
def test_visits_come_in_pages(home: Home, server: FakeProvider, tells_more: bool) -> None:
    tushare.serve(server, most=2, tells_more=tells_more)
    receipt = ask(home, server, "tushare.stk_surv", "2021-10-25")
    # a server that says nothing of more is believed when a page is not full
    assert (receipt.rows, receipt.pages) == ((4, 2) if tells_more else (2, 1))
    if tells_more:
        assert [q.json["params"]["offset"] for q in server.asked] == [0, 2]
        assert len(figures(home, "broker_visits", "visitor_org")) == 4


def test_a_full_last_page_is_followed_by_an_empty_one_that_ends_it(
    home: Home, server: FakeProvider, monkeypatch
) -> None:
    monkeypatch.setattr("orchestration.providers.tushare.STK_SURV", (275, 2, " ".join(tushare.STK_SURV[0])))
    tushare.serve(server, tells_more=False)
    receipt = ask(home, server, "tushare.stk_surv", "2021-10-25")
    assert (receipt.rows, receipt.pages, len(server.asked)) == (4, 2, 3)


def test_ended_members_are_asked_for_too(home: Home, server: FakeProvider) -> None:
    receipt = ask(home, server, "tushare.index_member_all", "2025-04-24")
    assert (receipt.rows, receipt.pages) == (3, 2)
    assert [q.json["params"]["is_new"] for q in server.asked] == ["Y", "N"]
    ended = [row for row in figures(home, "sector_members", "security_code", "level", "valid_to") if row[2]]
    assert ended[0] == ("000566.SZ", "L1", dt.date(2021, 7, 30))


def test_sectors_without_any_member_are_no_answer(home: Home, server: FakeProvider) -> None:
    server.fault("/tushare", "throttled_empty")
    receipt = ask(home, server, "tushare.index_member_all", "2025-04-24")
    assert (receipt.outcome, receipt.trouble, "throttling" in (receipt.message or "")) == ("failed", "malformed", True)


def test_connect_lists_are_asked_by_channel_from_their_first_day(home: Home, server: FakeProvider) -> None:
    receipt = ask(home, server, "tushare.stock_hsgt", "2025-08-01", "2025-08-13")
    assert receipt.rows == 3
    params = [q.json["params"] for q in server.asked]
    assert {p["type"] for p in params} == {"SZ_HK", "SH_HK"}
    assert min(p["trade_date"] for p in params) == "20250812"
    before = ask(home, server, "tushare.stock_hsgt", "2025-04-24")
    assert (before.trouble, "begins on 2025-08-12" in (before.message or "")) == ("refused", True)
    assert figures(home, "connect_eligibility", "security_code", "channel")[0] == ("00019.HK", "SZ_HK")


@pytest.mark.parametrize(
    ("code", "words", "trouble", "advice"),
    [
        (
            2002,
            "抱歉，您没有接口访问权限，权限的具体详情访问：https://tushare.pro/document/1?doc_id=108。",
            "refused",
            "points",
        ),
        (40203, "抱歉，您每天最多访问该接口2次，权限的具体详情访问：…", "throttled", "wait"),
        (40101, "您的token不对，请确认。", "refused", "check SECTOR_TUSHARE_TOKEN"),
        (-2001, "必填参数缺失", "refused", "not accepted"),
        (-1, "系统内部错误", "unavailable", "try later"),
    ],
)
def test_refusals_are_told_apart_by_their_words(
    home: Home, server: FakeProvider, code: int, words: str, trouble: str, advice: str
) -> None:
    server.route("/tushare", tushare.refusing(code, words))
    receipt = ask(home, server, "tushare.fund_nav", "2025-04-24")
    assert (receipt.outcome, receipt.trouble) == ("failed", trouble)
    assert words in (receipt.message or "")
    assert advice in (receipt.message or "")


def test_a_limit_per_minute_is_waited_for(home: Home, server: FakeProvider) -> None:
    answers = iter([tushare.refusing(40203, "抱歉，您每分钟最多访问该接口2次"), None])
    listing = server._routes["/tushare"]
    server.route("/tushare", lambda asked: next(answers) or listing.answer(asked, {}))  # type: ignore[union-attr]
    clock = Clock()
    receipt = ask(home, server, "tushare.fund_nav", "2025-04-24", clock=clock)
    assert (receipt.outcome, max(clock.slept)) == ("delivered", 60)


def test_frequency_and_permission_share_their_last_words() -> None:
    both = "抱歉，您每分钟最多访问该接口2次，权限的具体详情访问：https://tushare.pro/document/1?doc_id=108。"
    assert type(refusal(2002, both, "x")).__name__ == "ThrottledError"


# ----------------------------------------------------------------- exchanges


def test_shenzhen_share_counts_are_dated_by_the_open_they_stand_before(home: Home, server: FakeProvider) -> None:
    receipt = ask(home, server, "exchanges.szse_daily_shares", "2025-04-23", "2025-04-24")
    assert (receipt.outcome, receipt.rows, receipt.files[0].columns[1]) == ("delivered", 4, "基金代码")
    assert [file.day for file in receipt.files] == [dt.date(2025, 4, 23), dt.date(2025, 4, 24)]
    assert figures(home, "etf_shares", "etf_code", "share_date", "share_basis", "shares")[0] == (
        "159567.SZ", dt.date(2025, 4, 23), "open_of_day", 395_000_000,
    )  # fmt: skip


def test_more_than_six_months_are_asked_in_months(home: Home, server: FakeProvider) -> None:
    receipt = ask(home, server, "exchanges.szse_daily_shares", "2024-09-01", "2025-04-24")
    assert receipt.rows == 4, "one question for the whole span gives an empty workbook without an error"
    spans = [(q.query["txtStart"], q.query["txtEnd"]) for q in server.asked]
    assert len(spans) == 8
    assert spans[0][0] == "2024-09-01"
    assert spans[-1][1] == "2025-04-24"


def test_shanghai_share_counts_are_in_wan(home: Home, server: FakeProvider) -> None:
    receipt = ask(home, server, "exchanges.sse_daily_shares", "2025-04-23", "2025-04-24")
    assert (receipt.rows, verdicts(receipt)["pages"].state) == (4, "passed")
    assert figures(home, "etf_shares", "etf_code", "share_date", "share_basis", "shares")[-1] == (
        "513120.SH", dt.date(2025, 4, 24), "close_of_day", 6_123_450_000,
    )  # fmt: skip


def test_an_error_that_shanghai_tells_with_status_200_is_no_answer(home: Home, server: FakeProvider) -> None:
    server.route(PATH, as_json({"actionErrors": ["系统繁忙"], "pageHelp": {}, "result": None}))
    receipt = ask(home, server, *DAY)
    assert (receipt.trouble, "the exchange answers with an error: 系统繁忙" in receipt.message) == ("unavailable", True)
    server.route(PATH, as_json({"rows": []}))
    assert "expected a list 'result', found rows" in (ask(home, server, *DAY).message or "")


def test_the_list_of_funds_becomes_profiles(home: Home, server: FakeProvider) -> None:
    ask(home, server, "exchanges.szse_fund_list", "2025-04-24")
    assert figures(home, "etf_profiles", "etf_code", "name_zh", "listed_on") == [
        ("159567.SZ", "创新药", dt.date(2024, 1, 11))
    ]


def test_the_same_files_may_be_dropped_by_hand(home: Home, server: FakeProvider) -> None:
    home.land("etf_shares/ETF基金规模.xlsx", exchanges.workbook(exchanges.SZSE_SHARES, ()))
    fetched = ask(home, server, "exchanges.sse_daily_shares", "2025-04-24")
    answer = (home.settings.landing / fetched.files[0].name).read_bytes()
    home.land("etf_shares/from the desk/etf.json", answer)
    assert len(figures(home, "etf_shares", "etf_code")) == 4 + 3


# -------------------------------------------------------------------- faults


@pytest.mark.parametrize(
    ("fault", "trouble", "words"),
    [
        ("html", "malformed", "an HTML page titled '访问验证'"),
        ("hang", "unavailable", "silence for 0.2 s"),
        ("half", "unavailable", "broke before the answer was whole"),
        ("drip", "unavailable", "not answered in full within 0.5 s"),
        ("forbidden", "refused", "403"),
        ("too_many_requests", "throttled", "wait 7 s"),
        ("server_error", "unavailable", "500"),
    ],
)
@pytest.mark.parametrize("provider", ["exchanges", "tushare"])
def test_a_failure_lands_nothing_and_names_itself(
    home: Home, server: FakeProvider, provider: str, fault: Any, trouble: str, words: str
) -> None:
    server.fault(PATH if provider == "exchanges" else "/tushare", fault)
    limits = Limits(
        attempts=2,
        silence_seconds=0.2 if fault == "hang" else 30,
        total_seconds=0.5 if fault == "drip" else 30,
    )
    question = DAY if provider == "exchanges" else ("tushare.fund_nav", "2025-04-24")
    receipt = ask(home, server, *question, limits=limits)
    assert (receipt.outcome, receipt.trouble, receipt.pages) == ("failed", trouble, 0)
    assert words in (receipt.message or "")
    assert not any(home.settings.landing.rglob("*.json"))


def test_an_error_that_passes_is_not_seen(home: Home, server: FakeProvider) -> None:
    server.fault(PATH, "server_error", times=1)
    assert ask(home, server, *DAY).outcome == "delivered"


@pytest.mark.parametrize(("key", "path"), [(DAY[0], PATH), ("tushare.etf_share_size", "/tushare")])
def test_a_throttled_empty_success_is_not_kept_and_named(home: Home, server: FakeProvider, key: str, path: str) -> None:
    server.fault(path, "throttled_empty")
    receipt = ask(home, server, key, "2025-04-24", etfs=["510330.SH"])
    assert receipt.outcome == "empty"
    assert verdicts(receipt)["empty_on_session"].state == "warning"
    assert not any(home.settings.landing.rglob("*.*"))


def test_lost_and_overlapping_pages_are_named(home: Home, server: FakeProvider) -> None:
    exchanges.serve(server, sse_page=2)
    server.fault(PATH, "page_loss")
    assert "2 of 3 records on 2 page(s): 1 did not come" in verdicts(ask(home, server, *DAY))["pages"].message
    server.heal()
    server.fault(PATH, "page_overlap")
    overlap = verdicts(ask(home, server, *DAY))["pages"]
    assert (overlap.state, "page 2 repeats 1 record(s)" in overlap.message) == ("lost", True)


def test_tushare_pages_that_are_announced_and_do_not_come_fail_the_fetch(home: Home, server: FakeProvider) -> None:
    tushare.serve(server, most=2)
    server.fault("/tushare", "page_loss")
    receipt = ask(home, server, "tushare.stk_surv", "2021-10-25")
    assert (receipt.outcome, receipt.trouble, receipt.rows) == ("failed", "malformed", 2)
    assert "page 1 announced more rows, page 2 has none" in (receipt.message or "")


def test_tushare_pages_that_overlap_are_named(home: Home, server: FakeProvider) -> None:
    tushare.serve(server, most=2)
    server.fault("/tushare", "page_overlap")
    receipt = ask(home, server, "tushare.stk_surv", "2021-10-25")
    assert verdicts(receipt)["pages"].state == "lost"


def test_a_column_more_is_read_and_named_and_a_column_gone_is_refused_or_named(
    home: Home, server: FakeProvider
) -> None:
    before = ask(home, server, *DAY)
    server.fault(PATH, "column_added")
    added = verdicts(ask(home, server, *DAY), before)["columns"]
    assert (added.state, "columns added: surprise" in added.message) == ("warning", True)
    server.heal()
    server.fault(PATH, "column_gone", column="TOT_VOL")
    gone = verdicts(ask(home, server, *DAY), before)["columns"]
    assert (gone.state, "columns gone: TOT_VOL" in gone.message) == ("lost", True)

    server.fault("/tushare", "column_gone", column="unit_nav")
    receipt = ask(home, server, "tushare.fund_nav", "2025-04-24")
    assert receipt.trouble == "malformed"
    assert "unit_nav missing from the answer's fields" in (receipt.message or "")
    server.heal()
    server.fault("/tushare", "column_gone", column="net_asset")
    assert ask(home, server, "tushare.fund_nav", "2025-04-24").outcome == "delivered", "what is not read may go"
