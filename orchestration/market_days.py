"""Trading sessions by market, kept on disk: quick to read for every process that has to know them.

Belongs here: which days count as sessions of whom. Does not belong here: the calendars (``orchestration.calendars``).
Knows no Dagster.
"""

from __future__ import annotations

import datetime as dt
import json
import os
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Literal, get_args

from orchestration.calendars import horizon, sessions
from orchestration.durable import write_whole
from orchestration.fingerprint import digest
from orchestration.paths import SEEDS
from orchestration.settings import Settings

FIRST_SESSION = dt.date(2014, 11, 17)
"""Stock Connect began. What lies before is landed by hand or fetched with a span, and read like everything else."""

Market = Literal["mainland", "either", "both"]
"""Whose sessions: those of Shenzhen and Shanghai (one calendar), of them or Hong Kong, of them and Hong Kong."""


@dataclass(frozen=True)
class MarketDays:
    """``sessions``: from ``FIRST_SESSION`` to ``horizon``, by market, sorted. ``horizon``: the last date that the
    calendars can speak of."""

    sessions: dict[Market, list[dt.date]]
    horizon: dt.date


def market_days(settings: Settings) -> MarketDays:
    """The sessions of all markets.

    Kept beside the Dagster instance until ``exchange_calendars`` or the overrides change: every process that loads the
    code location and every look for trouble needs them, and computing them imports pandas (0.7 CPU seconds; reading
    them takes 5 ms). Before there is an instance, or where it cannot be written, they are computed: who only looks at a
    warehouse (`sector status`, `sector doctor`) leaves nothing in it.
    """
    kept = settings.dagster / "sessions.json"
    identity = digest([SEEDS / "calendar_overrides.csv"], version("exchange_calendars"), FIRST_SESSION.isoformat())
    days = _read(kept, identity)
    if days is None:
        days = _computed()
        if os.access(settings.dagster, os.W_OK):
            texts = {market: [day.isoformat() for day in found] for market, found in days.sessions.items()}
            document = {"identity": identity, "horizon": days.horizon.isoformat(), "sessions": texts}
            write_whole(kept, json.dumps(document))
    return days


def _read(kept: Path, identity: str) -> MarketDays | None:
    """What was kept under that identity; None where it is another's, or cannot be read."""
    try:
        document = json.loads(kept.read_text(encoding="utf-8"))
        if document["identity"] != identity:
            return None
        sessions: dict[Market, list[dt.date]] = {
            market: [dt.date.fromisoformat(day) for day in document["sessions"][market]] for market in get_args(Market)
        }
        return MarketDays(sessions, dt.date.fromisoformat(document["horizon"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _computed() -> MarketDays:
    last = horizon()
    mainland, hong_kong = (set(sessions(market).sessions) for market in ("XSHG", "XHKG"))

    def known(open_days: set[dt.date]) -> list[dt.date]:
        return sorted(day for day in open_days if FIRST_SESSION <= day <= last)

    by_market: dict[Market, list[dt.date]] = {
        "mainland": known(mainland),
        "either": known(mainland | hong_kong),
        "both": known(mainland & hong_kong),
    }
    return MarketDays(by_market, last)
