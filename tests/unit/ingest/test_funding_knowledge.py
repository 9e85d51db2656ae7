"""When a funding round, its edits and its deletion could be known: exports and answers as delivered, over several runs.

Rulings: R10, R11, R14, R54, R55 and the rules of ``funding_rounds`` and ``organizations``.
"""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest

from tests.support.recorded.crunchbase import (
    ORGANIZATIONS_HEADER,
    ROUNDS_HEADER,
    deletion,
    funding_round,
    organization,
    uuid_of,
)
from tests.support.warehouse_home import Home, counts


def utc(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def china(text: str) -> dt.datetime:
    """The moment of an export's time: it tells no zone (R13)."""
    return dt.datetime.fromisoformat(f"{text}+08:00")


def answer(*entities: dict[str, Any]) -> str:
    return json.dumps({"count": len(entities), "entities": list(entities)})


def export(header: str, *records: dict[str, Any]) -> str:
    """A file of the CSV export; a record names the columns that it fills."""
    names = header.split(",")
    lines = [",".join(f'"{record.get(name, "")}"' for name in names) for record in records]
    return "\n".join([header, *lines]) + "\n"


def exported(name: str, **changed: Any) -> dict[str, Any]:
    """A record of ``funding_rounds.csv``."""
    return {
        "uuid": uuid_of(name),
        "name": f"Seed Round - {name}",
        "type": "funding_round",
        "rank": 100,
        "created_at": "2023-02-04 08:00:00",
        "updated_at": "2024-06-01 08:00:00",
        "country_code": "USA",
        "investment_type": "seed",
        "announced_on": "2023-02-03",
        "raised_amount_usd": 5_000_000,
        "investor_count": 3,
        "org_uuid": uuid_of("Alpha"),
        "org_name": "Alpha",
        **changed,
    }


def versions(home: Home, name: str) -> list[tuple[dt.datetime, Any, Any]]:
    """(knowledge_at, raised_amount_usd, country_code) of every version of a round."""
    rows = [row for row in home.raw("funding_rounds") if row["round_uuid"] == uuid_of(name)]
    return [(row["knowledge_at"], row["raised_amount_usd"], row["country_code"]) for row in rows]


def moments(home: Home, name: str) -> list[dt.datetime]:
    return [knowledge for knowledge, _, _ in versions(home, name)]


def test_the_first_version_is_known_when_the_provider_had_it_and_an_edit_when_it_was_made(home: Home) -> None:
    created, edited = "2023-02-04T08:00:00Z", "2024-06-01T08:00:00Z"
    home.land("funding_rounds/1.json", answer(funding_round("r", created_at=created, updated_at=created)))
    home.run()
    edit = funding_round("r", amount_usd=7_000_000, created_at=created, updated_at=edited)
    home.land("funding_rounds/2.json", answer(edit))
    home.run()
    assert [(k, int(a)) for k, a, _ in versions(home, "r")] == [
        (utc("2023-02-04 08:00"), 5_000_000),
        (utc("2024-06-01 08:00"), 7_000_000),
    ]


def test_without_a_creation_it_is_the_day_after_the_announcement(home: Home) -> None:
    home.land("funding_rounds/1.csv", export(ROUNDS_HEADER, exported("r", created_at="")))
    home.run()
    assert moments(home, "r") == [utc("2023-02-03 16:00")]


def test_the_same_export_landed_again_adds_nothing(home: Home) -> None:
    """Also where the first version is known later than its own edit: announced ahead, without a creation."""
    records = [
        exported("r"),
        exported("s", created_at=""),
        exported("ahead", created_at="", announced_on="2025-01-01"),
        exported("early", created_at="2024-06-01 08:00:01"),
    ]
    home.land("funding_rounds/1.csv", export(ROUNDS_HEADER, *records))
    assert counts(home.run()["funding_rounds"]) == (4, 4, 0, 0)
    home.land("funding_rounds/again/2.csv", export(ROUNDS_HEADER, *records))
    assert counts(home.run()["funding_rounds"]) == (4, 0, 0, 4)


def test_the_same_export_twice_in_one_run_counts_once(home: Home) -> None:
    records = [exported("r"), exported("ahead", created_at="", announced_on="2025-01-01")]
    home.land("funding_rounds/1.csv", export(ROUNDS_HEADER, *records))
    home.land("funding_rounds/2.csv", export(ROUNDS_HEADER, *records) + "\n")
    assert counts(home.run()["funding_rounds"]) == (4, 2, 0, 2)
    assert moments(home, "r") == [china("2023-02-04 08:00")]
    assert moments(home, "ahead") == [utc("2025-01-01 16:00")]


def test_pages_that_overlap_give_exact_repeats(home: Home) -> None:
    home.land("funding_rounds/p1.json", answer(funding_round("a"), funding_round("b")))
    home.land("funding_rounds/p2.json", answer(funding_round("b"), funding_round("c")))
    assert counts(home.run()["funding_rounds"]) == (4, 3, 0, 1)


def test_a_round_edited_between_two_pages_has_two_versions(home: Home) -> None:
    edit = funding_round("a", amount_usd=1, updated_at="2025-03-01T00:00:00Z")
    home.land("funding_rounds/p1.json", answer(funding_round("a"), funding_round("b")))
    home.land("funding_rounds/p2.json", answer(edit))
    home.run()
    assert moments(home, "a") == [utc("2025-02-04 08:00"), utc("2025-03-01 00:00")]


def test_rank_alone_adds_nothing(home: Home) -> None:
    home.land("funding_rounds/1.csv", export(ROUNDS_HEADER, exported("r", rank=7)))
    home.run()
    home.land("funding_rounds/2.csv", export(ROUNDS_HEADER, exported("r", rank=8)))
    assert counts(home.run()["funding_rounds"]) == (1, 0, 0, 1)


def test_a_country_that_moves_under_an_unchanged_edit_is_known_from_today(home: Home) -> None:
    """The round's country is that of its organization at export: it moves without an edit of the round. The stamp is
    that of the version it replaces, so that taking it as given would let the past know of the move."""
    home.land("funding_rounds/1.csv", export(ROUNDS_HEADER, exported("r"), exported("other")))
    home.run()
    home.land("funding_rounds/2.csv", export(ROUNDS_HEADER, exported("r", country_code="CHN"), exported("other")))
    assert counts(home.run()["funding_rounds"]) == (2, 1, 0, 1)
    assert [(k, c) for k, _, c in versions(home, "r")] == [(china("2023-02-04 08:00"), "USA"), (home.now, "CHN")]
    home.land("funding_rounds/3.csv", export(ROUNDS_HEADER, exported("r", country_code="CHN", rank=5)))
    assert counts(home.run()["funding_rounds"]) == (1, 0, 0, 1)


def test_several_versions_and_then_a_change_under_the_last_edit(home: Home) -> None:
    home.land("funding_rounds/1.csv", export(ROUNDS_HEADER, exported("r", updated_at="2023-02-04 08:00:00")))
    home.run()
    home.land("funding_rounds/2.csv", export(ROUNDS_HEADER, exported("r", investor_count=4)))
    home.run()
    home.land("funding_rounds/3.csv", export(ROUNDS_HEADER, exported("r", investor_count=4, country_code="CHN")))
    home.run()
    assert moments(home, "r") == [china("2023-02-04 08:00"), china("2024-06-01 08:00"), home.now]


def test_an_old_export_that_arrives_late_takes_its_place(home: Home) -> None:
    home.land("funding_rounds/new.csv", export(ROUNDS_HEADER, exported("r", raised_amount_usd=9)))
    home.run()
    old = exported("r", raised_amount_usd=5, updated_at="2023-08-01 00:00:00")
    home.land("funding_rounds/old.csv", export(ROUNDS_HEADER, old))
    home.run()
    assert [(k, int(a)) for k, a, _ in versions(home, "r")] == [
        (china("2023-02-04 08:00"), 9),
        (china("2023-08-01 00:00"), 5),
    ]


@pytest.mark.parametrize("deletion_first", [True, False])
def test_a_deletion_and_its_round_in_one_run_whatever_the_order(deletion_first: bool, home: Home) -> None:
    home.land(f"funding_rounds/{'a' if deletion_first else 'z'}.json", answer(deletion("r", "2025-03-01T00:00:00Z")))
    home.land("funding_rounds/m.json", answer(funding_round("r")))
    home.run()
    rows = home.raw("funding_rounds")
    assert [(r["knowledge_at"], r["deleted_at"]) for r in rows] == [
        (utc("2025-02-04 08:00"), None),
        (utc("2025-03-01 00:00"), utc("2025-03-01 00:00")),
    ]


def test_a_deletion_seen_before_its_round_leaves_the_round_its_creation(home: Home) -> None:
    """An export older than the deletion, landed after it: the round is seen first, known since it was created."""
    home.land("funding_rounds/d.json", answer(deletion("r", "2025-03-01T00:00:00Z")))
    home.run()
    home.land("funding_rounds/r.json", answer(funding_round("r", updated_at="2025-02-20T00:00:00Z")))
    assert counts(home.run()["funding_rounds"]) == (1, 1, 0, 0)
    assert moments(home, "r") == [utc("2025-02-04 08:00"), utc("2025-03-01 00:00")]
    home.land("funding_rounds/again.json", answer(funding_round("r", updated_at="2025-02-20T00:00:00Z")) + "\n")
    assert counts(home.run()["funding_rounds"]) == (1, 0, 0, 1)


def test_a_deletion_that_comes_again_adds_nothing(home: Home) -> None:
    home.land("funding_rounds/r.json", answer(funding_round("r")))
    home.land("funding_rounds/d1.json", answer(deletion("r", "2025-03-01T00:00:00Z")))
    home.run()
    home.land(
        "funding_rounds/d2.json", answer(deletion("s", "2025-03-05T00:00:00Z"), deletion("r", "2025-03-01T00:00:00Z"))
    )
    assert counts(home.run()["funding_rounds"]) == (2, 1, 0, 1)


def test_a_deletion_is_known_at_the_later_of_its_two_moments(home: Home) -> None:
    header = f"{ROUNDS_HEADER},deleted_at"
    home.land("funding_rounds/1.csv", export(ROUNDS_HEADER, exported("r"), exported("s")))
    home.run()
    gone = [
        exported("r", deleted_at="2025-01-01 00:00:00"),
        exported("s", deleted_at="2025-01-01 00:00:00", updated_at="2025-01-05 00:00:00"),
    ]
    home.land("funding_rounds/2.csv", export(header, *gone))
    home.run()
    assert moments(home, "r")[-1] == china("2025-01-01 00:00")
    assert moments(home, "s")[-1] == china("2025-01-05 00:00")


def test_a_later_version_brings_a_withdrawn_round_back(home: Home) -> None:
    home.land("funding_rounds/r.json", answer(funding_round("r")))
    home.land("funding_rounds/d.json", answer(deletion("r", "2025-03-01T00:00:00Z")))
    home.run()
    home.land("funding_rounds/back.json", answer(funding_round("r", updated_at="2025-04-01T00:00:00Z")))
    home.run()
    rows = home.raw("funding_rounds")
    assert [r["deleted_at"] for r in rows] == [None, utc("2025-03-01 00:00"), None]
    assert rows[-1]["knowledge_at"] == utc("2025-04-01 00:00")


def test_organizations_have_a_version_an_edit(home: Home) -> None:
    home.land("organizations/1.json", answer(organization("Alpha")))
    home.run()
    moved = organization("Alpha", country="South Korea", categories=("Software",), updated_at="2025-02-01T00:00:00Z")
    home.land("organizations/2.json", answer(moved, organization("Alpha")))
    assert counts(home.run()["organizations"]) == (2, 1, 0, 1)
    rows = home.raw("organizations")
    assert [(r["knowledge_at"], r["country_code"], r["category_list"]) for r in rows] == [
        (utc("2025-01-05 08:00"), "USA", "Biotechnology"),
        (utc("2025-02-01 00:00"), "KOR", "Software"),
    ]


def test_an_organization_in_an_export_and_in_an_answer_is_one(home: Home) -> None:
    record = {
        "uuid": uuid_of("Alpha"),
        "name": "Alpha",
        "country_code": "USA",
        "category_list": "Biotechnology",
        "category_groups_list": "Health Care",
        "updated_at": "2025-01-05 16:00:00",
    }
    home.land("organizations/1.json", answer(organization("Alpha")))
    home.run()
    home.land("organizations/organizations.csv", export(ORGANIZATIONS_HEADER, record))
    assert counts(home.run()["organizations"]) == (1, 0, 0, 1)


def test_an_amount_that_no_round_can_have_is_refused(home: Home) -> None:
    """Damaged figures that fit into the column one by one would break the sums of their quarter."""
    records = [exported("large", raised_amount_usd="999999999999999.99"), exported("damaged", raised_amount_usd="1e15")]
    home.land("funding_rounds/1.csv", export(ROUNDS_HEADER, *records))
    assert counts(home.run()["funding_rounds"]) == (2, 1, 1, 0)
    assert home.reasons() == ["raised_amount_usd: 1000000000000000.00 is more than any round"]
