"""Traces of the marts of ETFs: prices, holdings, flows, premiums, returns, tracking."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import duckdb

from orchestration.tracing.parts import Key, Part, column_of, listed, merged, named, one

DAILY = "release.marts.fct_etf_daily"

_BAR_COLUMNS = frozenset(
    ("open", "high", "low", "close", "turnover_cny", "volume_shares", "vwap", "vwap_status", "prev_close")
)
_FLOW_COLUMNS = frozenset(("net_flow_cny", "flow_status", "flow_price_basis", "span_sessions"))
_PRICED_COLUMNS = frozenset(("net_flow_at_vwap_cny", "net_flow_at_close_cny"))
_CALENDAR_COLUMNS = frozenset(("creation_open", "structural_zero_reason"))


def _bar(etf: str, day: dt.date, required: bool = True) -> Part:
    return Part("etf_bars", f"bar of {day}", "etf_code = ? and trade_date = ?", (etf, day), required)


def _reference_bar(etf: str, day: dt.date) -> Part:
    """The bar before, where the bar of the day tells no previous close."""
    where = (
        "etf_code = ? and trade_date = (select d.previous_session_szse from release.marts.dim_date d join etf_bars b "
        "on b.trade_date = d.date where b.etf_code = ? and d.date = ? and b.prev_close is null)"
    )
    return Part("etf_bars", "bar before, for the reference price", where, (etf, etf, day), False)


def _nav(etf: str, day: dt.date, required: bool = True) -> Part:
    return Part("etf_nav", f"NAV of {day}", "etf_code = ? and nav_date = ?", (etf, day), required)


def _navs(etf: str, first: dt.date, last: dt.date) -> Part:
    where = "etf_code = ? and nav_date between ? and ?"
    return Part("etf_nav", f"NAV of {first} to {last}", where, (etf, first, last))


def counts(etf: str, first: dt.date, last: dt.date, required: bool = True) -> Part:
    """The closing counts of sessions, or the opening counts that stand in their place (contracts R20)."""
    where = (
        "(etf_code, share_date, share_basis) in (select (c.etf_code, c.share_date, c.share_basis) "
        "from closing_counts c where c.etf_code = ? and c.trade_date between ? and ?)"
    )
    span = str(last) if first == last else f"{first} to {last}"
    return Part("etf_shares", f"closing shares of {span}", where, (etf, first, last), required)


def _splits(etf: str, after: dt.date, last: dt.date) -> Part:
    """Splits effective after a session up to another; one declared for a day without a session waits for the next."""
    role = f"splits after {after} up to {last}"
    return Part(
        "etf_splits", role, "etf_code = ? and effective_date > ? and effective_date <= ?", (etf, after, last), False
    )


def _before(con: duckdb.DuckDBPyConnection, etf: str, day: dt.date, column: str) -> dt.date | None:
    """The last session before ``day`` on which ``column`` of the ETF's row is known."""
    found: dt.date | None = one(
        con,
        f"select max(trade_date) from {DAILY} where etf_code = ? and trade_date < ? and {column} is not null",
        *(etf, day),
    )
    return found


def _session_before(con: duckdb.DuckDBPyConnection, day: dt.date) -> dt.date:
    found: dt.date = one(con, "select previous_session_szse from release.marts.dim_date where date = ?", day) or day
    return found


def _sessions(con: duckdb.DuckDBPyConnection, etf: str, last: dt.date, count: int) -> list[dt.date]:
    """The last ``count`` sessions of the ETF up to ``last``, latest first."""
    return column_of(
        con,
        f"select trade_date from {DAILY} where etf_code = ? and trade_date <= ? order by trade_date desc limit ?",
        *(etf, last, count),
    )


def _calendar(con: duckdb.DuckDBPyConnection, etf: str) -> list[Part]:
    """The profile, and the set of the tracked index where the creation calendar is derived from it (contracts R22)."""
    parts = [Part("etf_profiles", "profile", "etf_code = ?", (etf,))]
    if one(con, "select creation_calendar_source from release.marts.dim_etf where etf_code = ?", etf) == "derived":
        parts += _latest_set(con, etf)
    return parts


def _latest_set(con: duckdb.DuckDBPyConnection, etf: str) -> list[Part]:
    index = one(con, "select tracked_index_code from release.marts.dim_etf where etf_code = ?", etf)
    held = one(
        con,
        "select max(valid_from) from release.marts.fct_index_membership where index_code = ? and weight is not null",
        index,
    )
    where = "index_code = ? and weight_date = ?"
    return [Part("index_weights", f"latest set of {index}, of {held}", where, (index, held))] if held else []


def _split_inputs(con: duckdb.DuckDBPyConnection, etf: str, day: dt.date) -> list[Part]:
    """A declared split; the counts and NAVs on both sides of a detected one."""
    source = one(con, f"select split_source from {DAILY} where etf_code = ? and trade_date = ?", etf, day)
    if source == "detected":
        before = _before(con, etf, day, "shares") or day
        last_nav = _before(con, etf, day, "unit_nav") or day
        return [counts(etf, before, before), counts(etf, day, day), _nav(etf, last_nav), _nav(etf, day)]
    return [_splits(etf, _session_before(con, day), day)]


def flow(con: duckdb.DuckDBPyConnection, etf: str, day: dt.date) -> list[Part]:
    """What the flow of a session stands on, by its status (contracts R23 to R27)."""
    of_day = f"from {DAILY} where etf_code = ? and trade_date = ?"
    status = one(con, f"select flow_status {of_day}", etf, day)
    zero = status == "structural_zero"
    reason = one(con, f"select structural_zero_reason {of_day}", etf, day) if zero else None
    before = _before(con, etf, day, "shares")
    parts = [counts(etf, day, day, not zero)]
    if before:
        parts.append(counts(etf, before, before))
    if status == "estimated":
        parts.append(_bar(etf, day))
    if not zero or reason == "suspension":
        parts.append(_nav(etf, day))
    parts.append(_splits(etf, before or day, day))
    if zero and reason == "calendar":
        parts += _calendar(con, etf)
    if _split_between(con, etf, before or day, day):
        parts.append(Part("etf_profiles", "profile, for the creation unit", "etf_code = ?", (etf,)))
    return parts


def _split_between(con: duckdb.DuckDBPyConnection, etf: str, after: dt.date, last: dt.date) -> bool:
    return bool(
        one(
            con,
            f"select count(*) from {DAILY} where etf_code = ? and trade_date > ? and trade_date <= ? "
            "and split_factor <> 1",
            *(etf, after, last),
        )
    )


def daily(con: duckdb.DuckDBPyConnection, key: Key, column: str) -> list[Part]:
    """``fct_etf_daily``: prices from the bar, holdings from shares and NAV, flows from two counts, NAV and splits."""
    etf, day = key["etf_code"], key["trade_date"]
    bar, nav, shares = _bar(etf, day), _nav(etf, day), counts(etf, day, day)
    if column in _BAR_COLUMNS:
        return [bar, _reference_bar(etf, day)] if column == "prev_close" else [bar]
    if column in _FLOW_COLUMNS:
        return flow(con, etf, day)
    if column in _PRICED_COLUMNS:
        return [*flow(con, etf, day), _bar(etf, day, False)]
    if column in _CALENDAR_COLUMNS:
        return [*_calendar(con, etf), _nav(etf, day, required=False)]
    if column in ("split_factor", "split_source"):
        return _split_inputs(con, etf, day)
    if column.startswith("premium_") and column != "premium_ratio":
        return _premium(con, etf, day, column)
    if column.startswith(("nav_return", "distribution")):
        return _nav_return(con, etf, day)
    if column == "comparisons_known_at":
        return [*_premium(con, etf, day, "premium_zscore"), *_nav_return(con, etf, day)]
    if column == "turnover_rate_ratio":
        before = _session_before(con, day)
        return [bar, counts(etf, before, before), *_split_inputs(con, etf, day)]
    if column == "knowledge_at":
        rest = [part for part in flow(con, etf, day) if part.table in ("etf_shares", "etf_splits")]
        return [_bar(etf, day, False), _nav(etf, day, False), *(replace(part, required=False) for part in rest)]
    known = {
        "change_ratio": [bar, _reference_bar(etf, day)],
        "unit_nav": [nav],
        "shares": [shares],
        "aum_cny": [shares, nav],
        "premium_ratio": [bar, nav],
    }
    return known.get(column) or [_bar(etf, day, False), _nav(etf, day, False), counts(etf, day, day, False)]


def _premium(con: duckdb.DuckDBPyConnection, etf: str, day: dt.date, column: str) -> list[Part]:
    row = con.execute(
        f"select premium_iopv_at, premium_basis from {DAILY} where etf_code = ? and trade_date = ?", [etf, day]
    ).fetchone()
    moment, basis = row or (None, None)
    quote = Part(
        "etf_quotes",
        "last quote from 14:57 to before 15:01 with price and IOPV",
        "etf_code = ? and quote_ts = ?",
        (etf, moment),
        column in ("premium_iopv_ratio", "premium_iopv_at"),
    )
    if column in ("premium_iopv_ratio", "premium_iopv_at") or (column == "premium_basis" and basis == "iopv_1500"):
        return [quote]
    if column == "premium_basis":
        return [_bar(etf, day), _nav(etf, day)]
    first = _sessions(con, etf, day, 21)[-1]
    if basis == "iopv_1500":
        closing = (
            f"etf_code = ? and quote_ts in (select premium_iopv_at from {DAILY} "
            "where etf_code = ? and trade_date between ? and ?)"
        )
        return [Part("etf_quotes", f"closing quotes of {first} to {day}", closing, (etf, etf, first, day))]
    bars = "etf_code = ? and trade_date between ? and ?"
    return [Part("etf_bars", f"bars of {first} to {day}", bars, (etf, first, day)), _navs(etf, first, day)]


def _nav_return(con: duckdb.DuckDBPyConnection, etf: str, day: dt.date) -> list[Part]:
    earlier = _before(con, etf, day, "unit_nav")
    before = [_nav(etf, earlier)] if earlier else []
    return [_nav(etf, day), *before, _splits(etf, earlier or day, day)]


def daily_gaps(con: duckdb.DuckDBPyConnection, key: Key, column: str) -> list[str]:
    """``fct_etf_daily``: an estimate, a count that covers several sessions, a split that nobody declared."""
    etf, day = key["etf_code"], key["trade_date"]
    row = con.execute(
        f"select flow_status, span_sessions, split_factor, shares, unit_nav from {DAILY} "
        "where etf_code = ? and trade_date = ?",
        [etf, day],
    ).fetchone()
    if row is None or column not in _FLOW_COLUMNS | _PRICED_COLUMNS | {"split_factor", "split_source"}:
        return []
    status, span, split, shares, nav = row
    said = []
    if status == "estimated":
        said.append(f"NAV of {day} is not in: the flow is priced at the close until it is.")
    if status == "missing" and shares is None:
        said.append(f"The share count of {day} is not in: when the next one is, its flow covers this session too.")
    if status == "missing" and shares is not None and _before(con, etf, day, "shares") is None:
        said.append(f"No count before {day} is known: a flow needs two.")
    if status == "missing" and shares is not None and nav is None:
        said.append(f"Neither NAV nor close of {day} is in: nothing prices the change of shares.")
    if (span or 1) > 1:
        said.append(f"Counts of the {span - 1} sessions before {day} are not in: their flows stand in this one.")
    of_day = f"from {DAILY} where etf_code = ? and trade_date = ?"
    if (split or 1) != 1 and one(con, f"select split_source {of_day}", etf, day) == "detected":
        said.append("The split was detected, not declared: a declared one replaces its factor.")
    return said


def flow_window(con: duckdb.DuckDBPyConnection, key: Key, column: str) -> list[Part]:
    """``fct_etf_flow_window``: the flows of its sessions; the counts reach back to the one before the first."""
    etf, last = key["etf_code"], key["as_of_date"]
    first = _first_session(con, key, column)
    start = _before(con, etf, first, "shares") or first
    parts = [counts(etf, start, last), _navs(etf, first, last), _splits(etf, start, last)]
    estimated = (
        "etf_code = ? and trade_date between ? and ? and trade_date in "
        f"(select d.trade_date from {DAILY} d where d.etf_code = ? and d.flow_status = 'estimated')"
    )
    role = f"bars of {first} to {last} that price the estimates"
    if column == "cumulative_flow_at_vwap_cny":
        where = "etf_code = ? and trade_date between ? and ?"
        parts.append(
            Part("etf_bars", f"bars of {first} to {last}, for their average prices", where, (etf, first, last))
        )
    else:
        parts.append(Part("etf_bars", role, estimated, (etf, first, last, etf), False))
    if _split_between(con, etf, start, last):
        parts.append(Part("etf_profiles", "profile, for the creation unit", "etf_code = ?", (etf,)))
    zeros = one(
        con,
        f"select count(*) from {DAILY} where etf_code = ? and trade_date between ? and ? "
        "and flow_status = 'structural_zero'",
        *(etf, first, last),
    )
    return [*parts, *(_calendar(con, etf) if zeros else [])]


def _first_session(con: duckdb.DuckDBPyConnection, key: Key, column: str) -> dt.date:
    """First session that a column of a window looks at: a streak goes back to the session that ends it."""
    etf, last = key["etf_code"], key["as_of_date"]
    sessions = _sessions(con, etf, last, int(key["window_sessions"]))
    first = sessions[-1] if sessions else last
    if column not in ("inflow_streak", "knowledge_at"):
        return first
    end = one(
        con,
        f"select max(trade_date) from {DAILY} where etf_code = ? and trade_date <= ? "
        "and flow_status <> 'structural_zero' and coalesce(net_flow_cny, 0) <= 0",
        *(etf, last),
    )
    end = end or one(con, f"select min(trade_date) from {DAILY} where etf_code = ?", etf)
    return end if column == "inflow_streak" else min(end, first)


def flow_window_gaps(con: duckdb.DuckDBPyConnection, key: Key, column: str) -> list[str]:
    """``fct_etf_flow_window``: sessions without a flow, sessions with an estimated one."""
    etf, last, first = key["etf_code"], key["as_of_date"], _first_session(con, key, column)
    days = {
        status: column_of(
            con,
            f"select trade_date from {DAILY} where etf_code = ? and trade_date between ? and ? and {condition} "
            "order by 1",
            *(etf, first, last),
        )
        for status, condition in (("missing", "net_flow_cny is null"), ("estimated", "flow_status = 'estimated'"))
    }
    said = []
    if days["missing"]:
        said.append(f"No flow is known of {named(days['missing'])}: their share counts would add to the window.")
    if days["estimated"]:
        said.append(f"The flow is priced at the close, not at NAV, on {named(days['estimated'])}.")
    return said


def intraday(con: duckdb.DuckDBPyConnection, key: Key, column: str) -> list[Part]:
    """``fct_etf_intraday``: one quote."""
    return [Part("etf_quotes", "the quote", "etf_code = ? and quote_ts = ?", (key["etf_code"], key["quote_ts"]))]


def tracking(con: duckdb.DuckDBPyConnection, key: Key, column: str) -> list[Part]:
    """``fct_etf_tracking``: NAVs of the window and the one before it, index levels and rates of the same days."""
    etf, last = key["etf_code"], key["as_of_date"]
    row = con.execute(
        "select t.window_sessions, t.index_code, i.currency, i.market from release.marts.fct_etf_tracking t "
        "left join release.marts.dim_index i using (index_code) "
        "where t.etf_code = ? and t.as_of_date = ? and t.window_name = ?",
        [etf, last, key["window_name"]],
    ).fetchone()
    if row is None:
        return []
    sessions, index, currency, market = row
    profile = Part("etf_profiles", "profile, for the tracked index", "etf_code = ?", (etf,))
    if column == "index_code":
        return [profile]
    first = _sessions(con, etf, last, sessions)[-1]
    start = _before(con, etf, first, "unit_nav") or first
    span = f"{start} to {last}"
    days = f"select d.trade_date from {DAILY} d where d.etf_code = ? and d.trade_date between ? and ?"
    values: tuple[object, ...] = (etf, start, last)
    if market == "HK":
        days += (
            f" union select x.previous_session_hk from release.marts.dim_date x join {DAILY} d "
            "on d.trade_date = x.date where not x.is_session_hk and d.etf_code = ? and d.trade_date between ? and ?"
        )
        values *= 2
    levels = Part(
        "index_bars", f"levels of {index}, {span}", f"index_code = ? and trade_date in ({days})", (index, *values)
    )
    navs, splits = _navs(etf, start, last), _splits(etf, start, last)
    if column in ("window_name", "window_sessions", "etf_code", "as_of_date"):
        return [navs]
    if column == "fund_return_ratio":
        return [navs, splits]
    parts = [profile, navs, splits, levels]
    if currency not in (None, "CNY"):
        where = "pair = ? and kind = 'valuation' and rate_date between ? and ?"
        parts.append(Part("fx_rates", f"{currency} in CNY, {span}", where, (f"{currency}CNY", start, last)))
    return parts


def tracking_gaps(con: duckdb.DuckDBPyConnection, key: Key, column: str) -> list[str]:
    """``fct_etf_tracking``: the sessions that could not be compared, and why."""
    row = con.execute(
        "select tracking_status, days_not_used, window_sessions, index_code from release.marts.fct_etf_tracking "
        "where etf_code = ? and as_of_date = ? and window_name = ?",
        [key["etf_code"], key["as_of_date"], key["window_name"]],
    ).fetchone()
    if row is None or not row[1] or column in (*key, "window_sessions", "index_code"):
        return []
    status, unused, sessions, index = row
    why = {
        "nav_missing": "NAV is not in on most of them",
        "index_missing": f"levels of {index} are not in on most of them",
        "currency_unknown": f"the currency of {index} is not verified (reference.indices)",
        "fx_contradicted": "the valuation rate contradicts what else is known on most of them (meta.checks)",
        "fx_missing": "no valuation rate is in on most of them",
        "partial": "NAV, level or rate are not in on some sessions",
    }.get(status, "one of NAV, level and rate is not in")
    return [f"{unused} of {sessions} sessions are not compared: {why}."]


def trackers(con: duckdb.DuckDBPyConnection, index: str, first: dt.date, last: dt.date) -> list[Part]:
    """Latest assets of each ETF that tracks an index, within some days: counts and NAVs."""
    held = con.execute(
        f"select etf_code, max(trade_date) from {DAILY} join release.marts.dim_etf using (etf_code) "
        "where tracked_index_code = ? and trade_date between ? and ? and aum_cny is not null group by 1 order by 1",
        [index, first, last],
    ).fetchall()
    parts = [part for etf, day in held for part in (counts(etf, day, day), _nav(etf, day))]
    return [
        Part("etf_profiles", f"ETFs that track {index}", "tracked_index_code = ?", (index,)),
        *merged(parts, "etf_shares", f"latest closing shares of each, {first} to {last}"),
        *merged(parts, "etf_nav", "NAV of the same day"),
    ]


def tracker_window(con: duckdb.DuckDBPyConnection, key: Key, column: str) -> list[Part]:
    """``fct_tracker_flow_window``: the windows of every ETF that tracks the index."""
    index, last = key["index_code"], key["as_of_date"]
    etfs = _trackers_of(con, index)
    told = [Part("etf_profiles", f"ETFs that track {index}", "tracked_index_code = ?", (index,), False)]
    if not all(
        one(con, "select tracked_index_code from release.marts.dim_etf where etf_code = ?", etf) for etf in etfs
    ):
        told.append(listed("index_trackers", "trackers whose profile names no index", "index_code = ?", index))
    parts = [
        part
        for etf in etfs
        if _sessions(con, etf, last, 1)
        for part in flow_window(con, {"etf_code": etf, **key}, "cumulative_flow_cny")
    ]
    tables = {
        "etf_shares": "closing shares of each, one session more than the window",
        "etf_nav": "NAVs of the window",
        "etf_bars": "bars that price the estimates",
        "etf_splits": "splits of the window",
        "index_weights": "sets that give the creation calendar",
    }
    return [*told, *(part for table, role in tables.items() for part in merged(parts, table, role, False))]


def _trackers_of(con: duckdb.DuckDBPyConnection, index: str) -> list[str]:
    """ETFs whose profile names the index, else those of the list."""
    return column_of(
        con,
        "select etf_code from release.marts.dim_etf where tracked_index_code = ? union "
        "select k.etf_code from release.reference.index_trackers k left join release.marts.dim_etf e using (etf_code) "
        "where k.index_code = ? and e.tracked_index_code is null order by 1",
        *(index, index),
    )


def tracker_flows(con: duckdb.DuckDBPyConnection, index: str, day: dt.date) -> list[Part]:
    """Flows of one session of every ETF that tracks an index."""
    etfs = column_of(
        con,
        f"select etf_code from {DAILY} join release.marts.dim_etf using (etf_code) "
        "where tracked_index_code = ? and trade_date = ? order by 1",
        *(index, day),
    )
    parts = [part for etf in etfs for part in flow(con, etf, day)]
    return [
        Part("etf_profiles", f"ETFs that track {index}", "tracked_index_code = ?", (index,), False),
        *merged(parts, "etf_shares", f"closing shares of {day} and of the session with shares before", False),
        *merged(parts, "etf_nav", f"NAV of {day}", False),
        *merged(parts, "etf_bars", "bars that price the estimates", False),
        *merged(parts, "etf_splits", "splits since the counts before", False),
        *merged(parts, "index_weights", "sets that give the creation calendar", False),
    ]


def profile(con: duckdb.DuckDBPyConnection, key: Key, column: str) -> list[Part]:
    """``dim_etf``: the profile; the calendar that it leaves blank comes from the tracked index."""
    etf = key["etf_code"]
    described = Part("etf_profiles", "profile", "etf_code = ?", (etf,), column != "etf_code")
    if column.startswith("creation_calendar"):
        return _calendar(con, etf)
    if column == "index_hk_weight":
        return [described, *_latest_set(con, etf)]
    if column == "etf_code":
        return [described, *(Part(t, f"{w} of it", "etf_code = ?", (etf,), False) for t, w in _SEEN)]
    return [described]


_SEEN = (("etf_bars", "bars"), ("etf_shares", "counts"), ("etf_nav", "NAVs"), ("etf_quotes", "quotes"))
