"""The ledger: what was read, what became of it. A raw file that it does not name does not exist.

One SQLite file; every table of a run is committed in one transaction after its Parquet files are on disk, so a crash
leaves either all of a table's batches or none, and the next run reads what is missing.
"""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
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
create table if not exists parquet_files (
    path text primary key, layer text not null, table_name text not null, first_key text, last_key text,
    latest_knowledge integer
);
create table if not exists batch_columns (batch_id text primary key, columns text not null);
"""

# Ledgers of before wrote a file for each batch, named after it.
_FILES_OF_BATCHES = """
insert or ignore into parquet_files
select 'raw/' || table_name || '/' || batch_id || '.parquet', 'raw', table_name, null, null, latest_knowledge
from batches where has_raw = 1 order by rowid;
insert or ignore into parquet_files
select 'quarantine/' || table_name || '/' || batch_id || '.parquet', 'quarantine', table_name, null, null, null
from batches where has_quarantine = 1 order by rowid;
"""
_VERSION = 1


def to_micros(moment: dt.datetime) -> int:
    """Microseconds since 1970 UTC."""
    return (moment - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) // dt.timedelta(microseconds=1)


def from_micros(micros: int) -> dt.datetime:
    """The moment of ``to_micros``, in UTC."""
    return dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(microseconds=micros)


@dataclass(frozen=True)
class BatchReport:
    """What became of one landed file, archive member or sheet. Landed = accepted + quarantined + repeated.

    ``refused_whole``: the reason why nothing of it could be read; all counts are 0 then. ``columns``: those of the
    file's header that a dialect knows, then the unknown ones; () where no dialect matched.
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
    columns: tuple[str, ...] = ()


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
class RefusedWhole:
    """A landed file, archive member or sheet of which nothing could be read."""

    batch_id: str
    file: str
    ingested_at: dt.datetime


@dataclass(frozen=True)
class FileRecord:
    """A landed file as the ledger knows it."""

    name: str
    size: int
    mtime_ns: int
    sha256: str


@dataclass(frozen=True)
class ParquetFile:
    """A Parquet file of ``raw/`` or ``quarantine/`` (its ``layer``), with the rows of one or more batches of a run.

    ``first_key``, ``last_key``: least and greatest date (or UTC time) of the key as text, None where the key has none
    or the file is older than this note; ``latest_knowledge``: greatest ``knowledge_at``.
    """

    path: Path
    layer: str
    table_name: str
    first_key: str | None = None
    last_key: str | None = None
    latest_knowledge: dt.datetime | None = None

    def may_hold(self, first: str | None, last: str | None) -> bool:
        """Whether a key dated between the two may lie in the file."""
        if self.first_key is None or self.last_key is None or first is None or last is None:
            return True
        return self.first_key <= last and first <= self.last_key


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
            if connection.execute("pragma user_version").fetchone()[0] < _VERSION:
                connection.executescript(f"begin; {_FILES_OF_BATCHES} pragma user_version = {_VERSION}; commit;")
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

    def files(self, table: str | None = None) -> dict[str, list[FileRecord]]:
        """Landed files that were read (of one table's folder), by name; more than one where the bytes under a name
        changed."""
        folder = "" if table is None else f"{table}/"
        rows = self._query(
            "select name, size, mtime_ns, sha256 from files where name >= ? and substr(name, 1, ?) = ? order by rowid",
            (folder, len(folder), folder),
        )
        found: dict[str, list[FileRecord]] = {}
        for row in rows:
            found.setdefault(row[0], []).append(FileRecord(*row))
        return found

    def parquet_files(self, layer: str, table: str | None = None) -> list[ParquetFile]:
        """Committed Parquet files of ``raw`` or ``quarantine`` (of one table), in order of ingestion."""
        rows = self._query(
            "select path, layer, table_name, first_key, last_key, latest_knowledge from parquet_files"
            " where layer = ? and table_name = coalesce(?, table_name) order by rowid",
            (layer, table),
        )
        return [
            ParquetFile(self._home / path, layer, name, first, last, None if latest is None else from_micros(latest))
            for path, layer, name, first, last, latest in rows
        ]

    def count(self) -> int:
        """How many batches there are."""
        return sum(row[0] for row in self._query("select count(*) from batches"))

    def raw_files(self) -> dict[str, list[Path]]:
        """Committed Parquet files of each raw table, in order of ingestion."""
        found: dict[str, list[Path]] = {}
        for file in self.parquet_files("raw"):
            found.setdefault(file.table_name, []).append(file.path)
        return found

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

    def read_between(
        self, first: dt.datetime, last: dt.datetime, apart_from: Sequence[str] = ()
    ) -> list[tuple[str, str, str, dt.datetime, int, tuple[str, ...]]]:
        """(table, dialect, file, moment, rows landed, columns) of batches that were read then, in order of ingestion.

        Without files that no dialect knows, and without those in the folders ``apart_from`` of each table. No columns
        for batches read before they were kept.
        """
        folder = "substr(file, length(table_name) + 2)"
        folder = f"substr({folder}, 1, instr({folder} || '/', '/') - 1)"
        rows = self._query(
            "select table_name, dialect, file, ingested_at, rows_landed, columns from batches"
            " left join batch_columns using (batch_id) where dialect is not null and ingested_at between ? and ?"
            f" and {folder} not in ({', '.join('?' * len(apart_from))}) order by batches.rowid",
            (to_micros(first), to_micros(last), *apart_from),
        )
        return [
            (table, dialect, file, from_micros(moment), count, tuple(json.loads(columns)) if columns else ())
            for table, dialect, file, moment, count, columns in rows
        ]

    def refused_whole(self) -> list[RefusedWhole]:
        """Files, members and sheets of which nothing could be read, in order of ingestion."""
        rows = self._query(
            "select batch_id, file, ingested_at from batches"
            " where rows_landed = 0 and has_quarantine = 1 order by rowid"
        )
        return [RefusedWhole(batch_id, file, from_micros(moment)) for batch_id, file, moment in rows]

    def read_since(self, first: dt.datetime) -> list[tuple[str, dt.datetime]]:
        """(file, moment) of batches that were read since then and not refused whole, in order of ingestion."""
        rows = self._query(
            "select file, ingested_at from batches where ingested_at >= ?"
            " and not (rows_landed = 0 and has_quarantine = 1) order by rowid",
            (to_micros(first),),
        )
        return [(file, from_micros(moment)) for file, moment in rows]

    def reasons(self, batch_ids: Sequence[str]) -> dict[str, str]:
        """Why each of these batches was refused whole."""
        if not batch_ids:
            return {}
        names = self._query(
            f"select distinct table_name from batches where batch_id in ({', '.join('?' * len(batch_ids))})",
            tuple(batch_ids),
        )
        found: dict[str, str] = {}
        for (table,) in names:
            for file in self.parquet_files("quarantine", table):
                lines = pq.read_table(
                    file.path, columns=["batch_id", "reason"], filters=[("batch_id", "in", list(batch_ids))]
                )
                found.update(zip(*(lines.column(name).to_pylist() for name in lines.column_names), strict=True))
        return found

    def quarantine(self) -> pa.Table:
        """Every refused row and file; see ``QUARANTINE_SCHEMA``."""
        tables = [pq.read_table(file.path, schema=QUARANTINE_SCHEMA) for file in self.parquet_files("quarantine")]
        return pa.concat_tables(tables) if tables else QUARANTINE_SCHEMA.empty_table()

    def knows_since(
        self, ingested_after: dt.datetime, as_of_after: dt.datetime, as_of_until: dt.datetime
    ) -> Iterator[str]:
        """Tables of which a row was accepted after the first moment, or becomes known in (second, third]; one by one,
        so that whoever wants to know whether there is any looks no further than the first."""
        rows = self._query(
            "select table_name, max(ingested_at > ?), max(coalesce(latest_knowledge, 0) > ?) from batches"
            " where has_raw = 1 group by table_name order by 2 desc, 1",
            (to_micros(ingested_after), to_micros(as_of_after)),
        )
        for table, newly_accepted, later_known in rows:
            if newly_accepted or (later_known and self._any_known_between(table, as_of_after, as_of_until)):
                yield table

    def _any_known_between(self, table: str, after: dt.datetime, until: dt.datetime) -> bool:
        import pyarrow.compute as pc

        for file in self.parquet_files("raw", table):
            if file.latest_knowledge is not None and file.latest_knowledge <= after:
                continue
            moments = pq.read_table(file.path, columns=["knowledge_at"])
            column = moments.column("knowledge_at")
            inside = pc.and_(pc.greater(column, pa.scalar(after)), pc.less_equal(column, pa.scalar(until)))
            if pc.any(inside).as_py():
                return True
        return False

    # -------------------------------------------------------------- writing

    def commit(
        self, files: Iterable[FileRecord], batches: Iterable[BatchReport], written: Iterable[ParquetFile]
    ) -> None:
        """Make batches, the landed files they came from and the Parquet files written of them part of the warehouse,
        all or none."""
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
                        b.rows_accepted > 0,
                        b.rows_quarantined > 0 or b.refused_whole is not None,
                        None if b.latest_knowledge is None else to_micros(b.latest_knowledge),
                    )
                    for b in batches
                ],
            )
            connection.executemany(
                "insert into batch_columns values (?, ?)",
                [(b.batch_id, json.dumps(b.columns, ensure_ascii=False)) for b in batches if b.columns],
            )
            self._name(connection, written)

    def replace(self, old: Iterable[ParquetFile], new: ParquetFile) -> None:
        """Name ``new``, which holds their rows, in the place of ``old``."""
        with self._open() as connection:
            connection.executemany(
                "delete from parquet_files where path = ?", [(self._relative(file.path),) for file in old]
            )
            self._name(connection, [new])

    def _name(self, connection: sqlite3.Connection, files: Iterable[ParquetFile]) -> None:
        connection.executemany(
            "insert into parquet_files values (?, ?, ?, ?, ?, ?)",
            [
                (
                    self._relative(file.path),
                    file.layer,
                    file.table_name,
                    file.first_key,
                    file.last_key,
                    None if file.latest_knowledge is None else to_micros(file.latest_knowledge),
                )
                for file in files
            ],
        )

    def _relative(self, path: Path) -> str:
        return path.relative_to(self._home).as_posix()

    def remove_orphans(self, table: str) -> None:
        """Delete the files of a table that nothing committed names: a crash left them before its commit."""
        for layer in ("raw", "quarantine"):
            named = {file.path for file in self.parquet_files(layer, table)}
            for path in (self._home / layer / table).glob("*.parquet*"):
                if path not in named:
                    path.unlink()
