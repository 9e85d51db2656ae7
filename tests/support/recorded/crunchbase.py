"""Crunchbase as it answers: search, deleted entities, and the CSV export's files.

Shapes: the provider's OpenAPI documents of 2026-08 (``SearchQuery``, ``EntityIdentifier``, ``DeletedEntitiesResult``,
the funding round's and organization's fields), its error texts, the columns of its CSV export of today.
"""

from __future__ import annotations

import datetime as dt
import gzip
import hashlib
import io
import tarfile
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.support.fake_provider import Answer, Asked, FakeProvider, Record, as_json

API = "https://api.crunchbase.com/v4/data"
ROUNDS, ORGANIZATIONS, DELETED = "/searches/funding_rounds", "/searches/organizations", "/deleted_entities"

ROUNDS_HEADER = (
    "uuid,name,type,permalink,cb_url,rank,created_at,updated_at,country_code,state_code,region,city,investment_type,"
    "announced_on,raised_amount_usd,raised_amount,raised_amount_currency_code,post_money_valuation_usd,"
    "post_money_valuation,post_money_valuation_currency_code,investor_count,org_uuid,org_name,lead_investor_uuids"
)
ORGANIZATIONS_HEADER = (
    "uuid,name,type,permalink,cb_url,rank,created_at,updated_at,legal_name,roles,domain,homepage_url,country_code,"
    "state_code,region,city,address,postal_code,status,short_description,category_list,category_groups_list,"
    "num_funding_rounds,total_funding_usd,total_funding,total_funding_currency_code,founded_on,last_funding_on,"
    "closed_on,employee_count,email,phone,facebook_url,linkedin_url,twitter_url,logo_url,alias1,alias2,alias3,"
    "primary_role,num_exits"
)

COMMON_COLUMNS = "uuid,name,type,permalink,cb_url,rank,created_at,updated_at"
OTHER_MEMBERS = {
    "acquisitions.csv": f"{COMMON_COLUMNS},acquiree_uuid,acquiree_name,acquiree_cb_url,acquiree_country_code,"
    "acquiree_state_code,acquiree_region,acquiree_city,acquirer_uuid,acquirer_name,acquirer_cb_url,"
    "acquirer_country_code,acquirer_state_code,acquirer_region,acquirer_city,acquisition_type,acquired_on,price_usd,"
    "price,price_currency_code",
    "category_groups.csv": f"{COMMON_COLUMNS},category_groups_list",
    "investments.csv": f"{COMMON_COLUMNS},funding_round_uuid,funding_round_name,investor_uuid,investor_name,"
    "investor_type,is_lead_investor",
    "investors.csv": f"{COMMON_COLUMNS},roles,domain,country_code,state_code,region,city,investor_types,"
    "investment_count,total_funding_usd,total_funding,total_funding_currency_code,founded_on,closed_on,facebook_url,"
    "linkedin_url,twitter_url,logo_url",
    "people.csv": f"{COMMON_COLUMNS},first_name,last_name,gender,country_code,state_code,region,city,"
    "featured_job_organization_uuid,featured_job_organization_name,featured_job_title,facebook_url,linkedin_url,"
    "twitter_url,logo_url",
}
"""Headers of export files that are no raw table."""


def uuid_of(name: str) -> str:
    """A stable identifier for a name."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, name))


def identifier(name: str, entity_def_id: str) -> dict[str, str]:
    """An ``EntityIdentifier``."""
    return {
        "uuid": uuid_of(name),
        "value": name,
        "permalink": name.lower().replace(" ", "-"),
        "image_id": "v1486987632",
        "entity_def_id": entity_def_id,
    }


def location(country: str | None, city: str = "Basel") -> list[dict[str, str]]:
    """Where an organization sits, from the city up; without a country: nothing."""
    if country is None:
        return []
    places = (("city", city), ("region", f"{city} Region"), ("country", country), ("continent", "Earth"))
    return [{**identifier(name, "location"), "location_type": kind} for kind, name in places]


def funding_round(
    name: str,
    *,
    org: str = "Alpha",
    announced_on: str = "2025-02-03",
    kind: str = "seed",
    amount_usd: int | None = 5_000_000,
    country: str | None = "United States",
    investors: int | None = 3,
    created_at: str = "2025-02-04T08:00:00Z",
    updated_at: str = "2025-02-04T08:00:00Z",
) -> dict[str, Any]:
    """One entity of ``searches/funding_rounds``; unknown figures are absent, as in the API."""
    properties: dict[str, Any] = {
        "announced_on": announced_on,
        "created_at": created_at,
        "updated_at": updated_at,
        "investment_type": kind,
        "funded_organization_identifier": identifier(org, "organization"),
        "funded_organization_location": location(country),
    }
    if amount_usd is not None:
        properties["money_raised"] = {"value": amount_usd, "currency": "USD", "value_usd": amount_usd}
    if investors is not None:
        properties["num_investors"] = investors
    return {"uuid": uuid_of(name), "properties": properties}


def organization(
    name: str,
    *,
    country: str | None = "United States",
    categories: Sequence[str] = ("Biotechnology",),
    groups: Sequence[str] = ("Health Care",),
    updated_at: str = "2025-01-05T08:00:00Z",
) -> dict[str, Any]:
    """One entity of ``searches/organizations``."""
    return {
        "uuid": uuid_of(name),
        "properties": {
            "identifier": identifier(name, "organization"),
            "location_identifiers": location(country),
            "categories": [identifier(category, "category") for category in categories],
            "category_groups": [identifier(group, "category_group") for group in groups],
            "updated_at": updated_at,
        },
    }


def deletion(name: str, deleted_at: str) -> dict[str, Any]:
    """One entity of ``deleted_entities``."""
    return {"identifier": identifier(name, "funding_round") | {"uuid": uuid_of(name)}, "deleted_at": deleted_at}


UNAUTHORIZED = as_json([{"status": 401, "code": "LA401", "message": "Unauthorized user_key"}], 401)


@dataclass
class Crunchbase:
    """The provider's records; tests change them between fetches and, by ``before``, between the pages of one.

    An ``after_id`` names the place where that record stands now, as in an order by a column that edits move.
    """

    rounds: list[dict[str, Any]] = field(default_factory=list)
    organizations: list[dict[str, Any]] = field(default_factory=list)
    deleted: list[dict[str, Any]] = field(default_factory=list)
    key: str = "planted-key-5d1f"
    before: Callable[[int], None] = lambda _: None

    def serve(self, server: FakeProvider) -> None:
        """Answer on ``server``."""
        server.listing(ROUNDS, lambda asked: self._edited(asked, self.rounds), self._render, self._behind)
        server.listing(ORGANIZATIONS, lambda asked: self._edited(asked, self.organizations), self._render, self._behind)
        server.listing(DELETED, self._deleted, self._render_deleted, self._behind_deleted)
        self._server = server

    def _edited(self, asked: Asked, records: Sequence[Record]) -> Sequence[Record]:
        self.before(len(self._server.questions(asked.path)))
        body = asked.json
        assert body["order"] == [{"field_id": "updated_at", "sort": "asc"}]
        assert 1 <= body["limit"] <= 2000
        found = sorted(records, key=lambda record: (record["properties"]["updated_at"], record["uuid"]))
        for predicate in body["query"]:
            assert (predicate["type"], predicate["field_id"]) == ("predicate", "updated_at")
            bound = dt.datetime.fromisoformat(predicate["values"][0])
            for_sign = {"gte": bound.__le__, "lte": bound.__ge__}[predicate["operator_id"]]
            found = [r for r in found if for_sign(dt.datetime.fromisoformat(r["properties"]["updated_at"]))]
        return found

    def _behind(self, asked: Asked, records: Sequence[Record]) -> slice:
        after = asked.json.get("after_id")
        start = 0 if after is None else [record["uuid"] for record in records].index(after) + 1
        return slice(start, start + asked.json["limit"])

    def _render(self, chosen: Sequence[Record], total: int, asked: Asked) -> Answer:
        if asked.headers.get("x-cb-user-key") != self.key:
            return UNAUTHORIZED
        wanted = set(asked.json["field_ids"])
        entities = [
            {
                **record,
                "properties": {name: value for name, value in record["properties"].items() if name in wanted},
            }
            for record in chosen
        ]
        return as_json({"count": total, "entities": entities})

    def _deleted(self, asked: Asked) -> Sequence[Record]:
        assert asked.query["collection_ids"] == "funding_rounds"
        assert int(asked.query["limit"]) <= 25
        backward = asked.query.get("deleted_at_order", "asc") == "desc"
        return sorted(self.deleted, key=lambda record: record["deleted_at"], reverse=backward)

    def _behind_deleted(self, asked: Asked, records: Sequence[Record]) -> slice:
        after = asked.query.get("after_id")
        start = 0 if after is None else [r["identifier"]["uuid"] for r in records].index(after) + 1
        return slice(start, start + int(asked.query["limit"]))

    def _render_deleted(self, chosen: Sequence[Record], total: int, asked: Asked) -> Answer:
        if asked.headers.get("x-cb-user-key") != self.key:
            return UNAUTHORIZED
        return as_json({"entities": list(chosen)})


# ------------------------------------------------------------- the CSV export

EXPORT_PATH = "/bulk/v4/bulk_export.tar.gz"


def export_round(count: int) -> str:
    """``funding_rounds.csv`` with so many rounds."""
    return _table(
        ROUNDS_HEADER,
        [
            {
                "uuid": uuid_of(f"round {number}"),
                "name": "A round",
                "type": "funding_round",
                "created_at": "2025-03-01 10:00:00",
                "updated_at": "2025-03-02 10:00:00",
                "country_code": "USA",
                "investment_type": "series_a",
                "announced_on": "2025-02-28",
                "raised_amount_usd": "1000000",
                "investor_count": "3",
                "org_uuid": uuid_of(f"organization {number}"),
            }
            for number in range(count)
        ],
    )


def export_organization(count: int) -> str:
    """``organizations.csv`` with so many organizations."""
    return _table(
        ORGANIZATIONS_HEADER,
        [
            {
                "uuid": uuid_of(f"organization {number}"),
                "name": f"Organization {number}",
                "country_code": "USA",
                "category_list": "Biotechnology",
                "category_groups_list": "Health Care",
                "updated_at": "2025-03-02 10:00:00",
            }
            for number in range(count)
        ],
    )


def _table(header: str, records: Sequence[dict[str, str]]) -> str:
    lines = [",".join(record.get(name, "") for name in header.split(",")) for record in records]
    return "\n".join([header, *lines]) + "\n"


def packed(members: dict[str, str]) -> bytes:
    """An archive of these files, the same bytes each time."""
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as archive:
        for name, text in members.items():
            content = text.encode()
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return gzip.compress(tar.getvalue(), mtime=0)


def ranged(content: bytes) -> Callable[[Asked], Answer]:
    """Answers with the file, or with the rest of it where the asker has the beginning of the same (RFC 9110 §14)."""
    tag = f'"{hashlib.sha256(content).hexdigest()}"'

    def answer(asked: Asked) -> Answer:
        wanted = asked.headers.get("range")
        if wanted is None or asked.headers.get("if-range") != tag:
            return Answer(content, headers={"ETag": tag})
        begin = int(wanted.removeprefix("bytes=").removesuffix("-"))
        if begin >= len(content):
            return Answer(b"", 416, headers={"Content-Range": f"bytes */{len(content)}"})
        span = f"bytes {begin}-{len(content) - 1}/{len(content)}"
        return Answer(content[begin:], 206, headers={"Content-Range": span, "ETag": tag})

    return answer
