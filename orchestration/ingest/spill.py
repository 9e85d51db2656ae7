"""Rows of a run that wait to be written: beyond a bound they wait on disk, so that no file is too large for memory.

Belongs here: the waiting. Does not belong here: what the rows are and what becomes of them.
"""

from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.durable import make_folder
from orchestration.sql import quoted

HELD_BYTES = 16 << 20
"""So much of a spill stays in memory; ordinary files never touch the disk."""

GROUP_BYTES = 16 << 20
"""Size of a row group on disk: readers hold some of them at a time, however long the rows are."""


class Spill:
    """Rows of one schema, in the order in which they came. ``path`` is written when they are many; ``bytes`` is what
    they take in memory."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self.path, self.schema = path, schema
        self.rows = self.bytes = 0
        self._held: list[pa.Table] = []
        self._held_bytes = 0
        self._writer: pq.ParquetWriter | None = None

    @property
    def is_on_disk(self) -> bool:
        """Whether rows have been written to ``path``."""
        return self._writer is not None

    def add(self, rows: pa.Table) -> None:
        """Take rows of the schema; no more after ``register``."""
        if not rows.num_rows:
            return
        self.rows += rows.num_rows
        self._held.append(rows)
        self.bytes += rows.nbytes
        self._held_bytes += rows.nbytes
        if self._held_bytes > HELD_BYTES:
            self._write()

    def _write(self) -> None:
        if self._writer is None:
            make_folder(self.path.parent)
            self._writer = pq.ParquetWriter(self.path, self.schema, compression="zstd")
        for rows in self._held:
            self._writer.write_table(rows, row_group_size=max(1, rows.num_rows * GROUP_BYTES // max(1, rows.nbytes)))
        self._held, self._held_bytes = [], 0
        pa.default_memory_pool().release_unused()

    def register(self, con: duckdb.DuckDBPyConnection, name: str) -> None:
        """Make the view ``name`` of all rows; ``con`` may read the folder of ``path``."""
        if self._writer is None:
            con.register(name, pa.concat_tables(self._held) if self._held else self.schema.empty_table())
            return
        self._write()
        self._writer.close()  # may be closed twice
        con.execute(f"create or replace temp view {name} as select * from read_parquet({quoted(str(self.path))})")
