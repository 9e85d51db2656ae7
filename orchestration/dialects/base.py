"""How a provider's file is declared: header set -> contract columns, with units.

Belongs here: the vocabulary. A provider's headers stand in the module of that provider; nothing is decided by code.
A dialect is recognised from the header set alone (contracts R60); the landing folder names the table.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum


class Unit(Enum):
    """Unit of a delivered number as a power of ten to the contract's unit; the shift is exact."""

    AS_CONTRACT = 0
    LOTS = 2  # 手: 100 shares
    THOUSAND = 3  # 千元
    WAN = 4  # 万份, 万股, 万元
    WAN_LOTS = 6  # 万手
    YI = 8  # 亿元
    PERCENT = -2


class CodeStyle(Enum):
    """How a provider writes a code. The canonical form is that of ``contracts.md``."""

    CANONICAL = "159567.SZ"
    BARE_CN = "159567: Shanghai, Shenzhen or Beijing by prefix"
    BARE_HK = "01801 or 1801: Hong Kong"
    PREFIXED = "sz159567, hk01801"
    JOINQUANT = "000592.XSHE"
    YAHOO = "0101.HK, 600519.SS"
    WIND = "159567.SZ, 0700.HK, and 159567.OF of a fund that an exchange lists"
    BY_INDEX_MARKET = "001801: read by the market of the row's index"
    CNI_INDEX = "987018, 399001"
    CSI_INDEX = "931250, 000300"
    HK_INDEX = "HSI, HSTECH, HKTECH"
    EPOCH_SECONDS = "1745460000: seconds since 1970 UTC, a time and no code"
    DERIVED_ID = "an identifier derived from the cell (R71)"


# Answers that carry no time of their own are landed under a name that carries it:
# ``<table>/<provider>/<dataset>/20250424T103000+0800.csv``, with anything behind a hyphen. The last one of a path
# counts. It is the moment of the figures: whoever lands an answer that is known to be late names the earlier one.
MOMENT = (
    r".*(?<!\d)(?P<year>20\d{2})(?P<month>\d{2})(?P<day>\d{2})"
    r"T(?P<hour>\d{2})(?P<minute>\d{2})(?P<second>\d{2})\+0800(?!\d)"
)
AT_MOMENT = "{year}-{month}-{day} {hour}:{minute}:{second}+08:00"
ON_ITS_DAY = "{year}-{month}-{day}"


# Hong Kong's counters in renminbi are those whose codes begin with 8 (83690, 89988).
CURRENCY_BY_CODE = (
    ("currency", (("8____.HK", "CNY"), (".HK", "HKD"), (".SH", "CNY"), (".SZ", "CNY"), (".BJ", "CNY"))),
)


@dataclass(frozen=True)
class Column:
    """One delivered column. Several for one target, of one unit and style: the first that has a value.

    ``change_from``: the cell is a change, the target is ``change_from`` minus the cell.

    ``unit_by_suffix`` overrides ``unit`` where the row's security code ends so (``.HK``).
    ``open_end``: delivered values that mean "still valid", read as NULL.
    ``translate``: delivered text -> contract text, for choices that the contract does not know itself.
    ``leading``: how many characters of the cell count, before it is translated; 0: all.
    """

    source: str
    target: str
    unit: Unit = Unit.AS_CONTRACT
    style: CodeStyle = CodeStyle.CANONICAL
    change_from: str | None = None
    unit_by_suffix: tuple[tuple[str, Unit], ...] = ()
    open_end: tuple[str, ...] = ()
    translate: tuple[tuple[str, str], ...] = ()
    leading: int = 0


@dataclass(frozen=True)
class View:
    """One raw row out of a delivered record: own columns and constants beside the dialect's common ones."""

    columns: tuple[Column, ...] = ()
    constants: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Dialect:
    """One header set of one provider for one table.

    ``name``: ``provider.function``, stable, kept in ``_feed``.
    ``columns``: columns common to all rows of a record; ``views``: rows that a record holds (one by default).
    ``constants_by_suffix``: contract column -> (end of the row's code, value) pairs, where the market decides. The
    first that fits counts, ``_`` is any character.
    ``dated_columns``: pattern with the groups ``date`` and ``field`` for headers that carry a date; every date becomes
    a view, ``dated_fields`` maps the field to a contract column, ``dated_target`` receives the date.
    ``ignored``: delivered columns that are known and left out on purpose, with no unit to trust or no use.
    ``required``: delivered columns without which a header is not this dialect's, where two share all the others.
    ``only``: delivered column -> texts: a record that has another one there is of a kind that the table does not hold,
    and is refused.
    ``name_key``: contract column that may come from the file name or the nearest folder (R61), bare index numbers as
    ``name_style`` says.
    ``encodings``: tried in order when the bytes are not UTF-8 and carry no mark (R68).
    ``from_path``: pattern searched in the landed path; ``path_columns`` makes contract columns of its groups
    (``("weight_date", "{year}-{month}-01")``), ``path_translate`` names a text so made, in any letter case, in the
    contract's terms. A column of that name in the file goes first. ``MOMENT`` serves figures without a time.
    ``path_example``: for the message where the path does not tell it.
    ``footers``: how lines below the table begin; a record that is one such text and nothing else is no row.
    ``identified_by``: delivered columns out of which an identifier is derived where the records carry none (R71),
    into the contract column ``derived_key``.
    ``implausible_below``: refuse the file when the median of ``guarded_column`` lies below it and nothing is known to
    compare it with (R69); of ``contracts.base.Guard`` the rest.
    """

    name: str
    table: str
    columns: tuple[Column, ...]
    views: tuple[View, ...] = (View(),)
    constants: tuple[tuple[str, str], ...] = ()
    constants_by_suffix: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = ()
    dated_columns: str | None = None
    dated_fields: tuple[tuple[str, str], ...] = ()
    dated_target: str | None = None
    ignored: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    only: tuple[tuple[str, tuple[str, ...]], ...] = ()
    name_key: str | None = None
    name_style: CodeStyle = CodeStyle.CANONICAL
    encodings: tuple[str, ...] = ("gb18030",)
    from_path: str | None = None
    path_example: str = "20250424T103000+0800.csv"
    path_columns: tuple[tuple[str, str], ...] = ()
    path_translate: tuple[tuple[str, str], ...] = ()
    footers: tuple[str, ...] = ()
    identified_by: tuple[str, ...] = ()
    derived_key: str | None = None
    guarded_column: str | None = None
    implausible_below: int = 0

    def views_for(self, header: list[str]) -> tuple[View, ...]:
        """The rows that a record of this header holds; more than one where dates stand in the header."""
        if self.dated_columns is None:
            return self.views
        fields = dict(self.dated_fields)
        dates: dict[str, list[Column]] = {}
        for name in header:
            found = re.fullmatch(self.dated_columns, name)
            if found and found["field"] in fields:
                dates.setdefault(found["date"], []).append(Column(name, fields[found["field"]]))
        return tuple(
            View(columns=tuple(columns), constants=((self.dated_target or "", date),))
            for date, columns in dates.items()
        )


@dataclass(frozen=True)
class Unmapped:
    """A header that is known and that is no data of any raw table.

    ``columns`` tell it (``alone``: they are all of it), ``reason`` says why and what to do.
    """

    name: str
    columns: tuple[str, ...]
    reason: str
    alone: bool = False

    def holds(self, header: list[str]) -> bool:
        """Whether a header is this one."""
        names, own = {name.lower() for name in header}, {name.lower() for name in self.columns}
        return names == own if self.alone else own <= names


@dataclass(frozen=True)
class Match:
    """A dialect held against a header: the dialect with the contract's own columns that were added to the file."""

    dialect: Dialect
    views: tuple[View, ...]
    sources: tuple[str, ...]
    unknown: tuple[str, ...]
    missing: tuple[str, ...] = field(default=())

    @property
    def carried(self) -> frozenset[str]:
        """Contract columns that a row of this file carries."""
        targets = {column.target for column in self.dialect.columns} | {name for name, _ in self.dialect.constants}
        targets |= {name for name, _ in self.dialect.constants_by_suffix}
        for view in self.views:
            targets |= {column.target for column in view.columns} | {name for name, _ in view.constants}
        return frozenset(targets)
