"""When providers are asked and when the warehouse refreshes itself: before the open, after the close, in the evening.

Everything is off until switched on. Fetches come some minutes before the refresh that reads them.
"""

import datetime as dt
from collections.abc import Sequence
from typing import Any

import dagster as dg

AFTER_CLOSE = "40 16 * * *"
"""Hong Kong's closing auction ends by 16:10; half an hour for the files to land."""

AFTER_NAV = "30 22 * * *"
"""Net asset values are known at 22:00 (contracts, etf_nav)."""

BEFORE_OPEN = "20 9 * * *"
"""Shenzhen's share counts of the last session are known at 09:15 (contracts, etf_shares)."""

FETCH_BEFORE_OPEN = "16 9 * * *"
FETCH_AFTER_CLOSE = "20 16 * * *"
FETCH_EVENING = "5 22 * * *"
"""Shares of both exchanges, net asset values and Hong Kong's bars of the day are out (domain notes, 1.0)."""

FETCH_DAILY = "30 7 * * *"
"""For what changes at all hours, weekends too: before the desk's morning."""

EVERY_DAY = frozenset({"fetch_crunchbase"})
"""Jobs of providers that know no sessions."""

MARKET_ZONE = "Asia/Shanghai"


def reason_to_skip(date: dt.date) -> str | None:
    """Why nothing can have happened on ``date``; None on a session of Shenzhen or Hong Kong, or past the horizon."""
    from orchestration.calendars import horizon, sessions

    if date > horizon() or date in set(sessions("XSHG").sessions) or date in set(sessions("XHKG").sessions):
        return None
    return f"{date} is no session in Shenzhen, Shanghai or Hong Kong"


def market_schedule(
    job: Any, cron: str | Sequence[str] = (BEFORE_OPEN, AFTER_CLOSE, AFTER_NAV)
) -> dg.ScheduleDefinition:
    """``job`` at the moments of ``cron`` (market time) on sessions; off until switched on."""

    @dg.schedule(
        name="market_days",
        job=job,
        cron_schedule=list(cron) if not isinstance(cron, str) else cron,
        execution_timezone=MARKET_ZONE,
        default_status=dg.DefaultScheduleStatus.STOPPED,
        description="Sessions of Shenzhen and Hong Kong: before the open, after the close, after the net asset values.",
    )
    def market_days(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        moment = context.scheduled_execution_time
        reason = reason_to_skip(moment.date())
        return dg.SkipReason(reason) if reason else dg.RunRequest(run_key=moment.isoformat())

    return market_days


def fetch_schedule(job: Any) -> dg.ScheduleDefinition:
    """``job`` of a provider: on sessions at the three times of day, or every morning where sessions do not matter."""
    daily = job.name in EVERY_DAY

    @dg.schedule(
        name=f"{job.name}_{'daily' if daily else 'market_days'}",
        job=job,
        cron_schedule=[FETCH_DAILY] if daily else [FETCH_BEFORE_OPEN, FETCH_AFTER_CLOSE, FETCH_EVENING],
        execution_timezone=MARKET_ZONE,
        default_status=dg.DefaultScheduleStatus.STOPPED,
        description="Every morning." if daily else "Sessions: before the open, after the close, in the evening.",
    )
    def fetch_times(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        moment = context.scheduled_execution_time
        reason = None if daily else reason_to_skip(moment.date())
        return dg.SkipReason(reason) if reason else dg.RunRequest(run_key=moment.isoformat())

    return fetch_times
