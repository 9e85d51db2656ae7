"""Small files of ``raw/`` and ``quarantine/`` put together, so that a year of daily runs leaves no thousand of them.

Belongs here: which files, and the order in which files and ledger change: the new file is on disk, whole, before the
ledger names it in place of the others, and those go after that. A run that is killed between leaves files that the
ledger does not name; the table's next reading removes them. Does not belong here: what the rows are; none is added,
changed or lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path

import pyarrow.parquet as pq

from orchestration.contracts import CONTRACTS
from orchestration.contracts.base import Contract
from orchestration.durable import sync
from orchestration.ingest.bulk import PARQUET_FORMAT, STAGED_ENDING, remove_staged
from orchestration.ingest.deciding import key_range
from orchestration.ingest.ledger import QUARANTINE_SCHEMA, Ledger, ParquetFile
from orchestration.ingest.store import row_order
from orchestration.ingest.typing import connect
from orchestration.settings import Settings
from orchestration.sql import quoted, raw_rows

SMALL_BYTES = 4 << 20
"""A file below this is small."""
MOST_SMALL = 32
"""So many small files of a table may lie in a layer; one more, and they become one."""
MERGED_BYTES = 32 << 20
"""So much is put together at a time, which bounds the memory that sorting takes."""


def compact(settings: Settings, table: str) -> int:
    """Put the small files of ``table`` together where there are too many. Gives how many files became one.

    ``table``: a raw table, or the folder of files that belong to none (quarantine alone).
    """
    ledger, merged = Ledger(settings.ledger), 0
    for layer in ("raw", "quarantine"):
        small = _small(ledger.parquet_files(layer, table))
        if not small:
            continue
        # the newest one's name has not been used for a merged file yet
        target = small[-1].path.with_name(f"{small[-1].path.stem}-with-{len(small) - 1}.parquet")
        paths = [file.path for file in small]
        if layer == "raw":
            new = _merge_raw(settings, CONTRACTS[table], paths, target)
        else:
            new = _merge_quarantine(table, paths, target)
        sync(target)
        sync(target.parent)
        ledger.replace(small, new)
        for path in paths:
            path.unlink()
        merged += len(small)
    return merged


def _small(files: Sequence[ParquetFile]) -> list[ParquetFile]:
    """Those to be put together, the oldest first; none while there are few."""
    sizes = [(file, file.path.stat().st_size) for file in files]
    small = [(file, size) for file, size in sizes if size < SMALL_BYTES]
    if len(small) <= MOST_SMALL:
        return []
    totals = accumulate(size for _, size in small)
    return [file for (file, _), total in zip(small, totals, strict=True) if total <= MERGED_BYTES]


def _merge_raw(settings: Settings, contract: Contract, paths: list[Path], target: Path) -> ParquetFile:
    folder = target.parent
    staged = target.with_name(f"{target.stem}{STAGED_ENDING}")
    con = connect(threads=settings.threads, memory_limit=settings.memory_limit, folder=folder)
    try:
        rows = raw_rows(con, paths, contract.arrow_schema())
        order = f"{row_order(contract)}, _ingested_at, _file, _row"
        con.execute(f"copy (select * from {rows} order by {order}) to {quoted(str(staged))} {PARQUET_FORMAT}")
        relation = f"read_parquet({quoted(str(staged))})"
        first, last = key_range(con, relation, contract)
        [(before,)] = con.execute(f"select count(*) from {rows}").fetchall()
        [(after, latest)] = con.execute(f"select count(*), max(knowledge_at) from {relation}").fetchall()
        if before != after:
            raise RuntimeError(f"{target} would hold {after} of {before} rows")
        staged.rename(target)
    finally:
        con.close()
        remove_staged(folder)
    return ParquetFile(target, "raw", contract.name, first, last, latest)


def _merge_quarantine(table: str, paths: list[Path], target: Path) -> ParquetFile:
    with pq.ParquetWriter(target, QUARANTINE_SCHEMA, compression="zstd") as writer:
        for path in paths:
            for batch in pq.ParquetFile(path).iter_batches(10_000):
                writer.write_batch(batch.cast(QUARANTINE_SCHEMA))
    return ParquetFile(target, "quarantine", table)
