"""The sample's clock: its sessions and the moment past which nothing in it may be known."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np

from orchestration.calendars import sessions

FIRST_DAY = dt.date(2023, 4, 24)
"""First session with bars; since this day southbound trading is the intersection of both markets."""

BASE_DAY = dt.date(2023, 4, 21)
"""The day before: gives the first bars their previous close and the indices their first weights."""

LAST_DAY = dt.date(2025, 4, 23)
"""Last session with bars."""

QUOTE_DAY = dt.date(2025, 4, 24)
QUOTE_MINUTES = 61
"""Quotes at 09:30, 09:31, … 10:30."""

SHANGHAI = dt.timezone(dt.timedelta(hours=8))
CUT = dt.datetime(2025, 4, 24, 10, 30, tzinfo=SHANGHAI)
"""Nothing in the sample is known later."""


def quote_times() -> list[dt.datetime]:
    """The moments of the morning's quotes, in exchange time."""
    start = dt.datetime(2025, 4, 24, 9, 30, tzinfo=SHANGHAI)
    return [start + dt.timedelta(minutes=n) for n in range(QUOTE_MINUTES)]


@dataclass(frozen=True)
class Clock:
    """Days on which Shenzhen or Hong Kong trade, from ``BASE_DAY`` to ``LAST_DAY``, with a flag for each market."""

    days: tuple[dt.date, ...]
    szse: np.ndarray
    hk: np.ndarray

    def position(self, day: dt.date) -> int:
        """Index of the last day not after ``day``."""
        return int(np.searchsorted(np.array(self.days), np.array(day), side="right")) - 1

    @property
    def szse_positions(self) -> np.ndarray:
        """Indices of Shenzhen sessions with bars."""
        return np.flatnonzero(self.szse & self.after_base)

    @property
    def after_base(self) -> np.ndarray:
        return np.array([day >= FIRST_DAY for day in self.days])


def clock() -> Clock:
    """Sessions of both markets within the sample."""
    shanghai = {day for day in sessions("XSHG").sessions if BASE_DAY <= day <= LAST_DAY}
    hong_kong = {day for day in sessions("XHKG").sessions if BASE_DAY <= day <= LAST_DAY}
    days = tuple(sorted(shanghai | hong_kong))
    return Clock(days, np.array([day in shanghai for day in days]), np.array([day in hong_kong for day in days]))
