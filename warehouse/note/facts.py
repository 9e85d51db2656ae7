"""What the note of one release says: its claims and the tables beside them, read once.

Belongs here: reading ``rpt_market_note`` and what stands around it. Does not belong here: words (``story``), what only
the page draws (``series``). No figure is computed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from warehouse.claims import CLAIM_IDS
from warehouse.note.words import MARKET, age, clock

LEADERS = 8
FLOW_SESSIONS = 10


@dataclass(frozen=True)
class Claim:
    """A row of ``rpt_market_note``."""

    id: str
    sentence: str
    value: float | None
    text: str | None
    unit: str
    table: str
    filter: str
    evidence_rows: int | None
    reproduced: bool
    as_of: dt.datetime | None


@dataclass(frozen=True)
class Leader:
    """A member of the note's index by change at the note's moment; change and weight are ratios."""

    place: int
    code: str
    name: str
    change: float | None
    weight: float | None


@dataclass(frozen=True)
class FlowDay:
    """One session of the note's ETF; the flow in CNY, NULL when missing."""

    date: dt.date
    flow: Decimal | None
    status: str
    shares: int | None
    nav: Decimal | None


@dataclass(frozen=True)
class Warn:
    """A warning of the gate, as meta.checks has it."""

    mart: str
    check: str
    observed: str
    reason: str


@dataclass(frozen=True)
class Carried:
    """Marts whose rows are those of an earlier release, because the new ones were refused: which, how old, why."""

    because: str
    tables: tuple[str, ...]
    release_id: str
    as_of: dt.datetime


@dataclass(frozen=True)
class Note:
    """Everything that the note shows, read once."""

    release_id: str
    as_of: dt.datetime
    built_at: dt.datetime
    is_sample: bool
    etf_code: str
    etf_name: str
    index_code: str
    index_name: str
    date: dt.date | None
    moment: dt.datetime | None
    claims: dict[str, Claim]
    leaders: tuple[Leader, ...]
    flows: tuple[FlowDay, ...]
    quarter: dt.date | None
    warnings: tuple[Warn, ...]
    warnings_total: int
    carried: tuple[Carried, ...]

    def is_old(self, claim: Claim) -> bool:
        """Whether a claim is that of an earlier release."""
        return claim.as_of is not None and claim.as_of < self.as_of

    @property
    def old_figures(self) -> list[str]:
        """What is carried over, a line each."""
        return [
            f"Carried over from release {carried.release_id}, as of {clock(carried.as_of)} "
            f"({age(carried.as_of, self.as_of)} before this release): {', '.join(carried.tables)}. {carried.because}"
            for carried in self.carried
        ]

    @property
    def title(self) -> str:
        return f"Sector note, {self.date:%A} {self.date}" if self.date else "Sector note: no data yet"

    @property
    def data_ends(self) -> str | None:
        """Said when the note's moment lies before the release's as-of (contracts, "The market note")."""
        if self.moment is None or self.moment >= self.as_of:
            return None
        return f"data ends {clock(self.moment)}; release as of {clock(self.as_of)} (Shanghai time)"


def read_note(db: Path) -> Note:
    """The note of the release file ``db`` (opened read-only)."""
    with duckdb.connect(str(db), read_only=True) as con:
        con.execute("set TimeZone = 'Asia/Shanghai'")
        release = rows_of(
            con, "select release_id, as_of, built_at, is_sample, note_etf_code, note_index_code from meta.release"
        )[0]
        etf, index = release["note_etf_code"], release["note_index_code"]
        claims = _claims(con)
        note_date, moment = _moment(con)
        etf_names = rows_of(con, "select name_en, name_zh from marts.dim_etf where etf_code = ?", etf)
        index_names = rows_of(con, "select name_en, name_zh from marts.dim_index where index_code = ?", index)
        quarter = _last_ended_quarter(note_date) if note_date else None
        shown = "not passed and not set_aside" if "set_aside" in _columns(con, "checks") else "not passed"
        warnings = rows_of(
            con,
            f"select mart, check_name, observed, reason from meta.checks where {shown} "
            "order by severity nulls last, mart nulls last, check_name nulls last, observed nulls last limit 12",
        )
        total = rows_of(con, f"select count(*) as n from meta.checks where {shown}")[0]["n"]
        return Note(
            release_id=release["release_id"],
            as_of=release["as_of"].astimezone(MARKET),
            built_at=release["built_at"].astimezone(MARKET),
            is_sample=bool(release["is_sample"]),
            etf_code=etf,
            etf_name=both_names(etf_names),
            index_code=index,
            index_name=both_names(index_names),
            date=note_date,
            moment=moment,
            claims=claims,
            leaders=_leaders(con, claims, index, moment),
            flows=_flows(con, etf, moment),
            quarter=quarter,
            warnings=tuple(Warn(w["mart"], w["check_name"], w["observed"], w["reason"]) for w in warnings),
            warnings_total=total,
            carried=_carried(con),
        )


def rows_of(con: duckdb.DuckDBPyConnection, query: str, *parameters: object) -> list[dict[str, Any]]:
    """The answer to ``query``, a dict a row."""
    cursor = con.execute(query, list(parameters))
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _columns(con: duckdb.DuckDBPyConnection, table: str) -> set[str]:
    """Columns of a table of ``meta``: releases of earlier code have fewer."""
    found = rows_of(
        con,
        "select column_name from information_schema.columns where table_schema = 'meta' and table_name = ? "
        "and table_catalog = current_database()",
        table,
    )
    return {row["column_name"] for row in found}


def _carried(con: duckdb.DuckDBPyConnection) -> tuple[Carried, ...]:
    if "carried_over" not in _columns(con, "tables"):
        return ()
    rows = rows_of(
        con,
        "select carried_over_because as because, release_id, as_of, string_agg(table_name, ',' order by table_name) "
        "as tables from meta.tables where table_schema = 'marts' and carried_over "
        "group by carried_over_because, release_id, as_of order by because nulls last, release_id nulls last",
    )
    return tuple(
        Carried(row["because"], tuple(row["tables"].split(",")), row["release_id"], row["as_of"].astimezone(MARKET))
        for row in rows
    )


def _claims(con: duckdb.DuckDBPyConnection) -> dict[str, Claim]:
    found = {
        row["claim_id"]: Claim(
            id=row["claim_id"],
            sentence=row["claim"],
            value=row["value"],
            text=row["value_text"],
            unit=row["unit"],
            table=row["source_table"] or "",
            filter=row["source_filter"] or "",
            evidence_rows=row["evidence_rows"],
            reproduced=row["status"] == "reproduced",
            as_of=row["as_of"].astimezone(MARKET) if row["as_of"] else None,
        )
        for row in rows_of(
            con,
            "select claim_id, claim, value, value_text, unit, source_table, source_filter, evidence_rows, status, "
            "as_of from marts.rpt_market_note",
        )
    }
    known = {claim: found[claim] for claim in CLAIM_IDS if claim in found}
    return known | {claim: found[claim] for claim in sorted(found) if claim not in known}


def _moment(con: duckdb.DuckDBPyConnection) -> tuple[dt.date | None, dt.datetime | None]:
    """The note's day and the moment of the ETF's last quote or close."""
    found = rows_of(con, "select max(note_date) as day, max(n.moment) as moment from marts.rpt_market_note as n")[0]
    moment = found["moment"]
    return found["day"], moment.astimezone(MARKET) if moment else None


def _leaders(
    con: duckdb.DuckDBPyConnection, claims: dict[str, Claim], index: str, moment: dt.datetime | None
) -> tuple[Leader, ...]:
    told = [
        (place, claims[f"leader_{place}_change"])
        for place in range(1, LEADERS + 1)
        if f"leader_{place}_change" in claims and claims[f"leader_{place}_change"].text
    ]
    names = {
        row["security_code"]: both_names([row])
        for row in rows_of(con, "select security_code, name_en, name_zh from marts.dim_security")
    }
    weights = {
        row["security_code"]: row["weight"]
        for row in rows_of(
            con,
            "select security_code, max_by(weight, quote_ts) as weight from marts.fct_constituent_intraday "
            "where index_code = ? and quote_ts <= ? group by security_code",
            index,
            moment,
        )
    }
    return tuple(
        Leader(place, claim.text or "", names.get(claim.text or "", ""), claim.value, weights.get(claim.text or ""))
        for place, claim in told
    )


def _flows(con: duckdb.DuckDBPyConnection, etf: str, moment: dt.datetime | None) -> tuple[FlowDay, ...]:
    """The days of the window that the note tells of: the latest whose inputs were known by its moment."""
    rows = rows_of(
        con,
        "select trade_date, net_flow_cny, flow_status, shares, unit_nav from marts.fct_etf_daily where etf_code = ? "
        "and trade_date <= (select max(as_of_date) from marts.fct_etf_flow_window "
        "where etf_code = ? and window_sessions = ? and first_known_at <= ?) "
        "order by trade_date desc nulls last limit ?",
        etf,
        etf,
        FLOW_SESSIONS,
        moment,
        FLOW_SESSIONS,
    )
    return tuple(
        FlowDay(row["trade_date"], row["net_flow_cny"], row["flow_status"], row["shares"], row["unit_nav"])
        for row in reversed(rows)
    )


def _last_ended_quarter(day: dt.date) -> dt.date:
    first = dt.date(day.year, (day.month - 1) // 3 * 3 + 1, 1)
    return dt.date(first.year - 1, 10, 1) if first.month == 1 else dt.date(first.year, first.month - 3, 1)


def both_names(rows: Sequence[dict[str, Any]]) -> str:
    """English and Chinese name side by side, each once."""
    if not rows:
        return ""
    names = [name for name in (rows[0]["name_en"], rows[0]["name_zh"]) if name]
    return " ".join(dict.fromkeys(names))
