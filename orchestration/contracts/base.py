"""The vocabulary that the table contracts are written in.

Belongs here: field kinds with their Arrow types, the shape of a contract. Does not belong here: any
table's columns (one module per table beside this one), any provider's header (``orchestration.dialects``).

Expressions (``market``, ``knowledge``, ``own_stamp``, ``happened_at``, row rules) are DuckDB SQL over the typed
columns of one row. They also see the calendar columns of the row's business date: ``is_session``,
``close_at``, ``next_szse``, ``second_next_szse``, ``date_is_known_to_calendar`` (see ``ingest.typing``), the
macro ``clock(date, minutes)`` (a wall-clock moment in Asia/Shanghai), ``ingestion_day``, and ``index_market`` (HK, CN,
MIXED or NULL, from ``dbt_project/seeds/indices.csv``) where the row names an index.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

import pyarrow as pa


class Kind(Enum):
    """What a cell means; decides its Arrow type and how its text is read."""

    ETF_CODE = "ETF code"
    SECURITY_CODE = "security code"
    INDEX_CODE = "index code"
    SECTOR_CODE = "sector code"
    COUNTRY = "country code"
    TEXT = "text"
    CHOICE = "one of a list"
    DATE = "date"
    MARKET_DATE = "market date"
    TIMESTAMP = "timestamp"
    PRICE = "price"
    MONEY = "money"
    RATE = "rate"
    RATIO = "ratio"
    SHARES = "shares"
    COUNT = "count"
    FLAG = "flag"


UTC_TIMESTAMP = pa.timestamp("us", tz="UTC")

ARROW_TYPES: dict[Kind, pa.DataType] = {
    Kind.ETF_CODE: pa.string(),
    Kind.SECURITY_CODE: pa.string(),
    Kind.INDEX_CODE: pa.string(),
    Kind.SECTOR_CODE: pa.string(),
    Kind.COUNTRY: pa.string(),
    Kind.TEXT: pa.string(),
    Kind.CHOICE: pa.string(),
    Kind.DATE: pa.date32(),
    Kind.MARKET_DATE: pa.date32(),
    Kind.TIMESTAMP: UTC_TIMESTAMP,
    Kind.PRICE: pa.decimal128(18, 4),
    Kind.MONEY: pa.decimal128(20, 2),
    Kind.RATE: pa.decimal128(18, 8),
    Kind.RATIO: pa.float64(),
    Kind.SHARES: pa.int64(),
    Kind.COUNT: pa.int64(),
    Kind.FLAG: pa.bool_(),
}

PROVENANCE: tuple[tuple[str, pa.DataType, str], ...] = (
    ("_feed", pa.string(), "dialect that read the row"),
    ("_file", pa.string(), "file under landing/, with !member or #sheet where it has one"),
    ("_row", pa.int64(), "line of the file (text), row of the sheet (workbook) or record number (Parquet, JSON)"),
    ("_batch_id", pa.string(), "batch in meta.batches"),
    ("_ingested_at", UTC_TIMESTAMP, "when the run that accepted the row began"),
    ("_knowledge_source", pa.string(), "stamp, own_column, rule or ingestion: where knowledge_at comes from"),
    ("knowledge_at", UTC_TIMESTAMP, "when the figure could first be known"),
)


@dataclass(frozen=True)
class Field:
    """One contract column. ``choices`` and ``aliases`` serve ``Kind.CHOICE`` (aliases: text as delivered -> choice).

    ``is_beside``: said by some providers beside the figure that the row is about. It makes no new version where one of
    two rows does not tell it, so that the same figure from another provider stays a repeat (R10); raw files written
    before the column existed read as NULL.
    """

    name: str
    kind: Kind
    description: str
    unit: str = ""
    required: bool = False
    choices: tuple[str, ...] = ()
    aliases: tuple[tuple[str, str], ...] = field(default=())
    is_beside: bool = False


@dataclass(frozen=True)
class RowRule:
    """A row is refused when ``broken`` (SQL, NULL counts as false) is true; ``reason`` is SQL text for the message."""

    broken: str
    reason: str


@dataclass(frozen=True)
class Guard:
    """A numeric column whose order of magnitude is held against what is known (``ingest.magnitude``).

    ``unit``: that of the contract. ``units``: others that providers count in, as (name, power of ten to ``unit``).
    ``is_activity``: volume and turnover, which may grow tenfold in a day. ``per_split``: how the column follows a split
    into k new shares: 1 shares, -1 prices, 0 neither. ``impossible``: powers of ten that no figure ever moves by.
    """

    column: str
    unit: str
    units: tuple[tuple[str, int], ...] = ()
    is_activity: bool = False
    per_split: int = 0
    impossible: tuple[int, ...] = ()


def volume_guard(column: str = "volume_shares") -> Guard:
    """Shares traded: in lots, ten thousand shares or ten thousand lots elsewhere."""
    units = (("手", 2), ("千股", 3), ("万股", 4), ("万手", 6), ("亿股", 8))
    return Guard(column, "shares", units, is_activity=True, per_split=1)


def turnover_guard(column: str) -> Guard:
    """Value traded: in thousands, ten thousands or hundred millions elsewhere."""
    return Guard(column, "yuan or dollars", (("千元", 3), ("万元", 4), ("亿元", 8)), is_activity=True)


def price_guard(column: str) -> Guard:
    """A price or NAV: in cents or tenths of a cent elsewhere."""
    return Guard(column, "yuan or dollars", (("分 (hundredths)", -2), ("厘 (thousandths)", -3)), per_split=-1)


@dataclass(frozen=True)
class Contract:
    """The input layer of one raw table.

    ``market``: SQL giving ``'SZSE'``, ``'HK'`` or ``'EITHER'``; needed when a rule looks at the calendar.
    ``business_date``: SQL giving the date that the calendar is joined on.
    ``knowledge``: SQL of the table's rule for ``knowledge_at`` (NULL: the ingestion time).
    ``own_stamp``: SQL of the table's own column that stamps a row's knowledge, where it has one.
    ``happened_at``: SQL of the earliest moment at which the row can be known; an earlier stamp refuses it.
    ``first_version_rule``: the first version of a key takes ``knowledge``, only later ones ``own_stamp``, and
    ``deletion_stamp`` (SQL) stamps a deletion.
    ``joined_column``: rows equal but for this column are one row; their texts are joined.
    ``guards``: columns whose unit is held against what is known.
    """

    name: str
    grain: str
    key: tuple[str, ...]
    fields: tuple[Field, ...]
    knowledge: str
    business_date: str | None = None
    market: str | None = None
    own_stamp: str | None = None
    happened_at: str | None = None
    rules: tuple[RowRule, ...] = ()
    joined_column: str | None = None
    first_version_rule: bool = False
    deletion_stamp: str | None = None
    fallback_encodings: tuple[str, ...] = ("gb18030",)
    guards: tuple[Guard, ...] = ()

    def field(self, name: str) -> Field:
        """The column of that name; ``KeyError`` when the contract has none."""
        for candidate in self.fields:
            if candidate.name == name:
                return candidate
        raise KeyError(f"{self.name} has no column {name!r}")

    @property
    def refuses_off_calendar(self) -> bool:
        """Whether a row must be dated on a session of its market (daily bars, since 2000)."""
        return any("not is_session" in rule.broken for rule in self.rules)

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(f.name for f in self.fields)

    @property
    def value_columns(self) -> tuple[str, ...]:
        return tuple(f.name for f in self.fields if f.name not in self.key)

    @property
    def beside(self) -> frozenset[str]:
        """Columns that are said beside the figure, see ``Field.is_beside``."""
        return frozenset(f.name for f in self.fields if f.is_beside)

    def arrow_schema(self) -> pa.Schema:
        """Contract columns, then provenance, as a raw batch is written."""
        columns = [pa.field(f.name, ARROW_TYPES[f.kind], nullable=f.name not in self.key) for f in self.fields]
        return pa.schema(columns + [pa.field(name, kind) for name, kind, _ in PROVENANCE])


def price_bar_rules(date: str) -> tuple[RowRule, ...]:
    """Row rules of every daily bar: a price at all, ordered prices, a session of its market (R62)."""
    return (
        RowRule("coalesce(open, high, low, close) is null", "'no price'"),
        RowRule("high < low", "'high ' || high || ' is below low ' || low"),
        RowRule("high < open or high < close", "'high ' || high || ' is below open or close'"),
        RowRule("low > open or low > close", "'low ' || low || ' is above open or close'"),
        RowRule(
            f"coalesce(open, high, low, close) is not null and {date} >= date '2000-01-01'"
            " and date_is_known_to_calendar and not is_session",
            f"'{date}: ' || {date} || ' is no session of its market'",
        ),
    )


def future_rule(date: str) -> RowRule:
    """A business date after the day of ingestion cannot have happened (R62)."""
    return RowRule(f"{date} > ingestion_day", f"'{date}: ' || {date} || ' is later than the day of ingestion'")


# Indices across Stock Connect are published on sessions of either market; those of mainland shares on mainland ones.
INDEX_MARKET = (
    "case when index_code like '%.HI' then 'HK' when index_code like '%.SH' or index_code like '%.SZ' then 'SZSE'"
    " when index_market = 'CN' then 'SZSE' else 'EITHER' end"
)
SECURITY_MARKET = "case when security_code like '%.HK' then 'HK' else 'SZSE' end"
