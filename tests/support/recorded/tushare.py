"""Answers of Tushare Pro. Envelope: documents 40 and 130 of tushare.pro. Fields and figures: the samples in each
interface's document, as they stand there (127 fund_daily, 408 etf_share_size, 119 fund_nav, 96 index_weight,
192 hk_daily, 275 stk_surv, 335 index_member_all, 398 stock_hsgt), refusals: the words of the service in public
reports (waditu/tushare 1229, 1515, 1844, 1846)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.support.fake_provider import Answer, Asked, FakeProvider, Record, as_json

HOST = "https://api.tushare.pro"

FUND_DAILY = [
    {
        "ts_code": "510330.SH",
        "trade_date": day,
        "open": open_,
        "high": high,
        "low": low,
        "close": close,
        "pre_close": pre,
        "change": round(close - pre, 3),
        "pct_chg": round((close / pre - 1) * 100, 4),
        "vol": vol,
        "amount": amount,
    }
    for day, open_, high, low, close, pre, vol, amount in (
        ("20250618", 4.008, 4.024, 3.996, 4.017, 4.016, 382896.00, 153574.446),
        ("20250617", 4.015, 4.022, 4.000, 4.016, 4.018, 440272.04, 176617.125),
        ("20250616", 4.000, 4.018, 3.996, 4.018, 4.004, 423526.00, 169788.251),
    )
]

ETF_SHARE_SIZE = [
    {
        "trade_date": day,
        "ts_code": code,
        "etf_name": name,
        "total_share": share,
        "total_size": size,
        "nav": None,
        "close": None,
        "exchange": exchange,
    }
    for day, code, name, share, size, exchange in (
        ("20251224", "510330.SH", "沪深300ETF华夏", 4741854.98, 2.287898e7, "SSE"),
        ("20251222", "510330.SH", "沪深300ETF华夏", 4746894.98, 2.279127e7, "SSE"),
        ("20251105", "159880.SZ", "有色ETF", 37355.1518, 60000.0, "SZSE"),
    )
]

FUND_NAV = [
    {
        "ts_code": "159567.SZ",
        "ann_date": ann,
        "nav_date": nav,
        "unit_nav": unit,
        "accum_nav": accum,
        "accum_div": None,
        "net_asset": None,
        "total_netasset": None,
        "adj_nav": unit,
    }
    for ann, nav, unit, accum in (("20250425", "20250424", 1.104, 1.587), ("20250424", "20250423", 1.110, 1.587))
]

INDEX_WEIGHT = [
    {"index_code": "399300.SZ", "con_code": code, "trade_date": "20180903", "weight": weight}
    for code, weight in (("000001.SZ", 0.8656), ("000002.SZ", 1.1330), ("000060.SZ", 0.1125))
]

HK_DAILY = [
    {
        "ts_code": "00001.HK",
        "trade_date": "20190904",
        "open": 66.90,
        "high": 69.20,
        "low": 66.90,
        "close": 69.00,
        "pre_close": 66.70,
        "change": 2.30,
        "pct_chg": 3.45,
        "vol": 8212577.0,
        "amount": 5.619534e8,
    }
]

STK_SURV = [
    {
        "ts_code": "002223.SZ",
        "name": "鱼跃医疗",
        "surv_date": "20211025",
        "fund_visitors": visitor,
        "rece_place": "电话会议",
        "rece_mode": "特定对象调研",
        "rece_org": org,
        "org_type": "基金管理公司",
        "comp_rece": "董事会秘书",
        "content": None,
    }
    for visitor, org in (
        ("郝淼", "宝盈基金"),
        ("秦瑶函", "贝莱德资产管理"),
        ("谭飞", "博远基金"),
        ("李晗", "创金合信基金"),
    )
]


def _member(code: str, name: str, since: str, until: str | None, is_new: str) -> dict[str, Any]:
    sector = {"l1_code": "801150.SI", "l1_name": "医药生物", "l2_code": "801156.SI", "l2_name": "医疗服务"}
    dates = {"in_date": since, "out_date": until, "is_new": is_new}
    return {**sector, "l3_code": "851563.SI", "l3_name": "医疗研发外包", "ts_code": code, "name": name, **dates}


INDEX_MEMBER_ALL = [
    _member("603259.SH", "药明康德", "20180508", None, "Y"),
    _member("300347.SZ", "泰格医药", "20120817", None, "Y"),
    _member("000566.SZ", "海南海药", "19940525", "20210730", "N"),
]

STOCK_HSGT = [
    {"ts_code": code, "trade_date": "20250813", "type": channel, "name": name, "type_name": words}
    for code, channel, name, words in (
        ("00019.HK", "SZ_HK", "太古股份公司A", "港股通(深>港)"),
        ("02331.HK", "SH_HK", "李宁", "港股通(沪>港)"),
        ("06127.HK", "SH_HK", "昭衍新药", "港股通(沪>港)"),
    )
]

TABLES: dict[str, Sequence[Record]] = {
    "fund_daily": FUND_DAILY,
    "etf_share_size": ETF_SHARE_SIZE,
    "fund_nav": FUND_NAV,
    "index_weight": INDEX_WEIGHT,
    "hk_daily": HK_DAILY,
    "stk_surv": STK_SURV,
    "index_member_all": INDEX_MEMBER_ALL,
    "stock_hsgt": STOCK_HSGT,
}

DATES = {"fund_nav": "nav_date", "stk_surv": "surv_date"}
"""Column that the span filters, where it is not ``trade_date``."""


def envelope(rows: Sequence[Record], fields: Sequence[str], has_more: bool | None) -> dict[str, Any]:
    """A good answer."""
    names = [name for name in fields if not rows or name in rows[0]]
    names += [name for name in (rows[0] if rows else ()) if name not in names]
    data: dict[str, Any] = {"fields": names, "items": [[row[name] for name in names] for row in rows]}
    if has_more is not None:
        data["has_more"] = has_more
    return {"request_id": "0a1b2c", "code": 0, "msg": "", "data": data}


def refusing(code: int, words: str) -> Answer:
    """A refusal: status 200, and no data."""
    return as_json({"request_id": "0a1b2c", "code": code, "msg": words, "data": None})


def _wanted(asked: Asked) -> list[Record]:
    api, params = asked.json["api_name"], asked.json["params"]
    day = DATES.get(api, "trade_date")

    def fits(row: Record) -> bool:
        return (
            params.get("ts_code") in (None, row.get("ts_code"))
            and params.get("index_code") in (None, row.get("index_code"))
            and params.get("type") in (None, row.get("type"))
            and params.get("is_new", "Y") == row.get("is_new", params.get("is_new", "Y"))
            and params.get("trade_date") in (None, row.get(day))
            and params.get("start_date", "") <= str(row.get(day, "9"))
            and params.get("end_date", "9") >= str(row.get(day, ""))
        )

    return [row for row in TABLES[api] if fits(row)]


def serve(server: FakeProvider, most: int = 5000, tells_more: bool = True) -> None:
    """Play Tushare at ``/tushare``: at most ``most`` rows an answer; ``has_more`` is told or left out."""

    def window(asked: Asked, _: Sequence[Record]) -> slice:
        params = asked.json["params"]
        offset = int(params.get("offset", 0))
        return slice(offset, offset + min(most, int(params.get("limit", most))))

    def render(rows: Sequence[Record], total: int, asked: Asked) -> Answer:
        last = window(asked, ()).stop
        has_more = (total > last) if tells_more else None
        return as_json(envelope(rows, asked.json["fields"].split(","), has_more))

    server.listing("/tushare", _wanted, render, window)
