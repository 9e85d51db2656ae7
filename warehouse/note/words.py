"""How figures are written: percent, money, counts, moments. No figure is changed but for its decimals."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from zoneinfo import ZoneInfo

MARKET = ZoneInfo("Asia/Shanghai")

MISSING = "not available"


def percent(ratio: float | None, signed: bool = True) -> str:
    """``0.0372`` -> ``+3.72%``."""
    if ratio is None:
        return MISSING
    return f"{ratio:+.2%}" if signed else f"{ratio:.2%}"


def money(amount: Decimal | float | None, currency: str, signed: bool = False) -> str:
    """An amount in the largest unit that keeps it above one: ``CNY 166.32 million``."""
    if amount is None:
        return MISSING
    value = float(amount)
    size, word = next(
        ((size, word) for size, word in ((1e9, " billion"), (1e6, " million")) if abs(value) >= size), (1.0, "")
    )
    figure = f"{value / size:+,.2f}" if signed else f"{value / size:,.2f}"
    return f"{currency} {figure}{word}"


def whole(value: float | None) -> str:
    """A count: ``412``; thousands separated."""
    return MISSING if value is None else f"{value:,.0f}"


def clock(moment: dt.datetime) -> str:
    """Market time to the minute."""
    return f"{moment.astimezone(MARKET):%Y-%m-%d %H:%M}"


def age(then: dt.datetime, now: dt.datetime) -> str:
    """The time between two moments: ``3 days``, ``5 hours``, ``12 minutes``."""
    minutes = int((now - then).total_seconds() // 60)
    size, word = next(((size, word) for size, word in ((1440, "day"), (60, "hour")) if minutes >= size), (1, "minute"))
    return f"{minutes // size} {word}{'' if minutes // size == 1 else 's'}"


def cell(value: object) -> str:
    """A value of a mart's row as the page repeats it: NULL said, moments in market time, numbers as stored."""
    if value is None:
        return "NULL"
    if isinstance(value, dt.datetime):
        return f"{value.astimezone(MARKET):%Y-%m-%d %H:%M:%S}"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.10g}"
    return str(value)
