"""What a provider hands over, and how it refuses: the words that all providers and their callers share.

Belongs here: plain values without behaviour. Does not belong here: how bytes travel (``transport``), where they lie
(``orchestration.fetching``), what they mean (``orchestration.dialects``). A provider imports nothing downstream of
landing.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from orchestration.providers.transport import Transport


@dataclass(frozen=True)
class Wanted:
    """What is asked of a dataset: a span of days, both inclusive and market time, and the codes of interest.

    Codes are canonical (``159567.SZ``, ``987018.CNI``, ``HSI.HI``, ``01801.HK``); ``concepts`` are names of boards. A
    dataset reads the fields that it needs. ``updated_since``: the cursor of datasets that are asked for what changed
    (None: everything that falls into the span). ``resume``: what the last landed delivery of a fetch that was cut short
    said about going on (None: from the beginning); the provider sees for itself whether it fits this question.
    ``file``: an answer of the provider that lies here already, to be read in place of asking for it.
    """

    since: dt.date
    until: dt.date
    etfs: tuple[str, ...] = ()
    indices: tuple[str, ...] = ()
    securities: tuple[str, ...] = ()
    concepts: tuple[str, ...] = ()
    updated_since: dt.datetime | None = None
    resume: str | None = None
    file: Path | None = None


@dataclass(frozen=True)
class Delivery:
    """One answer of a provider, to be landed unchanged.

    ``content``: its bytes; or the file that holds them where they do not fit into memory, which landing takes away.

    ``name``: path below ``landing/<table>/<provider>/``, made of our own request alone and never of what came back,
    e.g. ``fund_daily/159567.SZ-20250401-20250424.json``. ``rows``: records in it, by the provider's reader.
    ``page``: its number, from 1, where an answer has several; ``total``: how many records the provider says the whole
    answer has, over all pages. ``asked``: what the request named, for people, without secrets. ``day``: the business
    day that the answer is about, where it is about one. ``cursor``: the moment up to which changes are known once
    this and all earlier deliveries have landed. ``columns``: names of the delivered columns or fields, in their order;
    () where the answer does not name any. ``repeated``: records of this page that an earlier page of the same answer
    held already. ``resume``: what the provider needs, in the next ``Wanted``, to go on behind this delivery if the
    fetch is cut short here.
    """

    table: str
    name: str
    content: bytes | Path
    rows: int
    asked: str
    page: int = 1
    total: int | None = None
    day: dt.date | None = None
    cursor: dt.datetime | None = None
    columns: tuple[str, ...] = ()
    repeated: int = 0
    resume: str | None = None


@dataclass(frozen=True)
class ControlTotal:
    """What the provider counts of an answer in another list of its own, held against the answer.

    No raw table takes such a list: it is kept beside the receipts. ``name``: path below ``<provider>/`` there.
    ``content``, ``rows`` and ``asked``: as in ``Delivery``; ``rows`` 0 is not kept. ``compared``: things counted on
    both sides. ``missing``: sentences on what the answer lacks; ``surplus``: on what the list does not count.
    ``failed``: why the list did not come.
    """

    name: str
    content: bytes
    rows: int
    asked: str
    compared: int = 0
    missing: tuple[str, ...] = ()
    surplus: tuple[str, ...] = ()
    failed: str | None = None


Market = Literal["SZSE", "HK", "SOUTHBOUND"]

Time = Literal["daily", "before_open", "after_close", "after_hk_close", "evening", "weekly"]
"""When a dataset is asked for, market time (``orchestration.schedules`` has the hours): every morning; on sessions
before the open, after Shenzhen's close, after Hong Kong's, late in the evening; on Saturdays."""


@dataclass(frozen=True)
class Dataset:
    """One thing that a provider can be asked for.

    ``deliver`` yields the answers in order and raises a ``ProviderError`` when the provider refuses; what it yielded
    before stays landed. ``session_market``: on a session of this market an answer about that day without a record is
    suspicious; None where days without records are ordinary. ``look_back_days``: how far before today a fetch without
    a span begins, so that late and corrected figures are seen. ``client_version``: the version of what talked to the
    provider, kept with every receipt. ``needs``: fields of ``Wanted`` that must not be empty. ``cursor_overlap``: how
    much of the time before the last cursor is asked for again, since changes may become visible late. ``missing``: why
    this dataset cannot be asked on this machine (an extra that is not installed, a token that is not set), as a
    sentence that says what to do; None when it can. ``unfit``: why there is nothing to ask about. ``times``: when a
    schedule asks for it; none for what is fetched on demand alone. ``reads_file``: it can read an answer that lies here
    already.
    """

    provider: str
    name: str
    tables: tuple[str, ...]
    description: str
    deliver: Callable[[Transport, Wanted], Iterator[Delivery | ControlTotal]]
    client_version: Callable[[], str]
    session_market: Market | None = None
    look_back_days: int = 5
    needs: tuple[Literal["etfs", "indices", "securities", "concepts"], ...] = ()
    cursor_overlap: dt.timedelta = dt.timedelta(hours=1)
    times: tuple[Time, ...] = ("evening",)
    reads_file: bool = False
    missing: Callable[[], str | None] = field(default=lambda: None)
    unfit: Callable[[Wanted], str | None] = field(default=lambda wanted: None)

    @property
    def key(self) -> str:
        """``provider.name``, as people and receipts name it."""
        return f"{self.provider}.{self.name}"

    @property
    def scheduled(self) -> bool:
        """Whether any schedule asks for it."""
        return bool(self.times)


class ProviderError(Exception):
    """A provider did not deliver. The message says what was asked, what came back and what to do; no secret in it."""


class RefusedError(ProviderError):
    """Not for us: no licence, no token, no points, unknown endpoint. Asking again does not help."""


class ThrottledError(ProviderError):
    """Too fast. Asking again after a pause helps; ``pause`` seconds if the provider named them."""

    def __init__(self, message: str, pause: float | None = None) -> None:
        super().__init__(message)
        self.pause = pause


class UnavailableError(ProviderError):
    """No answer, half an answer, a server's error, a hang. Asking again may help."""


class MalformedError(ProviderError):
    """An answer that is not what this dataset looks like (a page instead of data, a column gone, pages that do not
    add up). Asking again may help once; after that somebody has to look."""
