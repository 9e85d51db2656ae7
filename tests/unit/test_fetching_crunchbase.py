"""Crunchbase through ``fetch``: a first load that is cut short goes on where it was, receipts tell, no key is kept."""

from __future__ import annotations

import datetime as dt
import json
import logging

import pytest

from orchestration.fetching import fetch, question
from orchestration.providers.crunchbase import DATASETS, search
from orchestration.providers.transport import Limits, Transport
from orchestration.receipts import FetchedFile, Receipt, Receipts
from tests.support.fake_provider import Answer, Clock, FakeProvider
from tests.support.recorded.crunchbase import API, ROUNDS, Crunchbase, funding_round
from tests.support.warehouse_home import Home, counts

KEY = "planted-key-5d1f"
DATASET = {dataset.name: dataset for dataset in DATASETS}


@pytest.fixture
def crunchbase(fake_provider: FakeProvider, monkeypatch: pytest.MonkeyPatch) -> Crunchbase:
    """Twenty rounds edited a minute apart, on pages of four."""
    monkeypatch.setenv("SECTOR_CRUNCHBASE_KEY", KEY)
    monkeypatch.setattr(search, "PAGE_RECORDS", 4)
    edits = [f"2025-03-{day:02d}T00:00:00Z" for day in range(1, 21)]
    provider = Crunchbase(rounds=[funding_round(f"r{n}", updated_at=edit) for n, edit in enumerate(edits)], key=KEY)
    provider.serve(fake_provider)
    return provider


def fetched(home: Home, server: FakeProvider, name: str = "funding_rounds", heard=None, **span: dt.date) -> Receipt:
    clock = Clock()
    transport = Transport({API: server.url}, Limits(attempts=2), clock=clock, sleep=clock.sleep)
    wanted = question(home.settings, DATASET[name], **span)
    return fetch(home.settings, DATASET[name], wanted, transport, heard)


def landed_rounds(home: Home) -> list[str]:
    pages = sorted((home.settings.landing / "funding_rounds" / "crunchbase").rglob("*.json"))
    return [entity["uuid"] for page in pages for entity in json.loads(page.read_bytes())["entities"]]


class _KilledError(BaseException):
    """The process is gone: nothing after it runs."""


def test_a_first_load_that_is_killed_goes_on_behind_its_last_page(
    home: Home, fake_provider: FakeProvider, crunchbase: Crunchbase
) -> None:
    def die(file: FetchedFile) -> None:
        if file.page == 3:
            raise _KilledError

    with pytest.raises(_KilledError):
        fetched(home, fake_provider, heard=die)
    (cut,) = Receipts(home.settings.ledger).of("crunchbase", "funding_rounds", 5)
    assert (cut.outcome, cut.trouble) == ("failed", "interrupted")
    assert (cut.pages, cut.cursor) == (3, dt.datetime(2025, 3, 12, tzinfo=dt.UTC))

    asked = len(fake_provider.questions(ROUNDS))
    receipt = fetched(home, fake_provider)
    assert receipt.outcome == "delivered"
    assert receipt.cursor == dt.datetime(2025, 3, 20, tzinfo=dt.UTC)
    first = fake_provider.questions(ROUNDS)[asked].json["query"][0]["values"][0]
    assert first == "2025-03-11T00:00:00Z", "a day before the last edit that landed"
    assert set(landed_rounds(home)) == {record["uuid"] for record in crunchbase.rounds}
    landed, accepted, refused, repeated = counts(home.run()["funding_rounds"])
    assert (accepted, refused) == (20, 0)
    assert landed == accepted + repeated


def test_a_provider_that_fails_in_between_leaves_what_landed(
    home: Home, fake_provider: FakeProvider, crunchbase: Crunchbase
) -> None:
    fake_provider.fault(ROUNDS, "server_error", after=3)
    receipt = fetched(home, fake_provider)
    assert (receipt.outcome, receipt.trouble, receipt.pages) == ("failed", "unavailable", 2)
    fake_provider.heal()
    assert fetched(home, fake_provider).outcome == "delivered"
    assert set(landed_rounds(home)) == {record["uuid"] for record in crunchbase.rounds}


def test_a_fetch_without_news_asks_for_the_overlap_alone(
    home: Home, fake_provider: FakeProvider, crunchbase: Crunchbase
) -> None:
    fetched(home, fake_provider)
    home.run()
    again = fetched(home, fake_provider)
    assert (again.outcome, again.rows, again.pages) == ("delivered", 2, 1)
    assert counts(home.run()["funding_rounds"]) == (2, 0, 0, 2)
    assert fetched(home, fake_provider).new_files == 0


def test_a_span_by_hand_moves_no_cursor(home: Home, fake_provider: FakeProvider, crunchbase: Crunchbase) -> None:
    """Otherwise everything before the span would count as known."""
    receipt = fetched(home, fake_provider, since=dt.date(2025, 3, 18), until=dt.date(2025, 3, 25))
    assert (receipt.rows, receipt.cursor) == (3, None)
    assert fetched(home, fake_provider).rows == 20


def test_a_receipt_tells_pages_totals_and_fields(
    home: Home, fake_provider: FakeProvider, crunchbase: Crunchbase
) -> None:
    receipt = fetched(home, fake_provider)
    assert (receipt.rows, receipt.pages) == (20, 5)
    assert {file.total for file in receipt.files} == {20}
    assert {file.columns for file in receipt.files} == {search.FUNDING_ROUNDS.fields}
    assert receipt.client_version.startswith("API v4")


def test_a_refusal_that_repeats_the_key_leaves_it_nowhere(
    home: Home, fake_provider: FakeProvider, crunchbase: Crunchbase, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    fake_provider.route(ROUNDS, lambda asked: Answer(f"key {asked.headers['x-cb-user-key']} is Basic".encode(), 403))
    receipt = fetched(home, fake_provider)
    assert (receipt.outcome, receipt.trouble) == ("failed", "refused")
    assert "Enterprise or Applications licence" in str(receipt.message)
    assert KEY not in f"{receipt} {caplog.text}"
    assert not [path for path in home.settings.home.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()]
