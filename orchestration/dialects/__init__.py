"""Dialects of all providers, and the match of a header against them (contracts R60).

Add a provider by adding its module with a tuple ``DIALECTS`` and naming it in ``PROVIDERS``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from importlib import import_module

from orchestration.contracts import CONTRACTS
from orchestration.contracts.base import Contract, Kind
from orchestration.dialects.base import Column, Dialect, Match
from orchestration.dialects.unmapped import UNMAPPED

PROVIDERS = ("akshare", "eastmoney", "tushare", "exchanges", "crunchbase", "public")

CODE_KINDS = (Kind.ETF_CODE, Kind.SECURITY_CODE, Kind.INDEX_CODE)
STAMP = "knowledge_at"
CANONICAL = "canonical"


class NoDialectError(Exception):
    """A header that no dialect of the table knows, or that two know equally well.

    ``known``: how many of its columns the nearest dialect knows, so that the likeliest of several rows can be named.
    """

    def __init__(self, message: str, known: float = 0) -> None:
        super().__init__(message)
        self.known = known


def canonical(contract: Contract) -> Dialect:
    """The dialect whose headers are the contract's own column names."""
    first = contract.field(contract.key[0])
    return Dialect(
        name=CANONICAL,
        table=contract.name,
        columns=tuple(Column(name, name) for name in contract.columns),
        name_key=first.name if first.kind in CODE_KINDS and len(contract.key) > 1 else None,
        encodings=contract.fallback_encodings,
    )


@cache
def dialects_of(table: str) -> tuple[Dialect, ...]:
    """All dialects of a raw table, the canonical one first."""
    found = [canonical(CONTRACTS[table])]
    for provider in PROVIDERS:
        found += [d for d in import_module(f"orchestration.dialects.{provider}").DIALECTS if d.table == table]
    return tuple(found)


def _match(dialect: Dialect, contract: Contract, header: list[str]) -> Match:
    """Hold a dialect against a normalised header; ``missing`` names the key columns that are not there."""
    by_name = {name.lower(): name for name in header}
    views = dialect.views_for(header)
    of_views = tuple(column for view in views for column in view.columns)
    declared = {column.source.lower() for column in (*dialect.columns, *of_views)} | {
        name.lower() for name in dialect.ignored
    }
    present = [replace(c, source=by_name[c.source.lower()]) for c in dialect.columns if c.source.lower() in by_name]
    # Contract columns may be added to any file under their own names (R61), the stamp as well.
    targets = {column.target for column in (*present, *of_views)}
    targets |= {name for name, _ in (*dialect.constants, *dialect.constants_by_suffix)}
    for name in (*contract.columns, STAMP):
        if name in by_name and name not in declared and name not in targets:
            present.append(Column(by_name[name], name))
            targets.add(name)
    kept_views = tuple(
        replace(
            view,
            columns=tuple(
                replace(column, source=by_name[column.source.lower()])
                for column in view.columns
                if column.source.lower() in by_name
            ),
        )
        for view in views
    )
    for view in kept_views:
        targets |= {column.target for column in view.columns} | {name for name, _ in view.constants}
    from_elsewhere = {dialect.name_key, dialect.derived_key, *(name for name, _ in dialect.path_columns)}
    # A key that the dialect declares must come in the dialect's own column: an added one would make every dialect fit.
    own = [column for column in (*dialect.columns, *of_views) if column.source.lower() in by_name]
    own_targets = {column.target for column in own}
    declared_keys = {column.target for column in (*dialect.columns, *of_views)} & set(contract.key)
    missing = [
        key
        for key in contract.key
        if key not in from_elsewhere and key not in (own_targets if key in declared_keys else targets)
    ]
    for source in (*dialect.identified_by, *dialect.required):
        if source.lower() not in by_name:
            missing.append(source)
    # A constant is no sign of the dialect where it declares columns with values of their own.
    values = set(contract.value_columns)
    beside = {name for name, _ in (*dialect.constants, *dialect.constants_by_suffix, *dialect.path_columns)}
    declares_values = bool({column.target for column in (*dialect.columns, *of_views)} & values)
    if values and not (own_targets if declares_values else own_targets | beside) & values:
        missing.append("a value column")
    used = {column.source for column in present} | {c.source for view in kept_views for c in view.columns}
    used |= {by_name[name.lower()] for name in dialect.identified_by if name.lower() in by_name}
    ignored = {by_name[name.lower()] for name in dialect.ignored if name.lower() in by_name}
    return Match(
        dialect=replace(dialect, columns=tuple(present)),
        views=kept_views,
        sources=tuple(name for name in header if name in used | ignored),
        unknown=tuple(name for name in header if name not in used | ignored),
        missing=tuple(missing),
    )


def held_against(
    table: str, header: list[str], encoding: str | None = None, own: Iterable[Dialect] = ()
) -> list[Match]:
    """Every dialect of ``table`` held against a header, fitting or not (``missing`` tells)."""
    candidates = [d for d in (*dialects_of(table), *own) if encoding is None or encoding in d.encodings]
    return [_match(dialect, CONTRACTS[table], header) for dialect in candidates]


def match_header(table: str, header: list[str], encoding: str | None = None, own: Iterable[Dialect] = ()) -> Match:
    """The one dialect of ``table`` that fits a header (already trimmed, free of a byte-order mark).

    ``encoding``: only dialects that declare this fallback encoding are asked. ``own``: dialects of this table beside
    the shipped ones. Raises ``NoDialectError`` naming the columns found and expected.
    """
    contract = CONTRACTS[table]
    matches = held_against(table, header, encoding, own)
    fitting = sorted((m for m in matches if not m.missing), key=lambda m: -len(m.sources))
    shown = ", ".join(repr(name) for name in header[:40]) + (", …" if len(header) > 40 else "")
    if not fitting:
        nearest = max(matches, key=lambda m: len(m.sources), default=None)
        expected = ", ".join(contract.columns)
        hint = ""
        if nearest is not None and nearest.sources and nearest.dialect.name != CANONICAL:
            hint = f"; nearest is {nearest.dialect.name}, which also needs {', '.join(nearest.missing)}"
        # What another table knows wholly is its own; else a header that is no data, before tables that know some of it.
        known = _other_table(table, header, encoding, wholly=True)
        known = known or next((f": it is that of {u.name}, {u.reason}" for u in UNMAPPED if u.holds(header)), "")
        known = known or _other_table(table, header, encoding)
        raise NoDialectError(
            f"no dialect of {table} knows this header{known}: found {shown}; expected {expected}{hint}",
            len(nearest.sources) if nearest is not None else 0,
        )
    best = fitting[0]
    if len(fitting) > 1 and len(best.sources) == len(fitting[1].sources):
        names = ", ".join(m.dialect.name for m in fitting if len(m.sources) == len(best.sources))
        raise NoDialectError(
            f"several dialects of {table} fit this header equally well ({names}): found {shown}", len(header)
        )
    # A few common columns make a file of another table fit: people's names and countries, a round's organization.
    if 2 * len(best.unknown) > len(header) and (elsewhere := _other_table(table, header, encoding, wholly=True)):
        raise NoDialectError(
            f"{table} knows {len(best.sources)} of {len(header)} columns{elsewhere}: found {shown};"
            f" expected {', '.join(contract.columns)}"
        )
    return best


def _other_table(table: str, header: list[str], encoding: str | None, wholly: bool = False) -> str:
    """Where a header would be at home instead, as words for the refusal; '' when nowhere. ``wholly``: only where every
    column is known."""
    fits: list[tuple[int, str]] = []
    for other in CONTRACTS:
        matches = [m for m in held_against(other, header, encoding) if not m.missing] if other != table else []
        matches = [m for m in matches if not (wholly and m.unknown)]
        if matches:
            best = max(matches, key=lambda m: len(m.sources))
            fits.append((len(best.sources), f"{other} ({best.dialect.name})"))
    most = max((count for count, _ in fits), default=0)
    names = " or ".join(name for count, name in fits if count == most)
    return f": it is one of {names}, and the folder under landing/ names the table" if names else ""
