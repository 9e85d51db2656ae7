"""Plain files straight to Parquet: one DuckDB statement for all files of a layout reads, types and writes.

What it writes is staged beside the raw files under another ending, as if every key stood alone; ``deciding`` looks at
the keys that do not. Lines that are not plain and rows in which something is wrong are given back as they stand.
Does not belong here: which files qualify and how their lines are cut (``blocks``), what a row means (``typing``).
"""

from __future__ import annotations

import shutil
from array import array
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from orchestration.durable import make_folder
from orchestration.ingest.blocks import Layout, Leftover, PlainFile, block_schema, lines_of, read_blocks
from orchestration.ingest.parquet_blocks import read_parquet_blocks, rows_of
from orchestration.ingest.typing import SCRATCH, Typist
from orchestration.sql import quoted

PARQUET_FORMAT = "(format parquet, compression zstd, parquet_version v2, dictionary_size_limit 4000)"
"""Differences instead of dictionaries for what rarely repeats: a third less time to write, a quarter less to store."""

STAGED_ENDING = ".parquet.staged"


@dataclass(frozen=True)
class Source:
    """Provenance of a plain file's rows: ``_file``, ``_batch_id``, ``_feed``."""

    file: str
    batch_id: str
    feed: str


@dataclass
class Staged:
    """Rows of one layout on disk; ``rows``: their number by file; ``bytes``: what they took as text in memory."""

    path: Path
    rows: dict[int, int] = field(default_factory=dict)
    bytes: int = 0


def stage(
    con: duckdb.DuckDBPyConnection,
    typist: Typist,
    files: list[PlainFile],
    sources: dict[int, Source],
    stem: Path,
    leave: Callable[[PlainFile, Leftover], None],
) -> list[Staged]:
    """Write the rows of plain files whose every cell and rule is in order; the other lines go to ``leave``.

    ``con``: of ``typing.connect``, with access to the folder of ``stem``; ``sources`` and the results go by
    ``PlainFile.number``. Raises what reading a file raises, ``GivenUpError`` among it.
    """
    by_layout: dict[Layout, list[PlainFile]] = {}
    for file in files:
        by_layout.setdefault(file.layout, []).append(file)
    staged = []
    for index, (layout, together) in enumerate(by_layout.items()):
        path = stem.with_name(f"{stem.name}-{index}{STAGED_ENDING}")
        staged.append(_stage_layout(con, typist, layout, together, sources, path, leave))
    return staged


def _stage_layout(
    con: duckdb.DuckDBPyConnection,
    typist: Typist,
    layout: Layout,
    files: list[PlainFile],
    sources: dict[int, Source],
    path: Path,
    leave: Callable[[PlainFile, Leftover], None],
) -> Staged:
    by_number = {file.number: file for file in files}
    fed: dict[int, int] = dict.fromkeys(by_number, 0)
    left: dict[int, array[int]] = {}
    size = 0
    failures: list[BaseException] = []

    def take(leftover: Leftover) -> None:
        left.setdefault(leftover.number, array("q")).extend(leftover.lines)
        leave(by_number[leftover.number], leftover)

    def batches() -> Iterator[pa.RecordBatch]:
        nonlocal size
        try:
            read = read_blocks if layout.delimiter else read_parquet_blocks
            for batch in read(layout, files, typist.cleaned, take):
                counts = np.bincount(batch.column("_part").to_numpy())
                for number in np.flatnonzero(counts).tolist():
                    fed[number] += int(counts[number])
                size += batch.nbytes
                yield batch
        except BaseException as error:
            failures.append(error)
            raise

    # A stream tells no number of rows: left to itself DuckDB makes a hash table of the stream, not of the calendar, and
    # writes conversions again into each filter that it moves below them.
    con.execute("set preserve_insertion_order = false")
    con.execute("set disabled_optimizers = 'filter_pushdown,join_order,build_side_probe_side'")
    feed = batches()
    con.register("blocks", pa.RecordBatchReader.from_batches(block_schema(layout), feed))
    con.register("parts", _parts(layout, files, sources))
    statement = typist.plain_statement(layout.match, layout.plain, layout.fixed)
    make_folder(path.parent)
    try:
        con.execute(f"copy ({statement}) to {quoted(str(path))} {PARQUET_FORMAT}")
        # A statement that can hold no row, say for want of a column that its rules need, has read none.
        for _ in feed:
            pass
    except duckdb.Error:
        if failures:
            raise failures[0] from None
        raise
    finally:
        con.unregister("blocks")
        con.unregister("parts")
        con.execute("reset disabled_optimizers")
    staged = Staged(path, dict.fromkeys(by_number, 0), size)
    numbers = {sources[number].file: number for number in by_number}
    listing = f"read_parquet({quoted(str(path))})"
    for name, count in con.execute(f"select _file, count(*) from {listing} group by _file").fetchall():
        staged.rows[numbers[name]] = count
    short = [number for number in by_number if staged.rows[number] < fed[number]]
    for number, done in _lines_done(con, listing, [by_number[n] for n in short], sources, fed, left):
        again = lines_of if layout.delimiter else rows_of
        for leftover in again(by_number[number], _outside(done)):
            leave(by_number[number], leftover)
    return staged


def _lines_done(
    con: duckdb.DuckDBPyConnection,
    listing: str,
    files: list[PlainFile],
    sources: Mapping[int, Source],
    fed: Mapping[int, int],
    left: Mapping[int, array[int]],
) -> Iterator[tuple[int, np.ndarray]]:
    """Of some files, by number, a flag for each line by its number: whether it is staged or was left."""
    if not files:
        return
    sizes = [file.line + fed[file.number] + len(left.get(file.number, ())) for file in files]
    begins = np.cumsum([0, *sizes])
    flags = np.zeros(begins[-1], bool)
    for file, begin in zip(files, begins, strict=False):
        flags[begin + np.array(left.get(file.number, ()), np.int64)] = True
    names = pa.array([sources[file.number].file for file in files], pa.string())
    con.register("short", pa.table({"_file": names, "begin": pa.array(begins[:-1])}))
    for batch in con.sql(f"select begin + _row as place from {listing} join short using (_file)").to_arrow_reader():
        flags[batch.column(0).to_numpy()] = True
    con.unregister("short")
    for file, begin, size in zip(files, begins, sizes, strict=False):
        yield file.number, flags[begin : begin + size]


def _outside(done: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Tells the line numbers that no flag is set for."""
    return lambda rows: ~done[rows]


def _parts(layout: Layout, files: list[PlainFile], sources: dict[int, Source]) -> pa.Table:
    columns = {
        "_part": pa.array([file.number for file in files], pa.int32()),
        "_feed": pa.array([sources[file.number].feed for file in files], pa.string()),
        "_file": pa.array([sources[file.number].file for file in files], pa.string()),
        "_batch_id": pa.array([sources[file.number].batch_id for file in files], pa.string()),
    }
    for place, name in enumerate(layout.fixed):
        columns[f"t_{name}"] = pa.array([file.fixed[place] for file in files], pa.string())
    return pa.table(columns)


def take_out(con: duckdb.DuckDBPyConnection, staged: Staged, files: Mapping[int, str]) -> None:
    """Take the rows of some files, by number and ``_file``, out of a staged file."""
    out = {number: file for number, file in files.items() if staged.rows.pop(number, 0)}
    if not out:
        return
    names = ", ".join(quoted(file) for file in out.values())
    rest = staged.path.with_name(f"rest-{staged.path.name}")
    rows = f"select * from read_parquet({quoted(str(staged.path))}) where _file not in ({names})"
    con.execute(f"copy ({rows}) to {quoted(str(rest))} {PARQUET_FORMAT}")
    rest.replace(staged.path)


def remove_staged(folder: Path) -> None:
    """Delete what a run left behind that did not come to its end."""
    for path in folder.glob(f"*{STAGED_ENDING}"):
        path.unlink()
    shutil.rmtree(folder / SCRATCH, ignore_errors=True)
