"""Parts to records: text cells with their line, whatever the format.

Every reader yields ``Chunk``s: cells as text as delivered, the row number that a person would look up, and the raw
text. Records that cannot be a row of the header (wrong number of cells, a cell too long) are told apart here; what
the cells mean is decided in ``typing``.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import warnings
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.dialects import NoDialectError, dialects_of, match_header
from orchestration.dialects.base import Match
from orchestration.ingest.decoding import is_plausible, universal_encoding
from orchestration.ingest.files import Part, UnreadableError, check_workbook

CHUNK_ROWS = 50_000
MAX_COLUMNS = 2_000
MAX_CELL = 1 << 20
MAX_LINE = 16 << 20
MAX_RAW_TEXT = 4_000
MAX_JSON = 256 << 20
MAX_NESTING = 8
HEADER_ROWS_OF_SHEET = 20
DELIMITERS = {".csv": (",", "\t", ";"), ".tsv": ("\t",)}
MAX_LINES_OF_RECORD = 10_000
_RESTARTS = 1_000

csv.field_size_limit(2**31 - 1)


@dataclass
class Chunk:
    """Up to ``CHUNK_ROWS`` records: ``cells[i]`` belongs to line ``rows[i]`` with ``raw[i]`` as it stands in the file.

    ``refused``: (row number, raw text, reason) of records that are no row of the header.
    """

    rows: list[int] = field(default_factory=list)
    cells: list[list[str | None]] = field(default_factory=list)
    raw: list[str] = field(default_factory=list)
    refused: list[tuple[int, str, str]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.rows) + len(self.refused)


@dataclass
class Table:
    """One table of a part (the whole part, or one sheet): its header matched, its records still to be read."""

    label: str
    header: list[str]
    match: Match
    chunks: Iterator[Chunk]


def shorten(text: str) -> str:
    """Raw text cut to what a person can read in a quarantine line."""
    return text if len(text) <= MAX_RAW_TEXT else f"{text[:MAX_RAW_TEXT]}… ({len(text)} characters in all)"


def clean_header(cells: list[Any]) -> list[str]:
    """Header cells trimmed and free of a byte-order mark; refuses a repeated name and too many columns (R60, R67)."""
    if len(cells) > MAX_COLUMNS:
        raise UnreadableError(f"{len(cells)} columns, more than {MAX_COLUMNS}")
    header = [("" if cell is None else str(cell)).replace("\ufeff", "").strip() for cell in cells]
    lowered = [name.lower() for name in header if name]
    twice = sorted({name for name in lowered if lowered.count(name) > 1}) if len(set(lowered)) < len(lowered) else []
    if twice:
        raise UnreadableError(f"header names a column twice: {', '.join(map(repr, twice))}")
    return header


def _is_blank(cells: list[Any]) -> bool:
    return all(cell is None or not str(cell).strip() for cell in cells)


# ------------------------------------------------------------------ delimited text


class _Lines:
    """Physical lines of a text stream that remembers those of the record being read."""

    def __init__(self, stream: io.TextIOBase) -> None:
        self._stream = stream
        self._queued: deque[str] = deque()
        self.taken: list[str] = []
        self.line = 0

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        text = self._queued.popleft() if self._queued else self._read()
        if not text:
            raise StopIteration
        self.taken.append(text)
        self.line += 1
        if len(self.taken) > MAX_LINES_OF_RECORD:
            raise _RunawayQuoteError
        return text

    def _read(self) -> str:
        """The next line; of one longer than any row may be, its beginning, so that memory stays small."""
        text = self._stream.readline(MAX_LINE)
        if len(text) == MAX_LINE and not text.endswith(("\n", "\r")):
            while (more := self._stream.readline(MAX_LINE)) and not more.endswith(("\n", "\r")):
                pass
            text += "\n"
        return text

    def give_back_all_but_first(self) -> None:
        self._queued.extendleft(reversed(self.taken[1:]))
        self.line -= len(self.taken) - 1
        self.taken = self.taken[:1]


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
        lines.taken = []
        first = lines.line + 1
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


def _text_stream(opened: Callable[[], BinaryIO], encoding: str) -> io.TextIOWrapper:
    return io.TextIOWrapper(opened(), encoding=encoding, errors="strict", newline="")


def _first_record(opened: Callable[[], BinaryIO], encoding: str, delimiter: str) -> list[str]:
    with _text_stream(opened, encoding) as stream:
        for cells in csv.reader(_Lines(stream), delimiter=delimiter):
            if not _is_blank(list(cells)):
                return clean_header(list(cells))
    return []


def _delimited_match(table: str, part: Part) -> tuple[str, str, list[str], Match]:
    universal = universal_encoding(part.open)
    if universal is not None:
        tried: list[tuple[str, str | None]] = [(universal, None)]
    else:
        declared = list(dict.fromkeys(e for dialect in dialects_of(table) for e in dialect.encodings))
        tried = [(encoding, encoding) for encoding in declared]
    errors: list[str] = []
    empty = True
    for encoding, declared_by in tried:
        if declared_by is not None and not is_plausible(part.open, encoding, alone=True):
            continue
        for delimiter in DELIMITERS[part.format]:
            try:
                header = _first_record(part.open, encoding, delimiter)
            except (UnicodeError, csv.Error, _RunawayQuoteError) as error:
                errors.append(f"header cannot be read as {encoding}: {error}")
                continue
            if not header:
                continue
            empty = False
            try:
                match = match_header(table, header, declared_by)
            except NoDialectError as error:
                errors.append(str(error))
                continue
            beside = len(match.dialect.encodings) == 1
            if declared_by is not None and not is_plausible(part.open, encoding, alone=beside):
                continue
            return encoding, delimiter, header, match
    if errors:
        raise UnreadableError(errors[0])
    if empty and universal is not None:
        raise UnreadableError("no header: every line is empty")
    names = ", ".join(encoding for encoding, _ in tried)
    raise UnreadableError(f"the bytes are neither marked, nor UTF-8, nor what the dialects declare ({names})")


def _delimited(table: str, part: Part) -> Iterator[Table]:
    encoding, delimiter, header, match = _delimited_match(table, part)

    def chunks() -> Iterator[Chunk]:
        try:
            with _text_stream(part.open, encoding) as stream:
                yield from _delimited_chunks(_Lines(stream), delimiter, header)
        except UnicodeError as error:
            raise UnreadableError(f"not {encoding} throughout: {error}") from error

    yield Table(part.label, header, match, chunks())


def _delimited_chunks(lines: _Lines, delimiter: str, header: list[str]) -> Iterator[Chunk]:
    width, chunk = len(header), Chunk()
    for cells in csv.reader(lines, delimiter=delimiter):
        lines.taken = []
        if not _is_blank(list(cells)):
            break
    for line, cells, raw, reason in _text_records(lines, delimiter, width):
        if reason:
            chunk.refused.append((line, shorten(raw), reason))
        elif _is_blank(list(cells)):
            continue
        elif len(cells) != width:
            chunk.refused.append((line, shorten(raw), f"{len(cells)} cells where the header has {width}"))
        elif len(raw) > MAX_CELL and any(len(cell) > MAX_CELL for cell in cells):
            chunk.refused.append((line, shorten(raw), "a cell of more than 1 MiB"))
        elif "\0" in raw:
            chunk.refused.append((line, shorten(raw.replace("\0", "\\0")), "a NUL byte"))
        else:
            chunk.rows.append(line)
            chunk.cells.append(list(cells))
            chunk.raw.append(raw)
        if len(chunk) >= CHUNK_ROWS:
            yield chunk
            chunk = Chunk()
    yield chunk


def chunks_of_lines(numbers: list[int], texts: list[str], delimiter: str, header: list[str]) -> Iterator[Chunk]:
    """Single lines of a text, each a record of its own, as chunks; ``numbers``: their line in the text."""
    stream = io.StringIO("".join(f"{text}\n" for text in (delimiter.join(["header"] * 2), *texts)), newline="")
    for chunk in _delimited_chunks(_Lines(stream), delimiter, header):
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


class _RepeatedKeyError(ValueError):
    """An object that names one key twice."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _RepeatedKeyError("an object names a key twice")
    return found


def _loads(text: str | bytes) -> Any:
    """JSON with numbers as the text that was delivered."""
    return json.loads(text, parse_float=str, parse_int=str, parse_constant=str, object_pairs_hook=_object)


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


def _keys(records: list[Any]) -> list[str]:
    names: dict[str, None] = {}
    for record in records:
        if isinstance(record, dict):
            names.update(dict.fromkeys(_flat(record)))
    return clean_header(list(names))


def _json_row(chunk: Chunk, number: int, raw: str, record: Any, header: list[str]) -> None:
    if not isinstance(record, dict):
        chunk.refused.append((number, shorten(raw), "not an object"))
        return
    trimmed = {key.replace("\ufeff", "").strip(): value for key, value in _flat(record).items()}
    cells = [_as_text(trimmed.get(name)) for name in header]
    if _is_blank(cells):
        return
    if any(cell is not None and len(cell) > MAX_CELL for cell in cells):
        chunk.refused.append((number, shorten(raw), "a cell of more than 1 MiB"))
    elif any(cell is not None and "\0" in cell for cell in cells):
        chunk.refused.append((number, shorten(raw), "a NUL byte"))
    else:
        chunk.rows.append(number)
        chunk.cells.append(cells)
        chunk.raw.append(raw)


def _json_encoding(table: str, part: Part) -> str:
    universal = universal_encoding(part.open)
    if universal is not None:
        return universal
    for encoding in dict.fromkeys(e for dialect in dialects_of(table) for e in dialect.encodings):
        if is_plausible(part.open, encoding, alone=True):
            return encoding
    raise UnreadableError("the bytes are neither marked, nor UTF-8, nor what the dialects declare")


def _json_lines(table: str, part: Part) -> Iterator[Table]:
    encoding = _json_encoding(table, part)

    def batches() -> Iterator[list[tuple[int, str]]]:
        batch: list[tuple[int, str]] = []
        with _text_stream(part.open, encoding) as stream:
            for number, line in enumerate(stream, start=1):
                text = line.strip().lstrip("\ufeff")
                if text:
                    batch.append((number, text))
                if len(batch) >= CHUNK_ROWS:
                    yield batch
                    batch = []
        yield batch

    def parse(text: str) -> Any:
        try:
            return _loads(text)
        except (ValueError, RecursionError) as error:
            return error

    first = next(batches())
    if not first:
        raise UnreadableError("no record: every line is empty")
    header = _keys([parse(text) for _, text in first])
    if not header:
        raise UnreadableError("no line holds an object")
    match = _matched(table, header)

    def chunks() -> Iterator[Chunk]:
        for batch in batches():
            chunk = Chunk()
            for number, text in batch:
                record = parse(text)
                if isinstance(record, Exception):
                    chunk.refused.append((number, shorten(text), f"not JSON: {record}"))
                else:
                    _json_row(chunk, number, text, record, header)
            yield chunk

    yield Table(part.label, header, match, chunks())


def _records_of(document: Any) -> list[Any]:
    """The one list that an answer wraps, at its top or in its one object; else the document itself."""
    if isinstance(document, list):
        return document
    if isinstance(document, dict):
        for level in (document, *(value for value in document.values() if isinstance(value, dict))):
            lists = [value for value in level.values() if isinstance(value, list)]
            if len(lists) == 1:
                found: list[Any] = lists[0]
                return found
    return [document]


def _json_document(table: str, part: Part) -> Iterator[Table]:
    encoding = _json_encoding(table, part)
    with part.open() as stream:
        data = stream.read(MAX_JSON + 1)
    if len(data) > MAX_JSON:
        raise UnreadableError("JSON of more than 256 MiB: deliver it as .jsonl, one object a line")
    try:
        document = _loads(data.decode(encoding))
    except (ValueError, RecursionError) as error:
        raise UnreadableError(f"not JSON: {error}") from error
    records = _records_of(document)
    header = _keys(records)
    if not header:
        if records:
            raise UnreadableError("no list of objects")
        raise UnreadableError("an empty list: no header to match")
    match = _matched(table, header)

    def chunks() -> Iterator[Chunk]:
        for start in range(0, len(records), CHUNK_ROWS):
            chunk = Chunk()
            for number, record in enumerate(records[start : start + CHUNK_ROWS], start=start + 1):
                raw = json.dumps(record, ensure_ascii=False, default=str)
                _json_row(chunk, number, raw, record, header)
            yield chunk

    yield Table(part.label, header, match, chunks())


def _matched(table: str, header: list[str]) -> Match:
    try:
        return match_header(table, header)
    except NoDialectError as error:
        raise UnreadableError(str(error)) from error


# ------------------------------------------------------------------ Parquet


def _cell_text(value: Any) -> str | None:
    """Text of a typed value as a delimited file would hold it: ISO dates, shortest decimal numbers."""
    if value is None:
        return None
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


def _parquet(table: str, part: Part) -> Iterator[Table]:
    stream = part.open()
    try:
        opened = pq.ParquetFile(stream if stream.seekable() else pa.BufferReader(stream.read()))
        header = clean_header(opened.schema_arrow.names)
    except (pa.ArrowException, OSError) as error:
        raise UnreadableError(f"not a readable Parquet file: {error}") from error
    match = _matched(table, header)

    def chunks() -> Iterator[Chunk]:
        number = 0
        try:
            for batch in opened.iter_batches(batch_size=CHUNK_ROWS):
                columns = [[_cell_text(v) for v in column.to_pylist()] for column in batch.columns]
                chunk = Chunk()
                for cells in zip(*columns, strict=True):
                    number += 1
                    raw = "\t".join("" if c is None else c for c in cells)
                    if _is_blank(list(cells)):
                        continue
                    if any(c is not None and len(c) > MAX_CELL for c in cells):
                        chunk.refused.append((number, shorten(raw), "a cell of more than 1 MiB"))
                    elif "\0" in raw:
                        chunk.refused.append((number, shorten(raw.replace("\0", "\\0")), "a NUL byte"))
                    else:
                        chunk.rows.append(number)
                        chunk.cells.append(list(cells))
                        chunk.raw.append(raw)
                yield chunk
        except (pa.ArrowException, OSError, UnicodeDecodeError, OverflowError, ValueError) as error:
            raise UnreadableError(f"Parquet data cannot be read: {error}") from error

    yield Table(part.label, header, match, chunks())


# ------------------------------------------------------------------ workbooks

_ERROR_VALUES = {"#N/A", "#DIV/0!", "#REF!", "#VALUE!", "#NAME?", "#NUM!", "#NULL!", "#GETTING_DATA"}

SheetRows = Iterator[tuple[int, list[str | None], bool]]


def _xlsx_sheets(part: Part) -> Iterator[tuple[str, Callable[[], SheetRows]]]:
    from openpyxl import load_workbook

    data = io.BytesIO()
    with part.open() as stream:
        while chunk := stream.read(1 << 20):
            data.write(chunk)
    check_workbook(data, data.tell())
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            book = load_workbook(data, read_only=True, data_only=True, keep_links=False)
    except Exception as error:  # openpyxl raises whatever its XML and zip layers raise
        raise UnreadableError(f"not a readable workbook: {type(error).__name__}: {error}") from error
    for sheet in book.worksheets:

        def rows(sheet: Any = sheet) -> SheetRows:
            try:
                sheet.reset_dimensions()
                for number, row in enumerate(sheet.iter_rows(), start=1):
                    cells = [_cell_text(cell.value) for cell in row]
                    damaged = any(getattr(cell, "data_type", "") == "e" for cell in row)
                    yield (getattr(row[0], "row", number) if row else number), cells, damaged
            except UnreadableError:
                raise
            except Exception as error:  # damaged XML surfaces as many types
                raise UnreadableError(f"sheet cannot be read: {type(error).__name__}: {error}") from error

        yield sheet.title, rows


def _xls_sheets(part: Part) -> Iterator[tuple[str, Callable[[], SheetRows]]]:
    import xlrd

    with part.open() as stream:
        data = stream.read()
    try:
        book = xlrd.open_workbook(file_contents=data, logfile=io.StringIO())
    except Exception as error:  # xlrd raises assertion, struct and key errors on damaged files
        raise UnreadableError(f"not a readable .xls workbook: {type(error).__name__}: {error}") from error

    def text(cell: Any) -> str | None:
        if cell.ctype in (xlrd.XL_CELL_EMPTY, xlrd.XL_CELL_BLANK):
            return None
        if cell.ctype == xlrd.XL_CELL_DATE:
            return _cell_text(xlrd.xldate_as_datetime(cell.value, book.datemode))
        if cell.ctype == xlrd.XL_CELL_BOOLEAN:
            return "true" if cell.value else "false"
        return _cell_text(cell.value)

    for sheet in book.sheets():

        def rows(sheet: Any = sheet) -> SheetRows:
            for index in range(sheet.nrows):
                cells = sheet.row(index)
                damaged = any(cell.ctype == xlrd.XL_CELL_ERROR for cell in cells)
                yield index + 1, [None if c.ctype == xlrd.XL_CELL_ERROR else text(c) for c in cells], damaged

        yield sheet.name, rows


def _workbook(table: str, part: Part) -> Iterator[Table | tuple[str, UnreadableError]]:
    sheets = list(_xlsx_sheets(part) if part.format == ".xlsx" else _xls_sheets(part))
    found = 0
    for title, rows in sheets:
        label = f"{part.label}#{title}" if len(sheets) > 1 else part.label
        error: Exception | None = None
        matched: tuple[int, list[str], Match] | None = None
        blank = True
        for looked, (number, cells, _) in enumerate(rows()):
            blank = blank and _is_blank(list(cells))
            if looked >= HEADER_ROWS_OF_SHEET:
                break
            if _is_blank(list(cells)):
                continue
            while cells and cells[-1] is None:
                cells = cells[:-1]
            try:
                header = clean_header(list(cells))
                matched = number, header, match_header(table, header)
                break
            except (NoDialectError, UnreadableError) as caught:
                error = error or caught
        if blank and matched is None:
            continue
        found += 1
        if matched is None:
            yield label, UnreadableError(str(error))
            continue
        yield Table(label, matched[1], matched[2], _sheet_chunks(rows(), matched[0], matched[1]))
    if not found:
        raise UnreadableError("workbook is empty")


def _sheet_chunks(rows: SheetRows, header_row: int, header: list[str]) -> Iterator[Chunk]:
    width, chunk = len(header), Chunk()
    for number, cells, damaged in rows:
        if number <= header_row or (_is_blank(list(cells)) and not damaged):
            continue
        raw = "\t".join("" if cell is None else cell for cell in cells)
        beyond = [cell for cell in cells[width:] if cell is not None and cell.strip()]
        if damaged:
            chunk.refused.append((number, shorten(raw), "a cell holds an error value"))
        elif beyond:
            chunk.refused.append((number, shorten(raw), f"{len(cells)} cells where the header has {width}"))
        elif any(cell is not None and len(cell) > MAX_CELL for cell in cells):
            chunk.refused.append((number, shorten(raw), "a cell of more than 1 MiB"))
        elif "\0" in raw:
            chunk.refused.append((number, shorten(raw.replace("\0", "\\0")), "a NUL byte"))
        else:
            chunk.rows.append(number)
            chunk.cells.append((cells + [None] * width)[:width])
            chunk.raw.append(raw)
        if len(chunk) >= CHUNK_ROWS:
            yield chunk
            chunk = Chunk()
    yield chunk


def tables(table: str, part: Part) -> Iterator[Table | tuple[str, UnreadableError]]:
    """The tables that a part holds; a sheet that cannot be taken comes as (label, error) and the others go on.

    Raises ``UnreadableError`` when the part as a whole is refused.
    """
    if part.format in DELIMITERS:
        yield from _delimited(table, part)
    elif part.format == ".jsonl":
        yield from _json_lines(table, part)
    elif part.format == ".json":
        yield from _json_document(table, part)
    elif part.format == ".parquet":
        yield from _parquet(table, part)
    else:
        yield from _workbook(table, part)
