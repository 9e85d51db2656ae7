"""What an HTTP answer to akshare says about itself: whether it is data, which page, how many records of how many.

Belongs here: the shapes of the sites behind akshare, as far as akshare's own source reads them, reduced to counts,
identities and field names. Does not belong here: figures (akshare makes its frame of them), who asks when (``worker``).
Errors raised here are ``ProviderError``s, none of which akshare's own retries catch.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import dataclass
from typing import Any

from orchestration.providers.delivery import MalformedError, RefusedError, ThrottledError, UnavailableError
from orchestration.providers.transport import first_words, page_title

EMPTY_RESULT = 9201
"""Code of Eastmoney's data centre for an answer without records (返回数据为空); others mean that it did not look."""


class TooManyPagesError(Exception):
    """The first page says that more pages follow than may be asked for: ask for less at a time."""

    def __init__(self, pages: int) -> None:
        super().__init__(f"{pages} pages")
        self.pages = pages


@dataclass(frozen=True)
class Page:
    """One HTTP answer. None where its shape does not tell.

    ``asked``: host and path. ``number``: of the page, from 1. ``rows``: records in it; ``total``: records that the
    provider says there are over all pages, ``pages`` how many of those. ``fields``: names of the first record's
    fields, in the order delivered.
    ``ids``: identities of its records; ``keyed``: no two records may share one (else it is only what the record holds).
    ``nothing``: the provider's words, or the field that is
    empty, when it says that there are no records.
    """

    asked: str
    number: int = 1
    rows: int | None = None
    total: int | None = None
    pages: int | None = None
    fields: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    keyed: bool = True
    nothing: str | None = None
    excerpt: str = ""


def read_page(asked: str, query: dict[str, str], status: int, retry_after: str | None, body: bytes) -> Page:
    """Describe an answer to a request for ``asked`` (host and path) with ``query``.

    Raises ``RefusedError``, ``ThrottledError``, ``UnavailableError`` or ``MalformedError`` when it is no data.
    """
    words = first_words(body)
    _require_success(asked, status, retry_after, words)
    if page_title(body) is not None:
        raise MalformedError(f"{asked} answered {words} instead of data: the site wants a browser, or has moved")
    numbers = (query[name] for name in ("pn", "pageNumber", "pageIndex", "page") if name in query)
    number = int(next(numbers, "1"))
    try:
        answer = json.loads(body)
    except ValueError:
        # a workbook, a script
        return Page(asked, number, excerpt=f"{len(body):,} bytes that are no JSON, beginning {words[:40]!r}")
    return _described(asked, number, query, answer, words)


def _require_success(asked: str, status: int, retry_after: str | None, words: str) -> None:
    said = f"{asked} answered {status}" + (f": {words}" if words else "")
    if status == 429:
        pause = float(retry_after) if retry_after and retry_after.isdigit() else None
        raise ThrottledError(f"{said}; fewer requests, later", pause)
    if status in (401, 403, 451):
        raise RefusedError(f"{said}: this address may not ask; after many requests a ban, which asking again prolongs")
    if status >= 500:
        raise UnavailableError(f"{said}; ask again later")
    if status >= 400:
        # not a refusal: one code that a site does not know must not stop the others
        raise MalformedError(f"{said}: there is nothing of that name there")


def _described(asked: str, number: int, query: dict[str, str], answer: Any, excerpt: str) -> Page:
    if answer is None or isinstance(answer, list):
        # Sina ends its lists with the word null
        return _list_page(asked, number, answer or [], excerpt)
    if not isinstance(answer, dict):
        return Page(asked, number, excerpt=excerpt)
    if asked.endswith("/clist/get"):
        return _quote_list_page(asked, number, answer, excerpt)
    if "reportName" in query:
        return _data_centre_page(asked, number, answer, excerpt)
    if "TotalCount" in answer:
        return _fund_page(asked, number, answer, excerpt)
    return _plain_page(asked, number, answer, excerpt)


def _quote_list_page(asked: str, number: int, answer: dict[str, Any], excerpt: str) -> Page:
    """Eastmoney's quote lists: ``data.total`` and ``data.diff``, records of f-codes. None of them is ever empty."""
    data = _mapping(answer.get("data"))
    records = _list(data.get("diff"))
    if not records:
        raise ThrottledError(
            f"{asked} answered page {number} without records, where there always are some: throttled ({excerpt})"
        )
    ids = tuple(f"{record.get('f13')}.{record.get('f12')}" for record in map(_mapping, records) if "f12" in record)
    return Page(
        asked, number, len(records), _count(data.get("total")), fields=_fields(records), ids=ids, excerpt=excerpt
    )


def _data_centre_page(asked: str, number: int, answer: dict[str, Any], excerpt: str) -> Page:
    """Eastmoney's data centre: ``result`` with ``pages``, ``count`` and ``data``; NULL when there is nothing, or when
    it is too busy to look."""
    result = answer.get("result")
    if not isinstance(result, dict):
        words = f"code {answer.get('code')}, {answer.get('message')!r}"
        if answer.get("code") == EMPTY_RESULT or "数据为空" in str(answer.get("message")):
            return Page(asked, number, 0, 0, nothing=words, excerpt=excerpt)
        raise ThrottledError(f"{asked} answered page {number} without a result: {words}")
    records = _list(result.get("data"))
    if not records:
        raise ThrottledError(f"{asked} answered page {number} of {result.get('pages')} without records ({excerpt})")
    ids = tuple(hashlib.md5(_held(record), usedforsecurity=False).hexdigest() for record in records)
    pages, total = _count(result.get("pages")), _count(result.get("count"))
    return Page(asked, number, len(records), total, pages, _fields(records), ids, keyed=False, excerpt=excerpt)


def _held(record: Any) -> bytes:
    """A record without the quotes of the moment that akshare asks for beside it."""
    kept = {name: value for name, value in _mapping(record).items() if name not in ("CLOSE_PRICE", "CHANGE_RATE")}
    return json.dumps(kept, sort_keys=True, ensure_ascii=False).encode()


def _fund_page(asked: str, number: int, answer: dict[str, Any], excerpt: str) -> Page:
    """Net values of one fund: ``TotalCount`` and ``Data.LSJZList``, a record a day (FSRQ)."""
    if answer.get("ErrCode"):
        raise ThrottledError(f"{asked} answered error {answer['ErrCode']}: {answer.get('ErrMsg') or 'no words'}")
    records, total = _list(_mapping(answer.get("Data")).get("LSJZList")), _count(answer["TotalCount"])
    if not records:
        if total:
            raise ThrottledError(f"{asked} answered page {number} without records, though it counts {total}")
        return Page(asked, number, 0, 0, nothing="TotalCount 0", excerpt=excerpt)
    ids = tuple(str(_mapping(record).get("FSRQ")) for record in records)
    return Page(asked, number, len(records), total, fields=_fields(records), ids=ids, excerpt=excerpt)


def _list_page(asked: str, number: int, answer: list[Any], excerpt: str) -> Page:
    """Sina's lists: the records alone. An empty page ends the list; a list that begins empty was not delivered."""
    if not answer and number == 1:
        raise ThrottledError(f"{asked} answered an empty list, where there always are records: throttled")
    ids = tuple(str(record["symbol"]) for record in answer if isinstance(record, dict) and "symbol" in record)
    return Page(asked, number, len(answer), fields=_fields(answer), ids=ids, excerpt=excerpt)


def _plain_page(asked: str, number: int, answer: dict[str, Any], excerpt: str) -> Page:
    """Everything that comes in one piece: bars of one code, an exchange's table of one day."""
    total = _count(_mapping(answer.get("pageHelp")).get("total"))
    where, records = _records(answer)
    nothing = f"{where}: {json.dumps(records)}" if where and not records else None
    rows = len(records) if isinstance(records, list) else None
    return Page(asked, number, rows, total, fields=_fields(records), nothing=nothing, excerpt=excerpt)


def _records(answer: dict[str, Any]) -> tuple[str, Any]:
    """Where the records stand, and they: ``data.klines``, ``data.trends``, ``data.data``, ``data``, ``result``."""
    for outer in ("data", "result"):
        if outer not in answer:
            continue
        inner = answer[outer]
        if isinstance(inner, dict):
            found = next((name for name in ("klines", "trends", "data") if name in inner), None)
            return (f"{outer}.{found}", inner[found]) if found else ("", None)
        return outer, inner
    return "", None


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _fields(records: Any) -> tuple[str, ...]:
    first = records[0] if isinstance(records, list) and records else None
    return tuple(map(str, first)) if isinstance(first, dict) else ()


def totals_disagree(pages: list[Page]) -> str | None:
    """Why the pages do not add up to what the provider says there is, or None.

    A page that was asked for twice counts as it came the last time. A list that moves between two pages delivers some
    records on both and others never. Where records have no key, one that stands at the end of a page and at the
    beginning of the next may well be two; more than one is an overlap.
    """
    for asked in dict.fromkeys(page.asked for page in pages):
        latest = list({page.number: page for page in pages if page.asked == asked}.values())
        totals = list(dict.fromkeys(page.total for page in latest if page.total is not None))
        if len(totals) > 1:
            return f"{asked} counted {totals[0]} records on one page and {totals[-1]} on another: it changed meanwhile"
        twice = _on_two_pages(latest)
        if twice and (latest[0].keyed or len(twice) > 1):
            shown = f" ({', '.join(twice[:5])})" if latest[0].keyed else ""
            return f"{len(twice)} records of {asked} stand on two pages{shown}: others are missing"
        rows = sum(page.rows or 0 for page in latest)
        if totals and rows != totals[0]:
            return f"{asked} delivered {rows} records on {len(latest)} page(s) and says that there are {totals[0]}"
    return None


def _on_two_pages(pages: list[Page]) -> list[str]:
    times = Counter(identity for page in pages for identity in set(page.ids))
    return sorted(identity for identity, count in times.items() if count > 1)


def repeated(pages: list[Page]) -> int:
    """Records of the answer asked for last that stand on two of its pages, and that ``totals_disagree`` lets pass."""
    last = [page for page in pages if page.asked == pages[-1].asked]
    return len(_on_two_pages(list({page.number: page for page in last}.values())))


def total_said(pages: list[Page]) -> int | None:
    """How many records the answer that was asked for last has in all, by the provider."""
    return pages[-1].total if pages else None
