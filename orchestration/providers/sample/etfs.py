"""Daily figures of the ETFs: unit NAV that follows the index, prices around NAV, share counts in creation units.

The flows of the note's ETF in the last ten Shenzhen sessions are set here; the warehouse has to find them.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np

from orchestration.providers.sample.market import Bars, Market, on_tick, ranges
from orchestration.providers.sample.moments import LAST_DAY
from orchestration.providers.sample.universe import NOTE_ETF, Etf

NOTE_LAST_CLOSE = 1.236
NOTE_WINDOW_FLOW = 284_600_000.0
"""Cumulative flow of the note's ETF over ten sessions, CNY, met to within one creation unit."""

_NOTE_UNITS = (36, 27, 51, 18, -19, 44, None, None, 58, 24)
"""Creation units created on the ten sessions to the last day; None: southbound trading is closed."""

DECLARED_SPLIT = ("159977.SZ", dt.date(2024, 7, 18), 3)
UNDECLARED_SPLIT = ("515330.SH", dt.date(2024, 3, 12), 2)
MISSING_SHARES = {
    "510330.SH": (dt.date(2023, 11, 14), dt.date(2024, 6, 5), dt.date(2024, 6, 6), dt.date(2025, 2, 19)),
    "159955.SZ": (dt.date(2024, 1, 17), dt.date(2024, 12, 3), dt.date(2024, 12, 4), dt.date(2024, 12, 5)),
    "513580.SH": (dt.date(2024, 4, 18), LAST_DAY),
}
"""Close-of-day counts that the exchange's files do not have."""

LATE_NAV = frozenset({"513660.SH", "513380.SH", "159742.SZ"})
"""Funds whose NAV of the last session is not out by the quote day's morning."""


@dataclass(frozen=True)
class EtfHistory:
    """One fund on Shenzhen sessions since listing; ``positions`` index the market's days."""

    etf: Etf
    positions: np.ndarray
    bars: Bars
    nav: np.ndarray
    accumulated: np.ndarray
    shares: np.ndarray
    """Close of day."""
    factor: np.ndarray
    """New shares for one old on that session, 1 otherwise."""


def _share_counts(
    rng: np.random.Generator, etf: Etf, creation_days: np.ndarray, factor: np.ndarray, nav: np.ndarray
) -> np.ndarray:
    unit = etf.creation_unit
    quiet = rng.random(len(creation_days)) < 0.3
    pulse = rng.normal(0.0, 0.009, len(creation_days))
    if etf.code == NOTE_ETF:
        pulse += 0.0038
    shares = np.zeros(len(creation_days), dtype=np.int64)
    shares[0] = etf.shares
    window = len(creation_days) - len(_NOTE_UNITS)
    for t in range(1, len(shares)):
        base = int(shares[t - 1]) * int(factor[t])
        if etf.code == NOTE_ETF and t >= window:
            units = _NOTE_UNITS[t - window] or 0
        else:
            units = 0 if quiet[t] or not creation_days[t] else round(pulse[t] * base / unit)
        shares[t] = max(base + units * unit, 20 * unit)
    if etf.code == NOTE_ETF:
        flow = float((np.diff(shares[window - 1 :]) * nav[window:]).sum())
        # The largest inflow takes what is missing, in whole units.
        largest = window + max(range(len(_NOTE_UNITS)), key=lambda n: _NOTE_UNITS[n] or 0)
        shares[largest:] += round((NOTE_WINDOW_FLOW - flow) / nav[largest] / unit) * unit
    return shares


def histories(rng: np.random.Generator, market: Market, etfs: list[Etf], hkd: np.ndarray) -> list[EtfHistory]:
    """Draw every fund. ``hkd``: CNY for one HKD by day of the market's clock."""
    clock = market.clock
    found = []
    for etf in etfs:
        positions = clock.szse_positions
        positions = positions[[clock.days[p] >= etf.listed_on for p in positions]]
        level = market.indices[etf.index].bars.close[positions]
        if etf.follows_hong_kong:
            level = level * hkd[positions]
        fee = np.exp(-0.006 / 243 * (np.arange(len(positions)) - len(positions) + 1))
        noise = np.exp(np.cumsum(rng.normal(0.0, 0.00012, len(positions))))
        path = etf.nav * level / level[-1] * fee * noise / noise[-1]
        days = [clock.days[p] for p in positions]
        factor = np.ones(len(positions))
        total = 1
        for code, day, k in (DECLARED_SPLIT, UNDECLARED_SPLIT):
            if code == etf.code:
                factor[days.index(day)] = k
                total = k
        old_units = total / np.cumprod(factor)
        nav = np.round(path * old_units, 4)
        accumulated = np.round(path * total, 4)

        spread = 0.004 if etf.calendar == "hk" else 0.0012
        premium = np.zeros(len(positions))
        shock = rng.normal(0.0, spread, len(positions))
        for t in range(1, len(premium)):
            premium[t] = 0.6 * premium[t - 1] + shock[t]
        close = on_tick(nav * (1 + premium), 0.001)
        if etf.code == NOTE_ETF:
            close[-1] = NOTE_LAST_CLOSE
        previous = np.concatenate([close[:1], close[:-1]])
        previous = on_tick(previous / factor, 0.001)
        opening, high, low = ranges(rng, close, previous, 0.001, 0.005)
        southbound = clock.szse[positions] & clock.hk[positions]
        creation_days = southbound if etf.follows_hong_kong else np.ones(len(positions), dtype=bool)
        shares = _share_counts(rng, etf, creation_days, factor, nav)
        turnover = shares * nav * np.exp(rng.normal(-2.9, 0.4, len(positions)))
        if etf.code == NOTE_ETF:
            turnover = turnover * 9
        average = (opening + high + low + close) / 4
        volume = np.maximum(np.round(turnover / average / 100), 1) * 100
        bars = Bars(
            opening, high, low, close, previous, volume, np.round(volume * average, 2), np.ones(len(positions), bool)
        )
        found.append(EtfHistory(etf, positions, bars, nav, accumulated, shares, factor))
    return found
