"""One polite client: pace, repetition, limits, refusals, and no secret anywhere."""

from __future__ import annotations

import gzip
import logging
import re

import pytest

from orchestration.providers.delivery import (
    MalformedError,
    ProviderError,
    RefusedError,
    ThrottledError,
    UnavailableError,
)
from orchestration.providers.transport import Limits, Transport, expect_json, expect_workbook
from tests.support.fake_provider import Answer, Clock, FakeProvider, as_json

ORIGIN = "https://data.example.com"
KEY = "k-0123456789abcdef-planted"


@pytest.fixture
def clock() -> Clock:
    return Clock()


def client(server: FakeProvider, clock: Clock, **limits: object) -> Transport:
    return Transport({ORIGIN: server.url}, Limits(**limits), clock=clock, sleep=clock.sleep)  # type: ignore[arg-type]


def test_bytes_come_as_they_are(fake_provider: FakeProvider, clock: Clock) -> None:
    body = "代码,份额\r\n159567,1".encode("gb18030")
    fake_provider.route("/shares", Answer(body, content_type="text/csv"))

    assert client(fake_provider, clock).get("exchanges", f"{ORIGIN}/shares", params={"day": "2025-04-24"}) == body
    assert fake_provider.asked[0].query == {"day": "2025-04-24"}


def test_a_compressed_answer_is_expanded(fake_provider: FakeProvider, clock: Clock) -> None:
    fake_provider.route("/x", Answer(gzip.compress(b"abc" * 999), headers={"Content-Encoding": "gzip"}))
    assert client(fake_provider, clock).get("p", f"{ORIGIN}/x") == b"abc" * 999


def test_questions_are_spaced_evenly_and_each_provider_has_its_own_pace(
    fake_provider: FakeProvider, clock: Clock
) -> None:
    fake_provider.route("/x", Answer(b"{}"))
    transport = client(fake_provider, clock, requests_per_minute={"slow": 6})

    for _ in range(3):
        transport.get("slow", f"{ORIGIN}/x")
    begun = clock.now
    transport.get("other", f"{ORIGIN}/x")

    assert sum(clock.slept) == pytest.approx(20, abs=0.1)
    assert clock.now == begun


def test_429_waits_as_long_as_the_provider_says(fake_provider: FakeProvider, clock: Clock) -> None:
    fake_provider.route("/x", Answer(b"{}"))
    fake_provider.fault("/x", "too_many_requests", times=1, retry_after=42)

    assert client(fake_provider, clock).get("p", f"{ORIGIN}/x") == b"{}"
    assert max(clock.slept) == 42


def test_a_pause_beyond_the_limit_is_not_slept_through(fake_provider: FakeProvider, clock: Clock) -> None:
    fake_provider.route("/x", Answer(b"{}"))
    fake_provider.fault("/x", "too_many_requests", retry_after=86_400)

    with pytest.raises(ThrottledError, match="wait 86400 s"):
        client(fake_provider, clock).get("p", f"{ORIGIN}/x")
    assert len(fake_provider.asked) == 1


def test_a_pause_may_be_a_date(fake_provider: FakeProvider, clock: Clock) -> None:
    fake_provider.route("/x", Answer(b"{}"))
    fake_provider.fault("/x", "too_many_requests", retry_after="Wed, 21 Oct 2099 07:28:00 GMT")
    with pytest.raises(ThrottledError) as caught:
        client(fake_provider, clock).get("p", f"{ORIGIN}/x")
    assert caught.value.pause is not None
    assert caught.value.pause > 86_400
    fake_provider.heal()
    fake_provider.fault("/x", "too_many_requests", retry_after="soon", times=1)
    assert client(fake_provider, clock).get("p", f"{ORIGIN}/x") == b"{}"


def test_a_server_error_is_asked_again_with_growing_pauses(fake_provider: FakeProvider, clock: Clock) -> None:
    fake_provider.route("/x", Answer(b"{}"))
    fake_provider.fault("/x", "server_error", times=3)

    assert client(fake_provider, clock, default_per_minute=60_000).get("p", f"{ORIGIN}/x") == b"{}"
    backoff = [pause for pause in clock.slept if pause >= 1]
    assert len(backoff) == 3
    assert backoff[0] < backoff[1] < backoff[2]


def test_attempts_end(fake_provider: FakeProvider, clock: Clock) -> None:
    fake_provider.route("/x", Answer(b"{}"))
    fake_provider.fault("/x", "server_error")

    with pytest.raises(UnavailableError, match=r"p: GET .*/x was answered with 500 .*: internal error; try later"):
        client(fake_provider, clock, attempts=3).get("p", f"{ORIGIN}/x")
    assert len(fake_provider.asked) == 3


@pytest.mark.parametrize(("status", "words"), [(401, "not accepted"), (403, "licence"), (404, "no such endpoint")])
def test_a_refusal_is_never_asked_again(fake_provider: FakeProvider, clock: Clock, status: int, words: str) -> None:
    fake_provider.route("/x", Answer(b'{"message":"no"}', status))

    with pytest.raises(RefusedError, match=words):
        client(fake_provider, clock).get("p", f"{ORIGIN}/x")
    assert len(fake_provider.asked) == 1


def test_a_malformed_answer_is_asked_for_once_more(fake_provider: FakeProvider, clock: Clock) -> None:
    fake_provider.route("/x", Answer(b"{}"))
    fake_provider.fault("/x", "html")

    with pytest.raises(MalformedError, match="expected JSON, found an HTML page titled '访问验证'"):
        client(fake_provider, clock).get("p", f"{ORIGIN}/x", accept=lambda content: expect_json(content, "quotes"))
    assert len(fake_provider.asked) == 2


def test_an_error_told_with_status_200_is_asked_again(fake_provider: FakeProvider, clock: Clock) -> None:
    told = iter(['{"code": 40203}', '{"code": 0}'])
    fake_provider.route("/x", lambda _: Answer(next(told).encode()))

    def accept(content: bytes) -> None:
        if expect_json(content, "x")["code"]:
            raise ThrottledError("once a minute", pause=60)

    assert client(fake_provider, clock).get("p", f"{ORIGIN}/x", accept=accept) == b'{"code": 0}'
    assert 60 in clock.slept


def test_half_an_answer_is_no_answer(fake_provider: FakeProvider, clock: Clock) -> None:
    fake_provider.route("/x", Answer(b"0123456789"))
    fake_provider.fault("/x", "half", times=1)
    assert client(fake_provider, clock).get("p", f"{ORIGIN}/x") == b"0123456789"

    fake_provider.fault("/x", "half")
    with pytest.raises(UnavailableError, match="broke before the answer was whole"):
        client(fake_provider, clock).get("p", f"{ORIGIN}/x")


def test_silence_has_an_end(fake_provider: FakeProvider, clock: Clock) -> None:
    fake_provider.route("/x", Answer(b"{}"))
    fake_provider.fault("/x", "hang")

    with pytest.raises(UnavailableError, match=r"silence for 0\.1 s"):
        client(fake_provider, clock, silence_seconds=0.1, attempts=1).get("p", f"{ORIGIN}/x")


def test_an_answer_that_trickles_has_an_end(fake_provider: FakeProvider, clock: Clock) -> None:
    # every byte comes well within the limit of silence: only the limit of the whole ends this
    fake_provider.route("/x", Answer(b"x" * 10_000))
    fake_provider.fault("/x", "drip")

    with pytest.raises(UnavailableError, match=r"not answered in full within 0\.3 s"):
        client(fake_provider, clock, total_seconds=0.3, attempts=1).get("p", f"{ORIGIN}/x")


def test_size_has_an_end_also_after_expansion(fake_provider: FakeProvider, clock: Clock) -> None:
    bomb = Answer(gzip.compress(b"0" * 1_000_000), headers={"Content-Encoding": "gzip"})
    fake_provider.route("/x", bomb)

    with pytest.raises(MalformedError, match="more than 100,000 bytes"):
        client(fake_provider, clock, most_bytes=100_000).get("p", f"{ORIGIN}/x")


def test_redirects_stay_on_the_host(fake_provider: FakeProvider, clock: Clock) -> None:
    fake_provider.route("/old", Answer(b"", 302, headers={"Location": "/new"}))
    fake_provider.route("/new", Answer(b"here"))
    fake_provider.route("/away", Answer(b"", 302, headers={"Location": "http://elsewhere.example.com/login"}))
    fake_provider.route("/round", Answer(b"", 302, headers={"Location": "/round"}))

    transport = client(fake_provider, clock)
    assert transport.get("p", f"{ORIGIN}/old") == b"here"
    with pytest.raises(RefusedError, match=r"redirects to another host, elsewhere\.example\.com"):
        transport.get("p", f"{ORIGIN}/away")
    with pytest.raises(MalformedError, match="redirects more than"):
        transport.get("p", f"{ORIGIN}/round")


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://data.example.com/x", "data.example.com/x"])
def test_only_http(fake_provider: FakeProvider, clock: Clock, url: str) -> None:
    with pytest.raises(RefusedError, match="no http or https address"):
        client(fake_provider, clock).get("p", url)


def test_nobody_there(clock: Clock) -> None:
    transport = Transport({ORIGIN: "http://127.0.0.1:9"}, Limits(attempts=1), clock=clock, sleep=clock.sleep)
    with pytest.raises(UnavailableError, match="no connection"):
        transport.get("p", f"{ORIGIN}/x")


def test_a_secret_shows_nowhere(fake_provider: FakeProvider, clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    # the provider repeats the key in its own words, whole and at the very place where they are cut short
    words = f"key {KEY} is unknown " + "x" * 170 + KEY
    fake_provider.route("/x", Answer(words.encode(), 500, "text/plain"))
    transport = client(fake_provider, clock, attempts=2)

    errors: list[ProviderError] = []
    with caplog.at_level(logging.DEBUG):
        for ask in (
            lambda: transport.get("p", f"{ORIGIN}/x", headers={"X-cb-user-key": KEY}),
            lambda: transport.get("p", f"{ORIGIN}/x", params={"api_key": KEY}),
            lambda: transport.post_json("p", f"{ORIGIN}/x", {"token": KEY, "api_name": "a"}),
            lambda: transport.get("p", f"{ORIGIN}/x", secrets=[KEY]),
        ):
            with pytest.raises(UnavailableError) as caught:
                ask()
            errors.append(caught.value)

    said = "\n".join([*(str(error) for error in errors), *(repr(error) for error in errors), caplog.text])
    assert "***" in said
    assert KEY not in said
    assert not re.search(re.escape(KEY[:6]), said)
    assert all(error.__cause__ is None and error.__suppress_context__ for error in errors)


def test_the_key_travels(fake_provider: FakeProvider, clock: Clock) -> None:
    fake_provider.route("/x", as_json({}))
    client(fake_provider, clock).post_json("p", f"{ORIGIN}/x", {"token": KEY}, headers={"X-key": "1"})
    [asked] = fake_provider.asked
    assert (asked.json, asked.headers["x-key"]) == ({"token": KEY}, "1")


def test_pace_and_repetition_serve_other_clients_too(clock: Clock) -> None:
    answers = iter([UnavailableError("reset"), ThrottledError("slow down", pause=30), "frame"])

    def ask() -> str:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    transport = Transport(limits=Limits(requests_per_minute={"akshare": 4}), clock=clock, sleep=clock.sleep)
    assert transport.call("akshare", ask) == "frame"
    assert clock.now - 1000 >= 15 + 30


def test_an_error_of_the_caller_is_not_asked_again(clock: Clock) -> None:
    calls = []

    def ask() -> None:
        calls.append(1)
        raise KeyError("f12")

    with pytest.raises(KeyError):
        Transport(clock=clock, sleep=clock.sleep).call("akshare", ask)
    assert len(calls) == 1


def test_what_came_instead_is_named() -> None:
    with pytest.raises(MalformedError, match=r"shares of 2025-04-24: expected an Excel workbook, found .*访问验证"):
        expect_workbook("<html><title>访问验证</title>".encode(), "shares of 2025-04-24")
    with pytest.raises(MalformedError, match="found 0 bytes without a text"):
        expect_json(b"", "quotes")
    assert expect_workbook(b"PK\x03\x04rest", "x") == b"PK\x03\x04rest"
