"""The market note of one release, as text for a terminal and as one self-contained HTML page.

Reads ``rpt_market_note`` and a few tables of the same file; computes no figure of its own, asks nothing of the network
and of the clock: the same file gives the same bytes. A claim that is not available is shown as such, with the missing
input in the mart's own words.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb

from warehouse.claims import CLAIM_IDS

MARKET = ZoneInfo("Asia/Shanghai")
TEMPLATES = Path(__file__).parent / "templates"

LEADERS = 8
FLOW_SESSIONS = 10
SECTORS_SHOWN = 12

MISSING = "not available"


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
class SectorVisits:
    """Month-to-date companies of a sector, visited by brokers and by anyone."""

    code: str
    name: str
    broker: int | None
    everyone: int | None
    rank: int | None


@dataclass(frozen=True)
class RegionFunding:
    """A region's venture funding of the last ended quarter; USD and ratios."""

    region: str
    amount: Decimal | None
    deals: int | None
    disclosed: float | None
    latest: float | None
    lag_matched: float | None
    completeness: float | None


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
class Paragraph:
    """A section of the story: sentences, and whether anything in it is missing."""

    title: str
    sentences: tuple[str, ...]
    missing: bool


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
    sectors: tuple[SectorVisits, ...]
    quarter: dt.date | None
    regions: tuple[RegionFunding, ...]
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
        release = _rows(
            con, "select release_id, as_of, built_at, is_sample, note_etf_code, note_index_code from meta.release"
        )[0]
        etf, index = release["note_etf_code"], release["note_index_code"]
        claims = _claims(con)
        note_date, moment = _moment(con)
        etf_names = _rows(con, "select name_en, name_zh from marts.dim_etf where etf_code = ?", etf)
        index_names = _rows(con, "select name_en, name_zh from marts.dim_index where index_code = ?", index)
        quarter = _last_ended_quarter(note_date) if note_date else None
        shown = "not passed and not set_aside" if "set_aside" in _columns(con, "checks") else "not passed"
        warnings = _rows(
            con,
            f"select mart, check_name, observed, reason from meta.checks where {shown} "
            "order by severity nulls last, mart nulls last, check_name nulls last, observed nulls last limit 12",
        )
        total = _rows(con, f"select count(*) as n from meta.checks where {shown}")[0]["n"]
        return Note(
            release_id=release["release_id"],
            as_of=release["as_of"].astimezone(MARKET),
            built_at=release["built_at"].astimezone(MARKET),
            is_sample=bool(release["is_sample"]),
            etf_code=etf,
            etf_name=_both(etf_names),
            index_code=index,
            index_name=_both(index_names),
            date=note_date,
            moment=moment,
            claims=claims,
            leaders=_leaders(con, claims, index, moment),
            flows=_flows(con, etf, moment),
            sectors=_sectors(con, note_date),
            quarter=quarter,
            regions=_regions(con, quarter),
            warnings=tuple(Warn(w["mart"], w["check_name"], w["observed"], w["reason"]) for w in warnings),
            warnings_total=total,
            carried=_carried(con),
        )


def _rows(con: duckdb.DuckDBPyConnection, query: str, *parameters: object) -> list[dict[str, Any]]:
    cursor = con.execute(query, list(parameters))
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _columns(con: duckdb.DuckDBPyConnection, table: str) -> set[str]:
    """Columns of a table of ``meta``: releases of earlier code have fewer."""
    found = _rows(
        con,
        "select column_name from information_schema.columns where table_schema = 'meta' and table_name = ? "
        "and table_catalog = current_database()",
        table,
    )
    return {row["column_name"] for row in found}


def _carried(con: duckdb.DuckDBPyConnection) -> tuple[Carried, ...]:
    if "carried_over" not in _columns(con, "tables"):
        return ()
    rows = _rows(
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
        for row in _rows(
            con,
            "select claim_id, claim, value, value_text, unit, source_table, source_filter, evidence_rows, status, "
            "as_of from marts.rpt_market_note",
        )
    }
    known = {claim: found[claim] for claim in CLAIM_IDS if claim in found}
    return known | {claim: found[claim] for claim in sorted(found) if claim not in known}


def _moment(con: duckdb.DuckDBPyConnection) -> tuple[dt.date | None, dt.datetime | None]:
    """The note's day and the moment of the ETF's last quote or close."""
    found = _rows(con, "select max(note_date) as day, max(n.moment) as moment from marts.rpt_market_note as n")[0]
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
        row["security_code"]: _both([row])
        for row in _rows(con, "select security_code, name_en, name_zh from marts.dim_security")
    }
    weights = {
        row["security_code"]: row["weight"]
        for row in _rows(
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
    rows = _rows(
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


def _sectors(con: duckdb.DuckDBPyConnection, day: dt.date | None) -> tuple[SectorVisits, ...]:
    rows = _rows(
        con,
        "select v.sector_code, max(v.sector_name) as sector_name, max(s.sector_name_en) as name_en, "
        "max(s.sector_name_zh) as name_zh, max(case when v.visitor_type = 'broker' then v.companies_mtd end) "
        "as broker, "
        "max(case when v.visitor_type = 'all' then v.companies_mtd end) as everyone, "
        "max(case when v.visitor_type = 'broker' then v.rank_mtd end) as rank_mtd "
        "from marts.fct_sector_visits_daily as v left join marts.dim_sector as s "
        "on v.scheme = s.scheme and v.sector_code = s.sector_code where v.scheme = 'SW2021' and v.as_of_date = ? "
        "group by v.sector_code "
        "order by case when v.sector_code = 'ALL' then 0 when v.sector_code = 'NONE' then 2 else 1 end nulls last, "
        "broker desc nulls last, v.sector_code nulls last",
        day,
    )
    special = {"ALL": "All sectors", "NONE": "Without a sector"}
    shown = [
        SectorVisits(
            row["sector_code"],
            special.get(row["sector_code"]) or _both([row]) or row["sector_name"] or "",
            row["broker"],
            row["everyone"],
            row["rank_mtd"],
        )
        for row in rows
    ]
    ends = [sector for sector in shown if sector.code in special]
    sectors = [sector for sector in shown if sector.code not in special]
    return (*ends[:1], *sectors[:SECTORS_SHOWN], *ends[1:])


def _regions(con: duckdb.DuckDBPyConnection, quarter: dt.date | None) -> tuple[RegionFunding, ...]:
    rows = _rows(
        con,
        "select region, amount_usd, deals, disclosed_share, yoy_latest, yoy_lag_matched, completeness "
        "from marts.fct_funding_quarterly where profile = 'cb_news_venture' and segment = 'innovative_drugs' "
        "and quarter_start = ?",
        quarter,
    )
    by_region = {row["region"]: row for row in rows}
    return tuple(
        RegionFunding(
            region,
            row["amount_usd"],
            row["deals"],
            row["disclosed_share"],
            row["yoy_latest"],
            row["yoy_lag_matched"],
            row["completeness"],
        )
        for region in ("GLOBAL", "USA", "CHN", "HKG", "ROW")
        if (row := by_region.get(region))
    )


def _last_ended_quarter(day: dt.date) -> dt.date:
    first = dt.date(day.year, (day.month - 1) // 3 * 3 + 1, 1)
    return dt.date(first.year - 1, 10, 1) if first.month == 1 else dt.date(first.year, first.month - 3, 1)


def _both(rows: Sequence[dict[str, Any]]) -> str:
    """English and Chinese name side by side, each once."""
    if not rows:
        return ""
    names = [name for name in (rows[0]["name_en"], rows[0]["name_zh"]) if name]
    return " ".join(dict.fromkeys(names))


# Figures in words.


def percent(ratio: float | None, signed: bool = True) -> str:
    """``0.0372`` -> ``+3.72%``."""
    if ratio is None:
        return MISSING
    return f"{ratio:+.2%}" if signed else f"{ratio:.2%}"


def money(amount: Decimal | float | None, currency: str, signed: bool = False) -> str:
    """An amount in the largest unit that keeps it above one: ``CNY 166.32 million``."""
    if amount is None:
        return MISSING
    value = float(amount)
    size, word = next(
        ((size, word) for size, word in ((1e9, " billion"), (1e6, " million")) if abs(value) >= size), (1.0, "")
    )
    figure = f"{value / size:+,.2f}" if signed else f"{value / size:,.2f}"
    return f"{currency} {figure}{word}"


def whole(value: float | None) -> str:
    """A count: ``412``; thousands separated."""
    return MISSING if value is None else f"{value:,.0f}"


def clock(moment: dt.datetime) -> str:
    """Market time to the minute."""
    return f"{moment.astimezone(MARKET):%Y-%m-%d %H:%M}"


def age(then: dt.datetime, now: dt.datetime) -> str:
    """The time between two moments: ``3 days``, ``5 hours``, ``12 minutes``."""
    minutes = int((now - then).total_seconds() // 60)
    size, word = next(((size, word) for size, word in ((1440, "day"), (60, "hour")) if minutes >= size), (1, "minute"))
    return f"{minutes // size} {word}{'' if minutes // size == 1 else 's'}"


def figure(claim: Claim) -> str:
    """The value of a claim as the figures table shows it."""
    if not claim.reproduced:
        return MISSING
    if claim.unit == "ratio" and claim.value is not None:
        shown = percent(claim.value)
        return f"{shown} ({claim.text})" if claim.text else shown
    if claim.unit == "CNY" and claim.value is not None:
        return f"{claim.value:,.2f}"
    if claim.unit == "0/1" and claim.value is not None:
        return ("yes" if claim.value else "no") + (f", {claim.text}" if claim.text else "")
    if claim.value is not None:
        return whole(claim.value)
    return claim.text or MISSING


# The story.


def story(note: Note) -> tuple[Paragraph, ...]:
    """The morning in sentences, a paragraph a subject, every figure from a claim."""
    return (
        _paragraph(note, "ETF", ("etf_change",), _tell_etf),
        _paragraph(note, "Leaders", ("leader_1_change",), _tell_leaders),
        _paragraph(note, "Hang Seng", ("hsi_open_gap", "hsi_open_state"), lambda n: _tell_open(n, "hsi")),
        _paragraph(note, "Hang Seng TECH", ("hstech_open_gap", "hstech_open_state"), lambda n: _tell_open(n, "hstech")),
        _paragraph(
            note,
            "Flows",
            ("etf_inflow_days", "etf_window_sessions", "etf_structural_zero_days", "etf_cumulative_flow"),
            _tell_flows,
        ),
        _paragraph(
            note,
            "Broker visits",
            ("visits_companies_all", "visits_companies_electronics", "visits_companies_healthcare"),
            _tell_visits,
        ),
        _paragraph(note, "Funding", ("funding_yoy_global", "funding_yoy_usa", "funding_yoy_chn"), _tell_funding),
        _paragraph(note, "CRO concept", ("cro_members", "cro_advancers", "cro_decliners"), _tell_cro),
    )


def _paragraph(note: Note, title: str, needed: Sequence[str], tell: Callable[[Note], list[str]]) -> Paragraph:
    told = [claim for name in needed if (claim := note.claims.get(name))]
    moments = [claim.as_of or note.as_of for claim in told if note.is_old(claim)]
    if moments:
        sentences = dict.fromkeys(claim.sentence for claim in told)
        missing = not all(claim.reproduced for claim in told)
        return Paragraph(title, (f"Carried over, as of {clock(min(moments))}:", *sentences), missing)
    lacking = [claim for name in needed if not (claim := note.claims.get(name)) or not claim.reproduced]
    if not lacking:
        return Paragraph(title, tuple(tell(note)), False)
    said = dict.fromkeys(claim.sentence for claim in lacking if claim)
    return Paragraph(title, tuple(said) or ("Not available: no data has been ingested.",), True)


def _value(note: Note, claim_id: str) -> float | None:
    claim = note.claims.get(claim_id)
    return claim.value if claim and claim.reproduced else None


def _text(note: Note, claim_id: str) -> str | None:
    claim = note.claims.get(claim_id)
    return claim.text if claim and claim.reproduced else None


def _moved(ratio: float) -> str:
    if round(ratio, 4) == 0:
        return "was unchanged"
    return f"{'rose' if ratio > 0 else 'fell'} {abs(ratio):.2%}"


def _tell_etf(note: Note) -> list[str]:
    name = f"{note.etf_name} ({note.etf_code})" if note.etf_name else note.etf_code
    when = f" by {note.moment:%H:%M}" if note.moment else ""
    told = f"{name} {_moved(note.claims['etf_change'].value or 0.0)}"
    turnover = note.claims.get("etf_turnover")
    if turnover is None or not turnover.reproduced:
        return [f"{told}{when}.", *([turnover.sentence] if turnover else [])]
    return [f"{told} on turnover of {money(turnover.value, 'CNY')}{when}."]


def _tell_leaders(note: Note) -> list[str]:
    names = ", ".join(f"{leader.name or leader.code} {percent(leader.change)}" for leader in note.leaders)
    of = f"{note.index_name} ({note.index_code})" if note.index_name else note.index_code
    return [f"Ahead in {of}: {names}."]


_STATES = {
    "low_open_now_up": "{opened}, turned positive{at} and is above its previous close",
    "low_open_faded": "{opened}, turned positive{at} and has faded since",
    "low_open_still_down": "{opened} and has stayed below its previous close",
    "high_open_now_down": "{opened} and has fallen below its previous close",
    "high_open_recovered": "{opened}, fell below its previous close and recovered",
    "high_open_still_up": "{opened} and has stayed above its previous close",
    "flat_open": "{opened}",
}


def _tell_open(note: Note, name: str) -> list[str]:
    gap = note.claims[f"{name}_open_gap"].value or 0.0
    state = note.claims[f"{name}_open_state"].text or ""
    turned = _text(note, f"{name}_turned_positive")
    opened = "opened flat" if state == "flat_open" else f"opened {abs(gap):.2%} {'lower' if gap < 0 else 'higher'}"
    sentence = _STATES.get(state, "{opened}").format(opened=opened, at=f" at {turned}" if turned else "")
    return [f"The {'Hang Seng Index' if name == 'hsi' else 'Hang Seng TECH Index'} {sentence}."]


def _tell_flows(note: Note) -> list[str]:
    sessions, days = _value(note, "etf_window_sessions"), _value(note, "etf_inflow_days")
    closed, flow = _value(note, "etf_structural_zero_days"), note.claims["etf_cumulative_flow"].value
    until = f" to {note.flows[-1].date}" if note.flows else ""
    first = f"Net creations on {whole(days)} of the last {whole(sessions)} sessions{until}"
    if closed:
        first += f" ({whole(closed)} of them without creations because southbound trading was closed)"
    direction = "inflow" if (flow or 0) >= 0 else "outflow"
    return [f"{first}, cumulative net {direction} {money(abs(flow) if flow is not None else None, 'CNY')}."]


def _tell_visits(note: Note) -> list[str]:
    month = f"From {note.date.replace(day=1)} to {note.date} b" if note.date else "B"
    told = [
        f"{month}rokers called on {whole(_value(note, 'visits_companies_all'))} listed companies, "
        f"{whole(_value(note, 'visits_companies_electronics'))} of them in electronics (电子) and "
        f"{whole(_value(note, 'visits_companies_healthcare'))} in pharmaceuticals and biotech (医药生物)."
    ]
    anyone = [_value(note, f"visits_companies_{which}_any_visitor") for which in ("all", "electronics", "healthcare")]
    if None not in anyone:
        told.append("By any visitor: " + ", ".join(whole(count) for count in anyone) + ".")
    return told


def _tell_funding(note: Note) -> list[str]:
    quarter = f"Q{(note.quarter.month + 2) // 3} {note.quarter.year}" if note.quarter else "last quarter"
    parts = (("global", "worldwide"), ("usa", "USA"), ("chn", "China"))
    told = [
        f"Venture funding of innovative drugs in {quarter} against a year earlier, as known now: "
        + ", ".join(f"{percent(_value(note, f'funding_yoy_{part}'))} {word}" for part, word in parts)
        + "."
    ]
    matched = [(_value(note, f"funding_yoy_{part}_lag_matched"), word) for part, word in parts]
    if any(value is not None for value, _ in matched):
        told.append(
            "At the same age of the data: " + ", ".join(f"{percent(value)} {word}" for value, word in matched) + "."
        )
    else:
        told.append(f"At the same age of the data: {MISSING}, no vintage a year old.")
    return told


def _tell_cro(note: Note) -> list[str]:
    members, up, down = (whole(_value(note, f"cro_{part}")) for part in ("members", "advancers", "decliners"))
    return [f"Of {members} members {up} rose and {down} fell on the last full session."]


# The two faces.


SAMPLE_NOTICE = "Synthetic sample data: no figure here is a market figure."


def render_text(db: Path) -> str:
    """The note for a terminal: the story, then every claim with its figure, status and source."""
    note = read_note(db)
    lines = [note.title]
    if note.is_sample:
        lines.append(SAMPLE_NOTICE)
    if note.data_ends:
        lines.append(note.data_ends)
    lines += note.old_figures
    lines.append("")
    paragraphs = story(note)
    width = max(len(paragraph.title) for paragraph in paragraphs)
    for paragraph in paragraphs:
        for number, sentence in enumerate(paragraph.sentences):
            lines.append(f"{paragraph.title if number == 0 else '':<{width}}  {sentence}")
    if note.claims:
        lines += ["", "Figures"]
        shown = [
            (
                claim.id,
                figure(claim),
                claim.unit,
                claim.table + (f", as of {clock(claim.as_of)}" if claim.as_of and note.is_old(claim) else ""),
            )
            for claim in note.claims.values()
        ]
        widths = [max(len(row[column]) for row in shown) for column in range(3)]
        lines += [
            f"  {name:<{widths[0]}}  {value:>{widths[1]}}  {unit:<{widths[2]}}  {table}".rstrip()
            for name, value, unit, table in shown
        ]
    if note.warnings_total:
        lines += ["", f"{note.warnings_total} warning{'s' if note.warnings_total > 1 else ''} of the gate"]
        lines += [f"  {warn.mart} · {warn.check}: {warn.observed}. {warn.reason}" for warn in note.warnings]
        if note.warnings_total > len(note.warnings):
            lines.append(f"  and {note.warnings_total - len(note.warnings)} more in meta.checks")
    lines += ["", f"release {note.release_id}, as of {clock(note.as_of)}, built {clock(note.built_at)} (Shanghai time)"]
    return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class Bar:
    """A bar of the flow chart in SVG units; ``label`` stands at ``label_y``."""

    x: float
    y: float
    height: float
    kind: str
    label: str
    label_y: float
    date: str
    detail: str


def flow_bars(flows: Sequence[FlowDay], width: float, top: float, bottom: float) -> tuple[list[Bar], float, float]:
    """Bars between ``top`` and ``bottom``, the zero line's height and the width of a slot."""
    values = [float(day.flow) for day in flows if day.flow is not None]
    high, low = max([*values, 0.0]), min([*values, 0.0])
    scale = (bottom - top) / ((high - low) or 1.0)
    zero = top + high * scale if values else bottom
    slot = width / max(len(flows), 1)
    bars = []
    for place, day in enumerate(flows):
        value = float(day.flow) if day.flow is not None else 0.0
        kind = "none" if day.flow is None else ("zero" if value == 0 else "in" if value > 0 else "out")
        y = zero - max(value, 0.0) * scale
        height = abs(value) * scale
        label = {"missing": "missing", "structural_zero": "closed"}.get(day.status, f"{value / 1e6:+,.1f}")
        bars.append(
            Bar(
                x=round(place * slot, 1),
                y=round(y, 1),
                height=round(height, 1),
                kind=kind,
                label=label,
                label_y=round(y - 6 if value >= 0 else y + height + 13, 1),
                date=f"{day.date:%m-%d}",
                detail=f"{day.date}: {money(day.flow, 'CNY', signed=True)}, {day.status}",
            )
        )
    return bars, round(zero, 1), round(slot, 1)


def render_html(db: Path) -> str:
    """The note as one page without any outside request; deterministic for a given file."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    note = read_note(db)
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(percent=percent, money=money, whole=whole, clock=clock, figure=figure)
    bars, zero, slot = flow_bars(note.flows, 660, 26, 170)
    return environment.get_template("note.html.j2").render(
        note=note,
        paragraphs=story(note),
        bars=bars,
        zero=zero,
        slot=slot,
        sample_notice=SAMPLE_NOTICE,
        missing=MISSING,
        widest_leader=max([abs(leader.change or 0.0) for leader in note.leaders] + [1e-9]),
        widest_sector=max([sector.everyone or 0 for sector in note.sectors if sector.code != "ALL"] + [1]),
    )
