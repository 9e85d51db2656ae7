"""Crunchbase: changes page by page with nothing lost, deletions, and what is said when it does not answer."""

from __future__ import annotations

import datetime as dt
import json
import logging
import random
from collections.abc import Callable
from typing import Any

import pytest

from orchestration.providers.crunchbase import DATASETS, deletions, search
from orchestration.providers.delivery import (
    Dataset,
    Delivery,
    MalformedError,
    ProviderError,
    RefusedError,
    ThrottledError,
    UnavailableError,
    Wanted,
)
from orchestration.providers.transport import Limits, Transport
from tests.support.fake_provider import Answer, Clock, FakeProvider, as_json
from tests.support.recorded.crunchbase import (
    API,
    DELETED,
    ORGANIZATIONS,
    ROUNDS,
    Crunchbase,
    deletion,
    funding_round,
    organization,
    uuid_of,
)

KEY = "planted-key-5d1f"
CURSOR = dt.datetime(2025, 3, 1, 8, tzinfo=dt.UTC)
EVERYTHING = Wanted(since=dt.date(2005, 1, 1), until=dt.date(2100, 1, 1))
CHANGES = Wanted(since=dt.date(2005, 1, 1), until=dt.date(2100, 1, 1), updated_since=CURSOR)

DATASET = {dataset.name: dataset for dataset in DATASETS}
BY_PAGES = [name for name in DATASET if name != "bulk_export"]
"""Asked of the API; the export has tests of its own (``test_fetching_export``)."""
PATH = {"funding_rounds": ROUNDS, "organizations": ORGANIZATIONS, "deleted_funding_rounds": DELETED}


@pytest.fixture
def crunchbase(fake_provider: FakeProvider, monkeypatch: pytest.MonkeyPatch) -> Crunchbase:
    """The provider with pages of four records (deletions: of three), and its key in the environment."""
    monkeypatch.setenv("SECTOR_CRUNCHBASE_KEY", KEY)
    monkeypatch.setattr(search, "PAGE_RECORDS", 4)
    monkeypatch.setattr(deletions, "PAGE_RECORDS", 3)
    provider = Crunchbase(key=KEY)
    provider.serve(fake_provider)
    return provider


def transport(server: FakeProvider, **limits: Any) -> Transport:
    clock = Clock()
    return Transport({API: server.url}, Limits(**limits), clock=clock, sleep=clock.sleep)


def fetched(server: FakeProvider, dataset: Dataset, wanted: Wanted = EVERYTHING, **limits: Any) -> list[Delivery]:
    return list(dataset.deliver(transport(server, **limits), wanted))


def uuids(delivered: list[Delivery]) -> list[str]:
    entities = [entity for delivery in delivered for entity in json.loads(delivery.content)["entities"]]
    return [entity["uuid"] if "uuid" in entity else entity["identifier"]["uuid"] for entity in entities]


def rounds(count: int) -> list[dict[str, Any]]:
    """Rounds edited a minute apart."""
    return [funding_round(f"r{n}", updated_at=f"2025-03-05T{n // 60:02d}:{n % 60:02d}:00Z") for n in range(count)]


def until_refused(server: FakeProvider, name: str) -> tuple[list[Delivery], ProviderError]:
    """What a fetch of everything lands before it is refused, and the refusal."""
    landed: list[Delivery] = []
    try:
        landed.extend(DATASET[name].deliver(transport(server), EVERYTHING))
    except ProviderError as error:
        return landed, error
    pytest.fail("not refused")


# ------------------------------------------------------------------------------------------------- in good weather


def test_every_page_lands_as_it_came(fake_provider: FakeProvider, crunchbase: Crunchbase) -> None:
    crunchbase.rounds = rounds(10)

    delivered = fetched(fake_provider, DATASET["funding_rounds"])

    assert uuids(delivered) == [uuid_of(f"r{n}") for n in range(10)]
    assert [d.rows for d in delivered] == [4, 4, 2]
    assert [d.page for d in delivered] == [1, 2, 3]
    assert {d.total for d in delivered} == {10}
    assert [d.name for d in delivered] == [
        f"funding_rounds/since-20041231T160000Z/page-0000{n}.json" for n in (1, 2, 3)
    ]
    assert [d.cursor for d in delivered] == [dt.datetime(2025, 3, 5, 0, minute, tzinfo=dt.UTC) for minute in (3, 7, 9)]
    assert {d.table for d in delivered} == {"funding_rounds"}
    answered = crunchbase.rounds[0]
    assert json.loads(delivered[0].content)["entities"][0] == answered


def test_a_question_names_fields_order_limit_and_the_record_to_go_on_behind(
    fake_provider: FakeProvider, crunchbase: Crunchbase
) -> None:
    crunchbase.rounds = rounds(6)
    fetched(fake_provider, DATASET["funding_rounds"], CHANGES)

    first, second = [asked.json for asked in fake_provider.questions(ROUNDS)]
    assert "money_raised" in first["field_ids"]
    assert "funded_organization_location" in first["field_ids"]
    assert first["limit"] == 4
    assert "after_id" not in first
    assert first["query"][0]["values"] == ["2025-03-01T08:00:00Z"]
    assert second["after_id"] == uuid_of("r3")
    assert second["query"][0]["values"] == ["2025-03-05T00:03:00Z"]


def test_pages_of_the_provider_never_exceed_what_it_allows() -> None:
    assert search.PAGE_RECORDS <= 1000
    assert deletions.PAGE_RECORDS <= 25


def test_organizations_are_asked_for_their_country_and_categories(
    fake_provider: FakeProvider, crunchbase: Crunchbase
) -> None:
    crunchbase.organizations = [organization(f"o{n}", updated_at=f"2025-03-0{n + 1}T00:00:00Z") for n in range(5)]
    delivered = fetched(fake_provider, DATASET["organizations"])
    assert uuids(delivered) == [uuid_of(f"o{n}") for n in range(5)]
    assert {d.table for d in delivered} == {"organizations"}


@pytest.mark.parametrize("count", [0, 1, 3, 4, 5, 8, 9])
def test_no_record_is_lost_or_doubled_at_the_edge_of_a_page(
    count: int, fake_provider: FakeProvider, crunchbase: Crunchbase
) -> None:
    crunchbase.rounds = rounds(count)
    assert uuids(fetched(fake_provider, DATASET["funding_rounds"])) == [uuid_of(f"r{n}") for n in range(count)]


def test_many_records_of_one_second_go_over_pages(fake_provider: FakeProvider, crunchbase: Crunchbase) -> None:
    """An import touches thousands of records at once: their moment alone cannot tell where a page ended."""
    crunchbase.rounds = [funding_round(f"r{n}", updated_at="2025-03-05T00:00:00Z") for n in range(11)]
    crunchbase.rounds += [funding_round("later", updated_at="2025-03-06T00:00:00Z")]
    found = uuids(fetched(fake_provider, DATASET["funding_rounds"]))
    assert sorted(found) == sorted(record["uuid"] for record in crunchbase.rounds)


def test_moments_with_fractions_are_asked_for_by_their_second(
    fake_provider: FakeProvider, crunchbase: Crunchbase
) -> None:
    crunchbase.rounds = [funding_round(f"r{n}", updated_at=f"2025-03-05T00:00:00.{n:03d}Z") for n in range(9)]
    assert uuids(fetched(fake_provider, DATASET["funding_rounds"])) == [uuid_of(f"r{n}") for n in range(9)]


def test_a_span_in_the_past_is_asked_for_with_its_end(fake_provider: FakeProvider, crunchbase: Crunchbase) -> None:
    crunchbase.rounds = [*rounds(3), funding_round("later", updated_at="2025-04-05T00:00:00Z")]
    span = Wanted(since=dt.date(2025, 3, 1), until=dt.date(2025, 3, 31))
    assert uuids(fetched(fake_provider, DATASET["funding_rounds"], span)) == [uuid_of(f"r{n}") for n in range(3)]


def test_a_moment_ahead_of_the_clock_does_not_become_the_cursor(
    fake_provider: FakeProvider, crunchbase: Crunchbase
) -> None:
    crunchbase.rounds = [funding_round("r", updated_at="2099-01-01T00:00:00Z")]
    (delivery,) = fetched(fake_provider, DATASET["funding_rounds"])
    assert delivery.cursor is not None
    assert delivery.cursor <= dt.datetime.now(dt.UTC)


def test_a_fetch_that_broke_off_goes_on_at_its_last_page(fake_provider: FakeProvider, crunchbase: Crunchbase) -> None:
    crunchbase.rounds = rounds(20)
    fake_provider.fault(ROUNDS, "server_error", after=3)
    landed, error = until_refused(fake_provider, "funding_rounds")
    assert isinstance(error, UnavailableError)
    cursor = landed[-1].cursor
    assert cursor is not None

    fake_provider.heal()
    asked = len(fake_provider.asked)
    resumed = Wanted(EVERYTHING.since, EVERYTHING.until, updated_since=cursor)
    rest = fetched(fake_provider, DATASET["funding_rounds"], resumed)
    assert set(uuids(landed)) | set(uuids(rest)) == {record["uuid"] for record in crunchbase.rounds}
    assert uuid_of("r0") not in uuids(rest)
    assert len(fake_provider.asked) - asked == 4, "what had landed is not asked for again"


# --------------------------------------------------------------------------------- records that change under the pages


def _edit(record: dict[str, Any], moment: str) -> None:
    record["properties"]["updated_at"] = moment


def test_a_record_edited_between_two_pages_hides_none_behind_it(
    fake_provider: FakeProvider, crunchbase: Crunchbase
) -> None:
    """The tempting way, ``after_id`` alone, would go on behind the edited record's new place: at the very end."""
    crunchbase.rounds = rounds(12)
    first = list(crunchbase.rounds)

    def edit(question: int) -> None:
        if question == 2:
            _edit(first[3], "2025-03-09T00:00:00Z")

    crunchbase.before = edit
    found = uuids(fetched(fake_provider, DATASET["funding_rounds"]))
    assert set(found) == {record["uuid"] for record in first}
    assert found.count(uuid_of("r3")) == 2, "once before its edit and once with it"


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("seconds", [5, 40])
def test_whatever_is_edited_added_and_withdrawn_meanwhile_nothing_is_missed(
    seed: int, seconds: int, fake_provider: FakeProvider, crunchbase: Crunchbase
) -> None:
    """Up to the last cursor everything is there, also where a fetch gives up; only crowded seconds make it give up."""
    rng = random.Random(seed)  # noqa: S311
    crunchbase.rounds = [
        funding_round(f"r{n}", updated_at=f"2025-03-05T00:00:{rng.randrange(seconds):02d}Z") for n in range(40)
    ]
    edits = {"made": 0}

    def live(_: int) -> None:
        for _ in range(rng.choice([0, 0, 1, 2])):
            edits["made"] += 1
            moment = f"2025-03-06T00:{edits['made'] // 60:02d}:{edits['made'] % 60:02d}Z"
            chance = rng.random()
            if chance < 0.6:
                _edit(rng.choice(crunchbase.rounds), moment)
            elif chance < 0.8:
                crunchbase.rounds.append(funding_round(f"new{edits['made']}", updated_at=moment))
            elif edits["made"] < 4:
                crunchbase.rounds.pop(rng.randrange(len(crunchbase.rounds)))

    crunchbase.before = live
    delivered: list[Delivery] = []
    try:
        for delivery in DATASET["funding_rounds"].deliver(transport(fake_provider), EVERYTHING):
            delivered.append(delivery)
    except MalformedError:
        assert seconds == 5
    cursor = delivered[-1].cursor if delivered else None
    found = set(uuids(delivered))
    for record in crunchbase.rounds:
        edited = dt.datetime.fromisoformat(record["properties"]["updated_at"])
        assert cursor is None or edited >= cursor or record["uuid"] in found


# ------------------------------------------------------------------------------------------------------- bad weather


def refusal(server: FakeProvider, name: str, wanted: Wanted = EVERYTHING, **limits: Any) -> ProviderError:
    """What a fetch ends with."""
    with pytest.raises(ProviderError) as caught:
        fetched(server, DATASET[name], wanted, **limits)
    return caught.value


@pytest.mark.parametrize("name", list(DATASET))
def test_no_key_is_said_before_anything_is_asked(
    name: str, fake_provider: FakeProvider, crunchbase: Crunchbase, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert DATASET[name].missing() is None
    monkeypatch.setenv("SECTOR_CRUNCHBASE_KEY", " ")
    assert "set SECTOR_CRUNCHBASE_KEY" in str(DATASET[name].missing())
    assert isinstance(refusal(fake_provider, name), RefusedError)
    monkeypatch.setenv("SECTOR_CRUNCHBASE_KEY", f"{KEY}\nHost: example.com")
    error = refusal(fake_provider, name)
    assert isinstance(error, RefusedError)
    assert KEY not in f"{error}{DATASET[name].missing()}"
    assert fake_provider.asked == []


@pytest.mark.parametrize("name", BY_PAGES)
def test_a_missing_licence_is_named(name: str, fake_provider: FakeProvider, crunchbase: Crunchbase) -> None:
    fake_provider.fault(PATH[name], "forbidden")
    error = refusal(fake_provider, name)
    assert isinstance(error, RefusedError)
    assert "Enterprise or Applications licence" in str(error)
    assert len(fake_provider.asked) == 1, "asking again does not help"


@pytest.mark.parametrize("name", BY_PAGES)
def test_a_wrong_key_is_refused_and_nowhere_repeated(
    name: str,
    fake_provider: FakeProvider,
    crunchbase: Crunchbase,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("SECTOR_CRUNCHBASE_KEY", "wrong-key-77aa")
    fake_provider.route(PATH[name], lambda asked: Answer(f"no user_key {asked.headers}".encode(), 401))
    error = refusal(fake_provider, name)
    assert isinstance(error, RefusedError)
    assert "SECTOR_CRUNCHBASE_KEY" in str(error)
    assert "wrong-key-77aa" not in f"{error!r} {error.__cause__!r} {caplog.text}"
    assert fake_provider.asked[0].headers["x-cb-user-key"] == "wrong-key-77aa"
    assert "wrong-key-77aa" not in str(fake_provider.asked[0].query)


@pytest.mark.parametrize("name", BY_PAGES)
@pytest.mark.parametrize("fault", ["server_error", "too_many_requests", "half", "html"])
def test_what_passes_is_asked_again(name: str, fault: Any, fake_provider: FakeProvider, crunchbase: Crunchbase) -> None:
    crunchbase.rounds, crunchbase.organizations = rounds(6), [organization("o")]
    crunchbase.deleted = [deletion("r1", "2025-03-05T00:00:00Z")]
    expected = uuids(fetched(fake_provider, DATASET[name]))
    fake_provider.fault(PATH[name], fault, times=1)
    assert uuids(fetched(fake_provider, DATASET[name])) == expected


@pytest.mark.parametrize("name", BY_PAGES)
@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("server_error", UnavailableError),
        ("too_many_requests", ThrottledError),
        ("half", UnavailableError),
        ("hang", UnavailableError),
        ("html", MalformedError),
    ],
)
def test_what_stays_ends_with_its_own_error(
    name: str, fault: Any, error: type[ProviderError], fake_provider: FakeProvider, crunchbase: Crunchbase
) -> None:
    fake_provider.fault(PATH[name], fault)
    found = refusal(fake_provider, name, silence_seconds=0.05, attempts=2)
    assert type(found) is error
    assert "crunchbase" in str(found)


def test_an_empty_success_in_the_middle_is_no_end(fake_provider: FakeProvider, crunchbase: Crunchbase) -> None:
    crunchbase.rounds = rounds(10)
    fake_provider.fault(ROUNDS, "throttled_empty", times=2, after=1)
    assert set(uuids(fetched(fake_provider, DATASET["funding_rounds"]))) == {uuid_of(f"r{n}") for n in range(10)}


def test_an_empty_success_for_good_keeps_the_cursor_of_what_is_known(
    fake_provider: FakeProvider, crunchbase: Crunchbase
) -> None:
    crunchbase.rounds = rounds(10)
    fake_provider.fault(ROUNDS, "throttled_empty", after=2)
    landed, error = until_refused(fake_provider, "funding_rounds")
    assert isinstance(error, ThrottledError)
    assert "looks throttled" in str(error)
    assert [d.page for d in landed] == [1]
    assert landed[0].cursor == dt.datetime(2025, 3, 5, 0, 3, tzinfo=dt.UTC)


@pytest.mark.parametrize("name", BY_PAGES)
def test_no_record_where_the_cursor_knows_some_is_throttling(
    name: str, fake_provider: FakeProvider, crunchbase: Crunchbase
) -> None:
    assert isinstance(refusal(fake_provider, name, CHANGES, attempts=2), ThrottledError)
    assert fetched(fake_provider, DATASET[name], EVERYTHING) == [], "a first fetch may find nothing"


def test_pages_without_their_records_are_asked_for_another_way(
    fake_provider: FakeProvider, crunchbase: Crunchbase
) -> None:
    crunchbase.rounds = rounds(10)
    fake_provider.fault(ROUNDS, "page_loss")
    assert set(uuids(fetched(fake_provider, DATASET["funding_rounds"]))) == {uuid_of(f"r{n}") for n in range(10)}


def _drop(dropped: Callable[[int], list[int]]) -> Callable[[FakeProvider, Crunchbase], None]:
    """Play a search that leaves records out of its answers: ``dropped(question)`` are places in the answer."""

    def play(server: FakeProvider, crunchbase: Crunchbase) -> None:
        whole = server._routes[ROUNDS]

        def answer(asked: Any) -> Answer:
            document = json.loads(whole.answer(asked, {}).body)  # type: ignore[union-attr]
            places = dropped(len(server.questions(ROUNDS)))
            kept = [e for n, e in enumerate(document["entities"]) if n not in places]
            return as_json({**document, "entities": kept})

        server.route(ROUNDS, answer)

    return play


def test_a_last_page_without_all_of_its_records_is_refused(fake_provider: FakeProvider, crunchbase: Crunchbase) -> None:
    crunchbase.rounds = rounds(3)
    _drop(lambda _: [1])(fake_provider, crunchbase)
    error = refusal(fake_provider, "funding_rounds")
    assert isinstance(error, MalformedError)
    assert "1 of 3 records are missing" in str(error)


def test_records_lost_between_two_full_pages_are_noticed_before_the_cursor_passes_them(
    fake_provider: FakeProvider, crunchbase: Crunchbase
) -> None:
    crunchbase.rounds = rounds(20)
    lost = {uuid_of("r5"), uuid_of("r6")}
    everything = crunchbase.rounds

    def answered(asked: Any) -> list[dict[str, Any]]:
        """The index of the search misses two records whenever it goes on behind another one."""
        found = crunchbase._edited(asked, everything)
        hidden = "after_id" in asked.json or len(fake_provider.questions(ROUNDS)) > 3
        return [r for r in found if not hidden or r["uuid"] not in lost]

    def render(chosen: Any, total: int, asked: Any) -> Answer:
        whole = len(crunchbase._edited(asked, everything))
        return crunchbase._render(chosen, whole, asked)

    fake_provider.listing(ROUNDS, answered, render, crunchbase._behind)
    landed, error = until_refused(fake_provider, "funding_rounds")
    assert isinstance(error, MalformedError)
    assert "2 records are missing" in str(error)
    assert landed
    assert landed[-1].cursor is not None
    assert landed[-1].cursor <= dt.datetime(2025, 3, 5, 0, 3, tzinfo=dt.UTC), "the next fetch meets them again"


def test_pages_that_overlap_are_taken_and_lose_nothing(fake_provider: FakeProvider, crunchbase: Crunchbase) -> None:
    crunchbase.rounds = rounds(11)
    fake_provider.fault(ROUNDS, "page_overlap")
    delivered = fetched(fake_provider, DATASET["funding_rounds"])
    assert set(uuids(delivered)) == {uuid_of(f"r{n}") for n in range(11)}
    assert sum(d.rows for d in delivered) > 11, "what comes twice is landed as it came"
    assert sum(d.rows - d.repeated for d in delivered) == 11


def test_a_page_that_comes_again_and_again_ends(fake_provider: FakeProvider, crunchbase: Crunchbase) -> None:
    crunchbase.rounds = [funding_round(f"r{n}", updated_at="2025-03-05T00:00:00Z") for n in range(9)]
    fake_provider.listing(ROUNDS, crunchbase.rounds[:4] * 2, crunchbase._render, lambda *_: slice(0, 4))
    assert "repeats only records" in str(refusal(fake_provider, "funding_rounds"))


def _reshaped(change: Callable[[dict[str, Any]], object]) -> Callable[[FakeProvider, Crunchbase], None]:
    def play(server: FakeProvider, crunchbase: Crunchbase) -> None:
        whole = server._routes[ROUNDS]

        def answer(asked: Any) -> Answer:
            document = json.loads(whole.answer(asked, {}).body)  # type: ignore[union-attr]
            for entity in document["entities"]:
                change(entity)
            return as_json(document)

        server.route(ROUNDS, answer)

    return play


def test_a_field_more_is_taken(fake_provider: FakeProvider, crunchbase: Crunchbase) -> None:
    crunchbase.rounds = rounds(2)
    _reshaped(lambda entity: entity["properties"].update(is_equity=True))(fake_provider, crunchbase)
    (delivery,) = fetched(fake_provider, DATASET["funding_rounds"])
    assert delivery.rows == 2
    assert delivery.columns == (*search.FUNDING_ROUNDS.fields, "is_equity")


@pytest.mark.parametrize("gone", ["updated_at", "investment_type", "created_at"])
def test_a_field_that_every_record_has_is_missed(
    gone: str, fake_provider: FakeProvider, crunchbase: Crunchbase
) -> None:
    crunchbase.rounds = rounds(2)
    _reshaped(lambda entity: entity["properties"].pop(gone))(fake_provider, crunchbase)
    error = refusal(fake_provider, "funding_rounds")
    assert isinstance(error, MalformedError)
    assert gone in str(error)


def test_a_field_that_most_records_have_is_missed_in_a_long_page(
    fake_provider: FakeProvider, crunchbase: Crunchbase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "PAGE_RECORDS", 1000)
    crunchbase.rounds = [funding_round(f"r{n}", amount_usd=None) for n in range(search.MANY)]
    assert "none of 100 records has money_raised" in str(refusal(fake_provider, "funding_rounds"))
    crunchbase.rounds[50] = funding_round("r50")
    assert len(uuids(fetched(fake_provider, DATASET["funding_rounds"]))) == search.MANY


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ([{"status": 500, "code": "LA500", "message": "busy"}], "busy"),
        ({"count": 1}, "list of entities"),
        ({"entities": []}, "count of all records"),
        ({"count": True, "entities": []}, "count of all records"),
        ({"count": 1, "entities": ["x"]}, "list of entities"),
        ({"count": 1, "entities": [{"uuid": "x"}]}, "uuid and properties"),
        ({"count": 1, "entities": [{"uuid": "x", "properties": {"updated_at": "soon"}}]}, "'soon'"),
        ({"count": 1, "entities": [{"uuid": "x", "properties": {"updated_at": 5}}]}, "found"),
    ],
)
def test_an_answer_of_another_shape_is_no_answer(
    document: Any, said: str, fake_provider: FakeProvider, crunchbase: Crunchbase
) -> None:
    fake_provider.route(ROUNDS, as_json(document))
    error = refusal(fake_provider, "funding_rounds")
    assert isinstance(error, MalformedError)
    assert said.replace("found", "expected a moment") in str(error)


def test_records_out_of_order_are_refused(fake_provider: FakeProvider, crunchbase: Crunchbase) -> None:
    """Their cursor would be wrong."""
    fake_provider.listing(ROUNDS, rounds(3)[::-1], crunchbase._render)
    assert "in order of their last edit" in str(refusal(fake_provider, "funding_rounds"))


# ---------------------------------------------------------------------------------------------------------- deletions


def withdrawn(count: int) -> list[dict[str, Any]]:
    return [deletion(f"r{n}", f"2025-03-{n + 1:02d}T00:00:00Z") for n in range(count)]


@pytest.mark.parametrize("count", [0, 1, 2, 3, 6, 7])
def test_a_first_fetch_of_deletions_goes_through_all_of_them(
    count: int, fake_provider: FakeProvider, crunchbase: Crunchbase
) -> None:
    crunchbase.deleted = withdrawn(count)
    delivered = fetched(fake_provider, DATASET["deleted_funding_rounds"])
    assert uuids(delivered) == [uuid_of(f"r{n}") for n in range(count)]
    assert {d.table for d in delivered} <= {"funding_rounds"}
    if count:
        assert delivered[-1].cursor == dt.datetime(2025, 3, count, tzinfo=dt.UTC)


def test_later_ones_go_back_from_the_newest_to_the_cursor(fake_provider: FakeProvider, crunchbase: Crunchbase) -> None:
    crunchbase.deleted = withdrawn(20)
    wanted = Wanted(EVERYTHING.since, EVERYTHING.until, updated_since=dt.datetime(2025, 3, 16, tzinfo=dt.UTC))
    delivered = fetched(fake_provider, DATASET["deleted_funding_rounds"], wanted)
    assert uuids(delivered) == [uuid_of(f"r{n}") for n in (19, 18, 17, 16, 15, 14)]
    assert [d.cursor for d in delivered] == [None, dt.datetime(2025, 3, 20, tzinfo=dt.UTC)], "known only at the end"
    assert len(fake_provider.asked) == 2


def test_a_list_that_ends_before_the_cursor_moves_no_cursor(
    fake_provider: FakeProvider, crunchbase: Crunchbase
) -> None:
    """An empty page where there should be more looks like the end of the list."""
    crunchbase.deleted = withdrawn(20)
    fake_provider.fault(DELETED, "page_loss")
    wanted = Wanted(EVERYTHING.since, EVERYTHING.until, updated_since=dt.datetime(2025, 3, 10, tzinfo=dt.UTC))
    delivered = fetched(fake_provider, DATASET["deleted_funding_rounds"], wanted)
    assert [d.cursor for d in delivered] == [None]


def test_deletions_in_another_order_are_refused(fake_provider: FakeProvider, crunchbase: Crunchbase) -> None:
    fake_provider.route(DELETED, as_json({"entities": withdrawn(3)[::-1]}))
    assert "order (asc)" in str(refusal(fake_provider, "deleted_funding_rounds"))


def test_deletions_that_repeat_a_page_end(fake_provider: FakeProvider, crunchbase: Crunchbase) -> None:
    fake_provider.route(DELETED, as_json({"entities": withdrawn(3)}))
    assert "repeats the page before" in str(refusal(fake_provider, "deleted_funding_rounds"))
