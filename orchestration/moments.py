"""Reading and writing moments at the command line (contracts R13): without a zone they are market time."""

from __future__ import annotations

import datetime as dt
import re
from zoneinfo import ZoneInfo

MARKET_ZONE = ZoneInfo("Asia/Shanghai")

BARE_DATE = re.compile(r"\d{4}-\d{2}-\d{2}|\d{8}")

LAST_MICROSECOND = dt.time(23, 59, 59, 999999)


def read_moment(text: str) -> dt.datetime:
    """A moment with a zone from ``2025-04-24``, ``2025-04-24 10:30``, ``2025-04-24T02:30:00Z`` and the like.

    A bare date is the last microsecond of that day. Raises ``ValueError`` with an example when it is none of these.
    """
    cleaned = text.strip()
    try:
        if BARE_DATE.fullmatch(cleaned):
            return dt.datetime.combine(dt.date.fromisoformat(cleaned), LAST_MICROSECOND, MARKET_ZONE)
        moment = dt.datetime.fromisoformat(cleaned)
    except ValueError:
        raise ValueError(
            f"{text!r} is no moment: write 2025-04-24, '2025-04-24 10:30' (market time) or 2025-04-24T02:30:00Z"
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=MARKET_ZONE)


def write_moment(moment: dt.datetime) -> str:
    """ISO 8601 in market time with its offset."""
    return moment.astimezone(MARKET_ZONE).isoformat()


def write_short(moment: dt.datetime) -> str:
    """For people: market time to the second, to the microsecond only where it matters (end of day)."""
    local = moment.astimezone(MARKET_ZONE)
    return f"{local:%Y-%m-%d %H:%M:%S} Asia/Shanghai"
