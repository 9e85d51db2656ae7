"""One-minute quotes of the quote day, 09:30 to 10:30, that lead to the figures of the note.

Securities move along bridges to a wanted change; indices follow from their members or, for the Hang Seng family,
open lower and turn positive at a set minute.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from orchestration.providers.sample.etfs import EtfHistory
from orchestration.providers.sample.market import Market, hong_kong_tick, on_tick
from orchestration.providers.sample.moments import QUOTE_MINUTES
from orchestration.providers.sample.universe import CRO_MEMBERS, NOTE_ETF, NOTE_INDEX

LEADERS = {
    "06821.HK": 0.1035,
    "09995.HK": 0.0885,
    "09926.HK": 0.0785,
    "01801.HK": 0.0705,
    "06855.HK": 0.0640,
    "00867.HK": 0.0575,
    "01877.HK": 0.0525,
    "01530.HK": 0.0475,
}
"""Changes of the note's leaders at the last quote, before rounding to a price on the tick."""

OTHERS_AT_MOST = 0.042
"""No other member of the note's index does better."""

INDEX_CHANGE = 0.0345
"""Change of the note's index that its members are led to; the fund's premium makes the rest."""

NOTE_LAST = 1.282
NOTE_OPEN = 1.243
NOTE_TURNOVER = 166_431_872.40

_TURNS = {"HSI.HI": (-0.0046, 17, 0.0068), "HSTECH.HI": (-0.0081, 34, 0.0047)}
"""Opening gap, first minute above the previous close, change at the last quote."""


@dataclass(frozen=True)
class Quotes:
    """Minutes by names. ``volume`` and ``turnover`` are cumulative; NaN where nothing traded."""

    last: np.ndarray
    open: np.ndarray
    previous: np.ndarray
    volume: np.ndarray
    turnover: np.ndarray


@dataclass(frozen=True)
class EtfQuotes:
    """Quotes of the funds, shape (minutes, funds), with the indicative value and shares at the open."""

    quotes: Quotes
    iopv: np.ndarray
    shares: np.ndarray


def _bridges(rng: np.random.Generator, start: np.ndarray, end: np.ndarray, spread: float) -> np.ndarray:
    """Paths of shape (minutes, names) from ``start`` to ``end``."""
    steps = rng.normal(0.0, spread / np.sqrt(QUOTE_MINUTES), (QUOTE_MINUTES, len(start)))
    steps[0] = 0.0
    walk = np.cumsum(steps, axis=0)
    progress = np.linspace(0.0, 1.0, QUOTE_MINUTES)[:, None]
    return start + (end - start) * progress + walk - progress * walk[-1]


def _cumulative(rng: np.random.Generator, total: np.ndarray) -> np.ndarray:
    """Whole, never falling amounts that reach ``total`` at the last minute."""
    pace = rng.gamma(1.2, 1.0, (QUOTE_MINUTES, len(total)))
    pace[0] *= 4
    return np.round(np.cumsum(pace, axis=0) / pace.sum(axis=0) * total)


def _traded(rng: np.random.Generator, last: np.ndarray, lots: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cumulative volume in shares and turnover for ``lots`` of a hundred shares by the last minute."""
    volume = _cumulative(rng, np.maximum(lots, 5)) * 100
    added = np.diff(volume, axis=0, prepend=0.0)
    return volume, np.round(np.cumsum(added * last, axis=0), 2)


def _followers(market: Market) -> list[int]:
    """Members of the note's index that are none of its leaders."""
    leading = {market.column(code) for code in LEADERS}
    return [int(column) for column in market.indices[NOTE_INDEX].sets[-1].members if column not in leading]


def _lift_to_index(market: Market, wanted: np.ndarray) -> None:
    """Move the winners among the followers until the index is up by ``INDEX_CHANGE``, as far as they may go."""
    index = market.indices[NOTE_INDEX]
    weight = np.zeros(len(wanted))
    weight[index.sets[-1].members] = index.start_weights
    followers = [column for column in _followers(market) if wanted[column] > 0]
    for _ in range(6):
        lack = (INDEX_CHANGE - float(weight @ wanted)) / float(weight[followers].sum())
        wanted[followers] = np.clip(wanted[followers] + lack, 0.002, OTHERS_AT_MOST - 0.003)


def security_quotes(rng: np.random.Generator, market: Market) -> Quotes:
    """Quotes of every priced security; the halted one has neither a last nor an open."""
    names = market.names
    count = len(names)
    previous = market.bars.close[-1]
    is_hk = np.array([security.is_hong_kong for security in names])
    tick = np.where(is_hk, hong_kong_tick(previous), 0.01)
    wanted = np.where(is_hk, rng.uniform(-0.008, 0.038, count), np.clip(rng.normal(0.002, 0.014, count), -0.06, 0.06))
    for rank, code in enumerate(CRO_MEMBERS):
        size = 0.006 + 0.0025 * (rank % 6)
        wanted[market.column(code)] = -size if rank % 5 == 4 else size
    for code, change in LEADERS.items():
        wanted[market.column(code)] = change
    _lift_to_index(market, wanted)
    gap = wanted * rng.uniform(0.05, 0.4, count) + rng.normal(0.0, 0.002, count)
    last = on_tick(previous * (1 + _bridges(rng, gap, wanted, 0.005)), tick)
    for column in _followers(market):
        ceiling = np.floor(previous[column] * (1 + OTHERS_AT_MOST) / tick[column]) * tick[column]
        last[:, column] = np.minimum(last[:, column], np.round(ceiling, 4))
    traded = market.bars.turnover[-20:].mean(axis=0) * rng.uniform(0.15, 0.4, count)
    volume, turnover = _traded(rng, last, traded / previous / 100)
    opening = np.broadcast_to(last[0], last.shape).copy()
    halted = market.column(market.suspended_today)
    for array in (last, opening):
        array[:, halted] = np.nan
    for array in (volume, turnover):
        array[:, halted] = 0.0
    return Quotes(last, opening, np.broadcast_to(previous, last.shape), volume, turnover)


def index_quotes(rng: np.random.Generator, market: Market, securities: Quotes) -> dict[str, Quotes]:
    """Quotes of each index, shape (minutes,)."""
    found = {}
    nothing = np.zeros(QUOTE_MINUTES)
    for code, index in market.indices.items():
        previous = float(index.bars.close[-1])
        if index.sets:
            members = index.sets[-1].members
            moves = np.nan_to_num(securities.last[:, members] / securities.previous[:, members] - 1)
            change = moves @ index.start_weights
        elif code in _TURNS:
            gap, minute, final = _TURNS[code]
            wander = rng.normal(0.0, 0.0006, QUOTE_MINUTES)
            wander[[0, -1]] = 0.0
            change = np.interp(
                range(QUOTE_MINUTES), [0, minute - 1, minute, QUOTE_MINUTES - 1], [gap, -4e-4, 5e-4, final]
            )
            change = change + wander
            change[:minute] = np.minimum(change[:minute], -2e-4)
            change[minute:] = np.maximum(change[minute:], 2e-4)
        else:
            change = _bridges(rng, np.array([-0.0012]), np.array([0.0021]), 0.002)[:, 0]
        last = np.round(previous * (1 + change), 2)
        opening = np.full(QUOTE_MINUTES, last[0])
        found[code] = Quotes(last, opening, np.full(QUOTE_MINUTES, previous), nothing, nothing)
    return found


def etf_quotes(
    rng: np.random.Generator, market: Market, histories: list[EtfHistory], indices: dict[str, Quotes]
) -> EtfQuotes:
    """Quotes of the funds around the indicative value that their index gives."""
    previous = np.array([history.bars.close[-1] for history in histories])
    nav = np.array([history.nav[-1] for history in histories])
    change = np.column_stack(
        [indices[history.etf.index].last / indices[history.etf.index].previous - 1 for history in histories]
    )
    iopv = nav * (1 + change)
    premium = _bridges(rng, rng.normal(0.0, 0.001, len(nav)), rng.normal(0.0006, 0.0008, len(nav)), 0.0008)
    last = on_tick(iopv * (1 + premium), 0.001)
    note = next(n for n, history in enumerate(histories) if history.etf.code == NOTE_ETF)
    path = np.linspace(0.0, 1.0, QUOTE_MINUTES)
    bend = (NOTE_OPEN - last[0, note]) * (1 - path) + (NOTE_LAST - last[-1, note]) * path
    last[:, note] = on_tick(last[:, note] + bend, 0.001)
    usual = np.array([history.bars.turnover[-20:].mean() for history in histories]) * rng.uniform(0.2, 0.4, len(nav))
    volume, turnover = _traded(rng, last, usual / previous / 100)
    lots = _cumulative(rng, np.array([NOTE_TURNOVER / 1.2655 / 100]))[:, 0]
    volume[:, note] = lots * 100
    turnover[:, note] = np.cumsum(np.diff(volume[:, note], prepend=0.0) * last[:, note])
    turnover[:, note] = np.round(turnover[:, note] * (NOTE_TURNOVER / turnover[-1, note]), 2)
    opening = np.broadcast_to(last[0], last.shape)
    shares = np.array([history.shares[-1] for history in histories])
    quotes = Quotes(last, opening, np.broadcast_to(previous, last.shape), volume, turnover)
    return EtfQuotes(quotes, np.round(iopv, 4), shares)
