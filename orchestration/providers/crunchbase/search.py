"""Records by the moment of their last edit: ``POST /searches/<collection>``, page by page, nothing lost on the way.

Pages go by ``updated_at``, ascending. Every question asks for what was edited at or after the last record of the page
before (and, by ``after_id``, behind that record), so that

* a record that is edited meanwhile moves behind everything else and comes once more, with its edit;
* every page but the last knows up to which edit all is known: its cursor, from which a fetch that broke off goes on;
* every answer can be judged by its own ``count``: how many records lie at or after that edit. Fewer than that on a
  last page, or a count smaller than the page before left over, is a loss. A page is therefore handed over only when
  the next answer has confirmed it.

``after_id`` alone would not do: the position of a record in an order by ``updated_at`` moves with its next edit, and
all that lay between would be skipped without a word.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from orchestration.providers.crunchbase.access import (
    API,
    PROVIDER,
    entities_of,
    folder_of,
    headers,
    licence_named,
    moment_of,
    written,
)
from orchestration.providers.delivery import Delivery, MalformedError, ThrottledError, Wanted
from orchestration.providers.transport import Transport

PAGE_RECORDS = 1000
"""Some documents of the provider allow 2,000 a page, others 1,000: this one is never refused."""

MANY = 100
"""Of so many records some have an amount, a country, a date: a field that none of them has is gone."""

MARKET = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True)
class Collection:
    """A searchable collection. ``fields`` are asked for; ``steady`` of them stand in every record."""

    name: str
    table: str
    fields: tuple[str, ...]
    steady: tuple[str, ...]


FUNDING_ROUNDS = Collection(
    "funding_rounds",
    "funding_rounds",
    fields=(
        *("announced_on", "created_at", "updated_at", "investment_type", "money_raised", "num_investors"),
        *("funded_organization_identifier", "funded_organization_location"),
    ),
    steady=("created_at", "updated_at", "investment_type"),
)
ORGANIZATIONS = Collection(
    "organizations",
    "organizations",
    fields=("identifier", "location_identifiers", "categories", "category_groups", "updated_at"),
    steady=("identifier", "updated_at"),
)


@dataclass(frozen=True)
class Page:
    """An answer. ``edits``: identifier and last edit of its records, in order; ``count``: records that it speaks of.

    ``fields``: those that were asked for, and after them what came without being asked for.
    """

    content: bytes
    edits: list[tuple[str, dt.datetime]]
    count: int
    fields: tuple[str, ...]

    @property
    def is_last(self) -> bool:
        return len(self.edits) < PAGE_RECORDS


@dataclass(frozen=True)
class Position:
    """Where a page begins: records edited at or after ``since`` (to the second), behind the record ``after``.

    ``known``: records of that very second that were read already.
    """

    since: dt.datetime
    after: str | None = None
    known: frozenset[str] = field(default=frozenset())


@dataclass(frozen=True)
class _Held:
    """A page that waits for the next answer. ``fresh``: its records that no page before held; ``left``: records that
    must lie behind it; ``repeated``: records that came once more although those behind them were asked for."""

    position: Position
    page: Page
    fresh: int
    left: int
    repeated: int


def deliver_changes(collection: Collection) -> Callable[[Transport, Wanted], Iterator[Delivery]]:
    """The ``deliver`` of a dataset of changes: all records of ``collection`` edited since the cursor or in the span."""

    def deliver(transport: Transport, wanted: Wanted) -> Iterator[Delivery]:
        sent = headers()
        begun = dt.datetime.now(dt.UTC)
        any_known = wanted.updated_since is not None
        since = _start_of(wanted)
        until = None if wanted.updated_since or wanted.until >= begun.astimezone(MARKET).date() else _end_of(wanted)

        def ask(position: Position) -> Page:
            asked = f"{PROVIDER}: searches/{collection.name} edited since {written(position.since)}"
            found: list[Page] = []

            def accept(content: bytes) -> None:
                nonlocal any_known
                page = read_page(content, collection, asked)
                if any_known:
                    _require_some(page, position, asked)
                if position.after is None:
                    _require_whole(page, position, asked)
                any_known = any_known or bool(page.edits)
                found[:] = [page]

            with licence_named():
                transport.post_json(
                    PROVIDER,
                    f"{API}/searches/{collection.name}",
                    question(collection, position, until),
                    headers=sent,
                    accept=accept,
                )
            return found[0]

        before = 0
        for number, held in enumerate(walk(ask, since), start=1):
            yield Delivery(
                table=collection.table,
                name=f"{collection.name}/{folder_of(since)}/page-{number:05d}.json",
                content=held.page.content,
                rows=len(held.page.edits),
                asked=f"searches/{collection.name} edited since {written(since)}, page {number}",
                page=number,
                total=before + held.fresh + held.left,
                # a moment ahead of the clock would hide every edit until then
                cursor=min(held.page.edits[-1][1], begun),
                columns=held.page.fields,
                repeated=held.repeated,
            )
            before += held.fresh

    return deliver


def _start_of(wanted: Wanted) -> dt.datetime:
    if wanted.updated_since is not None:
        return _second(wanted.updated_since)
    return dt.datetime.combine(wanted.since, dt.time(), MARKET).astimezone(dt.UTC)


def _end_of(wanted: Wanted) -> dt.datetime:
    return dt.datetime.combine(wanted.until, dt.time(23, 59, 59), MARKET).astimezone(dt.UTC)


def _second(moment: dt.datetime) -> dt.datetime:
    """To the second below: the finest that a question can name."""
    return moment.astimezone(dt.UTC).replace(microsecond=0)


def question(collection: Collection, position: Position, until: dt.datetime | None = None) -> dict[str, Any]:
    """The body of a search: fields, what is asked, its order, how many, and the record to go on behind."""
    query = [_edited("gte", position.since)] + ([_edited("lte", until)] if until is not None else [])
    body: dict[str, Any] = {
        "field_ids": list(collection.fields),
        "query": query,
        "order": [{"field_id": "updated_at", "sort": "asc"}],
        "limit": PAGE_RECORDS,
    }
    return body if position.after is None else {**body, "after_id": position.after}


def _edited(operator: str, moment: dt.datetime) -> dict[str, Any]:
    return {"type": "predicate", "field_id": "updated_at", "operator_id": operator, "values": [written(moment)]}


def read_page(content: bytes, collection: Collection, asked: str) -> Page:
    """The records of an answer, and how many there are in all.

    Raises ``MalformedError`` when it is no answer, when a field is gone, or when it is not in the order asked for.
    """
    document, entities = entities_of(content, asked)
    count = document.get("count")
    if not isinstance(count, int) or isinstance(count, bool) or count < 0:
        raise MalformedError(f"{asked}: expected a count of all records, found {count!r}")
    edits = []
    found: set[str] = set()
    for entity in entities:
        properties = entity.get("properties")
        if not isinstance(entity.get("uuid"), str) or not isinstance(properties, dict):
            raise MalformedError(f"{asked}: expected records with uuid and properties, found {sorted(entity)}")
        edits.append((entity["uuid"], moment_of(properties.get("updated_at"), "updated_at", asked)))
        found |= {name for name, value in properties.items() if value is not None}
    if edits:
        expected = collection.fields if len(edits) >= MANY else collection.steady
        gone = [name for name in expected if name not in found]
        if gone:
            raise MalformedError(
                f"{asked}: none of {len(edits)} records has {', '.join(gone)}: the field is gone, or the licence does "
                "not cover it"
            )
    for (_, earlier), (_, later) in pairwise(edits):
        if later < earlier:
            raise MalformedError(
                f"{asked}: asked for records in order of their last edit, {written(later)} came after "
                f"{written(earlier)}"
            )
    return Page(content, edits, count, (*collection.fields, *sorted(found - set(collection.fields))))


def _require_some(page: Page, position: Position, asked: str) -> None:
    """The record that gave the cursor, or ended the page before, is itself of that time: a count of none is no answer.

    Raises ``ThrottledError``.
    """
    if not page.edits and (not page.count or position.after is None):
        raise ThrottledError(
            f"{asked}: an answer without a record, although some are known: it looks throttled; ask later"
        )


def _require_whole(page: Page, position: Position, asked: str) -> None:
    """A page that ends must hold all records that its own count speaks of. Raises ``MalformedError``."""
    fresh = {uuid for uuid, _ in page.edits} - position.known
    missing = page.count - len(position.known) - len(fresh)
    if page.is_last and missing > 0:
        raise MalformedError(f"{asked}: {missing} of {page.count} records are missing from the last page; ask later")


def walk(ask: Callable[[Position], Page], since: dt.datetime) -> Iterator[_Held]:
    """Every page from ``since`` on, each confirmed by the answer behind it.

    ``ask`` raises a ``ProviderError`` where there is no page, and for a page asked for without ``after`` also where
    that page ends too early. Raises ``MalformedError`` when pages do not add up, twice at the same place.
    """
    position, held = Position(since), None
    gone_back: Position | None = None
    while True:
        page = ask(position)
        fresh = {uuid for uuid, _ in page.edits} - position.known
        ahead = page.count - len(position.known)
        if position.after is not None and page.is_last and len(fresh) < ahead:
            # the record to go on behind has been edited and stands elsewhere now: go on at its moment instead
            position = replace(position, after=None)
            continue
        if held is not None and ahead < held.left:
            # records were lost between the two pages, or withdrawn meanwhile
            begin = replace(held.position, after=None)
            if begin == gone_back:
                raise MalformedError(
                    f"{PROVIDER}: {held.left - ahead} records are missing between two pages at "
                    f"{written(position.since)}; nothing behind it was taken, the next fetch begins there"
                )
            position, held, gone_back = begin, None, begin
            continue
        if held is not None:
            yield held
            held = None
        if page.edits:
            if not fresh and not page.is_last:
                raise MalformedError(
                    f"{PROVIDER}: a page at {written(position.since)} repeats only records of the page before"
                )
            repeated = 0 if position.after is None else len(page.edits) - len(fresh)
            held = _Held(position, page, len(fresh), ahead - len(fresh), repeated)
        if page.is_last:
            if held is not None:
                yield held
            return
        position = _behind(page, position)


def _behind(page: Page, position: Position) -> Position:
    uuid, last = page.edits[-1]
    second = _second(last)
    of_that_second = frozenset(u for u, edit in page.edits if _second(edit) == second)
    known = of_that_second | position.known if second == position.since else of_that_second
    return Position(second, uuid, known)
