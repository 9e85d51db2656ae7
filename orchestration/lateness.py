"""Whether the current release holds what it should by now, family by family, counted in sessions.

Dagster's own freshness policies know hours and crons: a holiday is late to them. Here a day's figures are due at an
hour of its session, or of the session after it; on a closed day nothing becomes due. Asset checks, alerts, `sector
status` and `sector doctor` all ask here. What counts is the business date up to which the release holds figures: a
correction of an old one that comes today makes nothing fresher.

Belongs here: what is due when, and how late it is. Does not belong here: Dagster; who is told, and what to do about it
(``orchestration.alerts``); how old the inputs of a build were when it was made, which is for ``expectations.history``.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

from orchestration.market_days import Market, market_days
from orchestration.moments import MARKET_ZONE
from orchestration.refresh import current_or_lost, release_file
from orchestration.settings import Settings

AFTER_CLOSE, LATE, AFTER_OPEN = dt.time(17, 30), dt.time(23, 30), dt.time(10, 0)
"""Half an hour to an hour after the runs of ``orchestration.schedules`` that bring it."""


@dataclass(frozen=True)
class Due:
    """What a mart of a ``family`` has to hold. ``newest``: SQL, the date up to which it does. A session of ``market``
    is due at ``at`` (market time) of the session ``sessions_after`` it; ``slack``: sessions that may be lacking."""

    family: str
    mart: str
    check: str
    words: str
    newest: str
    market: Market
    at: dt.time
    sessions_after: int = 0
    slack: int = 0


CLOSES = "max(trade_date) filter (close is not null)"

DUE = (
    Due("etf", "fct_etf_daily", "in_time", "Prices of ETFs", CLOSES, "mainland", AFTER_CLOSE),
    Due(
        "etf",
        "fct_etf_daily",
        "nav_in_time",
        "Net asset values",
        "max(trade_date) filter (unit_nav is not null)",
        "mainland",
        LATE,
    ),
    # Shenzhen's share counts come before the open of the next session
    Due(
        "etf",
        "fct_etf_flow_window",
        "in_time",
        "Flows of ETFs",
        "max(as_of_date)",
        "mainland",
        AFTER_OPEN,
        sessions_after=1,
    ),
    Due("index", "fct_index_daily", "in_time", "Index levels", CLOSES, "both", AFTER_CLOSE),
    Due("index", "fct_constituent_daily", "in_time", "Contributions of members", "max(trade_date)", "both", LATE),
    Due("concept", "fct_concept_daily", "in_time", "Concepts", "max(trade_date)", "both", LATE),
    Due("sector", "fct_sector_daily", "in_time", "Sectors", "max(trade_date)", "both", LATE),
    Due("note", "rpt_market_note", "in_time", "The market note", "max(note_date)", "mainland", AFTER_CLOSE),
    # notices and rounds come every week or two
    Due("visits", "fct_visit", "in_time", "Broker visits", "max(visit_date)", "either", LATE, slack=10),
    # a round may be announced for a day ahead: that is no news of that day
    Due(
        "funding",
        "fct_funding_round",
        "in_time",
        "Funding rounds",
        "max(announced_on) filter (announced_on <= cast(knowledge_at at time zone 'Asia/Shanghai' as date))",
        "either",
        LATE,
        slack=10,
    ),
)


@dataclass(frozen=True)
class Verdict:
    """How a promise is kept. ``newest``: the date up to which the release holds it; ``expected``: the last session that
    was due; ``lacking``: sessions due since ``newest``."""

    due: Due
    passed: bool
    newest: dt.date | None
    expected: dt.date | None
    lacking: int
    message: str

    @property
    def is_late(self) -> bool:
        """Whether something that came before has not come again. What the release never held is not late."""
        return not self.passed and self.newest is not None

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "family": self.due.family,
            "mart": self.due.mart,
            "check": self.due.check,
            "late": self.is_late,
            "newest": self.newest.isoformat() if self.newest else None,
            "last_session_due": self.expected.isoformat() if self.expected else None,
            "sessions_lacking": self.lacking,
            "sessions_allowed": self.due.slack,
            "message": self.message,
        }


def verdicts(settings: Settings, now: dt.datetime) -> list[Verdict]:
    """A verdict on each of ``DUE`` at ``now``, over the current release."""
    days = market_days(settings)
    newest = newest_dates(settings)
    return [judge(due, newest[due], days.sessions[due.market], now, days.horizon) for due in DUE]


def newest_dates(settings: Settings) -> dict[Due, dt.date | None]:
    """Up to when the current release holds what is due; None where it holds nothing of it, lacks the mart (a release of
    an older version), or where there is no release."""
    release = current_or_lost(settings)
    if release is None:
        return dict.fromkeys(DUE)
    import duckdb

    def newest(due: Due) -> dt.date | None:
        try:
            [(day,)] = con.execute(f"select {due.newest} from marts.{due.mart}").fetchall()
        except (duckdb.CatalogException, duckdb.BinderException):
            return None
        return cast(dt.date | None, day)

    with duckdb.connect(str(release_file(settings, release)), read_only=True) as con:
        return {due: newest(due) for due in DUE}


def judge(due: Due, newest: dt.date | None, days: Sequence[dt.date], now: dt.datetime, last_known: dt.date) -> Verdict:
    """``days``: sessions of the market, sorted. ``last_known``: the last date that the calendars can speak of."""
    if now.astimezone(MARKET_ZONE).date() > last_known:
        message = f"the trading calendars end on {last_known}: upgrade exchange-calendars"
        return Verdict(due, passed=False, newest=newest, expected=None, lacking=0, message=message)
    asked = list(sessions_due(due, days, now))
    expected = asked[-1] if asked else None
    lacking = sum(newest is None or day > newest for day in asked)
    passed = newest is not None and lacking <= due.slack
    if newest is None:
        message = f"{due.words} not there yet{f': the last session due is {expected}' if expected else ''}"
    elif lacking == 0:
        message = f"{due.words} up to {newest}: nothing is due since"
    else:
        late = f"{lacking} session{'s' if lacking != 1 else ''} due since, the last {expected}"
        message = f"{due.words} up to {newest}: {late}{f'; {due.slack} may be' if due.slack else ''}"
    return Verdict(due, passed=passed, newest=newest, expected=expected, lacking=lacking, message=message)


def sessions_due(due: Due, days: Sequence[dt.date], now: dt.datetime) -> Iterator[dt.date]:
    """Sessions whose figures are due by ``now``, in order."""
    for day, delivered in zip(days, days[due.sessions_after :], strict=False):
        if dt.datetime.combine(delivered, due.at, MARKET_ZONE) > now:
            return
        yield day
