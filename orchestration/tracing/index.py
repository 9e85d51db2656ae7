"""Traces of the marts of indices and their members: levels, weights, contributions, breadth, reviews, concepts."""

from __future__ import annotations

import datetime as dt
from typing import Any

import duckdb

from orchestration.tracing import etf
from orchestration.tracing.parts import Key, Part, column_of, listed, named, one

CONSTITUENTS = "release.marts.fct_constituent_daily"

_OF_WEIGHTS = frozenset(
    (
        *("weight_advancing", "top10_weight", "hhi", "hhi_points", "effective_members"),
        *("contribution_residual", "price_coverage", "knowledge_at"),
    )
)
"""Columns of the breadth that rest on drifted weights; the others count members."""


def daily(con: duckdb.DuckDBPyConnection, key: Key, column: str) -> list[Part]:
    """``fct_index_daily``: the bar, and the one before where it tells no previous close."""
    index, day = key["index_code"], key["trade_date"]
    bar = Part("index_bars", f"bar of {day}", "index_code = ? and trade_date = ?", (index, day))
    if column in ("prev_close", "change_ratio", "open_gap_ratio", "knowledge_at"):
        return [bar, _bar_before(index, day, f"(select 1 from index_bars b where {_THIS_BAR})", (index, day))]
    return [bar]


_THIS_BAR = "b.index_code = ? and b.trade_date = ? and b.prev_close is null"


def _bar_before(index: str, day: dt.date, unless: str, values: tuple[Any, ...]) -> Part:
    """The last bar with a close before a day, where ``unless`` (a subquery) finds that nothing nearer tells it."""
    where = (
        "index_code = ? and trade_date = (select max(e.trade_date) from index_bars e where e.index_code = ? "
        f"and e.trade_date < ? and e.close is not null) and exists {unless}"
    )
    return Part("index_bars", "bar before, for the previous close", where, (index, index, day, *values), False)


def intraday(con: duckdb.DuckDBPyConnection, key: Key, column: str) -> list[Part]:
    """``fct_index_intraday``: the quote; what stands over the day looks at all quotes up to it."""
    index, moment = key["index_code"], key["quote_ts"]
    quote = Part("index_quotes", "the quote", "index_code = ? and quote_ts = ?", (index, moment))
    if column in ("last", "quote_ts", "index_code"):
        return [quote]
    day = moment.date()
    so_far = Part(
        "index_quotes",
        "quotes of the day up to it",
        "index_code = ? and quote_ts <= ? and cast(quote_ts as date) = ?",
        (index, moment, day),
    )
    if column in ("open", "is_opening_quote"):
        return [so_far]
    silent = "(select 1 where not exists (select 1 from index_quotes q where q.index_code = ? and q.quote_ts <= ? "
    silent += "and cast(q.quote_ts as date) = ? and q.prev_close is not null))"
    before = _bar_before(index, day, silent, (index, moment, day))
    tells = one(con, "select prev_close from index_quotes where index_code = ? and quote_ts = ?", index, moment)
    if column in ("prev_close", "change_ratio") and tells is not None:
        return [quote]
    return [so_far, before]


def _held(con: duckdb.DuckDBPyConnection, index: str, day: dt.date) -> dt.date | None:
    """Date of the weight set in force on a session: the latest weighted one before it (contracts R30)."""
    found: dt.date | None = one(
        con,
        "select max(valid_from) from release.marts.fct_index_membership "
        "where index_code = ? and valid_from < ? and weight is not null",
        *(index, day),
    )
    return found


def security_bars(day: dt.date, members: str, values: tuple[Any, ...], whose: str) -> list[Part]:
    """Bars of a day of the securities that a subquery names, and the ones before where they tell no reference."""
    before = (
        "(security_code, trade_date) in (select (b.security_code, (select max(e.trade_date) from security_bars e "
        "where e.security_code = b.security_code and e.trade_date < b.trade_date and e.close is not null)) "
        f"from security_bars b where b.trade_date = ? and b.prev_close is null and b.security_code in ({members}))"
    )
    return [
        Part(
            "security_bars",
            f"{whose} bars of {day}",
            f"trade_date = ? and security_code in ({members})",
            (day, *values),
        ),
        Part("security_bars", f"{whose} bars before, for the reference price", before, (day, *values), False),
    ]


def _one_bar(security: str, day: dt.date) -> list[Part]:
    bar, before = security_bars(day, "select cast(? as varchar)", (security,), "the member's")
    return [Part(bar.table, f"bar of {day}", bar.where, bar.values), before]


def _set(index: str, held: dt.date, role: str, required: bool = True) -> Part:
    where = "index_code = ? and weight_date = ?"
    return Part("index_weights", f"{role} of {held}", where, (index, held), required)


def _drift(index: str, held: dt.date, day: dt.date) -> Part:
    """Bars of every member of a set after its date and before a day: they drift its weights (contracts R30)."""
    where = (
        "trade_date > ? and trade_date < ? and security_code in "
        "(select w.security_code from index_weights w where w.index_code = ? and w.weight_date = ?)"
    )
    role = f"members' bars after {held} and before {day}, which drift the weights"
    return Part("security_bars", role, where, (held, day, index, held), False)


def _weight(con: duckdb.DuckDBPyConnection, index: str, day: dt.date, security: str) -> list[Part]:
    """A start-of-day weight: the member's published one and its bars, then those of the others, which scale it to 1."""
    held = _held(con, index, day)
    if held is None:
        return []
    mine = " and security_code = ?"
    others = " and security_code <> ?"
    drift = _drift(index, held, day)
    return [
        Part(
            "index_weights",
            f"published weight of {held}",
            f"index_code = ? and weight_date = ?{mine}",
            (index, held, security),
        ),
        Part(
            "security_bars",
            f"bars after {held} and before {day}, which drift it",
            drift.where + mine,
            (*drift.values, security),
            False,
        ),
        Part(
            "index_weights",
            "weights of the other members, which scale it to 1",
            f"index_code = ? and weight_date = ?{others}",
            (index, held, security),
        ),
        Part(
            "security_bars", "bars of the other members between", drift.where + others, (*drift.values, security), False
        ),
    ]


def constituent_daily(con: duckdb.DuckDBPyConnection, key: Key, column: str) -> list[Part]:
    """``fct_constituent_daily``: the published weight, drifted by the bars since, and the bar of the day."""
    index, day, security = key["index_code"], key["trade_date"], key["security_code"]
    status = one(
        con,
        f"select price_status from {CONSTITUENTS} where index_code = ? and trade_date = ? and security_code = ?",
        *(index, day, security),
    )
    bar, before = _one_bar(security, day)
    bars = [Part(bar.table, bar.role, bar.where, bar.values, status != "market_closed"), before]
    if column in ("change_ratio", "price_status"):
        return bars
    if column in ("index_code", "trade_date", "security_code", "weight_date"):
        return _weight(con, index, day, security)[:1]
    weight = _weight(con, index, day, security)
    return weight if column == "weight" else [*weight, *bars]


def _silent(con: duckdb.DuckDBPyConnection, index: str, first: dt.date, last: dt.date) -> list[tuple[str, int]]:
    """Members without a bar, or with nothing to compare it with, on sessions between two: code and sessions."""
    return con.execute(
        f"select security_code, count(*) from {CONSTITUENTS} where index_code = ? and trade_date between ? and ? "
        "and price_status in ('no_bar', 'no_reference') group by 1 order by 2 desc, 1",
        [index, first, last],
    ).fetchall()


def _drift_gaps(con: duckdb.DuckDBPyConnection, index: str, day: dt.date) -> list[str]:
    held = _held(con, index, day)
    silent = _silent(con, index, held + dt.timedelta(days=1), day - dt.timedelta(days=1)) if held else []
    if not silent:
        return []
    days = sum(count for _, count in silent)
    return [
        f"The drift takes no change for {days} member sessions without a bar or reference since {held}: "
        f"{named(code for code, _ in silent)}."
    ]


def constituent_daily_gaps(con: duckdb.DuckDBPyConnection, key: Key, column: str) -> list[str]:
    """``fct_constituent_daily``: a member without a price; members that did not drift the weights."""
    index, day, security = key["index_code"], key["trade_date"], key["security_code"]
    status = one(
        con,
        f"select price_status from {CONSTITUENTS} where index_code = ? and trade_date = ? and security_code = ?",
        *(index, day, security),
    )
    said = []
    if column in ("change_ratio", "contribution_ratio", "price_status"):
        said += {
            "no_bar": [f"{security} has no bar of {day} though its market was open: its change is unknown."],
            "no_reference": [f"The bar of {security} has nothing to compare it with."],
            "market_closed": [f"The market of {security} was closed on {day}: its change is 0."],
        }.get(status, [])
    if column in ("weight", "contribution_ratio"):
        said += _drift_gaps(con, index, day)
    return said


def breadth(con: duckdb.DuckDBPyConnection, key: Key, column: str) -> list[Part]:
    """``fct_index_breadth_daily``: the set in force, the members' bars of the day, the index's own bar."""
    index, day = key["index_code"], key["trade_date"]
    level = daily(con, key, "change_ratio")
    if column == "index_change_ratio":
        return level
    held = _held(con, index, day)
    if held is None:
        return []
    members = (
        "select w.security_code from index_weights w where w.index_code = ? and w.weight_date = ?",
        (index, held),
    )
    parts = [_set(index, held, "set in force,")]
    if column in _OF_WEIGHTS:
        parts.append(_drift(index, held, day))
    if column not in ("members", "top10_weight", "hhi", "hhi_points", "effective_members"):
        parts += security_bars(day, *members, "members'")
    return [*parts, *(level if column in ("contribution_residual", "knowledge_at") else [])]


def breadth_gaps(con: duckdb.DuckDBPyConnection, key: Key, column: str) -> list[str]:
    """``fct_index_breadth_daily``: members without a price."""
    index, day = key["index_code"], key["trade_date"]
    said = []
    silent = _silent(con, index, day, day)
    if silent and column not in ("members", "top10_weight", "hhi", "hhi_points", "effective_members"):
        codes = named(code for code, _ in silent)
        said.append(f"{len(silent)} members have no price on {day} and are in no count: {codes}.")
    if column in _OF_WEIGHTS:
        said += _drift_gaps(con, index, day)
    return said


def constituent_intraday(con: duckdb.DuckDBPyConnection, key: Key, column: str) -> list[Part]:
    """``fct_constituent_intraday``: the member's quote; a weight from the set; a rank from all members' quotes."""
    index, moment, security = key["index_code"], key["quote_ts"], key["security_code"]
    if column == "weight":
        return _weight(con, index, moment.date(), security)
    if column == "rank_in_index":
        members = (
            "select security_code from release.marts.fct_constituent_intraday where index_code = ? and quote_ts = ?"
        )
        where = f"quote_ts = ? and security_code in ({members})"
        return [
            Part("security_quotes", "quotes of all members at the moment", where, (moment, index, moment)),
            *_references(members, (index, moment), moment),
        ]
    quote = Part("security_quotes", "the quote", "quote_ts = ? and security_code = ?", (moment, security))
    if column in ("change_ratio", "knowledge_at"):
        whole = _weight(con, index, moment.date(), security) if column == "knowledge_at" else []
        return [quote, *_references("select cast(? as varchar)", (security,), moment), *whole]
    return [quote]


def _references(members: str, values: tuple[Any, ...], moment: dt.datetime) -> list[Part]:
    """What tells the previous close of quotes without one: the day's earlier quotes, else the bar before."""
    day = moment.date()
    unsaid = (
        "select n.security_code from security_quotes n where n.quote_ts = ? and n.prev_close is null "
        f"and n.security_code in ({members})"
    )
    never = (
        f"{unsaid} and not exists (select 1 from security_quotes s where s.security_code = n.security_code "
        "and cast(s.quote_ts as date) = ? and s.quote_ts <= ? and s.prev_close is not null)"
    )
    return [
        Part(
            "security_quotes",
            "earlier quotes of the day, for the previous close",
            f"cast(quote_ts as date) = ? and quote_ts < ? and security_code in ({unsaid})",
            (day, moment, moment, *values),
            False,
        ),
        Part(
            "security_bars",
            "bar before, for the previous close",
            "(security_code, trade_date) in (select (b.security_code, max(b.trade_date)) from security_bars b "
            f"where b.trade_date < ? and b.close is not null and b.security_code in ({never}) "
            "group by b.security_code)",
            (day, moment, *values, day, moment),
            False,
        ),
    ]


def membership(con: duckdb.DuckDBPyConnection, key: Key, column: str) -> list[Part]:
    """``fct_index_membership``: the row of the set, the one of the set before, the date of the next."""
    index, security, day = key["index_code"], key["security_code"], key["valid_from"]
    row = con.execute(
        "select valid_to, change from release.marts.fct_index_membership "
        "where index_code = ? and security_code = ? and valid_from = ?",
        [index, security, day],
    ).fetchone()
    until, change = row or (None, None)
    before = one(
        con,
        "select max(valid_from) from release.marts.fct_index_membership where index_code = ? and valid_from < ?",
        *(index, day),
    )
    where = "index_code = ? and weight_date = ? and security_code = ?"
    published = Part("index_weights", f"row of the set of {day}", where, (index, day, security), change != "leave")
    previous = Part("index_weights", f"row of the set of {before}", where, (index, before, security), False)
    if change == "leave":
        return [previous, _set(index, day, "first set without it,")]
    if column == "change":
        return [published, *([previous] if before else [])]
    if column in ("valid_to", "knowledge_at"):
        following = [_set(index, until, "next set,")] if until else []
        return [published, *([previous] if before and column == "knowledge_at" else []), *following]
    return [published]


_SET_COLUMNS = frozenset(
    (
        *("index_code", "set_date", "previous_set_date", "effective_date", "members", "members_added"),
        *("members_dropped", "added_codes", "dropped_codes", "review_kind", "review_date", "change", "weight_after"),
        "security_code",
    )
)
_DRIFT_COLUMNS = frozenset(("weight_before", "weight_change", "one_way_turnover", "drift_date"))
_ASSET_COLUMNS = frozenset(("trackers", "tracker_assets_cny"))
_TURNOVER_COLUMNS = frozenset(("average_turnover_cny", "turnover_days", "turnover_currency", "turnover_cny_rate"))


def review(con: duckdb.DuckDBPyConnection, key: Key, column: str) -> list[Part]:
    """``fct_index_review`` and ``fct_index_review_member``: two sets, drift, assets of trackers, turnover, rates."""
    index, day = key["index_code"], key["set_date"]
    row = con.execute(
        "select previous_set_date, drift_date from release.marts.fct_index_review "
        "where index_code = ? and set_date = ?",
        [index, day],
    ).fetchone()
    if row is None:
        return []
    before, drifted = row
    sets = [_set(index, day, "set"), _set(index, before, "set before,")]
    if column == "weight_after":
        return sets[:1]
    if column in _SET_COLUMNS:
        rules = listed("index_review_calendars", "review rule of the index", "index_code = ?", index)
        return [*sets, *([rules] if column.startswith("review_") else [])]
    drift = [_drift(index, before, drifted + dt.timedelta(days=1))] if drifted else []
    assets = etf.trackers(con, index, day - dt.timedelta(days=9), day)
    if column in _DRIFT_COLUMNS:
        return [*sets, *drift]
    if column in _ASSET_COLUMNS:
        return assets
    turnover = _turnover(index, day, before, key.get("security_code"))
    if column in _TURNOVER_COLUMNS:
        return turnover
    if column in ("tracker_trade_cny", "tracker_turnover_cny"):
        return [*sets, *drift, *assets]
    return [*sets, *drift, *assets, *turnover]


def _turnover(index: str, day: dt.date, before: dt.date, security: str | None) -> list[Part]:
    """The last twenty bars up to a set, of one security or of the members of it and of the set before; rates."""
    members = "select w.security_code from index_weights w where w.index_code = ? and w.weight_date in (?, ?)"
    values: tuple[Any, ...] = (index, day, before)
    if security:
        members, values = "select cast(? as varchar)", (security,)
    where = (
        "(security_code, trade_date) in (select (b.security_code, b.trade_date) from security_bars b "
        f"where b.trade_date <= ? and b.security_code in ({members}) "
        "qualify row_number() over (partition by b.security_code order by b.trade_date desc) <= 20)"
    )
    rates = "kind = 'valuation' and rate_date <= ? and rate_date > ?"
    return [
        Part("security_bars", f"last twenty bars up to {day}", where, (day, *values)),
        Part("fx_rates", f"rates of the ten days to {day}", rates, (day, day - dt.timedelta(days=10)), False),
    ]


def review_gaps(con: duckdb.DuckDBPyConnection, key: Key, column: str) -> list[str]:
    """Both review marts: what the days to trade lack, by member."""
    one_member = "security_code" in key
    lacking = con.execute(
        "select trade_status, count(*), list(security_code order by security_code) "
        "from release.marts.fct_index_review_member where index_code = ? and set_date = ? and trade_status <> 'known'"
        + (" and security_code = ?" if one_member else "")
        + " group by 1 order by 1",
        [key["index_code"], key["set_date"], *([key["security_code"]] if one_member else [])],
    ).fetchall()
    if column in _SET_COLUMNS:
        return []
    return [f"Days to trade are unknown ({status}) of {count}: {named(codes)}." for status, count, codes in lacking]


def concept_daily(con: duckdb.DuckDBPyConnection, key: Key, column: str) -> list[Part]:
    """``fct_concept_daily``: the latest member set, and the members' bars of the day."""
    concept, day = key["concept"], key["trade_date"]
    told = one(
        con, "select set_date from release.marts.fct_concept_daily where concept = ? and trade_date = ?", concept, day
    )
    members = "select m.security_code from concept_members m where m.concept = ? and m.as_of_date = ?"
    parts = [Part("concept_members", f"member list of {told}", "concept = ? and as_of_date = ?", (concept, told))]
    if column in ("members", "set_date", "concept"):
        return parts
    return [*parts, *security_bars(day, members, (concept, told), "members'")]


def concept_gaps(con: duckdb.DuckDBPyConnection, key: Key, column: str) -> list[str]:
    """``fct_concept_daily``: members without a bar of the day."""
    concept, day = key["concept"], key["trade_date"]
    silent = column_of(
        con,
        "select m.security_code from concept_members m join release.marts.fct_concept_daily c "
        "on c.concept = m.concept and c.set_date = m.as_of_date and c.trade_date = ? where m.concept = ? "
        "and m.security_code not in (select b.security_code from security_bars b where b.trade_date = ? "
        "and b.close is not null) order by 1",
        *(day, concept, day),
    )
    if not silent or column in ("members", "set_date", "concept"):
        return []
    return [f"{len(silent)} members have no price on {day}: {named(silent)}."]
