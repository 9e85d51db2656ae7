"""Landed Parquet as blocks of columns: which files can be read so, and the reading.

A file qualifies when its columns are of types whose text is certain to be the one that ``records`` gives them. In its
blocks every cell is held against its plain form (``plain``); a row with another cell is left to ``records``. What
shows only while the columns are read (bytes that are no text, a damaged page, a long cell) gives the whole file up.
Does not belong here: what cells mean (``typing``), delimited text (``blocks``), other files (``records``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from orchestration.contracts.base import Contract
from orchestration.dialects import NoDialectError
from orchestration.ingest.blocks import (
    LONGEST_LINE,
    Cells,
    Cleaner,
    Layout,
    Leftover,
    PlainFile,
    block_schema,
    layout_cells,
)
from orchestration.ingest.files import EXPANSION_LIMIT, Part, UnreadableError
from orchestration.ingest.names import fixed_columns
from orchestration.ingest.records import Recogniser, Table, parquet_chunks, tables

LEAST_ROWS = 5_000
"""Below, looking at a file costs more than reading its rows one by one."""
BLOCK_ROWS = 65_536
_LARGEST_GROUP = 256 << 20
"""Bytes of a row group, decompressed: no block can hold more than them and what dictionaries repeat."""
_LEAST_EXPANSION = 64 << 20
_FIRST_DAY, _LAST_DAY = -719_162, 2_932_896
"""Days from 1970 of the years 1 and 9999: others are of no calendar."""
_DAY_MICROS = 86_400_000_000
_PLAIN_SCALE = 6
"""A zero of more decimal places than these is spelled with an exponent."""


class GivenUpError(Exception):
    """A file that turns out not to be plain while it is read; ``label``: of its part."""

    def __init__(self, label: str) -> None:
        super().__init__(label)
        self.label = label


def parquet_file(number: int, part: Part, contract: Contract, recogniser: Recogniser) -> PlainFile | None:
    """The part as a file that can be read in blocks, None when it has to be read row by row."""
    try:
        with part.open() as stream:
            metadata = pq.read_metadata(stream)
        groups = [metadata.row_group(place).total_byte_size for place in range(metadata.num_row_groups)]
        if metadata.num_rows < LEAST_ROWS or max(groups) > _LARGEST_GROUP:
            return None
        # The reader of rows judges the file as a whole: its size, its header, whether its text was damaged.
        table = next(tables(recogniser, part))
        if not isinstance(table, Table):
            return None
        chunk = next(table.chunks)
        schema = _opened(part).schema_arrow
        fixed = fixed_columns(table.match, part, contract)
    except (pa.ArrowException, OSError, ValueError, UnreadableError, NoDialectError):
        return None
    if not all(_is_certain(item.type) for item in schema):
        return None
    sample = tuple(next((cell for cell in column if cell), "") for column in zip(*chunk.cells[:500], strict=True))
    cells = layout_cells(table.match, tuple(table.header), contract.name, sample)
    if cells is None or any(each.plain is None and not _is_spelled(each, schema) for each in cells):
        return None
    layout = Layout("", tuple(table.header), table.match, cells, tuple(fixed))
    return PlainFile(number, part, layout, 1, 0, tuple(fixed.values()))


def _opened(part: Part) -> pq.ParquetFile:
    """The file with its texts as dictionaries, so that none is repeated before its length is known."""
    with part.open() as stream:
        plain = pq.ParquetFile(stream).schema_arrow
    texts = [item.name for item in plain if _is_text(item.type)]
    return pq.ParquetFile(part.open(), read_dictionary=texts, buffer_size=1 << 20)


def _is_text(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind)


def _is_certain(kind: pa.DataType) -> bool:
    """Whether the text of every value is that of ``records``, or is of no plain form."""
    if pa.types.is_dictionary(kind):
        return _is_text(kind.value_type)
    if pa.types.is_timestamp(kind):
        return kind.tz is None
    tests = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal128, pa.types.is_boolean, pa.types.is_date32)
    return any(test(kind) for test in tests) and kind != pa.float16()


def _is_spelled(cells: Cells, schema: pa.Schema) -> bool:
    """Whether the texts of columns without a plain form are certain for every value."""

    def is_spelled(kind: pa.DataType) -> bool:
        if pa.types.is_decimal128(kind):
            return 0 <= kind.scale <= _PLAIN_SCALE
        return not pa.types.is_floating(kind) and not pa.types.is_timestamp(kind)

    return all(is_spelled(schema.field(place).type) for place in cells.places)


# ------------------------------------------------------------------ reading


def _batches(file: PlainFile) -> Iterator[tuple[int, pa.RecordBatch]]:
    """Batches with the number of their first row."""
    row = file.line
    try:
        opened = _opened(file.part)
        with opened:
            for batch in opened.iter_batches(batch_size=BLOCK_ROWS, use_threads=False):
                yield row, batch
                row += batch.num_rows
    except (pa.ArrowException, OSError, ValueError) as error:
        raise GivenUpError(file.part.label) from error


def _texts(column: pa.Array) -> pa.StringArray:
    """Texts of the values as ``records`` spells them, where they are of a plain form. Raises ``pa.ArrowInvalid`` for
    what is no text, no day, or too long."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        words = column.dictionary.cast(pa.string())
        words.validate(full=True)
        if (pc.max(pc.binary_length(words)).as_py() or 0) > LONGEST_LINE:
            raise pa.ArrowInvalid("a text that is too long")
        if pc.any(pc.match_substring(words, "\0")).as_py():
            raise pa.ArrowInvalid("a NUL byte")
        return words.take(column.indices)
    if pa.types.is_floating(kind):
        numbers = column.cast(pa.float64())
        # No -0: the reader of rows spells it 0.
        return pc.if_else(pc.is_nan(numbers), pa.scalar(None, pa.string()), pc.add(numbers, 0.0).cast(pa.string()))
    if pa.types.is_date32(kind):
        _require_days(column.cast(pa.int32()), 1)
        return _repeated(column)
    if pa.types.is_timestamp(kind):
        moments = column.cast(pa.timestamp("us"), safe=False)
        micros = moments.cast(pa.int64())
        _require_days(micros, _DAY_MICROS)
        is_midnight = pc.equal(moments, pc.floor_temporal(moments, unit="day"))
        if pc.all(is_midnight, min_count=0).as_py():
            return _repeated(moments.cast(pa.date32()))
        seconds = pc.floor_temporal(moments, unit="second")
        timed = pc.if_else(
            pc.equal(moments, seconds),
            seconds.cast(pa.timestamp("s"), safe=False).cast(pa.string()),
            moments.cast(pa.string()),
        )
        return pc.if_else(
            is_midnight, pc.floor_temporal(moments, unit="day").cast(pa.date32()).cast(pa.string()), timed
        )
    return column.cast(pa.string())


def _repeated(column: pa.Array) -> pa.StringArray:
    encoded = column.dictionary_encode()
    return encoded.dictionary.cast(pa.string()).take(encoded.indices)


def _require_days(values: pa.Array, of_a_day: int) -> None:
    bounds = pc.min_max(values)
    least, most = bounds["min"].as_py(), bounds["max"].as_py()
    if least is not None and (least < _FIRST_DAY * of_a_day or most >= (_LAST_DAY + 1) * of_a_day):
        raise pa.ArrowInvalid("a day of no calendar")


def read_parquet_blocks(
    layout: Layout, files: list[PlainFile], cleaned: Cleaner, leave: Callable[[Leftover], None]
) -> Iterator[pa.RecordBatch]:
    """As ``blocks.read_blocks``, of Parquet. Raises ``GivenUpError``."""
    for file in files:
        length, allowed = 0, max(_LEAST_EXPANSION, EXPANSION_LIMIT * file.part.size)
        for first, batch in _batches(file):
            try:
                texts = [_texts(column) for column in batch.columns]
            except pa.ArrowException as error:
                raise GivenUpError(file.part.label) from error
            length += sum(text.nbytes for text in texts)
            if length > allowed:
                raise GivenUpError(file.part.label)
            rows = np.arange(first, first + batch.num_rows, dtype=np.int64)
            is_plain = np.ones(batch.num_rows, bool)
            for cells in layout.cells:
                if cells.plain is not None:
                    found = texts[cells.places[0]].fill_null("")
                    texts[cells.places[0]] = found
                    pattern = cells.plain.pattern.replace("{delimiter}", r"\t")
                    is_plain &= pc.match_substring_regex(found, rf"\A(?:{pattern})\z").to_numpy(zero_copy_only=False)
            if not is_plain.all():
                leave(_leftover(file, batch, rows, ~is_plain))
                texts, rows = [text.filter(pa.array(is_plain)) for text in texts], rows[is_plain]
            if len(rows):
                yield _columns(layout, file, texts, rows, cleaned)


def _leftover(file: PlainFile, batch: pa.RecordBatch, rows: np.ndarray, chosen: np.ndarray) -> Leftover:
    numbers = rows[chosen].tolist()
    left = batch.filter(pa.array(chosen))
    return Leftover(file.number, numbers, [], tuple(parquet_chunks([(numbers, left)])))


def _columns(
    layout: Layout, file: PlainFile, texts: list[pa.Array], rows: np.ndarray, cleaned: Cleaner
) -> pa.RecordBatch:
    columns: list[pa.Array] = [pa.array(np.full(len(rows), file.number, np.int32)), pa.array(rows)]
    for cells in layout.cells:
        if cells.plain is not None:
            columns.append(texts[cells.places[0]])
            continue
        series = [
            cleaned(cells.target, column, pl.Series(f"t_{cells.target}", texts[place]))
            for column, place in zip(cells.columns, cells.places, strict=True)
        ]
        whole = series[0] if len(series) == 1 else pl.select(pl.coalesce(series)).to_series()
        columns.append(whole.to_arrow().cast(pa.string()))
    return pa.record_batch(columns, schema=block_schema(layout))


def rows_of(file: PlainFile, wanted: Callable[[np.ndarray], np.ndarray]) -> Iterator[Leftover]:
    """The rows of a file that ``wanted`` chooses out of their numbers. Raises ``GivenUpError``."""
    for first, batch in _batches(file):
        rows = np.arange(first, first + batch.num_rows, dtype=np.int64)
        chosen = wanted(rows)
        if chosen.any():
            yield _leftover(file, batch, rows, chosen)
