"""The words in which a trace is told: conditions on raw tables and on the project's reference lists.

Belongs here: ``Part`` and what every family of marts needs to write one. Does not belong here: any mart.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import duckdb

Key = Mapping[str, Any]
"""Grain columns of a row of a mart, with its values."""

LIST = "reference."
"""A part of this schema names rows of a list of the project (``dbt_project/seeds``), not of a raw table."""


@dataclass(frozen=True)
class Part:
    """Rows of one raw table, or of a reference list, and what they are to the figure.

    ``where`` is a condition on the latest versions known; ``moment``: known at that earlier moment instead of the
    release's. ``required``: without such rows the figure lacks an input.
    """

    table: str
    role: str
    where: str
    values: tuple[Any, ...]
    required: bool = True
    moment: dt.datetime | None = None


Tracer = Callable[[duckdb.DuckDBPyConnection, Key, str], list[Part]]
Gaps = Callable[[duckdb.DuckDBPyConnection, Key, str], list[str]]
"""Sentences: what is missing, estimated or still to come in a figure, beyond parts without rows."""


def one(con: duckdb.DuckDBPyConnection, sql: str, *values: Any) -> Any:
    """The first value of the first row; None without one."""
    row = con.execute(sql, list(values)).fetchone()
    return row[0] if row else None


def column_of(con: duckdb.DuckDBPyConnection, sql: str, *values: Any) -> list[Any]:
    """The first value of every row."""
    return [row[0] for row in con.execute(sql, list(values)).fetchall()]


def listed(name: str, role: str, where: str, *values: Any) -> Part:
    """Rows of a reference list; none of them is no lack."""
    return Part(LIST + name, role, where, values, required=False)


def merged(parts: Iterable[Part], table: str, role: str, required: bool = True) -> list[Part]:
    """The parts of one table as one part under a common role; none when there are none."""
    same = list(dict.fromkeys((part.where, part.values) for part in parts if part.table == table))
    if not same:
        return []
    where = " or ".join(f"({condition})" for condition, _ in same)
    return [Part(table, role, where, tuple(value for _, values in same for value in values), required)]


def named(values: Iterable[Any], most: int = 8) -> str:
    """Some values in words, the number of the others."""
    some = [str(value) for value in values]
    rest = f" and {len(some) - most} more" if len(some) > most else ""
    return ", ".join(some[:most]) + rest
