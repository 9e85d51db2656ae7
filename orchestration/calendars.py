"""Trading sessions of Shenzhen and Shanghai (XSHG serves both), Hong Kong (XHKG) and southbound Stock Connect.

Sessions come from ``exchange_calendars``; what it has wrong stands in ``dbt_project/seeds/calendar_overrides.csv``
with its evidence. Dates beyond a calendar's horizon are unknown, never guessed: asking for one raises
``CalendarHorizonError``.
"""

from __future__ import annotations

import csv
import datetime as dt
from dataclasses import dataclass
from functools import lru_cache

import pyarrow as pa

from orchestration.paths import SEEDS

FIRST_DATE = dt.date(1986, 1, 1)
"""Market data older than this is refused (contracts R62), so the calendars begin here."""

SOUTHBOUND_INTERSECTION_FROM = dt.date(2023, 4, 24)
"""Since the calendar optimisation, southbound trading is open when both markets are (domain 1.10)."""

CALENDAR_SCHEMA = pa.schema(
    [
        pa.field("date", pa.date32(), nullable=False),
        pa.field("is_session_szse", pa.bool_(), nullable=False),
        pa.field("is_session_hk", pa.bool_(), nullable=False),
        pa.field("is_southbound_open", pa.bool_()),
        pa.field("is_half_day_szse", pa.bool_(), nullable=False),
        pa.field("is_half_day_hk", pa.bool_(), nullable=False),
        pa.field("is_half_day_southbound", pa.bool_()),
        pa.field("previous_session_szse", pa.date32()),
        pa.field("next_session_szse", pa.date32()),
        pa.field("previous_session_hk", pa.date32()),
        pa.field("next_session_hk", pa.date32()),
        pa.field("second_next_session_szse", pa.date32()),
    ]
)


class CalendarHorizonError(Exception):
    """A date lies past the last session that the installed calendars know."""


@dataclass(frozen=True)
class Sessions:
    """Sessions of one market, sorted, with its half days; ``horizon`` is the last date it can speak of."""

    market: str
    sessions: tuple[dt.date, ...]
    half_days: frozenset[dt.date]
    horizon: dt.date


def _overrides(market: str) -> tuple[set[dt.date], set[dt.date]]:
    added: set[dt.date] = set()
    removed: set[dt.date] = set()
    with (SEEDS / "calendar_overrides.csv").open(encoding="utf-8", newline="") as handle:
        for row in csv.DictReader(handle):
            if row["market"] == market:
                (added if row["is_session"] == "true" else removed).add(dt.date.fromisoformat(row["date"]))
    return added, removed


@lru_cache(maxsize=2)
def sessions(market: str) -> Sessions:
    """Sessions of ``XSHG`` or ``XHKG`` since 1986, overrides applied."""
    import exchange_calendars

    newest = exchange_calendars.get_calendar(market)
    horizon = (newest.bound_max() or newest.last_session).date()
    oldest = max(FIRST_DATE, newest.bound_min().date()) if newest.bound_min() is not None else FIRST_DATE
    calendar = exchange_calendars.get_calendar(market, start=oldest.isoformat(), end=horizon.isoformat())
    added, removed = _overrides(market)
    days = sorted(({day.date() for day in calendar.sessions} | added) - removed)
    return Sessions(market, tuple(days), frozenset(day.date() for day in calendar.early_closes), horizon)


def horizon() -> dt.date:
    """The last date on which both markets are known."""
    return min(sessions("XSHG").horizon, sessions("XHKG").horizon)


def require_known(date: dt.date) -> None:
    """Raise ``CalendarHorizonError`` when a date that has happened lies past the horizon."""
    if date > horizon():
        raise CalendarHorizonError(
            f"{date} lies past {horizon()}, the last date that the trading calendars know: "
            "upgrade exchange-calendars (the exchanges publish the next year each December)"
        )


def _neighbours(days: tuple[dt.date, ...], dates: list[dt.date], steps: int) -> list[dt.date | None]:
    """For each date the session ``steps`` sessions after it (negative: before it), None past either end."""
    found: list[dt.date | None] = []
    position = 0
    for date in dates:
        while position < len(days) and (days[position] <= date if steps > 0 else days[position] < date):
            position += 1
        index = position + steps - 1 if steps > 0 else position + steps
        found.append(days[index] if 0 <= index < len(days) else None)
    return found


@lru_cache(maxsize=1)
def trading_calendar() -> pa.Table:
    """One row per calendar date from 1986 to the horizon; see ``CALENDAR_SCHEMA``.

    ``is_southbound_open`` and its half day are NULL before 2023-04-24, where the intersection of the two markets is
    known to be wrong. Neighbouring sessions past the horizon are NULL.
    """
    shanghai, hong_kong = sessions("XSHG"), sessions("XHKG")
    last = horizon()
    dates = [FIRST_DATE + dt.timedelta(days=n) for n in range((last - FIRST_DATE).days + 1)]
    szse, hk = set(shanghai.sessions), set(hong_kong.sessions)
    known = [date >= SOUTHBOUND_INTERSECTION_FROM for date in dates]
    columns = {
        "date": dates,
        "is_session_szse": [date in szse for date in dates],
        "is_session_hk": [date in hk for date in dates],
        "is_southbound_open": [
            date in szse and date in hk if k else None for date, k in zip(dates, known, strict=True)
        ],
        "is_half_day_szse": [date in shanghai.half_days for date in dates],
        "is_half_day_hk": [date in hong_kong.half_days for date in dates],
        "is_half_day_southbound": [
            date in szse and date in hk and date in hong_kong.half_days if k else None
            for date, k in zip(dates, known, strict=True)
        ],
        "previous_session_szse": _neighbours(shanghai.sessions, dates, -1),
        "next_session_szse": _neighbours(shanghai.sessions, dates, 1),
        "previous_session_hk": _neighbours(hong_kong.sessions, dates, -1),
        "next_session_hk": _neighbours(hong_kong.sessions, dates, 1),
        "second_next_session_szse": _neighbours(shanghai.sessions, dates, 2),
    }
    return pa.table(columns, schema=CALENDAR_SCHEMA)
