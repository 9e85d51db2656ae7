"""Trading sessions as Dagster partitions, and the raw tables that have a row for each.

Belongs here: which days are partitions of which table. Does not belong here: which days are sessions
(``orchestration.market_days``), what a partition holds (``orchestration.coverage``).
"""

from __future__ import annotations

import datetime as dt

import dagster as dg

from orchestration.market_days import Market
from orchestration.moments import MARKET_ZONE

MARKET_TABLES: dict[str, Market] = {
    "etf_bars": "mainland",
    "etf_shares": "mainland",
    "etf_nav": "mainland",
    # members and indices of both markets
    "index_bars": "either",
    "security_bars": "either",
}
"""Raw tables with rows of every session, and whose sessions those are."""


def session_partitions(days: list[dt.date]) -> dg.TimeWindowPartitionsDefinition:
    """A daily partition for each of ``days`` that is over in market time, and for no other day.

    A cron of weekdays would hold a Friday back until Monday: the window of a cron's tick ends at the next one. Daily
    windows with the closed days excluded end at midnight.
    """
    first, last, is_open = days[0], days[-1], set(days)
    every_day = (first + dt.timedelta(days=n) for n in range((last - first).days + 1))
    return dg.TimeWindowPartitionsDefinition(
        cron_schedule="0 0 * * *",
        start=first.isoformat(),
        end=(last + dt.timedelta(days=1)).isoformat(),
        fmt="%Y-%m-%d",
        timezone=str(MARKET_ZONE),
        exclusions=[dt.datetime.combine(day, dt.time()) for day in every_day if day not in is_open],
    )
