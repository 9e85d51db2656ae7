"""Delimited text as blocks of columns: which files can be read so, and the reading.

A file qualifies by proof, never by a guess: its bytes are strict UTF-8 without quotes, NUL and carriage returns of
their own, so that a line is a record and a delimiter ends a cell. In its blocks every line is held against the pattern
of a plain line (``plain``); the lines that fit come as columns, the others as they stand, for ``records`` to read.
Does not belong here: what cells mean (``typing``), files that do not qualify (``records``).
"""

from __future__ import annotations

import csv
import hashlib
from codecs import BOM_UTF8, getincrementaldecoder
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import lru_cache
from typing import BinaryIO

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as pacsv

from orchestration.contracts import CONTRACTS
from orchestration.contracts.base import Contract
from orchestration.dialects import STAMP, NoDialectError
from orchestration.dialects.base import CodeStyle, Column, Match
from orchestration.ingest.decoding import misread
from orchestration.ingest.files import LandedFile, Part, UnreadableError, parts
from orchestration.ingest.names import fixed_columns
from orchestration.ingest.plain import PlainCell, plain_cell
from orchestration.ingest.records import DELIMITERS, HEADER_ROWS, Chunk, Recogniser, clean_header

BLOCK_BYTES = 4 << 20
"""Text of one block: large enough to spread the cost of a call over many rows, small enough to hold several."""

LONGEST_LINE = 16 << 10
"""Bytes; a longer line is not plain, so that a few of them among many never come into memory together."""
_LEAST_LINE = 4
"""Bytes of a line on average: no record with a code or a date is shorter."""
_HEAD_BYTES = 1 << 16
_CHUNK = 1 << 20

Cleaner = Callable[[str, Column, pl.Series], pl.Series]


@dataclass(frozen=True)
class Survey:
    """What one pass over a landed file's bytes tells: identity, and whether a line is a record (see the module)."""

    sha256: str
    is_plain: bool
    head: bytes = b""


@dataclass(frozen=True)
class Cells:
    """One contract column (or the stamp) of a layout. ``places``: of its delivered columns, in their order of
    precedence; ``plain``: its form, None where the cells are to be cleaned and read in full."""

    target: str
    columns: tuple[Column, ...]
    places: tuple[int, ...]
    plain: PlainCell | None


@dataclass(frozen=True)
class Layout:
    """What the files of one statement share: header, dialect, forms of the cells, columns told by the path.

    ``delimiter``: "" for Parquet, whose cells come apart.
    """

    delimiter: str
    header: tuple[str, ...]
    match: Match
    cells: tuple[Cells, ...]
    fixed: tuple[str, ...]

    @property
    def plain(self) -> dict[str, PlainCell]:
        return {cells.target: cells.plain for cells in self.cells if cells.plain is not None}

    @property
    def pattern(self) -> str:
        """RE2 of a whole plain line with its end."""
        escaped = r"\t" if self.delimiter == "\t" else self.delimiter
        patterns = [rf'[^\r\n"{escaped}\x00]*'] * len(self.header)
        for cells in self.cells:
            if cells.plain is not None:
                patterns[cells.places[0]] = cells.plain.pattern.replace("{delimiter}", escaped)
        return r"\A" + escaped.join(patterns) + r"\r?\n\z"


@dataclass(frozen=True)
class PlainFile:
    """A file that qualifies. ``number``: its batch in the run; ``line``: number of its first line after the header;
    ``offset``: bytes before that line; ``fixed``: values of the layout's fixed columns."""

    number: int
    part: Part
    layout: Layout
    line: int
    offset: int
    fixed: tuple[str, ...]


@dataclass(frozen=True)
class Leftover:
    """Rows of a file that are not plain: lines of text without their ends, or chunks where it is none."""

    number: int
    lines: list[int]
    texts: list[str]
    chunks: tuple[Chunk, ...] = ()


# ------------------------------------------------------------------ proof


class _Proof:
    """Watches the chunks of a text for what makes a line something else than a record."""

    def __init__(self) -> None:
        self.holds = True
        self._decoder = getincrementaldecoder("utf-8")("strict")
        self._ends_with_return = False

    def watch(self, chunk: bytes) -> None:
        if not self.holds:
            return
        is_whole = len(chunk) == _CHUNK
        ends = chunk.count(b"\n") if is_whole else 1
        # neither lines without an end nor millions of empty ones, of which each would be held
        if ends == 0 or (is_whole and ends > len(chunk) // _LEAST_LINE) or b'"' in chunk or b"\0" in chunk:
            self.holds = False
            return
        if self._ends_with_return and not chunk.startswith(b"\n"):
            self.holds = False
        self._ends_with_return = chunk.endswith(b"\r")
        if b"\r" in chunk and chunk.count(b"\r") - self._ends_with_return != chunk.count(b"\r\n"):
            self.holds = False
        if not chunk.isascii() or self._decoder.getstate()[0]:
            try:
                self._decoder.decode(chunk)
            except UnicodeDecodeError:
                self.holds = False

    def end(self) -> bool:
        return self.holds and not self._ends_with_return and not self._decoder.getstate()[0]


def survey(landed: LandedFile) -> Survey:
    """Read a landed file once: sha256 of its bytes (R14), and the proof where it is delimited text.

    Raises ``OSError`` when the file cannot be opened.
    """
    proof, head, digest = _Proof(), b"", hashlib.sha256()
    is_text = landed.name.lower().endswith(tuple(DELIMITERS)) and landed.size > 0
    proof.holds = is_text
    with landed.path.open("rb") as stream, ExitStack() as stack:
        pool = stack.enter_context(ThreadPoolExecutor(1)) if landed.size > 2 * _CHUNK else None
        hashed: Future[None] | None = None
        while chunk := stream.read(_CHUNK):
            if hashed is not None:
                hashed.result()
            if pool is None:
                digest.update(chunk)
            else:
                # The digest costs as much as all the rest; it leaves the interpreter free.
                hashed = pool.submit(digest.update, chunk)
            proof.watch(chunk)
            head = head or chunk[:_HEAD_BYTES]
        if hashed is not None:
            hashed.result()
    if landed.name.lower().endswith(tuple(f"{ending}.gz" for ending in DELIMITERS)):
        return _survey_expanded(landed, digest.hexdigest())
    return Survey(digest.hexdigest(), proof.end(), head)


def _survey_expanded(landed: LandedFile, sha256: str) -> Survey:
    proof, head = _Proof(), b""
    try:
        for part in parts(landed):
            if not isinstance(part, Part):
                return Survey(sha256, is_plain=False)
            with part.open() as stream:
                while proof.holds and (chunk := stream.read(_CHUNK)):
                    proof.watch(chunk)
                    head = head or chunk[:_HEAD_BYTES]
    except UnreadableError:
        return Survey(sha256, is_plain=False)
    return Survey(sha256, proof.end() and bool(head), head)


def plain_file(number: int, part: Part, contract: Contract, recogniser: Recogniser, seen: Survey) -> PlainFile | None:
    """The part as a file that can be read in blocks, None when it has to be read with all care."""
    if not seen.is_plain or part.format not in DELIMITERS:
        return None
    begin = len(BOM_UTF8) if seen.head.startswith(BOM_UTF8) else 0
    complete = seen.head[: seen.head.rfind(b"\n") + 1]
    if not complete.isascii() and misread(complete.decode(errors="ignore")):
        return None
    lines = complete[begin:].split(b"\n")[:-1]
    for delimiter in DELIMITERS[part.format]:
        for index, line in enumerate(lines):
            text = line.decode()
            if not text.strip() or not text.replace(delimiter, "").strip():
                continue
            found = _header(recogniser, text, delimiter)
            if found is None:
                return None
            header, match = found
            if match is None:
                # Title lines above the header, perhaps: for whoever looks at every line.
                if any(delimiter.encode() in other for other in lines[:HEADER_ROWS]):
                    return None
                break
            if index:
                return None
            try:
                fixed = fixed_columns(match, part, contract)
            except UnreadableError:
                return None
            sample = lines[index + 1].decode().rstrip("\r") if index + 1 < len(lines) else ""
            cells = layout_cells(match, header, contract.name, tuple(sample.split(delimiter)))
            if cells is None:
                return None
            layout = Layout(delimiter, header, match, cells, tuple(fixed))
            offset = begin + sum(len(before) + 1 for before in lines[: index + 1])
            return PlainFile(number, part, layout, index + 2, offset, tuple(fixed.values()))
    return None


@lru_cache(maxsize=256)
def _header(recogniser: Recogniser, line: str, delimiter: str) -> tuple[tuple[str, ...], Match | None] | None:
    """Header cells and their match (None: no dialect knows them); None: the line is refused as a header."""
    try:
        header = clean_header(next(csv.reader([line], delimiter=delimiter)))
        return tuple(header), recogniser.match(header)
    except NoDialectError:
        return (), None
    except (UnreadableError, csv.Error):
        return None


def layout_cells(
    match: Match, header: tuple[str, ...], table: str, sample: tuple[str, ...]
) -> tuple[Cells, ...] | None:
    """The cells of a layout, judged by a sample of each column; None when the dialect needs more than one look."""
    return _cells(match, header, table, tuple(_shape(text) for text in sample))


@lru_cache(maxsize=256)
def _cells(match: Match, header: tuple[str, ...], table: str, sample: tuple[str, ...]) -> tuple[Cells, ...] | None:
    contract = CONTRACTS[table]
    dialect = match.dialect
    if len(match.views) != 1 or dialect.derived_key is not None or dialect.footers or dialect.only:
        return None
    by_target: dict[str, list[Column]] = {}
    for column in (*dialect.columns, *match.views[0].columns):
        by_target.setdefault(column.target, []).append(column)
    if any(c.style is CodeStyle.DERIVED_ID for columns in by_target.values() for c in columns):
        return None
    found = []
    for target, columns in by_target.items():
        places = tuple(header.index(column.source) for column in columns)
        plain = None
        if len(columns) == 1:
            text = sample[places[0]] if places[0] < len(sample) else ""
            field = None if target == STAMP else contract.field(target)
            plain = plain_cell(target, field, columns[0], text, is_key=target in contract.key)
        found.append(Cells(target, tuple(columns), places, plain))
    # A line of empty cells is no row: one cell that cannot be empty tells it from the others.
    if all(cells.plain is None or cells.plain.may_be_empty for cells in found):
        return None
    return tuple(found)


def _shape(text: str) -> str:
    """A sample cell with its figures made equal, so that files of one shape share a layout."""
    if len(text) > 40:
        return "?"
    return "".join("1" if "0" <= c <= "9" else c for c in text)


# ------------------------------------------------------------------ reading


@dataclass(frozen=True)
class _Segment:
    number: int
    line: int
    data: bytes


def _segments(files: list[PlainFile]) -> Iterator[_Segment]:
    """Whole lines of each file after its header, at most about ``BLOCK_BYTES`` at a time."""
    for file in files:
        line = file.line
        with file.part.open() as stream:
            _skip(stream, file.offset)
            rest = b""
            while chunk := stream.read(BLOCK_BYTES):
                chunk = rest + chunk
                cut = chunk.rfind(b"\n") + 1
                rest = chunk[cut:]
                if cut:
                    data = chunk[:cut]
                    yield _Segment(file.number, line, data)
                    line += data.count(b"\n")
            if rest:
                yield _Segment(file.number, line, rest + b"\n")


def _skip(stream: BinaryIO, count: int) -> None:
    while count > 0:
        count -= len(stream.read(min(count, _CHUNK))) or count


def _blocks(files: list[PlainFile]) -> Iterator[list[_Segment]]:
    waiting: list[_Segment] = []
    size = 0
    for segment in _segments(files):
        if waiting and size + len(segment.data) > BLOCK_BYTES:
            yield waiting
            waiting, size = [], 0
        waiting.append(segment)
        size += len(segment.data)
    if waiting:
        yield waiting


def block_schema(layout: Layout) -> pa.Schema:
    """``_part`` (number of the file), ``_row`` (its line) and a text column ``t_<column>`` for each of the layout."""
    texts = [pa.field(f"t_{cells.target}", pa.string()) for cells in layout.cells]
    return pa.schema([pa.field("_part", pa.int32()), pa.field("_row", pa.int64()), *texts])


def _lines(block: list[_Segment]) -> tuple[pa.StringArray, np.ndarray, np.ndarray]:
    """Lines with their ends, the file of each and its number there. The proof has shown that they are UTF-8."""
    data = block[0].data if len(block) == 1 else b"".join(segment.data for segment in block)
    ends = np.flatnonzero(np.frombuffer(data, np.uint8) == 10)
    offsets = np.zeros(len(ends) + 1, np.int32)
    offsets[1:] = ends + 1
    lines = pa.StringArray.from_buffers(len(ends), pa.py_buffer(offsets), pa.py_buffer(data))
    if len(block) == 1:
        numbers = np.full(len(ends), block[0].number, np.int32)
        return lines, numbers, np.arange(block[0].line, block[0].line + len(ends), dtype=np.int64)
    counts = [segment.data.count(b"\n") for segment in block]
    starts = np.cumsum([0, *counts[:-1]])
    first = np.repeat(np.array([segment.line for segment in block], np.int64) - starts, counts)
    numbers = np.repeat(np.array([segment.number for segment in block], np.int32), counts)
    return lines, numbers, first + np.arange(len(ends), dtype=np.int64)


def read_blocks(
    layout: Layout, files: list[PlainFile], cleaned: Cleaner, leave: Callable[[Leftover], None]
) -> Iterator[pa.RecordBatch]:
    """Blocks of plain lines in order of the files, see ``block_schema``; lines that are not plain go to ``leave``.

    ``cleaned``: trims and normalises a column that has no plain form, as for files that are read with care.
    """
    pattern = layout.pattern
    for block in _blocks(files):
        lines, numbers, rows = _lines(block)
        is_plain = pc.match_substring_regex(lines, pattern)
        sizes = np.diff(np.frombuffer(lines.buffers()[1], np.int32)[: len(lines) + 1])
        if len(sizes) and sizes.max() > LONGEST_LINE:
            is_plain = pc.and_(is_plain, pa.array(sizes <= LONGEST_LINE))
        if is_plain.true_count < len(lines):
            kept = is_plain.to_numpy(zero_copy_only=False)
            for leftover in _leftovers(lines.filter(pc.invert(is_plain)), numbers[~kept], rows[~kept]):
                leave(leftover)
            lines, numbers, rows = lines.filter(is_plain), numbers[kept], rows[kept]
        if len(lines):
            yield _columns(layout, lines, numbers, rows, cleaned)


def _leftovers(texts: pa.StringArray, numbers: np.ndarray, rows: np.ndarray) -> Iterator[Leftover]:
    for number in dict.fromkeys(numbers.tolist()):
        of_file = numbers == number
        found = [text.rstrip("\r\n") for text in texts.filter(pa.array(of_file)).to_pylist()]
        yield Leftover(number, rows[of_file].tolist(), found)


def _columns(
    layout: Layout, lines: pa.StringArray, numbers: np.ndarray, rows: np.ndarray, cleaned: Cleaner
) -> pa.RecordBatch:
    begin = lines.offset
    offsets = np.frombuffer(lines.buffers()[1], np.int32)
    data = lines.buffers()[2].slice(offsets[begin], offsets[begin + len(lines)] - offsets[begin])
    names = [f"c{place}" for place in range(len(layout.header))]
    wanted = sorted({place for cells in layout.cells for place in cells.places})
    table = pacsv.read_csv(
        pa.BufferReader(data),
        pacsv.ReadOptions(use_threads=False, column_names=names, block_size=data.size + 1),
        pacsv.ParseOptions(delimiter=layout.delimiter, quote_char=False, double_quote=False),
        pacsv.ConvertOptions(
            check_utf8=False,
            column_types=dict.fromkeys(names, pa.string()),
            strings_can_be_null=False,
            include_columns=[f"c{place}" for place in wanted],
        ),
    )
    columns: list[pa.Array] = [pa.array(numbers), pa.array(rows)]
    for cells in layout.cells:
        texts = [table.column(f"c{place}").combine_chunks() for place in cells.places]
        if cells.plain is not None:
            columns.append(texts[0])
            continue
        name = f"t_{cells.target}"
        series = [
            cleaned(cells.target, column, pl.Series(name, text))
            for column, text in zip(cells.columns, texts, strict=True)
        ]
        whole = series[0] if len(series) == 1 else pl.select(pl.coalesce(series)).to_series()
        columns.append(whole.to_arrow().cast(pa.string()))
    return pa.record_batch(columns, schema=block_schema(layout))


def lines_of(file: PlainFile, wanted: Callable[[np.ndarray], np.ndarray]) -> Iterator[Leftover]:
    """The lines of a file that ``wanted`` chooses out of their numbers."""
    for block in _blocks([file]):
        lines, numbers, rows = _lines(block)
        chosen = wanted(rows)
        if chosen.any():
            yield from _leftovers(lines.filter(pa.array(chosen)), numbers[chosen], rows[chosen])
