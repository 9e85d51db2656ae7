"""When providers are asked and when the warehouse refreshes itself: before the open, after the closes, in the evening.

Everything is off until switched on. Fetches come before the refresh that reads them; one that takes longer is read by
the next.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import dagster as dg

from orchestration.providers.delivery import Time

SHENZHEN, HONG_KONG = "XSHG", "XHKG"


@dataclass(frozen=True)
class FetchTime:
    """``cron`` in market time; on sessions of any of ``markets``, or whenever cron says where there are none."""

    cron: str
    words: str
    markets: tuple[str, ...] = ()


FETCH_TIMES: dict[Time, FetchTime] = {
    # what knows no sessions, what changes by the month, and what is printed late on the evening before
    "daily": FetchTime("30 7 * * *", "Every morning."),
    "before_open": FetchTime("16 9 * * *", "Sessions of Shenzhen, when its share counts are out.", (SHENZHEN,)),
    "after_close": FetchTime("35 15 * * *", "Sessions of Shenzhen, when its bars are final (15:30).", (SHENZHEN,)),
    "after_hk_close": FetchTime("32 16 * * *", "Sessions of Hong Kong, when its bars are final (16:30).", (HONG_KONG,)),
    # share counts of Shanghai and net asset values are out (domain notes, 1.0)
    "evening": FetchTime("5 22 * * *", "Sessions of either market, late.", (SHENZHEN, HONG_KONG)),
    "weekly": FetchTime("0 8 * * 6", "Saturday mornings: sectors change a few times a year."),
}
"""One for each ``Time`` of a dataset."""

MARKET_ZONE = "Asia/Shanghai"


def reason_to_skip(date: dt.date, markets: Sequence[str] = (SHENZHEN, HONG_KONG)) -> str | None:
    """Why nothing can have happened on ``date``; None on a session of one of ``markets``, or past the horizon."""
    from orchestration.calendars import horizon, sessions

    if date > horizon() or any(date in set(sessions(market).sessions) for market in markets):
        return None
    names = {SHENZHEN: "Shenzhen and Shanghai", HONG_KONG: "Hong Kong"}
    return f"{date} is no session in {' or '.join(names[market] for market in markets)}"


def market_schedule(job: Any, times: Sequence[str]) -> dg.ScheduleDefinition:
    """``job`` at ``times`` (``HH:MM``, market time) on sessions; off until switched on."""
    crons = [f"{int(minute)} {int(hour)} * * *" for hour, minute in (time.split(":") for time in times)]

    @dg.schedule(
        name="market_days",
        job=job,
        cron_schedule=crons,
        execution_timezone=MARKET_ZONE,
        default_status=dg.DefaultScheduleStatus.STOPPED,
        description=f"Sessions of Shenzhen and Hong Kong, at {', '.join(times)} (SECTOR_REFRESH_TIMES).",
    )
    def market_days(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        moment = context.scheduled_execution_time
        reason = reason_to_skip(moment.date())
        return dg.SkipReason(reason) if reason else dg.RunRequest(run_key=moment.isoformat())

    return market_days


def fetch_schedule(job: Any, time: Time) -> dg.ScheduleDefinition:
    """``job`` of a provider at its time of day; off until switched on. Has the name of its job."""
    when = FETCH_TIMES[time]

    @dg.schedule(
        name=job.name,
        job=job,
        cron_schedule=when.cron,
        execution_timezone=MARKET_ZONE,
        default_status=dg.DefaultScheduleStatus.STOPPED,
        description=when.words,
    )
    def fetch_times(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        moment = context.scheduled_execution_time
        reason = reason_to_skip(moment.date(), when.markets) if when.markets else None
        return dg.SkipReason(reason) if reason else dg.RunRequest(run_key=moment.isoformat())

    return fetch_times
