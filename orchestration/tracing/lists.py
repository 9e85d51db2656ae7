"""Traces of the dimensions: a raw record, or a list of the project."""

from __future__ import annotations

import duckdb

from orchestration.tracing.parts import Key, Part, listed


def date(con: duckdb.DuckDBPyConnection, key: Key, column: str) -> list[Part]:
    """``dim_date``: the exchanges' calendars, and the days on which this project knows better."""
    return [listed("calendar_overrides", "days on which the exchanges' calendars err", "date = ?", key["date"])]


def date_gaps(con: duckdb.DuckDBPyConnection, key: Key, column: str) -> list[str]:
    """``dim_date``: it has no raw rows, and says whence it is."""
    return ["It comes from the calendars of exchange_calendars (XSHG and XHKG), not from landed files."]


def index(con: duckdb.DuckDBPyConnection, key: Key, column: str) -> list[Part]:
    """``dim_index``: the list of indices; an index is there because something names it."""
    code = key["index_code"]
    told = listed("indices", "the index in the project's list", "index_code = ?", code)
    if column != "index_code":
        return [told]
    seen = (("index_bars", "bars"), ("index_quotes", "quotes"), ("index_weights", "weights"))
    profiles = Part("etf_profiles", "ETFs that track it", "tracked_index_code = ?", (code,), False)
    return [told, *(Part(table, f"{what} of it", "index_code = ?", (code,), False) for table, what in seen), profiles]


def concept(con: duckdb.DuckDBPyConnection, key: Key, column: str) -> list[Part]:
    """``dim_concept``: member lists name it, the project's list describes it."""
    told = listed("concepts", "the concept in the project's list", "concept = ?", key["concept"])
    members = Part("concept_members", "member lists that name it", "concept = ?", (key["concept"],))
    return [members] if column == "concept" else [told]


def sector(con: duckdb.DuckDBPyConnection, key: Key, column: str) -> list[Part]:
    """``dim_sector``: the project's list, else the name that the memberships deliver."""
    words = (key["scheme"], key["level"], key["sector_code"])
    told = listed("sectors", "the sector in the project's list", "scheme = ? and level = ? and sector_code = ?", *words)
    members = (
        "(security_code, scheme, level, valid_from) in (select (m.security_code, m.scheme, m.level, m.valid_from) "
    )
    members += "from memberships m where m.scheme = ? and m.level = ? and m.sector = ?)"
    return [told, Part("sector_members", "memberships that name it", members, words, False)]


def security(con: duckdb.DuckDBPyConnection, key: Key, column: str) -> list[Part]:
    """``dim_security``: its record; a security without one is there because something names it."""
    code = key["security_code"]
    own = Part("securities", "the security", "security_code = ?", (code,), column not in ("security_code", "market"))
    if column != "security_code":
        return [own]
    tables = ("security_bars", "security_quotes", "index_weights", "concept_members", "connect_eligibility")
    seen = [*tables, "sector_members", "broker_visits"]
    return [own, *(Part(table, "rows that name it", "security_code = ?", (code,), False) for table in seen)]


def eligibility(con: duckdb.DuckDBPyConnection, key: Key, column: str) -> list[Part]:
    """``dim_connect_eligibility``: the row as delivered."""
    words = (key["security_code"], key["channel"], key["valid_from"])
    return [Part("connect_eligibility", "the row", "security_code = ? and channel = ? and valid_from = ?", words)]
