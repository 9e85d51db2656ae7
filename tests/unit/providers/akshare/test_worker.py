"""What every request of akshare goes through."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from orchestration.providers.akshare import worker
from orchestration.providers.akshare.answers import TooManyPagesError
from orchestration.providers.akshare.worker import Wire
from orchestration.providers.delivery import MalformedError
from tests.support.fake_provider import Clock

CENTRE = "https://datacenter-web.eastmoney.com/api/data/v1/get?reportName=R&filter=(A>%271%27)&pageNumber=1"
ONE = {"result": {"pages": 1, "count": 1, "data": [{"A": 1}]}}


class Site:
    """Answers every request alike and keeps what was sent."""

    def __init__(self, answer: Any, status: int = 200, **headers: str) -> None:
        self.body = json.dumps(answer).encode()
        self.status, self.headers = status, headers
        self.sent: list[tuple[str, dict[str, Any]]] = []

    def __call__(self, _: object, request: Any, **options: Any) -> Any:
        self.sent.append((request.url, options))
        return SimpleNamespace(
            iter_content=lambda size: iter([self.body]),
            is_redirect="location" in self.headers,
            status_code=self.status,
            headers=self.headers,
        )


@pytest.fixture
def hands(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(worker.time, "monotonic", clock)
    monkeypatch.setattr(worker, "_sleep", clock.sleep)
    return clock


def _wire(site: Site, said: list[dict[str, Any]], **question: Any) -> Wire:
    wire = Wire(site, said.append)
    way = {"base_urls": {}, "spacing": 6.0, "connect": 10.0, "silence": 30.0, "most_bytes": 1000}
    wire.begin({**question, "wire": way | question.get("wire", {})})
    return wire


def _send(wire: Wire, url: str = CENTRE) -> Any:
    return wire(None, SimpleNamespace(url=url), timeout=None, proxies={"https": "http://proxy"})


def test_requests_keep_their_distance_whatever_akshare_does_between_them(hands: Clock) -> None:
    wire = _wire(Site(ONE), [])
    for rest in (0.0, 2.5, 10.0):
        hands.now += rest
        _send(wire)
    assert hands.slept == [3.5]


def test_every_request_has_a_time_limit_and_keeps_the_proxy(hands: Clock) -> None:
    site = Site(ONE)
    _send(_wire(site, []))
    assert site.sent[0][1] == {"timeout": (10.0, 30.0), "proxies": {"https": "http://proxy"}}


def test_conditions_are_added_and_parameters_replaced_where_akshare_has_them(hands: Clock) -> None:
    site = Site(ONE)
    wire = _wire(site, [], filter="(B<='2')", query={"pageNumber": "7", "fid": "f12"})
    _send(wire)
    _send(wire, "https://push2.eastmoney.com/api/qt/stock/kline/get?secid=0.159567")
    assert dict(parse_qsl(urlsplit(site.sent[0][0]).query)) == {
        "reportName": "R",
        "filter": "(A>'1')(B<='2')",
        "pageNumber": "7",
    }
    assert site.sent[1][0] == "https://push2.eastmoney.com/api/qt/stock/kline/get?secid=0.159567"


def test_an_address_that_stands_for_a_host_is_asked_without_the_proxy(hands: Clock) -> None:
    site = Site(ONE)
    mirror = {"https://datacenter-web.eastmoney.com": "http://127.0.0.1:8080/centre/"}
    _send(_wire(site, [], wire={"base_urls": mirror}))
    url, options = site.sent[0]
    assert url.startswith("http://127.0.0.1:8080/centre/api/data/v1/get?reportName=R")
    assert options["proxies"] == {}


def test_what_is_asked_and_what_came_is_told_at_once(hands: Clock) -> None:
    said: list[dict[str, Any]] = []
    _send(_wire(Site({"result": {"pages": 2, "count": 3, "data": [{"A": 1}, {"A": 2}]}}), said))
    assert [next(iter(line)) for line in said] == ["request", "page"]
    assert (said[1]["page"]["rows"], said[1]["page"]["total"], said[1]["page"]["pages"]) == (2, 3, 2)


def test_more_pages_than_allowed_end_the_call_at_the_first(hands: Clock) -> None:
    site = Site({"result": {"pages": 51, "count": 2550, "data": [{"A": 1}]}})
    with pytest.raises(TooManyPagesError, match="51 pages"):
        _send(_wire(site, [], page_limit=50))
    assert len(site.sent) == 1


def test_an_answer_without_end_is_cut(hands: Clock) -> None:
    with pytest.raises(MalformedError, match="more than 1,000 bytes"):
        _send(_wire(Site({"data": "x" * 1000}), []))


def test_another_host_is_not_followed(hands: Clock) -> None:
    with pytest.raises(MalformedError, match=r"sends us on to passport\.eastmoney\.com"):
        _send(_wire(Site({}, 302, location="https://passport.eastmoney.com/login"), []))
    assert _send(_wire(Site({}, 302, location="/api/data/v2/get"), [])).is_redirect
