"""Daily prices of securities, index sets with their weights, and index levels that follow from both.

Index levels are built from the members' rounded prices and rounded weights by the rule that the warehouse uses
to explain them (contracts R30), so contributions add up to the index change.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np

from orchestration.providers.sample.moments import LAST_DAY, Clock
from orchestration.providers.sample.universe import CRO_MEMBERS, NOTE_INDEX, Security, Universe

SUSPENSION = (dt.date(2024, 8, 12), dt.date(2024, 8, 30))
"""One member of the note's index does not trade between these days."""

MISSING_BAR = dt.date(2024, 10, 15)
"""One ChiNext member has no bar on this session."""

OFF_CYCLE_SET = dt.date(2024, 9, 9)
"""A member of the note's index leaves between two reviews."""

_REVIEWS = (dt.date(2023, 6, 9), dt.date(2023, 12, 8), dt.date(2024, 6, 14), dt.date(2024, 12, 13))


@dataclass(frozen=True)
class Bars:
    """Daily bars of many names: arrays of shape (days, names); ``present`` says where a bar exists."""

    open: np.ndarray
    high: np.ndarray
    low: np.ndarray
    close: np.ndarray
    previous: np.ndarray
    volume: np.ndarray
    turnover: np.ndarray
    present: np.ndarray


@dataclass(frozen=True)
class WeightSet:
    """The complete set of an index at the close of ``position``; ``weights`` as published, a ratio."""

    position: int
    members: np.ndarray
    weights: np.ndarray


@dataclass(frozen=True)
class Index:
    """Daily bars of one index, shape (days,), and its sets where it carries weights."""

    code: str
    bars: Bars
    sets: list[WeightSet]
    start_weights: np.ndarray
    """Start-of-day weights of the members of the last set on the quote day."""


@dataclass(frozen=True)
class Market:
    """Everything that trades daily. Securities in the order of ``names``; ``bars`` has a column each."""

    clock: Clock
    names: list[Security]
    bars: Bars
    indices: dict[str, Index]
    suspended_today: str
    """Member of the note's index that does not trade on the quote day."""

    def column(self, code: str) -> int:
        """Position of a security in ``names``."""
        return next(n for n, security in enumerate(self.names) if security.code == code)


def hong_kong_tick(price: np.ndarray) -> np.ndarray:
    """Spread table of the Hong Kong exchange, HKD."""
    bounds = [0.25, 0.5, 10.0, 20.0, 100.0, 200.0, 500.0]
    ticks = np.array([0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5])
    return ticks[np.searchsorted(bounds, price, side="right")]


def on_tick(price: np.ndarray, tick: np.ndarray | float) -> np.ndarray:
    """Nearest price on the tick, at least one tick, without float noise."""
    return np.round(np.maximum(np.round(price / tick), 1.0) * tick, 4)


def ranges(
    rng: np.random.Generator, close: np.ndarray, previous: np.ndarray, tick: np.ndarray | float, spread: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Opening, highest and lowest prices around the closes, ordered as a bar must be."""
    opening = on_tick(previous * np.exp(rng.normal(0.0, spread, close.shape)), tick)
    top, bottom = np.maximum(opening, close), np.minimum(opening, close)
    high = np.maximum(on_tick(top * np.exp(np.abs(rng.normal(0.0, spread, close.shape))), tick), top)
    low = np.minimum(on_tick(bottom * np.exp(-np.abs(rng.normal(0.0, spread, close.shape))), tick), bottom)
    return opening, high, low


def _hong_kong_returns(rng: np.random.Generator, clock: Clock, names: list[Security], broad: np.ndarray) -> np.ndarray:
    days, count = len(clock.days), len(names)
    health = rng.normal(0.0, 0.013, days)
    beta = rng.uniform(0.75, 1.25, count)
    returns = beta * (0.6 * broad + health)[:, None] + rng.normal(0.0, 0.019, (days, count))
    returns[~clock.hk] = 0.0
    weights = np.array([security.cap for security in names])
    weights = weights / weights.sum()
    turn = clock.position(dt.date(2024, 12, 31))
    for start, stop, wanted in ((1, turn + 1, -0.16), (turn + 1, days, 0.285)):
        sessions = np.flatnonzero(clock.hk[start:stop]) + start
        # Each name's own path is pulled half way to the sector's, so that two years leave no absurd prices.
        own = returns[sessions].sum(axis=0)
        pull = own + 0.5 * (wanted - own)
        pull += wanted - float(pull @ weights)
        returns[sessions] += (pull - own) / len(sessions)
    return returns


def _a_share_returns(rng: np.random.Generator, clock: Clock, names: list[Security], broad: np.ndarray) -> np.ndarray:
    days, count = len(clock.days), len(names)
    sectors = sorted({security.sector or "" for security in names})
    sector_returns = rng.normal(0.0, 0.008, (days, len(sectors)))
    chinext = rng.normal(0.0, 0.006, days)
    own = np.array([sectors.index(security.sector or "") for security in names])
    board = np.array([security.number[0] == "3" for security in names])
    beta = rng.uniform(0.7, 1.3, count)
    returns = beta * broad[:, None] + sector_returns[:, own] + board * chinext[:, None]
    returns = returns + rng.normal(0.0, 0.016, (days, count))
    returns[~clock.szse] = 0.0
    sessions = np.flatnonzero(clock.szse)
    total = returns[sessions].sum(axis=0)
    returns[sessions] -= 0.5 * total / len(sessions)
    return np.clip(returns, -0.095, 0.095)


def _lift_cro(returns: np.ndarray, names: list[Security], day: int) -> None:
    """The last session's winners among the contract researchers outnumber the losers."""
    members = [n for n, security in enumerate(names) if security.code in CRO_MEMBERS]
    for rank, column in enumerate(members):
        size = max(abs(returns[day, column]), 0.012)
        returns[day, column] = -size if rank % 5 == 4 else size


def _bars(
    rng: np.random.Generator,
    clock: Clock,
    names: list[Security],
    returns: np.ndarray,
    holes: list[tuple[int, int]],
    quiet: list[tuple[int, int]],
) -> Bars:
    last = np.array([security.price for security in names])
    path = np.cumsum(returns, axis=0)
    close = last * np.exp(path - path[-1])
    is_hk = np.array([security.is_hong_kong for security in names])
    tick = np.where(is_hk, hong_kong_tick(close), 0.01)
    close = on_tick(close, tick)
    previous = np.vstack([close[:1], close[:-1]])
    opening, high, low = ranges(rng, close, previous, tick, 0.008)
    cap = np.array([security.cap for security in names])
    scale = np.where(is_hk, 4.5e7, 9.0e7) * cap
    amount = scale * np.exp(rng.normal(0.0, 0.45, close.shape))
    average = (opening + high + low + close) / 4
    volume = np.maximum(np.round(amount / average / 100), 1) * 100
    for day, column in quiet:
        for array in (opening, high, low, close):
            array[day, column] = previous[day, column]
        volume[day, column] = 0
    listed = np.array([security.listed_on for security in names])
    present = (np.array(clock.days)[:, None] >= listed) & np.where(is_hk, clock.hk[:, None], clock.szse[:, None])
    present[0] = False
    for day, column in holes:
        present[day, column] = False
    return Bars(opening, high, low, close, previous, volume, np.round(volume * average, 2), present)


def _set_days(clock: Clock, extra: tuple[dt.date, ...]) -> list[int]:
    both = clock.szse & clock.hk
    ends = [
        n
        for n, day in enumerate(clock.days)
        if both[n]
        and not any(both[m] and clock.days[m].month == day.month for m in range(n + 1, min(n + 32, len(both))))
    ]
    ends = [n for n in ends if clock.days[n] < dt.date(2025, 4, 1)]
    return sorted({0, *ends, *(clock.position(day) for day in extra)})


def _weighted_level(
    clock: Clock, bars: Bars, cap: np.ndarray, memberships: dict[int, np.ndarray], decimals: int
) -> tuple[list[WeightSet], np.ndarray, np.ndarray]:
    """Sets, daily index returns and the weights at the start of the quote day, by contracts R30."""
    returns = bars.close / bars.previous - 1
    units = cap / bars.close[-1]
    positions = sorted(memberships)
    sets, change = [], np.zeros(len(clock.days))
    current = np.array([])
    for position, following in zip(positions, [*positions[1:], len(clock.days) - 1], strict=True):
        members = memberships[position]
        value = units[members] * bars.close[position, members]
        weights = np.round(value / value.sum(), decimals)
        sets.append(WeightSet(position, members, weights))
        span = returns[position + 1 : following + 1][:, members]
        drift = np.vstack([np.ones(len(members)), np.cumprod(1 + span, axis=0)]) * weights
        drift /= drift.sum(axis=1, keepdims=True)
        change[position + 1 : following + 1] = (drift[:-1] * span).sum(axis=1)
        current = drift[-1]
    return sets, change, current


def _index_bars(
    rng: np.random.Generator, change: np.ndarray, last: float, present: np.ndarray, turnover: np.ndarray
) -> Bars:
    growth = np.cumprod(1 + change)
    close = np.round(last * growth / growth[-1], 2)
    previous = np.concatenate([close[:1], close[:-1]])
    opening, high, low = ranges(rng, close, previous, 0.01, 0.004)
    still = np.abs(change) == 0
    for array in (opening, high, low):
        array[still] = close[still]
    present = present.copy()
    present[0] = False
    amount = np.where(still, 0.0, np.round(turnover / 1e8, 2) * 1e8)
    volume = np.round(amount / 18 / 1e4) * 1e4
    return Bars(opening, high, low, close, previous, volume, amount, present)


def _swap(members: list[int], leaver: int, entrant: int) -> list[int]:
    return sorted([member for member in members if member != leaver] + [entrant])


def simulate(rng: np.random.Generator, clock: Clock, universe: Universe) -> Market:
    """Draw two years of prices and derive the indices from them."""
    names = [*universe.hong_kong, *universe.a_shares]
    column = {security.code: n for n, security in enumerate(names)}
    days = len(clock.days)
    broad_hk = np.where(clock.hk, rng.normal(0.0001, 0.0125, days), 0.0)
    broad_a = np.where(clock.szse, rng.normal(0.0, 0.0095, days), 0.0)
    returns = np.hstack(
        [
            _hong_kong_returns(rng, clock, universe.hong_kong, broad_hk),
            _a_share_returns(rng, clock, universe.a_shares, broad_a),
        ]
    )
    returns[0] = 0.0
    _lift_cro(returns, names, days - 1)

    made_up = [n for n, security in enumerate(names) if security.name_zh.startswith("样例港药")]
    named = [
        column[security.code] for security in universe.hong_kong if security.cap > 0 and "样例" not in security.name_zh
    ]
    late = {code: column[code] for code in ("06990.HK", "02268.HK", "02228.HK")}
    chinext = [n for n, security in enumerate(names) if security.number[0] == "3"]

    halted = made_up[5]
    quiet = [(n, halted) for n, day in enumerate(clock.days) if SUSPENSION[0] <= day <= SUSPENSION[1] and clock.hk[n]]
    missing = chinext[11]
    holes = [(clock.position(MISSING_BAR), missing)]
    for day, which in quiet + holes:
        returns[day, which] = 0.0
    bars = _bars(rng, clock, names, returns, holes, quiet)
    cap = np.array([security.cap for security in names])

    review = [clock.position(day) for day in _REVIEWS]
    off_cycle = clock.position(OFF_CYCLE_SET)

    def memberships(
        first: list[int], swaps: dict[int, tuple[int, int]], extra: tuple[dt.date, ...]
    ) -> dict[int, np.ndarray]:
        members, found = sorted(first), {}
        for position in _set_days(clock, extra):
            if position in swaps:
                members = _swap(members, *swaps[position])
            found[position] = np.array(members)
        return found

    early = [member for member in named if member not in late.values()]
    note_sets = memberships(
        early + made_up[:22],
        {
            review[0]: (made_up[21], made_up[22]),
            review[1]: (made_up[20], late["06990.HK"]),
            review[2]: (made_up[19], late["02268.HK"]),
            off_cycle: (made_up[18], made_up[23]),
            review[3]: (made_up[22], late["02228.HK"]),
        },
        (*_REVIEWS, OFF_CYCLE_SET),
    )
    connect_sets = memberships(
        early + made_up[:28],
        {
            review[1]: (made_up[0], late["06990.HK"]),
            review[2]: (made_up[1], late["02268.HK"]),
            review[3]: (made_up[2], late["02228.HK"]),
        },
        _REVIEWS,
    )
    chinext_sets = memberships(chinext[:100], {review[2]: (chinext[3], chinext[100])}, _REVIEWS)

    either = clock.szse | clock.hk
    indices = {}
    for code, sets, decimals, level, present in (
        (NOTE_INDEX, note_sets, 4, 1286.47, clock.hk),
        ("931250.CSI", connect_sets, 5, 972.18, either),
        ("399006.SZ", chinext_sets, 4, 1949.16, clock.szse),
    ):
        found, change, current = _weighted_level(clock, bars, cap, sets, decimals)
        members = found[-1].members
        turnover = (bars.turnover * bars.present)[:, members].sum(axis=1)
        indices[code] = Index(code, _index_bars(rng, change, level, present, turnover), found, current)
    for code, change, level, present, amount in (
        ("HSI.HI", broad_hk + np.where(clock.hk, rng.normal(0.0, 0.003, days), 0.0), 22072.62, clock.hk, 2.1e11),
        ("HSTECH.HI", 1.35 * broad_hk + np.where(clock.hk, rng.normal(0.0, 0.006, days), 0.0), 5055.33, clock.hk, 6e10),
        ("000300.SH", broad_a + np.where(clock.szse, rng.normal(0.0, 0.002, days), 0.0), 3786.88, clock.szse, 2.4e11),
    ):
        change[0] = 0.0
        turnover = amount * np.exp(rng.normal(0.0, 0.25, days))
        indices[code] = Index(code, _index_bars(rng, change, level, present, turnover), [], np.array([]))
    if clock.days[-1] != LAST_DAY:
        raise ValueError(f"the sample's calendar ends on {clock.days[-1]}, not on {LAST_DAY}")
    return Market(clock, names, bars, indices, names[made_up[8]].code)
