"""Fund shares as the exchanges of Shenzhen and Shanghai publish them, by the addresses that their own pages call.

Addresses and parameters were read in akshare 1.19 (``fund/fund_scale_szse.py``, ``fund_etf_szse.py``,
``fund_etf_sse.py``), which calls the same. Bytes land unchanged; ``dialects.exchanges`` reads them.
"""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Iterator
from functools import partial
from typing import Any

from orchestration.providers.delivery import Dataset, Delivery, MalformedError, UnavailableError, Wanted
from orchestration.providers.transport import Transport, expect_json, expect_workbook

PROVIDER = "exchanges"

CLIENT_VERSION = "1"
"""Of the questions below: raised when their addresses or parameters change."""

SZSE_REPORT = "https://www.szse.cn/api/report/ShowReport"
SZSE_FUND_REPORT = "https://fund.szse.cn/api/report/ShowReport"
SSE_QUERY = "https://query.sse.com.cn/commonQuery.do"

SZSE_PAGE = "https://www.szse.cn/market/fund/volume/etf/index.html"
SZSE_FUND_PAGE = "https://fund.szse.cn/marketdata/fundslist/index.html"
SSE_PAGE = "https://www.sse.com.cn/"

SZSE_DAYS = 30
"""Days per question of a long span. More than six months give an empty workbook without an error (domain 1.2); a month
of 630 funds is 13,000 rows, half a megabyte."""

SZSE_SHORT_SPAN = 14
"""Up to so many days are asked one by one: an answer of one day can be held against the count of the days before."""

SSE_ROWS = 10_000
"""Rows per page: what the exchange's own page asks for. Shanghai lists some 800 funds."""


def szse_daily_shares(transport: Transport, wanted: Wanted) -> Iterator[Delivery]:
    """Share counts of all Shenzhen ETFs by day (dated by the session whose open they stand before).

    A file for each day of a short span, for each month of a long one.
    """
    for first, last in _szse_spans(wanted.since, wanted.until):
        asked = f"shares of Shenzhen ETFs, {first if first == last else f'{first} to {last}'}"
        content = transport.get(
            PROVIDER,
            SZSE_REPORT,
            params={
                "SHOWTYPE": "xlsx",
                "CATALOGID": "scsj_fund_jjgm",
                "TABKEY": "tab1",
                "txtStart": first.isoformat(),
                "txtEnd": last.isoformat(),
                "jjlb": "ETF",
            },
            headers={"Referer": SZSE_PAGE},
            accept=partial(expect_workbook, asked=asked),
        )
        columns, rows = read_sheet(content, asked)
        yield Delivery(
            table="etf_shares",
            name=f"szse_daily_shares/{first:%Y%m%d}{'' if first == last else f'-{last:%Y%m%d}'}.xlsx",
            content=content,
            rows=rows,
            asked=asked,
            day=first if first == last else None,
            columns=columns,
        )


def _szse_spans(since: dt.date, until: dt.date) -> Iterator[tuple[dt.date, dt.date]]:
    if (until - since).days < SZSE_SHORT_SPAN:
        yield from ((day, day) for day in _weekdays(since, until))
        return
    first = since
    while first <= until:
        last = min(first + dt.timedelta(days=SZSE_DAYS - 1), until)
        yield first, last
        first = last + dt.timedelta(days=1)


def _weekdays(since: dt.date, until: dt.date) -> Iterator[dt.date]:
    days = (since + dt.timedelta(days=number) for number in range((until - since).days + 1))
    return (day for day in days if day.weekday() < 5)


def szse_fund_list(transport: Transport, wanted: Wanted) -> Iterator[Delivery]:
    """The list of Shenzhen funds of today: name, manager, listing. It has no date, so it lands as profiles alone."""
    asked = f"list of Shenzhen funds of {wanted.until}"
    content = transport.get(
        PROVIDER,
        SZSE_FUND_REPORT,
        params={"SHOWTYPE": "xlsx", "CATALOGID": "1000_lf", "TABKEY": "tab1"},
        headers={"Referer": SZSE_FUND_PAGE},
        accept=partial(expect_workbook, asked=asked),
    )
    columns, rows = read_sheet(content, asked)
    yield Delivery(
        table="etf_profiles",
        name=f"szse_fund_list/{wanted.until:%Y%m%d}.xlsx",
        content=content,
        rows=rows,
        asked=asked,
        day=wanted.until,
        columns=columns,
    )


def sse_daily_shares(transport: Transport, wanted: Wanted) -> Iterator[Delivery]:
    """Share counts of all Shanghai ETFs at the close, in 万份, a file for each day (and page)."""
    for day in _weekdays(wanted.since, wanted.until):
        yield from _sse_day(transport, day)


def _sse_day(transport: Transport, day: dt.date) -> Iterator[Delivery]:
    asked = f"shares of Shanghai ETFs, {day}"
    page, pages = 1, 1
    seen: set[str] = set()
    while page <= pages:
        content = transport.get(
            PROVIDER,
            SSE_QUERY,
            params={
                "isPagination": "true",
                "pageHelp.pageSize": SSE_ROWS,
                "pageHelp.pageNo": page,
                "pageHelp.beginPage": page,
                "pageHelp.cacheSize": 1,
                "pageHelp.endPage": page,
                "sqlId": "COMMON_SSE_ZQPZ_ETFZL_XXPL_ETFGM_SEARCH_L",
                "STAT_DATE": day.isoformat(),
            },
            headers={"Referer": SSE_PAGE},
            accept=partial(read_sse, asked=asked),
        )
        records, total, pages = read_sse(content, asked)
        codes = [str(record.get("SEC_CODE")) for record in records]
        yield Delivery(
            table="etf_shares",
            name=f"sse_daily_shares/{day:%Y%m%d}{f'-page{page}' if page > 1 else ''}.json",
            content=content,
            rows=len(records),
            asked=asked,
            page=page,
            total=total,
            day=day,
            columns=tuple(records[0]) if records else (),
            repeated=sum(code in seen for code in codes),
        )
        seen.update(codes)
        page += 1


def read_sse(content: bytes, asked: str) -> tuple[list[dict[str, Any]], int | None, int]:
    """Records of a page, the total over all pages if it is told, and the number of pages.

    Raises ``MalformedError`` when the answer has no list of results, ``UnavailableError`` when it tells of an error.
    """
    document = expect_json(content, asked)
    if not isinstance(document, dict) or not isinstance(document.get("result"), list):
        errors = document.get("actionErrors") if isinstance(document, dict) else None
        if errors:
            raise UnavailableError(f"{asked}: the exchange answers with an error: {errors[0]}; try later")
        found = ", ".join(document) if isinstance(document, dict) else type(document).__name__
        raise MalformedError(f"{asked}: expected a list 'result', found {found}")
    paging = document.get("pageHelp")
    total, pages = (paging.get("total"), paging.get("pageCount")) if isinstance(paging, dict) else (None, None)
    return (
        document["result"],
        total if isinstance(total, int) else None,
        pages if isinstance(pages, int) and pages > 0 else 1,
    )


def read_sheet(content: bytes, asked: str) -> tuple[tuple[str, ...], int]:
    """Header and number of records of a workbook's first sheet. Raises ``MalformedError`` when it cannot be opened."""
    import warnings
    import zipfile

    import openpyxl

    try:
        with warnings.catch_warnings():
            # the exchange's workbooks carry no default style
            warnings.simplefilter("ignore")
            book = openpyxl.load_workbook(io.BytesIO(content), read_only=True)
    except (zipfile.BadZipFile, KeyError, ValueError, OSError) as error:
        raise MalformedError(f"{asked}: the workbook cannot be opened ({error})") from None
    rows = (row for row in book.worksheets[0].iter_rows(values_only=True) if any(cell is not None for cell in row))
    header = tuple(str(cell).strip() for cell in next(rows, ()) if cell is not None)
    return header, sum(1 for _ in rows)


def _client_version() -> str:
    return CLIENT_VERSION


DATASETS: tuple[Dataset, ...] = (
    Dataset(
        provider=PROVIDER,
        name="szse_daily_shares",
        tables=("etf_shares",),
        description="Shares of every Shenzhen ETF, by day, from the exchange's workbook.",
        deliver=szse_daily_shares,
        client_version=_client_version,
        times=("before_open",),
        session_market="SZSE",
        look_back_days=7,
    ),
    Dataset(
        provider=PROVIDER,
        name="szse_fund_list",
        tables=("etf_profiles",),
        description="The list of Shenzhen's funds: names, managers, listing days; knows no tracked index.",
        deliver=szse_fund_list,
        client_version=_client_version,
        session_market="SZSE",
        look_back_days=0,
        # its profiles would become later versions of fuller ones
        times=(),
    ),
    Dataset(
        provider=PROVIDER,
        name="sse_daily_shares",
        tables=("etf_shares",),
        description="Shares of every Shanghai ETF at the close, by day, from the exchange's query service.",
        deliver=sse_daily_shares,
        client_version=_client_version,
        # the morning after brings what was printed late
        times=("daily", "evening"),
        session_market="SZSE",
        look_back_days=7,
    ),
)
