"""What a file of a provider becomes: the shape of a case, and the check that all providers' tests share."""

from __future__ import annotations

import datetime as dt
from typing import Any

from tests.support.warehouse_home import Home

Case = tuple[str, str | bytes, list[dict[str, Any]]]
"""Landed name, content as delivered, and raw rows as the columns that the case is about."""

HIST = "日期,开盘,收盘,最高,最低,成交量,成交额,振幅,涨跌幅,涨跌额,换手率"
CSINDEX_BARS = (
    "日期,指数代码,指数中文全称,指数中文简称,指数英文全称,指数英文简称,开盘,最高,最低,收盘,涨跌,涨跌幅,成交量,成交金额,"
    "样本数量,滚动市盈率"
)
TUSHARE_BARS = "ts_code,trade_date,open,high,low,close,pre_close,change,pct_chg,vol,amount"


def utc(text: str) -> dt.datetime:
    """A market time as UTC."""
    return dt.datetime.fromisoformat(f"{text}+08:00").astimezone(dt.UTC)


def check(home: Home, dialect: str, case: Case) -> None:
    """The file is read by that dialect, nothing of it is refused or unknown, and its rows are those of the case."""
    name, content, expected = case
    home.land(name, content)
    table = name.split("/")[0]
    report = home.run()[table]
    assert not home.reasons()
    assert [batch.dialect for batch in report.batches] == [dialect]
    assert not report.batches[0].unknown_columns
    assert report.rows_accepted == len(expected)
    rows = home.raw(table)
    assert [{column: row[column] for column in want} for row, want in zip(rows, expected, strict=True)] == expected
