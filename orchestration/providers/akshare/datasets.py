"""What akshare can be asked for, how a span of days becomes its arguments, and what the answers are called.

Belongs here: one function a dataset, named after akshare's. Does not belong here: how a call is made and judged
(``calls``), units and columns (``orchestration.dialects``), where files lie (``orchestration.fetching``).

What akshare hands over lands as it is: its data frame as CSV, header row, no index, figures as they are written in
Python, dates as ISO. Four things are ours:

- **The moment of a snapshot** stands in its name (``20250424T103000+0800``): lists of quotes carry no time, and lists
  of members no day. Hong Kong's free quotes come 15 minutes late, so theirs is the moment of the fetch less 15 minutes,
  and never later than the end of the last session: at the weekend, that is Friday 16:10.
- **``knowledge_at``** is added to snapshots of quotes: the moment of the fetch, which a delayed quote must not precede.
- **A bar of a session that still runs** is no daily bar: spans end with the last session that is over (Shenzhen and
  Shanghai 15:30, where bars still move until then; Hong Kong 16:30), and rows after it are left out of histories that
  cannot be asked for a span.
- **Of Hong Kong's indices** only the wanted ones are kept: no table has a place for the other two hundred.

An answer in which the provider says that there is nothing is a delivery of 0 rows: the header alone, in akshare's
columns. Where there always is something, it is an error: a site that has had enough answers with an empty list.
"""

from __future__ import annotations

import bisect
import csv
import datetime as dt
import difflib
import importlib.metadata
import importlib.util
import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from orchestration.calendars import sessions
from orchestration.moments import MARKET_ZONE
from orchestration.providers.akshare.calls import PROVIDER, Frame, Question, TooManyPagesError, Worker
from orchestration.providers.delivery import Dataset, Delivery, MalformedError, Market, RefusedError, Wanted

if TYPE_CHECKING:
    from orchestration.providers.transport import Transport

HK_DELAY = dt.timedelta(minutes=15)
"""Free quotes of Hong Kong are delayed by this much (akshare's documentation of ``stock_hk_spot_em``)."""

HK_OPENS, HK_CLOSES, HK_CLOSES_EARLY = dt.time(9), dt.time(16, 10), dt.time(12, 10)
"""Beginning of the pre-opening session, end of the closing auction, the latter on half days too."""

SZSE_OPENS, SZSE_CLOSES = dt.time(9, 30), dt.time(15)

SZSE_SETTLED, HK_SETTLED = dt.time(15, 30), dt.time(16, 30)
"""Market time from which a day's bar no longer changes."""

SSE_PUBLISHED = dt.time(20)
"""Market time at which Shanghai's share counts of the day are out (contract of ``etf_shares``)."""

SZSE_SPAN_DAYS = 180
"""Shenzhen answers more than six months with an empty table and no error; six months have 181 days or more."""

SURVEY_PAGES = 50
"""Eastmoney's survey details come 50 to a page, and pages much beyond the fiftieth fail."""

SURVEY_SLICE_DAYS = 7

LATE_NOTICE_DAYS = 60
"""Visits are announced up to two months afterwards, mostly by Shanghai's companies."""

_ONE_DAY = dt.timedelta(days=1)

_BY_CODE = {"fid": "f12"}
"""Lists of quotes in the order of codes. In that of changes, which move while pages are read, records get lost."""

_QUOTE_FIELDS = tuple(f"f{n}" for n in range(1, 19))
_BOARD_FIELDS = ("f2", "f3", "f4", "f8", "f11", "f12", "f14")
_SURVEY_FIELDS = (
    *("SECUCODE", "SECURITY_CODE", "SECURITY_NAME_ABBR", "NOTICE_DATE", "RECEIVE_START_DATE", "RECEIVE_OBJECT"),
    *("RECEIVE_PLACE", "RECEIVE_WAY_EXPLAIN", "INVESTIGATORS", "RECEPTIONIST", "ORG_TYPE"),
)

_HIST = ("日期", "开盘", "收盘", "最高", "最低", "成交量", "成交额", "振幅", "涨跌幅", "涨跌额", "换手率")
_MINUTES = ("时间", "开盘", "收盘", "最高", "最低", "成交量", "成交额", "均价")
_NAV = ("净值日期", "单位净值", "累计净值", "日增长率", "申购状态", "赎回状态")
_SZSE_SHARES = ("日期", "基金代码", "基金简称", "基金份额")
_SSE_SHARES = ("序号", "基金代码", "基金简称", "ETF类型", "统计日期", "基金份额")
_CNI_BARS = ("日期", "开盘价", "最高价", "最低价", "收盘价", "涨跌幅", "成交量", "成交额")
_CSI_BARS = (
    *("日期", "指数代码", "指数中文全称", "指数中文简称", "指数英文全称", "指数英文简称", "开盘", "最高", "最低"),
    *("收盘", "涨跌", "涨跌幅", "成交量", "成交金额", "样本数量", "滚动市盈率"),
)
_SURVEY = (
    *("序号", "代码", "名称", "最新价", "涨跌幅", "调研机构", "机构类型", "调研人员", "接待方式", "接待人员"),
    *("接待地点", "调研日期", "公告日期"),
)

WORKER = Worker()
"""One process for all datasets; it starts with the first question and ends with ours."""


def _now() -> dt.datetime:
    """Now, in market time."""
    return dt.datetime.now(MARKET_ZONE)


class _Talk:
    """The questions of one delivery, at the transport's pace."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._begun = False

    def ask(self, question: Question) -> Frame:
        """Raises ``ProviderError`` and ``TooManyPagesError``."""
        begin, self._begun = not self._begun, True
        return self._transport.call(PROVIDER, lambda: WORKER.ask(self._transport, question, begin))


# ------------------------------------------------------------------ deliveries


def _delivery(
    table: str,
    name: str,
    question: Question,
    frame: Frame,
    columns: tuple[str, ...] = (),
    day: dt.date | None = None,
    resume: str | None = None,
) -> Delivery:
    """``name``: of the file, below the function's folder. ``columns``: akshare's, for an answer without any."""
    return Delivery(
        table=table,
        name=f"{question.function}/{name}.csv",
        content=(frame.text or ",".join(columns) + "\n").encode(),
        rows=frame.rows,
        asked=question.text,
        total=frame.total,
        day=day,
        columns=frame.columns or columns,
        repeated=frame.repeated,
        resume=resume,
    )


def _rewritten(frame: Frame, change: Callable[[list[str], list[list[str]]], list[list[str]]]) -> Frame:
    """The frame with the rows (header first) that ``change(header, rows)`` makes of its text. The provider's total
    stays with as many rows, and goes with fewer."""
    header, *rows = csv.reader(io.StringIO(frame.text))
    lines = change(header, rows)
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(lines)
    total = frame.total if len(lines) - 1 == len(rows) else None
    return Frame(tuple(lines[0]), len(lines) - 1, out.getvalue(), total, frame.repeated)


def _compact(day: dt.date) -> str:
    return f"{day:%Y%m%d}"


def _moment(moment: dt.datetime) -> str:
    return f"{moment:%Y%m%dT%H%M%S%z}"


def _span(first: dt.date, last: dt.date) -> str:
    return f"{_compact(first)}-{_compact(last)}"


# ------------------------------------------------------------------ the clock


def _settled(until: dt.date, time: dt.time) -> dt.date:
    """The last day up to ``until`` that is over at ``time``."""
    now = _now()
    return min(until, now.date() if now.time() >= time else now.date() - _ONE_DAY)


def _require_settled(function: str, first: dt.date, last: dt.date, time: dt.time | None) -> None:
    if last < first:
        raise RefusedError(f"{function}: the figures of {first} are not final before {time:%H:%M}: fetch again then")


def hk_quote_moment(fetched: dt.datetime) -> dt.datetime:
    """The moment that quotes of Hong Kong fetched at ``fetched`` are of: 15 minutes before, or the end of the last
    session before that."""
    seen = fetched - HK_DELAY
    market = sessions("XHKG")
    begun = (seen - dt.timedelta(hours=HK_OPENS.hour)).date()
    session = market.sessions[bisect.bisect_right(market.sessions, begun) - 1]
    closes = HK_CLOSES_EARLY if session in market.half_days else HK_CLOSES
    return min(seen, dt.datetime.combine(session, closes, MARKET_ZONE))


# ------------------------------------------------------------------ one code after the other


def _compact_span(first: dt.date, last: dt.date) -> tuple[str, str]:
    return _compact(first), _compact(last)


@dataclass(frozen=True)
class _PerCode:
    """A dataset that is asked code by code; codes that ``symbol`` has no word for are not its business.

    ``span``: the first and the last day as akshare wants them, None where it takes none. ``settled``: no day is asked
    for that is not over at this time. ``date_column``: of a history that takes no span: rows after its last settled day
    are left out.
    """

    function: str
    table: str
    codes: Literal["etfs", "indices", "securities"]
    symbol: Callable[[str], str | None]
    example: str
    symbol_argument: str = "symbol"
    constants: tuple[tuple[str, str], ...] = ()
    span: Callable[[dt.date, dt.date], tuple[str, str]] | None = _compact_span
    settled: dt.time | None = None
    date_column: str | None = None
    columns: tuple[str, ...] = ()
    never_empty: bool = False
    query: tuple[tuple[str, str], ...] = ()

    def deliver(self, transport: Transport, wanted: Wanted) -> Iterator[Delivery]:
        """A delivery a code. Codes that give no sense do not stop the others, and are told at the end."""
        talk, failed = _Talk(transport), []
        last = wanted.until if self.settled is None else _settled(wanted.until, self.settled)
        if self.span is not None:
            _require_settled(self.function, wanted.since, last, self.settled)
        codes = [code for code in getattr(wanted, self.codes) if self.symbol(code) is not None]
        if not codes:
            raise RefusedError(
                f"{self.function} is asked about none of {', '.join(getattr(wanted, self.codes))}: put a code of its "
                f"kind ({self.example}) on SECTOR_WATCH_{self.codes.upper()}, or leave this dataset out"
            )
        for code in codes:
            try:
                yield self._asked(talk, code, wanted.since, last)
            except MalformedError as error:
                failed.append(str(error))
        if failed:
            raise MalformedError(f"{len(failed)} of {len(codes)} codes gave no sense: {'; '.join(failed)}")

    def _asked(self, talk: _Talk, code: str, first: dt.date, last: dt.date) -> Delivery:
        arguments = {self.symbol_argument: self.symbol(code) or "", **dict(self.constants)}
        name = code
        if self.span is not None:
            begin, end = self.span(first, last)
            arguments |= {"start_date": begin, "end_date": end}
            name = f"{code}-{_span(first, last)}"
        question = Question(self.function, arguments, query=dict(self.query), never_empty=self.never_empty)
        frame = talk.ask(question)
        if self.date_column is not None:
            frame = _without_later(frame, self.date_column, last)
        return _delivery(self.table, name, question, frame, self.columns)


def _without_later(frame: Frame, column: str, last: dt.date) -> Frame:
    def change(header: list[str], rows: list[list[str]]) -> list[list[str]]:
        position = header.index(column)
        return [header, *(row for row in rows if row[position] <= last.isoformat())]

    return _rewritten(frame, change)


def _minute_span(first: dt.date, last: dt.date) -> tuple[str, str]:
    """Minutes that are over: a bar is labelled with its end."""
    end = min(dt.datetime.combine(last, SZSE_CLOSES, MARKET_ZONE), _now() - dt.timedelta(minutes=1))
    return f"{first} {SZSE_OPENS}", f"{end:%Y-%m-%d %H:%M:%S}"


def _digits(*suffixes: str, beginning: str = "") -> Callable[[str], str | None]:
    """The bare number of codes with one of these suffixes."""

    def symbol(code: str) -> str | None:
        number, _, suffix = code.partition(".")
        return number if suffix in suffixes and number.startswith(beginning) else None

    return symbol


def _cni(code: str) -> str | None:
    return _digits("CNI")(code) or _digits("SZ", beginning="399")(code)


def _csi(code: str) -> str | None:
    return _digits("CSI")(code) or _digits("SH", beginning="000")(code)


_ETF, _HK_INDEX, _HK_SHARE = _digits("SZ", "SH"), _digits("HI"), _digits("HK")

# ------------------------------------------------------------------ snapshots


@dataclass(frozen=True)
class _Snapshot:
    """A list that says what is now, as of the end of the call, which takes a minute or two where pages are many.

    ``hk_delay``: its quotes are of a quarter of an hour before. ``quotes``: it holds quotes, which are known from the
    moment of the fetch on. ``hk_indices``: of its rows only those of the wanted indices are kept.
    """

    function: str
    table: str
    hk_delay: bool = False
    quotes: bool = True
    hk_indices: bool = False
    leading: tuple[str, ...] = ()
    query: tuple[tuple[str, str], ...] = ()

    def deliver(self, transport: Transport, wanted: Wanted) -> Iterator[Delivery]:
        """One delivery, whatever span is wanted."""
        question = Question(self.function, query=dict(self.query), leading=self.leading, never_empty=True)
        frame = _Talk(transport).ask(question)
        fetched = _now()
        if self.hk_indices:
            frame = _of_indices(self.function, frame, wanted)
        if self.quotes:
            frame = _known_from(frame, fetched)
        name = _moment(fetched)
        if self.hk_delay:
            # two snapshots of a weekend have one moment; that of the fetch, without its zone, is not taken for it
            name = f"{_moment(hk_quote_moment(fetched))}-seen{fetched:%Y%m%dT%H%M%S}"
        yield _delivery(self.table, name, question, frame)


def _of_indices(function: str, frame: Frame, wanted: Wanted) -> Frame:
    """The rows of the wanted indices. The other two hundred are no indices of a table's, and would be refused by the
    minute."""
    symbols = [symbol for symbol in map(_HK_INDEX, wanted.indices) if symbol is not None]

    def change(header: list[str], rows: list[list[str]]) -> list[list[str]]:
        position = header.index("代码")
        absent = sorted(set(symbols) - {row[position] for row in rows})
        if absent or not symbols:
            raise RefusedError(
                f"{function}: {len(rows)} indices, but none of {', '.join(absent or wanted.indices)}: put one of its "
                "indices (HSI.HI) on SECTOR_WATCH_INDICES"
            )
        return [header, *(row for row in rows if row[position] in symbols)]

    return _rewritten(frame, change)


def _known_from(frame: Frame, fetched: dt.datetime) -> Frame:
    stamp = fetched.replace(microsecond=0).isoformat()

    def change(header: list[str], rows: list[list[str]]) -> list[list[str]]:
        return [[*header, "knowledge_at"], *([*row, stamp] for row in rows)]

    return _rewritten(frame, change)


def _concept_members(transport: Transport, wanted: Wanted) -> Iterator[Delivery]:
    """A delivery a board, whose name is looked up among Eastmoney's of today: ``CRO`` finds ``CRO概念`` too."""
    if not wanted.concepts:
        return
    talk = _Talk(transport)
    boards = talk.ask(
        Question("stock_board_concept_name_em", query=dict(_BY_CODE), leading=_BOARD_FIELDS, never_empty=True)
    )
    rows = list(csv.DictReader(io.StringIO(boards.text)))
    codes = {row["板块名称"]: row["板块代码"] for row in rows}
    unknown = []
    for concept in wanted.concepts:
        code = codes.get(concept) or codes.get(f"{concept}概念")
        if code is None:
            near = difflib.get_close_matches(concept, codes, n=3, cutoff=0.3)
            unknown.append(f"{concept!r}" + (f" (near it: {', '.join(near)})" if near else ""))
            continue
        question = Question(
            "stock_board_concept_cons_em",
            {"symbol": code},
            leading=(*_QUOTE_FIELDS, "f20", "f21", "f22", "f23"),
            never_empty=True,
        )
        frame = talk.ask(question)
        folder = re.sub(r"[^\w.+-]", "_", concept)
        yield _delivery("concept_members", f"{folder}/{_moment(_now())}", question, frame)
    if unknown:
        raise RefusedError(
            f"no concept board of that name among {len(codes)}: {'; '.join(unknown)}. Correct SECTOR_WATCH_CONCEPTS"
        )


# ------------------------------------------------------------------ share counts


def _szse_shares(transport: Transport, wanted: Wanted) -> Iterator[Delivery]:
    """Shenzhen's counts, in spans that it answers."""
    talk, first = _Talk(transport), wanted.since
    while first <= wanted.until:
        last = min(first + dt.timedelta(days=SZSE_SPAN_DAYS - 1), wanted.until)
        question = Question(
            "fund_scale_daily_szse", {"start_date": _compact(first), "end_date": _compact(last), "symbol": "ETF"}
        )
        yield _delivery("etf_shares", _span(first, last), question, talk.ask(question), _SZSE_SHARES)
        first = last + _ONE_DAY


def _sse_shares(transport: Transport, wanted: Wanted) -> Iterator[Delivery]:
    """Shanghai's counts, session by session."""
    talk, last = _Talk(transport), _settled(wanted.until, SSE_PUBLISHED)
    _require_settled("fund_etf_scale_sse", wanted.since, last, SSE_PUBLISHED)
    for day in sessions("XSHG").sessions:
        if wanted.since <= day <= last:
            question = Question("fund_etf_scale_sse", {"date": _compact(day)})
            yield _delivery("etf_shares", _compact(day), question, talk.ask(question), _SSE_SHARES, day)


# ------------------------------------------------------------------ visits


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
            {"date": _compact(self.first - _ONE_DAY)},
            filter=conditions,
            page_limit=SURVEY_PAGES if self.halves() else None,
            leading=_SURVEY_FIELDS,
        )

    @property
    def name(self) -> str:
        noticed = f"-noticed-{_span(*self.noticed)}" if self.noticed else ""
        return f"visits-{_span(self.first, self.last)}{noticed}"

    def halves(self) -> tuple[_Slice, ...]:
        """Two smaller ones: of the days of visits; for a single day, of the days of notices; none below that."""
        if self.first < self.last:
            middle = self.first + (self.last - self.first) // 2
            return replace(self, last=middle), replace(self, first=middle + _ONE_DAY)
        begin, end = self.noticed or (self.first, self.today)
        if begin < end:
            middle = begin + (end - begin) // 2
            return replace(self, noticed=(begin, middle)), replace(self, noticed=(middle + _ONE_DAY, end))
        return ()


def _visits(transport: Transport, wanted: Wanted) -> Iterator[Delivery]:
    """Visits of the wanted days, a week at a time, then those of the two months before that were announced since.

    A slice of more than fifty pages is asked for in halves: fewer days of visits, then fewer days of notices. What one
    day announced of one day's visits is asked for however long it is; should its late pages fail, that is an error.
    """
    talk, today = _Talk(transport), _now().date()
    slices, first = [], _behind(wanted)
    while first <= wanted.until:
        last = min(first + dt.timedelta(days=SURVEY_SLICE_DAYS - 1), wanted.until)
        slices.append(_Slice(first, last, today))
        first = last + _ONE_DAY
    if wanted.since <= today:
        before = wanted.since - _ONE_DAY
        earliest = wanted.since - dt.timedelta(days=LATE_NOTICE_DAYS)
        slices.append(_Slice(earliest, before, today, noticed=(wanted.since, today)))
    for whole in slices:
        yield from _sliced(talk, whole)


def _behind(wanted: Wanted) -> dt.date:
    """The day to begin with: behind the last one that a fetch that was cut short has landed, if it lies in the span."""
    done = dt.date.fromisoformat(wanted.resume) if wanted.resume else None
    return done + _ONE_DAY if done is not None and wanted.since <= done <= wanted.until else wanted.since


def _sliced(talk: _Talk, asked: _Slice) -> Iterator[Delivery]:
    try:
        frame = talk.ask(asked.question)
    except TooManyPagesError:
        for half in asked.halves():
            yield from _sliced(talk, half)
        return
    done = None if asked.noticed else asked.last.isoformat()
    yield _delivery("broker_visits", asked.name, asked.question, frame, _SURVEY, resume=done)


# ------------------------------------------------------------------ whole tables


def _whole(function: str, table: str) -> Callable[[Transport, Wanted], Iterator[Delivery]]:
    """A table that comes in one piece, from the first day on."""

    def deliver(transport: Transport, wanted: Wanted) -> Iterator[Delivery]:
        question = Question(function, never_empty=True)
        yield _delivery(table, "all", question, _Talk(transport).ask(question))

    return deliver


# ------------------------------------------------------------------ the list


def _missing() -> str | None:
    if importlib.util.find_spec("akshare") is None:
        return 'akshare is not installed: pip install "sector-warehouse[akshare]"'
    return None


def _client_version() -> str:
    """akshare changes units and arguments between versions, under the same names."""
    return f"akshare {importlib.metadata.version('akshare')}"


def _dataset(
    name: str,
    table: str,
    description: str,
    deliver: Callable[[Transport, Wanted], Iterator[Delivery]],
    session_market: Market | None = None,
    needs: Literal["etfs", "indices", "securities", "concepts"] | None = None,
    look_back_days: int = 5,
) -> Dataset:
    return Dataset(
        provider=PROVIDER,
        name=name,
        tables=(table,),
        description=description,
        deliver=deliver,
        client_version=_client_version,
        session_market=session_market,
        look_back_days=look_back_days,
        needs=(needs,) if needs else (),
        missing=_missing,
    )


def _by_code(asked: _PerCode, description: str, session_market: Market | None = None) -> Dataset:
    return _dataset(asked.function, asked.table, description, asked.deliver, session_market, asked.codes)


def _of_now(asked: _Snapshot, description: str) -> Dataset:
    needs: Literal["indices"] | None = "indices" if asked.hk_indices else None
    return _dataset(asked.function, asked.table, description, asked.deliver, needs=needs)


_ETF_DATASETS = (
    _by_code(
        _PerCode(
            "fund_etf_hist_em",
            "etf_bars",
            "etfs",
            _ETF,
            "159567.SZ",
            # Adjusted prices change with every later split: they are no record of what was traded.
            constants=(("period", "daily"), ("adjust", "")),
            settled=SZSE_SETTLED,
            columns=_HIST,
        ),
        "Daily bars of ETFs, unadjusted (Eastmoney).",
        "SZSE",
    ),
    _by_code(
        _PerCode(
            "fund_etf_hist_min_em",
            "etf_quotes",
            "etfs",
            _ETF,
            "159567.SZ",
            constants=(("period", "1"), ("adjust", "")),
            span=_minute_span,
            columns=_MINUTES,
        ),
        "Minute bars of ETFs over the last five sessions, all that is kept (Eastmoney).",
        "SZSE",
    ),
    _of_now(_Snapshot("fund_etf_spot_em", "etf_quotes"), "Quotes of all ETFs now, with IOPV (Eastmoney, delayed)."),
    _dataset(
        "fund_scale_daily_szse",
        "etf_shares",
        "Share counts of Shenzhen's ETFs before the open of each day (Shenzhen Stock Exchange).",
        _szse_shares,
        "SZSE",
    ),
    _dataset(
        "fund_etf_scale_sse",
        "etf_shares",
        "Share counts of Shanghai's ETFs after the close of each day (Shanghai Stock Exchange).",
        _sse_shares,
        "SZSE",
    ),
    _by_code(
        _PerCode("fund_etf_fund_info_em", "etf_nav", "etfs", _ETF, "159567.SZ", symbol_argument="fund", columns=_NAV),
        "Net asset values of ETFs (Eastmoney).",
        "SZSE",
    ),
)

_INDEX_DATASETS = (
    _by_code(
        _PerCode("index_hist_cni", "index_bars", "indices", _cni, "987018.CNI", settled=HK_SETTLED, columns=_CNI_BARS),
        "Daily bars of CNI indices (CNI).",
        "SOUTHBOUND",
    ),
    _by_code(
        _PerCode("index_detail_hist_cni", "index_weights", "indices", _cni, "987018.CNI", span=None, never_empty=True),
        "Month-end constituents of CNI indices with weights, from the first month on (CNI).",
    ),
    _by_code(
        _PerCode(
            "stock_zh_index_hist_csindex",
            "index_bars",
            "indices",
            _csi,
            "931250.CSI",
            settled=HK_SETTLED,
            columns=_CSI_BARS,
        ),
        "Daily bars of CSI indices (CSI).",
        "SOUTHBOUND",
    ),
    _by_code(
        _PerCode(
            "index_stock_cons_weight_csindex",
            "index_weights",
            "indices",
            _csi,
            "931250.CSI",
            span=None,
            never_empty=True,
        ),
        "Constituents of CSI indices with weights, of the last month end alone: what is not kept is gone (CSI).",
    ),
    _of_now(
        _Snapshot(
            "stock_hk_index_spot_em", "index_quotes", hk_delay=True, hk_indices=True, query=tuple(_BY_CODE.items())
        ),
        "Levels of Hong Kong's indices now, 15 minutes late (Eastmoney).",
    ),
    _of_now(
        _Snapshot("stock_hk_index_spot_sina", "index_quotes", hk_delay=True, hk_indices=True),
        "Levels of Hong Kong's indices now, 15 minutes late (Sina).",
    ),
    _by_code(
        _PerCode(
            "stock_hk_index_daily_em",
            "index_bars",
            "indices",
            _HK_INDEX,
            "HSI.HI",
            span=None,
            settled=HK_SETTLED,
            date_column="date",
            never_empty=True,
            query=tuple(_BY_CODE.items()),
        ),
        "Daily bars of Hong Kong's indices, from the first day on (Eastmoney).",
        "HK",
    ),
    _by_code(
        _PerCode(
            "stock_hk_index_daily_sina",
            "index_bars",
            "indices",
            _HK_INDEX,
            "HSI.HI",
            span=None,
            settled=HK_SETTLED,
            date_column="date",
            never_empty=True,
        ),
        "Daily bars of Hong Kong's indices, from the first day on, at times a day late (Sina).",
        "HK",
    ),
)

_SECURITY_DATASETS = (
    _by_code(
        _PerCode(
            "stock_hk_hist",
            "security_bars",
            "securities",
            _HK_SHARE,
            "01801.HK",
            constants=(("period", "daily"), ("adjust", "")),
            settled=HK_SETTLED,
            columns=_HIST,
        ),
        "Daily bars of Hong Kong's shares, unadjusted (Eastmoney).",
        "HK",
    ),
    _of_now(
        _Snapshot("stock_hk_spot_em", "security_quotes", hk_delay=True, leading=_QUOTE_FIELDS),
        "Quotes of Hong Kong's shares now, 15 minutes late (Eastmoney).",
    ),
    _of_now(
        _Snapshot("stock_hk_spot", "security_quotes"),
        "Quotes of Hong Kong's shares, each with its time, 15 minutes late (Sina).",
    ),
)

_REFERENCE_DATASETS = (
    _dataset(
        "stock_jgdy_detail_em",
        "broker_visits",
        "Institutions that visited companies, by day of visit, with what was announced late (Eastmoney).",
        _visits,
        look_back_days=10,
    ),
    _dataset(
        "stock_industry_clf_hist_sw",
        "sector_members",
        "Shenwan industry of every company, from the first day on (Shenwan Hongyuan).",
        _whole("stock_industry_clf_hist_sw", "sector_members"),
    ),
    _dataset(
        "stock_board_concept_cons_em",
        "concept_members",
        "Companies on concept boards now, boards found by name (Eastmoney).",
        _concept_members,
        needs="concepts",
    ),
    _of_now(
        _Snapshot("stock_hk_ggt_components_em", "connect_eligibility", quotes=False, leading=_QUOTE_FIELDS),
        "Shares that southbound Stock Connect may trade now (Eastmoney).",
    ),
    _dataset(
        "stock_sgt_settlement_exchange_rate_szse",
        "fx_rates",
        "Settlement rates of southbound Stock Connect, from the first day on (Shenzhen Stock Exchange).",
        _whole("stock_sgt_settlement_exchange_rate_szse", "fx_rates"),
        "SOUTHBOUND",
    ),
    _dataset(
        "stock_sgt_reference_exchange_rate_szse",
        "fx_rates",
        "Reference rates of southbound Stock Connect, from the first day on (Shenzhen Stock Exchange).",
        _whole("stock_sgt_reference_exchange_rate_szse", "fx_rates"),
        "SOUTHBOUND",
    ),
)

DATASETS: tuple[Dataset, ...] = (*_ETF_DATASETS, *_INDEX_DATASETS, *_SECURITY_DATASETS, *_REFERENCE_DATASETS)
