"""Parts to records: text cells with their line, whatever the format.

Every reader yields ``Chunk``s: cells as text as delivered, the row number that a person would look up, and the raw
text. Records that cannot be a row of the header (wrong number of cells, a cell too long) are told apart here; what
the cells mean is decided in ``typing``. No reader holds more than a chunk and one record, whatever the file.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import IO, Any, BinaryIO, Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.dialects import NoDialectError
from orchestration.dialects.base import Match
from orchestration.ingest.decoding import is_plausible, lacks_mark, misread, universal_encoding
from orchestration.ingest.files import EXPANSION_LIMIT, Part, UnreadableError
from orchestration.ingest.json_stream import JsonError, is_list, list_items, read_json
from orchestration.ingest.parquet_pages import pages
from orchestration.ingest.workbooks import MAX_COLUMNS, Sheet, sheets

CHUNK_ROWS = 50_000
CHUNK_WEIGHT = 16 << 20
"""Characters of a chunk, each cell weighing ``_CELL_WEIGHT`` more (measured: a chunk costs some ten times that)."""
_CELL_WEIGHT = 32
MAX_HEADER_CELL = 1_000
_LONG_ROW = 16 << 10
_LONG_ROW_COPIES = 6
"""Typing holds so many copies of a text beside those of ordinary rows, which columns share."""
MAX_CELL = 1 << 20
MAX_LINE = 16 << 20
MAX_RAW_TEXT = 4_000
MAX_JSON = 16 << 20
MAX_NESTING = 8
HEADER_ROWS = 20
DELIMITERS = {".csv": (",", "\t", ";"), ".tsv": ("\t",)}
MAX_LINES_OF_RECORD = 10_000
_RESTARTS = 1_000
_MANY_REFUSED = 1_000_000
_REFUSED_TO_TAKEN = 100
MAX_HELD = 256 << 20

csv.field_size_limit(2**31 - 1)


class Recogniser(Protocol):
    """The dialects that a file is held against."""

    def __hash__(self) -> int: ...

    @property
    def encodings(self) -> tuple[str, ...]:
        """Encodings that they declare, in the order in which to try them."""

    def match(self, header: list[str], encoding: str | None = None) -> Match:
        """The one that fits; raises ``NoDialectError``."""


@dataclass
class Chunk:
    """Up to ``CHUNK_ROWS`` records: ``cells[i]`` belongs to line ``rows[i]`` with ``raw[i]`` as it stands in the file.

    ``refused``: (row number, raw text, reason) of records that are no row of the header.
    """

    rows: list[int] = field(default_factory=list)
    cells: list[list[str | None]] = field(default_factory=list)
    raw: list[str] = field(default_factory=list)
    refused: list[tuple[int, str, str]] = field(default_factory=list)
    weight: int = 0

    def __len__(self) -> int:
        return len(self.rows) + len(self.refused)

    @property
    def is_full(self) -> bool:
        return len(self) >= CHUNK_ROWS or self.weight >= CHUNK_WEIGHT

    def refuse(self, row: int, raw: str, reason: str) -> None:
        """A record that is no row of the header."""
        shown = shorten(raw)
        self.refused.append((row, shown, reason))
        self.weight += len(shown) + _CELL_WEIGHT

    def take(self, row: int, cells: list[str | None], raw: str) -> None:
        """A record whose cells can be held against the header, unless one of them can be no figure of anything."""
        length = 0
        for cell in cells:
            if cell is not None:
                length += len(cell)
        if length > MAX_CELL and any(cell is not None and len(cell) > MAX_CELL for cell in cells):
            self.refuse(row, raw, "a cell of more than 1 MiB")
        elif "\0" in raw:
            self.refuse(row, raw.replace("\0", "\\0"), "a NUL byte")
        else:
            self.rows.append(row)
            self.cells.append(cells)
            self.raw.append(raw)
            self.weight += length + len(raw) + _CELL_WEIGHT * len(cells)
            if length > _LONG_ROW:
                self.weight += _LONG_ROW_COPIES * length


@dataclass
class Table:
    """One table of a part (the whole part, or one sheet): its header matched, its records still to be read.

    ``found_as``: encoding and delimiter, or sheet, in words. ``notes``: what of the part is no record and why, complete
    once ``chunks`` has been read.
    """

    label: str
    header: list[str]
    match: Match
    chunks: Iterator[Chunk]
    found_as: str = ""
    notes: list[str] = field(default_factory=list)


def shorten(text: str) -> str:
    """Raw text cut to what a person can read in a quarantine line."""
    return text if len(text) <= MAX_RAW_TEXT else f"{text[:MAX_RAW_TEXT]}… ({len(text)} characters in all)"


class RepeatedColumnError(UnreadableError):
    """A header that names a column twice; ``distinct``: its columns, each once."""

    def __init__(self, twice: list[str], distinct: list[str]) -> None:
        super().__init__(f"header names a column twice: {', '.join(map(repr, twice))}")
        self.distinct = distinct


def clean_header(cells: list[Any]) -> list[str]:
    """Header cells trimmed and free of a byte-order mark; refuses a repeated name and what no header has (R60, R67)."""
    if len(cells) > MAX_COLUMNS:
        raise UnreadableError(f"{len(cells)} columns, more than {MAX_COLUMNS}")
    header = [("" if cell is None else str(cell)).replace("\ufeff", "").strip() for cell in cells]
    longest = max(map(len, header), default=0)
    if longest > MAX_HEADER_CELL:
        raise UnreadableError(f"a header cell of {longest} characters, more than {MAX_HEADER_CELL}")
    if not all(map(_is_unicode, header)):
        raise UnreadableError("a header cell that is no text: it holds half a character (a lone surrogate)")
    lowered = [name.lower() for name in header if name]
    twice = sorted({name for name in lowered if lowered.count(name) > 1}) if len(set(lowered)) < len(lowered) else []
    if twice:
        raise RepeatedColumnError(twice, list({name.lower(): name for name in header if name}.values()))
    return header


def _require_rows(refused: int, taken: int) -> None:
    """Refuses what is millions of records and no table: to list each of them would help nobody."""
    if refused > _MANY_REFUSED and refused > _REFUSED_TO_TAKEN * taken:
        raise UnreadableError(f"of the first {refused + taken:,} records {taken:,} can be rows of the header: no table")


def _is_unicode(text: str) -> bool:
    """Whether text can be written at all: JSON can escape half a character."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_blank(cells: Iterable[Any]) -> bool:
    return all(cell is None or not str(cell).strip() for cell in cells)


def _is_footer(cells: list[str | None], beginnings: tuple[str, ...]) -> bool:
    """Whether a record is a line below the table, as the dialect declares them: one text and nothing else."""
    if not beginnings:
        return False
    texts = [cell for cell in cells if cell is not None and cell.strip()]
    return len(texts) == 1 and texts[0].strip().startswith(beginnings)


class _Footers:
    """Counts the lines below the table that a dialect declares, and notes them once."""

    def __init__(self, table: Table) -> None:
        self._beginnings, self._notes, self._count = table.match.dialect.footers, table.notes, 0

    def holds(self, cells: list[str | None]) -> bool:
        if not _is_footer(cells, self._beginnings):
            return False
        if self._count:
            self._notes.pop()
        self._count += 1
        self._notes.append(f"{self._count} line(s) of the kind {self._beginnings[0]!r} are no records")
        return True


class _Tries:
    """Why the rows that were tried as header are none: of the likeliest, the first where several are."""

    def __init__(self, recogniser: Recogniser) -> None:
        self.best: UnreadableError | None = None
        self._recogniser = recogniser
        self._known = -1.0

    def note(self, error: Exception) -> None:
        known = self._columns_known(error)
        if known > self._known:
            self._known, self.best = known, UnreadableError(str(error))

    def _columns_known(self, error: Exception) -> float:
        if isinstance(error, NoDialectError):
            return error.known
        if not isinstance(error, RepeatedColumnError):
            return 0.5  # a row that is damaged says more than one of which no dialect knows a word
        # two equal cells of a record are no repeated header: somebody must know the others
        try:
            self._recogniser.match(error.distinct)
        except NoDialectError as of_distinct:
            return of_distinct.known
        return len(error.distinct)


def _above(number: int) -> list[str]:
    return [f"the header stands in line {number}: what lies above it is no record"] if number > 1 else []


# ------------------------------------------------------------------ delimited text


class _Lines:
    """Physical lines of a text stream that remembers those of the record being read."""

    def __init__(self, stream: io.TextIOBase) -> None:
        self._stream = stream
        self._queued: deque[str] = deque()
        self.taken: list[str] = []
        self._length = 0
        self.line = 0

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        text = self._queued.popleft() if self._queued else _bounded_line(self._stream)
        if not text:
            raise StopIteration
        self.taken.append(text)
        self._length += len(text)
        self.line += 1
        if len(self.taken) > 1 and (len(self.taken) > MAX_LINES_OF_RECORD or self._length > MAX_LINE):
            raise _RunawayQuoteError
        return text

    def begin_record(self) -> int:
        """Forget the lines of the record before; gives the line on which the next one begins."""
        self.taken, self._length = [], 0
        return self.line + 1

    def give_back_all_but_first(self) -> None:
        self._queued.extendleft(reversed(self.taken[1:]))
        self.line -= len(self.taken) - 1
        self.taken = self.taken[:1]


def _bounded_line(stream: io.TextIOBase) -> str:
    """The next line; of one longer than any row may be, its beginning, so that memory stays small."""
    text = stream.readline(MAX_LINE)
    if len(text) == MAX_LINE and not text.endswith(("\n", "\r")):
        while (more := stream.readline(MAX_LINE)) and not more.endswith(("\n", "\r")):
            pass
        text += "\n"
    return text


class _RunawayQuoteError(Exception):
    """A quote that was opened and not closed for thousands of lines."""


def _text_records(lines: _Lines, delimiter: str, width: int) -> Iterator[tuple[int, list[str], str, str]]:
    """(line, cells, raw text, reason or '') of each record.

    A record over several lines with the wrong number of cells is a stray quote, not a row: its first line alone is
    refused and reading goes on with the next one, so that a quote never swallows the rows behind it.
    """
    restarts = 0
    reader = csv.reader(lines, delimiter=delimiter)
    while True:
        first = lines.begin_record()
        try:
            cells = next(reader)
            runaway = False
        except StopIteration:
            return
        except _RunawayQuoteError:
            cells, runaway = [], True
        except csv.Error as error:
            yield first, [], "".join(lines.taken), f"not a delimited record: {error}"
            reader = csv.reader(lines, delimiter=delimiter)
            continue
        spans = len(lines.taken)
        if spans > 1 and (runaway or len(cells) != width):
            restarts += 1
            if restarts > _RESTARTS:
                raise UnreadableError(f"more than {_RESTARTS} quotes that are opened and not closed")
            lines.give_back_all_but_first()
            yield first, [], lines.taken[0], "a quote is opened and not closed"
            reader = csv.reader(lines, delimiter=delimiter)
            continue
        yield first, cells, "".join(lines.taken).rstrip("\r\n"), ""


def _universal(part: Part) -> str | None:
    """The encoding of a text that needs no dialect; refuses what lacks the mark that it needs."""
    found = universal_encoding(part.open)
    if found in (None, "utf-8") and lacks_mark(part.open):
        raise UnreadableError("UTF-16 or UTF-32 without a byte-order mark: save it with one, or as UTF-8")
    return found


def _text_stream(opened: Callable[[], BinaryIO], encoding: str) -> io.TextIOWrapper:
    return io.TextIOWrapper(opened(), encoding=encoding, errors="strict", newline="")


def _first_records(opened: Callable[[], BinaryIO], encoding: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """(line, cells) of the records among which the header may stand; empty ones do not count."""
    with _text_stream(opened, encoding) as stream:
        lines, found = _Lines(stream), 0
        reader = csv.reader(lines, delimiter=delimiter)
        while found < HEADER_ROWS:
            first = lines.begin_record()
            try:
                cells = next(reader)
            except StopIteration:
                return
            if not _is_blank(cells):
                found += 1
                yield first, cells


@dataclass(frozen=True)
class _Delimited:
    encoding: str
    delimiter: str
    header_line: int
    header: list[str]
    match: Match


def _delimited_match(recogniser: Recogniser, part: Part) -> _Delimited:
    universal = _universal(part)
    if universal is not None:
        tried: list[tuple[str, str | None]] = [(universal, None)]
    else:
        tried = [(encoding, encoding) for encoding in recogniser.encodings]
    tries = _Tries(recogniser)
    empty = True
    for encoding, declared_by in tried:
        if declared_by is not None and not is_plausible(part.open, encoding, alone=True):
            continue
        for delimiter in DELIMITERS[part.format]:
            try:
                for line, cells in _first_records(part.open, encoding, delimiter):
                    empty = False
                    try:
                        header = clean_header(cells)
                        match = recogniser.match(header, declared_by)
                    except (NoDialectError, UnreadableError) as error:
                        tries.note(error)
                        continue
                    beside = len(match.dialect.encodings) == 1
                    if declared_by is not None and not is_plausible(part.open, encoding, alone=beside):
                        continue
                    return _Delimited(encoding, delimiter, line, header, match)
            except _RunawayQuoteError:
                tries.note(UnreadableError(f"header cannot be read as {encoding}: a quote is opened and not closed"))
            except (UnicodeError, csv.Error) as error:
                tries.note(UnreadableError(f"header cannot be read as {encoding}: {error}"))
    if tries.best is not None:
        raise tries.best
    if empty and universal is not None:
        raise UnreadableError("no header: every line is empty")
    names = ", ".join(encoding for encoding, _ in tried)
    raise UnreadableError(f"the bytes are neither marked, nor UTF-8, nor what the dialects declare ({names})")


_NAMES_OF_DELIMITERS = {",": "commas", "\t": "tabs", ";": "semicolons"}


def _delimited(recogniser: Recogniser, part: Part) -> Iterator[Table]:
    found = _delimited_match(recogniser, part)
    found_as = f"{found.encoding}, separated by {_NAMES_OF_DELIMITERS[found.delimiter]}"
    table = Table(part.label, found.header, found.match, iter(()), found_as, _above(found.header_line))

    def chunks() -> Iterator[Chunk]:
        try:
            with _text_stream(part.open, found.encoding) as stream:
                yield from _delimited_chunks(_Lines(stream), found, _Footers(table))
        except UnicodeError as error:
            raise UnreadableError(f"not {found.encoding} throughout: {error}") from error

    table.chunks = chunks()
    yield table


def _delimited_chunks(lines: _Lines, found: _Delimited, footers: _Footers) -> Iterator[Chunk]:
    width, chunk = len(found.header), Chunk()
    reader = csv.reader(lines, delimiter=found.delimiter)
    while lines.begin_record() < found.header_line:
        next(reader)
    next(reader)
    for line, cells, raw, reason in _text_records(lines, found.delimiter, width):
        if reason:
            chunk.refuse(line, raw, reason)
        elif _is_blank(cells) or footers.holds(cells):  # type: ignore[arg-type]
            continue
        elif len(cells) != width:
            chunk.refuse(line, raw, f"{len(cells)} cells where the header has {width}")
        else:
            chunk.take(line, cells, raw)  # type: ignore[arg-type]
        if chunk.is_full:
            yield chunk
            chunk = Chunk()
    yield chunk


def chunks_of_lines(numbers: list[int], texts: list[str], delimiter: str, table: Table) -> Iterator[Chunk]:
    """Single lines of a text, each a record of its own, as chunks; ``numbers``: their line in the text.

    ``table``: the header that they stand under, and its match.
    """
    stream = io.StringIO("".join(f"{text}\n" for text in ("header", *texts)), newline="")
    under = _Delimited("utf-8", delimiter, 1, table.header, table.match)
    for chunk in _delimited_chunks(_Lines(stream), under, _Footers(table)):
        chunk.rows = [numbers[line - 2] for line in chunk.rows]
        chunk.refused = [(numbers[line - 2], raw, reason) for line, raw, reason in chunk.refused]
        yield chunk


# ------------------------------------------------------------------ JSON


def _as_text(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


def _flat(record: dict[str, Any], prefix: str = "", depth: int = 0) -> dict[str, Any]:
    """An object with those inside it as columns ``outer.inner``.

    A list of objects that have a ``value`` becomes their values, separated by commas; where they also tell a
    ``location_type``, a column for each type, ``outer[type]``.
    """
    found: dict[str, Any] = {}
    for key, value in record.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict) and depth < MAX_NESTING:
            found.update(_flat(value, f"{name}.", depth + 1))
        elif isinstance(value, list) and value and all(isinstance(v, dict) and "value" in v for v in value):
            if all("location_type" in item for item in value):
                found.update({f"{name}[{item['location_type']}]": item["value"] for item in value})
            else:
                found[name] = ",".join(str(item["value"]) for item in value)
        else:
            found[name] = value
    return found


def _keys(records: Iterable[Any]) -> list[str]:
    names: dict[str, None] = {}
    objects = others = 0
    for record in records:
        if isinstance(record, dict):
            objects += 1
            names.update(dict.fromkeys(_flat(record)))
            if len(names) > MAX_COLUMNS:
                raise UnreadableError(f"more than {MAX_COLUMNS} columns")
        else:
            others += 1
            _require_rows(others, objects)
    return clean_header(list(names))


def _json_row(chunk: Chunk, number: int, raw: str, record: Any, header: dict[str, int]) -> None:
    """``header``: name -> place. A key that stands in no record of the part's beginning refuses its row."""
    if not isinstance(record, dict):
        of_list = f"{len(record)} cells where there are {len(header)} names" if isinstance(record, list) else ""
        chunk.refuse(number, raw, of_list or "not an object")
        return
    cells: list[str | None] = [None] * len(header)
    for key, value in _flat(record).items():
        place = header.get(key.replace("\ufeff", "").strip())
        if place is not None:
            cells[place] = _as_text(value)
        elif value is not None:
            chunk.refuse(number, raw, f"a key that the records before it do not have: {key[:80]!r}")
            return
    if _is_blank(cells):
        return
    if not all(cell is None or _is_unicode(cell) for cell in cells):
        chunk.refuse(number, raw, "a text that holds half a character (a lone surrogate)")
    elif any(cell is not None and "\0" in cell for cell in cells):
        chunk.refuse(number, raw, "a NUL byte")
    else:
        chunk.take(number, cells, raw)


def _json_encoding(recogniser: Recogniser, part: Part) -> str:
    universal = _universal(part)
    if universal is not None:
        return universal
    for encoding in recogniser.encodings:
        if is_plausible(part.open, encoding, alone=True):
            return encoding
    raise UnreadableError("the bytes are neither marked, nor UTF-8, nor what the dialects declare")


def _json_lines(recogniser: Recogniser, part: Part) -> Iterator[Table]:
    encoding = _json_encoding(recogniser, part)

    def lines() -> Iterator[tuple[int, str]]:
        with _text_stream(part.open, encoding) as stream:
            number = 0
            while line := _bounded_line(stream):
                number += 1
                text = line.strip().lstrip("\ufeff")
                if text:
                    yield number, text

    def parse(text: str) -> Any:
        if len(text) >= MAX_LINE:
            return JsonError(f"a line of more than {MAX_LINE >> 20} MiB")
        try:
            return read_json(text)
        except JsonError as error:
            return error

    def first() -> Iterator[Any]:
        weight = 0
        for number, text in lines():
            weight += len(text)
            if number > CHUNK_ROWS or weight > CHUNK_WEIGHT:
                return
            yield parse(text)

    if next(lines(), None) is None:
        raise UnreadableError("no record: every line is empty")
    header = _keys(first())
    if not header:
        raise UnreadableError("no line holds an object")
    match = _matched(recogniser, header)
    places = {name: place for place, name in enumerate(header)}

    def chunks() -> Iterator[Chunk]:
        chunk = Chunk()
        for number, text in lines():
            record = parse(text)
            if isinstance(record, JsonError):
                chunk.refuse(number, text, f"not JSON: {record}")
            else:
                _json_row(chunk, number, text, record, places)
            if chunk.is_full:
                yield chunk
                chunk = Chunk()
        yield chunk

    yield Table(part.label, header, match, chunks(), f"{encoding}, an object a line")


def _named_once(document: Any) -> tuple[list[Any], list[Any]] | None:
    """(names, records) of an answer that names its columns once, as Tushare's do: ``fields`` beside ``items``.

    An item of as many cells as there are names becomes an object; others stay what they are, and are no row.
    """
    levels = [document, *document.values()] if isinstance(document, dict) else []
    for level in levels:
        if not isinstance(level, dict):
            continue
        names, items = level.get("fields"), level.get("items")
        if isinstance(names, list) and isinstance(items, list) and all(isinstance(name, str) for name in names):
            fits = [isinstance(item, list) and len(item) == len(names) for item in items]
            return names, [
                dict(zip(names, item, strict=True)) if fit else item for item, fit in zip(items, fits, strict=True)
            ]
    return None


def _records_of(document: Any) -> list[Any]:
    """The one list of records that an answer wraps, at its top or in its one object; else the document itself.

    Lists beside it that hold no object (messages, errors) are not meant.
    """
    if isinstance(document, list):
        return document
    if isinstance(document, dict):
        for level in (document, *(value for value in document.values() if isinstance(value, dict))):
            lists: list[list[Any]] = [value for value in level.values() if isinstance(value, list)]
            filled = [found for found in lists if any(isinstance(item, dict) for item in found)]
            for candidates in (filled, lists):
                if len(candidates) == 1:
                    return candidates[0]
    return [document]


def _json_records(part: Part, encoding: str) -> tuple[list[str], Callable[[], Iterator[Any]]]:
    """Column names where the document tells them beside its records, and the records, to be read as often as need be.

    A list is streamed, an answer that wraps one is not.
    """
    with _text_stream(part.open, encoding) as stream:
        if is_list(stream):

            def streamed() -> Iterator[Any]:
                with _text_stream(part.open, encoding) as again:
                    yield from list_items(again, MAX_LINE)

            return [], streamed
    with part.open() as whole:
        data = whole.read(MAX_JSON + 1)
    if len(data) > MAX_JSON:
        raise UnreadableError(
            f"a JSON document of more than {MAX_JSON >> 20} MiB that is no list: deliver it as .jsonl, an object a line"
        )
    document = read_json(data.decode(encoding))
    named = _named_once(document)
    if named is not None:
        return clean_header(named[0]), lambda: iter(named[1])
    records = _records_of(document)
    return [], lambda: iter(records)


def _json_document(recogniser: Recogniser, part: Part) -> Iterator[Table]:
    encoding = _json_encoding(recogniser, part)
    try:
        header, records = _json_records(part, encoding)
        header = header or _keys(records())
        if not header:
            if any(True for _ in records()):
                raise UnreadableError("no list of objects")
            raise UnreadableError("an empty list: no header to match")
    except JsonError as error:
        raise UnreadableError(f"not JSON: {error}") from error
    match = _matched(recogniser, header)
    places = {name: place for place, name in enumerate(header)}

    def chunks() -> Iterator[Chunk]:
        chunk = Chunk()
        for number, record in enumerate(records(), start=1):
            _json_row(chunk, number, json.dumps(record, ensure_ascii=False, default=str), record, places)
            if chunk.is_full:
                yield chunk
                chunk = Chunk()
        yield chunk

    yield Table(part.label, header, match, chunks(), f"{encoding}, a JSON document")


def _matched(recogniser: Recogniser, header: list[str]) -> Match:
    try:
        return recogniser.match(header)
    except NoDialectError as error:
        raise UnreadableError(str(error)) from error


# ------------------------------------------------------------------ Parquet

_FEW_CELLS = 1_000_000
_JUDGED_ROWS = 500
_FEW_BYTES = 64 << 20
_MOST_OF_PAGE = 384 << 20
"""What reading a page may hold: its bytes, they decompressed, and of a dictionary once more."""
_PARQUET_ROWS = 1_000
"""Rows asked of Parquet at a time: a dictionary can make megabytes of every cell."""
_PARQUET_BYTES = 8 << 20
"""So much of a large row group at a time, by the mean of its rows ..."""
_UNEVEN_ROWS = 64
"""... and no more rows than these, for a few of them may be what makes it large."""


def _cell_text(value: Any) -> str | None:
    """Text of a typed value as a delimited file would hold it: ISO dates, shortest decimal numbers."""
    if value is None:
        return None
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        if value != value:
            return None
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, dt.datetime):
        at_midnight = value.tzinfo is None and value.time() == dt.time()
        return value.date().isoformat() if at_midnight else value.isoformat(sep=" ")
    if isinstance(value, (dt.date, dt.time)):
        return value.isoformat()
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, bytes):
        return value.decode("utf-8")
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


def _check_parquet(metadata: pq.FileMetaData, size: int) -> None:
    """Refuse what its own footer says to be a bomb: more cells or bytes than a file of that size can hold (R65)."""
    cells = metadata.num_rows * metadata.num_columns
    if cells > _FEW_CELLS and cells > EXPANSION_LIMIT * size:
        raise UnreadableError(
            f"{metadata.num_rows} rows of {metadata.num_columns} columns in {size} bytes, more than {EXPANSION_LIMIT}"
            " cells a byte: not read"
        )
    for group in range(metadata.num_row_groups):
        for place in range(metadata.num_columns):
            column = metadata.row_group(group).column(place)
            expanded = column.total_uncompressed_size
            if expanded > _FEW_BYTES and expanded > EXPANSION_LIMIT * max(column.total_compressed_size, 1):
                raise UnreadableError(
                    f"column {column.path_in_schema} expands to {expanded} bytes, more than {EXPANSION_LIMIT} times its"
                    " size: not read"
                )


def _check_pages(stream: IO[bytes], metadata: pq.FileMetaData) -> None:
    """Refuse a page that cannot be read in parts and is too large as a whole."""
    for group in range(metadata.num_row_groups):
        for place in range(metadata.num_columns):
            column = metadata.row_group(group).column(place)
            if column.total_compressed_size + 2 * column.total_uncompressed_size <= _MOST_OF_PAGE:
                continue
            for page in pages(stream, column):
                copied = page.compressed if column.compression != "UNCOMPRESSED" else 0
                if copied + page.uncompressed * (2 if page.is_dictionary else 1) > _MOST_OF_PAGE:
                    kind = "dictionary" if page.is_dictionary else "page"
                    raise UnreadableError(
                        f"a {kind} of {page.uncompressed >> 20} MiB in column {column.path_in_schema}, row group"
                        f" {group + 1}: write the file with smaller row groups"
                    )


def _parquet(recogniser: Recogniser, part: Part) -> Iterator[Table]:
    stream = _seekable(part)
    try:
        metadata = pq.read_metadata(stream)
        if metadata.num_columns > MAX_COLUMNS:
            raise UnreadableError(f"{metadata.num_columns} columns, more than {MAX_COLUMNS}")
        _check_parquet(metadata, part.size)
        _check_pages(stream, metadata)
        stream.seek(0)
        plain = pq.ParquetFile(stream).schema_arrow
        texts = [item.name for item in plain if pa.types.is_string(item.type) or pa.types.is_binary(item.type)]
        stream.seek(0)
        opened = pq.ParquetFile(stream, read_dictionary=texts, buffer_size=1 << 20)
        spelled = pq.ParquetFile(stream, metadata=opened.metadata, buffer_size=1 << 20)
        header = clean_header(opened.schema_arrow.names)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise UnreadableError(f"not a readable Parquet file: {error}") from error
    match = _matched(recogniser, header)

    def chunks() -> Iterator[Chunk]:
        def numbered() -> Iterator[tuple[Sequence[int], pa.RecordBatch]]:
            number = 1
            for batch in _parquet_batches(opened, spelled):
                yield range(number, number + batch.num_rows), batch
                number += batch.num_rows

        try:
            yield from parquet_chunks(numbered())
        except (pa.ArrowException, OSError, UnicodeDecodeError, OverflowError, ValueError) as error:
            raise UnreadableError(f"Parquet data cannot be read: {error}") from error

    yield Table(part.label, header, match, chunks(), f"Parquet, {metadata.num_rows} rows")


def parquet_chunks(batches: Iterable[tuple[Sequence[int], pa.RecordBatch]]) -> Iterator[Chunk]:
    """Rows of Parquet with their numbers, as chunks. Raises what reading the batches raises."""
    chunk = Chunk()
    for numbers, batch in batches:
        columns = [_column_texts(column) for column in batch.columns]
        for number, cells in zip(numbers, zip(*columns, strict=True), strict=True):
            if _is_blank(cells):
                continue
            if any(isinstance(cell, _NoTextError) for cell in cells):
                chunk.refuse(number, _joined(cells), "a cell of bytes that are no UTF-8 text")
            else:
                chunk.take(number, list(cells), _joined(cells))
            if chunk.is_full:
                yield chunk
                chunk = Chunk()
    yield chunk


def _parquet_batches(opened: pq.ParquetFile, spelled: pq.ParquetFile) -> Iterator[pa.RecordBatch]:
    """The rows in order, few at a time where they are long.

    ``opened`` gives texts as dictionaries, whole with every batch: dear where the row group is large. Then ``spelled``,
    which gives each row its text.
    """
    for place in range(opened.metadata.num_row_groups):
        group = opened.metadata.row_group(place)
        size = sum(group.column(column).total_uncompressed_size for column in range(group.num_columns))
        if size > _FEW_BYTES:
            rows = max(1, min(_PARQUET_BYTES * group.num_rows // size, _UNEVEN_ROWS))
            yield from spelled.iter_batches(batch_size=rows, row_groups=[place])
        else:
            yield from opened.iter_batches(batch_size=_PARQUET_ROWS, row_groups=[place])


class _NoTextError(str):
    """Stands in a row for bytes that are no text, so that the row can be refused and shown."""


def _column_texts(column: pa.Array) -> list[Any]:
    """Texts of a column; equal ones of a dictionary are one object, so that a dictionary costs what it holds."""
    if pa.types.is_dictionary(column.type):
        words = _column_texts(column.dictionary)
        return [None if place is None else words[place] for place in column.indices.to_pylist()]
    if pa.types.is_timestamp(column.type) and column.type.unit == "ns":
        column = column.cast(pa.timestamp("us", tz=column.type.tz), safe=False)
    if pa.types.is_binary(column.type) or pa.types.is_string(column.type):
        column = column.cast(pa.binary())
    try:
        values = column.to_pylist()
    except (OverflowError, ValueError, ArithmeticError):  # a date of no calendar: its text is refused with its row
        values = column.cast(pa.string()).to_pylist()
    found = []
    for value in values:
        try:
            found.append(_cell_text(value))
        except UnicodeDecodeError:
            found.append(_NoTextError(repr(value)[:MAX_RAW_TEXT]))
    return found


def _joined(cells: Iterable[str | None]) -> str:
    return "\t".join("" if cell is None else cell for cell in cells)


def _seekable(part: Part) -> IO[bytes]:
    """The part as a stream that can go back; a member of an archive cannot and is held, so it may not be large."""
    stream = part.open()
    if stream.seekable():
        return stream
    with stream:
        data = stream.read(MAX_HELD + 1)
    if len(data) > MAX_HELD:
        raise UnreadableError(
            f"a {part.format} member of more than {MAX_HELD >> 20} MiB: deliver it outside an archive"
        )
    return io.BytesIO(data)


# ------------------------------------------------------------------ workbooks


def _workbook(recogniser: Recogniser, part: Part) -> Iterator[Table | tuple[str, UnreadableError]]:
    read = sheets(part, _seekable(part))
    found = 0
    for sheet in read:
        label = f"{part.label}#{sheet.title}" if len(read) > 1 else part.label
        tries = _Tries(recogniser)
        matched: tuple[int, list[str], Match] | None = None
        blank = True
        for row in sheet.rows():
            if row.number > HEADER_ROWS:
                break
            cells = [_cell_text(cell) for cell in row.cells]
            blank = blank and _is_blank(cells)
            if row.fault:
                tries.note(UnreadableError(f"row {row.number} can be no header: {row.fault}"))
            if _is_blank(cells) or row.fault:
                continue
            while cells and cells[-1] is None:
                cells.pop()
            try:
                header = clean_header(list(cells))
                matched = row.number, header, recogniser.match(header)
                break
            except (NoDialectError, UnreadableError) as error:
                tries.note(error)
        if blank and matched is None:
            continue
        found += 1
        if matched is None:
            yield label, tries.best or UnreadableError("no row can be a header")
            continue
        table = Table(label, matched[1], matched[2], iter(()), f"sheet {sheet.title!r}", _above(matched[0]))
        table.chunks = _sheet_chunks(sheet, matched[0], matched[1], _Footers(table))
        yield table
    if not found:
        raise UnreadableError("workbook is empty")


def _sheet_chunks(sheet: Sheet, header_row: int, header: list[str], footers: _Footers) -> Iterator[Chunk]:
    width, chunk = len(header), Chunk()
    for row in sheet.rows():
        cells = [_cell_text(cell) for cell in row.cells]
        if row.number <= header_row or (not row.fault and (_is_blank(cells) or footers.holds(cells))):
            continue
        raw = _joined(cells)
        if row.fault:
            chunk.refuse(row.number, raw, row.fault)
        elif not _is_blank(cells[width:]):
            chunk.refuse(row.number, raw, f"{len(cells)} cells where the header has {width}")
        else:
            chunk.take(row.number, (cells + [None] * width)[:width], raw)
        if chunk.is_full:
            yield chunk
            chunk = Chunk()
    yield chunk


def _within_bounds(table: Table, part: Part) -> Table:
    """The table, refused when its text was damaged before it came here, when hardly a record is a row, or when it grows
    beyond what a part of that size may expand to (R65): one shared text or one entry of a dictionary can stand in every
    row."""
    allowed = max(_FEW_BYTES, EXPANSION_LIMIT * part.size)

    def chunks(inner: Iterator[Chunk]) -> Iterator[Chunk]:
        length = refused = taken = 0
        for chunk in inner:
            refused, taken = refused + len(chunk.refused), taken + len(chunk.rows)
            _require_rows(refused, taken)
            if length == 0 and (how := misread("\n".join(chunk.raw[:_JUDGED_ROWS]))):
                raise UnreadableError(f"the text is {how} on its way here: {shorten(chunk.raw[0])[:80]}")
            length += sum(map(len, chunk.raw))
            if length > allowed:
                raise UnreadableError(f"expands to more than {EXPANSION_LIMIT} times its size: not read")
            yield chunk

    table.chunks = chunks(table.chunks)
    return table


def tables(recogniser: Recogniser, part: Part) -> Iterator[Table | tuple[str, UnreadableError]]:
    """The tables that a part holds; a sheet that cannot be taken comes as (label, error) and the others go on.

    Raises ``UnreadableError`` when the part as a whole is refused, also while ``chunks`` are read.
    """
    readers: dict[str, Callable[[Recogniser, Part], Iterator[Table | tuple[str, UnreadableError]]]] = {
        ".csv": _delimited,
        ".tsv": _delimited,
        ".jsonl": _json_lines,
        ".json": _json_document,
        ".parquet": _parquet,
        ".xlsx": _workbook,
        ".xls": _workbook,
    }
    for found in readers[part.format](recogniser, part):
        yield _of_its_kind(_within_bounds(found, part)) if isinstance(found, Table) else found


def _of_its_kind(table: Table) -> Table:
    """The table with those records refused that its dialect knows to be of another kind (``Dialect.only``)."""
    lowered = {name.lower(): place for place, name in enumerate(table.header)}
    kinds = [(name, lowered[name.lower()], kept) for name, kept in table.match.dialect.only if name.lower() in lowered]

    def kept() -> Iterator[Chunk]:
        for chunk in table.chunks:
            left = Chunk(refused=list(chunk.refused))
            for row, cells, raw in zip(chunk.rows, chunk.cells, chunk.raw, strict=True):
                others = [(name, cells[place] or "", of) for name, place, of in kinds if cells[place] not in of]
                if others:
                    name, found, of = others[0]
                    left.refuse(row, raw, f"{name}: found {found[:80]!r}, and only {' or '.join(of)} belongs here")
                else:
                    left.take(row, cells, raw)
            yield left

    return replace(table, chunks=kept()) if kinds else table
