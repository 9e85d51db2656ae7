"""Receipts of fetches: what was asked of a provider, what came, what it came to. Three tables in ``ledger.sqlite``.

A receipt is begun before the first question and grows with every file that has landed, so that a fetch that was cut
short has one too. Belongs here: keeping and finding them. Does not belong here: fetching (``fetching``), judging
(``silence``), what became of the landed rows (``ingest.ledger``).
"""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

from orchestration.ingest.ledger import from_micros, to_micros
from orchestration.providers.delivery import Market

Outcome = Literal["running", "delivered", "empty", "failed"]
Trouble = Literal["refused", "throttled", "unavailable", "malformed", "broken", "interrupted"]

_TABLES = """
create table if not exists fetches (
    fetch_id text primary key, provider text not null, dataset text not null, started_at integer not null,
    ended_at integer, question text not null, since text not null, until text not null, client_version text not null,
    session_market text, outcome text not null, trouble text, message text, cursor integer
);
create index if not exists fetches_by_dataset on fetches (provider, dataset, started_at);
create table if not exists fetched_files (
    fetch_id text not null, number integer not null, table_name text not null, name text not null, is_new integer
    not null, sha256 text not null, bytes integer not null, rows integer not null, page integer not null, total integer,
    repeated integer not null, asked text not null, day text, columns text not null, resume text,
    primary key (fetch_id, number)
);
create table if not exists fetched_controls (
    fetch_id text primary key, name text not null, sha256 text not null, rows integer not null, asked text not null,
    compared integer not null, missing text not null, surplus text not null, failed text
);
"""


@dataclass(frozen=True)
class FetchedFile:
    """One answer. ``name``: path under ``landing/``, empty when it held no record; ``is_new``: False when the same
    bytes lay there already.

    The rest is the ``Delivery``'s.
    """

    table: str
    name: str
    is_new: bool
    sha256: str
    bytes: int
    rows: int
    asked: str
    page: int = 1
    total: int | None = None
    repeated: int = 0
    day: dt.date | None = None
    columns: tuple[str, ...] = ()
    resume: str | None = None


@dataclass(frozen=True)
class Control:
    """A control total that the answer was held against. ``name``: path in the folder of receipts, empty when it held
    nothing.

    The rest is the ``ControlTotal``'s.
    """

    name: str
    sha256: str
    rows: int
    asked: str
    compared: int
    missing: tuple[str, ...]
    surplus: tuple[str, ...]
    failed: str | None


@dataclass(frozen=True)
class Receipt:
    """One fetch of one dataset.

    ``question``: the ``Wanted`` without ``resume``, as plain values. ``trouble``: the kind of failure, if it failed.
    ``session_market``: the dataset's. ``cursor``: moment up to which changes are known, where it follows changes.
    """

    fetch_id: str
    provider: str
    dataset: str
    started_at: dt.datetime
    ended_at: dt.datetime | None
    question: dict[str, Any]
    since: dt.date
    until: dt.date
    client_version: str
    outcome: Outcome
    session_market: Market | None = None
    trouble: Trouble | None = None
    message: str | None = None
    cursor: dt.datetime | None = None
    files: tuple[FetchedFile, ...] = ()
    control: Control | None = None

    @property
    def key(self) -> str:
        return f"{self.provider}.{self.dataset}"

    @property
    def rows(self) -> int:
        return sum(file.rows for file in self.files)

    @property
    def pages(self) -> int:
        return len(self.files)

    @property
    def new_files(self) -> int:
        return sum(file.is_new for file in self.files)

    def as_json(self) -> dict[str, Any]:
        """Plain values; moments in ISO 8601."""
        return {
            "fetch_id": self.fetch_id,
            "dataset": self.key,
            "started_at": self.started_at.isoformat(),
            "ended_at": self.ended_at.isoformat() if self.ended_at else None,
            "since": self.since.isoformat(),
            "until": self.until.isoformat(),
            "question": self.question,
            "client_version": self.client_version,
            "outcome": self.outcome,
            "trouble": self.trouble,
            "message": self.message,
            "cursor": self.cursor.isoformat() if self.cursor else None,
            "rows": self.rows,
            "pages": self.pages,
            "new_files": self.new_files,
            "files": [file.name for file in self.files if file.name],
            "control": None if self.control is None else {"file": self.control.name, "rows": self.control.rows},
        }


class Receipts:
    """Reads and writes the receipts in ``ledger.sqlite`` at ``path``."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        connection = sqlite3.connect(self.path, timeout=30)
        try:
            connection.execute("pragma journal_mode = wal")
            connection.execute("pragma synchronous = full")
            connection.executescript(_TABLES)
            connection.row_factory = sqlite3.Row
            with connection:
                yield connection
        finally:
            connection.close()

    # -------------------------------------------------------------- writing

    def begin(self, receipt: Receipt) -> None:
        """Note that a fetch has begun. Earlier ones of its dataset that never ended were cut short: they say so now."""
        with self._open() as connection:
            connection.execute(
                "update fetches set outcome = 'failed', trouble = 'interrupted', message = ?, ended_at = ?"
                " where provider = ? and dataset = ? and outcome = 'running'",
                (
                    "the fetch was cut short; what had landed stays, the next fetch asks for the rest",
                    to_micros(receipt.started_at),
                    receipt.provider,
                    receipt.dataset,
                ),
            )
            connection.execute(
                f"insert into fetches values ({', '.join('?' * 14)})",
                (
                    receipt.fetch_id,
                    receipt.provider,
                    receipt.dataset,
                    to_micros(receipt.started_at),
                    None,
                    json.dumps(receipt.question, ensure_ascii=False, sort_keys=True),
                    receipt.since.isoformat(),
                    receipt.until.isoformat(),
                    receipt.client_version,
                    receipt.session_market,
                    "running",
                    None,
                    None,
                    None,
                ),
            )

    def add(self, fetch_id: str, number: int, file: FetchedFile, cursor: dt.datetime | None) -> None:
        """Note a landed file, the ``number``-th of its fetch, and how far changes are known with it."""
        with self._open() as connection:
            connection.execute(
                f"insert into fetched_files values ({', '.join('?' * 15)})",
                (
                    fetch_id,
                    number,
                    file.table,
                    file.name,
                    file.is_new,
                    file.sha256,
                    file.bytes,
                    file.rows,
                    file.page,
                    file.total,
                    file.repeated,
                    file.asked,
                    file.day.isoformat() if file.day else None,
                    json.dumps(file.columns, ensure_ascii=False),
                    file.resume,
                ),
            )
            if cursor is not None:
                connection.execute("update fetches set cursor = ? where fetch_id = ?", (to_micros(cursor), fetch_id))

    def add_control(self, fetch_id: str, control: Control) -> None:
        """Note the control total of a fetch, in place of an earlier one."""
        with self._open() as connection:
            connection.execute(
                f"insert or replace into fetched_controls values ({', '.join('?' * 9)})",
                (
                    fetch_id,
                    control.name,
                    control.sha256,
                    control.rows,
                    control.asked,
                    control.compared,
                    json.dumps(control.missing, ensure_ascii=False),
                    json.dumps(control.surplus, ensure_ascii=False),
                    control.failed,
                ),
            )

    def end(
        self, fetch_id: str, ended_at: dt.datetime, outcome: Outcome, trouble: Trouble | None, message: str | None
    ) -> None:
        """Note what a fetch came to."""
        with self._open() as connection:
            connection.execute(
                "update fetches set ended_at = ?, outcome = ?, trouble = ?, message = ? where fetch_id = ?",
                (to_micros(ended_at), outcome, trouble, message, fetch_id),
            )

    # -------------------------------------------------------------- reading

    def of(self, provider: str, dataset: str, most: int, until: dt.datetime | None = None) -> list[Receipt]:
        """The last ``most`` receipts of a dataset, of fetches that began by ``until``, newest first."""
        latest = 2**63 - 1 if until is None else to_micros(until)
        return self._receipts(
            "where provider = ? and dataset = ? and started_at <= ? order by started_at desc, rowid desc limit ?",
            (provider, dataset, latest, most),
        )

    def get(self, fetch_id: str) -> Receipt:
        """One receipt. Raises ``KeyError`` when there is none of that id."""
        found = self._receipts("where fetch_id = ?", (fetch_id,))
        if not found:
            raise KeyError(fetch_id)
        return found[0]

    def fetched(self) -> list[tuple[str, str]]:
        """(provider, dataset) of everything that was ever fetched."""
        if not self.path.exists():
            return []
        with self._open() as connection:
            rows = connection.execute("select distinct provider, dataset from fetches order by provider, dataset")
            return [(row["provider"], row["dataset"]) for row in rows]

    def last_cursor(self, provider: str, dataset: str) -> dt.datetime | None:
        """How far the changes of a dataset are known."""
        if not self.path.exists():
            return None
        with self._open() as connection:
            row = connection.execute(
                "select max(cursor) from fetches where provider = ? and dataset = ?", (provider, dataset)
            ).fetchone()
        return None if row[0] is None else from_micros(row[0])

    def _receipts(self, condition: str, parameters: tuple[object, ...]) -> list[Receipt]:
        if not self.path.exists():
            return []
        with self._open() as connection:
            rows = connection.execute(f"select * from fetches {condition}", parameters).fetchall()
            return [self._receipt(connection, row) for row in rows]

    def _receipt(self, connection: sqlite3.Connection, row: sqlite3.Row) -> Receipt:
        files = connection.execute(
            "select * from fetched_files where fetch_id = ? order by number", (row["fetch_id"],)
        ).fetchall()
        control = connection.execute("select * from fetched_controls where fetch_id = ?", (row["fetch_id"],)).fetchone()
        return Receipt(
            fetch_id=row["fetch_id"],
            provider=row["provider"],
            dataset=row["dataset"],
            started_at=from_micros(row["started_at"]),
            ended_at=None if row["ended_at"] is None else from_micros(row["ended_at"]),
            question=json.loads(row["question"]),
            since=dt.date.fromisoformat(row["since"]),
            until=dt.date.fromisoformat(row["until"]),
            client_version=row["client_version"],
            outcome=cast(Outcome, row["outcome"]),
            session_market=cast("Market | None", row["session_market"]),
            trouble=cast("Trouble | None", row["trouble"]),
            message=row["message"],
            cursor=None if row["cursor"] is None else from_micros(row["cursor"]),
            files=tuple(
                FetchedFile(
                    table=file["table_name"],
                    name=file["name"],
                    is_new=bool(file["is_new"]),
                    sha256=file["sha256"],
                    bytes=file["bytes"],
                    rows=file["rows"],
                    asked=file["asked"],
                    page=file["page"],
                    total=file["total"],
                    repeated=file["repeated"],
                    day=dt.date.fromisoformat(file["day"]) if file["day"] else None,
                    columns=tuple(json.loads(file["columns"])),
                    resume=file["resume"],
                )
                for file in files
            ),
            control=None
            if control is None
            else Control(
                name=control["name"],
                sha256=control["sha256"],
                rows=control["rows"],
                asked=control["asked"],
                compared=control["compared"],
                missing=tuple(json.loads(control["missing"])),
                surplus=tuple(json.loads(control["surplus"])),
                failed=control["failed"],
            ),
        )
