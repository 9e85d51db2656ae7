"""Open troubles and unsent messages, two tables in ``ledger.sqlite``. Written under the run lock alone.

A trouble is what it is about, not when it was seen: kind, subject and reason. One that stays is not told again; one
that is gone is said to be over, unless its subject is still in trouble of that kind for another reason. The messages of
a change are written in its transaction and stay until they are delivered, so a crash or a dead receiver loses none; a
crash between sending and noting it sends one twice.
"""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from orchestration.ingest.ledger import from_micros, to_micros

Kind = Literal["failed run", "refused release", "stale family", "held batch"]
Event = Literal["trouble", "over"]

_TABLES = """
create table if not exists troubles (
    trouble_id integer primary key, kind text not null, subject text not null, reason text not null,
    cause text not null, cure text not null, opened_at integer not null, closed_at integer
);
create unique index if not exists open_troubles on troubles (kind, subject, reason) where closed_at is null;
create table if not exists alert_messages (
    message_id integer primary key, channel text not null, event text not null, troubles text not null,
    title text not null, body text not null, written_at integer not null, sent_at integer,
    attempts integer not null default 0, failure text
);
create index if not exists unsent_messages on alert_messages (channel) where sent_at is null;
"""


@dataclass(frozen=True)
class Trouble:
    """What is wrong. ``kind``, ``subject`` and ``reason`` tell it from others; cause and cure are for people."""

    kind: Kind
    subject: str
    reason: str
    cause: str
    cure: str

    @property
    def identity(self) -> tuple[str, str, str]:
        return self.kind, self.subject, self.reason


@dataclass(frozen=True)
class KnownTrouble:
    """A trouble as it is kept: since when, and until when (None: it is open)."""

    trouble_id: int
    trouble: Trouble
    opened_at: dt.datetime
    closed_at: dt.datetime | None = None

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            **asdict(self.trouble),
            "opened_at": self.opened_at.isoformat(),
            "closed_at": self.closed_at.isoformat() if self.closed_at else None,
        }


@dataclass(frozen=True)
class Text:
    """A message in words: a line, and the lines under it."""

    title: str
    body: str


@dataclass(frozen=True)
class Message:
    """A message to one channel. ``failure``: why the last attempt to send it came to nothing."""

    message_id: int
    channel: str
    event: Event
    text: Text
    written_at: dt.datetime
    attempts: int
    failure: str | None

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {**asdict(self), "written_at": self.written_at.isoformat()}


Write = Callable[[Event, Sequence[KnownTrouble]], list[tuple[Sequence[KnownTrouble], Text]]]
"""Puts troubles that began or ended together into words: messages, each with the troubles that it is about."""


class Troubles:
    """Reads and writes both tables. The file is made on the first write; before it there is no trouble."""

    def __init__(self, ledger: Path) -> None:
        self.path = ledger

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        connection = sqlite3.connect(self.path, timeout=30, isolation_level=None)
        try:
            connection.execute("pragma journal_mode = wal")
            connection.execute("pragma synchronous = full")
            connection.executescript(_TABLES)
            connection.row_factory = sqlite3.Row
            connection.execute("begin immediate")
            try:
                yield connection
            except BaseException:
                connection.execute("rollback")
                raise
            connection.execute("commit")
        finally:
            connection.close()

    def _read(self, sql: str, parameters: Sequence[Any] = ()) -> list[sqlite3.Row]:
        if not self.path.exists():
            return []
        with sqlite3.connect(f"file:{self.path}?mode=ro", uri=True, timeout=30) as connection:
            connection.row_factory = sqlite3.Row
            known = connection.execute("select 1 from sqlite_master where name = 'alert_messages'").fetchall()
            found = connection.execute(sql, parameters).fetchall() if known else []
        connection.close()
        return found

    # -------------------------------------------------------------- reading

    def open_troubles(self) -> list[KnownTrouble]:
        """What is wrong now, the oldest first."""
        return _troubles(self._read("select * from troubles where closed_at is null order by trouble_id"))

    def closed(self, most: int) -> list[KnownTrouble]:
        """The troubles that ended last, the latest first."""
        return _troubles(
            self._read("select * from troubles where closed_at is not null order by closed_at desc limit ?", (most,))
        )

    def unsent(self, channel: str | None = None) -> list[Message]:
        """Messages (to one channel) that have not been delivered, in the order in which they were written."""
        rows = self._read(
            "select * from alert_messages where sent_at is null and channel = coalesce(?, channel) order by message_id",
            (channel,),
        )
        return [_message(row) for row in rows]

    # -------------------------------------------------------------- writing

    def see(
        self,
        judged: Collection[Kind],
        found: Sequence[Trouble],
        now: dt.datetime,
        channels: Sequence[str],
        write: Write,
    ) -> tuple[list[KnownTrouble], list[KnownTrouble]]:
        """Take ``found`` as all that is wrong of the kinds ``judged``; give the troubles that are new and those over.

        What was open, is of a judged kind and not among them is over. The messages to ``channels`` are written in the
        same transaction; a channel that was not there when a trouble began is told of it as long as it is open.
        """
        now_micros = to_micros(now)
        wanted = {trouble.identity: trouble for trouble in found}
        with self._open() as connection:
            before = _troubles(connection.execute("select * from troubles where closed_at is null").fetchall())
            known = {each.trouble.identity: each for each in before}
            for identity, trouble in wanted.items():
                if identity in known:
                    connection.execute(
                        "update troubles set cause = ?, cure = ? where trouble_id = ?",
                        (trouble.cause, trouble.cure, known[identity].trouble_id),
                    )
                else:
                    connection.execute(
                        "insert into troubles (kind, subject, reason, cause, cure, opened_at)"
                        " values (?, ?, ?, ?, ?, ?)",
                        (*identity, trouble.cause, trouble.cure, now_micros),
                    )
            gone = [each for each in before if each.trouble.kind in judged and each.trouble.identity not in wanted]
            connection.executemany(
                "update troubles set closed_at = ? where trouble_id = ?",
                [(now_micros, each.trouble_id) for each in gone],
            )
            rows = connection.execute("select * from troubles where closed_at is null order by trouble_id").fetchall()
            still = _troubles(rows)
            in_trouble = {(each.trouble.kind, each.trouble.subject) for each in still}
            over = [each for each in gone if (each.trouble.kind, each.trouble.subject) not in in_trouble]
            for channel in channels:
                told = _told(connection, channel)
                _add(connection, channel, "trouble", [e for e in still if e.trouble_id not in told], write, now_micros)
                _add(connection, channel, "over", [e for e in over if e.trouble_id in told], write, now_micros)
        return [each for each in still if each.trouble.identity not in known], over

    def sent(self, message: Message, now: dt.datetime) -> None:
        """Note that a message was delivered."""
        with self._open() as connection:
            connection.execute(
                "update alert_messages set sent_at = ?, attempts = attempts + 1, failure = null where message_id = ?",
                (to_micros(now), message.message_id),
            )

    def not_sent(self, message: Message, failure: str) -> None:
        """Note why a message could not be delivered; the next run tries again."""
        with self._open() as connection:
            connection.execute(
                "update alert_messages set attempts = attempts + 1, failure = ? where message_id = ?",
                (failure, message.message_id),
            )


def _told(connection: sqlite3.Connection, channel: str) -> set[int]:
    rows = connection.execute(
        "select troubles from alert_messages where channel = ? and event = 'trouble'", (channel,)
    ).fetchall()
    return {trouble_id for row in rows for trouble_id in json.loads(row["troubles"])}


def _add(
    connection: sqlite3.Connection,
    channel: str,
    event: Event,
    troubles: Sequence[KnownTrouble],
    write: Write,
    now_micros: int,
) -> None:
    connection.executemany(
        "insert into alert_messages (channel, event, troubles, title, body, written_at) values (?, ?, ?, ?, ?, ?)",
        [
            (channel, event, json.dumps([each.trouble_id for each in about]), text.title, text.body, now_micros)
            for about, text in (write(event, troubles) if troubles else [])
        ],
    )


def _troubles(rows: Sequence[sqlite3.Row]) -> list[KnownTrouble]:
    return [
        KnownTrouble(
            row["trouble_id"],
            Trouble(row["kind"], row["subject"], row["reason"], row["cause"], row["cure"]),
            from_micros(row["opened_at"]),
            None if row["closed_at"] is None else from_micros(row["closed_at"]),
        )
        for row in rows
    ]


def _message(row: sqlite3.Row) -> Message:
    return Message(
        row["message_id"],
        row["channel"],
        row["event"],
        Text(row["title"], row["body"]),
        from_micros(row["written_at"]),
        row["attempts"],
        row["failure"],
    )
