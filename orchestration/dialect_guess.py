"""What a delivered column may mean, guessed from its name alone.

Every guess comes from something that stands in the header: a name that a shipped dialect or contract uses too, a unit
in brackets. Where nothing says, the guess is a question mark. Belongs here: names and units. Does not belong here:
reading files or writing a draft down (``orchestration.dialect_draft``).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache

from orchestration.contracts import CONTRACTS
from orchestration.contracts.base import Contract, Field, Kind
from orchestration.dialects import CODE_KINDS, STAMP, dialects_of
from orchestration.dialects.own import UNITS, UNKNOWN

_ASKED_FOR_UNIT = (Kind.MONEY, Kind.SHARES, Kind.RATIO)
"""Kinds whose numbers come in lots, ten thousands or percent; the others are delivered as they are."""

SYNONYMS = {
    "代码": "code", "证券代码": "code", "基金代码": "code", "股票代码": "code", "交易代码": "code", "code": "code",
    "wind代码": "code", "symbol": "code", "ticker": "code",
    "指数代码": "index_code", "日期": "date", "交易日期": "date", "交易日": "date", "date": "date",
    "前收盘价": "prev_close", "前收盘": "prev_close", "昨收盘": "prev_close", "昨收": "prev_close",
    "前收": "prev_close",
    "成交金额": "turnover", "成交额": "turnover", "成交量": "volume_shares", "单位净值": "unit_nav",
    "累计净值": "accumulated_nav", "累计单位净值": "accumulated_nav", "基金份额": "shares", "总份额": "shares",
    "场内份额": "shares", "基金份额合计": "shares", "权重": "weight",
}  # fmt: skip
"""Headers that desks and vendors use and no shipped dialect declares, in the words of ``_meant``."""

NAMES_OF_THINGS = ("简称", "证券简称", "基金简称", "股票简称", "名称", "证券名称", "序号")
"""Columns that are read by people only, where the table has no column for a name."""


@dataclass(frozen=True)
class Guess:
    """What one delivered column may become. ``why``: what in the file says so."""

    source: str
    to: str
    unit: str | None = None
    style: str | None = None
    ignored: bool = False
    why: str = ""


def split_header(name: str) -> tuple[str, str]:
    """A header's name and the unit that stands in it: ``成交额(万元)``, ``收盘价 [单位] 元``, ``volume (lots)``."""
    text = unicodedata.normalize("NFKC", name).strip()
    labelled = re.search(r"[\[【]?单位[\]】]?\s*[:]?\s*([^\s\])】]+)", text)
    base = re.split(r"[\n\[【(]", text, maxsplit=1)[0]
    bracketed = re.search(r"[(\[【]([^()\[\]【】]*)[)\]】]\s*$", text)
    unit = labelled[1] if labelled else bracketed[1] if bracketed else ""
    if text.endswith("%") and not unit:
        base, unit = text[:-1], "%"
    return re.sub(r"[\s_]+", "_", base.strip()).lower(), unit.strip().removeprefix("单位:")


@cache
def _vocabulary(table: str) -> tuple[dict[str, str], frozenset[str]]:
    """Header names of all shipped dialects -> column of ``table``, this table's own first; and names it ignores."""
    contract = CONTRACTS[table]
    found = {name: name for name in contract.columns}
    ignored: set[str] = set()
    for other in (table, *(name for name in CONTRACTS if name != table)):
        for dialect in dialects_of(other):
            for column in (*dialect.columns, *(c for view in dialect.views for c in view.columns)):
                if column.change_from is None and column.target in contract.columns:
                    found.setdefault(split_header(column.source)[0], column.target)
            if other == table:
                ignored |= {split_header(name)[0] for name in dialect.ignored}
    return found, frozenset(ignored)


def _meant(word: str, contract: Contract) -> str | None:
    """A synonym's column in this table: its code, its business date, or the column of that name."""
    if word == "code":
        return next((name for name in contract.key if contract.field(name).kind in CODE_KINDS), None)
    if word == "date":
        return next((name for name in contract.key if contract.field(name).kind in (Kind.MARKET_DATE, Kind.DATE)), None)
    return next((name for name in contract.columns if name == word or name.startswith(f"{word}_")), None)


def guess(header: Iterable[str], table: str) -> list[Guess]:
    """A guess for every column of a header; one contract column is guessed once."""
    contract = CONTRACTS[table]
    known, ignored = _vocabulary(table)
    taken: set[str] = set()
    found: list[Guess] = []
    for source in (name for name in header if name):
        base, unit = split_header(source)
        target = _meant(SYNONYMS[base], contract) if base in SYNONYMS else known.get(base)
        if target is None and base == STAMP:
            target = STAMP
        if target is None or target in taken:
            leave = base in ignored or base in NAMES_OF_THINGS
            found.append(Guess(source, UNKNOWN, ignored=leave, why="" if leave else "nothing says what this is"))
            continue
        taken.add(target)
        field = None if target == STAMP else contract.field(target)
        found.append(_with_unit(Guess(source, target), field, unit))
    return found


def _with_unit(this: Guess, field: Field | None, unit: str) -> Guess:
    if field is None or field.kind not in (*_ASKED_FOR_UNIT, Kind.PRICE, Kind.RATE):
        return this
    if _is_foreign(unit, field):
        return replace(this, to=UNKNOWN, why=f"{unit} where {field.name} is in {field.unit}")
    if unit in UNITS:
        plain = field.kind in (Kind.PRICE, Kind.RATE) and UNITS[unit] is UNITS["contract"]
        return this if plain else replace(this, unit=unit, why="unit as in the header")
    if field.kind in _ASKED_FOR_UNIT:
        return replace(this, unit=UNKNOWN, why=f"no unit in the header: one of {', '.join(UNITS)}")
    return this


def _is_foreign(unit: str, field: Field) -> bool:
    currencies = {"港": "HKD", "HKD": "HKD", "美": "USD", "USD": "USD"}
    found = next((currency for sign, currency in currencies.items() if sign in unit.upper()), None)
    return found is not None and field.unit in ("CNY", "HKD", "USD") and field.unit != found


def likeliest_table(header: list[str]) -> str:
    """The table of which a header covers most columns, less those of its key that it lacks."""

    def score(table: str) -> int:
        targets = {g.to for g in guess(header, table)}
        contract = CONTRACTS[table]
        return len(targets & set(contract.columns)) - len(set(contract.key) - targets)

    return max(CONTRACTS, key=score)
