"""Which raw rows a figure of a mart stands on: from a key and a column to conditions on raw tables.

Belongs here: for every mart that carries figures of the note, the rows behind one of them, in the words of the
contracts. Does not belong here: reading the rows and printing them (``orchestration.explain``), the models' logic; a
mart without a function of its own is traced by its lineage and the key columns that it shares with the raw tables.

Every function reads the released file through ``con`` (attached as ``release``) and gives ``Part`` objects: conditions
on the latest known versions of a raw table. ``None`` in a condition's values is never meant.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import duckdb

Key = Mapping[str, Any]


@dataclass(frozen=True)
class Part:
    """Rows of one raw table and what they are to the figure. ``required``: without them the figure lacks an input."""

    table: str
    role: str
    where: str
    values: tuple[Any, ...]
    required: bool = True


Tracer = Callable[[duckdb.DuckDBPyConnection, Key, str], list[Part]]

_BAR_COLUMNS = frozenset(
    ("open", "high", "low", "close", "prev_close", "change_ratio", "turnover_cny", "volume_shares", "vwap")
)

_FLOW_COLUMNS = frozenset(
    (
        *("net_flow_cny", "flow_status", "flow_price_basis", "span_sessions"),
        *("split_factor", "split_source", "creation_open", "knowledge_at"),
    )
)


def _value(con: duckdb.DuckDBPyConnection, sql: str, *values: Any) -> Any:
    row = con.execute(sql, list(values)).fetchone()
    return row[0] if row else None


def _etf_bar(etf: str, day: dt.date, required: bool = True) -> Part:
    return Part("etf_bars", f"bar of {day}", "etf_code = ? and trade_date = ?", (etf, day), required)


def _etf_quotes(etf: str, day: dt.date) -> Part:
    where = "etf_code = ? and cast(quote_ts as date) = ?"
    return Part("etf_quotes", f"quotes of {day}", where, (etf, day), False)


def _etf_nav(etf: str, day: dt.date) -> Part:
    return Part("etf_nav", f"NAV of {day}", "etf_code = ? and nav_date = ?", (etf, day))


def _etf_shares(con: duckdb.DuckDBPyConnection, etf: str, day: dt.date) -> Part:
    """The closing count of a session, or the opening count of the next one in its place (contracts R20)."""
    after = _value(con, "select next_session_szse from release.marts.dim_date where date = ?", day)
    return Part(
        "etf_shares",
        f"closing shares of {day}",
        "etf_code = ? and ((share_basis = 'close_of_day' and share_date = ?) "
        "or (share_basis = 'open_of_day' and share_date = ?))",
        (etf, day, after or day),
    )


def _before(con: duckdb.DuckDBPyConnection, etf: str, day: dt.date, column: str) -> dt.date | None:
    """The last session before ``day`` on which ``column`` of the ETF's row is known."""
    found: dt.date | None = _value(
        con,
        "select max(trade_date) from release.marts.fct_etf_daily "
        f"where etf_code = ? and trade_date < ? and {column} is not null",
        etf,
        day,
    )
    return found


def etf_daily(con: duckdb.DuckDBPyConnection, key: Key, column: str) -> list[Part]:
    """``fct_etf_daily``: prices from the bar, holdings from shares and NAV, flows from two counts, NAV and splits."""
    etf, day = key["etf_code"], key["trade_date"]
    bar, nav, shares = _etf_bar(etf, day), _etf_nav(etf, day), _etf_shares(con, etf, day)
    if column in _BAR_COLUMNS:
        return [bar]
    if column in _FLOW_COLUMNS:
        return _flow(con, etf, day)
    if column.startswith("premium_iopv"):
        return [_etf_quotes(etf, day)]
    if column in ("premium_zscore", "premium_basis"):
        quotes = _etf_quotes(etf, day)
        span = f"{_sessions(con, etf, day, 21)[-1]} to {day}"
        values = (etf, _sessions(con, etf, day, 21)[-1], day)
        return [
            quotes,
            Part("etf_bars", f"bars of {span}", "etf_code = ? and trade_date between ? and ?", values),
            Part("etf_nav", f"NAV of {span}", "etf_code = ? and nav_date between ? and ?", values),
        ]
    if column.startswith(("nav_return", "distribution")):
        earlier = _before(con, etf, day, "unit_nav")
        splits = Part("etf_splits", f"split of {day}", "etf_code = ? and effective_date = ?", (etf, day), False)
        return [nav, *([_etf_nav(etf, earlier)] if earlier else []), splits]
    if column == "turnover_rate_ratio":
        earlier = _before(con, etf, day, "shares")
        return [bar, *([_etf_shares(con, etf, earlier)] if earlier else [])]
    known = {"unit_nav": [nav], "shares": [shares], "aum_cny": [shares, nav], "premium_ratio": [bar, nav]}
    return known.get(column, [bar, nav, shares])


def _flow(con: duckdb.DuckDBPyConnection, etf: str, day: dt.date) -> list[Part]:
    status = _value(
        con, "select flow_status from release.marts.fct_etf_daily where etf_code = ? and trade_date = ?", etf, day
    )
    before = _before(con, etf, day, "shares")
    parts = [_etf_shares(con, etf, day)]
    if before:
        parts.append(_etf_shares(con, etf, before))
    parts.append(_etf_nav(etf, day))
    if status == "estimated":
        parts.append(_etf_bar(etf, day))
    splits = "etf_code = ? and effective_date > ? and effective_date <= ?"
    parts.append(Part("etf_splits", "splits since the count before", splits, (etf, before or day, day), False))
    return parts


def _sessions(con: duckdb.DuckDBPyConnection, etf: str, last: dt.date, count: int) -> list[dt.date]:
    """The last ``count`` sessions of the ETF up to ``last``, latest first."""
    return [
        day
        for (day,) in con.execute(
            "select trade_date from release.marts.fct_etf_daily where etf_code = ? and trade_date <= ? "
            "order by trade_date desc limit ?",
            [etf, last, count],
        ).fetchall()
    ]


def etf_flow_window(con: duckdb.DuckDBPyConnection, key: Key, column: str) -> list[Part]:
    """``fct_etf_flow_window``: the flows of its sessions; the counts reach back to the one before the first."""
    etf, last = key["etf_code"], key["as_of_date"]
    sessions = _sessions(con, etf, last, int(key["window_sessions"]))
    first = sessions[-1] if sessions else last
    before = _before(con, etf, first, "shares")
    start = before or first
    after = _value(con, "select next_session_szse from release.marts.dim_date where date = ?", last)
    span = f"{first} to {last}"
    estimated = "etf_code = ? and trade_date between ? and ?"
    parts = [
        Part(
            "etf_shares",
            f"closing shares of {start} to {last}",
            "etf_code = ? and ((share_basis = 'close_of_day' and share_date between ? and ?) "
            "or (share_basis = 'open_of_day' and share_date > ? and share_date <= ?))",
            (etf, start, last, start, after or last),
        ),
        Part("etf_nav", f"NAV of {span}", "etf_code = ? and nav_date between ? and ?", (etf, first, last)),
        Part(
            "etf_splits",
            f"splits after {start}",
            "etf_code = ? and effective_date > ? and effective_date <= ?",
            (etf, start, last),
            False,
        ),
    ]
    if _value(
        con,
        f"select count(*) from release.marts.fct_etf_daily where {estimated} and flow_status = 'estimated'",
        etf,
        first,
        last,
    ):
        parts.append(Part("etf_bars", f"bars of {span}, for the estimates", estimated, (etf, first, last)))
    return parts


def etf_intraday(con: duckdb.DuckDBPyConnection, key: Key, column: str) -> list[Part]:
    """``fct_etf_intraday``: one quote; open and previous close may come from earlier ones of the day."""
    return [Part("etf_quotes", "the quote", "etf_code = ? and quote_ts = ?", (key["etf_code"], key["quote_ts"]))]


def index_daily(con: duckdb.DuckDBPyConnection, key: Key, column: str) -> list[Part]:
    """``fct_index_daily``: the bar, and the one before where it tells no previous close."""
    index, day = key["index_code"], key["trade_date"]
    parts = [Part("index_bars", f"bar of {day}", "index_code = ? and trade_date = ?", (index, day))]
    if column in ("prev_close", "change_ratio", "open_gap_ratio"):
        before = "index_code = ? and trade_date = (select max(b.trade_date) from index_bars b where b.index_code = ? "
        before += "and b.trade_date < ?)"
        parts.append(Part("index_bars", "bar before", before, (index, index, day), False))
    return parts


def index_intraday(con: duckdb.DuckDBPyConnection, key: Key, column: str) -> list[Part]:
    """``fct_index_intraday``: the quote; its states look at all quotes of the day up to it."""
    index, moment = key["index_code"], key["quote_ts"]
    if column in ("last", "change_ratio"):
        return [Part("index_quotes", "the quote", "index_code = ? and quote_ts = ?", (index, moment))]
    return [
        Part(
            "index_quotes",
            "quotes of the day up to it",
            "index_code = ? and quote_ts <= ? and cast(quote_ts as date) = cast(cast(? as timestamptz) as date)",
            (index, moment, moment),
        )
    ]


def _set(con: duckdb.DuckDBPyConnection, index: str, day: dt.date) -> dt.date | None:
    """Date of the weight set in force on a session."""
    found: dt.date | None = _value(
        con,
        "select max(weight_date) from release.marts.fct_constituent_daily where index_code = ? and trade_date = ?",
        index,
        day,
    )
    return found


def constituent_daily(con: duckdb.DuckDBPyConnection, key: Key, column: str) -> list[Part]:
    """``fct_constituent_daily``: the published weight, drifted by the bars since, and the bar of the day."""
    index, day, security = key["index_code"], key["trade_date"], key["security_code"]
    bar = Part("security_bars", f"bar of {day}", "security_code = ? and trade_date = ?", (security, day))
    if column in ("change_ratio", "price_status"):
        return [bar]
    parts = []
    held = _set(con, index, day)
    if held:
        parts.append(
            Part(
                "index_weights",
                f"published weight of {held}; the other members' scale it to 1",
                "index_code = ? and weight_date = ? and security_code = ?",
                (index, held, security),
            )
        )
        parts.append(
            Part(
                "security_bars",
                f"bars after {held} up to the day before, which drift the weight; so do those of the other members",
                "security_code = ? and trade_date > ? and trade_date < ?",
                (security, held, day),
                False,
            )
        )
    return [*parts, bar] if column != "weight" else parts


def index_breadth(con: duckdb.DuckDBPyConnection, key: Key, column: str) -> list[Part]:
    """``fct_index_breadth_daily``: the set in force, the members' bars of the day, the index's own bar."""
    index, day = key["index_code"], key["trade_date"]
    held = _set(con, index, day)
    members = "select security_code from release.marts.fct_constituent_daily where index_code = ? and trade_date = ?"
    parts = [
        Part(
            "security_bars",
            f"members' bars of {day}",
            f"trade_date = ? and security_code in ({members})",
            (day, index, day),
        )
    ]
    if held:
        parts.append(
            Part("index_weights", f"set of {held}", "index_code = ? and weight_date = ?", (index, held)),
        )
    if column in ("index_change_ratio", "contribution_residual"):
        parts.append(Part("index_bars", f"bar of {day}", "index_code = ? and trade_date = ?", (index, day)))
    return parts


def constituent_intraday(con: duckdb.DuckDBPyConnection, key: Key, column: str) -> list[Part]:
    """``fct_constituent_intraday``: the member's quote; its rank rests on the other members' quotes too."""
    index, moment = key["index_code"], key["quote_ts"]
    if column != "rank_in_index":
        return [
            Part("security_quotes", "the quote", "quote_ts = ? and security_code = ?", (moment, key["security_code"]))
        ]
    members = "select security_code from release.marts.fct_constituent_intraday where index_code = ? and quote_ts = ?"
    where = f"quote_ts = ? and security_code in ({members})"
    return [Part("security_quotes", "quotes of all members", where, (moment, index, moment))]


def concept_daily(con: duckdb.DuckDBPyConnection, key: Key, column: str) -> list[Part]:
    """``fct_concept_daily``: the latest member set, and the members' bars of the day."""
    concept, day = key["concept"], key["trade_date"]
    listed = _value(
        con, "select set_date from release.marts.fct_concept_daily where concept = ? and trade_date = ?", concept, day
    )
    members = "select m.security_code from concept_members m where m.concept = ? and m.as_of_date = ?"
    parts = [
        Part("concept_members", f"member list of {listed}", "concept = ? and as_of_date = ?", (concept, listed)),
    ]
    if column != "members":
        where = f"trade_date = ? and security_code in ({members})"
        parts.append(Part("security_bars", f"members' bars of {day}", where, (day, concept, listed)))
    return parts


def sector_visits(con: duckdb.DuckDBPyConnection, key: Key, column: str) -> list[Part]:
    """``fct_sector_visits_daily``: the month's visits to date, before one visit told twice is counted once (R40)."""
    day = key["as_of_date"]
    where, values = "visit_date >= ? and visit_date <= ?", [day.replace(day=1), day]
    if key["visitor_type"] != "all":
        where += " and visitor_type = ?"
        values.append(key["visitor_type"])
    role = f"visits from {day.replace(day=1)} to {day}, before duplicates are taken out"
    if key["sector_code"] in ("ALL", "NONE"):
        if key["sector_code"] == "NONE":
            role += "; those of companies without a sector count"
        return [Part("broker_visits", role, where, tuple(values))]
    # the latest membership on the day, by index or industry code of the sector
    members = (
        "select s.security_code from sector_members s where s.scheme = ? and s.level = 'L1' and s.valid_from <= ? "
        "and (s.valid_to is null or s.valid_to > ?) and split_part(s.sector_code, '.', 1) in "
        "(select unnest([x.sector_code, x.industry_code]) from release.reference.sectors x where x.sector_code = ? "
        "union select cast(? as varchar))"
    )
    of_sector = (key["scheme"], day, day, key["sector_code"], key["sector_code"])
    return [
        Part("broker_visits", role, f"{where} and security_code in ({members})", (*values, *of_sector)),
        Part(
            "sector_members",
            f"companies of the sector on {day} that were visited",
            f"scheme = ? and level = 'L1' and security_code in ({members}) and valid_from <= ? and security_code in "
            "(select v.security_code from broker_visits v where v.visit_date >= ? and v.visit_date <= ?)",
            (key["scheme"], *of_sector, day, day.replace(day=1), day),
        ),
    ]


_COUNTED = ("USA", "CHN", "HKG")
_FROM = (
    "coalesce(org_uuid in (select o.org_uuid from organizations o where o.country_code = ?) or (country_code = ? and "
    "org_uuid not in (select o.org_uuid from organizations o where o.country_code is not null)), false)"
)
"""Whether the organization is of a country, or the round where the organization tells none (contracts R52)."""

_CATEGORIES = "',' || lower(regexp_replace(coalesce(o.category_list, ''), '[ ]*[,;|][ ]*', ',', 'g')) || ','"


def funding_quarterly(con: duckdb.DuckDBPyConnection, key: Key, column: str) -> list[Part]:
    """``fct_funding_quarterly``: the quarter's rounds that the profile can count; for growth those of a year before."""
    parts = [_rounds(key, key["quarter_start"], "quarter")]
    if column in ("yoy_latest", "yoy_lag_matched", "base_amount_usd", "base_amount_known_year_ago_usd"):
        start = key["quarter_start"]
        role = "quarter a year before"
        if column in ("yoy_lag_matched", "base_amount_known_year_ago_usd"):
            role += ", as known now; the growth takes the versions known a year before the build"
        parts.append(_rounds(key, start.replace(year=start.year - 1), role))
    return parts


def _rounds(key: Key, quarter: dt.date, which: str) -> Part:
    where = (
        "announced_on >= cast(? as date) and announced_on < cast(? as date) + interval 3 month "
        "and (deleted_at is null or deleted_at > (select cut.as_of from cut)) "
        f"and investment_type in (select t.investment_type from release.reference.investment_types t "
        f"where t.{key['profile']} <> 'never')"
    )
    values: list[Any] = [quarter, quarter]
    if key["region"] == "ROW":
        where += " and not " + " and not ".join([_FROM] * len(_COUNTED))
        values += [country for country in _COUNTED for _ in range(2)]
    elif key["region"] != "GLOBAL":
        where += f" and {_FROM}"
        values += [key["region"]] * 2
    if key["segment"] != "all":
        where += (
            " and org_uuid in (select o.org_uuid from organizations o, release.reference.segment_categories c "
            f"where c.segment = ? and {_CATEGORIES} like '%,' || c.category || ',%')"
        )
        values.append(key["segment"])
    role = f"rounds of the {which} that begins {quarter}; corporate and private equity rounds count after earlier ones"
    return Part("funding_rounds", role, where, tuple(values))


TRACERS: dict[str, Tracer] = {
    "fct_etf_daily": etf_daily,
    "fct_etf_flow_window": etf_flow_window,
    "fct_etf_intraday": etf_intraday,
    "fct_index_daily": index_daily,
    "fct_index_intraday": index_intraday,
    "fct_constituent_daily": constituent_daily,
    "fct_index_breadth_daily": index_breadth,
    "fct_constituent_intraday": constituent_intraday,
    "fct_concept_daily": concept_daily,
    "fct_sector_visits_daily": sector_visits,
    "fct_funding_quarterly": funding_quarterly,
}

CLAIM_COLUMNS: dict[str, str] = {
    "etf_change": "change_ratio",
    "etf_turnover": "turnover_cny",
    "leader": "change_ratio",
    "hsi_open_gap": "open_gap_ratio",
    "hstech_open_gap": "open_gap_ratio",
    "hsi_turned_positive": "turned_at",
    "hstech_turned_positive": "turned_at",
    "hsi_open_state": "open_state",
    "hstech_open_state": "open_state",
    "etf_inflow_days": "inflow_days",
    "etf_window_sessions": "window_sessions",
    "etf_structural_zero_days": "structural_zero_days",
    "etf_cumulative_flow": "cumulative_flow_cny",
    "visits": "companies_mtd",
    "funding": "yoy_latest",
    "cro_members": "members",
    "cro_advancers": "advancers",
    "cro_decliners": "decliners",
}
"""Column of the source table that a claim of the note tells, by claim id or its first word."""


def claim_column(claim: str) -> str:
    """The column behind a claim, which may be any that the source table has."""
    if claim.startswith("funding") and claim.endswith("_lag_matched"):
        return "yoy_lag_matched"
    return CLAIM_COLUMNS.get(claim) or CLAIM_COLUMNS.get(claim.split("_")[0], "knowledge_at")


SHARED_KEYS = {
    "trade_date": ("trade_date", "share_date", "nav_date", "rate_date"),
    "as_of_date": ("as_of_date",),
    "tracked_index_code": ("index_code",),
}
"""Key columns of marts that a raw table has under another name."""


def by_lineage(tables: list[str], columns: Mapping[str, tuple[str, ...]], key: Key, column: str) -> list[Part]:
    """Rows of the raw tables that feed a mart and share key columns with it: more than went into the figure.

    ``columns``: columns of each raw table. A column that a raw table has by the same name is looked for there alone.
    """
    carrying = [table for table in tables if column in columns[table]]
    parts = []
    for table in carrying or tables:
        shared = []
        for name, value in key.items():
            here = [known for known in SHARED_KEYS.get(name, (name,)) if known in columns[table]]
            if here:
                shared.append((here[0], value))
        if shared:
            where = " and ".join(f"{name} = ?" for name, _ in shared)
            said = ", ".join(f"{name} {value}" for name, value in shared)
            parts.append(Part(table, f"rows of {said}", where, tuple(value for _, value in shared), False))
    return parts
