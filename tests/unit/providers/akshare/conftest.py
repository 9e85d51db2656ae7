"""akshare's real code, asking a server on loopback."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator

import pytest

from orchestration.moments import MARKET_ZONE
from orchestration.providers.akshare import DATASETS, clock
from orchestration.providers.delivery import ControlTotal, Dataset, Delivery, Wanted
from orchestration.providers.transport import Limits, Transport
from tests.support.fake_provider import Clock, FakeProvider, serving
from tests.support.recorded import akshare as recorded

NOW = dt.datetime(2025, 4, 24, 21, 0, tzinfo=MARKET_ZONE)

Fetch = Callable[..., list[Delivery]]


@pytest.fixture
def server() -> Iterator[FakeProvider]:
    with serving() as running:
        recorded.install(running)
        yield running


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> Callable[[dt.datetime], None]:
    """Set the clock; it shows 2025-04-24 21:00 otherwise."""

    def set_to(moment: dt.datetime) -> None:
        monkeypatch.setattr(clock, "now", lambda: moment)

    set_to(NOW)
    return set_to


SPAN = {"since": dt.date(2025, 4, 21), "until": dt.date(2025, 4, 24)}
CODES = {
    "etfs": ("159567.SZ",),
    "indices": ("987018.CNI", "931250.CSI", "HSI.HI"),
    "securities": ("01801.HK",),
    "concepts": ("CRO",),
}


def dataset_of(name: str) -> Dataset:
    return next(dataset for dataset in DATASETS if dataset.name == name)


def wanted_of(**given: object) -> Wanted:
    return Wanted(**(SPAN | CODES | given))  # type: ignore[arg-type]


def transport_to(server: FakeProvider, attempts: int = 1, total_seconds: float = 30.0) -> Transport:
    """At no pace to speak of, and without waiting before questions are asked again."""
    limits = Limits(requests_per_minute={"akshare": 600_000}, attempts=attempts, total_seconds=total_seconds)
    hands = Clock()
    return Transport(recorded.base_urls(server), limits, hands, hands.sleep)


@pytest.fixture
def fetch(server: FakeProvider, now: Callable[[dt.datetime], None]) -> Fetch:
    """``fetch(name, **of Wanted)``: what the dataset delivers, without its control total."""

    def fetched(name: str, attempts: int = 1, total_seconds: float = 30.0, **wanted: object) -> list[Delivery]:
        with transport_to(server, attempts, total_seconds) as transport:
            found = dataset_of(name).deliver(transport, wanted_of(**wanted))
            return [delivery for delivery in found if isinstance(delivery, Delivery)]

    return fetched


@pytest.fixture
def control(server: FakeProvider, now: Callable[[dt.datetime], None]) -> Callable[..., ControlTotal]:
    """``control(**of Wanted)``: what visits are held against, and what came of it."""

    def held(**wanted: object) -> ControlTotal:
        with transport_to(server) as transport:
            *_, last = dataset_of("stock_jgdy_detail_em").deliver(transport, wanted_of(**wanted))
        assert isinstance(last, ControlTotal)
        return last

    return held
