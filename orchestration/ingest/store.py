"""Parquet files of ``raw/`` and ``quarantine/``: written, made durable, named.

A run's rows of one table stand in as few files as it takes, one for all its small batches; ``_batch_id`` tells them
apart. A file is complete and on disk before the ledger names it. Does not belong here: what the rows are.
"""

from __future__ import annotations

import datetime as dt
import os
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.contracts.base import Contract
from orchestration.ingest.bulk import PARQUET_FORMAT, Staged
from orchestration.ingest.deciding import Outcome, dated_key, key_range
from orchestration.ingest.ledger import QUARANTINE_SCHEMA, ParquetFile, from_micros
from orchestration.sql import quoted

SORTED_ROWS = 200_000
"""Up to so many rows go into one file in order of date and key; more stay as they were staged."""


@dataclass(frozen=True)
class Stored:
    """A raw file with the number of its rows and their greatest ``knowledge_at`` by batch."""

    file: ParquetFile
    batches: dict[str, tuple[int, dt.datetime]]


def make_durable(path: Path) -> None:
    """Flush a file and its folder's entry to disk."""
    for target, flags in ((path, os.O_RDWR), (path.parent, os.O_RDONLY)):
        opened = os.open(target, flags)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)


def store_raw(
    con: duckdb.DuckDBPyConnection, contract: Contract, staged: list[Staged], outcome: Outcome, stem: Path
) -> list[Stored]:
    """Make raw files of the staged rows that stand alone and of those that were accepted; the staged files go.

    ``stem``: path without ending of the first file.
    """
    if not staged and not outcome.accepted:
        return []
    stem.parent.mkdir(parents=True, exist_ok=True)
    con.register("pulled", pa.table({"_hash": pa.array(outcome.pulled, pa.uint64())}))
    accepted = pa.concat_tables(outcome.accepted) if outcome.accepted else None
    if accepted is not None:
        con.register("accepted", accepted)
    rows = sum(sum(each.rows.values()) for each in staged) + (0 if accepted is None else accepted.num_rows)
    written: list[Path] = []

    def target() -> Path:
        path = stem.with_name(f"{stem.name}{f'-{len(written) + 1}' if written else ''}.parquet")
        written.append(path)
        return path

    sources = [f"select * from read_parquet({quoted(str(each.path))})" for each in staged]
    if len(outcome.pulled):
        sources = [f"{source} anti join pulled on _hash = hash({', '.join(contract.key)})" for source in sources]
    changed = accepted is not None or len(outcome.pulled) > 0
    if rows <= SORTED_ROWS and (changed or len(staged) > 1):
        all_rows = " union all ".join([*sources, *(["select * from accepted"] if accepted is not None else [])])
        order = ", ".join(dict.fromkeys(filter(None, (dated_key(contract), *contract.key))))
        con.execute(f"copy ({all_rows} order by {order}) to {quoted(str(target()))} {PARQUET_FORMAT}")
    else:
        for each, source in zip(staged, sources, strict=True):
            if len(outcome.pulled):
                con.execute(f"copy ({source}) to {quoted(str(target()))} {PARQUET_FORMAT}")
            else:
                each.path.rename(target())
        if accepted is not None:
            con.execute(f"copy accepted to {quoted(str(target()))} {PARQUET_FORMAT}")
    for each in staged:
        each.path.unlink(missing_ok=True)
    con.unregister("pulled")
    if accepted is not None:
        con.unregister("accepted")
    stored = []
    for path in written:
        found = _stored(con, contract, path)
        if found.batches:
            make_durable(path)
            stored.append(found)
        else:
            path.unlink()
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


def store_quarantine(
    path: Path, table: str, refused: list[tuple[str, str, list[tuple[int | None, str, str]]]]
) -> ParquetFile:
    """Write refused lines: (batch id, file, [(row number, raw text, reason)])."""
    lines = [
        (batch_id, table, file, row, reason, raw.encode("utf-8", "backslashreplace").decode())
        for batch_id, file, of_batch in refused
        for row, raw, reason in sorted(of_batch, key=lambda line: (line[0] is None, line[0] or 0))
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = zip(*lines, strict=True)
    arrays = [pa.array(list(column), kind.type) for column, kind in zip(columns, QUARANTINE_SCHEMA, strict=True)]
    pq.write_table(pa.table(arrays, schema=QUARANTINE_SCHEMA), path, compression="zstd")
    make_durable(path)
    return ParquetFile(path, "quarantine", table)
