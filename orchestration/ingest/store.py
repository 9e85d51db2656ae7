"""Parquet files of ``raw/`` and ``quarantine/``: written, made durable, named.

A run's rows of one table stand in as few files as it takes, one for all its small batches; ``_batch_id`` tells them
apart. A file is complete and on disk before the ledger names it. Does not belong here: what the rows are.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.contracts.base import Contract
from orchestration.durable import make_folder, sync
from orchestration.ingest.bulk import PARQUET_FORMAT, Staged
from orchestration.ingest.deciding import dated_key, key_range
from orchestration.ingest.ledger import QUARANTINE_SCHEMA, ParquetFile, from_micros
from orchestration.ingest.spill import Spill
from orchestration.ingest.typing import MEMORY_LIMIT, SCRATCH
from orchestration.sql import quoted

SORTED_ROWS = 200_000
"""Up to so many rows go into one file in order of date and key; more stay as they were staged."""
SORTED_BYTES = 32 << 20
"""So much of what was accepted at most, where rows are long."""

RefusedLine = tuple[int | None, str, str]
"""Row number, raw text, reason."""

REFUSED_SCHEMA = pa.schema(
    [
        pa.field("_batch_id", pa.string()),
        pa.field("row_number", pa.int64()),
        pa.field("reason", pa.string()),
        pa.field("raw_text", pa.string()),
    ]
)


@dataclass(frozen=True)
class Stored:
    """A raw file with the number of its rows and their greatest ``knowledge_at`` by batch."""

    file: ParquetFile
    batches: dict[str, tuple[int, dt.datetime]]


def row_order(contract: Contract) -> str:
    """Columns in whose order the rows of a file stand: dates are looked for most."""
    return ", ".join(dict.fromkeys(filter(None, (dated_key(contract), *contract.key))))


def store_raw(
    con: duckdb.DuckDBPyConnection,
    contract: Contract,
    staged: list[Staged],
    pulled: np.ndarray,
    accepted: Spill,
    stem: Path,
) -> list[Stored]:
    """Make raw files of the staged rows that stand alone and of those that were accepted; the staged files go.

    ``pulled``: hashes of the staged keys that do not stand alone. ``stem``: path without ending of the first file.
    """
    if not staged and not accepted.rows:
        return []
    make_folder(stem.parent)
    con.register("pulled", pa.table({"_hash": pa.array(pulled, pa.uint64())}))
    accepted.register(con, "accepted")
    rows = sum(sum(each.rows.values()) for each in staged) + accepted.rows
    written: list[Path] = []

    def target() -> Path:
        path = stem.with_name(f"{stem.name}{f'-{len(written) + 1}' if written else ''}.parquet")
        written.append(path)
        return path

    sources = [f"select * from read_parquet({quoted(str(each.path))})" for each in staged]
    if len(pulled):
        sources = [f"{source} anti join pulled on _hash = hash({', '.join(contract.key)})" for source in sources]
    changed = accepted.rows > 0 or len(pulled) > 0
    is_small = rows <= SORTED_ROWS and accepted.bytes <= SORTED_BYTES
    if is_small and (changed or len(staged) > 1):
        all_rows = " union all ".join([*sources, *(["select * from accepted"] if accepted.rows else [])])
        con.execute(f"copy ({all_rows} order by {row_order(contract)}) to {quoted(str(target()))} {PARQUET_FORMAT}")
    else:
        for each, source in zip(staged, sources, strict=True):
            if len(pulled):
                con.execute(f"copy ({source}) to {quoted(str(target()))} {PARQUET_FORMAT}")
            else:
                each.path.rename(target())
        if accepted.is_on_disk:
            accepted.path.rename(target())
        elif accepted.rows:
            con.execute(f"copy (from accepted) to {quoted(str(target()))} {PARQUET_FORMAT}")
    for each in staged:
        each.path.unlink(missing_ok=True)
    con.unregister("pulled")
    stored = []
    for path in written:
        found = _stored(con, contract, path)
        if found.batches:
            sync(path)
            stored.append(found)
        else:
            path.unlink()
    sync(stem.parent)
    return stored


def _stored(con: duckdb.DuckDBPyConnection, contract: Contract, path: Path) -> Stored:
    relation = f"read_parquet({quoted(str(path))})"
    batches = con.execute(
        f"select _batch_id, count(*), epoch_us(max(knowledge_at)) from {relation} group by _batch_id"
    ).fetchall()
    first, last = key_range(con, relation, contract) if batches else (None, None)
    latest = max((micros for _, _, micros in batches), default=None)
    file = ParquetFile(path, "raw", contract.name, first, last, None if latest is None else from_micros(latest))
    return Stored(file, {batch: (count, from_micros(micros)) for batch, count, micros in batches})


def refused_lines(batch_id: str, lines: Sequence[RefusedLine]) -> pa.Table:
    """Refused lines of a batch, see ``REFUSED_SCHEMA``."""
    rows, raw, reasons = zip(*lines, strict=True) if lines else ((), (), ())
    texts = [text.encode("utf-8", "backslashreplace").decode() for text in raw]
    columns = [[batch_id] * len(lines), list(rows), list(reasons), texts]
    arrays = [pa.array(column, kind.type) for column, kind in zip(columns, REFUSED_SCHEMA, strict=True)]
    return pa.table(arrays, schema=REFUSED_SCHEMA)


def store_quarantine(path: Path, table: str, batches: list[tuple[str, str, str | None]], lines: Spill) -> ParquetFile:
    """Write refused lines. ``batches``: (id, file, reason why it is refused whole), in the order of the result; lines
    of other batches, and of those refused whole, do not count."""
    ids, files, reasons = zip(*batches, strict=True)
    listed = pa.table(
        {
            "batch_id": pa.array(ids, pa.string()),
            "file": pa.array(files, pa.string()),
            "whole": pa.array(reasons, pa.string()),
            "place": pa.array(range(len(batches)), pa.int64()),
        }
    )
    make_folder(path.parent)
    scratch = str(lines.path.with_name(SCRATCH))
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": MEMORY_LIMIT,
        "threads": 1,
        "temp_directory": scratch,
    }
    with duckdb.connect(":memory:", config=config) as con:
        con.register("batches", listed)
        lines.register(con, "refused")
        rows = con.sql(
            f"select batch_id, {quoted(table)} as table_name, file, row_number, coalesce(whole, reason) as reason,"
            " coalesce(raw_text, '') as raw_text"
            " from batches left join refused on _batch_id = batch_id and whole is null"
            " order by place, row_number nulls last, reason"
        ).to_arrow_reader(10_000)
        with pq.ParquetWriter(path, QUARANTINE_SCHEMA, compression="zstd") as writer:
            for batch in rows:
                writer.write_batch(batch.cast(QUARANTINE_SCHEMA))
    sync(path)
    sync(path.parent)
    return ParquetFile(path, "quarantine", table)
