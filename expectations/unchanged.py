"""What need not be judged again: checks that passed on tables, or on days of tables, which are the same as then.

Belongs here: which tables a check reads, by DuckDB's own parser, whether its earlier verdict stands, and from which day
on it has to be judged. Does not belong here: which tables and days changed (whoever builds knows that), running checks
(``expectations.gate``).
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import duckdb

from expectations.gate import CheckResult
from expectations.vocabulary import Check, Suite, over_all

MOMENT = "work.control.build_parameters"
"""Read by checks that let the more pass the later the build is."""

NEVER_THE_SAME = ("work.control.", "meta.")
"""Schemas that are written for every build: its moment, its accounting."""

OTHER_EACH_TIME = (
    *("now", "today", "age", "current_date", "current_time", "current_timestamp", "localtime", "localtimestamp"),
    *("get_current_time", "get_current_timestamp", "transaction_timestamp"),
    *("random", "uuid", "gen_random_uuid", "current_setting", "getvariable"),
)
"""Functions, and words that read like columns, whose value is not that of their arguments."""

FROM_NOWHERE = ("unnest", "range", "generate_series")
"""Table functions that read no table."""

READ_OTHERWISE = ("SHOW_REF", "PIVOT", "COLUMN_DATA", "DELIM_GET")
"""Sources of rows that name no table, or name it elsewhere."""


def tables_read(con: duckdb.DuckDBPyConnection, query: str) -> set[str] | None:
    """Tables that ``query`` reads, as ``schema.name`` or ``work.schema.name``; ``con`` only parses.

    None where that cannot be told: it does not parse, names a table without its schema, reads by a function, or asks
    for the clock.
    """
    [(text,)] = con.execute("select json_serialize_sql(?)", [query]).fetchall()
    parsed = json.loads(text)
    if parsed["error"]:
        return None
    nodes = list(_nodes(parsed["statements"]))
    here = {entry["key"] for node in nodes for entry in node.get("cte_map", {}).get("map", ())}
    tables = [node for node in nodes if node.get("type") == "BASE_TABLE"]
    if any(map(_is_doubtful, nodes)) or any(not t["schema_name"] and t["table_name"] not in here for t in tables):
        return None
    parts = ((table["catalog_name"], table["schema_name"], table["table_name"]) for table in tables)
    return {".".join(filter(None, (catalog, schema, name))) for catalog, schema, name in parts if schema}


def _is_doubtful(node: Mapping[str, Any]) -> bool:
    """Whether a node of a parsed statement may give other values over the same tables."""
    kind = node.get("type")
    if kind == "TABLE_FUNCTION":
        return node["function"]["function_name"] not in FROM_NOWHERE
    if kind == "FUNCTION":
        return node["function_name"].lower() in OTHER_EACH_TIME
    if kind == "COLUMN_REF":
        return node["column_names"][-1].lower() in OTHER_EACH_TIME
    return kind in READ_OTHERWISE


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    """Every object of a parsed statement."""
    if isinstance(tree, dict):
        yield tree
        for part in tree.values():
            yield from _nodes(part)
    elif isinstance(tree, list):
        for part in tree:
            yield from _nodes(part)


def _read(con: duckdb.DuckDBPyConnection, suite: Suite, check: Check, measured: bool) -> set[str] | None:
    """What ``check`` reads: its table, and what its query names, with ``measured`` that of its figure too; None where
    that cannot be told."""
    read = {suite.table}
    for query in (check.query, check.measure.query if check.measure and measured else None):
        if query is not None:
            named = tables_read(con, over_all(query, suite.table))
            if named is None:
                return None
            read |= named
    return read


def _held(check: Check, before: CheckResult | None) -> bool:
    """Whether ``before`` is a verdict of this very check on rows of a build, and it passed.

    A result without a figure was itself taken over from a release, and stands for nothing here.
    """
    if before is None or not before.passed or before.set_aside or before.value is None:
        return False
    return (before.severity, before.limit) == (check.severity, check.limit)


def still_passed(
    suites: Sequence[Suite], unchanged: Collection[str], earlier: Mapping[tuple[str, str], CheckResult]
) -> dict[tuple[str, str], CheckResult]:
    """Results of ``earlier`` ((mart, check) -> result) that stand, because they passed on rows that are
    ``unchanged``."""
    stand: dict[tuple[str, str], CheckResult] = {}
    if not unchanged:
        return stand
    with duckdb.connect() as con:
        for suite in suites:
            for check in suite.checks:
                before = earlier.get((suite.table, check.name))
                if before is None or not _held(check, before):
                    continue
                read = _read(con, suite, check, measured=True)
                if read is not None and all(t in unchanged and not t.startswith(NEVER_THE_SAME) for t in read):
                    stand[suite.table, check.name] = replace(before, seconds=0.0)
    return stand


def days_to_judge(
    suite: Suite,
    unchanged: Collection[str],
    changed: Mapping[str, dt.date],
    earlier: Mapping[tuple[str, str], CheckResult],
) -> dict[str, dt.date]:
    """Checks of ``suite`` that passed before and need no more than the rows from a day on: check -> that day.

    ``changed`` (``schema.name`` -> day): tables of which the rows of earlier days are those of then.
    """
    found: dict[str, dt.date] = {}
    if suite.day is None or suite.table not in changed:
        return found
    with duckdb.connect() as con:
        for check in suite.checks:
            if check.reach is None or not _held(check, earlier.get((suite.table, check.name))):
                continue
            read = (_read(con, suite, check, measured=False) or {""}) - {MOMENT}
            if all(table in changed or table in unchanged for table in read):
                found[check.name] = min(changed[table] for table in read if table in changed)
    return found
