"""Answers of the exchanges' own pages. Headers and keys: what akshare 1.19 indexes (``fund/fund_scale_szse.py``,
``fund_etf_szse.py``, ``fund_etf_sse.py``), units and traps: the domain notes, 1.2. Shanghai's envelope: public programs
that keep an answer of query.sse.com.cn whole; where it is paged, its records stand in it twice."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Sequence

import openpyxl

from tests.support.fake_provider import Answer, Asked, FakeProvider, Record, as_json

SZSE = "https://www.szse.cn"
SZSE_FUND = "https://fund.szse.cn"
SSE = "https://query.sse.com.cn"

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

SZSE_SHARES = [
    {"日期": "2025-04-23", "基金代码": 159567, "基金简称": "创新药", "基金规模(份)": "395,000,000.00"},
    {"日期": "2025-04-23", "基金代码": 159915, "基金简称": "创业板", "基金规模(份)": "31,415,926,535.00"},
    {"日期": "2025-04-24", "基金代码": 159567, "基金简称": "创新药", "基金规模(份)": "402,000,000.00"},
    {"日期": "2025-04-24", "基金代码": 159915, "基金简称": "创业板", "基金规模(份)": "31,415,000,000.00"},
]

SZSE_FUNDS = [
    {
        "基金代码": "159567",
        "基金简称": "创新药",
        "基金类别": "ETF",
        "投资类别": "跨境ETF",
        "上市日期": "2024-01-11",
        "当前规模(份)": "402,000,000.00",
        "基金管理人": "银华基金管理股份有限公司",
        "基金发起人": "银华基金管理股份有限公司",
        "基金托管人": "招商银行股份有限公司",
        "净值": "0.9555",
    }
]

SSE_SHARES = [
    {
        "NUM": str(number),
        "SEC_CODE": code,
        "SEC_NAME": name,
        "ETF_TYPE": "单市场ETF",
        "STAT_DATE": day,
        "TOT_VOL": volume,
    }
    for number, code, name, day, volume in (
        (1, "510300", "300ETF", "2025-04-24", "8987123.45"),
        (2, "510050", "50ETF", "2025-04-24", "5012345.60"),
        (3, "513120", "HK创新药", "2025-04-24", "612345.00"),
        (1, "510300", "300ETF", "2025-04-23", "8980000.00"),
    )
]


def workbook(records: Sequence[Record], header: Sequence[str]) -> bytes:
    """A sheet as the exchange writes it: a header row, a row per record."""
    book = openpyxl.Workbook()
    sheet = book.active
    names = list(records[0]) if records else list(header)
    sheet.append(names)
    for record in records:
        sheet.append([record[name] for name in names])
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def _daily(asked: Asked) -> list[Record]:
    first, last = asked.query["txtStart"], asked.query["txtEnd"]
    if dt.date.fromisoformat(last) - dt.date.fromisoformat(first) > dt.timedelta(days=184):
        return []
    return [record for record in SZSE_SHARES if first <= str(record["日期"]) <= last]


def _in_pages(size: int) -> object:
    def window(asked: Asked, _: Sequence[Record]) -> slice:
        page = int(asked.query["pageHelp.pageNo"])
        return slice((page - 1) * size, page * size)

    return window


def serve(server: FakeProvider, sse_page: int = 10_000) -> None:
    """Play Shenzhen at ``/szse`` and ``/szse-funds``, Shanghai at ``/sse`` with ``sse_page`` records a page."""

    def sheet(header: Sequence[str]) -> object:
        return lambda rows, total, asked: Answer(workbook(rows, header), content_type=XLSX)

    def sse(rows: Sequence[Record], total: int, asked: Asked) -> Answer:
        count = -(-total // sse_page)
        number = int(asked.query["pageHelp.pageNo"])
        paging = {
            "beginPage": number,
            "cacheSize": 1,
            "data": list(rows),
            "endDate": None,
            "endPage": None,
            "objectResult": None,
            "pageCount": count,
            "pageNo": number,
            "pageSize": sse_page,
            "searchDate": None,
            "sort": None,
            "startDate": None,
            "total": total,
        }
        return as_json(
            {
                "actionErrors": [],
                "actionMessages": [],
                "errorMessages": [],
                "errors": {},
                "fieldErrors": {},
                "isPagination": "true",
                "jsonCallBack": None,
                "locale": "zh_CN",
                "pageHelp": paging,
                "result": list(rows),
                "sqlId": asked.query["sqlId"],
                "texts": None,
                "type": "",
                "validateCode": "",
            }
        )

    server.listing("/szse/api/report/ShowReport", _daily, sheet(list(SZSE_SHARES[0])))  # type: ignore[arg-type]
    server.listing("/szse-funds/api/report/ShowReport", SZSE_FUNDS, sheet(list(SZSE_FUNDS[0])))  # type: ignore[arg-type]
    server.listing(
        "/sse/commonQuery.do",
        lambda asked: [record for record in SSE_SHARES if record["STAT_DATE"] == asked.query["STAT_DATE"]],
        sse,
        _in_pages(sse_page),  # type: ignore[arg-type]
    )


def addresses(server: FakeProvider) -> dict[str, str]:
    """Where the exchanges' addresses lead."""
    return {SZSE: f"{server.url}/szse", SZSE_FUND: f"{server.url}/szse-funds", SSE: f"{server.url}/sse"}
