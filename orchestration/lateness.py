"""Whether the current release holds what it should by now, family by family, counted in sessions.

Dagster's own freshness policies know hours and crons: a holiday is late to them. Here a day's figures are due at an
hour of its session, or of the session after it; on a closed day nothing becomes due. Belongs here: what is due when,
and how late it is. Does not belong here: Dagster; how old the inputs of a build were when it was made, which is for
``expectations.history``.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from orchestration.calendars import horizon
from orchestration.market_days import Market, session_days
from orchestration.moments import MARKET_ZONE
from orchestration.refresh import current_or_lost, release_file
from orchestration.settings import Settings

AFTER_CLOSE, LATE, AFTER_OPEN = dt.time(17, 30), dt.time(23, 30), dt.time(10, 0)
"""Half an hour to an hour after the runs of ``orchestration.schedules`` that bring it."""

KNOWN_DAY = "cast(max(knowledge_at) at time zone 'Asia/Shanghai' as date)"


@dataclass(frozen=True)
class Due:
    """What a mart of the release has to hold. ``newest``: SQL, the date up to which it does. A session of ``market``
    is due at ``at`` (market time) of the session ``sessions_after`` it; ``slack``: sessions that may be lacking."""

    mart: str
    check: str
    words: str
    newest: str
    market: Market
    at: dt.time
    sessions_after: int = 0
    slack: int = 0


DUE = (
    Due(
        "fct_etf_daily",
        "in_time",
        "Prices of ETFs",
        "max(trade_date) filter (close is not null)",
        "mainland",
        AFTER_CLOSE,
    ),
    Due(
        "fct_etf_daily",
        "nav_in_time",
        "Net asset values",
        "max(trade_date) filter (unit_nav is not null)",
        "mainland",
        LATE,
    ),
    # Shenzhen's share counts come before the open of the next session
    Due("fct_etf_flow_window", "in_time", "Flows of ETFs", "max(as_of_date)", "mainland", AFTER_OPEN, sessions_after=1),
    Due(
        "fct_index_daily", "in_time", "Index levels", "max(trade_date) filter (close is not null)", "both", AFTER_CLOSE
    ),
    Due("fct_constituent_daily", "in_time", "Contributions of members", "max(trade_date)", "both", LATE),
    Due("fct_concept_daily", "in_time", "Concepts", "max(trade_date)", "both", LATE),
    Due("fct_sector_daily", "in_time", "Sectors", "max(trade_date)", "both", LATE),
    Due("rpt_market_note", "in_time", "The market note", "max(note_date)", "mainland", AFTER_CLOSE),
    # notices and rounds come every week or two
    Due("fct_sector_visits_daily", "in_time", "Notices of broker visits", KNOWN_DAY, "either", LATE, slack=10),
    Due("fct_funding_quarterly", "in_time", "Funding rounds", KNOWN_DAY, "either", LATE, slack=10),
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


def verdicts(settings: Settings, now: dt.datetime) -> list[Verdict]:
    """A verdict on each of ``DUE`` at ``now``, over the current release."""
    days = session_days(settings)
    newest = newest_dates(settings)
    return [judge(due, newest[due], days[due.market], now, horizon()) for due in DUE]


def newest_dates(settings: Settings) -> dict[Due, dt.date | None]:
    """Up to when the current release holds what is due; None where it holds nothing, or where there is no release."""
    release = current_or_lost(settings)
    if release is None:
        return dict.fromkeys(DUE)
    import duckdb

    with duckdb.connect(str(release_file(settings, release)), read_only=True) as con:
        return {due: con.execute(f"select {due.newest} from marts.{due.mart}").fetchall()[0][0] for due in DUE}


def judge(due: Due, newest: dt.date | None, days: Sequence[dt.date], now: dt.datetime, last_known: dt.date) -> Verdict:
    """``days``: sessions of the market, sorted. ``last_known``: the last date that the calendars can speak of."""
    if now.astimezone(MARKET_ZONE).date() > last_known:
        message = f"the trading calendars end on {last_known}: upgrade exchange-calendars"
        return Verdict(due, passed=False, newest=newest, expected=None, lacking=0, message=message)
    asked = list(sessions_due(due, days, now))
    expected = asked[-1] if asked else None
    lacking = sum(newest is None or day > newest for day in asked)
    passed = newest is not None and lacking <= due.slack
    upto = f"up to {newest}" if newest else "not there yet"
    if lacking == 0:
        message = f"{due.words} {upto}: nothing is due since"
    else:
        late = f"{lacking} session{'s' if lacking != 1 else ''} due since, the last {expected}"
        message = f"{due.words} {upto}: {late}{f'; {due.slack} may be' if due.slack else ''}"
    return Verdict(due, passed=passed, newest=newest, expected=expected, lacking=lacking, message=message)


def sessions_due(due: Due, days: Sequence[dt.date], now: dt.datetime) -> Iterator[dt.date]:
    """Sessions whose figures are due by ``now``, in order."""
    for day, delivered in zip(days, days[due.sessions_after :], strict=False):
        if dt.datetime.combine(delivered, due.at, MARKET_ZONE) > now:
            return
        yield day
