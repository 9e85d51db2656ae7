"""Where Dagster notes the events of a run on the command line: its own SQLite files, without a wait for each event.

Dagster's storage opens, commits and closes a file for every event, which makes the disk write several times each; a
run tells some two thousand of them. Here each file stays open until the run ends and lies in the same place, so the
UI shows the run as any other. What a power cut takes are the last lines of a run's log, never a file's order.
Does not belong here: runs that the UI starts, which are watched while they go on and use Dagster's own storage.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from dagster import DagsterInstance
from dagster._core.instance.ref import InstanceRef
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS


class KeptOpenEventLog(SqliteEventLogStorage):
    """Dagster's event log with one connection per file, kept until ``dispose``.

    Dagster asks SQLite for its tables and columns at most of the events; here each is asked for once, as they stay.
    """

    def __init__(self, base_dir: str, inst_data: Any = None) -> None:
        self._kept: dict[str, sa.Connection] = {}
        self._tables: set[str] = set()
        self._asset_columns: dict[str, bool] = {}
        self._open = ExitStack()
        super().__init__(base_dir, inst_data)

    @classmethod
    def from_config_value(cls, inst_data: Any, config_value: Any) -> KeptOpenEventLog:
        return cls(inst_data=inst_data, **config_value)

    def has_table(self, table_name: str) -> bool:
        if table_name not in self._tables and super().has_table(table_name):
            self._tables.add(table_name)
        return table_name in self._tables

    def _has_asset_key_col_on_connection(self, conn: sa.Connection, column_name: str) -> bool:
        if column_name not in self._asset_columns:
            self._asset_columns[column_name] = super()._has_asset_key_col_on_connection(conn, column_name)
        return self._asset_columns[column_name]

    @contextmanager
    def _connect(self, shard: str) -> Iterator[sa.Connection]:
        with self._db_lock:
            if shard not in self._kept:
                self._kept[shard] = self._opened(shard)
            connection = self._kept[shard]
            with connection.begin():
                yield connection

    def _opened(self, shard: str) -> sa.Connection:
        engine = sa.create_engine(
            self.conn_string_for_shard(shard),
            poolclass=sa.StaticPool,
            connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS, "check_same_thread": False},
        )
        sa.event.listen(engine, "connect", _wait_for_checkpoints_only)
        if shard not in self._initialized_dbs:
            self._initdb(engine)
            self._initialized_dbs.add(shard)
        self._open.callback(engine.dispose)
        return self._open.enter_context(engine.connect())

    def delete_events(self, run_id: str) -> None:
        super().delete_events(run_id)
        if connection := self._kept.pop(run_id, None):
            connection.close()
            connection.engine.dispose()

    def dispose(self) -> None:
        self._kept.clear()
        self._open.close()
        super().dispose()


def _wait_for_checkpoints_only(connection: sqlite3.Connection, _: Any) -> None:
    connection.execute("pragma synchronous = normal")


def open_instance(home: Path) -> DagsterInstance:
    """The instance of ``home`` (a folder with ``dagster.yaml``) for one run in this process."""
    event_log = {
        "module": KeptOpenEventLog.__module__,
        "class": KeptOpenEventLog.__name__,
        "config": {"base_dir": str(home / "history" / "runs")},
    }
    return DagsterInstance.from_ref(InstanceRef.from_dir(str(home), overrides={"event_log_storage": event_log}))
