"""Withdrawn funding rounds: ``GET /deleted_entities``, identifiers with the moment of their deletion.

The list tells no total and can be asked only in order of deletion, 25 at a time. A first fetch goes forward through
all of it: every page is a cursor. Later ones go backward from the newest to the cursor, and know only at the end up to
when all is known.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Literal

from orchestration.providers.crunchbase.access import (
    API,
    PROVIDER,
    entities_of,
    folder_of,
    headers,
    licence_named,
    moment_of,
)
from orchestration.providers.delivery import Delivery, MalformedError, ThrottledError, Wanted
from orchestration.providers.transport import Transport

PAGE_RECORDS = 25

Order = Literal["asc", "desc"]
Deletion = tuple[str, dt.datetime]


def deliver_deleted_rounds(transport: Transport, wanted: Wanted) -> Iterator[Delivery]:
    """The ``deliver`` of the dataset: all deletions, or those since the cursor, newest first."""
    begun = dt.datetime.now(dt.UTC)
    if wanted.updated_since is None:
        pages, folder = _pages(transport, "asc", may_be_empty=True), "all"
    else:
        pages, folder = _pages(transport, "desc", may_be_empty=False), folder_of(wanted.updated_since)
    reach = wanted.updated_since
    newest: dt.datetime | None = None
    for number, (content, deletions) in enumerate(pages, start=1):
        newest = max([moment for _, moment in deletions] + ([newest] if newest else []))
        reached = reach is not None and deletions[-1][1] < reach
        yield Delivery(
            table="funding_rounds",
            name=f"deleted_funding_rounds/{folder}/page-{number:05d}.json",
            content=content,
            rows=len(deletions),
            asked=f"deleted_entities of funding_rounds, page {number}",
            page=number,
            cursor=min(newest, begun) if reach is None or reached else None,
            columns=("identifier", "deleted_at"),
        )
        if reached:
            return


def _pages(transport: Transport, order: Order, may_be_empty: bool) -> Iterator[tuple[bytes, list[Deletion]]]:
    """Pages with a record, up to the end of the list."""
    after: str | None = None
    known: set[str] = set()
    while True:
        content, deletions = _page(transport, order, after, may_be_empty=may_be_empty or after is not None)
        fresh = {uuid for uuid, _ in deletions} - known
        if len(deletions) >= PAGE_RECORDS and not fresh:
            raise MalformedError(f"{PROVIDER}: deleted_entities repeats the page before, behind {after}")
        if deletions:
            yield content, deletions
        if len(deletions) < PAGE_RECORDS:
            return
        after, known = deletions[-1][0], {uuid for uuid, _ in deletions}


def _page(transport: Transport, order: Order, after: str | None, may_be_empty: bool) -> tuple[bytes, list[Deletion]]:
    asked = f"{PROVIDER}: deleted_entities of funding_rounds"
    found: list[Deletion] = []

    def accept(content: bytes) -> None:
        found[:] = read_deletions(content, order, asked)
        if not found and not may_be_empty:
            raise ThrottledError(
                f"{asked}: an answer without a record, although some are known: it looks throttled; ask later"
            )

    params: dict[str, str | int | float] = {
        "collection_ids": "funding_rounds",
        "deleted_at_order": order,
        "limit": PAGE_RECORDS,
    }
    with licence_named():
        content = transport.get(
            PROVIDER,
            f"{API}/deleted_entities",
            params=params if after is None else {**params, "after_id": after},
            headers=headers(),
            accept=accept,
        )
    return content, found


def read_deletions(content: bytes, order: Order, asked: str) -> list[Deletion]:
    """Identifier and moment of each deletion. Raises ``MalformedError`` for other shapes and another order."""
    _, entities = entities_of(content, asked)
    deletions = []
    for entity in entities:
        identifier = entity.get("identifier")
        if not isinstance(identifier, dict) or not isinstance(identifier.get("uuid"), str):
            raise MalformedError(f"{asked}: expected records with identifier and deleted_at, found {sorted(entity)}")
        deletions.append((identifier["uuid"], moment_of(entity.get("deleted_at"), "deleted_at", asked)))
    moments = [moment for _, moment in deletions]
    if moments != sorted(moments, reverse=order == "desc"):
        raise MalformedError(f"{asked}: asked for deletions in order ({order}) of their moment, they came in another")
    return deletions
