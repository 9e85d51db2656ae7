"""Visits of institutions: weeks that shrink until their pages are few enough, what was announced late, and a count.

Eastmoney's survey details come 50 to a page, and pages much beyond the fiftieth fail. akshare asks for all visits after
a day, and for no end: the end, and days of notices, are conditions added to its own.

Eastmoney also has a summary of visits with the number of institutions at each, without their names. It is asked for
the same notices, kept beside the receipts, and the details are held against it.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from orchestration.providers.akshare import clock
from orchestration.providers.akshare.answers import TooManyPagesError
from orchestration.providers.akshare.asking import Talk, compact, delivery, span
from orchestration.providers.akshare.calls import Frame, Question
from orchestration.providers.delivery import ControlTotal, Delivery, MalformedError, ProviderError, Wanted

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

SUMMARY_DAYS = 350
"""The summary keeps about a year of notices: older ones are not held against it."""

# The summary's fields as far as akshare's positions and other readers of it agree on their names.
_SUMMARY_FIELDS = ("SECUCODE", "SECURITY_CODE", "SECURITY_NAME_ABBR", "ORG_CODE", "NOTICE_DATE", "RECEIVE_START_DATE")

Visit = tuple[str, str, str]
"""Bare code, day of the visit, day of the notice."""


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


@dataclass
class Delivered:
    """Institutions of each visit in the details: ``rows`` of them, ``names`` that differ."""

    rows: Counter[Visit] = field(default_factory=Counter)
    names: dict[Visit, set[str]] = field(default_factory=dict)

    def add(self, frame: Frame) -> None:
        """Count an answer."""
        for row in csv.DictReader(io.StringIO(frame.text)):
            visit = (row["代码"], row["调研日期"], row["公告日期"])
            self.rows[visit] += 1
            self.names.setdefault(visit, set()).add(row["调研机构"])


def visits(transport: Transport, wanted: Wanted) -> Iterator[Delivery | ControlTotal]:
    """Visits of the wanted days, a week at a time, then those of the two months before that were announced since, then
    what the summary counts of all of them, as far back as it reaches.

    A slice of more than fifty pages is asked for in halves: fewer days of visits, then fewer days of notices. What one
    day announced of one day's visits is asked for however long it is; should its late pages fail, that is an error.
    """
    talk, today = Talk(transport), clock.now().date()
    slices, begin = [], _behind(wanted)
    first = begin
    while first <= wanted.until:
        last = min(first + dt.timedelta(days=SURVEY_SLICE_DAYS - 1), wanted.until)
        slices.append(_Slice(first, last, today))
        first = last + clock.ONE_DAY
    if wanted.since <= today:
        before = wanted.since - clock.ONE_DAY
        earliest = wanted.since - dt.timedelta(days=LATE_NOTICE_DAYS)
        slices.append(_Slice(earliest, before, today, noticed=(wanted.since, today)))
    delivered = Delivered()
    for whole in slices:
        yield from _sliced(talk, whole, delivered)
    noticed = max(wanted.since, today - dt.timedelta(days=SUMMARY_DAYS))
    if noticed <= min(today, wanted.until + dt.timedelta(days=LATE_NOTICE_DAYS)):
        yield _summary(talk, wanted, noticed, delivered, unread=(wanted.since, begin))


def _behind(wanted: Wanted) -> dt.date:
    """The day to begin with: behind the last one that a fetch that was cut short has landed, if it lies in the span."""
    done = dt.date.fromisoformat(wanted.resume) if wanted.resume else None
    return done + clock.ONE_DAY if done is not None and wanted.since <= done <= wanted.until else wanted.since


def _sliced(talk: Talk, asked: _Slice, delivered: Delivered) -> Iterator[Delivery]:
    try:
        frame = talk.ask(asked.question)
    except TooManyPagesError:
        for half in asked.halves():
            yield from _sliced(talk, half, delivered)
        return
    delivered.add(frame)
    done = None if asked.noticed else asked.last.isoformat()
    yield delivery("broker_visits", asked.name, asked.question, frame, _SURVEY, resume=done)


# ------------------------------------------------------------------ the summary


def _summary(
    talk: Talk, wanted: Wanted, noticed: dt.date, delivered: Delivered, unread: tuple[dt.date, dt.date]
) -> ControlTotal:
    """The summary of what was announced from ``noticed`` on about the days asked for, held against the details.

    ``unread``: first day of visits, and the day behind the last, that an earlier fetch has read: they are left out.
    """
    earliest = wanted.since - dt.timedelta(days=LATE_NOTICE_DAYS)
    question = Question(
        "stock_jgdy_tj_em",
        {"date": compact(noticed - clock.ONE_DAY)},
        filter=f"(RECEIVE_START_DATE>='{earliest}')(RECEIVE_START_DATE<='{wanted.until}')",
        leading=_SUMMARY_FIELDS,
    )
    name = f"{question.function}/noticed-{span(noticed, clock.now().date())}.csv"
    try:
        frame = talk.ask(question)
        counted = read_summary(frame.text, question.text)
    except ProviderError as error:
        return ControlTotal(name, b"", 0, question.text, failed=str(error))

    def is_compared(visit: Visit) -> bool:
        _, day, notice = visit
        return notice >= noticed.isoformat() and not unread[0].isoformat() <= day < unread[1].isoformat()

    compared, missing, surplus = held_against(
        {visit: count for visit, count in counted.items() if is_compared(visit)},
        {visit: rows for visit, rows in delivered.rows.items() if is_compared(visit)},
        {visit: len(names) for visit, names in delivered.names.items()},
    )
    return ControlTotal(name, frame.text.encode(), frame.rows, question.text, compared, missing, surplus)


def read_summary(text: str, asked: str) -> dict[Visit, int]:
    """Institutions of each visit. Raises ``MalformedError`` when the numbers are none."""
    counted: Counter[Visit] = Counter()
    for row in csv.DictReader(io.StringIO(text)):
        try:
            # a column with a gap comes as 18.0
            count = int(float(row["接待机构数量"]))
        except (KeyError, ValueError):
            code, found = row.get("代码"), row.get("接待机构数量")
            raise MalformedError(f"{asked}: expected a number of institutions for {code}, found {found!r}") from None
        counted[row["代码"], row["接待日期"], row["公告日期"]] += count
    return dict(counted)


def held_against(
    counted: dict[Visit, int], rows: dict[Visit, int], names: dict[Visit, int]
) -> tuple[int, tuple[str, ...], tuple[str, ...]]:
    """Visits on both sides, what the details lack, and what the summary does not count.

    An institution that came with several persons may stand on several rows: as many as the summary counts lie between
    the names that differ and the rows. A visit of several kinds on one day is one here, on both sides.
    """
    both = counted.keys() & rows.keys()
    if counted and not rows:
        return 0, (f"details without a row, where {_sum(counted)} are counted",), ()
    if rows and not counted:
        return 0, (), (f"details of {_sum(rows)}, where the summary counts none: it may be throttled",)
    missing = [
        f"detail delivered {rows.get(visit, 0)} of {count} institutions for {_words(visit)}; page lost?"
        for visit, count in sorted(counted.items())
        if rows.get(visit, 0) < count
    ]
    surplus = [
        f"detail delivered {names[visit]} institutions for {_words(visit)}, the summary counts {counted.get(visit, 0)}"
        for visit in sorted(rows)
        if names[visit] > counted.get(visit, 0)
    ]
    return len(both), tuple(missing), tuple(surplus)


def _sum(institutions: dict[Visit, int]) -> str:
    return f"{sum(institutions.values()):,} institutions at {len(institutions):,} visits"


def _words(visit: Visit) -> str:
    code, day, notice = visit
    return f"{code} on {day} (announced {notice})"
