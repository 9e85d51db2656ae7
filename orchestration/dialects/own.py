"""Dialects that a SECTOR_HOME declares for itself: ``SECTOR_HOME/dialects/<name>.toml``, no code.

Belongs here: reading and checking those files, and choosing among them and the shipped ones. Does not belong here: the
proposal of a new one (``orchestration.dialect_report``), any provider's header (the modules beside this one).

A file says what the ``Dialect`` of that name says, in words:

    confirmed = true                     # read, mended and meant; until then no file is read with it
    table = "etf_bars"
    footers = ["数据来源"]                 # a line that begins so and holds nothing else is no row
    ignored = ["简称"]

    [columns]
    "日期" = { to = "trade_date" }
    "代码" = { to = "etf_code", style = "wind" }
    "成交量(万股)" = { to = "volume_shares", unit = "万股" }

Which dialect read a row stands in its ``_feed``; changing a file changes how later files are read, never rows that are
already known, so it is no part of a release's fingerprint.
"""

from __future__ import annotations

import codecs
import re
import tomllib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from orchestration.contracts import CONTRACTS
from orchestration.contracts.base import Kind
from orchestration.dialects import CODE_KINDS, STAMP, NoDialectError, dialects_of, held_against, match_header
from orchestration.dialects.base import CodeStyle, Column, Dialect, Match, Unit

UNKNOWN = "?"
"""What a proposal says where it has none; nobody can have meant it."""

UNITS: dict[str, Unit] = {
    **dict.fromkeys(("元", "股", "份", "contract"), Unit.AS_CONTRACT),
    **dict.fromkeys(("手", "lots"), Unit.LOTS),
    **dict.fromkeys(("千元", "千股", "千份", "thousand"), Unit.THOUSAND),
    **dict.fromkeys(("万元", "万股", "万份", "ten thousand"), Unit.WAN),
    **dict.fromkeys(("百万元", "百万股", "百万份", "万手", "million"), Unit.WAN_LOTS),
    **dict.fromkeys(("亿元", "亿股", "亿份", "hundred million"), Unit.YI),
    **dict.fromkeys(("%", "percent"), Unit.PERCENT),
}
"""How a file names a unit. 万手 and a million are both six places."""

STYLES: dict[str, CodeStyle] = {
    style.name.lower().replace("_", " "): style for style in CodeStyle if style is not CodeStyle.DERIVED_ID
}
NUMBERS = (Kind.PRICE, Kind.MONEY, Kind.RATE, Kind.RATIO, Kind.SHARES, Kind.COUNT)
_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]*")


class OwnDialectError(ValueError):
    """A declared dialect that cannot be used; names the file, the key, what was found and what was expected."""


class _Column(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    to: str
    unit: str | None = None
    style: str | None = None
    change_from: str | None = None
    open_end: list[str] = Field(default_factory=list)
    translate: dict[str, str] = Field(default_factory=dict)


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    confirmed: bool
    table: str
    columns: dict[str, _Column]
    constants: dict[str, str] = Field(default_factory=dict)
    ignored: list[str] = Field(default_factory=list)
    required: list[str] = Field(default_factory=list)
    footers: list[str] = Field(default_factory=list)
    encodings: list[str] = Field(default_factory=lambda: ["gb18030"])
    name_key: str | None = None
    name_style: str | None = None


@dataclass(frozen=True)
class OwnDialect:
    """A declared dialect and where it stands. ``confirmed``: whether files may be read with it."""

    path: Path
    dialect: Dialect
    confirmed: bool


def read_own(path: Path) -> OwnDialect:
    """One declared dialect. Raises ``OwnDialectError`` naming the file and the key that is wrong."""
    name = path.stem
    if not _NAME.fullmatch(name):
        raise OwnDialectError(f"{path}: the file's name is the dialect's: lower case letters, digits, _ . - only")
    if name in {dialect.name for table in CONTRACTS for dialect in dialects_of(table)}:
        raise OwnDialectError(f"{path}: a shipped dialect is called {name!r}: choose another name")
    try:
        found = _File.model_validate(tomllib.loads(path.read_text(encoding="utf-8-sig")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise OwnDialectError(f"{path}: not TOML: {error}") from None
    except ValidationError as error:
        wrong = "; ".join(_in_words(part) for part in error.errors())
        raise OwnDialectError(f"{path}: {wrong}") from None
    problems = _problems(found)
    if problems:
        raise OwnDialectError(f"{path}: {'; '.join(problems)}")
    return OwnDialect(path, _dialect(name, found), found.confirmed)


def _in_words(part: Any) -> str:
    key = ".".join(map(str, part["loc"]))
    if part["type"] == "extra_forbidden":
        allowed = _Column.model_fields if key.startswith("columns.") else _File.model_fields
        return f"{key}: unknown key, expected one of {', '.join(allowed)}"
    if part["type"] == "missing":
        return f"{key}: missing"
    return f"{key}: found {part['input']!r}: {part['msg']}"


def _problems(found: _File) -> list[str]:
    """What cannot be meant, each with its key; an unconfirmed file may still hold question marks."""
    if found.table not in CONTRACTS:
        return [f"table: found {found.table!r}, expected one of {', '.join(CONTRACTS)}"]
    contract = CONTRACTS[found.table]
    targets = (*contract.columns, STAMP)
    problems: list[str] = []
    covered: dict[str, tuple[str, _Column]] = {}
    lowered: dict[str, str] = {}
    for source, column in found.columns.items():
        key = f"columns.{source}"
        twin = lowered.setdefault(source.strip().lower(), source)
        if twin is not source:
            problems.append(f"{key}: the same header as {twin!r}")
        if column.to == UNKNOWN or UNKNOWN in (column.unit, column.style):
            if found.confirmed:
                problems.append(f"{key}: a question mark in a confirmed dialect: say what it becomes, or ignore it")
            continue
        if column.to not in targets:
            problems.append(f"{key}.to: found {column.to!r}, expected one of {', '.join(targets)}")
            continue
        kind = Kind.TIMESTAMP if column.to == STAMP else contract.field(column.to).kind
        if column.unit is not None and column.unit not in UNITS:
            problems.append(f"{key}.unit: found {column.unit!r}, expected one of {', '.join(UNITS)}")
        elif column.unit is not None and kind not in NUMBERS:
            problems.append(f"{key}.unit: {column.to} is a {kind.value}, it has no unit")
        if column.style is not None and column.style not in STYLES:
            problems.append(f"{key}.style: found {column.style!r}, expected one of {', '.join(STYLES)}")
        elif column.style is not None and kind not in CODE_KINDS:
            problems.append(f"{key}.style: {column.to} is a {kind.value}, no code")
        if column.change_from is not None and column.change_from not in contract.columns:
            problems.append(f"{key}.change_from: found {column.change_from!r}, expected a column of {found.table}")
        first = covered.setdefault(column.to, (source, column))
        if (first[1].unit, first[1].style) != (column.unit, column.style):
            problems.append(f"{key}: {first[0]!r} becomes {column.to} too, in another unit or style")
    problems += [f"constants.{k}: {found.table} has no such column" for k in found.constants if k not in targets]
    problems += [f"constants.{k}: {covered[k][0]!r} becomes it already" for k in found.constants if k in covered]
    problems += [
        f"constants.{k}: a question mark in a confirmed dialect: say the value"
        for k, value in found.constants.items()
        if value == UNKNOWN and found.confirmed
    ]
    problems += [f"ignored: {name!r} is one of the columns too" for name in found.ignored if name in found.columns]
    for encoding in found.encodings:
        try:
            codecs.lookup(encoding)
        except LookupError:
            problems.append(f"encodings: found {encoding!r}, which is no encoding")
    if found.name_key is not None and (
        found.name_key not in contract.key or contract.field(found.name_key).kind not in CODE_KINDS
    ):
        problems.append(f"name_key: found {found.name_key!r}, expected a code among {', '.join(contract.key)}")
    if found.name_style is not None and found.name_style not in STYLES:
        problems.append(f"name_style: found {found.name_style!r}, expected one of {', '.join(STYLES)}")
    if found.confirmed and not problems:
        missing = set(contract.key) - set(covered) - set(found.constants) - {found.name_key}
        problems += [
            f"columns: nothing becomes {key}, a key of {found.table}" for key in contract.key if key in missing
        ]
        if contract.value_columns and not (set(covered) | set(found.constants)) & set(contract.value_columns):
            problems.append(f"columns: nothing becomes a value: one of {', '.join(contract.value_columns)}")
    return problems


def _dialect(name: str, found: _File) -> Dialect:
    columns = tuple(
        Column(
            source=source.strip(),
            target=column.to,
            unit=UNITS[column.unit or "contract"],
            style=STYLES[column.style or "canonical"],
            change_from=column.change_from,
            open_end=tuple(column.open_end),
            translate=tuple(column.translate.items()),
        )
        for source, column in found.columns.items()
        if column.to != UNKNOWN and UNKNOWN not in (column.unit, column.style)
    )
    return Dialect(
        name=name,
        table=found.table,
        columns=columns,
        constants=tuple((k, value) for k, value in found.constants.items() if value != UNKNOWN),
        ignored=tuple(found.ignored),
        required=tuple(found.required),
        footers=tuple(found.footers),
        name_key=found.name_key,
        name_style=STYLES[found.name_style or "canonical"],
        encodings=tuple(found.encodings),
    )


def own_dialects(folder: Path) -> tuple[OwnDialect, ...]:
    """Every dialect declared in a folder, by name. Raises ``OwnDialectError`` for the first that cannot be used."""
    return tuple(read_own(path) for path in sorted(folder.glob("*.toml")))


@dataclass(frozen=True)
class Recogniser:
    """The dialects that a file for ``table`` is held against: the shipped ones and those of this SECTOR_HOME."""

    table: str
    own: tuple[OwnDialect, ...] = ()

    @cached_property
    def _usable(self) -> tuple[Dialect, ...]:
        return tuple(o.dialect for o in self.own if o.confirmed and o.dialect.table == self.table)

    @property
    def encodings(self) -> tuple[str, ...]:
        """Fallback encodings that the dialects declare, in their order."""
        known = (*dialects_of(self.table), *self._usable)
        return tuple(dict.fromkeys(encoding for dialect in known for encoding in dialect.encodings))

    def match(self, header: list[str], encoding: str | None = None) -> Match:
        """The dialect that fits a header; the ``NoDialectError`` names one that only waits to be confirmed."""
        try:
            return match_header(self.table, header, encoding, self._usable)
        except NoDialectError as error:
            for own in self.own:
                if own.confirmed or own.dialect.table != self.table:
                    continue
                (held,) = held_against(self.table, header, None, [own.dialect])[-1:]
                if held.sources and not held.missing:
                    raise NoDialectError(
                        f"{error}; {own.path} fits but is not confirmed: read it, then say confirmed = true",
                        len(held.sources),
                    ) from None
            raise


def recogniser(folder: Path, table: str) -> Recogniser:
    """The dialects in force for a table. Raises ``OwnDialectError``."""
    return Recogniser(table, own_dialects(folder))
