"""One question to Tushare Pro: its envelope, its pages, its ways of saying no.

Belongs here: what all interfaces share (documents 40 and 130 of tushare.pro: POST of ``api_name``, ``token``,
``params``, ``fields``; answer of ``code``, ``msg``, ``data`` with ``fields``, ``items`` and ``has_more``). Does not
belong here: which interfaces are asked for what (the package's ``__init__``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from orchestration.providers.delivery import (
    MalformedError,
    ProviderError,
    RefusedError,
    ThrottledError,
    UnavailableError,
)
from orchestration.providers.transport import Transport, expect_json
from orchestration.settings import Settings

PROVIDER = "tushare"

URL = "https://api.tushare.pro"

TOKEN_MISSING = "Tushare wants a token: set SECTOR_TUSHARE_TOKEN to that of your account at tushare.pro"  # noqa: S105

NO_PERMISSION = 2002
"""The one code that the documentation explains; all others are told apart by the words beside them."""

PAUSES = ((re.compile("每分钟最多"), 60.0), (re.compile("每小时最多"), 3600.0), (re.compile("每天最多"), 86_400.0))
"""How the refusal of an interface asked too often names its span -> seconds until it can be asked again."""

POINTS = "what an account may ask depends on its points and orders: https://tushare.pro/document/1?doc_id=108"


@dataclass(frozen=True)
class Page:
    """One page of an answer: its bytes as they came, and what its reader sees in them."""

    number: int
    content: bytes
    fields: tuple[str, ...]
    items: list[list[Any]]
    repeated: int


def token() -> str | None:
    """The account's token, from the environment alone."""
    secret = Settings().tushare_token
    return secret.get_secret_value() if secret is not None and secret.get_secret_value() else None


def pages(
    transport: Transport,
    api: str,
    params: Mapping[str, str],
    needed: tuple[str, ...],
    kept: tuple[str, ...],
    most: int,
    asked: str,
) -> Iterator[Page]:
    """The pages of one question, ``most`` rows each, as long as there are more.

    An answer without a ``needed`` field is none; ``kept`` ones may be missing. ``has_more`` decides whether there are
    more pages; an answer that does not carry it ends with the first page that is not full. Raises ``MalformedError``
    when more rows were announced and none came, and when a page only repeats earlier ones.
    """
    seen: set[str] = set()
    number, offset, announced = 1, 0, False
    while True:
        content = transport.post_json(
            PROVIDER,
            URL,
            {
                "api_name": api,
                "token": token() or "",
                "params": {**params, "limit": most, "offset": offset},
                "fields": ",".join((*needed, *kept)),
            },
            secrets=[token() or ""],
            accept=partial(read, asked=asked, needed=needed),
        )
        names, items, has_more = read(content, asked, needed)
        if not items and announced:
            raise MalformedError(
                f"{asked}: page {number - 1} announced more rows, page {number} has none: rows are lost"
            )
        if not items and number > 1:
            return
        prints = [repr(item) for item in items]
        repeated = sum(print_ in seen for print_ in prints)
        if items and repeated == len(items):
            raise MalformedError(f"{asked}: page {number} repeats earlier rows only: the offset is not followed")
        yield Page(number, content, names, items, repeated)
        seen.update(prints)
        announced = has_more is True
        if not (announced or (has_more is None and len(items) >= most)):
            return
        offset += len(items)
        number += 1


def read(
    content: bytes, asked: str, needed: tuple[str, ...] = ()
) -> tuple[tuple[str, ...], list[list[Any]], bool | None]:
    """Fields, rows and ``has_more`` (None where it is not told) of an answer.

    Raises the ``ProviderError`` that the answer's code and words stand for, ``MalformedError`` for another shape and
    for a field of ``needed`` that is not there.
    """
    document = expect_json(content, asked)
    if not isinstance(document, dict) or "code" not in document:
        raise MalformedError(f"{asked}: expected a document with 'code' and 'data', found {_kind(document)}")
    if document["code"] != 0:
        raise refusal(document["code"], str(document.get("msg") or ""), asked)
    data = document.get("data")
    if not isinstance(data, dict) or not all(isinstance(data.get(name), list) for name in ("fields", "items")):
        raise MalformedError(f"{asked}: expected 'data' with 'fields' and 'items', found {_kind(data)}")
    names = tuple(map(str, data["fields"]))
    gone = [name for name in needed if name not in names]
    if gone:
        raise MalformedError(f"{asked}: {', '.join(gone)} missing from the answer's fields: found {', '.join(names)}")
    uneven = next((item for item in data["items"] if not isinstance(item, list) or len(item) != len(names)), None)
    if uneven is not None:
        raise MalformedError(f"{asked}: a row does not have the {len(names)} cells of its fields: {uneven!r:.80}")
    has_more = data.get("has_more")
    return names, data["items"], has_more if isinstance(has_more, bool) else None


def refusal(code: object, words: str, asked: str) -> ProviderError:
    """The error behind a code other than 0. The words count first: frequency and permission share a code."""
    said = f"{asked} was answered with code {code}: {words or 'without a word'}"
    for pattern, pause in PAUSES:
        if pattern.search(words):
            return ThrottledError(f"{said}; wait, or lower SECTOR_REQUESTS_PER_MINUTE (tushare=…); {POINTS}", pause)
    if "token" in words.lower():
        return RefusedError(f"{said}; check SECTOR_TUSHARE_TOKEN")
    if code == NO_PERMISSION or "权限" in words or "积分" in words:
        return RefusedError(f"{said}; {POINTS}")
    if "IP" in words:
        return RefusedError(f"{said}; the token is used from too many addresses")
    if "参数" in words or "接口名" in words:
        return RefusedError(f"{said}; the question is not accepted")
    return UnavailableError(f"{said}; try later")


def _kind(document: object) -> str:
    return ", ".join(map(str, document)) if isinstance(document, dict) else type(document).__name__
