"""NAV returns, distributions, closing premium and tracking against a world whose truth the test decides.

The funds below pay distributions, split, skip NAVs and contradict themselves on days that the test itself chose; the
models see only what a provider would deliver and have to find the same. Definitions: domain notes 2.1, 2.4 to 2.6;
no SQL and no project code in the expectation.
"""

from __future__ import annotations

import datetime as dt
import math
import random
import statistics
from bisect import bisect_right
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
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
    [day.date() for day in exchange_calendars.get_calendar(name, start="2024-01-02", end="2025-03-31").sessions]
    for name in ("XSHG", "XHKG")
)
HK = set(HK_SESSIONS)
AS_OF = Moment(2025, 4, 10, 8, tzinfo=ZONE)
WINDOWS = {"1m": 20, "3m": 60, "1y": 250}
INDICES = {"987018.CNI": "HKD", "399006.SZ": "CNY", "931250.CSI": None, "HSTECH.HI": "HKD"}
TICK = Decimal("0.0001")


def at(day: Date, hour: int, minute: int = 0, second: int = 0) -> Moment:
    return Moment(day.year, day.month, day.day, hour, minute, second, tzinfo=ZONE)


@dataclass
class Fund:
    """Truth by session: NAV (None where it is not delivered), k, distribution; and what is wrong with it."""

    code: str
    index: str | None
    navs: dict[Date, Decimal] = field(default_factory=dict)
    splits: dict[Date, int] = field(default_factory=dict)
    paid: dict[Date, Decimal] = field(default_factory=dict)
    accumulated: dict[Date, Decimal] = field(default_factory=dict)
    shares: dict[Date, int] = field(default_factory=dict)
    closes: dict[Date, Decimal] = field(default_factory=dict)
    iopvs: dict[Date, tuple[Decimal, Decimal, Moment]] = field(default_factory=dict)
    volumes: dict[Date, tuple[int, Decimal]] = field(default_factory=dict)
    denied: Date | None = None
    wrong_accumulated: Date | None = None


def make(number: int, rng: random.Random) -> Fund:
    fund = Fund(f"{159100 + number}.SZ", [*INDICES, "399006.SZ", None][number % 6])
    restored, delivered = number % 2 == 0, number % 5 != 4
    for day, k in zip(rng.sample(SESSIONS[30:-30], number % 3), (2, 3), strict=False):
        fund.splits[day] = k
    for day in rng.sample([d for d in SESSIONS[25:-5] if d not in fund.splits], number % 4):
        fund.paid[day] = Decimal(rng.randrange(5, 400)) * TICK
    if number in (3, 9):
        fund.denied = next(d for d in SESSIONS[100:] if d not in fund.splits and d not in fund.paid)
    if number in (2, 7):
        fund.wrong_accumulated = next(d for d in SESSIONS[150:] if d not in fund.splits and d not in fund.paid)
    nav, multiple, kept, shares = Decimal(rng.randrange(8000, 30000)) * TICK, 1, Decimal(0), 50_000_000
    for position, day in enumerate(SESSIONS[number % 7 :]):
        k = fund.splits.get(day, 1)
        paid = fund.paid.get(day, Decimal(0))
        multiple *= k
        grown = nav * Decimal(1 + rng.gauss(0.0003, 0.012)) / k
        nav = max((grown - paid).quantize(TICK), Decimal("0.05"))
        shares = shares * k + rng.choice([0, 0, 1_000_000, -500_000, 3_000_000])
        # A distribution is paid to shares after the split; told in the units of before it, it is k times as much.
        kept += paid * (multiple if restored else 1)
        fund.shares[day] = shares
        fund.closes[day] = (nav * Decimal(1 + rng.gauss(0, 0.004))).quantize(Decimal("0.001"))
        volume = rng.randrange(1, 9000) * 100
        average = fund.closes[day] * (Decimal("1.2") if rng.random() < 0.03 else Decimal("1"))
        fund.volumes[day] = (volume, (volume * average).quantize(Decimal("0.01")))
        if rng.random() < 0.03 and day not in fund.splits and day not in fund.paid and position:
            continue
        fund.navs[day] = nav
        if delivered:
            fund.accumulated[day] = nav * (multiple if restored else 1) + kept
        if day == fund.wrong_accumulated:
            fund.accumulated[day] -= Decimal("0.25")
        if number % 3 != 1:
            clock = rng.choice([(14, 56, 59), (14, 57, 0), (14, 59, 30), (15, 0, 0), (15, 0, 59), (15, 1, 0)])
            quoted = at(day, *clock)
            last, iopv = fund.closes[day], (nav * Decimal(1 + rng.gauss(0, 0.002))).quantize(TICK)
            fund.iopvs[day] = (last, iopv, quoted)
    return fund


def turned_round(rates: dict[Date, Decimal]) -> list[Date]:
    """Days whose valuation rate arrives as HKD for one CNY."""
    return sorted(rates)[60:66]


def raw_rows(funds: list[Fund], levels: dict, rates: dict) -> dict[str, list[dict[str, Any]]]:
    return {
        "etf_profiles": [
            {"etf_code": f.code, "tracked_index_code": f.index, "creation_calendar": "domestic"}
            | {"knowledge_at": at(SESSIONS[0], 0)}
            for f in funds
        ],
        "etf_nav": [
            {"etf_code": f.code, "nav_date": d, "unit_nav": nav, "accumulated_nav": f.accumulated.get(d)}
            | {"knowledge_at": at(d, 22)}
            for f in funds
            for d, nav in f.navs.items()
        ],
        "etf_shares": [
            {"etf_code": f.code, "share_date": d, "share_basis": "close_of_day", "shares": count}
            | {"knowledge_at": at(d, 20)}
            for f in funds
            for d, count in f.shares.items()
        ],
        "etf_bars": [
            {"etf_code": f.code, "trade_date": d, "open": c, "high": c, "low": c, "close": c, "prev_close": c}
            | {"volume_shares": f.volumes[d][0], "turnover_cny": f.volumes[d][1], "knowledge_at": at(d, 15)}
            for f in funds
            for d, c in f.closes.items()
        ],
        "etf_quotes": [
            {"etf_code": f.code, "quote_ts": ts, "last": last, "iopv": iopv, "knowledge_at": ts}
            for f in funds
            for last, iopv, ts in f.iopvs.values()
        ],
        "etf_splits": [
            {"etf_code": f.code, "effective_date": d, "numerator": k, "denominator": 1, "knowledge_at": at(d, 9, 15)}
            for f in funds
            for d, k in [*f.splits.items(), *([(f.denied, 5)] if f.denied else [])]
        ],
        "index_bars": [
            {"index_code": code, "trade_date": d, "open": v, "high": v, "low": v, "close": v}
            | {"knowledge_at": at(d, 16, 10)}
            for (code, d), v in levels.items()
        ],
        "fx_rates": [
            {"pair": "HKDCNY", "kind": kind, "rate_date": d, "rate": rate, "knowledge_at": at(d, 18)}
            for d, right in rates.items()
            for kind, rate in (
                ("valuation", (1 / right).quantize(Decimal("1e-8")) if d in turned_round(rates) else right),
                ("sgt_reference", right * Decimal("1.01")),
            )
        ],
    }


def daily_truth(fund: Fund) -> dict[Date, dict[str, Any]]:
    """Return, distribution and their status by session with NAV, from what the world decided."""
    found: dict[Date, dict[str, Any]] = {}
    known = sorted(fund.navs)
    delivered = bool(fund.accumulated)
    for position, day in enumerate(known):
        before = known[position - 1] if position else None
        if before is None:
            found[day] = {"status": "missing", "paid": None, "growth": None, "before": None}
            continue
        between = [d for d in SESSIONS if before < d <= day]
        k = math.prod(fund.splits.get(d, 1) for d in between)
        paid = sum((fund.paid.get(d, Decimal(0)) for d in between), Decimal(0))
        status: str = "final" if delivered else "without_distribution"
        if not delivered:
            paid_known = None
        elif fund.wrong_accumulated in (day, before):
            # down by a quarter and up again: neither step tells a distribution
            status, paid_known = "distribution_unreadable", None
        else:
            paid_known = paid
        if fund.denied in between:
            status, paid_known = "split_denied", None
        growth = None
        if status in ("final", "without_distribution"):
            growth = float(k * (fund.navs[day] + (paid_known or 0)) / fund.navs[before])
        found[day] = {"status": status, "paid": paid_known, "growth": growth, "before": before}
    return found


def tracking_truth(fund: Fund, levels: dict, rates: dict) -> dict[tuple[Date, str], dict[str, Any]]:
    """Every window, a session at a time."""
    if fund.index is None:
        return {}
    days = [d for d in SESSIONS if d >= min(fund.closes)]
    truth, currency = daily_truth(fund), INDICES[fund.index]

    def level(day: Date) -> float | None:
        if (fund.index, day) in levels:
            return float(levels[fund.index, day])
        if fund.index in ("399006.SZ",) or day in HK:
            return None
        earlier = HK_SESSIONS[bisect_right(HK_SESSIONS, day) - 1]
        return float(levels[fund.index, earlier]) if (fund.index, earlier) in levels else None

    statuses: dict[Date, str] = {}
    steps: dict[Date, tuple[float, float, int]] = {}
    last: Date | None = None
    growth, broken = 1.0, False
    for day in days:
        if day in truth and truth[day]["before"] is not None:
            if truth[day]["growth"] is None:
                broken = True
            else:
                growth *= truth[day]["growth"]
        rate = 1.0 if currency == "CNY" else float(rates[day]) if day in rates else None
        is_turned_round = currency != "CNY" and day in turned_round(rates)
        if day not in fund.navs:
            statuses[day] = "nav_missing"
        elif level(day) is None:
            statuses[day] = "index_missing"
        elif currency is None:
            statuses[day] = "currency_unknown"
        elif rate is None:
            statuses[day] = "fx_missing"
        elif is_turned_round:
            statuses[day] = "fx_contradicted"
        else:
            statuses[day] = "nav_missing"
            if last is not None and not broken:
                span = days.index(day) - days.index(last)
                last_rate = 1.0 if currency == "CNY" else float(rates[last])
                steps[day] = (growth, level(day) * rate / (level(last) * last_rate), span)
                statuses[day] = "used" if span == 1 else "bridges_a_gap"
            last, growth, broken = day, 1.0, False
    found = {}
    first = days.index(min(fund.navs))
    for name, length in WINDOWS.items():
        for position, day in enumerate(days):
            if day not in fund.navs or position - first < length:
                continue
            window = days[position - length + 1 : position + 1]
            taken = [steps[d] for d in window if d in steps]
            used = [steps[d][0] - steps[d][1] for d in window if statuses[d] == "used"]
            status = "complete" if len(used) == length else "partial" if len(used) >= 0.8 * length else None
            if status is None:
                reasons = ["index_missing", "currency_unknown", "fx_contradicted", "fx_missing", "nav_missing"]
                counted = [sum(1 for d in window if statuses[d] == reason) for reason in reasons]
                status = reasons[counted.index(max(counted))]
            whole = sum(span for *_, span in taken) == length
            fund_return = math.prod(s[0] for s in taken) - 1 if whole else None
            index_return = math.prod(s[1] for s in taken) - 1 if whole else None
            shown = status in ("complete", "partial")
            found[day, name] = {
                "tracking_status": status,
                "days_used": len(used),
                "fund_return_ratio": fund_return,
                "index_return_cny_ratio": index_return,
                "tracking_difference": fund_return - index_return if whole else None,
                "tracking_error_annualised": statistics.stdev(used) * math.sqrt(250) if shown else None,
                "mean_abs_daily_tracking_difference": statistics.fmean(map(abs, used)) if shown else None,
            }
    return found


def premium_truth(fund: Fund) -> dict[Date, dict[str, Any]]:
    days = [d for d in SESSIONS if d >= min(fund.closes)]
    nav = {d: float(fund.closes[d]) / float(fund.navs[d]) - 1 for d in days if d in fund.navs}
    iopv = {
        d: float(last) / float(value) - 1
        for d, (last, value, ts) in fund.iopvs.items()
        if at(d, 14, 57) <= ts < at(d, 15, 1)
    }
    found = {}
    for position, day in enumerate(days):
        basis, series = ("iopv_1500", iopv) if day in iopv else ("nav", nav) if day in nav else (None, {})
        before = [series[d] for d in days[max(position - 20, 0) : position] if d in series]
        score = None
        if basis and len(before) == 20:
            score = (series[day] - statistics.fmean(before)) / statistics.stdev(before)
        found[day] = {"premium_iopv_ratio": iopv.get(day), "premium_basis": basis, "premium_zscore": score}
    return found


def money(shares: int | None, price: Decimal | None) -> Decimal | None:
    """Cents, halves away from zero."""
    if shares is None or price is None:
        return None
    return (shares * price).quantize(Decimal("0.01"), ROUND_HALF_UP)


def close_to(want: Any, got: Any) -> bool:
    if isinstance(want, float) and isinstance(got, float):
        return math.isclose(want, got, rel_tol=1e-7, abs_tol=1e-9)
    return want == got


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    rng = random.Random(2024)  # noqa: S311
    funds = [make(number, rng) for number in range(12)]
    levels, value = {}, dict.fromkeys(INDICES, 1000.0)
    for code, currency in INDICES.items():
        for day in SESSIONS if currency == "CNY" else HK_SESSIONS:
            value[code] *= math.exp(rng.gauss(0, 0.013))
            if rng.random() < (0.4 if code == "HSTECH.HI" else 0.01):
                continue  # the provider lost it
            levels[code, day] = Decimal(value[code]).quantize(TICK)
    rates = {
        d: Decimal(0.92 + rng.gauss(0, 0.002)).quantize(Decimal("0.00001")) for d in SESSIONS if rng.random() > 0.02
    }
    folder = tmp_path_factory.mktemp("returns") / "build"
    models = "+fct_etf_tracking +int_audit_etf_contradictions +int_audit_fx_rates +dim_etf"
    marts = run_models(folder, raw_rows(funds, levels, rates), AS_OF, models)
    with duckdb.connect(str(marts), read_only=True) as con:
        con.execute(f"attach '{folder / 'work.duckdb'}' as work (read_only)")
        con.execute("set TimeZone = 'Asia/Shanghai'")
        yield funds, levels, rates, con


def rows_of(con: duckdb.DuckDBPyConnection, query: str, key: int) -> dict[Any, dict[str, Any]]:
    cursor = con.execute(query)
    names = [column[0] for column in cursor.description]
    return {row[:key]: dict(zip(names[key:], row[key:], strict=True)) for row in cursor.fetchall()}


def test_returns_and_distributions_are_those_of_the_world(world) -> None:
    funds, _, _, con = world
    got = rows_of(
        con,
        "select etf_code, trade_date, nav_return_ratio, nav_return_status, distribution_per_share, premium_iopv_ratio, "
        "premium_basis, premium_zscore, turnover_rate_ratio, vwap_status, flow_price_basis, vwap, "
        "net_flow_at_vwap_cny, net_flow_at_close_cny from marts.fct_etf_daily",
        2,
    )
    wrong, statuses = [], set()
    for fund in funds:
        truth, premiums = daily_truth(fund), premium_truth(fund)
        for day in [d for d in SESSIONS if d >= min(fund.closes)]:
            row, expected = got.pop((fund.code, day)), truth.get(day)
            yesterday = max((d for d in SESSIONS if d < day), default=None)
            next_door = expected is not None and expected["before"] == yesterday
            status = expected["status"] if next_door else "missing"
            growth = expected["growth"] if next_door else None
            volume, turnover = fund.volumes[day]
            k = fund.splits.get(day, 1) * (5 if day == fund.denied else 1)
            opening = fund.shares.get(yesterday)
            in_range = abs(turnover / volume - fund.closes[day]) <= fund.closes[day] / 200 + Decimal("0.001")
            change = fund.shares[day] - opening * k if opening else None
            average = row["vwap"]
            assert (average is not None) == in_range
            assert average is None or abs(average - turnover / volume) <= Decimal("0.0001")
            want = {
                "net_flow_at_vwap_cny": Decimal(0) if change == 0 else money(change, average),
                "net_flow_at_close_cny": money(change, fund.closes[day]),
                "nav_return_ratio": None if growth is None else growth - 1,
                "nav_return_status": status,
                "distribution_per_share": expected["paid"] if expected else None,
                **premiums[day],
                "turnover_rate_ratio": volume / (opening * k) if opening else None,
                "vwap_status": "known" if in_range else "contradicts_range",
                "flow_price_basis": None if not opening else "nav" if day in fund.navs else "close",
            }
            statuses.add(status)
            wrong += [
                f"{fund.code} {day} {n}: want {v}, got {row[n]}" for n, v in want.items() if not close_to(v, row[n])
            ]
    assert not wrong, f"{len(wrong)} cells:\n" + "\n".join(wrong[:20])
    assert not got
    assert statuses == {"final", "without_distribution", "missing", "split_denied", "distribution_unreadable"}


def test_tracking_of_every_window_equals_a_walk_over_its_days(world) -> None:
    funds, levels, rates, con = world
    got = rows_of(
        con,
        "select etf_code, as_of_date, window_name, tracking_status, days_used, fund_return_ratio, "
        "index_return_cny_ratio, tracking_difference, tracking_error_annualised, mean_abs_daily_tracking_difference "
        "from marts.fct_etf_tracking",
        3,
    )
    wrong, statuses = [], set()
    for fund in funds:
        for (day, name), want in tracking_truth(fund, levels, rates).items():
            row = got.pop((fund.code, day, name), None)
            statuses.add(want["tracking_status"])
            if row is None:
                wrong.append(f"{fund.code} {day} {name} is not there")
                continue
            wrong += [
                f"{fund.code} {day} {name} {n}: want {v}, got {row[n]}"
                for n, v in want.items()
                if not close_to(v, row[n])
            ]
    assert not wrong, f"{len(wrong)} cells:\n" + "\n".join(wrong[:20])
    assert not got
    assert {"complete", "partial", "index_missing", "currency_unknown", "fx_contradicted"} <= statuses
    found = con.execute("select check_name, subject, detail from work.intermediate.int_audit_fx_rates").fetchall()
    assert [(name, subject) for name, subject, _ in found] == [
        ("fx_rate_inverted", f"HKDCNY valuation {turned_round(rates)[0]}")
    ]
    assert "6 valuation rate(s) of HKDCNY" in found[0][2]


def test_share_form_and_asset_form_of_the_flow_agree(world) -> None:
    """F = ΔS·N = AUM - AUM₋₁·(1 + R) + what was distributed; without the last term every payout is an outflow."""
    _, _, _, con = world
    [(compared, paying, worst)] = con.execute(
        "with days as (select *, lag(aum_cny) over w as aum_before, lag(shares) over w * split_factor as opening "
        "from marts.fct_etf_daily window w as (partition by etf_code order by trade_date)) "
        "select count(*), count(case when distribution_per_share > 0 then 1 end), max(abs(cast(net_flow_cny as double) "
        "- (cast(aum_cny as double) - cast(aum_before as double) * (1 + nav_return_ratio) "
        "+ opening * cast(distribution_per_share as double))) / cast(aum_cny as double)) from days "
        "where nav_return_status = 'final' and aum_before is not null and flow_status in ('final', 'split_adjusted')"
    ).fetchall()
    assert compared > 1500
    assert paying > 5
    assert worst < 1e-9


def test_every_contradiction_is_named_with_both_figures(world) -> None:
    funds, _, _, con = world
    found = con.execute(
        "select check_name, subject, detail from work.intermediate.int_audit_etf_contradictions"
    ).fetchall()
    named = {(name, subject) for name, subject, _ in found}
    for fund in funds:
        if fund.denied:
            assert ("etf_split_denied_by_nav", f"{fund.code} {fund.denied}") in named
        if fund.wrong_accumulated in fund.accumulated:
            assert ("etf_accumulated_nav_contradicts", f"{fund.code} {fund.wrong_accumulated}") in named
    assert sum(name == "etf_split_denied_by_nav" for name, _ in named) == 2
    outside = [(subject, detail) for name, subject, detail in found if name == "etf_turnover_outside_range"]
    assert len(outside) == len(funds)
    assert all("vwap is NULL" in detail for _, detail in outside)
