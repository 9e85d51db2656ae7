"""Market time, as far as it decides what may be asked for and what an answer is of.

Belongs here: when figures are final, and which moment delayed quotes are of. Sessions are those of
``orchestration.calendars``.
"""

from __future__ import annotations

import bisect
import datetime as dt

from orchestration.calendars import CalendarHorizonError, require_known, sessions
from orchestration.moments import MARKET_ZONE
from orchestration.providers.delivery import RefusedError

HK_DELAY = dt.timedelta(minutes=15)
"""Free quotes of Hong Kong are delayed by this much (akshare's documentation of ``stock_hk_spot_em``)."""

HK_OPENS, HK_CLOSES, HK_CLOSES_EARLY = dt.time(9), dt.time(16, 10), dt.time(12, 10)
"""Beginning of the pre-opening session, end of the closing auction, the latter on half days too."""

SZSE_OPENS, SZSE_CLOSES = dt.time(9, 30), dt.time(15)

SZSE_SETTLED, HK_SETTLED = dt.time(15, 30), dt.time(16, 30)
"""Market time from which a day's bar no longer changes."""

SSE_PUBLISHED = dt.time(20)
"""Market time at which Shanghai's share counts of the day are out (contract of ``etf_shares``)."""

ONE_DAY = dt.timedelta(days=1)


def now() -> dt.datetime:
    """Now, in market time."""
    return dt.datetime.now(MARKET_ZONE)


def settled(until: dt.date, time: dt.time) -> dt.date:
    """The last day up to ``until`` that is over at ``time``."""
    moment = now()
    return min(until, moment.date() if moment.time() >= time else moment.date() - ONE_DAY)


def not_settled(first: dt.date, until: dt.date, time: dt.time) -> str | None:
    """Why no day from ``first`` to ``until`` can be asked for yet; None when one can."""
    if settled(until, time) < first:
        return f"has no final figures of {first} before {time:%H:%M} market time: fetch again then"
    return None


def hk_quote_moment(fetched: dt.datetime) -> dt.datetime:
    """The moment that quotes of Hong Kong fetched at ``fetched`` are of: 15 minutes before, or the end of the last
    session before that."""
    seen = fetched - HK_DELAY
    market = sessions("XHKG")
    begun = (seen - dt.timedelta(hours=HK_OPENS.hour)).date()
    session = market.sessions[bisect.bisect_right(market.sessions, begun) - 1]
    closes = HK_CLOSES_EARLY if session in market.half_days else HK_CLOSES
    return min(seen, dt.datetime.combine(session, closes, MARKET_ZONE))


def finished_minutes(first: dt.date, last: dt.date) -> tuple[str, str]:
    """Minutes that are over: a bar is labelled with its end."""
    end = min(dt.datetime.combine(last, SZSE_CLOSES, MARKET_ZONE), now() - dt.timedelta(minutes=1))
    return f"{first} {SZSE_OPENS}", f"{end:%Y-%m-%d %H:%M:%S}"


def shanghai_sessions(first: dt.date, last: dt.date) -> list[dt.date]:
    """Sessions of Shanghai and Shenzhen from ``first`` to ``last``. Raises ``RefusedError`` past the calendars' end."""
    try:
        require_known(last)
    except CalendarHorizonError as error:
        raise RefusedError(str(error)) from None
    return [day for day in sessions("XSHG").sessions if first <= day <= last]
