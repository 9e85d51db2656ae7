"""Traces of the marts of sectors: visits, their event study, the sector on one row."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import duckdb

from orchestration.tracing import etf, funding, index
from orchestration.tracing.parts import Key, Part, listed, one
from orchestration.tracing.views import hold_study, hold_visits

VISITS = "release.marts.fct_sector_visits_daily"

THEME = "HK_INNOVATIVE_DRUG"
THEME_INDEX = "987018.CNI"

_FUND_COLUMNS = {
    "companies_by_funds_mtd": "companies_mtd",
    "visits_by_funds_mtd": "visits_mtd",
    "fund_institutions_mtd": "institutions_mtd",
}

_CLASSIFIED = (
    "select c.company_id, arg_min(c.security_code, (c.share_class, c.security_code)) as security_code "
    "from companies c join memberships m on m.security_code = c.security_code "
    "where m.scheme = ? and m.level = 'L1' group by 1"
)
"""The security that gives a company its sector: the A share before the others (contracts R44). Values: scheme."""

_IN_FORCE = (
    "select security_code, arg_max(sector, valid_from) as sector from memberships "
    "where scheme = ? and level = 'L1' and valid_from <= ? and (valid_to is null or valid_to > ?) group by 1"
)
"""Sector of each security on a day (contracts R43). Values: scheme, day, day."""


def _companies(scheme: str, sector: str, day: dt.date) -> tuple[str, tuple[Any, ...]]:
    """A subquery for the companies of a sector on a day; with ``NONE``, of those that have none."""
    placed = f"select k.company_id, f.sector from ({_CLASSIFIED}) k join ({_IN_FORCE}) f using (security_code)"
    values: tuple[Any, ...] = (scheme, scheme, day, day)
    if sector == "NONE":
        return (
            f"select company_id from companies where company_id not in (select p.company_id from ({placed}) p)",
            values,
        )
    return f"select p.company_id from ({placed}) p where p.sector = ?", (*values, sector)


@dataclass(frozen=True)
class _Calls:
    """A condition on the visits that count (contracts R40), held as ``v``."""

    where: str
    values: tuple[Any, ...]

    def part(self, role: str) -> Part:
        row = "{0}.security_code, {0}.visit_date, {0}.visit_way, {0}.visitor_org, "
        row += "coalesce({0}.notice_date, date '0001-01-01')"
        chosen = f"select ({row.format('v')}) from held_visits v where {self.where}"
        return Part("broker_visits", role, f"({row.format('broker_visits')}) in ({chosen})", self.values, False)

    def count(self, con: duckdb.DuckDBPyConnection) -> int:
        return int(one(con, f"select count(*) from held_visits v where {self.where}", *self.values))

    def memberships(self, scheme: str, sector: str, day: dt.date) -> Part:
        """Memberships in force on a day of the companies called on."""
        where = (
            "scheme = ? and level = 'L1' and valid_from <= ? and (valid_to is null or valid_to > ?) "
            f"and security_code in (select k.security_code from ({_CLASSIFIED}) k where k.company_id in "
            f"(select v.company_id from held_visits v where {self.where}))"
        )
        role = f"sector {sector} of those companies on {day}"
        return Part("sector_members", role, where, (scheme, day, day, scheme, *self.values), False)

    def names(self) -> Part:
        """Rows that tell which securities are one company."""
        where = f"security_code in (select v.security_code from held_visits v where {self.where})"
        return Part("securities", "companies behind the securities", where, self.values, False)


def _calls(
    con: duckdb.DuckDBPyConnection,
    first: dt.date,
    last: dt.date,
    visitor: str,
    companies: tuple[str, tuple[Any, ...]] | None,
) -> _Calls:
    """Visits between two days, under a visitor filter, to some companies."""
    hold_visits(con)
    where = "v.visit_date between ? and ?"
    values: tuple[Any, ...] = (first, last)
    if visitor != "all":
        where, values = f"{where} and v.visitor_type = ?", (*values, visitor)
    if companies is not None:
        where, values = f"{where} and v.company_id in ({companies[0]})", (*values, *companies[1])
    return _Calls(where, values)


def visits(con: duckdb.DuckDBPyConnection, key: Key, column: str) -> list[Part]:
    """``fct_sector_visits_daily``: the notices that count of the month to date, of the sector's companies that day."""
    scheme, sector, day, visitor = key["scheme"], key["sector_code"], key["as_of_date"], key["visitor_type"]
    if column in _FUND_COLUMNS:
        return visits(con, {**key, "visitor_type": "fund"}, _FUND_COLUMNS[column])
    month = day.replace(day=1)
    companies = None if sector == "ALL" else _companies(scheme, sector, day)
    if column == "sector_name":
        return [listed("sectors", "name of the sector", "sector_code = ?", sector)]
    if column == "completeness_mtd":
        return [_lags(con)]
    if column == "rank_mtd":
        every = _calls(con, month, day, visitor, None)
        role = f"visits from {month} to {day} in every sector, which is ranked among them"
        return [every.part(role), every.memberships(scheme, "(L1)", day), every.names()]
    calls = _calls(con, month, day, visitor, companies)
    role = f"visits from {month} to {day} that count"
    if column.startswith(("briefings", "visits_excluding", "companies_excluding")):
        role += "; briefings are those with 业绩说明会"
    parts = [calls.part(role)]
    if not calls.count(con):
        parts += _latest_call(day)
    if column == "first_time_companies_mtd":
        before = _calls(con, month - dt.timedelta(days=365), month - dt.timedelta(days=1), visitor, companies)
        of_these = f"{before.where} and v.company_id in (select v.company_id from held_visits v where {calls.where})"
        again = _Calls(of_these, (*before.values, *calls.values))
        parts.append(again.part("their visits of the year before, which make a company no new one"))
    if sector not in ("ALL", "NONE"):
        parts.append(calls.memberships(scheme, sector, day))
    parts.append(calls.names())
    if column == "institutions_mtd":
        parts.append(listed("organization_aliases", "other names of institutions", "true"))
    if column == "companies_expected_final":
        parts.append(_lags(con))
    return parts


def _latest_call(day: dt.date) -> list[Part]:
    """What a zero is as old as: the visit of any company that became known last."""
    where = "knowledge_at = (select max(v.knowledge_at) from held_visits v where v.visit_date <= ?) and visit_date <= ?"
    return [Part("broker_visits", "none; the latest known visits of any company", where, (day, day), False)]


def _lags(con: duckdb.DuckDBPyConnection) -> Part:
    """A year of visits at least 60 days old at the as-of moment: how late their notices came."""
    today = one(con, "select cast(as_of as date) from cut")
    first, last = today - dt.timedelta(days=424), today - dt.timedelta(days=60)
    return Part(
        "broker_visits",
        f"visits from {first} to {last} with a notice: how late they are published",
        "visit_date between ? and ? and notice_date is not null",
        (first, last),
        False,
    )


def visits_gaps(con: duckdb.DuckDBPyConnection, key: Key, column: str) -> list[str]:
    """``fct_sector_visits_daily``: notices that are still to come, by the lag curve."""
    row = con.execute(
        f"select companies_mtd, completeness_mtd, companies_expected_final, first_time_companies_mtd from {VISITS} "
        "where scheme = ? and sector_code = ? and as_of_date = ? and visitor_type = ?",
        [key["scheme"], key["sector_code"], key["as_of_date"], key["visitor_type"]],
    ).fetchone()
    if row is None or column in ("scheme", "sector_code", "as_of_date", "visitor_type", "sector_name"):
        return []
    companies, known, expected, newcomers = row
    said = []
    if known is None:
        said.append("Notices of these days may still come; too few old visits are known to tell how many.")
    elif known < 1:
        more = f", so that {expected:.0f} companies are to be expected" if expected else ""
        said.append(f"About {known:.0%} of such visits are usually published by now: {companies} are known{more}.")
    if column == "first_time_companies_mtd" and newcomers is None:
        said.append("The landed visits do not reach back a year before the month: nobody can be called new.")
    return said


def _sector_members(scheme: str, sector: str, day: dt.date) -> tuple[str, tuple[Any, ...]]:
    return f"select f.security_code from ({_IN_FORCE}) f where f.sector = ?", (scheme, day, day, sector)


def one_visit(con: duckdb.DuckDBPyConnection, key: Key, column: str) -> list[Part]:
    """``fct_visit``: the notice that counts, who is behind the share, the sector on the day."""
    security, day, way, visitor = (key[name] for name in ("security_code", "visit_date", "visit_way", "visitor_org"))
    hold_visits(con)
    of_visit = "v.security_code = ? and v.visit_date = ? and v.visit_way = ? and v.visitor_org = ?"
    call = _Calls(of_visit, (security, day, way, visitor))
    parts = [call.part("the visit, under the notice that counts")]
    if column == "organization":
        return [*parts, listed("organization_aliases", "other names of institutions", "true")]
    if column == "company_id":
        return [*parts, call.names()]
    if column == "sector_code":
        return [*parts, call.memberships("SW2021", "(L1)", day)]
    if column == "knowledge_at":
        return [*parts, call.names(), call.memberships("SW2021", "(L1)", day)]
    return parts


def event_study(con: duckdb.DuckDBPyConnection, key: Key, column: str) -> list[Part]:
    """``fct_visit_event_study``: visits that became events, the bars of their returns, those of the usual return."""
    scheme, sector, visitor, sessions = (
        key[name] for name in ("scheme", "sector_code", "visitor_type", "horizon_sessions")
    )
    hold_study(con)
    placed = (
        "(select arg_max(m.sector, m.valid_from) from memberships m where m.scheme = ? and m.level = 'L1' "
        "and m.security_code = s.security_code and m.valid_from <= s.trade_date "
        "and (m.valid_to is null or m.valid_to > s.trade_date)) " + ("is not null" if sector == "ALL" else "= ?")
    )
    values: tuple[Any, ...] = (scheme,) if sector == "ALL" else (scheme, sector)
    starts = (
        f"select (s.security_code, s.trade_date) from study_bars s where s.whole_{sessions} and {placed} "
        "and (s.security_code, s.trade_date) in (select (e.security_code, e.event_session) from study_events e"
        + ("" if visitor == "all" else " where e.visitor_type = ?")
        + ")"
    )
    event_values = values if visitor == "all" else (*values, visitor)
    of_events = (
        "(v.security_code, v.visit_date, v.visit_way, v.visitor_org) in (select (e.security_code, e.visit_date, "
        f"e.visit_way, e.visitor_org) from study_events e where (e.security_code, e.event_session) in ({starts}))"
        + ("" if visitor == "all" else " and v.visitor_type = ?")
    )
    calls = _Calls(of_events, event_values if visitor == "all" else (*event_values, visitor))
    inputs = calls.part("visits that make events, on the session after they became known")
    every = f"select (s.security_code, s.trade_date) from study_bars s where s.whole_{sessions} and {placed}"
    of_usual = _study_bars(f"bars of every return over {sessions} of the companies", sessions, every, values)
    members = Part(
        "sector_members",
        "memberships",
        f"level = 'L1' and scheme = ? and security_code in (select s.security_code from study_bars s where {placed})",
        (scheme, *values),
        False,
    )
    if column == "sector_code":
        return [members]
    if column == "usual_return_ratio":
        return [of_usual, members]
    if column in ("excess_return_ratio", "t_statistic"):
        return [inputs, of_usual, members]
    return [inputs, _study_bars(f"bars of the {sessions} from the event on", sessions, starts, event_values), members]


def _study_bars(role: str, sessions: int, starts: str, values: tuple[Any, ...]) -> Part:
    """The bars of the returns over some bars that begin on ``starts``."""
    where = (
        "(security_code, trade_date) in (select (b.security_code, b.trade_date) from study_bars b join study_bars s "
        f"on s.security_code = b.security_code and b.place between s.place and s.place + {sessions - 1} "
        f"where (s.security_code, s.trade_date) in ({starts}))"
    )
    return Part("security_bars", role, where, values, False)


def daily(con: duckdb.DuckDBPyConnection, key: Key, column: str) -> list[Part]:
    """``fct_sector_daily``: each column is a figure of another mart, or a count over the bars of the members."""
    sector, day = key["sector_code"], key["trade_date"]
    if column == "sector_name":
        return [listed("sectors", "name of the sector", "sector_code = ?", sector)]
    if sector == THEME:
        return _theme(con, day, column)
    members, values = _sector_members("SW2021", sector, day)
    of_day = Part(
        "sector_members",
        f"memberships in force on {day}",
        f"scheme = 'SW2021' and level = 'L1' and valid_from <= ? and (valid_to is null or valid_to > ?) "
        f"and security_code in ({members})",
        (day, day, *values),
    )
    if column.startswith("companies_visited"):
        return _visited(con, sector, day, column)
    if column.startswith(("funding_", "trackers_", "etf_")):
        return []
    if column == "members":
        return [of_day]
    bars = [of_day, *index.security_bars(day, members, values, "members'")]
    return [*bars, *_visited(con, sector, day, column)] if column == "knowledge_at" else bars


def _visited(con: duckdb.DuckDBPyConnection, sector: str, day: dt.date, column: str) -> list[Part]:
    visitor = "broker" if "brokers" in column else "all"
    key = {"scheme": "SW2021", "sector_code": sector, "as_of_date": day, "visitor_type": visitor}
    return visits(con, key, "knowledge_at" if column == "knowledge_at" else "companies_mtd")


def _theme(con: duckdb.DuckDBPyConnection, day: dt.date, column: str) -> list[Part]:
    of_index = {"index_code": THEME_INDEX, "trade_date": day}
    members = f"select t.security_code from {index.CONSTITUENTS} t where t.index_code = ? and t.trade_date = ?"
    if column.startswith("funding_"):
        return _theme_funding(con, day, column)
    if column in ("trackers_with_flow", "etf_net_flow_cny"):
        return etf.tracker_flows(con, THEME_INDEX, day)
    if column.startswith("turnover"):
        return index.security_bars(day, members, (THEME_INDEX, day), "members'")[:1]
    if column.startswith("companies_visited"):
        visitor = "broker" if "brokers" in column else "all"
        companies = (
            f"select c.company_id from companies c where c.security_code in ({members})",
            (THEME_INDEX, day),
        )
        month = day.replace(day=1)
        return [
            _calls(con, month, day, visitor, companies).part(f"visits from {month} to {day} to companies of members"),
            *index.breadth(con, of_index, "members"),
            Part(
                "securities", "members and their companies", f"security_code in ({members})", (THEME_INDEX, day), False
            ),
        ]
    if column == "knowledge_at":
        flows = etf.tracker_flows(con, THEME_INDEX, day)
        return [
            *index.breadth(con, of_index, column),
            *flows,
            *_theme(con, day, "companies_visited_mtd")[:1],
            *_theme_funding(con, day, column),
        ]
    return index.breadth(con, of_index, "members" if column in ("sector_code", "trade_date") else column)


def _theme_funding(con: duckdb.DuckDBPyConnection, day: dt.date, column: str) -> list[Part]:
    key = _quarter(con, day)
    return funding.quarterly(con, key, column.removeprefix("funding_")) if key else []


def _quarter(con: duckdb.DuckDBPyConnection, day: dt.date) -> dict[str, Any] | None:
    start = one(
        con,
        "select funding_quarter_start from release.marts.fct_sector_daily where sector_code = ? and trade_date = ?",
        *(THEME, day),
    )
    told = {"profile": "cb_news_venture", "segment": "innovative_drugs", "region": "GLOBAL", "quarter_start": start}
    return told if start else None


def daily_gaps(con: duckdb.DuckDBPyConnection, key: Key, column: str) -> list[str]:
    """``fct_sector_daily``: what the figures that it takes over lack."""
    sector, day = key["sector_code"], key["trade_date"]
    if column.startswith("companies_visited") and sector != THEME:
        visitor = "broker" if "brokers" in column else "all"
        of = {"scheme": "SW2021", "sector_code": sector, "as_of_date": day, "visitor_type": visitor}
        return visits_gaps(con, of, "companies_mtd")
    if column.startswith("companies_visited"):
        of = {"scheme": "SW2021", "sector_code": "ALL", "as_of_date": day, "visitor_type": "all"}
        known = one(
            con,
            f"select completeness_mtd from {VISITS} where sector_code = 'ALL' and as_of_date = ? "
            "and visitor_type = 'all'",
            day,
        )
        return [f"About {known:.0%} of visits are usually published by now."] if known is not None and known < 1 else []
    if column.startswith("funding_"):
        quarter = _quarter(con, day) if sector == THEME else None
        if quarter:
            return funding.quarterly_gaps(con, quarter, column.removeprefix("funding_"))
        return [] if sector == THEME else [f"Funding is told for {THEME} alone."]
    if column in ("trackers_with_flow", "etf_net_flow_cny"):
        if sector != THEME:
            return [f"No index of the sector is tracked: flows are told for {THEME} alone."]
        silent = con.execute(
            "select etf_code, flow_status from release.marts.fct_etf_daily join release.marts.dim_etf using (etf_code) "
            "where tracked_index_code = ? and trade_date = ? and flow_status in ('missing', 'estimated') order by 1",
            [THEME_INDEX, day],
        ).fetchall()
        return [f"The flow of {code} is {status}." for code, status in silent]
    if sector == THEME:
        return index.breadth_gaps(con, {"index_code": THEME_INDEX, "trade_date": day}, column)
    return []
