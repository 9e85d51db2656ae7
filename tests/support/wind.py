"""A workbook as Wind's terminal exports daily bars: a title above the header, a source line below the table."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

from openpyxl import Workbook

HEADER = (
    *("日期", "代码", "简称", "开盘价(元)", "最高价(元)", "最低价(元)", "收盘价(元)", "前收盘价(元)"),
    *("成交量(万股)", "成交额(万元)"),
)
ROWS: tuple[tuple[Any, ...], ...] = (
    (dt.datetime(2025, 4, 22), 1.19, 1.235, 1.188, 1.229, 1.191, 61234.56, 74321.9876),  # noqa: DTZ001
    (dt.datetime(2025, 4, 23), 1.231, 1.24, 1.21, 1.223, 1.229, 58011.2, 71002.33),  # noqa: DTZ001
    (dt.datetime(2025, 4, 24), 1.225, 1.275, 1.221, 1.269, 1.223, 89556.56, 113704.8639),  # noqa: DTZ001
)


def write_workbook(path: Path, code: str = "159567.OF") -> Path:
    """The export of one ETF, three sessions."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "行情序列"
    sheet.append(["行情序列"])
    sheet.append(["2025-04-22 至 2025-04-24"])
    sheet.append(HEADER)
    for date, *figures in ROWS:
        sheet.append([date, code, "港股创新药ETF银华", *figures])
    sheet.append([])
    sheet.append(["数据来源：Wind"])
    path.parent.mkdir(parents=True, exist_ok=True)
    book.save(path)
    return path


def write_csv(path: Path, code: str = "159567.SZ") -> Path:
    """The same as text in GBK, the source line with fewer cells than the header."""
    lines = ["行情序列", ",".join(HEADER)]
    lines += [",".join((f"{date:%Y-%m-%d}", code, "港股创新药ETF银华", *map(str, figures))) for date, *figures in ROWS]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\r\n".join([*lines, "", "数据来源：Wind"]) + "\r\n", encoding="gbk")
    return path
