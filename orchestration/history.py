"""Every version of one raw record, with the line it stands on and when it was known: ``sector history``.

Belongs here: reading a key as people write it, finding its versions, showing them. Does not belong here: how versions
come about (``ingest.versions``).
"""

from __future__ import annotations

import datetime as dt
import difflib
import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

import duckdb
from rich.console import Console
from rich.text import Text

from orchestration.contracts import CONTRACTS
from orchestration.contracts.base import Contract, Field, Kind
from orchestration.ingest import Ledger
from orchestration.ingest.files import UnreadableError
from orchestration.ingest.names import code_from_names
from orchestration.moments import MARKET_ZONE, read_moment, write_moment
from orchestration.settings import Settings
from orchestration.sql import quoted, raw_rows

_CODES = (Kind.ETF_CODE, Kind.SECURITY_CODE, Kind.INDEX_CODE)
_DAYS = (Kind.DATE, Kind.MARKET_DATE)
_MOST_SHOWN = 5
_SOURCES = {
    "stamp": "by the stamp of its row",
    "own_column": "by a column of its own",
    "rule": "by the rule of its table",
    "ingestion": "because it came in then",
}


class UnknownRecordError(ValueError):
    """No such table, not as many keys as it has, a key that is none, or no such record; says what is near."""


# ------------------------------------------------------------------ what was asked


def _contract(table: str) -> Contract:
    if table in CONTRACTS:
        return CONTRACTS[table]
    close = difflib.get_close_matches(table.lower(), CONTRACTS, n=1, cutoff=0.6)
    meant = f": did you mean {close[0]}?" if close else ":"
    raise UnknownRecordError(f"{table!r} is no raw table{meant} One of {', '.join(CONTRACTS)}")


def _read_key(field: Field, text: str) -> str:
    """A key as the raw tables write it, from what a person or another provider writes: 159567, sz159567, 1801, HSI,
    20250424, 2025/4/24. What cannot be read so stays what it is, and will not be found."""
    text = text.strip()
    if field.kind in _CODES:
        if field.kind is Kind.SECURITY_CODE and re.fullmatch(r"\d{1,4}", text):
            text = text.zfill(5)
        try:
            return code_from_names(field.kind, field.name, (text,))
        except UnreadableError:
            return text.upper() if re.fullmatch(r"[\w.]+", text) else text
    if field.kind in _DAYS:
        found = re.fullmatch(r"(\d{4})[-/.]?(\d{1,2})[-/.]?(\d{1,2})", text)
        try:
            return dt.date(*map(int, found.groups())).isoformat() if found else dt.date.fromisoformat(text).isoformat()
        except ValueError:
            raise UnknownRecordError(f"{field.name}: {text!r} is no date: write 2025-04-24") from None
    if field.kind is Kind.TIMESTAMP:
        try:
            return read_moment(text).astimezone(dt.UTC).isoformat(sep=" ")
        except ValueError as error:
            raise UnknownRecordError(f"{field.name}: {error}") from None
    if field.kind is Kind.CHOICE:
        return next((choice for choice in field.choices if choice.lower() == text.lower()), text)
    return text


def _usage(contract: Contract) -> str:
    return f"sector history {contract.name} {' '.join(name.upper() for name in contract.key)}"


# ------------------------------------------------------------------ what is known


class _Raw:
    """The committed raw files of a table, to be asked for keys."""

    def __init__(self, con: duckdb.DuckDBPyConnection, settings: Settings, contract: Contract, key: Sequence[str]):
        self._con, self._contract = con, contract
        con.execute("set TimeZone = 'UTC'")
        dated = [
            text
            for name, text in zip(contract.key, key, strict=False)
            if contract.field(name).kind in (*_DAYS, Kind.TIMESTAMP)
        ]
        files = Ledger(settings.ledger).parquet_files("raw", contract.name)
        self._all = [file.path for file in files]
        day = dated[0][:10] if dated else None
        # The files note days and moments as text: a day of its own is before all moments in it.
        self._near = [file.path for file in files if file.may_hold(day, None if day is None else f"{day}~")]

    def _matches(self, key: Sequence[str]) -> str:
        conditions = ["true"]
        for name, _ in zip(self._contract.key, key, strict=False):
            is_moment = self._contract.field(name).kind is Kind.TIMESTAMP
            conditions.append(f"{name} = cast(? as timestamptz)" if is_moment else f"cast({name} as varchar) = ?")
        return " and ".join(conditions)

    def rows(self, key: Sequence[str]) -> list[dict[str, Any]]:
        """Versions of a whole key in the order in which they came into force."""
        if not self._near:
            return []
        cursor = self._con.execute(
            f"select * from {raw_rows(self._con, self._near, self._contract.arrow_schema())} where {self._matches(key)}"
            " order by knowledge_at, _ingested_at, _file, _row",
            list(key),
        )
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def values(self, name: str, given: Sequence[str]) -> list[str]:
        """Values of a key column among the records whose first keys are the given ones, in order."""
        if not self._all:
            return []
        listing = ", ".join(quoted(str(path)) for path in self._all)
        text = f"cast({name} as varchar)"
        if self._contract.field(name).kind is Kind.TIMESTAMP:
            text = f"strftime({name} at time zone 'Asia/Shanghai', '%Y-%m-%d %H:%M:%S')"
        source = f"read_parquet([{listing}]) where {self._matches(given)}"
        found = self._con.execute(f"select distinct {text} as value from {source} order by value", list(given))
        return [row[0] for row in found.fetchall()]


def _shown(values: Iterable[str]) -> str:
    some = list(values)
    return ", ".join(some[:_MOST_SHOWN]) + (f" and {len(some) - _MOST_SHOWN} more" if len(some) > _MOST_SHOWN else "")


def _nearest(values: list[str], wanted: str, kind: Kind) -> str:
    """Of the values that there are, those that may have been meant."""
    if not values:
        return "there are none"
    if kind in _DAYS or kind is Kind.TIMESTAMP:
        before, after = [v for v in values if v < wanted], [v for v in values if v > wanted]
        near = [*before[-1:], *after[:1]]
        return f"the nearest {'are' if len(near) > 1 else 'is'} {' and '.join(near)}"
    if len(values) <= _MOST_SHOWN:
        return f"there is {_shown(values)}"
    close = difflib.get_close_matches(wanted, values, n=3, cutoff=0.6)
    digits = re.sub(r"\D", "", wanted).lstrip("0")
    same_digits = [v for v in values if digits and re.sub(r"\D", "", v).lstrip("0") == digits]
    near = list(dict.fromkeys([*same_digits, *close]))
    return f"did you mean {_shown(near)}?" if near else f"there are {len(values)}, such as {_shown(values[:3])}"


def _why_unknown(raw: _Raw, contract: Contract, key: Sequence[str]) -> str:
    """The first part of the key that is not known under those before it, and what is."""
    for place, (name, wanted) in enumerate(zip(contract.key, key, strict=True)):
        values = raw.values(name, key[:place])
        as_shown = wanted
        if contract.field(name).kind is Kind.TIMESTAMP:
            as_shown = f"{dt.datetime.fromisoformat(wanted).astimezone(MARKET_ZONE):%Y-%m-%d %H:%M:%S}"
        if as_shown not in values:
            before = " ".join(key[:place])
            of = f" of {before}" if before else ""
            if not values and not place:
                return f"{contract.name} is empty: nothing of it has been accepted yet, see `sector status`"
            return (
                f"{contract.name} knows no {name} {as_shown}{of}:"
                f" {_nearest(values, as_shown, contract.field(name).kind)}"
            )
    return f"{contract.name} knows no record {' '.join(key)}"


def versions(settings: Settings, table: str, key: Sequence[str]) -> list[dict[str, Any]]:
    """The versions of a record in the order in which they came into force.

    Each has the contract's columns and the provenance of ``contracts.base.PROVENANCE``. ``key``: texts in the order of
    the contract's key, codes and dates in any usual style; a time without a zone is market time. Raises
    ``UnknownRecordError``.
    """
    contract = _contract(table)
    if len(key) > len(contract.key):
        raise UnknownRecordError(
            f"{len(key)} keys given, {table} has {len(contract.key)}: {_usage(contract)} (quote a key with a space)"
        )
    read = [_read_key(contract.field(name), text) for name, text in zip(contract.key, key, strict=False)]
    with duckdb.connect(":memory:") as con:
        raw = _Raw(con, settings, contract, read)
        if len(key) < len(contract.key):
            missing = contract.key[len(key)]
            found = raw.values(missing, read)
            there = f"; {missing} there: {_shown(found[-_MOST_SHOWN:])}" if found else ""
            raise UnknownRecordError(f"{table} is keyed by {' '.join(contract.key)}: {_usage(contract)}{there}")
        rows = raw.rows(read)
        if not rows:
            raise UnknownRecordError(_why_unknown(raw, contract, read))
    return rows


# ------------------------------------------------------------------ showing


def document(settings: Settings, table: str, key: Sequence[str]) -> dict[str, Any]:
    """The versions for machines: moments in ISO 8601, exact numbers as text."""
    rows = versions(settings, table, key)
    plain = [
        {name: write_moment(value) if hasattr(value, "tzinfo") else value for name, value in row.items()}
        for row in rows
    ]
    return {"table": table, "key": {name: plain[0][name] for name in CONTRACTS[table].key}, "versions": plain}


def _moment(moment: dt.datetime) -> str:
    local = moment.astimezone(MARKET_ZONE)
    return f"{local:%Y-%m-%d %H:%M}" if not local.second else f"{local:%Y-%m-%d %H:%M:%S}"


def _text(value: Any) -> str:
    if value is None:
        return "unknown"
    if isinstance(value, dt.datetime):
        return _moment(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Decimal):
        return f"{value.normalize():,f}"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def _change(before: Any, value: Any) -> str:
    """``100 → 120 (+20.0%)``; the percentage where both are figures."""
    shown = f"{_text(before)} → {_text(value)}"
    is_figure = isinstance(value, (int, float, Decimal)) and not isinstance(value, bool)
    if is_figure and isinstance(before, (int, float, Decimal)) and before:
        shown += f" ({(float(value) / float(before) - 1) * 100:+.2f}%)"
    return shown


def show(settings: Settings, table: str, key: Sequence[str], out: Console) -> None:
    """The versions for people: the first one whole, of later ones what changed; times are market time."""
    contract, rows = _contract(table), versions(settings, table, key)
    named = " ".join(_text(rows[0][name]) for name in contract.key)
    count = "1 version" if len(rows) == 1 else f"{len(rows)} versions"
    out.print(Text(f"{table} {named}: {count}, times in Asia/Shanghai", style="bold"))
    told = [name for name in contract.value_columns if any(row[name] is not None for row in rows)]
    width = max(map(len, told), default=0)
    now = dt.datetime.now(dt.UTC)
    for number, row in enumerate(rows, start=1):
        before = rows[number - 2] if number > 1 else None
        is_last = number == len(rows)
        until = "in force" if is_last else f"until {_moment(rows[number]['knowledge_at'])}"
        if row["knowledge_at"] > now:
            until = "not known yet"
        out.print()
        out.print(
            Text(f"{number:>2}  known {_moment(row['knowledge_at'])}, {_SOURCES[row['_knowledge_source']]}; {until}")
        )
        gone: list[str] = []
        if before is None:
            lines = {name: _text(row[name]) for name in contract.value_columns if row[name] is not None}
        else:
            changed = [name for name in contract.value_columns if row[name] != before[name]]
            gone = [name for name in changed if row[name] is None]
            lines = {name: _change(before[name], row[name]) for name in changed if name not in gone}
        for name, figures in lines.items():
            out.print(Text(f"    {name:<{width}}  {figures}"))
        if gone:
            out.print(Text(f"    no longer told: {', '.join(gone)}"))
        if not lines and not gone:
            out.print(Text("    no figure changed"))
        out.print(Text(f"    {row['_file']}:{row['_row']}", style="dim"), soft_wrap=True)
        out.print(Text(f"    read as {row['_feed']}, came in {_moment(row['_ingested_at'])}", style="dim"))
