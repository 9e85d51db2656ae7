"""What the page shows beside the story: the series of its charts, its tables, and the rows and files behind each claim.

Belongs here: reading them from the release, bounded by the note's moment as its claims are. Does not belong here:
drawing (``charts``, ``tables``). No figure is computed.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from warehouse.note.facts import FLOW_SESSIONS, Claim, Note, rows_of
from warehouse.note.words import MARKET

QUOTED = (("HSI.HI", "HSI"), ("HSTECH.HI", "HSTECH"))
"""The indices that the morning is drawn against, as the chart names them."""

SIDE = 6
"""Names that made and names that cost the index most."""

SECTORS = 10
QUARTERS = 8
REGIONS = ("GLOBAL", "USA", "CHN", "HKG", "ROW")
ROWS_OF_CLAIM, ROWS_OF_MART = 3, 8
"""Rows of a claim, and of all claims on one mart, that the page repeats: what stands abreast on A4."""

FILES_SHOWN = 4
"""Files of a raw table that the page names, the latest first."""


@dataclass(frozen=True)
class Quoted:
    """Changes of a code over its session, ratios by quote; ``turned_at`` with ``turned_up`` as contracts R35 has it."""

    code: str
    name: str
    points: tuple[tuple[dt.datetime, float], ...]
    turned_at: dt.datetime | None = None
    turned_up: bool = True


@dataclass(frozen=True)
class Contribution:
    """What a member did to its index on the last full session; ratios."""

    code: str
    name_en: str
    name_zh: str
    weight: float | None
    change: float | None
    contribution: float


@dataclass(frozen=True)
class Breadth:
    """Members of the note's index on a session, by what they did."""

    date: dt.date
    advancers: int
    decliners: int
    unchanged: int
    suspended: int
    weight_advancing: float | None


@dataclass(frozen=True)
class SectorVisits:
    """Companies visited month to date, by brokers and by anyone; ``last_month`` by brokers to the same day."""

    code: str
    name_en: str
    name_zh: str
    broker: int | None
    everyone: int | None
    last_month: int | None
    rank: int | None


@dataclass(frozen=True)
class RegionFunding:
    """Venture funding of a region in a quarter; USD and ratios."""

    quarter: dt.date
    region: str
    amount: Decimal | None
    deals: int | None
    disclosed: float | None
    latest: float | None
    lag_matched: float | None
    completeness: float | None


@dataclass(frozen=True)
class Evidence:
    """Claims that rest on one mart, with the first rows that they name, each once, as ``columns`` has them."""

    table: str
    claims: tuple[Claim, ...]
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    raw_tables: tuple[str, ...]


@dataclass(frozen=True)
class SourceFile:
    """A landed file, as meta.batches has it."""

    name: str
    dialect: str
    accepted: int
    sha256: str


@dataclass(frozen=True)
class Source:
    """The files of a raw table that went into this release, the latest of them by name."""

    table: str
    files: int
    accepted: int
    quarantined: int
    latest: tuple[SourceFile, ...]


@dataclass(frozen=True)
class Series:
    """Everything that the page shows beside the story."""

    lines: tuple[Quoted, ...]
    session: dt.date | None
    contributions: tuple[Contribution, ...]
    breadth: tuple[Breadth, ...]
    sectors: tuple[SectorVisits, ...]
    same_day: dt.date | None
    funding: tuple[RegionFunding, ...]
    evidence: tuple[Evidence, ...]
    sources: tuple[Source, ...]


def read_series(db: Path, note: Note) -> Series:
    """The series of ``note`` from its release file ``db`` (opened read-only)."""
    with duckdb.connect(str(db), read_only=True) as con:
        con.execute("set TimeZone = 'Asia/Shanghai'")
        session, contributions = _contributions(con, note)
        same_day = month_before(note.date) if note.date else None
        evidence = _evidence(con, note)
        return Series(
            lines=_lines(con, note),
            session=session,
            contributions=contributions,
            breadth=_breadth(con, note),
            sectors=_sectors(con, note.date, same_day),
            same_day=same_day,
            funding=_funding(con, note.quarter),
            evidence=evidence,
            sources=_sources(con, sorted({table for shown in evidence for table in shown.raw_tables})),
        )


def month_before(day: dt.date) -> dt.date:
    """The same day of the month before, its last one where it is shorter: 2025-03-31 -> 2025-02-28."""
    end = day.replace(day=1) - dt.timedelta(days=1)
    return end.replace(day=min(day.day, end.day))


def _lines(con: duckdb.DuckDBPyConnection, note: Note) -> tuple[Quoted, ...]:
    """The note's ETF and the indices, from the first quote of the note's day to its moment."""
    bounds = (note.date, note.moment)
    quotes = rows_of(
        con,
        "select quote_ts, change_ratio from marts.fct_etf_intraday where etf_code = ? and cast(quote_ts as date) = ? "
        "and quote_ts <= ? and change_ratio is not null order by quote_ts",
        note.etf_code,
        *bounds,
    )
    lines = [Quoted(note.etf_code, note.etf_code, _points(quotes))]
    for code, name in QUOTED:
        quotes = rows_of(
            con,
            "select quote_ts, change_ratio, turned_at, open_state from marts.fct_index_intraday where index_code = ? "
            "and cast(quote_ts as date) = ? and quote_ts <= ? and change_ratio is not null order by quote_ts",
            code,
            *bounds,
        )
        turned = quotes[-1]["turned_at"] if quotes else None
        up = not quotes or str(quotes[-1]["open_state"]).startswith("low")
        lines.append(Quoted(code, name, _points(quotes), turned.astimezone(MARKET) if turned else None, up))
    return tuple(lines)


def _points(quotes: list[dict[str, Any]]) -> tuple[tuple[dt.datetime, float], ...]:
    return tuple((quote["quote_ts"].astimezone(MARKET), quote["change_ratio"]) for quote in quotes)


def _contributions(con: duckdb.DuckDBPyConnection, note: Note) -> tuple[dt.date | None, tuple[Contribution, ...]]:
    """The last session of the note's index that was over by its moment, and its members by contribution."""
    rows = rows_of(
        con,
        "with last as (select max(trade_date) as trade_date from marts.fct_constituent_daily where index_code = ? "
        "and contribution_ratio is not null and (trade_date < ? or (trade_date = ? and knowledge_at <= ?))) "
        "select c.trade_date, c.security_code, c.weight, c.change_ratio, c.contribution_ratio, s.name_en, s.name_zh "
        "from marts.fct_constituent_daily as c inner join last on c.trade_date = last.trade_date "
        "left join marts.dim_security as s on c.security_code = s.security_code "
        "where c.index_code = ? and c.contribution_ratio is not null "
        "order by c.contribution_ratio desc, c.security_code",
        note.index_code,
        note.date,
        note.date,
        note.moment,
        note.index_code,
    )
    members = tuple(
        Contribution(
            row["security_code"],
            row["name_en"] or row["security_code"],
            row["name_zh"] if row["name_zh"] and row["name_zh"] != row["name_en"] else "",
            row["weight"],
            row["change_ratio"],
            row["contribution_ratio"],
        )
        for row in rows
    )
    made = [member for member in members if member.contribution > 0][:SIDE]
    cost = [member for member in members if member.contribution < 0][-SIDE:]
    return (rows[0]["trade_date"] if rows else None), (*made, *cost)


def _breadth(con: duckdb.DuckDBPyConnection, note: Note) -> tuple[Breadth, ...]:
    rows = rows_of(
        con,
        "select trade_date, advancers, decliners, unchanged, suspended, weight_advancing "
        "from marts.fct_index_breadth_daily where index_code = ? and advancers is not null "
        "and (trade_date < ? or (trade_date = ? and knowledge_at <= ?)) order by trade_date desc limit ?",
        note.index_code,
        note.date,
        note.date,
        note.moment,
        FLOW_SESSIONS,
    )
    return tuple(
        Breadth(
            row["trade_date"],
            row["advancers"],
            row["decliners"],
            row["unchanged"],
            row["suspended"],
            row["weight_advancing"],
        )
        for row in reversed(rows)
    )


def _sectors(con: duckdb.DuckDBPyConnection, day: dt.date | None, same_day: dt.date | None) -> tuple[SectorVisits, ...]:
    """All companies, the leading sectors by brokers, companies without a sector."""
    rows = rows_of(
        con,
        "select v.sector_code, max(v.sector_name) as sector_name, max(s.sector_name_en) as name_en, "
        "max(s.sector_name_zh) as name_zh, "
        "max(case when v.as_of_date = ? and v.visitor_type = 'broker' then v.companies_mtd end) as broker, "
        "max(case when v.as_of_date = ? and v.visitor_type = 'all' then v.companies_mtd end) as everyone, "
        "max(case when v.as_of_date = ? and v.visitor_type = 'broker' then v.companies_mtd end) as last_month, "
        "max(case when v.as_of_date = ? and v.visitor_type = 'broker' then v.rank_mtd end) as rank_mtd "
        "from marts.fct_sector_visits_daily as v left join marts.dim_sector as s "
        "on v.scheme = s.scheme and v.sector_code = s.sector_code "
        "where v.scheme = 'SW2021' and v.as_of_date in (?, ?) group by v.sector_code "
        "having count(*) filter (where v.as_of_date = ?) > 0 order by broker desc nulls last, v.sector_code",
        day,
        day,
        same_day,
        day,
        day,
        same_day,
        day,
    )
    special = {"ALL": "All sectors", "NONE": "Without a sector"}
    found = [
        SectorVisits(
            row["sector_code"],
            special.get(row["sector_code"]) or row["name_en"] or row["sector_name"] or "",
            "" if row["sector_code"] in special or row["name_zh"] == row["name_en"] else row["name_zh"] or "",
            row["broker"],
            row["everyone"],
            row["last_month"],
            row["rank_mtd"],
        )
        for row in rows
    ]
    every = [sector for sector in found if sector.code == "ALL"]
    none = [sector for sector in found if sector.code == "NONE"]
    return (*every, *[sector for sector in found if sector.code not in special][:SECTORS], *none)


def _funding(con: duckdb.DuckDBPyConnection, quarter: dt.date | None) -> tuple[RegionFunding, ...]:
    """The regions of the last ended quarter and those before it, oldest first."""
    rows = rows_of(
        con,
        "select quarter_start, region, amount_usd, deals, disclosed_share, yoy_latest, yoy_lag_matched, completeness "
        "from marts.fct_funding_quarterly where profile = 'cb_news_venture' and segment = 'innovative_drugs' "
        "and quarter_start <= ? and quarter_start > ? order by quarter_start",
        quarter,
        quarter.replace(year=quarter.year - QUARTERS // 4) if quarter else None,
    )
    return tuple(
        RegionFunding(
            row["quarter_start"],
            row["region"],
            row["amount_usd"],
            row["deals"],
            row["disclosed_share"],
            row["yoy_latest"],
            row["yoy_lag_matched"],
            row["completeness"],
        )
        for row in sorted(rows, key=lambda row: (row["quarter_start"], REGIONS.index(row["region"])))
    )


def _evidence(con: duckdb.DuckDBPyConnection, note: Note) -> tuple[Evidence, ...]:
    raw_tables = {
        row["table_name"]: tuple(filter(None, (row["raw_tables"] or "").split(", ")))
        for row in rows_of(con, "select table_name, raw_tables from meta.tables where table_schema = 'marts'")
    }
    shown = []
    for table in dict.fromkeys(claim.table for claim in note.claims.values()):
        claims = tuple(claim for claim in note.claims.values() if claim.table == table)
        columns: tuple[str, ...] = ()
        rows: dict[tuple[Any, ...], None] = {}
        for condition in dict.fromkeys(claim.filter for claim in claims):
            cursor = con.execute(f'select * from marts."{table}" where {condition} order by all limit {ROWS_OF_CLAIM}')
            columns = tuple(column[0] for column in cursor.description or ())
            rows |= dict.fromkeys(cursor.fetchall())
        shown.append(Evidence(table, claims, columns, tuple(rows)[:ROWS_OF_MART], raw_tables.get(table, ())))
    return tuple(shown)


def _sources(con: duckdb.DuckDBPyConnection, tables: list[str]) -> tuple[Source, ...]:
    totals = {
        row["table_name"]: row
        for row in rows_of(
            con,
            "select table_name, count(*) as files, sum(rows_accepted) as accepted, sum(rows_quarantined) as refused "
            "from meta.batches group by table_name",
        )
    }
    latest: dict[str, list[SourceFile]] = {}
    for row in rows_of(
        con,
        "select table_name, file, coalesce(dialect, '') as dialect, rows_accepted, sha256 from meta.batches "
        "where rows_accepted > 0 qualify row_number() over (partition by table_name order by ingested_at desc, "
        "file desc, batch_id) <= ? order by table_name, file",
        FILES_SHOWN,
    ):
        latest.setdefault(row["table_name"], []).append(
            SourceFile(row["file"], row["dialect"], row["rows_accepted"], row["sha256"] or "")
        )
    return tuple(
        Source(
            table,
            int(totals[table]["files"]) if table in totals else 0,
            int(totals[table]["accepted"]) if table in totals else 0,
            int(totals[table]["refused"]) if table in totals else 0,
            tuple(latest.get(table, ())),
        )
        for table in tables
    )
