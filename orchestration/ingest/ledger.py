"""The ledger: what was read, what became of it. A raw file that it does not name does not exist.

One SQLite file; every table of a run is committed in one transaction after its Parquet files are on disk, so a crash
leaves either all of a table's batches or none, and the next run reads what is missing.
"""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

BATCH_SCHEMA = pa.schema(
    [
        pa.field("batch_id", pa.string(), nullable=False),
        pa.field("table_name", pa.string(), nullable=False),
        pa.field("file", pa.string(), nullable=False),
        pa.field("sha256", pa.string(), nullable=False),
        pa.field("dialect", pa.string()),
        pa.field("rows_landed", pa.int64(), nullable=False),
        pa.field("rows_accepted", pa.int64(), nullable=False),
        pa.field("rows_quarantined", pa.int64(), nullable=False),
        pa.field("rows_repeated", pa.int64(), nullable=False),
        pa.field("ingested_at", pa.timestamp("us", tz="UTC"), nullable=False),
        pa.field("unknown_columns", pa.string()),
        pa.field("warnings", pa.string()),
    ]
)

QUARANTINE_SCHEMA = pa.schema(
    [
        pa.field("batch_id", pa.string(), nullable=False),
        pa.field("table_name", pa.string(), nullable=False),
        pa.field("file", pa.string(), nullable=False),
        pa.field("row_number", pa.int64()),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("raw_text", pa.string()),
    ]
)

_TABLES = """
create table if not exists files (
    name text not null, size integer not null, mtime_ns integer not null, sha256 text not null,
    primary key (name, sha256)
);
create table if not exists batches (
    batch_id text primary key, table_name text not null, file text not null, sha256 text not null, dialect text,
    rows_landed integer not null, rows_accepted integer not null, rows_quarantined integer not null,
    rows_repeated integer not null, ingested_at integer not null, unknown_columns text, warnings text,
    has_raw integer not null, has_quarantine integer not null, latest_knowledge integer
);
create index if not exists batches_by_table on batches (table_name);
"""


def to_micros(moment: dt.datetime) -> int:
    """Microseconds since 1970 UTC."""
    return (moment - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) // dt.timedelta(microseconds=1)


def from_micros(micros: int) -> dt.datetime:
    """The moment of ``to_micros``, in UTC."""
    return dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(microseconds=micros)


@dataclass(frozen=True)
class BatchReport:
    """What became of one landed file, archive member or sheet. Landed = accepted + quarantined + repeated.

    ``refused_whole``: the reason why nothing of it could be read; all counts are 0 then.
    """

    batch_id: str
    table_name: str
    file: str
    sha256: str
    dialect: str | None
    rows_landed: int
    rows_accepted: int
    rows_quarantined: int
    rows_repeated: int
    ingested_at: dt.datetime
    unknown_columns: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    refused_whole: str | None = None
    latest_knowledge: dt.datetime | None = None


@dataclass(frozen=True)
class TableReport:
    """What a run did to one raw table. ``left``: files that the next run reads, with the reason."""

    table: str
    batches: list[BatchReport] = field(default_factory=list)
    left: list[tuple[str, str]] = field(default_factory=list)

    @property
    def rows_landed(self) -> int:
        return sum(batch.rows_landed for batch in self.batches)

    @property
    def rows_accepted(self) -> int:
        return sum(batch.rows_accepted for batch in self.batches)

    @property
    def rows_quarantined(self) -> int:
        return sum(batch.rows_quarantined for batch in self.batches)

    @property
    def rows_repeated(self) -> int:
        return sum(batch.rows_repeated for batch in self.batches)

    @property
    def refused_whole(self) -> list[BatchReport]:
        return [batch for batch in self.batches if batch.refused_whole is not None]


@dataclass(frozen=True)
class FileRecord:
    """A landed file as the ledger knows it."""

    name: str
    size: int
    mtime_ns: int
    sha256: str


class Ledger:
    """Reads and writes ``ledger.sqlite``. Paths given out lie beside it, under ``raw/`` and ``quarantine/``."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._home = path.parent

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        connection = sqlite3.connect(self.path, timeout=30)
        try:
            connection.execute("pragma journal_mode = wal")
            connection.execute("pragma synchronous = full")
            connection.executescript(_TABLES)
            with connection:
                yield connection
        finally:
            connection.close()

    def _query(self, sql: str, parameters: tuple[object, ...] = ()) -> list[tuple]:
        if not self.path.exists():
            return []
        with self._open() as connection:
            return connection.execute(sql, parameters).fetchall()

    # -------------------------------------------------------------- reading

    def files(self) -> dict[str, list[FileRecord]]:
        """Every landed file that was read, by name; more than one where the bytes under a name changed."""
        found: dict[str, list[FileRecord]] = {}
        for row in self._query("select name, size, mtime_ns, sha256 from files order by rowid"):
            found.setdefault(row[0], []).append(FileRecord(*row))
        return found

    def count(self) -> int:
        """How many batches there are."""
        return sum(row[0] for row in self._query("select count(*) from batches"))

    def raw_files(self) -> dict[str, list[Path]]:
        """Committed Parquet files of each raw table, in order of ingestion."""
        found: dict[str, list[Path]] = {}
        rows = self._query("select table_name, batch_id from batches where has_raw = 1 order by rowid")
        for table, batch_id in rows:
            found.setdefault(table, []).append(self._home / "raw" / table / f"{batch_id}.parquet")
        return found

    def quarantine_files(self) -> list[Path]:
        """Committed Parquet files of refused rows, in order of ingestion."""
        rows = self._query("select table_name, batch_id from batches where has_quarantine = 1 order by rowid")
        return [self._home / "quarantine" / table / f"{batch_id}.parquet" for table, batch_id in rows]

    def batches(self) -> pa.Table:
        """One row per landed file, archive member or sheet; see ``BATCH_SCHEMA``."""
        names = list(BATCH_SCHEMA.names)
        rows = self._query(f"select {', '.join(names)} from batches order by rowid")
        columns = list(zip(*rows, strict=True)) if rows else [()] * len(names)
        stored = {"ingested_at": pa.int64()}
        arrays = [
            pa.array(list(column), stored.get(kind.name, kind.type)).cast(kind.type)
            for column, kind in zip(columns, BATCH_SCHEMA, strict=True)
        ]
        return pa.table(arrays, schema=BATCH_SCHEMA)

    def quarantine(self) -> pa.Table:
        """Every refused row and file; see ``QUARANTINE_SCHEMA``."""
        tables = [pq.read_table(path, schema=QUARANTINE_SCHEMA) for path in self.quarantine_files()]
        return pa.concat_tables(tables) if tables else QUARANTINE_SCHEMA.empty_table()

    def knows_since(self, ingested_after: dt.datetime, as_of_after: dt.datetime, as_of_until: dt.datetime) -> bool:
        """Whether a row was accepted after the first moment, or becomes known in (second, third]."""
        rows = self._query(
            "select max(ingested_at > ?), max(coalesce(latest_knowledge, 0) > ?) from batches where has_raw = 1",
            (to_micros(ingested_after), to_micros(as_of_after)),
        )
        if not rows or rows[0][0] is None:
            return False
        newly_accepted, later_known = rows[0]
        if newly_accepted or not later_known:
            return bool(newly_accepted)
        return self._any_known_between(as_of_after, as_of_until)

    def _any_known_between(self, after: dt.datetime, until: dt.datetime) -> bool:
        import pyarrow.compute as pc

        rows = self._query(
            "select table_name, batch_id from batches where has_raw = 1 and latest_knowledge > ?", (to_micros(after),)
        )
        for table, batch_id in rows:
            moments = pq.read_table(self._home / "raw" / table / f"{batch_id}.parquet", columns=["knowledge_at"])
            column = moments.column("knowledge_at")
            inside = pc.and_(pc.greater(column, pa.scalar(after)), pc.less_equal(column, pa.scalar(until)))
            if pc.any(inside).as_py():
                return True
        return False

    # -------------------------------------------------------------- writing

    def commit(
        self, files: Iterable[FileRecord], batches: Iterable[BatchReport], raw: set[str], quarantined: set[str]
    ) -> None:
        """Make batches and the files they came from part of the warehouse, all or none.

        ``raw`` and ``quarantined`` hold the ids of batches whose Parquet files have been written.
        """
        with self._open() as connection:
            connection.executemany(
                "insert into files values (?, ?, ?, ?)"
                " on conflict (name, sha256) do update set size = excluded.size, mtime_ns = excluded.mtime_ns",
                [(f.name, f.size, f.mtime_ns, f.sha256) for f in files],
            )
            connection.executemany(
                f"insert into batches values ({', '.join('?' * 15)})",
                [
                    (
                        b.batch_id,
                        b.table_name,
                        b.file,
                        b.sha256,
                        b.dialect,
                        b.rows_landed,
                        b.rows_accepted,
                        b.rows_quarantined,
                        b.rows_repeated,
                        to_micros(b.ingested_at),
                        ", ".join(b.unknown_columns) or None,
                        "; ".join(b.warnings) or None,
                        b.batch_id in raw,
                        b.batch_id in quarantined,
                        None if b.latest_knowledge is None else to_micros(b.latest_knowledge),
                    )
                    for b in batches
                ],
            )

    def remove_orphans(self, table: str) -> None:
        """Delete the Parquet files of a table that no committed batch names: a crash left them before its commit."""
        named = {*self.raw_files().get(table, ()), *self.quarantine_files()}
        for folder in ("raw", "quarantine"):
            for path in (self._home / folder / table).glob("*.parquet"):
                if path not in named:
                    path.unlink()
