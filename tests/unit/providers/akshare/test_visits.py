"""Visits held against Eastmoney's own count of them: akshare's real code, a server on loopback."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration import silence
from orchestration.fetching import fetch
from orchestration.providers.akshare import visits
from orchestration.providers.delivery import ControlTotal, MalformedError
from tests.support.fake_provider import Answer, Asked, FakeProvider, as_json
from tests.support.recorded import akshare as recorded
from tests.support.warehouse_home import Home
from tests.unit.providers.akshare.conftest import Fetch, dataset_of, transport_to, wanted_of

Held = Callable[..., ControlTotal]
DETAIL = "stock_jgdy_detail_em"


def summaries(server: FakeProvider) -> list[Asked]:
    return [asked for asked in server.questions(recorded.SURVEYS) if recorded.summary_asked(asked)]


def counting(count: int) -> list[dict[str, Any]]:
    [record] = recorded.survey_counts(recorded.surveys())
    return [record | {"SUM": count}]


def test_details_that_are_counted_alike_agree(control: Held, server: FakeProvider) -> None:
    found = control()
    assert (found.rows, found.compared, found.missing, found.surplus, found.failed) == (1, 1, (), (), None)
    assert found.name == "stock_jgdy_tj_em/noticed-20250421-20250424.csv"
    assert "接待机构数量" in found.content.decode()
    condition = summaries(server)[0].query["filter"]
    assert "(NOTICE_DATE>'2025-04-20')" in condition
    assert "(RECEIVE_START_DATE>='2025-02-20')(RECEIVE_START_DATE<='2025-04-24')" in condition


def test_a_lost_page_is_named_by_its_visit(control: Held, server: FakeProvider) -> None:
    recorded.serve_surveys(server, recorded.surveys(12), counting(18))
    assert control().missing == (
        "detail delivered 12 of 18 institutions for 300347 on 2025-04-21 (announced 2025-04-23); page lost?",
    )


def test_details_without_a_row_are_lost_too(control: Held, server: FakeProvider) -> None:
    recorded.serve_surveys(server, [], counting(18))
    found = control()
    assert found.missing == ("details without a row, where 18 institutions at 1 visits are counted",)


def test_a_summary_that_is_empty_is_a_warning(control: Held, server: FakeProvider) -> None:
    recorded.serve_surveys(server, recorded.surveys(), [])
    found = control()
    assert (found.rows, found.missing) == (0, ())
    assert found.surplus == (
        "details of 4 institutions at 1 visits, where the summary counts none: it may be throttled",
    )


def test_nothing_on_both_sides_is_no_agreement(control: Held, server: FakeProvider) -> None:
    recorded.serve_surveys(server, [])
    found = control()
    assert (found.compared, found.missing, found.surplus, found.failed) == (0, (), (), None)


def test_an_institution_on_several_rows_is_one_or_several(control: Held, server: FakeProvider) -> None:
    twice = [record | {"INVESTIGATORS": who} for record in recorded.surveys(3) for who in ("张三", "李四")]
    for count, agrees in ((2, False), (3, True), (6, True), (7, False)):
        recorded.serve_surveys(server, twice, counting(count))
        found = control()
        assert (not found.missing and not found.surplus) == agrees, count


def test_visits_that_an_earlier_fetch_has_read_are_left_out(control: Held, server: FakeProvider) -> None:
    """A fetch that was cut short goes on behind its last week: the summary of that week has nothing to be held to."""
    early = [record | {"RECEIVE_START_DATE": "2025-04-15 00:00:00"} for record in recorded.surveys(3)]
    recorded.serve_surveys(server, [*early, *recorded.surveys()])
    span = {"since": dt.date(2025, 4, 14), "until": dt.date(2025, 4, 24)}
    assert control(**span).compared == 2
    resumed = control(resume="2025-04-20", **span)
    assert (resumed.compared, resumed.missing) == (1, ())


def test_notices_older_than_the_summary_reaches_are_not_held_against_it(control: Held, server: FakeProvider) -> None:
    old = [
        record | {"RECEIVE_START_DATE": "2024-04-22 00:00:00", "NOTICE_DATE": "2024-04-23 00:00:00"}
        for record in recorded.surveys()
    ]
    recorded.serve_surveys(server, old, [])
    found = control(since=dt.date(2024, 4, 22), until=dt.date(2024, 5, 10))
    assert (found.compared, found.missing, found.surplus) == (0, (), ())
    assert "(NOTICE_DATE>'2024-05-08')" in summaries(server)[0].query["filter"]


def test_a_span_before_the_summary_begins_is_held_against_nothing(fetch: Fetch, server: FakeProvider) -> None:
    fetch(DETAIL, since=dt.date(2024, 1, 8), until=dt.date(2024, 1, 12))
    assert summaries(server) == []


def test_a_summary_that_does_not_come_leaves_the_details(
    home: Home, fetch: Fetch, control: Held, server: FakeProvider, now: object
) -> None:
    details = recorded.found(recorded.surveys())
    window = recorded.paged("pageNumber", "pageSize")

    def answer(asked: Asked) -> Answer:
        if recorded.summary_asked(asked):
            return as_json({"result": None, "success": False, "message": "系统繁忙,请稍后再试", "code": 9501})
        records = list(details(asked))
        return recorded.survey_list(records[window(asked, records)], len(records), asked)

    server.route(recorded.SURVEYS, answer)
    assert "系统繁忙" in str(control().failed)
    receipt = _fetched(home, server)
    assert (receipt.outcome, receipt.rows) == ("delivered", 4)
    verdict = silence.control_total(receipt)
    assert verdict.state == "warning"
    assert "系统繁忙" in verdict.message


def test_fields_that_moved_are_no_count(control: Held, server: FakeProvider) -> None:
    [record] = recorded.survey_counts(recorded.surveys())
    recorded.serve_surveys(server, recorded.surveys(), [{"NEW": 1} | record])
    assert "the fields of" in str(control().failed)
    with pytest.raises(MalformedError, match="expected a number of institutions"):
        visits.read_summary("代码,接待机构数量,接待日期,公告日期\n300347,公司,2025-04-21,2025-04-23\n", "it")


def _fetched(home: Home, server: FakeProvider):
    with transport_to(server) as transport:
        return fetch(home.settings, dataset_of(DETAIL), wanted_of(), transport)


def test_the_summary_is_kept_with_the_receipt_and_never_lands(home: Home, server: FakeProvider, now: object) -> None:
    receipt = _fetched(home, server)
    assert receipt.control is not None
    kept = home.settings.receipts / receipt.control.name
    assert kept.read_text().splitlines()[0].startswith("序号,代码,名称,最新价,涨跌幅,接待机构数量")
    assert receipt.rows == 4, "counts of visits are no visits"
    assert not [path for path in home.settings.landing.rglob("*") if "jgdy_tj" in path.name]
    assert silence.control_total(receipt).state == "passed"
    recorded.serve_surveys(server, recorded.surveys(12), counting(18))
    again = _fetched(home, server)
    assert again.control is not None
    assert again.control.name != receipt.control.name
    verdict = silence.control_total(again)
    assert verdict.state == "lost"
    assert "fetch again: sector fetch akshare.stock_jgdy_detail_em --since 2025-04-21" in verdict.message


VISITS = st.dictionaries(
    st.tuples(st.sampled_from(["000001", "300347"]), st.sampled_from(["2025-04-21"]), st.sampled_from(["2025-04-23"])),
    st.integers(1, 30),
)


@given(VISITS)
def test_what_is_counted_as_it_came_always_agrees(counts: dict[visits.Visit, int]) -> None:
    assert visits.held_against(counts, counts, counts) == (len(counts), (), ())


@given(VISITS.filter(bool), st.integers(1, 5))
def test_every_visit_that_lacks_rows_is_missing(counts: dict[visits.Visit, int], more: int) -> None:
    told = {visit: count + more for visit, count in counts.items()}
    compared, missing, surplus = visits.held_against(told, counts, counts)
    assert (compared, len(missing), surplus) == (len(counts), len(counts), ())
