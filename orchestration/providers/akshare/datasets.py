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

import csv
import datetime as dt
import difflib
import importlib.metadata
import importlib.util
import io
import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Literal

from orchestration.providers.akshare import clock
from orchestration.providers.akshare.asking import (
    BY_CODE,
    PerCode,
    Snapshot,
    Talk,
    cni,
    compact,
    csi,
    delivery,
    etf,
    hk_index,
    hk_share,
    moment_name,
    span,
    whole,
)
from orchestration.providers.akshare.calls import PROVIDER, Question
from orchestration.providers.akshare.visits import visits
from orchestration.providers.delivery import ControlTotal, Dataset, Delivery, Market, RefusedError, Time, Wanted

if TYPE_CHECKING:
    from orchestration.providers.transport import Transport

SZSE_SPAN_DAYS = 180
"""Shenzhen answers more than six months with an empty table and no error; six months have 181 days or more."""

# Field names with which records must begin where akshare names them by position (its source, 1.19.5).
_QUOTE_FIELDS = tuple(f"f{n}" for n in range(1, 19))
_CSI_FIELDS = (
    *("tradeDate", "indexCode", "indexNameCnAll", "indexNameCn", "indexNameEnAll", "indexNameEn", "open", "high"),
    *("low", "close", "change", "changePct", "tradingVol", "tradingValue", "consNumber", "peg"),
)
_BOARD_FIELDS = ("f2", "f3", "f4", "f8", "f11", "f12", "f14")

# akshare's headers, for answers in which the provider says that there is nothing.
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


def _concept_members(transport: Transport, wanted: Wanted) -> Iterator[Delivery]:
    """A delivery a board, whose name is looked up among Eastmoney's of today: ``CRO`` finds ``CRO概念`` too."""
    if not wanted.concepts:
        return
    talk = Talk(transport)
    boards = talk.ask(
        Question("stock_board_concept_name_em", query=dict(BY_CODE), leading=_BOARD_FIELDS, never_empty=True)
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
        yield delivery("concept_members", f"{folder}/{moment_name(clock.now())}", question, frame)
    if unknown:
        raise RefusedError(
            f"no concept board of that name among {len(codes)}: {'; '.join(unknown)}. Correct SECTOR_WATCH_CONCEPTS"
        )


def _szse_shares(transport: Transport, wanted: Wanted) -> Iterator[Delivery]:
    """Shenzhen's counts, in spans that it answers."""
    talk, first = Talk(transport), wanted.since
    while first <= wanted.until:
        last = min(first + dt.timedelta(days=SZSE_SPAN_DAYS - 1), wanted.until)
        question = Question(
            "fund_scale_daily_szse", {"start_date": compact(first), "end_date": compact(last), "symbol": "ETF"}
        )
        yield delivery("etf_shares", span(first, last), question, talk.ask(question), _SZSE_SHARES)
        first = last + clock.ONE_DAY


def _sse_shares(transport: Transport, wanted: Wanted) -> Iterator[Delivery]:
    """Shanghai's counts, session by session."""
    talk, last = Talk(transport), clock.settled(wanted.until, clock.SSE_PUBLISHED)
    for day in clock.shanghai_sessions(wanted.since, last):
        question = Question("fund_etf_scale_sse", {"date": compact(day)})
        yield delivery("etf_shares", compact(day), question, talk.ask(question), _SSE_SHARES, day)


def _sse_unfit(wanted: Wanted) -> str | None:
    return clock.not_settled(wanted.since, wanted.until, clock.SSE_PUBLISHED)


def _missing() -> str | None:
    if importlib.util.find_spec("akshare") is None:
        return 'akshare is not installed: pip install "sector-warehouse[akshare]"'
    return None


def _client_version() -> str:
    """akshare changes units and arguments between versions, under the same names."""
    return f"akshare {importlib.metadata.version('akshare')}"


# No session market where a whole history comes whatever is asked: its length says nothing about the days of a span.


def _dataset(
    name: str,
    table: str,
    description: str,
    deliver: Callable[[Transport, Wanted], Iterator[Delivery | ControlTotal]],
    times: tuple[Time, ...],
    session_market: Market | None = None,
    needs: Literal["etfs", "indices", "securities", "concepts"] | None = None,
    look_back_days: int = 5,
    unfit: Callable[[Wanted], str | None] = lambda wanted: None,
) -> Dataset:
    return Dataset(
        provider=PROVIDER,
        name=name,
        tables=(table,),
        description=description,
        deliver=deliver,
        client_version=_client_version,
        times=times,
        session_market=session_market,
        look_back_days=look_back_days,
        needs=(needs,) if needs else (),
        missing=_missing,
        unfit=unfit,
    )


def _by_code(
    asked: PerCode, description: str, times: tuple[Time, ...], session_market: Market | None = None
) -> Dataset:
    return _dataset(
        asked.function, asked.table, description, asked.deliver, times, session_market, asked.codes, unfit=asked.unfit
    )


def _of_now(asked: Snapshot, description: str, times: tuple[Time, ...]) -> Dataset:
    needs: Literal["indices"] | None = "indices" if asked.hk_indices else None
    return _dataset(asked.function, asked.table, description, asked.deliver, times, needs=needs, unfit=asked.unfit)


_ETF_DATASETS = (
    _by_code(
        PerCode(
            "fund_etf_hist_em",
            "etf_bars",
            "etfs",
            etf,
            "159567.SZ",
            # Adjusted prices change with every later split: they are no record of what was traded.
            constants=(("period", "daily"), ("adjust", "")),
            settled=clock.SZSE_SETTLED,
            columns=_HIST,
        ),
        "Daily bars of ETFs, unadjusted (Eastmoney).",
        ("after_close",),
        "SZSE",
    ),
    _by_code(
        PerCode(
            "fund_etf_hist_min_em",
            "etf_quotes",
            "etfs",
            etf,
            "159567.SZ",
            constants=(("period", "1"), ("adjust", "")),
            span=clock.finished_minutes,
            columns=_MINUTES,
        ),
        "Minute bars of ETFs over the last five sessions, all that is kept (Eastmoney).",
        ("after_close",),
        "SZSE",
    ),
    _of_now(
        Snapshot("fund_etf_spot_em", "etf_quotes"),
        "Quotes of all ETFs now, with IOPV (Eastmoney, delayed).",
        ("after_close",),
    ),
    _dataset(
        "fund_scale_daily_szse",
        "etf_shares",
        "Share counts of Shenzhen's ETFs before the open of each day (Shenzhen Stock Exchange).",
        _szse_shares,
        ("before_open",),
        "SZSE",
    ),
    _dataset(
        "fund_etf_scale_sse",
        "etf_shares",
        "Share counts of Shanghai's ETFs after the close of each day (Shanghai Stock Exchange).",
        _sse_shares,
        # the morning after brings what was printed late
        ("daily", "evening"),
        "SZSE",
        unfit=_sse_unfit,
    ),
    _by_code(
        PerCode("fund_etf_fund_info_em", "etf_nav", "etfs", etf, "159567.SZ", symbol_argument="fund", columns=_NAV),
        "Net asset values of ETFs (Eastmoney).",
        # those of funds on foreign markets are a day late
        ("daily", "evening"),
        "SZSE",
    ),
)

_INDEX_DATASETS = (
    _by_code(
        PerCode(
            "index_hist_cni", "index_bars", "indices", cni, "987018.CNI", settled=clock.HK_SETTLED, columns=_CNI_BARS
        ),
        "Daily bars of CNI indices (CNI).",
        ("after_hk_close",),
        "SOUTHBOUND",
    ),
    _by_code(
        PerCode("index_detail_hist_cni", "index_weights", "indices", cni, "987018.CNI", span=None, never_empty=True),
        "Month-end constituents of CNI indices with weights, from the first month on (CNI).",
        ("daily",),
    ),
    _by_code(
        PerCode(
            "stock_zh_index_hist_csindex",
            "index_bars",
            "indices",
            csi,
            "931250.CSI",
            settled=clock.HK_SETTLED,
            columns=_CSI_BARS,
            leading=_CSI_FIELDS,
        ),
        "Daily bars of CSI indices (CSI).",
        ("after_hk_close",),
        "SOUTHBOUND",
    ),
    _by_code(
        PerCode(
            "index_stock_cons_weight_csindex",
            "index_weights",
            "indices",
            csi,
            "931250.CSI",
            span=None,
            never_empty=True,
        ),
        "Constituents of CSI indices with weights, of the last month end alone: what is not kept is gone (CSI).",
        ("daily",),
    ),
    _of_now(
        Snapshot(
            "stock_hk_index_spot_em", "index_quotes", hk_delay=True, hk_indices=True, query=tuple(BY_CODE.items())
        ),
        "Levels of Hong Kong's indices now, 15 minutes late (Eastmoney).",
        ("after_hk_close",),
    ),
    _of_now(
        Snapshot("stock_hk_index_spot_sina", "index_quotes", hk_delay=True, hk_indices=True),
        "Levels of Hong Kong's indices now, 15 minutes late (Sina).",
        ("after_hk_close",),
    ),
    _by_code(
        PerCode(
            "stock_hk_index_daily_em",
            "index_bars",
            "indices",
            hk_index,
            "HSI.HI",
            span=None,
            settled=clock.HK_SETTLED,
            date_column="date",
            never_empty=True,
            query=tuple(BY_CODE.items()),
        ),
        "Daily bars of Hong Kong's indices, from the first day on (Eastmoney).",
        ("after_hk_close",),
    ),
    _by_code(
        PerCode(
            "stock_hk_index_daily_sina",
            "index_bars",
            "indices",
            hk_index,
            "HSI.HI",
            span=None,
            settled=clock.HK_SETTLED,
            date_column="date",
            never_empty=True,
        ),
        "Daily bars of Hong Kong's indices, from the first day on, at times a day late (Sina).",
        ("daily",),
    ),
)

_SECURITY_DATASETS = (
    _by_code(
        PerCode(
            "stock_hk_hist",
            "security_bars",
            "securities",
            hk_share,
            "01801.HK",
            constants=(("period", "daily"), ("adjust", "")),
            settled=clock.HK_SETTLED,
            columns=_HIST,
        ),
        "Daily bars of Hong Kong's shares, unadjusted (Eastmoney).",
        ("after_hk_close",),
        "HK",
    ),
    _of_now(
        Snapshot("stock_hk_spot_em", "security_quotes", hk_delay=True, leading=_QUOTE_FIELDS),
        "Quotes of Hong Kong's shares now, 15 minutes late (Eastmoney).",
        ("after_hk_close",),
    ),
    _of_now(
        Snapshot("stock_hk_spot", "security_quotes"),
        "Quotes of Hong Kong's shares, each with its time, 15 minutes late (Sina).",
        ("after_hk_close",),
    ),
)

_REFERENCE_DATASETS = (
    _dataset(
        "stock_jgdy_detail_em",
        "broker_visits",
        "Institutions that visited companies, by day of visit, with what was announced late (Eastmoney).",
        visits,
        ("daily",),
        look_back_days=7,
    ),
    _dataset(
        "stock_industry_clf_hist_sw",
        "sector_members",
        "Shenwan industry of every company, from the first day on (Shenwan Hongyuan).",
        whole("stock_industry_clf_hist_sw", "sector_members"),
        ("weekly",),
    ),
    _dataset(
        "stock_board_concept_cons_em",
        "concept_members",
        "Companies on concept boards now, boards found by name (Eastmoney).",
        _concept_members,
        # the list of a day is known from 18:00 on (contracts, concept_members)
        ("evening",),
        needs="concepts",
    ),
    _of_now(
        Snapshot("stock_hk_ggt_components_em", "connect_eligibility", quotes=False, leading=_QUOTE_FIELDS),
        "Shares that southbound Stock Connect may trade now (Eastmoney).",
        ("after_close",),
    ),
    _dataset(
        "stock_sgt_settlement_exchange_rate_szse",
        "fx_rates",
        "Settlement rates of southbound Stock Connect, from the first day on (Shenzhen Stock Exchange).",
        whole("stock_sgt_settlement_exchange_rate_szse", "fx_rates"),
        ("evening",),
    ),
    _dataset(
        "stock_sgt_reference_exchange_rate_szse",
        "fx_rates",
        "Reference rates of southbound Stock Connect, from the first day on (Shenzhen Stock Exchange).",
        whole("stock_sgt_reference_exchange_rate_szse", "fx_rates"),
        ("evening",),
    ),
)

DATASETS: tuple[Dataset, ...] = (*_ETF_DATASETS, *_INDEX_DATASETS, *_SECURITY_DATASETS, *_REFERENCE_DATASETS)
