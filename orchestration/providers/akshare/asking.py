"""The ways in which akshare is asked: code by code, for what is now, for a whole table; and what a delivery is made of.

Belongs here: from a question to a delivery, and the few changes of ours on the way. Does not belong here: which
functions there are (``datasets``), how a call is made and judged (``calls``).
"""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from orchestration.providers.akshare import clock
from orchestration.providers.akshare.calls import PROVIDER, Frame, Question, Worker
from orchestration.providers.delivery import Delivery, MalformedError, Wanted

if TYPE_CHECKING:
    from orchestration.providers.transport import Transport

BY_CODE = {"fid": "f12"}
"""Lists of quotes in the order of codes. In that of changes, which move while pages are read, records get lost."""

WORKER = Worker()
"""One process for all datasets; it starts with the first question and ends with ours."""


class Talk:
    """The questions of one delivery, at the transport's pace."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._begun = False

    def ask(self, question: Question) -> Frame:
        """Raises ``ProviderError`` and ``TooManyPagesError``."""
        begin, self._begun = not self._begun, True
        return self._transport.call(PROVIDER, lambda: WORKER.ask(self._transport, question, begin))


# ------------------------------------------------------------------ deliveries


def delivery(
    table: str,
    name: str,
    question: Question,
    frame: Frame,
    columns: tuple[str, ...] = (),
    day: dt.date | None = None,
    resume: str | None = None,
    note: str = "",
) -> Delivery:
    """``name``: of the file, below the function's folder. ``columns``: akshare's, for an answer without any. ``note``:
    for people, behind the call."""
    return Delivery(
        table=table,
        name=f"{question.function}/{name}.csv",
        content=(frame.text or ",".join(columns) + "\n").encode(),
        rows=frame.rows,
        asked=question.text + note,
        total=frame.total,
        day=day,
        columns=frame.columns or columns,
        repeated=frame.repeated,
        resume=resume,
    )


def _rewritten(frame: Frame, change: Callable[[list[str], list[list[str]]], list[list[str]]]) -> Frame:
    """The frame with the rows (header first) that ``change(header, rows)`` makes of its text. The provider's total
    stays with as many rows, and goes with fewer."""
    header, *rows = csv.reader(io.StringIO(frame.text))
    lines = change(header, rows)
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(lines)
    total = frame.total if len(lines) - 1 == len(rows) else None
    return Frame(tuple(lines[0]), len(lines) - 1, out.getvalue(), total, frame.repeated)


def compact(day: dt.date) -> str:
    """``20250424``."""
    return f"{day:%Y%m%d}"


def moment_name(moment: dt.datetime) -> str:
    """``20250424T103000+0800``, in which dialects look for a quote's time or a list's day (``dialects.base``)."""
    return f"{moment:%Y%m%dT%H%M%S%z}"


def span(first: dt.date, last: dt.date) -> str:
    """``20250421-20250424``, in which no code is found (``ingest.names``)."""
    return f"{compact(first)}-{compact(last)}"


# ------------------------------------------------------------------ codes


def _digits(*suffixes: str, beginning: str = "") -> Callable[[str], str | None]:
    """The bare number of codes with one of these suffixes."""

    def symbol(code: str) -> str | None:
        number, _, suffix = code.partition(".")
        return number if suffix in suffixes and number.startswith(beginning) else None

    return symbol


def cni(code: str) -> str | None:
    """The number of an index that CNI keeps: its own, and Shenzhen's."""
    return _digits("CNI")(code) or _digits("SZ", beginning="399")(code)


def csi(code: str) -> str | None:
    """The number of an index that CSI keeps: its own, and Shanghai's."""
    return _digits("CSI")(code) or _digits("SH", beginning="000")(code)


etf, hk_index, hk_share = _digits("SZ", "SH"), _digits("HI"), _digits("HK")

# ------------------------------------------------------------------ one code after the other


def _compact_span(first: dt.date, last: dt.date) -> tuple[str, str]:
    return compact(first), compact(last)


@dataclass(frozen=True)
class PerCode:
    """A dataset that is asked code by code; codes that ``symbol`` has no word for are not its business.

    ``span``: the first and the last day as akshare wants them, None where it takes none. ``settled``: no day is asked
    for that is not over at this time. ``date_column``: of a history that takes no span: rows after its last settled day
    are left out.
    """

    function: str
    table: str
    codes: Literal["etfs", "indices", "securities"]
    symbol: Callable[[str], str | None]
    example: str
    symbol_argument: str = "symbol"
    constants: tuple[tuple[str, str], ...] = ()
    span: Callable[[dt.date, dt.date], tuple[str, str]] | None = _compact_span
    settled: dt.time | None = None
    date_column: str | None = None
    columns: tuple[str, ...] = ()
    never_empty: bool = False
    query: tuple[tuple[str, str], ...] = ()
    leading: tuple[str, ...] = ()

    def deliver(self, transport: Transport, wanted: Wanted) -> Iterator[Delivery]:
        """A delivery a code. Codes that give no sense do not stop the others, and are told at the end."""
        talk, failed, codes = Talk(transport), [], self._known(wanted)
        last = wanted.until if self.settled is None else clock.settled(wanted.until, self.settled)
        for code in codes:
            try:
                yield self._asked(talk, code, wanted.since, last)
            except MalformedError as error:
                failed.append(str(error))
        if failed:
            raise MalformedError(f"{len(failed)} of {len(codes)} codes gave no sense: {'; '.join(failed)}")

    def unfit(self, wanted: Wanted) -> str | None:
        """Why there is nothing to ask."""
        if not self._known(wanted):
            return _none_of_the_kind(self.codes, getattr(wanted, self.codes), self.example)
        if self.span is not None and self.settled is not None:
            return clock.not_settled(wanted.since, wanted.until, self.settled)
        return None

    def _known(self, wanted: Wanted) -> list[str]:
        return [code for code in getattr(wanted, self.codes) if self.symbol(code) is not None]

    def _asked(self, talk: Talk, code: str, first: dt.date, last: dt.date) -> Delivery:
        arguments = {self.symbol_argument: self.symbol(code) or "", **dict(self.constants)}
        name = code
        if self.span is not None:
            begin, end = self.span(first, last)
            arguments |= {"start_date": begin, "end_date": end}
            name = f"{code}-{span(first, last)}"
        question = Question(
            self.function, arguments, query=dict(self.query), leading=self.leading, never_empty=self.never_empty
        )
        frame = talk.ask(question)
        if self.date_column is not None:
            frame = _without_later(frame, self.date_column, last)
        return delivery(self.table, name, question, frame, self.columns)


def _none_of_the_kind(codes: str, given: tuple[str, ...], example: str) -> str:
    return (
        f"knows none of {', '.join(given)}: put a code of its kind ({example}) on SECTOR_WATCH_{codes.upper()}, or "
        "leave it out"
    )


def _without_later(frame: Frame, column: str, last: dt.date) -> Frame:
    def change(header: list[str], rows: list[list[str]]) -> list[list[str]]:
        position = header.index(column)
        return [header, *(row for row in rows if row[position] <= last.isoformat())]

    return _rewritten(frame, change)


# ------------------------------------------------------------------ what is now


@dataclass(frozen=True)
class Snapshot:
    """A list that says what is now, as of the end of the call, which takes a minute or two where pages are many.

    ``hk_delay``: its quotes are of a quarter of an hour before. ``quotes``: it holds quotes, which are known from the
    moment of the fetch on. ``hk_indices``: of its rows only those of the wanted indices are kept.
    """

    function: str
    table: str
    hk_delay: bool = False
    quotes: bool = True
    hk_indices: bool = False
    leading: tuple[str, ...] = ()
    query: tuple[tuple[str, str], ...] = ()

    def deliver(self, transport: Transport, wanted: Wanted) -> Iterator[Delivery]:
        """One delivery, whatever span is wanted."""
        question = Question(self.function, query=dict(self.query), leading=self.leading, never_empty=True)
        frame = Talk(transport).ask(question)
        fetched, note = clock.now(), ""
        if self.hk_indices:
            frame, absent = _of_indices(frame, [symbol for symbol in map(hk_index, wanted.indices) if symbol])
            note = f"; not on the list: {', '.join(absent)}" if absent else ""
        if self.quotes:
            frame = _known_from(frame, fetched)
        name = moment_name(fetched)
        if self.hk_delay:
            # two snapshots of a weekend have one moment; that of the fetch, without its zone, is not taken for it
            name = f"{moment_name(clock.hk_quote_moment(fetched))}-seen{fetched:%Y%m%dT%H%M%S}"
        yield delivery(self.table, name, question, frame, note=note)

    def unfit(self, wanted: Wanted) -> str | None:
        """Why there is nothing to ask."""
        if self.hk_indices and not any(map(hk_index, wanted.indices)):
            return _none_of_the_kind("indices", wanted.indices, "HSI.HI")
        return None


def _of_indices(frame: Frame, symbols: list[str]) -> tuple[Frame, list[str]]:
    """The rows of the wanted indices, and those that the list does not hold.

    The other two hundred indices have no place in a table, and would be refused by the minute.
    """
    absent: list[str] = []

    def change(header: list[str], rows: list[list[str]]) -> list[list[str]]:
        position = header.index("代码")
        absent.extend(sorted(set(symbols) - {row[position] for row in rows}))
        return [header, *(row for row in rows if row[position] in symbols)]

    return _rewritten(frame, change), absent


def _known_from(frame: Frame, fetched: dt.datetime) -> Frame:
    stamp = fetched.replace(microsecond=0).isoformat()

    def change(header: list[str], rows: list[list[str]]) -> list[list[str]]:
        return [[*header, "knowledge_at"], *([*row, stamp] for row in rows)]

    return _rewritten(frame, change)


# ------------------------------------------------------------------ whole tables


def whole(function: str, table: str) -> Callable[[Transport, Wanted], Iterator[Delivery]]:
    """A table that comes in one piece, from the first day on."""

    def deliver(transport: Transport, wanted: Wanted) -> Iterator[Delivery]:
        question = Question(function, never_empty=True)
        yield delivery(table, "all", question, Talk(transport).ask(question))

    return deliver
