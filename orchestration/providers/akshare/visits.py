"""Visits of institutions: weeks that shrink until their pages are few enough, and what was announced late.

Eastmoney's survey details come 50 to a page, and pages much beyond the fiftieth fail. akshare asks for all visits after
a day, and for no end: the end, and days of notices, are conditions added to its own.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from orchestration.providers.akshare import clock
from orchestration.providers.akshare.answers import TooManyPagesError
from orchestration.providers.akshare.asking import Talk, compact, delivery, span
from orchestration.providers.akshare.calls import Question
from orchestration.providers.delivery import Delivery, Wanted

if TYPE_CHECKING:
    from orchestration.providers.transport import Transport

SURVEY_PAGES = 50
"""Eastmoney's survey details come 50 to a page, and pages much beyond the fiftieth fail."""

SURVEY_SLICE_DAYS = 7

LATE_NOTICE_DAYS = 60
"""Visits are announced up to two months afterwards, mostly by Shanghai's companies."""

# The fields asked for, in the order in which akshare names them; and its header, for weeks without visits.
_SURVEY_FIELDS = (
    *("SECUCODE", "SECURITY_CODE", "SECURITY_NAME_ABBR", "NOTICE_DATE", "RECEIVE_START_DATE", "RECEIVE_OBJECT"),
    *("RECEIVE_PLACE", "RECEIVE_WAY_EXPLAIN", "INVESTIGATORS", "RECEPTIONIST", "ORG_TYPE"),
)
_SURVEY = (
    *("序号", "代码", "名称", "最新价", "涨跌幅", "调研机构", "机构类型", "调研人员", "接待方式", "接待人员"),
    *("接待地点", "调研日期", "公告日期"),
)


@dataclass(frozen=True)
class _Slice:
    """Visits of a span of days; ``noticed``: only those announced in a span of days, of which ``today`` is the last
    that there is."""

    first: dt.date
    last: dt.date
    today: dt.date
    noticed: tuple[dt.date, dt.date] | None = None

    @property
    def question(self) -> Question:
        """akshare asks for visits after a day, and for no end: the end is added, and the days of the notices."""
        conditions = f"(RECEIVE_START_DATE<='{self.last}')"
        if self.noticed is not None:
            conditions += f"(NOTICE_DATE>='{self.noticed[0]}')(NOTICE_DATE<='{self.noticed[1]}')"
        return Question(
            "stock_jgdy_detail_em",
            {"date": compact(self.first - clock.ONE_DAY)},
            filter=conditions,
            page_limit=SURVEY_PAGES if self.halves() else None,
            leading=_SURVEY_FIELDS,
        )

    @property
    def name(self) -> str:
        noticed = f"-noticed-{span(*self.noticed)}" if self.noticed else ""
        return f"visits-{span(self.first, self.last)}{noticed}"

    def halves(self) -> tuple[_Slice, ...]:
        """Two smaller ones: of the days of visits; for a single day, of the days of notices; none below that."""
        if self.first < self.last:
            middle = self.first + (self.last - self.first) // 2
            return replace(self, last=middle), replace(self, first=middle + clock.ONE_DAY)
        begin, end = self.noticed or (self.first, self.today)
        if begin < end:
            middle = begin + (end - begin) // 2
            return replace(self, noticed=(begin, middle)), replace(self, noticed=(middle + clock.ONE_DAY, end))
        return ()


def visits(transport: Transport, wanted: Wanted) -> Iterator[Delivery]:
    """Visits of the wanted days, a week at a time, then those of the two months before that were announced since.

    A slice of more than fifty pages is asked for in halves: fewer days of visits, then fewer days of notices. What one
    day announced of one day's visits is asked for however long it is; should its late pages fail, that is an error.
    """
    talk, today = Talk(transport), clock.now().date()
    slices, first = [], _behind(wanted)
    while first <= wanted.until:
        last = min(first + dt.timedelta(days=SURVEY_SLICE_DAYS - 1), wanted.until)
        slices.append(_Slice(first, last, today))
        first = last + clock.ONE_DAY
    if wanted.since <= today:
        before = wanted.since - clock.ONE_DAY
        earliest = wanted.since - dt.timedelta(days=LATE_NOTICE_DAYS)
        slices.append(_Slice(earliest, before, today, noticed=(wanted.since, today)))
    for whole in slices:
        yield from _sliced(talk, whole)


def _behind(wanted: Wanted) -> dt.date:
    """The day to begin with: behind the last one that a fetch that was cut short has landed, if it lies in the span."""
    done = dt.date.fromisoformat(wanted.resume) if wanted.resume else None
    return done + clock.ONE_DAY if done is not None and wanted.since <= done <= wanted.until else wanted.since


def _sliced(talk: Talk, asked: _Slice) -> Iterator[Delivery]:
    try:
        frame = talk.ask(asked.question)
    except TooManyPagesError:
        for half in asked.halves():
            yield from _sliced(talk, half)
        return
    done = None if asked.noticed else asked.last.isoformat()
    yield delivery("broker_visits", asked.name, asked.question, frame, _SURVEY, resume=done)
