"""Every version of one raw record, with the line it stands on and when it was known: ``sector history``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import duckdb
from rich.console import Console
from rich.table import Table

from orchestration.contracts import CONTRACTS
from orchestration.contracts.base import Contract, Kind
from orchestration.ingest import Ledger
from orchestration.moments import write_moment, write_short
from orchestration.settings import Settings
from orchestration.sql import quoted


class UnknownRecordError(ValueError):
    """No such table, not as many keys as it has, or no such record."""


def _contract(table: str, key: Sequence[str]) -> Contract:
    contract = CONTRACTS.get(table)
    if contract is None:
        raise UnknownRecordError(f"{table!r} is no raw table: one of {', '.join(CONTRACTS)}")
    if len(key) != len(contract.key):
        raise UnknownRecordError(f"{table} is keyed by {' '.join(contract.key)}: {len(key)} given")
    return contract


def versions(settings: Settings, table: str, key: Sequence[str]) -> list[dict[str, Any]]:
    """The versions of a record in the order in which they came into force.

    Each has the contract's columns and the provenance of ``contracts.base.PROVENANCE``. ``key``: texts in the order of
    the contract's key; a time without a zone is market time. Raises ``UnknownRecordError``.
    """
    contract = _contract(table, key)
    files = Ledger(settings.ledger).raw_files().get(table, [])
    where = " and ".join(
        f"{name} = cast(? as timestamptz)"
        if contract.field(name).kind is Kind.TIMESTAMP
        else f"cast({name} as varchar) = ?"
        for name in contract.key
    )
    rows: list[dict[str, Any]] = []
    if files:
        with duckdb.connect(":memory:") as con:
            con.execute("set TimeZone = 'Asia/Shanghai'")
            listing = ", ".join(quoted(str(path)) for path in files)
            cursor = con.execute(
                f"select * from read_parquet([{listing}]) where {where}"
                " order by knowledge_at, _ingested_at, _file, _row",
                list(key),
            )
            names = [column[0] for column in cursor.description]
            rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    if not rows:
        raise UnknownRecordError(f"{table} knows no record {' '.join(key)}: see `sector status` for what landed")
    return rows


def document(settings: Settings, table: str, key: Sequence[str]) -> dict[str, Any]:
    """The versions for machines: moments in ISO 8601, exact numbers as text."""
    plain = [
        {name: write_moment(value) if hasattr(value, "tzinfo") else value for name, value in row.items()}
        for row in versions(settings, table, key)
    ]
    return {"table": table, "key": dict(zip(CONTRACTS[table].key, key, strict=True)), "versions": plain}


def show(settings: Settings, table: str, key: Sequence[str], out: Console) -> None:
    """The versions for people: the first one whole, of later ones what changed."""
    contract, before = _contract(table, key), dict[str, Any]()
    grid = Table(title=f"{table} {' '.join(key)}", box=None, title_justify="left", pad_edge=False)
    for heading in ("known", "by", "figures", "file and row"):
        grid.add_column(heading, overflow="fold")
    for row in versions(settings, table, key):
        changed = {
            name: row[name]
            for name in contract.value_columns
            if name not in before or row[name] != before[name]
            if before or row[name] is not None
        }
        before = row
        figures = "\n".join(f"{name} = {'unknown' if value is None else value}" for name, value in changed.items())
        source = {"stamp": "its stamp", "own_column": "its own column", "rule": "the table's rule"}
        grid.add_row(
            write_short(row["knowledge_at"]),
            source.get(row["_knowledge_source"], "its ingestion"),
            figures or "nothing changed",
            f"{row['_file']}:{row['_row']}",
        )
    out.print(grid)
