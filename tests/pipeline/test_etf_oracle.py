"""ETF marts against an oracle in plain Python: session by session, in fractions, without SQL or project code.

The world is random and crosses 2023-04-24, before which no session is a structural zero. It holds restated and late
figures, opening and closing counts side by side, gaps, splits on weekends, in gaps and undeclared, every creation
calendar and funds without a profile. Every cell of every row is compared at every moment. Rulings: contracts R12,
R20 to R29.
"""

from __future__ import annotations

import datetime as dt
import math
import random
from bisect import bisect_left
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import exchange_calendars
import pytest

from tests.support.raw_build import run_models

pytestmark = pytest.mark.pipeline

ZONE = ZoneInfo("Asia/Shanghai")
Date, Moment = dt.date, dt.datetime
SESSIONS, HK_SESSIONS = (
    [day.date() for day in exchange_calendars.get_calendar(name, start="2023-01-03", end="2023-12-29").sessions]
    for name in ("XSHG", "XHKG")
)
WORLD = [day for day in SESSIONS if Date(2023, 3, 20) <= day <= Date(2023, 7, 14)]
HK = set(HK_SESSIONS)
ZERO = Fraction(0)


def at(day: Date, hour: int, minute: int = 0) -> Moment:
    return Moment(day.year, day.month, day.day, hour, minute, tzinfo=ZONE)


def session_from(day: Date) -> Date:
    """The session itself, or the next one of a non-session."""
    return SESSIONS[bisect_left(SESSIONS, day)]


def before(day: Date) -> Date:
    return SESSIONS[bisect_left(SESSIONS, day) - 1]


def after(day: Date) -> Date:
    return SESSIONS[bisect_left(SESSIONS, day) + 1]


def cents(value: Fraction | None) -> Decimal | None:
    if value is None:
        return None
    return (Decimal(value.numerator) / Decimal(value.denominator)).quantize(Decimal("0.01"), ROUND_HALF_UP)


@dataclass
class Fund:
    """Every version of every figure: key -> [(value, knowledge)]."""

    code: str
    profile: dict[str, Any] | None
    calendar: str
    unit: int | None
    shares: dict[tuple[Date, str], list[tuple[int, Moment]]] = field(default_factory=dict)
    navs: dict[Date, list[tuple[Decimal, Moment]]] = field(default_factory=dict)
    statuses: dict[Date, tuple[str | None, str | None]] = field(default_factory=dict)
    bars: dict[Date, list[tuple[dict[str, Any], Moment]]] = field(default_factory=dict)
    splits: dict[Date, list[tuple[tuple[int, int], Moment]]] = field(default_factory=dict)


PROFILES: list[tuple[dict[str, Any] | None, str]] = [
    ({"name_zh": "港股通创新药ETF", "tracked_index_code": "987018.CNI"}, "southbound"),
    ({"name_zh": "恒生医疗ETF(QDII)", "tracked_index_code": "987018.CNI"}, "domestic"),
    ({"name_zh": "恒生科技ETF", "tracked_index_code": "987018.CNI", "creation_calendar": "hk"}, "hk"),
    ({"name_zh": "医药ETF", "tracked_index_code": "000991.SH"}, "domestic"),
    ({"name_zh": "港股红利ETF", "creation_calendar": "southbound"}, "southbound"),
    ({"name_zh": "无指数ETF"}, "domestic"),
    (None, "domestic"),
]
WEIGHTS = [("987018.CNI", "01801.HK", 0.5), ("987018.CNI", "600276.SH", 0.5), ("000991.SH", "600276.SH", 1.0)]
OPEN = [
    (None, None),
    ("场内买入", "场内卖出"),
    ("暂停申购", "开放赎回"),
    ("暂停申购", None),
    ("暂停大额申购", "暂停赎回"),
]
SUSPENDED = [("暂停申购", "暂停赎回"), ("封闭期", "封闭期")]
RATIOS = [(2, 1), (3, 1), (10, 1), (1, 2), (1, 100), (5, 4)]
MOMENTS = [at(Date(2023, 9, 1), 8), at(Date(2023, 5, 30), 10, 30), at(Date(2023, 6, 14), 21)]


def make_fund(number: int, rng: random.Random) -> Fund:
    profile, calendar = PROFILES[number % len(PROFILES)]
    unit = None if profile is None or number % 5 == 4 else 1000
    fund = Fund(f"{159000 + number}.{'SZ' if number % 2 else 'SH'}", profile, calendar, unit)
    bases = [("close_of_day",), ("open_of_day",), ("close_of_day", "open_of_day")][number % 3]
    ratios: dict[Date, Fraction] = {}
    for day in rng.sample(WORLD[5:-3], number % 4):
        ratio = rng.choice(RATIOS)
        ratios[day] = Fraction(*ratio)
        # 5:4 stays below what the detector looks at, so it has to be declared
        if number % 6 != 5 or ratio == (5, 4):
            dated = day - dt.timedelta(days=1) if day.weekday() == 0 and rng.random() < 0.7 else day
            fund.splits[dated] = [(ratio, at(dated, 9, 15))]
    shares, nav = rng.randrange(300, 900) * 1000 * 100, rng.randrange(9000, 30000)
    for day in WORLD[rng.randrange(3) : len(WORLD) - rng.randrange(3)]:
        k = ratios.get(day, Fraction(1))
        shares = math.floor(shares * k) + rng.choice([0, 0, 1000, 3000, -2000, 7])
        nav = max(round(nav / k * Fraction(rng.randrange(970, 1031), 1000)), 20)
        restate = (
            [(shares + 5000, at(day, 12) + dt.timedelta(days=rng.randrange(2, 20)))] if rng.random() < 0.05 else []
        )
        for basis in bases:
            dated = day if basis == "close_of_day" else after(day)
            if rng.random() < 0.12:
                continue
            new_units = ratios.get(dated, Fraction(1)) if basis == "open_of_day" else Fraction(1)
            known = at(dated, 9, 15) if basis == "open_of_day" else at(day, 20)
            fund.shares[dated, basis] = [
                (max(math.floor(value * new_units), 1), moment) for value, moment in [(shares, known), *restate]
            ]
        if rng.random() > 0.08:
            delay = rng.choice([0, 0, 0, 0, 3])
            fund.navs[day] = [(Decimal(nav) / 10000, at(day, 22) + dt.timedelta(days=delay))]
        if rng.random() > 0.08:
            close = Decimal(max(round(nav * rng.uniform(0.99, 1.01)), 1)) / 10000
            prev_close = close if rng.random() < 0.5 else None
            bar = {"open": close, "high": close, "low": close, "close": close, "prev_close": prev_close}
            fund.bars[day] = [(bar | {"volume_shares": 100, "turnover_cny": close * 100}, at(day, 15))]
    words = random.Random(number)  # noqa: S311
    fund.statuses = {day: words.choice(SUSPENDED if words.random() < 0.2 else OPEN) for day in fund.navs}
    fund.navs[Date(2023, 4, 1)] = [(Decimal(1), at(Date(2023, 4, 1), 22))]
    return fund


def raw_rows(funds: list[Fund]) -> dict[str, list[dict[str, Any]]]:
    def rows(figures, columns) -> list[dict[str, Any]]:
        return [
            {"etf_code": fund.code, **columns(key, value), "knowledge_at": known}
            for fund in funds
            for key, versions in figures(fund).items()
            for value, known in versions
        ]

    return {
        "etf_profiles": [
            {"etf_code": f.code, "creation_unit": f.unit, **f.profile, "knowledge_at": at(WORLD[0], 0)}
            for f in funds
            if f.profile
        ],
        "index_weights": [
            {
                "index_code": index,
                "weight_date": Date(2023, 2, 28),
                "security_code": security,
                "weight": weight,
                "knowledge_at": at(Date(2023, 3, 1), 0),
            }
            for index, security, weight in WEIGHTS
        ],
        "etf_shares": rows(
            lambda f: f.shares, lambda key, v: {"share_date": key[0], "share_basis": key[1], "shares": v}
        ),
        "etf_nav": [
            {
                "etf_code": f.code,
                "nav_date": day,
                "unit_nav": value,
                **dict(zip(("creation_status", "redemption_status"), f.statuses.get(day, OPEN[0]), strict=True)),
                "knowledge_at": known,
            }
            for f in funds
            for day, versions in f.navs.items()
            for value, known in versions
        ],
        "etf_bars": rows(lambda f: f.bars, lambda key, v: {"trade_date": key, **v}),
        "etf_splits": rows(
            lambda f: f.splits, lambda key, v: {"effective_date": key, "numerator": v[0], "denominator": v[1]}
        ),
    }


@dataclass(frozen=True)
class Known:
    value: Any
    at: Moment
    first: Moment


def latest(figures: dict, as_of: Moment) -> dict[Any, Known]:
    found = {}
    for key, versions in figures.items():
        seen = sorted((known, value) for value, known in versions if known <= as_of) if versions else []
        if seen:
            found[key] = Known(seen[-1][1], seen[-1][0], seen[0][0])
    return found


def newest(*moments: Moment | None) -> Moment | None:
    return max((moment for moment in moments if moment), default=None)


def detect(shares: float, previous_shares: float, nav: float, previous_nav: float) -> Fraction | None:
    s, n = math.log(shares / previous_shares), math.log(nav / previous_nav)
    if min(abs(s), abs(n)) <= math.log(1.3) or abs(s + n) >= math.log(1.2):
        return None
    snapped = [Fraction(r) for r in (2, 3, 4, 5, 10, 20, 50, 100, 1000)]
    snapped += [1 / r for r in snapped]
    fits = [
        (abs(s - math.log(k)) + abs(n + math.log(k)), k)
        for k in snapped
        if max(abs(s - math.log(k)), abs(n + math.log(k))) < math.log(1.2)
    ]
    return min(fits)[1] if fits else None


def daily(fund: Fund, as_of: Moment) -> list[dict[str, Any]]:
    navs, bars = latest(fund.navs, as_of), latest(fund.bars, as_of)
    splits: dict[Date, tuple[Fraction, str, Moment, Moment]] = {}
    for day, split in latest(fund.splits, as_of).items():
        session = session_from(day)
        k = Fraction(*split.value)
        if session in splits:
            k *= splits[session][0]
        splits[session] = (k, "declared", split.at, split.first)
    counts: dict[Date, tuple[str, Date, Known]] = {}
    for (day, basis), count in sorted(latest(fund.shares, as_of).items(), key=lambda item: item[0][1], reverse=True):
        counts[before(day) if basis == "open_of_day" else day] = (basis, day, count)
    previous = None
    for session in sorted(counts):
        _, unit_day, count = counts[session]
        if previous and not any(previous[0] < day <= unit_day for day in splits):
            old_navs = [day for day in navs if day <= previous[0]]
            if old_navs and unit_day in navs and previous[0] < unit_day:
                old_nav = navs[max(old_navs)]
                k = detect(count.value, previous[1].value, float(navs[unit_day].value), float(old_nav.value))
                if k:
                    inputs = (count, navs[unit_day], old_nav)
                    splits[unit_day] = (k, "detected", max(i.at for i in inputs), max(i.first for i in inputs))
        previous = (unit_day, count)
    held: dict[Date, tuple[Fraction, Moment, Moment]] = {}
    for session, (_, unit_day, count) in counts.items():
        if unit_day != session and unit_day in splits:
            k, _, known, first = splits[unit_day]
            held[session] = (count.value / k, max(count.at, known), max(count.first, first))
        else:
            held[session] = (Fraction(count.value), count.at, count.first)

    seen = {day for day in [*navs, *bars, *held] if day in set(SESSIONS)}
    rows: list[dict[str, Any]] = []
    last: tuple[Fraction, Moment, Moment] | None = None
    factor, split_in_span, span, span_known, span_first = Fraction(1), False, 0, None, None
    for day in [d for d in SESSIONS if seen and min(seen) <= d <= max(seen)]:
        bar, nav, count, split = bars.get(day), navs.get(day), held.get(day), splits.get(day)
        span += 1
        if split:
            factor, split_in_span = factor * split[0], True
            span_known, span_first = newest(span_known, split[2]), newest(span_first, split[3])
        is_calendar_closed = day >= Date(2023, 4, 24) and fund.calendar in ("southbound", "hk") and day not in HK
        is_suspended = day >= Date(2023, 4, 24) and bool(nav) and fund.statuses.get(day) in SUSPENDED
        closed = is_calendar_closed or is_suspended
        flow, status, covered = None, "missing", None
        price = nav or (bar if bar and bar.value["close"] else None)
        if last and closed and (count is None or count[0] == factor * last[0]):
            flow, status, covered = ZERO, "structural_zero", span if count else 1
        elif last and count and price:
            change = count[0] - factor * last[0]
            flow = change * Fraction(nav.value if nav else bar.value["close"])
            status = "estimated" if not nav else "split_adjusted" if factor != 1 else "final"
            covered = span
            if split_in_span and nav and fund.unit and abs(change) < fund.unit:
                flow = ZERO
        known = first = None
        if count:
            known = newest(count[1], last and last[1], last and span_known, split and span_known)
            first = newest(count[2], last and last[2], last and span_first, split and span_first)
            if status in ("estimated", "split_adjusted", "final"):
                known, first = newest(known, price.at), newest(first, price.first)
        reason = None
        if status == "structural_zero":
            reason = "calendar" if is_calendar_closed else "suspension"
            if reason == "suspension":
                known, first = newest(known, nav.at), newest(first, nav.first)
        reference = None
        if bar:
            yesterday = bars.get(before(day))
            reference = bar.value["prev_close"]
            if reference is None and yesterday and not split:
                reference = yesterday.value["close"]
        close = bar.value["close"] if bar else None
        shares = math.floor(count[0]) if count else None
        rows.append(
            {
                "etf_code": fund.code,
                "trade_date": day,
                "close": close,
                "prev_close": reference,
                "change_ratio": float(close) / float(reference) - 1 if close and reference else None,
                "shares": shares,
                "unit_nav": nav.value if nav else None,
                "aum_cny": cents(shares * Fraction(nav.value)) if count and nav else None,
                "split_factor": float(split[0]) if split else 1.0,
                "split_source": split[1] if split and split[0] != 1 else None,
                "creation_open": not closed,
                "net_flow_cny": cents(flow),
                "flow_status": status,
                "structural_zero_reason": reason,
                "span_sessions": covered,
                "premium_ratio": float(close) / float(nav.value) - 1 if close and nav else None,
                "knowledge_at": newest(bar and bar.at, nav and nav.at, count and count[1], split and split[2], known)
                or at(day, 15),
                "flow_known": known,
                "flow_first": first,
            }
        )
        if count:
            last, factor, split_in_span, span, span_known, span_first = count, Fraction(1), False, 0, None, None
    return rows


def windows(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found = []
    first = next((i for i, row in enumerate(rows) if row["shares"] is not None), len(rows))
    for i, row in enumerate(rows):
        streak, streak_known = 0, []
        for earlier in reversed(rows[: i + 1]):
            streak_known.append(earlier["flow_known"])
            if earlier["flow_status"] != "structural_zero":
                if (earlier["net_flow_cny"] or 0) <= 0:
                    break
                streak += 1
        for n in (5, 10, 20):
            if row["shares"] is None or i - first < n:
                continue
            frame = rows[i - n + 1 : i + 1]
            flows = [r["net_flow_cny"] for r in frame if r["net_flow_cny"] is not None]
            total = sum(flows) if flows else None
            found.append(
                {
                    "etf_code": row["etf_code"],
                    "as_of_date": row["trade_date"],
                    "window_sessions": n,
                    "inflow_days": sum(f > 0 for f in flows),
                    "outflow_days": sum(f < 0 for f in flows),
                    "structural_zero_days": sum(r["flow_status"] == "structural_zero" for r in frame),
                    "missing_days": n - len(flows),
                    "cumulative_flow_cny": total,
                    "max_daily_flow_cny": max(flows, default=None),
                    "average_flow_cny": None if total is None else cents(Fraction(total) / n),
                    "inflow_streak": streak,
                    "first_known_at": newest(*(r["flow_first"] for r in frame)),
                    "knowledge_at": newest(*streak_known, *(r["flow_known"] for r in frame)),
                }
            )
    return found


def differences(
    con: duckdb.DuckDBPyConnection, table: str, keys: list[str], expected: list[dict[str, Any]]
) -> list[str]:
    columns = list(expected[0])
    got = {
        row[: len(keys)]: dict(zip(columns, row, strict=True))
        for row in con.execute(f"select {', '.join(columns)} from marts.{table}").fetchall()
    }
    want = {tuple(row[key] for key in keys): row for row in expected}
    found = [f"{table} {key}: unexpected row" for key in got.keys() - want.keys()]
    for key, row in want.items():
        if key not in got:
            found.append(f"{table} {key}: no row")
            continue
        for column, value in row.items():
            actual = got[key][column]
            same = (
                math.isclose(value, actual, rel_tol=1e-12) if isinstance(value, float) and actual else value == actual
            )
            if not same:
                found.append(f"{table} {key} {column}: want {value}, got {actual}")
    return found


@pytest.mark.parametrize(("seed", "moments"), [(3, MOMENTS), (11, MOMENTS[:1])])
def test_every_cell_at_every_moment(seed: int, moments: list[Moment], tmp_path: Path) -> None:
    rng = random.Random(seed)  # noqa: S311
    funds = [make_fund(number, rng) for number in range(21)]
    statuses: set[str] = set()
    sources: set[str | None] = set()
    for number, as_of in enumerate(moments):
        marts = run_models(
            tmp_path / str(number), raw_rows(funds), as_of, "+fct_etf_flow_window +fct_etf_daily +dim_etf"
        )
        expected = [row for fund in funds for row in daily(fund, as_of)]
        expected_windows = [w for fund in funds for w in windows(daily(fund, as_of))]
        statuses |= {row["flow_status"] for row in expected}
        sources |= {row["split_source"] for row in expected}
        shown = [{k: v for k, v in row.items() if k not in ("flow_known", "flow_first")} for row in expected]
        with duckdb.connect(str(marts), read_only=True) as con:
            con.execute("set TimeZone = 'Asia/Shanghai'")
            found = differences(con, "fct_etf_daily", ["etf_code", "trade_date"], shown)
            found += differences(
                con, "fct_etf_flow_window", ["etf_code", "as_of_date", "window_sessions"], expected_windows
            )
            calendars = dict(con.execute("select etf_code, creation_calendar from marts.dim_etf").fetchall())
        assert not found, f"{len(found)} differences at {as_of}:\n" + "\n".join(found[:20])
        assert calendars == {fund.code: fund.calendar for fund in funds}
    assert statuses == {"structural_zero", "missing", "estimated", "split_adjusted", "final"}
    assert sources == {None, "declared", "detected"}
