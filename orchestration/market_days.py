"""Trading sessions by market, kept on disk: quick to read for every process that has to know them.

Belongs here: which days count as sessions of whom. Does not belong here: the calendars (``orchestration.calendars``).
Knows no Dagster.
"""

from __future__ import annotations

import datetime as dt
import json
from importlib.metadata import version
from pathlib import Path
from typing import Literal, get_args

from orchestration.calendars import horizon, sessions
from orchestration.durable import make_folder, write_whole
from orchestration.fingerprint import digest
from orchestration.paths import SEEDS
from orchestration.settings import Settings

FIRST_SESSION = dt.date(2014, 11, 17)
"""Stock Connect began. What lies before is landed by hand or fetched with a span, and read like everything else."""

Market = Literal["mainland", "either", "both"]
"""Whose sessions: those of Shenzhen and Shanghai (one calendar), of them or Hong Kong, of them and Hong Kong."""


def session_days(settings: Settings) -> dict[Market, list[dt.date]]:
    """Sessions from ``FIRST_SESSION`` to the horizon of the calendars, by market.

    Kept beside the Dagster instance until ``exchange_calendars`` or the overrides change: every process that loads the
    code location needs them, and computing them imports pandas (0.7 CPU seconds; reading them takes 5 ms).
    """
    kept = settings.dagster / "sessions.json"
    identity = digest([SEEDS / "calendar_overrides.csv"], version("exchange_calendars"), FIRST_SESSION.isoformat())
    days = _read(kept, identity)
    if days is None:
        days = _computed()
        make_folder(settings.dagster)
        texts = {market: [day.isoformat() for day in found] for market, found in days.items()}
        write_whole(kept, json.dumps({"identity": identity, "sessions": texts}))
    return days


def _read(kept: Path, identity: str) -> dict[Market, list[dt.date]] | None:
    """What was kept under that identity; None where it is another's, or cannot be read."""
    try:
        document = json.loads(kept.read_text(encoding="utf-8"))
        if document["identity"] != identity:
            return None
        return {
            market: [dt.date.fromisoformat(day) for day in document["sessions"][market]] for market in get_args(Market)
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _computed() -> dict[Market, list[dt.date]]:
    last = horizon()
    mainland, hong_kong = (set(sessions(market).sessions) for market in ("XSHG", "XHKG"))

    def known(open_days: set[dt.date]) -> list[dt.date]:
        return sorted(day for day in open_days if FIRST_SESSION <= day <= last)

    return {
        "mainland": known(mainland),
        "either": known(mainland | hong_kong),
        "both": known(mainland & hong_kong),
    }
