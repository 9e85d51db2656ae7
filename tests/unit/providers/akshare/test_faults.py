"""What sites do to akshare in real life, and what we say then."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from orchestration.moments import MARKET_ZONE
from orchestration.providers.akshare import clock, visits
from orchestration.providers.akshare.asking import WORKER
from orchestration.providers.delivery import (
    Delivery,
    MalformedError,
    ProviderError,
    RefusedError,
    ThrottledError,
    UnavailableError,
)
from tests.support.fake_provider import Answer, FakeProvider, Fault, as_json
from tests.support.recorded import akshare as recorded
from tests.unit.providers.akshare.conftest import Fetch, dataset_of, wanted_of

# dataset, path, fault, details, kind of error, words of its message
FAULTS: dict[str, tuple[str, str, Fault, dict[str, object], type[ProviderError], str]] = {
    "throttling that looks like a short success": (
        *("fund_etf_spot_em", recorded.ETF_QUOTES, "throttled_empty", {}, ThrottledError),
        "without records, where there always are some",
    ),
    "the third page without records": (
        *("fund_etf_spot_em", recorded.ETF_QUOTES, "page_loss", {}, ThrottledError),
        "page 2 without records",
    ),
    "pages that overlap": (
        *("fund_etf_spot_em", recorded.ETF_QUOTES, "page_overlap", {}, MalformedError),
        r"stand on two pages \([01]\.\d{6}\)",
    ),
    "net values whose later pages are empty": (
        *("fund_etf_fund_info_em", recorded.NET_VALUES, "page_loss", {}, ThrottledError),
        "without records, though it counts 45",
    ),
    "a field more where akshare names fields by position": (
        *("stock_hk_spot_em", recorded.HK_QUOTES, "column_added", {}, MalformedError),
        r"Length mismatch.*fields f1, f2,.*surprise",
    ),
    "a field less where akshare names fields by position": (
        *("stock_hk_spot_em", recorded.HK_QUOTES, "column_gone", {"column": "f18"}, MalformedError),
        "gone: f18; new: f20.*akshare names them by position",
    ),
    "a field gone that akshare asks for by name": (
        *("fund_etf_spot_em", recorded.ETF_QUOTES, "column_gone", {"column": "f441"}, MalformedError),
        r"KeyError.*IOPV实时估值",
    ),
    "a page instead of data": (
        *("fund_etf_hist_em", recorded.ETF_BARS, "html", {}, MalformedError),
        "访问验证",
    ),
    "a page instead of a workbook": (
        *("fund_scale_daily_szse", recorded.SZSE, "html", {}, MalformedError),
        "访问验证",
    ),
    "half an answer": (
        *("fund_etf_hist_em", recorded.ETF_BARS, "half", {}, UnavailableError),
        "too many requests from this address",
    ),
    "a ban": (
        *("fund_etf_hist_em", recorded.ETF_BARS, "forbidden", {}, RefusedError),
        "403.*this address may not ask",
    ),
    "too many requests": (
        *("fund_etf_hist_em", recorded.ETF_BARS, "too_many_requests", {}, ThrottledError),
        "429",
    ),
    "an error of the server": (
        *("fund_etf_hist_em", recorded.ETF_BARS, "server_error", {}, UnavailableError),
        "500: internal error",
    ),
}


@pytest.mark.parametrize("case", FAULTS)
def test_a_fault_is_told_for_what_it_is(case: str, fetch: Fetch, server: FakeProvider) -> None:
    name, path, fault, details, kind, words = FAULTS[case]
    values = [{**recorded.net_values()[0], "FSRQ": f"2025-{n // 28 + 1:02}-{n % 28 + 1:02}"} for n in range(45)]
    server.listing(recorded.NET_VALUES, values, recorded.net_value_list, recorded.paged("pageIndex", "pageSize"))
    server.fault(path, fault, **details)
    with pytest.raises(ProviderError, match=words) as refused:
        fetch(name)
    assert type(refused.value) is kind
    assert str(refused.value).partition(": ")[0].count(name) or "codes gave no sense" in str(refused.value)


@pytest.mark.parametrize("words", [b"", b"busy"])
def test_words_instead_of_an_answer_are_repeated(words: bytes, fetch: Fetch, server: FakeProvider) -> None:
    server.route(recorded.NET_VALUES, Answer(words))
    with pytest.raises((MalformedError, ThrottledError), match=r"api\.fund\.eastmoney\.com/f10/lsjz") as refused:
        fetch("fund_etf_fund_info_em")
    assert words.decode() in str(refused.value)


def test_a_fund_that_has_not_traded_stays_on_the_list(fetch: Fetch, server: FakeProvider) -> None:
    quotes = [*recorded.etf_quotes()[:2], recorded.etf_quotes()[2] | {"f124": "-", "f297": "-", "f2": "-"}]
    server.listing(recorded.ETF_QUOTES, quotes, recorded.quote_list, recorded.quote_window)
    (delivered,) = fetch("fund_etf_spot_em")
    assert [line.split(",")[2] for line in delivered.content.decode().splitlines()[1:]] == ["1.282", "1.282", ""]


def test_a_fault_that_passes_is_asked_again_and_leaves_no_trace(fetch: Fetch, server: FakeProvider) -> None:
    whole = fetch("fund_etf_spot_em")
    server.fault(recorded.ETF_QUOTES, "server_error", times=2)
    assert fetch("fund_etf_spot_em", attempts=3) == whole
    server.heal()
    server.fault(recorded.ETF_QUOTES, "page_overlap", times=2)
    assert fetch("fund_etf_spot_em", attempts=2) == whole


def test_a_call_that_hangs_is_ended_and_the_next_one_finds_a_new_process(fetch: Fetch, server: FakeProvider) -> None:
    server.fault(recorded.NET_VALUES, "hang")
    with pytest.raises(UnavailableError, match=r"api\.fund\.eastmoney\.com/f10/lsjz: no sign of life for 2 s"):
        fetch("fund_etf_fund_info_em", total_seconds=2)
    server.heal()
    assert len(fetch("fund_etf_fund_info_em")) == 1


def test_an_answer_that_drips_is_a_hang(fetch: Fetch, server: FakeProvider) -> None:
    server.fault(recorded.ETF_BARS, "drip")
    with pytest.raises(UnavailableError, match="no sign of life"):
        fetch("fund_etf_hist_em", total_seconds=1)


def test_decoding_without_end_is_a_hang(fetch: Fetch, server: FakeProvider) -> None:
    """Sina's histories are decoded by JavaScript, which no exception of Python's interrupts."""
    bars = recorded.sina_bars(12544, [(2180000, 2210000, 2170000, 2207262, 1000)])
    server.route(recorded.HK_INDEX_BARS_SINA, Answer(f'var KLC_KL_HSI="{bars}{"A" * 20_000_000}";'.encode()))
    with pytest.raises(UnavailableError, match="no sign of life"):
        fetch("stock_hk_index_daily_sina", total_seconds=1)


def test_a_process_that_dies_is_told_and_replaced(fetch: Fetch, server: FakeProvider) -> None:
    fetch("fund_etf_hist_em")

    def killing(_: object) -> Answer:
        process = WORKER._process
        assert process is not None
        process.popen.kill()
        return as_json({})

    server.route(recorded.ETF_BARS, killing)
    with pytest.raises(UnavailableError, match=r"process ended by itself \(SIGKILL\)"):
        fetch("fund_etf_hist_em")
    recorded.install(server)
    assert fetch("fund_etf_hist_em")[0].rows == 1


def test_an_akshare_that_cannot_be_imported_is_told(
    fetch: Fetch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "akshare.py").write_text("import no_such_module_of_akshares")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    WORKER.close()
    with pytest.raises(RefusedError, match=r"cannot be imported \(ModuleNotFoundError.*pip install"):
        fetch("fund_etf_hist_em")


def test_one_code_without_sense_does_not_stop_the_others(fetch: Fetch, server: FakeProvider) -> None:
    good = recorded.klines("2025-04-24,1.249,1.269,1.286,1.249,8955656,1137048638.7,2.99,2.67,0.033,100.0")
    bad = recorded.klines("2025-04-24,1.249")
    server.route(recorded.ETF_BARS, lambda asked: (bad if asked.query["secid"] == "0.159567" else good)(asked))
    delivered: list[Delivery] = []
    with pytest.raises(MalformedError, match=r"1 of 2 codes gave no sense: fund_etf_hist_em\(symbol='159567'"):
        delivered.extend(fetch("fund_etf_hist_em", etfs=("159567.SZ", "513120.SH")))
    assert [asked.query["secid"] for asked in server.questions(recorded.ETF_BARS)] == ["0.159567", "1.513120"]


def test_a_span_in_which_the_provider_has_nothing_is_a_header_alone(fetch: Fetch, server: FakeProvider) -> None:
    server.route(recorded.ETF_BARS, lambda _: as_json({"rc": 0, "data": {"klines": []}}))
    server.route(recorded.HK_BARS, lambda _: as_json({"rc": 100, "data": None}))
    for name in ("fund_etf_hist_em", "stock_hk_hist"):
        (delivered,) = fetch(name)
        assert delivered.rows == 0
        assert delivered.content.decode() == "日期,开盘,收盘,最高,最低,成交量,成交额,振幅,涨跌幅,涨跌额,换手率\n"


def test_a_board_is_found_by_its_name_and_an_unknown_one_named_with_those_near_it(
    fetch: Fetch, server: FakeProvider
) -> None:
    (delivered,) = fetch("stock_board_concept_cons_em", concepts=("CRO",))
    assert delivered.name == "stock_board_concept_cons_em/CRO/20250424T210000+0800.csv"
    assert {asked.query["fs"] for asked in server.questions(recorded.MEMBERS)} == {"b:BK0900 f:!50"}
    with pytest.raises(RefusedError, match=r"'可燃'.*near it: 可燃冰"):
        fetch("stock_board_concept_cons_em", concepts=("可燃",))


def test_of_hong_kongs_indices_the_wanted_ones_are_kept_and_a_missing_one_is_named(
    fetch: Fetch, server: FakeProvider
) -> None:
    (delivered,) = fetch("stock_hk_index_spot_em", indices=("HSTECH.HI", "987018.CNI", "HSI.HI"))
    assert [line.split(",")[2] for line in delivered.content.decode().splitlines()[1:]] == ["HSI", "HSTECH"]
    assert (delivered.rows, delivered.total) == (2, None)
    (delivered,) = fetch("stock_hk_index_spot_em", indices=("HSSCID.HI", "HSI.HI"))
    assert delivered.asked == "stock_hk_index_spot_em(); not on the list: HSSCID"


@pytest.mark.parametrize(
    ("name", "codes", "words"),
    [
        ("index_stock_cons_weight_csindex", {"indices": ("HSI.HI",)}, "knows none of HSI.HI: put a code of its kind"),
        ("stock_hk_index_spot_em", {"indices": ("987018.CNI",)}, "(HSI.HI) on SECTOR_WATCH_INDICES"),
        ("stock_hk_hist", {"securities": ("600519.SH",)}, "(01801.HK) on SECTOR_WATCH_SECURITIES, or leave it out"),
    ],
)
def test_a_watch_list_without_a_code_of_the_kind_is_told(name: str, codes: dict[str, object], words: str) -> None:
    assert words in (dataset_of(name).unfit(wanted_of(**codes)) or "")
    assert dataset_of(name).unfit(wanted_of()) is None


def test_lists_are_read_in_the_order_of_codes(fetch: Fetch, server: FakeProvider) -> None:
    """akshare asks for Hong Kong's indices in the order of changes, which move between two pages."""
    fetch("stock_hk_index_spot_em")
    assert {asked.query["fid"] for asked in server.questions(recorded.HK_INDEX_QUOTES)} == {"f12"}


def test_lists_that_akshare_keeps_for_a_process_are_asked_for_anew_each_time(
    fetch: Fetch, server: FakeProvider
) -> None:
    fetch("stock_hk_index_daily_em", indices=("HSI.HI", "HSTECH.HI"))
    once = len(server.questions(recorded.HK_INDEX_QUOTES))
    fetch("stock_hk_index_daily_em", indices=("HSI.HI",))
    assert len(server.questions(recorded.HK_INDEX_QUOTES)) == 2 * once


# ------------------------------------------------------------------ visits


def test_visits_come_by_the_week_and_late_notices_after_them(fetch: Fetch, server: FakeProvider) -> None:
    delivered = fetch("stock_jgdy_detail_em", since=dt.date(2025, 4, 14), until=dt.date(2025, 4, 24))
    assert [(d.name.partition("/")[2], d.rows, d.total) for d in delivered] == [
        ("visits-20250414-20250420.csv", 0, 0),
        ("visits-20250421-20250424.csv", 4, 4),
        ("visits-20250213-20250413-noticed-20250414-20250424.csv", 0, 0),
    ]


def test_visits_go_on_behind_the_week_that_landed_last(fetch: Fetch) -> None:
    span = {"since": dt.date(2025, 4, 14), "until": dt.date(2025, 4, 24)}
    first, second, late = fetch("stock_jgdy_detail_em", **span)
    assert first.resume == "2025-04-20"
    assert fetch("stock_jgdy_detail_em", resume=first.resume, **span) == [second, late]
    assert fetch("stock_jgdy_detail_em", resume="2025-04-13", **span) == [first, second, late]


def _no_slice_too_long(server: FakeProvider) -> None:
    for asked in server.questions(recorded.SURVEYS):
        assert int(asked.query["pageNumber"]) <= visits.SURVEY_PAGES, asked.query["filter"]


def test_slices_shrink_until_their_pages_are_few_enough(
    fetch: Fetch, server: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pages deep down fail: no more than the limit is ever asked for, every visit comes once."""
    monkeypatch.setattr(visits, "SURVEY_PAGES", 2)
    records = []
    for number, record in enumerate(recorded.surveys(360)):
        day = dt.date(2025, 4, 21) + dt.timedelta(days=number % 3)
        notice = day + dt.timedelta(days=number // 3 % 2)
        records.append(record | {"RECEIVE_START_DATE": f"{day} 00:00:00", "NOTICE_DATE": f"{notice} 00:00:00"})
    recorded.serve_surveys(server, records)
    delivered = fetch("stock_jgdy_detail_em")
    _no_slice_too_long(server)
    assert sum(d.rows for d in delivered) == 360
    visitors = [line.split(",")[5] for d in delivered for line in d.content.decode().splitlines()[1:]]
    assert sorted(visitors) == sorted(str(record["RECEIVE_OBJECT"]) for record in records)


def test_visits_of_a_busy_site_are_an_error_and_not_an_empty_week(fetch: Fetch, server: FakeProvider) -> None:
    busy = {"result": None, "success": False, "message": "系统繁忙,请稍后再试", "code": 9501}
    server.route(recorded.SURVEYS, as_json(busy))
    with pytest.raises(ThrottledError, match="系统繁忙"):
        fetch("stock_jgdy_detail_em")


# ------------------------------------------------------------------ the clock


def _at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=MARKET_ZONE)


@pytest.mark.parametrize(
    ("fetched", "moment"),
    [
        ("2025-04-24 10:30:00", "2025-04-24 10:15:00"),
        ("2025-04-24 12:40:00", "2025-04-24 12:25:00"),
        ("2025-04-24 16:20:00", "2025-04-24 16:05:00"),
        ("2025-04-24 17:00:00", "2025-04-24 16:10:00"),
        ("2025-04-25 08:00:00", "2025-04-24 16:10:00"),
        ("2025-04-25 09:10:00", "2025-04-24 16:10:00"),
        ("2025-04-27 12:00:00", "2025-04-25 16:10:00"),
        ("2025-12-24 18:00:00", "2025-12-24 12:10:00"),
    ],
)
def test_delayed_quotes_are_of_a_quarter_before_and_of_no_time_without_trading(fetched: str, moment: str) -> None:
    assert clock.hk_quote_moment(_at(fetched)) == _at(moment)


def test_a_bar_that_still_moves_is_not_asked_for(
    fetch: Fetch, server: FakeProvider, now: Callable[[dt.datetime], None]
) -> None:
    now(_at("2025-04-24 15:29"))
    (delivered,) = fetch("fund_etf_hist_em")
    assert delivered.name == "fund_etf_hist_em/159567.SZ-20250421-20250423.csv"
    assert server.questions(recorded.ETF_BARS)[-1].query["end"] == "20250423"
    assert dataset_of("fund_etf_hist_em").unfit(wanted_of(since=dt.date(2025, 4, 24))) == (
        "has no final figures of 2025-04-24 before 15:30 market time: fetch again then"
    )
    now(_at("2025-04-24 15:30"))
    assert fetch("fund_etf_hist_em")[0].name == "fund_etf_hist_em/159567.SZ-20250421-20250424.csv"


def test_a_history_without_a_span_loses_the_bar_that_still_moves(
    fetch: Fetch, now: Callable[[dt.datetime], None]
) -> None:
    now(_at("2025-04-24 16:29"))
    (delivered,) = fetch("stock_hk_index_daily_em")
    assert delivered.content.decode().splitlines()[1:] == ["2025-04-23,21800.0,22100.0,21700.0,22072.62"]
    assert delivered.rows == 1


def test_a_minute_that_runs_is_not_asked_for(fetch: Fetch, now: Callable[[dt.datetime], None]) -> None:
    now(_at("2025-04-24 09:31:59"))
    (delivered,) = fetch("fund_etf_hist_min_em")
    assert delivered.content.decode().splitlines()[1:] == [
        "2025-04-24 09:30:00,1.249,1.249,1.249,1.249,12345,1541890.5,1.249"
    ]


def test_shanghais_counts_are_asked_for_by_session_once_they_are_out(
    fetch: Fetch, now: Callable[[dt.datetime], None]
) -> None:
    """2025-04-19 and 20 are a weekend; the counts of the day come in the evening."""
    now(_at("2025-04-22 19:59"))
    assert [d.day for d in fetch("fund_etf_scale_sse", since=dt.date(2025, 4, 18))] == [
        dt.date(2025, 4, 18),
        dt.date(2025, 4, 21),
    ]


def test_shenzhens_counts_are_asked_for_in_spans_that_it_answers(fetch: Fetch, server: FakeProvider) -> None:
    fetch("fund_scale_daily_szse", since=dt.date(2024, 4, 1))
    spans = [
        (dt.date.fromisoformat(asked.query["txtStart"]), dt.date.fromisoformat(asked.query["txtEnd"]))
        for asked in server.questions(recorded.SZSE)
    ]
    assert spans[0][0] == dt.date(2024, 4, 1)
    assert spans[-1][1] == dt.date(2025, 4, 24)
    assert all((last - first).days < 181 for first, last in spans)
    assert all(after[0] - before[1] == dt.timedelta(days=1) for before, after in pairwise(spans))


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="no /proc to look into another process")
def test_nothing_of_ours_reaches_akshares_process(
    fetch: Fetch, server: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECTOR_TUSHARE_TOKEN", "planted")
    WORKER.close()
    fetch("fund_etf_hist_em")
    process = WORKER._process
    assert process is not None
    assert b"planted" not in Path(f"/proc/{process.popen.pid}/environ").read_bytes()
    assert "planted" not in json.dumps([dict(asked.query) for asked in server.asked])
