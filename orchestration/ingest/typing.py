"""Text to typed rows: each cell read by its kind and unit, each row held against its contract.

The conversion is one DuckDB statement per chunk, made of the contract and the dialect alone: decimals are read from
their digits and rounded half away from zero once, units are shifts of the decimal point, so no figure passes through
a float. Nothing of the data ever becomes SQL; delivered columns are renamed to the contract's before they get here.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa

from orchestration.calendars import horizon, require_known, trading_calendar
from orchestration.contracts.base import ARROW_TYPES, Contract, Field, Kind
from orchestration.dialects import STAMP
from orchestration.dialects.base import CodeStyle, Column, Match, Unit, View
from orchestration.ingest import magnitude
from orchestration.ingest.names import derived_id, index_aliases, indices
from orchestration.ingest.plain import NULL_TEXTS, PlainCell
from orchestration.ingest.records import Chunk, shorten
from orchestration.sql import quoted

EARLIEST_DATE = dt.date(1960, 1, 1)
EARLIEST_MARKET_DATE = dt.date(1986, 1, 1)

_NON_NEGATIVE = (Kind.PRICE, Kind.SHARES)
_EXPECTED = {
    Kind.ETF_CODE: "an ETF code such as 159567.SZ",
    Kind.SECURITY_CODE: "a security code such as 01801.HK or 600276.SH",
    Kind.INDEX_CODE: "an index code such as 987018.CNI or HSI.HI",
    Kind.SECTOR_CODE: "a sector code of digits such as 801150",
    Kind.COUNTRY: "an ISO 3166 alpha-3 country",
    Kind.DATE: "a date such as 2025-04-24",
    Kind.MARKET_DATE: "a date such as 2025-04-24",
    Kind.TIMESTAMP: "a time such as 2025-04-24 10:30:00",
    Kind.PRICE: "a number",
    Kind.MONEY: "a number",
    Kind.RATE: "a number",
    Kind.RATIO: "a ratio or a percentage",
    Kind.SHARES: "whole shares",
    Kind.COUNT: "a whole number",
    Kind.FLAG: "true or false",
}

_MACROS = r"""
-- Shanghai has kept UTC+8 since its summer times of 1986 to 1991: arithmetic, at a tenth of the cost of time zones.
create macro clock(day, minutes) as case
    when day >= date '1992-01-01'
    then make_timestamptz(epoch_us(cast(day as timestamp)) + (cast(minutes as bigint) - 480) * 60000000)
    else cast(cast(day as timestamp) + to_minutes(cast(minutes as bigint)) as timestamptz)
end;
create macro plain_number(x) as case
    when regexp_full_match(x, '[+-]?\d{1,3}(,\d{3})+(\.\d*)?') then replace(x, ',', '')
    when regexp_full_match(x, '[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?') then x
end;
create macro shifted(x, places) as case when places = 0 then x else
    regexp_extract(x, '^[^eE]+') || 'e'
    || (coalesce(try_cast(nullif(regexp_extract(x, '[eE]([+-]?\d+)$', 1), '') as integer), 0) + places)
end;
create macro read_ratio(x, places) as case
    when ends_with(x, '%') then try_cast(shifted(plain_number(trim(left(x, -1))), -2) as double)
    else try_cast(shifted(plain_number(x), places) as double)
end;
create macro read_whole(x, places) as case
    when abs(try_cast(shifted(plain_number(x), places) as decimal(38, 6))
        - round(try_cast(shifted(plain_number(x), places) as decimal(38, 6)), 0)) <= 0.01
    then try_cast(round(try_cast(shifted(plain_number(x), places) as decimal(38, 6)), 0) as bigint)
end;
create macro read_time(x) as case
    when regexp_full_match(x, '\d{4}[-/]\d{1,2}[-/]\d{1,2}') then
        try_cast(try_cast(replace(x, '/', '-') as date) as timestamptz)
    when regexp_full_match(x, '\d{8} ?\d{6}') then
        cast(try_strptime(replace(x, ' ', ''), '%Y%m%d%H%M%S') as timestamptz)
    when regexp_full_match(x, '\d{4}[-/]\d{1,2}[-/]\d{1,2}[ T]\d{1,2}:\d{2}(:\d{2}(\.\d{1,9})?)?') then
        try_cast(replace(replace(x, '/', '-'), 'T', ' ') as timestamptz)
    when regexp_full_match(
        x, '\d{4}[-/]\d{1,2}[-/]\d{1,2}[ T]\d{1,2}:\d{2}(:\d{2}(\.\d{1,9})?)? ?(Z|UTC|[+-]\d{2}(:?\d{2})?)'
    ) then try_cast(
        regexp_replace(
            regexp_replace(replace(replace(x, '/', '-'), 'T', ' '), ' ?(Z|U C|UTC)$', '+00'),
            ' ?([+-]\d{2}):?(\d{2})$', '\1:\2'
        ) as timestamptz
    )
end;
create macro epoch_time(x) as case when regexp_full_match(x, '\d{9,10}') then to_timestamp(cast(x as bigint)) end;
create macro read_date(x) as case
    when regexp_full_match(x, '\d{4}[-/.]\d{1,2}[-/.]\d{1,2}') then
        try_cast(replace(replace(x, '/', '-'), '.', '-') as date)
    when regexp_full_match(x, '\d{8}(\.0)?') then cast(try_strptime(left(x, 8), '%Y%m%d') as date)
    when regexp_full_match(x, '\d{4}年\d{1,2}月\d{1,2}日') then
        try_cast(replace(replace(replace(x, '年', '-'), '月', '-'), '日', '') as date)
    else cast(read_time(x) as date)
end;
create macro digits_of(x) as regexp_replace(x, '\.0$', '');
create macro mainland(six) as case
    when six is null then null
    when starts_with(six, '4') or starts_with(six, '8') or starts_with(six, '92') then six || '.BJ'
    when starts_with(six, '5') or starts_with(six, '6') or starts_with(six, '9') then six || '.SH'
    else six || '.SZ'
end;
-- Whole numbers lose their leading zeros in workbooks; five digits are no damaged mainland code but a Hong Kong one.
create macro bare_cn(x) as mainland(case
    when regexp_full_match(digits_of(x), '\d{6}') then digits_of(x)
    when regexp_full_match(digits_of(x), '\d{1,4}') then lpad(digits_of(x), 6, '0')
end);
create macro bare_hk(x) as case
    when regexp_full_match(digits_of(x), '\d{1,5}') then lpad(digits_of(x), 5, '0') || '.HK'
end;
create macro security_code(x) as case
    when regexp_full_match(upper(x), '\d{6}\.(SZ|SH|BJ)|\d{5}\.HK') then upper(x)
end;
create macro etf_code(x) as case when regexp_full_match(upper(x), '\d{6}\.(SZ|SH)') then upper(x) end;
create macro index_code(x) as case
    when regexp_full_match(upper(x), '[0-9H]\d{5}\.(CNI|CSI|SH|SZ)|[A-Z][A-Z0-9]*\.HI') then upper(x)
end;
create macro prefixed(x) as case
    when regexp_full_match(lower(x), '(sz|sh|bj)\d{6}') then right(x, 6) || '.' || upper(left(x, 2))
    when regexp_full_match(lower(x), 'hk\d{5}') then right(x, 5) || '.HK'
end;
create macro joinquant(x) as case
    when regexp_full_match(upper(x), '\d{6}\.XSHE') then left(x, 6) || '.SZ'
    when regexp_full_match(upper(x), '\d{6}\.XSHG') then left(x, 6) || '.SH'
end;
create macro yahoo(x) as case
    when regexp_full_match(upper(x), '\d{1,5}\.HK') then lpad(split_part(x, '.', 1), 5, '0') || '.HK'
    when regexp_full_match(upper(x), '\d{6}\.SS') then left(x, 6) || '.SH'
    when regexp_full_match(upper(x), '\d{6}\.(SZ|SH|BJ)') then upper(x)
end;
-- Wind writes the off-exchange form of a listed fund's code with OF; other funds have no exchange.
create macro wind(x) as case
    when regexp_full_match(upper(x), '(15|16|18)\d{4}\.OF') then left(x, 6) || '.SZ'
    when regexp_full_match(upper(x), '5(0\d|1[0-8]|[2-8]\d)\d{3}\.OF') then left(x, 6) || '.SH'
    when regexp_full_match(upper(x), '\d{1,5}\.HK') then lpad(split_part(x, '.', 1), 5, '0') || '.HK'
    when regexp_full_match(upper(x), '\d{6}\.(SZ|SH|BJ)') then upper(x)
end;
create macro by_market(x, market) as case
    when market = 'HK' and regexp_full_match(digits_of(x), '0\d{5}') then right(digits_of(x), 5) || '.HK'
    when market = 'HK' then bare_hk(x)
    when market = 'CN' then bare_cn(x)
end;
create macro cni_index(x) as case
    when regexp_full_match(x, '399\d{3}') then x || '.SZ'
    when regexp_full_match(x, '\d{6}') then x || '.CNI'
    else index_code(x)
end;
create macro csi_index(x) as case
    when regexp_full_match(x, '000\d{3}') then x || '.SH'
    when regexp_full_match(x, '399\d{3}') then x || '.SZ'
    when regexp_full_match(upper(x), '[0-9H]\d{5}') then upper(x) || '.CSI'
    else index_code(x)
end;
create macro visitor_type(x) as case
    when regexp_matches(x, '私募|投资公司') then 'private_fund'
    when regexp_matches(x, '证券') then 'broker'
    when regexp_matches(x, '基金') then 'fund'
    when regexp_matches(x, '保险') then 'insurance'
    when regexp_matches(x, '银行') then 'bank'
    when regexp_matches(upper(x), 'QFII|海外|境外|外资') then 'foreign'
    when regexp_matches(x, '个人') then 'individual'
    when regexp_matches(x, '[一-鿿]') then 'other'
end;
"""

_STYLES = {
    CodeStyle.BARE_CN: "bare_cn({x})",
    CodeStyle.BARE_HK: "bare_hk({x})",
    CodeStyle.PREFIXED: "prefixed({x})",
    CodeStyle.JOINQUANT: "joinquant({x})",
    CodeStyle.YAHOO: "yahoo({x})",
    CodeStyle.WIND: "wind({x})",
    CodeStyle.BY_INDEX_MARKET: "by_market({x}, index_market)",
    CodeStyle.CNI_INDEX: "cni_index({x})",
    CodeStyle.CSI_INDEX: "csi_index({x})",
    CodeStyle.HK_INDEX: "coalesce(index_code({x}), index_of_alias({x}))",
    CodeStyle.EPOCH_SECONDS: "epoch_time({x})",
}
_CANONICAL = {
    Kind.ETF_CODE: "etf_code({x})",
    Kind.SECURITY_CODE: "security_code({x})",
    Kind.INDEX_CODE: "index_code({x})",
    Kind.SECTOR_CODE: "case when regexp_full_match(upper({x}), '\\d{{6}}(\\.SI)?') then left({x}, 6) end",
    Kind.COUNTRY: "case when regexp_full_match(upper({x}), '[A-Z]{{3}}') then upper({x}) end",
    Kind.TEXT: "{x}",
    Kind.DATE: "read_date({x})",
    Kind.MARKET_DATE: "read_date({x})",
    Kind.TIMESTAMP: "read_time({x})",
    Kind.FLAG: (
        "case when lower({x}) in ('true', 't', '1', 'yes', 'y', '是') then true"
        " when lower({x}) in ('false', 'f', '0', 'no', 'n', '否') then false end"
    ),
}


@dataclass(frozen=True)
class Check:
    """A row is wrong when ``broken`` (SQL) is true; ``message``: SQL of the reason, '' where none is asked for."""

    broken: str
    message: str = ""


def _reasons(checks: list[Check]) -> str:
    """SQL of all reasons of a row, NULL where nothing is wrong."""
    cases = ", ".join(f"case when {check.broken} then {check.message} end" for check in checks)
    return f"nullif(concat_ws('; ', {cases or 'null'}), '')"


def _nothing(checks: list[Check]) -> str:
    """SQL that is true where nothing is wrong."""
    return " and ".join(f"({check.broken}) is not true" for check in checks) or "true"


def _named_values(values: dict[str, str]) -> str:
    return ", ".join(f"{sql} as v_{name}" for name, sql in values.items())


@dataclass(frozen=True)
class TypedRows:
    """Rows of one chunk: accepted ones typed, the others with their reason.

    ``accepted``: contract columns, ``_row``, ``_position`` (in the chunk), ``stamp``, ``own_stamp``, ``rule``,
    ``deletion_stamp``. ``refused``: (row number, raw text, reason). ``off_calendar``: accepted rows before 2000 on
    dates that are no session, where the calendars are known to err (R62). ``guarded``: ``magnitude.evidence`` of
    the rows, refused ones too, where the contract guards units.
    """

    accepted: pa.Table
    refused: list[tuple[int, str, str]]
    off_calendar: int = 0
    guarded: pl.DataFrame | None = None


def _joined(chunks: list[Chunk]) -> Chunk:
    if len(chunks) == 1:
        return chunks[0]
    joined = Chunk()
    for chunk in chunks:
        joined.rows += chunk.rows
        joined.cells += chunk.cells
        joined.raw += chunk.raw
    return joined


def _repeated(fixed: list[dict[str, str]], sizes: list[int]) -> dict[str, pl.Series]:
    """What is fixed for each chunk, as a column over the rows of all of them."""
    return {
        name: pl.Series([values[name] for values in fixed], dtype=pl.String).gather(np.repeat(range(len(sizes)), sizes))
        for name in fixed[0]
    }


MEMORY_LIMIT = "384MiB"
"""What typing a chunk, and sorting refused lines, may take."""

SCRATCH = "duckdb.staged"


def connect(
    *, threads: int | None = None, memory_limit: str = MEMORY_LIMIT, folder: Path | None = None
) -> duckdb.DuckDBPyConnection:
    """A DuckDB that reads and writes no file outside ``folder`` (None: none at all), with calendar, index markets and
    the macros of this module."""
    scratch = "" if folder is None else str(folder / SCRATCH)
    config: dict[str, str | bool | int | float | list[str]] = {"memory_limit": memory_limit, "temp_directory": scratch}
    if threads is not None:
        config["threads"] = threads
    con = duckdb.connect(":memory:", config=config)
    con.execute("set enable_progress_bar = false")  # it is drawn on the process's own output, where results belong
    con.execute("set allocator_flush_threshold = '8MiB'")  # else each thread keeps what a chunk of long texts took
    if folder is not None:
        con.execute(f"set allowed_directories = [{quoted(str(folder))}]")
    con.execute("set enable_external_access = false")
    con.execute("set TimeZone = 'Asia/Shanghai'")
    con.execute(_MACROS)
    con.execute("create type knowledge_source as enum ('stamp', 'own_column', 'rule', 'ingestion')")
    con.register("calendar", trading_calendar())
    con.register(
        "index_reference",
        pa.table(
            {
                "reference_code": pa.array([row["index_code"] for row in indices()], pa.string()),
                "index_market": pa.array([row["market"] for row in indices()], pa.string()),
            }
        ),
    )
    aliases = " ".join(f"when {quoted(alias)} then {quoted(code)}" for alias, code in index_aliases().items())
    con.execute(f"create macro index_of_alias(x) as case upper(x) {aliases} end")
    return con


class Typist:
    """Types the chunks of one raw table in one run; holds the DuckDB connection with calendar and index markets."""

    def __init__(self, contract: Contract, ingested_at: dt.datetime) -> None:
        self.contract = contract
        self.ingested_at = ingested_at
        self.ingestion_day = ingested_at.astimezone(dt.timezone(dt.timedelta(hours=8))).date()
        self._con = connect()
        self._occurrences: Counter[tuple[str | None, ...]] = Counter()

    def close(self) -> None:
        """Release the connection."""
        self._con.close()

    def begin_part(self) -> None:
        """Forget the occurrence numbers of derived identifiers (they count within one part)."""
        self._occurrences.clear()

    # -------------------------------------------------------------- text

    def _delivered(
        self, chunk: Chunk, match: Match, header: list[str], view: View, fixed: dict[str, pl.Series]
    ) -> pl.DataFrame:
        """The cells that this view needs, renamed to the contract's columns and freed of the texts for "no figure"."""
        places = {name: index for index, name in enumerate(header)}
        by_target: dict[str, list[Column]] = {}
        for column in (*match.dialect.columns, *view.columns):
            by_target.setdefault(column.target, []).append(column)
        series = [pl.Series("_row", chunk.rows, pl.Int64), pl.int_range(len(chunk.rows), eager=True).alias("_position")]
        for target, declared in by_target.items():
            cells = []
            for column in declared:
                texts = [row[places[column.source]] for row in chunk.cells]
                cells.append(self.cleaned(target, column, pl.Series(f"t_{target}", texts, pl.String)))
            series.append(cells[0] if len(cells) == 1 else pl.select(pl.coalesce(cells)).to_series())
        frame = pl.DataFrame(series)
        constants = {**dict(match.dialect.constants), **dict(view.constants)}
        return frame.with_columns(
            *(
                pl.lit(value, pl.String).alias(f"t_{target}")
                for target, value in constants.items()
                if target not in by_target and target not in fixed
            ),
            *(values.alias(f"t_{target}") for target, values in fixed.items() if target not in by_target),
        )

    def cleaned(self, target: str, column: Column, cells: pl.Series) -> pl.Series:
        """Delivered cells of one column trimmed, in half width, without the texts for "no figure" (R63)."""
        kind = Kind.TIMESTAMP if target == STAMP else self.contract.field(target).kind
        cleaned = cells.str.strip_chars()
        if column.style is CodeStyle.DERIVED_ID:
            return pl.Series(cells.name, [None if not c else derived_id([c]) for c in cleaned], pl.String)
        if kind is not Kind.TEXT:
            if (cleaned.str.len_bytes() != cleaned.str.len_chars()).any():
                cleaned = cleaned.str.normalize("NFKC").str.strip_chars()
            cleaned = cleaned.set(cleaned.str.to_lowercase().is_in(NULL_TEXTS), None)
        elif target in self.contract.key:
            cleaned = cleaned.set(cleaned.str.to_lowercase().is_in(NULL_TEXTS), None)
        else:
            cleaned = cleaned.set(cleaned == "", None)
        if column.open_end:
            cleaned = cleaned.set(cleaned.is_in(list(column.open_end)), None)
        if column.leading:
            cleaned = cleaned.str.head(column.leading)
        if column.translate:
            cleaned = cleaned.replace(dict(column.translate))
        return cleaned

    # -------------------------------------------------------------- SQL

    def _value(self, field: Field, column: Column | None) -> str:
        """SQL that reads ``t_<column>`` as the field's kind, NULL where it cannot be read."""
        x = f"t_{field.name}"
        style = column.style if column else CodeStyle.CANONICAL
        if style in _STYLES:
            return _STYLES[style].format(x=x)
        if field.kind in _CANONICAL:
            return _CANONICAL[field.kind].format(x=x)
        if field.kind is Kind.CHOICE:
            choices = ", ".join(map(quoted, field.choices))
            exact = f"case when lower({x}) in ({choices}) then lower({x}) end"
            if field.name == "visitor_type":
                return f"coalesce({exact}, visitor_type({x}))"
            if field.name == "level":
                return f"case when upper({x}) in ({choices}) then upper({x}) end"
            return exact
        places = self._places(column)
        if field.kind is Kind.RATIO:
            return f"read_ratio({x}, {places})"
        if field.kind in (Kind.SHARES, Kind.COUNT):
            return f"read_whole({x}, {places})"
        kind = {Kind.PRICE: "decimal(18, 4)", Kind.MONEY: "decimal(20, 2)", Kind.RATE: "decimal(18, 8)"}[field.kind]
        number = f"try_cast(shifted(plain_number({x}), {places}) as {kind})"
        return f"nullif({number}, 0)" if field.kind is Kind.PRICE and not (column and column.change_from) else number

    def _places(self, column: Column | None) -> str:
        unit = column.unit if column else Unit.AS_CONTRACT
        if column is None or not column.unit_by_suffix:
            return str(unit.value)
        code = f"t_{self.contract.key[0]}"
        cases = " ".join(
            f"when upper({code}) like {quoted('%' + suffix)} then {of_suffix.value}"
            for suffix, of_suffix in column.unit_by_suffix
        )
        return f"case {cases} else {unit.value} end"

    def _figure(self, name: str, columns: dict[str, Column | None]) -> str:
        """SQL of a guarded column as delivered, in the contract's unit, whether the contract takes it or not."""
        if name not in columns:
            return "cast(null as double)"
        text, places = f"p.t_{name}", self._places(columns[name])
        if self.contract.field(name).kind is Kind.RATIO:
            return f"read_ratio({text}, {places})"
        return f"try_cast(shifted(plain_number({text}), {places}) as double)"

    @staticmethod
    def _columns(match: Match, view: View, fixed: Collection[str]) -> dict[str, Column | None]:
        """Contract columns (and the stamp) that the rows carry; None for those that are the same for every row."""
        columns: dict[str, Column | None] = {c.target: c for c in (*match.dialect.columns, *view.columns)}
        for name in (*dict(match.dialect.constants), *dict(view.constants), *fixed):
            columns.setdefault(name, None)
        return columns

    def _reading(
        self, match: Match, columns: dict[str, Column | None], plain: Mapping[str, PlainCell]
    ) -> tuple[dict[str, str], list[Check], list[str]]:
        """How ``t_`` columns become ``v_`` columns, what is wrong with a row, and the contract columns out of ``v_``.

        ``plain``: columns whose every cell is known to be of a plain form; the others are read in full.
        """
        contract = self.contract
        by_suffix = dict(match.dialect.constants_by_suffix)
        values: dict[str, str] = {}
        wrong: list[Check] = []
        changed: dict[str, str] = {}
        for field in contract.fields:
            sql_type = _SQL_TYPES[ARROW_TYPES[field.kind]]
            missing = quoted(f"{field.name}: missing")
            x, v = f"t_{field.name}", f"v_{field.name}"
            if field.name in by_suffix:
                code = f"v_{contract.key[0]}"
                cases = " ".join(
                    f"when {code} like {quoted('%' + suffix)} then {quoted(value)}"
                    for suffix, value in by_suffix[field.name]
                )
                values[field.name] = f"cast(case {cases} end as {sql_type})"
                wrong.append(Check(f"{v} is null", missing))
                continue
            if field.name not in columns:
                values[field.name] = f"cast(null as {sql_type})"
                if field.name in contract.key or field.required:
                    wrong.append(Check("true", missing))
                continue
            column = columns[field.name]
            is_change = column is not None and column.change_from is not None
            if column is not None and column.change_from is not None:
                changed[field.name] = column.change_from
            is_needed = field.name in contract.key or field.required
            if field.name in plain:
                values[field.name] = plain[field.name].value
                wrong += [Check(f"{x} <> '' and {v} is null")] if plain[field.name].may_fail else []
                wrong += [Check(f"{v} is null")] if is_needed else []
            else:
                values[field.name] = self._value(field, column)
                wrong += self._misread(field, column, is_needed=is_needed)
            if (field.kind in _NON_NEGATIVE or field.name.startswith("turnover")) and not is_change:
                wrong.append(Check(f"{v} < 0", f"{quoted(field.name + ': ')} || {v} || ' is negative'"))
            wrong += self._date_range(field)
        final = [
            f"p.v_{name}" if name not in changed else f"p.v_{changed[name]} - p.v_{name}" for name in contract.columns
        ]
        return values, wrong, final

    def _misread(self, field: Field, column: Column | None, *, is_needed: bool) -> list[Check]:
        x, v, found = f"t_{field.name}", f"v_{field.name}", []
        expected = _EXPECTED.get(field.kind, "")
        if field.kind is Kind.CHOICE:
            expected = "one of " + ", ".join(field.choices)
        unreadable = f"{x} is not null and {v} is null"
        if field.kind is Kind.PRICE:
            unreadable = f"{x} is not null and {v} is null and coalesce(try_cast(plain_number({x}) as double), 1) <> 0"
        if field.kind is not Kind.TEXT:
            before, behind = quoted(f"{field.name}: found '"), quoted(f"', expected {expected}")
            message = f"{before} || left({x}, 80) || {behind}"
            if column is not None and column.style is CodeStyle.BY_INDEX_MARKET:
                message += (
                    " || case when index_market in ('HK', 'CN') then '' else ' (its index has no one market)' end"
                )
            found.append(Check(unreadable, message))
        if is_needed:
            missing = f"{x} is null" if field.kind is not Kind.PRICE else f"{v} is null and not ({unreadable})"
            found.append(Check(missing, quoted(f"{field.name}: missing")))
        return found

    def _rules(self) -> list[Check]:
        contract = self.contract
        rules = [Check(rule.broken, rule.reason) for rule in contract.rules]
        if contract.happened_at:
            rules.append(
                Check(
                    f"coalesce(stamp, own_stamp) < ({contract.happened_at})",
                    "'known at ' || coalesce(stamp, own_stamp) ||"
                    f" ', before it happened (' || ({contract.happened_at}) || ')'",
                )
            )
        return rules

    def _stamp(self, columns: dict[str, Column | None], plain: Mapping[str, PlainCell]) -> tuple[str, list[Check]]:
        if STAMP not in columns:
            return "cast(null as timestamptz)", []
        ahead = Check(
            "stamp > clock(ingestion_day + 366, 0)", "'knowledge_at: ' || stamp || ' lies more than a year ahead'"
        )
        if STAMP in plain:
            return plain[STAMP].value, [Check("t_knowledge_at <> '' and stamp is null"), ahead]
        unreadable = Check(
            "t_knowledge_at is not null and stamp is null",
            "'knowledge_at: found ''' || left(t_knowledge_at, 80) || ''', expected a time'",
        )
        return "read_time(t_knowledge_at)", [unreadable, ahead]

    def _dated(self, typed: str) -> str:
        """CTEs from ``typed`` (contract columns, index_market, ingestion_day, stamp) to ``stamped``: the calendar of
        the business date, the stamp of the table's own column, of a deletion, and of the table's rule."""
        contract = self.contract
        own = contract.own_stamp or "cast(null as timestamptz)"
        deletion = contract.deletion_stamp or "cast(null as timestamptz)"
        return f"""
typed as ({typed}),
dated as (
    select *, ({contract.business_date or "cast(null as date)"}) as business_date,
        ({contract.market or "'SZSE'"}) as business_market
    from typed
),
placed as (
    select dated.*, calendar.date is not null as date_is_known_to_calendar,
        case business_market
            when 'HK' then is_session_hk when 'SZSE' then is_session_szse else is_session_hk or is_session_szse
        end as is_session,
        clock(business_date, case
            when business_market = 'SZSE' or (business_market = 'EITHER' and not is_session_hk) then 15 * 60
            -- mainland members trade on past the noon close of a Hong Kong half day
            when is_half_day_hk and is_session_szse and business_market = 'EITHER'
                and index_market is distinct from 'HK' then 15 * 60
            when is_half_day_hk then 12 * 60
            else 16 * 60
        end) as close_at,
        next_session_szse as next_szse,
        second_next_session_szse as second_next_szse
    from dated left join calendar on calendar.date = business_date
),
stamped as (select *, ({own}) as own_stamp, ({deletion}) as deletion_stamp, ({contract.knowledge}) as rule from placed)
"""

    def _index_join(self, columns: dict[str, Column | None], values: dict[str, str]) -> str:
        if "index_code" in columns and "index_code" in values:
            return f"left join index_reference on reference_code = {values['index_code']}"
        return "left join (select cast(null as varchar) as index_market) on true"

    def _day(self) -> str:
        return f"cast({quoted(self.ingestion_day.isoformat())} as date) as ingestion_day"

    def _statement(self, match: Match, view: View, fixed: Collection[str]) -> str:
        columns = self._columns(match, view, fixed)
        values, wrong, final = self._reading(match, columns, {})
        stamp, of_stamp = self._stamp(columns, {})
        guards = [guard.column for guard in self.contract.guards]
        guarded = "".join(f" {self._figure(name, columns)} as g_{name}," for name in guards)
        kept_guards = "".join(f" g_{name}," for name in guards)
        named = ", ".join(f"{sql} as {name}" for sql, name in zip(final, self.contract.columns, strict=True))
        typed = (
            "select p._row, p._position, p.stamp, p.unreadable, p.index_market, p.ingestion_day,"
            f"{guarded} {named} from checked as p"
        )
        return f"""
with delivered_rows as (
    select d.*, index_market, {self._day()} from delivered as d {self._index_join(columns, values)}
),
read as (select *, {stamp} as stamp, {_named_values(values)} from delivered_rows),
checked as (select *, {_reasons([*wrong, *of_stamp])} as unreadable from read),
{self._dated(typed)},
judged as (select *, coalesce(unreadable, {_reasons(self._rules())}) as reason from stamped)
select _row, _position, reason, stamp, own_stamp, deletion_stamp, rule, business_date,
    date_is_known_to_calendar and not is_session as is_off_calendar,{kept_guards}
    {", ".join(self.contract.columns)}
from judged
order by _position
"""

    def plain_statement(self, match: Match, plain: Mapping[str, PlainCell], fixed: Collection[str]) -> str:
        """SQL that types ``blocks`` (``_part``, ``_row``, ``t_`` columns) joined with ``parts`` (``_part``,
        provenance and ``t_`` columns of what is fixed for a part) and keeps the rows in which nothing is wrong.

        ``plain``: the cells that have been held against their plain form. Gives raw rows as if every key stood alone
        (``versions.decide``). A row that it leaves out is not refused: ``type_chunk`` has to look at it.
        """
        contract = self.contract
        columns = self._columns(match, match.views[0], fixed)
        values, wrong, final = self._reading(match, columns, plain)
        stamp, of_stamp = self._stamp(columns, plain)
        constants = {**dict(match.dialect.constants), **dict(match.views[0].constants)}
        literals = "".join(
            f", {quoted(text)} as t_{name}"
            for name, text in constants.items()
            if columns[name] is None and name not in fixed
        )
        casts = [
            f"cast({sql} as {_SQL_TYPES[ARROW_TYPES[field.kind]]}) as {field.name}"
            for sql, field in zip(final, contract.fields, strict=True)
        ]
        typed = (
            "select p._row, p._feed, p._file, p._batch_id, p.stamp, p.index_market, p.ingestion_day,"
            f" {', '.join(casts)} from read as p where {_nothing([*wrong, *of_stamp])}"
        )
        kept = [_nothing(self._rules())]
        # What the calendars do not know, or know and err about, is told by type_chunk.
        if contract.business_date is not None:
            kept.append(f"(business_date > date '{horizon()}') is not true")
        if contract.refuses_off_calendar:
            kept.append("(date_is_known_to_calendar and not is_session) is not true")
        own = "deletion_stamp" if contract.first_version_rule else "coalesce(deletion_stamp, own_stamp)"
        now = f"timestamptz {quoted(self.ingested_at.isoformat())}"

        def source(name: str) -> str:
            return f"cast({quoted(name)} as knowledge_source)"

        return f"""
with delivered as (
    select blocks.*, parts.* exclude (_part){literals} from blocks left join parts on parts._part = blocks._part
),
delivered_rows as (
    select d.*, index_market, {self._day()} from delivered as d {self._index_join(columns, values)}
),
read as (select *, {stamp} as stamp, {_named_values(values)} from delivered_rows),
{self._dated(typed)}
select {", ".join(contract.columns)}, _feed, _file, _row, _batch_id, {now} as _ingested_at,
    case when stamp is not null then 'stamp' when {own} is not null then 'own_column' when rule is not null then 'rule'
        else 'ingestion' end as _knowledge_source,
    coalesce(stamp, {own}, rule, {now}) as knowledge_at
from stamped
where {" and ".join(kept)}
"""

    def stamps_statement(self, rows: str) -> str:
        """SQL that finds the stamps of raw rows anew: ``_file``, ``_row``, stamps, rule and contract columns."""
        values = {"index_code": "r.index_code"} if "index_code" in self.contract.columns else {}
        typed = (
            f"select r.*, index_market, {self._day()},"
            " case when _knowledge_source = 'stamp' then knowledge_at end as stamp"
            f" from ({rows}) as r {self._index_join(dict.fromkeys(values), values)}"
        )
        return (
            f"with {self._dated(typed)} select _file, _row, stamp, own_stamp, deletion_stamp, rule,"
            f" {', '.join(self.contract.columns)} from stamped"
        )

    def _date_range(self, field: Field) -> list[Check]:
        if field.kind not in (Kind.DATE, Kind.MARKET_DATE, Kind.TIMESTAMP):
            return []
        v = f"v_{field.name}" if field.kind is not Kind.TIMESTAMP else f"cast(v_{field.name} as date)"
        earliest = EARLIEST_MARKET_DATE if field.kind is Kind.MARKET_DATE else EARLIEST_DATE
        return [
            Check(
                f"{v} < date '{earliest}' or {v} > ingestion_day + 366",
                f"{quoted(field.name + ': ')} || {v} || ' lies outside {earliest} to a year from now'",
            )
        ]

    def type_chunk(self, chunk: Chunk, match: Match, header: list[str], fixed: dict[str, str]) -> TypedRows:
        """Type a chunk, every view of it.

        ``fixed``: contract columns whose text is the same for every row of the part (code of the file name).
        Raises ``CalendarHorizonError`` when a row that has happened lies past the calendars.
        """
        return self.type_chunks([(chunk, fixed)], match, header)[0]

    def type_chunks(
        self, chunks: Sequence[tuple[Chunk, dict[str, str]]], match: Match, header: list[str]
    ) -> list[TypedRows]:
        """Type chunks of one header and dialect, of one part or of many, by one statement a view; see ``type_chunk``.

        Where identifiers are derived the chunks are those of one part.
        """
        refused = [list(chunk.refused) for chunk, _ in chunks]
        tables: list[list[pa.Table]] = [[] for _ in chunks]
        guarded: list[list[pl.DataFrame]] = [[] for _ in chunks]
        off_calendar = [0] * len(chunks)
        together = _joined([chunk for chunk, _ in chunks])
        if together.rows:
            sizes = [len(chunk.rows) for chunk, _ in chunks]
            owners = pl.Series("_owner", np.repeat(np.arange(len(chunks)), sizes))
            fixed = [values for _, values in chunks]
            identifiers = self._identifiers(together, match, header)
            for view in match.views:
                delivered = self._delivered(together, match, header, view, _repeated(fixed, sizes))
                names = list(fixed[0])
                if identifiers is not None:
                    delivered = delivered.with_columns(identifiers)
                    names.append(match.dialect.derived_key or "")
                self._con.register("delivered", delivered.to_arrow())
                table = self._con.sql(self._statement(match, view, names)).to_arrow_table()
                self._con.unregister("delivered")
                frame = pl.DataFrame(table).with_columns(owners)
                parts = {0: frame} if len(chunks) == 1 else frame.partition_by("_owner", as_dict=True)
                for key, rows in parts.items():
                    owner = key if isinstance(key, int) else int(key[0])
                    accepted, off = self._split(rows, together, refused[owner])
                    tables[owner].append(accepted)
                    off_calendar[owner] += off
                    if self.contract.guards:
                        guarded[owner].append(self._evidence(rows.drop("_owner")))
        return [
            TypedRows(
                pa.concat_tables(tables[owner]) if tables[owner] else self.schema.empty_table(),
                refused[owner],
                off_calendar[owner],
                pl.concat(guarded[owner]) if guarded[owner] else None,
            )
            for owner in range(len(chunks))
        ]

    def _evidence(self, typed: pl.DataFrame) -> pl.DataFrame:
        """The figures that ``magnitude`` looks at, out of all rows of a chunk; copied, for a column holds on to all the
        texts of the table that it came with."""
        figures = {f"g_{guard.column}": guard.column for guard in self.contract.guards}
        delivered = typed.drop(*figures.values()).rename(figures)
        found = magnitude.evidence(delivered, self.contract, self.ingestion_day)
        return pl.DataFrame(found.to_dict(as_series=False), schema=found.schema)

    def _identifiers(self, chunk: Chunk, match: Match, header: list[str]) -> pl.Series | None:
        dialect = match.dialect
        if dialect.derived_key is None:
            return None
        lowered = {name.lower(): index for index, name in enumerate(header)}
        places = [lowered[name.lower()] for name in dialect.identified_by]
        found = []
        for row in chunk.cells:
            key = tuple(row[place] for place in places)
            self._occurrences[key] += 1
            found.append(derived_id(list(key), self._occurrences[key]))
        return pl.Series(f"t_{dialect.derived_key}", found, pl.String)

    def _split(self, frame: pl.DataFrame, chunk: Chunk, refused: list[tuple[int, str, str]]) -> tuple[pa.Table, int]:
        bad = frame.filter(pl.col("reason").is_not_null())
        for position, row, reason in bad.select("_position", "_row", "reason").iter_rows():
            refused.append((row, shorten(chunk.raw[position]), reason))
        good = frame.filter(pl.col("reason").is_null())
        happened = good.filter(pl.col("business_date") <= self.ingestion_day)["business_date"].max()
        if isinstance(happened, dt.date):
            require_known(happened)
        off_calendar = int(good["is_off_calendar"].sum()) if self.contract.refuses_off_calendar else 0
        guarded = [f"g_{guard.column}" for guard in self.contract.guards]
        kept = good.drop("_owner", "reason", "business_date", "is_off_calendar", *guarded)
        return kept.to_arrow().cast(self.schema), off_calendar

    @property
    def schema(self) -> pa.Schema:
        times = [
            pa.field(name, pa.timestamp("us", tz="UTC")) for name in ("stamp", "own_stamp", "deletion_stamp", "rule")
        ]
        contract = [pa.field(f.name, ARROW_TYPES[f.kind]) for f in self.contract.fields]
        return pa.schema([pa.field("_row", pa.int64()), pa.field("_position", pa.int64()), *times, *contract])


_SQL_TYPES: dict[pa.DataType, str] = {
    pa.string(): "varchar",
    pa.date32(): "date",
    pa.timestamp("us", tz="UTC"): "timestamptz",
    pa.decimal128(18, 4): "decimal(18, 4)",
    pa.decimal128(20, 2): "decimal(20, 2)",
    pa.decimal128(18, 8): "decimal(18, 8)",
    pa.float64(): "double",
    pa.int64(): "bigint",
    pa.bool_(): "boolean",
}
