"""How Crunchbase is reached: address, key, the words of a refusal, the outer shape of an answer.

Belongs here: what all questions to it share. The key comes from the environment alone and leaves only in a header, and
as a parameter of the address of the CSV export, which knows no header.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from orchestration.providers.delivery import MalformedError, RefusedError
from orchestration.providers.transport import expect_json
from orchestration.settings import Settings

PROVIDER = "crunchbase"
API = "https://api.crunchbase.com/v4/data"
CLIENT_VERSION = "API v4, questions 1"
"""Raised when fields or order of the questions change."""

NO_KEY = (
    "no key for Crunchbase: set SECTOR_CRUNCHBASE_KEY to the user key of an Enterprise or Applications licence, or "
    "hand over its CSV export: sector fetch crunchbase.bulk_export --from bulk_export.tar.gz"
)
LICENCE = (
    "Search, deleted entities and the CSV export need a key of an Enterprise or Applications licence (a Basic key is "
    "refused with 403); the key is read from SECTOR_CRUNCHBASE_KEY"
)


def missing_key() -> str | None:
    """Why nothing can be asked, as a sentence; None when there is a key."""
    key = _key()
    if not key:
        return NO_KEY
    if not (key.isascii() and key.isprintable()) or " " in key:
        return "SECTOR_CRUNCHBASE_KEY holds spaces or characters that no key has: copy it again"
    return None


def headers() -> dict[str, str]:
    """The headers of every question to the API. Raises ``RefusedError`` when there is no key."""
    return {"X-cb-user-key": user_key(), "Accept": "application/json"}


def user_key() -> str:
    """The key. Raises ``RefusedError`` when there is none."""
    missing = missing_key()
    if missing is not None:
        raise RefusedError(missing)
    return _key()


def _key() -> str:
    key = Settings().crunchbase_key
    return "" if key is None else key.get_secret_value().strip()


@contextmanager
def licence_named() -> Iterator[None]:
    """A refusal within says which licence the question needs."""
    try:
        yield
    except RefusedError as error:
        raise RefusedError(f"{error}. {LICENCE}") from None


def entities_of(content: bytes, asked: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The answer and its ``entities``. Raises ``MalformedError`` for anything else.

    Errors may come with status 200 as an object with ``error`` or as a list of objects with ``code`` and ``message``.
    """
    document = expect_json(content, asked)
    entities = document.get("entities") if isinstance(document, dict) else None
    if not isinstance(entities, list) or not all(isinstance(entity, dict) for entity in entities):
        shown = content[:200].decode("utf-8", "replace")
        raise MalformedError(f"{asked}: expected an object with a list of entities, found {shown!r}")
    return document, entities


def moment_of(text: Any, name: str, asked: str) -> dt.datetime:
    """A moment as the provider writes it (ISO 8601, UTC where no zone is told). Raises ``MalformedError``."""
    try:
        moment = dt.datetime.fromisoformat(text)
    except (TypeError, ValueError):
        raise MalformedError(f"{asked}: {name} is {text!r}, expected a moment such as 2025-04-24T02:00:00Z") from None
    return moment.replace(tzinfo=dt.UTC) if moment.tzinfo is None else moment.astimezone(dt.UTC)


def written(moment: dt.datetime) -> str:
    """A moment as the provider reads it, to the second below."""
    return f"{moment.astimezone(dt.UTC):%Y-%m-%dT%H:%M:%SZ}"


def folder_of(moment: dt.datetime) -> str:
    """The same as a part of a file name."""
    return f"since-{moment.astimezone(dt.UTC):%Y%m%dT%H%M%SZ}"
