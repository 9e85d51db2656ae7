"""What a build changed against the releases before it: limits that no one typed in.

A published figure is compared with itself in the release before, a new day with the days that were published, the
rows and the age of the newest input with what they were in past releases. Only releases of the same or an earlier
moment count: one of a later moment knows more by design. Belongs here: comparisons of releases. What must hold within
one build is the suites' business.
"""

from __future__ import annotations

import datetime as dt
import statistics
import time
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb

from expectations.gate import LIMITS, CheckResult, Limits, Severity
from expectations.suites import SUITES
from orchestration.moments import MARKET_ZONE
from orchestration.sql import quoted
from warehouse.build import MARTS_FILE, WORK_FILE

RELEASES = 20
"""Past releases looked at: a month of mornings."""

ENOUGH = 3
"""Releases before their spread counts as a habit; until then the limit written beside each check holds."""

RECENT_DATES = 60
"""Published days that a new day is compared with: a quarter, so that quiet and wild weeks are both among them."""

FEW = 5
"""Figures below which a median says nothing."""

ENOUGH_TO_REFUSE = 50
"""Figures below which a column that moves as a whole is told, not refused: one restated round stands in eight rows."""

VALUES_TO_REFUSE = 4
"""Fewer different figures than that are the two or three quarters of the recent days."""

DAYS_TO_REFUSE = 20
"""Published days without which a new day far out of range is told, not refused: a month, so that a feed which only
begins may grow."""

ONE_FACTOR = 1.02
"""Nine tenths of a column's ratios within 2% of each other are one factor: a unit, a currency, a sign. Backfilled and
restated figures move by as many factors as there are rows."""

STAYING = ("fct_etf_daily", "fct_index_daily")
"""Marts whose funds and indices cannot vanish by the rules: bars, shares and NAV are only ever added. Elsewhere a
withdrawn weight set or an amended notice may take the last row of one."""

DATES = ("trade_date", "as_of_date", "quote_ts")
"""Key columns of marts that grow day by day."""

ENTITIES = ("etf_code", "index_code", "concept", "sector_code")
"""Key columns whose values stay: facts about a fund or an index do not vanish."""

FRESH = {
    "etf": ("fct_etf_daily", 3),
    "index": ("fct_index_daily", 3),
    "visits": ("fct_sector_visits_daily", 10),
    "funding": ("fct_funding_quarterly", 10),
}
"""Family -> the mart whose newest input tells its age, and the sessions it may be old while there is no habit yet:
prices arrive every session (a long weekend excuses no more), visits and rounds every week or two."""

NUMBERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "FLOAT", "DOUBLE")


@dataclass(frozen=True)
class Rule:
    """What a comparison protects from, and where its limit comes from. ``severity``: the gravest it may have."""

    gate: str
    severity: Severity
    reason: str
    limit: str


RULES: dict[str, Rule] = {
    "newest_input_is_recent": Rule(
        "G12",
        "warning",
        "Old data under today's date is the quietest of failures. Counted in whole sessions of Shenzhen or Hong Kong "
        "between the two days, so that a holiday makes nothing late.",
        "two sessions more than past releases were old",
    ),
    "mart_kept": Rule("G3", "critical", "Readers of the release before query it.", "every mart of the release before"),
    "rows_not_lost": Rule(
        "G3",
        "warning",
        "Facts are cumulative; restatements and deletions take a row away here and there.",
        "twice the greatest loss between past releases",
    ),
    "entities_kept": Rule(
        "G3",
        "critical",
        "What was published about a fund, an index or a sector cannot have become unknown: its files were lost or "
        "misread.",
        "none gone since the release before",
    ),
    "figures_keep_their_unit": Rule(
        "G1",
        "critical",
        "Half to double: restatements and backfills move figures by many factors; a column of fifty that moves by one, "
        "three or more, has another unit, currency or sign and refuses.",
        "median ratio to the release before 0.5 to 2 in every column",
    ),
    "figures_stay_known": Rule(
        "G3",
        "critical",
        "A published figure becomes unknown when a round is deleted or a set withdrawn, one in twenty at most; a "
        "column that empties was lost on its way.",
        "at most 5% of a column",
    ),
    "new_days_are_whole": Rule(
        "G3",
        "warning",
        "A day with far fewer rows than any of the days before was cut off on its way, or is not over.",
        "90% of the fewest rows of the days published",
    ),
    "new_days_keep_the_unit": Rule(
        "G1",
        "critical",
        "A day's median may double what was the greatest or halve what was the least; fifty times the usual is lots "
        "for shares, thousands for yuan, percent for ratios.",
        "half the least to double the greatest median of the days published",
    ),
}


@dataclass(frozen=True)
class Release:
    """A past release: its file, its moment and its tables' rows and newest inputs, by name."""

    file: Path
    as_of: dt.datetime
    code_version: str
    rows: dict[str, int]
    newest: dict[str, dt.datetime]


def past_releases(build: Path, files: Sequence[Path]) -> tuple[list[Release], list[CheckResult]]:
    """Readable releases among ``files`` (newest first) of no later moment than ``build``'s, and a warning for each
    that cannot be read: a damaged release must not stop the one that replaces it."""
    with duckdb.connect(str(build / WORK_FILE), read_only=True) as con:
        [(as_of,)] = con.execute("select as_of from control.build_parameters").fetchall()
    found: list[Release] = []
    broken = []
    for file in files:
        if len(found) == RELEASES:
            break
        try:
            with duckdb.connect(str(file), read_only=True) as con:
                [(moment, code)] = con.execute("select as_of, code_version from meta.release").fetchall()
                if moment > as_of:
                    continue
                tables = con.execute(
                    "select table_name, rows, knowledge_at from meta.tables where table_schema = 'marts'"
                ).fetchall()
        except (duckdb.Error, ValueError) as error:
            broken.append(
                CheckResult(
                    check_name="release_before_comparable",
                    mart="meta.release",
                    severity="warning",
                    owner="release",
                    reason=f"{file} could not be compared: {str(error).splitlines()[0]}",
                    passed=False,
                    observed="not readable",
                    limit="past releases can be read",
                )
            )
            continue
        rows = {name: count for name, count, _ in tables}
        found.append(Release(file, moment, code, rows, {name: known for name, _, known in tables if known}))
    return sorted(found, key=lambda release: release.as_of, reverse=True), broken


def run_history(
    build: Path, files: Sequence[Path], code_version: str | None = None, limits: Limits = LIMITS
) -> list[CheckResult]:
    """Compare ``build`` with past releases (files, newest first). Empty when there is none of an earlier moment.

    ``code_version``: that of the code which made the build. A figure that changes as a whole refuses the build only
    while the code is the one that made the release before: new code may mean it, and a reader is warned.
    """
    releases, results = past_releases(build, files)
    with duckdb.connect(config=dict(limits)) as con:
        con.execute("set TimeZone = 'Asia/Shanghai'")
        con.execute(f"attach {quoted(str(build / MARTS_FILE))} as build (read_only)")
        con.execute(f"attach {quoted(str(build / WORK_FILE))} as work (read_only)")
        [(as_of,)] = con.execute("select as_of from work.control.build_parameters").fetchall()
        results += _freshness(con, as_of, releases)
        if not releases:
            return results
        before = releases[0]
        con.execute(f"attach {quoted(str(before.file))} as before (read_only)")
        hard: Severity = "critical" if before.code_version == code_version else "warning"
        present = _columns(con, "build")
        grains = {suite.table: suite.grain for suite in SUITES}
        for table, published in sorted(_columns(con, "before").items()):
            if not table.startswith("fct_"):
                continue
            began = time.perf_counter()
            if table not in present:
                results.append(_gone(table, hard))
                continue
            key = [name for name in grains.get(f"marts.{table}", ()) if name in present[table] and name in published]
            if not key:
                continue
            mart = _Mart(con, table, key, _numbers(published, present[table], key))
            made = [_rows_not_lost(mart, releases), *_entities_kept(mart, hard), *_figures_keep_their_unit(mart, hard)]
            made += _new_days_in_range(mart, hard)
            seconds = round((time.perf_counter() - began) / max(len(made), 1), 4)
            results += [replace(result, seconds=seconds) for result in made]
    return results


@dataclass(frozen=True)
class _Mart:
    """A mart in both files: ``build.marts.<name>`` and ``before.marts.<name>``, its key and its number columns."""

    con: duckdb.DuckDBPyConnection
    name: str
    key: list[str]
    numbers: list[str]

    @property
    def day(self) -> str | None:
        """The key column of days, where the mart grows by days."""
        return next((name for name in self.key if name in DATES), None)

    @property
    def first_recent_day(self) -> str:
        """The query for the first of the recent days that were published."""
        return (
            f'select min(d) from (select distinct cast("{self.day}" as date) as d from before.marts."{self.name}" '
            f"order by d desc limit {RECENT_DATES}) as days"
        )

    def result(self, name: str, severity: Severity, **parts: Any) -> CheckResult:
        return _result(name, self.name, "release", severity, **parts)


def _rows_not_lost(mart: _Mart, releases: Sequence[Release]) -> CheckResult:
    """Facts are cumulative; the limit is twice the greatest loss among past releases, 5% until there is a habit."""
    counts = [release.rows[mart.name] for release in releases if mart.name in release.rows]
    losses = [1 - new / old for new, old in pairwise(counts) if old]
    habit = max([0.0, *losses]) * 2
    allowed = max(habit, 0.01) if len(losses) >= ENOUGH else 0.05
    where = f"the greatest loss of {len(losses) + 1} releases, doubled" if len(losses) >= ENOUGH else "no habit yet"
    [(now,)] = mart.con.execute(f'select count(*) from build.marts."{mart.name}"').fetchall()
    before = counts[0]
    passed = now >= (1 - allowed) * before
    return mart.result(
        "rows_not_lost",
        "warning",
        passed=passed,
        observed=f"{now:,} rows, {before:,} in the release before",
        limit=f"at most {allowed:.1%} fewer ({where})",
        unexpected_rows=0 if passed else before - now,
        value=float(now),
    )


def _entities_kept(mart: _Mart, hard: Severity) -> list[CheckResult]:
    """No fund, index, concept or sector of the release before is without a row."""
    entity = next((name for name in mart.key if name in ENTITIES), None)
    if entity is None:
        return []
    gone = mart.con.execute(
        f'select distinct "{entity}" from before.marts."{mart.name}" '
        f'except select "{entity}" from build.marts."{mart.name}" order by 1'
    ).fetchall()
    return [
        mart.result(
            "entities_kept",
            hard if mart.name in STAYING else "warning",
            passed=not gone,
            observed=f"{len(gone)} gone" + "".join(f", {code}" for (code,) in gone[:3]),
            limit="none gone since the release before",
            unexpected_rows=len(gone),
            sample=[{entity: code} for (code,) in gone[:5]],
            value=float(len(gone)),
        )
    ]


def _figures_keep_their_unit(mart: _Mart, hard: Severity) -> list[CheckResult]:
    """Figures under keys of both files: their median ratio is 1 but for restatements, and they stay known."""
    if not mart.numbers:
        return []
    joined = " and ".join(f'b."{name}" is not distinct from p."{name}"' for name in mart.key)
    recent = ""
    if mart.day is not None:
        recent = f'where "{mart.day}" >= ({mart.first_recent_day})'
    figures = ", ".join(
        f'quantile_cont(case when p."{name}" <> 0 and b."{name}" <> 0 '
        f'then cast(b."{name}" as double) / cast(p."{name}" as double) end, [0.05, 0.5, 0.95]), '
        f'count(case when p."{name}" <> 0 and b."{name}" <> 0 then 1 end), '
        f'count(distinct case when b."{name}" <> 0 then nullif(p."{name}", 0) end), '
        f'count(p."{name}"), count(case when b."{name}" is null then p."{name}" end)'
        for name in mart.numbers
    )
    [row] = mart.con.execute(
        f'select {figures} from (select * from before.marts."{mart.name}" {recent}) as p '
        f'join build.marts."{mart.name}" as b on {joined}'
    ).fetchall()
    scales: list[tuple[float, str]] = []
    shares: list[tuple[float, str]] = []
    slipped = emptied = False
    for place, name in enumerate(mart.numbers):
        ratios, compared, distinct, known, lost = row[5 * place : 5 * place + 5]
        if compared >= FEW:
            low, ratio, high = ratios
            scales.append((ratio, name))
            is_one_factor = low * high > 0 and 1 / ONE_FACTOR <= high / low <= ONE_FACTOR
            # one figure that stands in many rows, a quarter's growth say, is restated in all of them by one factor
            is_of_many = compared >= ENOUGH_TO_REFUSE and distinct >= VALUES_TO_REFUSE
            slipped |= is_of_many and is_one_factor and not 1 / 3 < ratio < 3
        if known >= FEW:
            shares.append((lost / known, name))
            emptied |= known >= ENOUGH_TO_REFUSE and lost > known / 2
    off = [(ratio, name) for ratio, name in scales if not 0.5 <= ratio <= 2]
    worst = max(scales, key=lambda found: _distance(found[0]), default=(1.0, ""))
    unknown = [(share, name) for share, name in shares if share > 0.05]
    greatest = max(shares, default=(0.0, ""))
    return [
        mart.result(
            "figures_keep_their_unit",
            hard if slipped else "warning",
            passed=not off,
            observed=f"median ratio to the release before {worst[0]:.4g}" + (f" in {worst[1]}" if worst[1] else ""),
            limit="0.5 to 2 in every column",
            unexpected_rows=len(off),
            sample=[{"column": name, "median_ratio": ratio} for ratio, name in off[:5]],
            value=worst[0],
        ),
        mart.result(
            "figures_stay_known",
            hard if emptied else "warning",
            passed=not unknown,
            observed=f"{greatest[0]:.1%} of the published figures now NULL"
            + (f" in {greatest[1]}" if greatest[0] else ""),
            limit="at most 5% of a column",
            unexpected_rows=len(unknown),
            sample=[{"column": name, "now_null": share} for share, name in unknown[:5]],
            value=greatest[0],
        ),
    ]


def _new_days_in_range(mart: _Mart, hard: Severity) -> list[CheckResult]:
    """Days that the release before did not have, beside those that it had: rows a day, and each column's median."""
    if mart.day is None or not mart.numbers:
        return []
    # of a column that few rows of the day carry (flows of one theme among thirty sectors) no median tells a unit
    medians = ", ".join(
        f'case when count(case when "{name}" <> 0 then 1 end) >= {FEW} '
        f'then median(case when "{name}" <> 0 then abs(cast("{name}" as double)) end) end'
        for name in mart.numbers
    )
    daily = f'select cast("{mart.day}" as date) as day, count(*) as found, {medians} from {{0}}.marts."{mart.name}"'
    published = mart.con.execute(
        f'{daily.format("before")} where cast("{mart.day}" as date) >= ({mart.first_recent_day}) '
        "group by day order by day"
    ).fetchall()
    if len(published) < ENOUGH:
        return []
    new = mart.con.execute(
        f'{daily.format("build")} where cast("{mart.day}" as date) > ? group by day order by day', [published[-1][0]]
    ).fetchall()
    fewest = min(found for _, found, *_ in published)
    short = [(day, found) for day, found, *_ in new if found < 0.9 * fewest]
    odd: list[tuple[float, str, dt.date, float, float]] = []
    refusing = False
    for place, name in enumerate(mart.numbers, start=2):
        usual = [row[place] for row in published if row[place] is not None]
        if len(usual) < ENOUGH:
            continue
        low, high, middle = min(usual), max(usual), statistics.median(usual)
        for row in new:
            figure = row[place]
            if figure is None or low / 2 <= figure <= high * 2:
                continue
            odd.append((figure / middle, name, row[0], low, high))
            refusing |= len(published) >= DAYS_TO_REFUSE and not 1 / 50 <= figure / middle <= 50
    span = f"{len(published)} days published until {published[-1][0]}"
    least = min((found for _, found, *_ in new), default=None)
    return [
        mart.result(
            "new_days_are_whole",
            "warning",
            passed=not short,
            observed=f"{least:,} rows on the shortest of {len(new)} new days" if new else "no new day",
            limit=f"at least 90% of {fewest:,}, the fewest of {span}",
            unexpected_rows=len(short),
            sample=[{"day": day.isoformat(), "rows": found} for day, found in short[:5]],
            value=None if least is None else float(least),
        ),
        mart.result(
            "new_days_keep_the_unit",
            hard if refusing else "warning",
            passed=not odd,
            observed=f"{len(odd)} medians out of range" if new else "no new day",
            limit=f"within half the least and double the greatest of {span}",
            unexpected_rows=len(odd),
            sample=[
                {"column": name, "day": day.isoformat(), "to_the_usual": ratio, "least": low, "greatest": high}
                for ratio, name, day, low, high in odd[:5]
            ],
            value=float(len(odd)) if new else None,
        ),
    ]


def _freshness(con: duckdb.DuckDBPyConnection, as_of: dt.datetime, releases: Sequence[Release]) -> list[CheckResult]:
    """The age of each family's newest input in sessions: a holiday makes nothing late."""
    results = []
    sessions = [
        day
        for (day,) in con.execute(
            "select date from build.marts.dim_date where is_session_szse or is_session_hk order by date"
        ).fetchall()
    ]
    for family, (table, first_limit) in FRESH.items():
        began = time.perf_counter()
        [(known,)] = con.execute(f'select max(knowledge_at) from build.marts."{table}"').fetchall()
        if known is None:
            continue
        age = _sessions_between(sessions, known, as_of)
        ages = [
            _sessions_between(sessions, release.newest[table], release.as_of)
            for release in releases
            if table in release.newest
        ]
        usual = [past for past in ages if past <= 2 * first_limit]
        limit = max(usual) + 2 if len(usual) >= ENOUGH else first_limit
        where = f"at most {max(usual)} in {len(usual)} releases, and 2" if len(usual) >= ENOUGH else "no habit yet"
        results.append(
            _result(
                "newest_input_is_recent",
                table,
                family,
                "warning",
                passed=age <= limit,
                observed=f"newest input known {known:%Y-%m-%d %H:%M}, {age} session{'s' if age != 1 else ''} ago",
                limit=f"{limit} sessions ({where})",
                unexpected_rows=0 if age <= limit else 1,
                sample=[{"newest_input_known_at": known.isoformat(), "sessions_old": age, "sessions_allowed": limit}],
                value=float(age),
                seconds=round(time.perf_counter() - began, 4),
            )
        )
    return results


def _sessions_between(sessions: Sequence[dt.date], known: dt.datetime, moment: dt.datetime) -> int:
    """Sessions on the days after that of ``known`` and before that of ``moment``, both in market time."""
    first, last = (instant.astimezone(MARKET_ZONE).date() for instant in (known, moment))
    return max(bisect_left(sessions, last) - bisect_right(sessions, first), 0)


def _gone(table: str, hard: Severity) -> CheckResult:
    limit = RULES["mart_kept"].limit
    return _result(
        "mart_kept", table, "release", hard, passed=False, observed="not in this build", limit=limit, unexpected_rows=1
    )


def _result(name: str, table: str, owner: str, severity: Severity, **parts: Any) -> CheckResult:
    rule = RULES[name]
    return CheckResult(
        check_name=name,
        mart=f"marts.{table}",
        owner=owner,
        severity=severity,
        gate=rule.gate,
        reason=rule.reason,
        **parts,
    )


def _columns(con: duckdb.DuckDBPyConnection, catalog: str) -> dict[str, dict[str, str]]:
    """Type by column by table of the schema marts."""
    found: dict[str, dict[str, str]] = {}
    for table, column, kind in con.execute(
        "select table_name, column_name, data_type from information_schema.columns "
        "where table_catalog = ? and table_schema = 'marts' order by table_name, ordinal_position",
        [catalog],
    ).fetchall():
        found.setdefault(table, {})[column] = kind
    return found


def _numbers(published: dict[str, str], present: dict[str, str], key: Sequence[str]) -> list[str]:
    return [
        name
        for name, kind in published.items()
        if name not in key and _is_number(kind) and _is_number(present.get(name, ""))
    ]


def _is_number(kind: str) -> bool:
    return kind.startswith("DECIMAL") or kind in NUMBERS


def _distance(ratio: float) -> float:
    """How far a ratio is from 1, up and down alike; a change of sign is farthest."""
    return max(ratio, 1 / ratio) if ratio > 0 else float("inf")
