"""What an answer says about itself, and when pages do not add up."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.providers.akshare.answers import Page, read_page, totals_disagree
from orchestration.providers.delivery import (
    MalformedError,
    ProviderError,
    RefusedError,
    ThrottledError,
    UnavailableError,
)

LIST = "push2.eastmoney.com/api/qt/clist/get"
BARS = "push2his.eastmoney.com/api/qt/stock/kline/get"
CENTRE = "datacenter-web.eastmoney.com/api/data/v1/get"


def _page(asked: str, answer: Any, status: int = 200, **query: str) -> Page:
    body = answer if isinstance(answer, bytes) else json.dumps(answer, ensure_ascii=False).encode()
    return read_page(asked, query, status, None, body)


def test_a_list_of_quotes_tells_its_page_its_records_and_how_many_there_are() -> None:
    answer = {
        "data": {"total": 7, "diff": [{"f2": 1, "f12": "159567", "f13": 0}, {"f2": 1, "f12": "513120", "f13": 1}]}
    }
    page = _page(LIST, answer, pn="2")
    assert (page.number, page.rows, page.total) == (2, 2, 7)
    assert page.fields == ("f2", "f12", "f13")
    assert page.ids == ("0.159567", "1.513120")


@pytest.mark.parametrize(
    "data", [None, {"total": 0, "diff": []}, {"total": 900, "diff": []}, {"total": 3, "diff": None}]
)
def test_a_list_without_quotes_is_a_provider_that_had_enough(data: Any) -> None:
    with pytest.raises(ThrottledError, match="without records"):
        _page(LIST, {"data": data}, pn="1")


@pytest.mark.parametrize("data", [None, {"klines": []}, {"klines": None}])
def test_bars_may_be_none_and_say_so(data: Any) -> None:
    assert _page(BARS, {"data": data}).nothing is not None


def test_the_data_centre_tells_an_empty_answer_from_one_that_it_did_not_look_for() -> None:
    empty = {"result": None, "success": False, "message": "返回数据为空", "code": 9201}
    assert _page(CENTRE, empty, reportName="RPT_ORG_SURVEY").nothing == "code 9201, '返回数据为空'"
    busy = {"result": None, "success": False, "message": "系统繁忙", "code": 9501}
    with pytest.raises(ThrottledError, match="系统繁忙"):
        _page(CENTRE, busy, reportName="RPT_ORG_SURVEY")


def test_net_values_tell_none_from_an_error() -> None:
    asked = "api.fund.eastmoney.com/f10/lsjz"
    assert _page(asked, {"Data": {"LSJZList": []}, "ErrCode": 0, "TotalCount": 0}).nothing is not None
    with pytest.raises(ThrottledError, match="-999"):
        _page(asked, {"Data": "", "ErrCode": -999, "ErrMsg": None, "TotalCount": 0})
    with pytest.raises(ThrottledError, match="counts 40"):
        _page(asked, {"Data": {"LSJZList": []}, "ErrCode": 0, "TotalCount": 40})


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (403, RefusedError),
        (404, MalformedError),
        (429, ThrottledError),
        (500, UnavailableError),
        (502, UnavailableError),
    ],
)
def test_a_status_has_its_error_with_the_first_words_of_the_answer(status: int, kind: type[Exception]) -> None:
    with pytest.raises(kind, match=rf"{status}.*slow down"):
        _page(BARS, b"slow down", status)


def test_how_long_to_wait_is_taken_from_the_provider() -> None:
    with pytest.raises(ThrottledError) as refused:
        read_page(BARS, {}, 429, "17", b"")
    assert refused.value.pause == 17


def test_a_page_instead_of_data_is_named_by_its_title() -> None:
    with pytest.raises(MalformedError, match="访问验证"):
        _page(BARS, "<!DOCTYPE html><html><head><title>访问验证</title></head></html>".encode())


def test_sina_ends_a_list_with_null_and_never_begins_one_so() -> None:
    asked = "vip.stock.finance.sina.com.cn/quotes_service/api/json_v2.php/Market_Center.getHKStockData"
    assert _page(asked, None, page="46").rows == 0
    with pytest.raises(ThrottledError, match="empty list"):
        _page(asked, None, page="1")


def test_a_workbook_is_described_and_never_refused() -> None:
    assert _page("www.szse.cn/api/report/ShowReport", b"PK\x03\x04" + bytes(range(256))).rows is None


@given(st.lists(st.integers(1, 6), min_size=1, max_size=8))
def test_pages_that_share_out_a_list_add_up_and_one_less_never_does(sizes: list[int]) -> None:
    total = sum(sizes)
    ids = iter(range(total))
    pages = [
        Page(LIST, number, size, total, ids=tuple(str(next(ids)) for _ in range(size)))
        for number, size in enumerate(sizes, 1)
    ]
    assert totals_disagree(pages) is None
    assert totals_disagree([*pages, pages[0]]) is None, "a page asked for twice counts once"
    if len(pages) > 1:
        assert "says that there are" in (totals_disagree(pages[1:]) or "")


def test_a_record_on_two_pages_means_that_another_is_missing() -> None:
    pages = [Page(LIST, 1, 2, 4, ids=("a", "b")), Page(LIST, 2, 2, 4, ids=("b", "c"))]
    assert totals_disagree(pages) == f"1 records of {LIST} stand on two pages (b): others are missing"


def test_a_list_that_grows_while_it_is_read_is_asked_for_again() -> None:
    pages = [Page(CENTRE, 1, 2, 3, ids=("a", "b"), keyed=False), Page(CENTRE, 2, 2, 4, ids=("b", "c"), keyed=False)]
    assert "counted 3 records on one page and 4 on another" in (totals_disagree(pages) or "")


def test_equal_records_without_a_key_may_stand_on_one_page_and_meet_at_its_end() -> None:
    """Two visitors without a name are two records; only several of them on two pages are an overlap."""
    honest = [
        Page(CENTRE, 1, 3, 5, ids=("a", "a", "b"), keyed=False),
        Page(CENTRE, 2, 2, 5, ids=("b", "c"), keyed=False),
    ]
    assert totals_disagree(honest) is None
    overlapping = [
        Page(CENTRE, 1, 2, 4, ids=("a", "b"), keyed=False),
        Page(CENTRE, 2, 2, 4, ids=("a", "b"), keyed=False),
    ]
    assert "on two pages" in (totals_disagree(overlapping) or "")


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["data", "diff", "total", "result", "pages", "count", "f12", "TotalCount", "Data", "LSJZList"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(_JSON, st.sampled_from([(LIST, {"pn": "1"}), (BARS, {}), (CENTRE, {"reportName": "R"}), ("x/f10/lsjz", {})]))
def test_whatever_comes_is_described_or_refused_in_our_words(answer: Any, asked: tuple[str, dict[str, str]]) -> None:
    try:
        page = _page(asked[0], answer, **asked[1])
    except ProviderError:
        return
    assert totals_disagree([page]) is None or page.total != page.rows
