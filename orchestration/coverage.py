"""What raw tables hold of each trading session. Belongs here: counting. Knows no Dagster."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from orchestration.contracts import CONTRACTS
from orchestration.ingest import Ledger
from orchestration.settings import Settings


@dataclass(frozen=True)
class Session:
    """Rows of one business date: ``rows`` keys, ``versions`` of them, the dialects and the number of files that
    brought them, and when the last was read."""

    day: dt.date
    rows: int
    versions: int
    feeds: tuple[str, ...]
    files: int
    read_at: dt.datetime


def sessions_in(settings: Settings, table: str, first: dt.date, last: dt.date) -> list[Session]:
    """Business dates from ``first`` to ``last`` of which the raw table holds rows, in order."""
    return _sessions(settings, table, "where day between ? and ? group by day order by day", [first, last])


def sessions_read_after(settings: Settings, table: str, moment: dt.datetime, day: dt.date, most: int) -> list[Session]:
    """At most so many business dates in the order in which they were read last, behind the one read at ``moment``."""
    after = "group by day having (read_at, day) > (?, ?) order by read_at, day limit ?"
    return _sessions(settings, table, after, [moment, day, most])


def _sessions(settings: Settings, table: str, which: str, given: Sequence[object]) -> list[Session]:
    contract = CONTRACTS[table]
    if contract.business_date is None:
        raise ValueError(f"{table} has no business date: no session is counted")
    files = Ledger(settings.ledger).raw_files().get(table, [])
    if not files:
        return []
    import duckdb

    key = ", ".join(contract.key)
    with duckdb.connect(":memory:", config={"threads": settings.threads}) as con:
        con.execute("set timezone = 'UTC'")
        rows = con.execute(
            f"select {contract.business_date} as day, count(distinct ({key})), count(*), "
            "list_sort(list_distinct(list(_feed))), count(distinct _file), max(_ingested_at) as read_at "
            f"from read_parquet(?, union_by_name = true) {which}",
            [[str(path) for path in files], *given],
        ).fetchall()
    return [Session(day, found, versions, tuple(feeds), count, at) for day, found, versions, feeds, count, at in rows]
