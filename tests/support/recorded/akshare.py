"""What the sites behind akshare answer, in the shapes that akshare 1.19.5 reads, on a server of ours.

Sources: akshare's own source (fields that it indexes, positions that it names, parameters that it sends); the order of
f-codes follows from its positional maps, ``f140`` and ``f141`` come with ``f128`` unasked. Figures are invented, within
what the figures of the field look like. ``install`` makes one server stand for all of the hosts.
"""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import openpyxl

from tests.support.fake_provider import Answer, Asked, FakeProvider, Record, as_json

HOSTS = (
    "push2his.eastmoney.com",
    "33.push2his.eastmoney.com",
    "push2delay.eastmoney.com",
    "15.push2.eastmoney.com",
    "17.push2.eastmoney.com",
    "29.push2.eastmoney.com",
    "33.push2.eastmoney.com",
    "72.push2.eastmoney.com",
    "79.push2.eastmoney.com",
    "push2.eastmoney.com",
    "datacenter-web.eastmoney.com",
    "api.fund.eastmoney.com",
    "www.szse.cn",
    "query.sse.com.cn",
    "www.cnindex.com.cn",
    "hq.cnindex.com.cn",
    "www.csindex.com.cn",
    "oss-ch.csindex.com.cn",
    "hq.sinajs.cn",
    "finance.sina.com.cn",
    "vip.stock.finance.sina.com.cn",
    "www.swsresearch.com",
)

CLIST, KLINE = "/api/qt/clist/get", "/api/qt/stock/kline/get"
ETF_BARS = f"/push2his.eastmoney.com{KLINE}"
ETF_MINUTES = "/push2his.eastmoney.com/api/qt/stock/trends2/get"
ETF_QUOTES = f"/push2delay.eastmoney.com{CLIST}"
HK_BARS = f"/33.push2his.eastmoney.com{KLINE}"
HK_QUOTES = f"/72.push2.eastmoney.com{CLIST}"
HK_INDEX_QUOTES = f"/15.push2.eastmoney.com{CLIST}"
HK_INDEX_QUOTES_SINA = "/hq.sinajs.cn/*"
HK_INDEX_BARS_SINA = "/finance.sina.com.cn/stock/hkstock/*"
HK_QUOTES_SINA = "/vip.stock.finance.sina.com.cn/quotes_service/api/json_v2.php/Market_Center.getHKStockData"
SOUTHBOUND = f"/33.push2.eastmoney.com{CLIST}"
BOARDS, MEMBERS = f"/79.push2.eastmoney.com{CLIST}", f"/29.push2.eastmoney.com{CLIST}"
SZSE = "/www.szse.cn/api/report/ShowReport"
SSE = "/query.sse.com.cn/commonQuery.do"
NET_VALUES = "/api.fund.eastmoney.com/f10/lsjz"
CNI_BARS = "/hq.cnindex.com.cn/market/market/getIndexDailyDataWithDataFormat"
CNI_WEIGHTS = "/www.cnindex.com.cn/sample-detail/download-history"
CSI_BARS = "/www.csindex.com.cn/csindex-home/perf/index-perf"
CSI_WEIGHTS = "/oss-ch.csindex.com.cn/static/html/csindex/public/uploads/file/autofile/closeweight/*"
SURVEYS = "/datacenter-web.eastmoney.com/api/data/v1/get"
SHENWAN = "/www.swsresearch.com/swindex/pdf/SwClass2021/StockClassifyUse_stock.xls"


def base_urls(server: FakeProvider) -> dict[str, str]:
    """For ``Transport``: every host of akshare's becomes a folder of the server."""
    return {f"{scheme}://{host}": f"{server.url}/{host}" for host in HOSTS for scheme in ("https", "http")}


def workbook(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> Answer:
    """One sheet, as exchanges and index providers send it."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(list(header))
    for row in rows:
        sheet.append(list(row))
    out = io.BytesIO()
    book.save(out)
    return Answer(out.getvalue(), content_type="application/vnd.ms-excel")


def paged(number: str, size: str) -> Callable[[Asked, Sequence[Record]], slice]:
    """Windows by page number and size as the question names them."""

    def window(asked: Asked, _: Sequence[Record]) -> slice:
        page, rows = int(asked.query[number]), int(asked.query[size])
        return slice((page - 1) * rows, page * rows)

    return window


def quote_window(asked: Asked, _: Sequence[Record]) -> slice:
    """Eastmoney's lists give fewer than asked for; three here, so that short lists have pages."""
    page = int(asked.query["pn"])
    return slice((page - 1) * 3, page * 3)


def quote_list(records: Sequence[Record], total: int, _: Asked) -> Answer:
    """``data.diff``, with ``data.total`` of all pages."""
    return as_json({"rc": 0, "data": {"total": total, "diff": list(records)}})


def quoted(codes: Sequence[str], **figures: Any) -> dict[str, Any]:
    """A record with these f-codes, ``-`` where nothing is told."""
    return {code: figures.get(code, "-") for code in codes}


def klines(*lines: str) -> Callable[[Asked], Answer]:
    """Bars as comma-joined texts."""
    return lambda _: as_json({"rc": 0, "data": {"klines": list(lines)}})


# ------------------------------------------------------------------ what is answered by default

_SPOT = (
    *("f1", "f2", "f3", "f4", "f5", "f6", "f7", "f8", "f9", "f10", "f11", "f12", "f13", "f14", "f15", "f16", "f17"),
    *("f18", "f20", "f21", "f22", "f23", "f24", "f25"),
)
_ETF_CODES = (
    *(*_SPOT, "f30", "f31", "f32", "f33", "f34", "f35", "f38", "f62", "f63", "f64", "f65", "f66", "f69", "f72", "f75"),
    *("f78", "f81", "f84", "f87", "f115", "f124", "f128", "f140", "f141", "f136", "f152", "f184", "f297", "f402"),
    "f441",
)
_HK_CODES = (*_SPOT, "f62", "f115", "f128", "f140", "f141", "f136", "f152")
_HK_INDEX_CODES = (*_SPOT, "f26", "f33", "f62", "f115", "f128", "f140", "f141", "f136", "f152")
_SOUTHBOUND_CODES = (
    *(*_SPOT[:18], "f19", *_SPOT[18:], "f26", "f33", "f62", "f115", "f128", "f140", "f141", "f136", "f152"),
)
_BOARD_CODES = (
    *("f2", "f3", "f4", "f8", "f11", "f12", "f14", "f15", "f16", "f17", "f18", "f20", "f21", "f22", "f24", "f25"),
    *("f33", "f62", "f104", "f105", "f107", "f124", "f128", "f140", "f141", "f136"),
)
_MEMBER_CODES = (*_SPOT, "f45", "f62", "f115", "f128", "f140", "f141", "f136", "f152")


def etf_quotes() -> list[dict[str, Any]]:
    """Five ETFs; 2025-04-24 10:30 in Shanghai is 1745461800 since 1970."""
    names = {"159567": "港股创新药ETF", "159570": "港股通创新药ETF", "513120": "港股创新药", "510300": "沪深300ETF"}
    return [
        quoted(
            _ETF_CODES,
            f2=1.282,
            f3=3.72,
            f4=0.046,
            f5=1310000,
            f6=166500000.0,
            f12=code,
            f13=int(code.startswith("5")),
            f14=name,
            f15=1.286,
            f16=1.249,
            f17=1.249,
            f18=1.236,
            f38=3950000000,
            f124=1745461800,
            f297=20250424,
            f402=-0.15,
            f441=1.2801,
        )
        for code, name in sorted((names | {"511220": "城投债ETF"}).items())
    ]


def hk_quotes(codes: Sequence[str] = _HK_CODES) -> list[dict[str, Any]]:
    """Four shares of Hong Kong; the last has not traded."""
    quotes = [
        quoted(codes, f2=45.6, f3=2.7, f4=1.2, f5=12345600, f6=5.6e8, f12=code, f13=116, f14="股", f17=44.0, f18=44.4)
        for code in ("01801", "02269", "06160")
    ]
    return [*quotes, quoted(codes, f12="09999", f13=116, f14="停牌", f18=10.0)]


def hk_indices() -> list[dict[str, Any]]:
    """Four indices, HSI and HSTECH not on the first page."""
    levels = {"CES100": 6000.0, "HSCEI": 8100.5, "HSI": 21909.76, "HSTECH": 5003.41}
    return [
        quoted(_HK_INDEX_CODES, f2=level, f3=-0.74, f12=code, f13=124, f14=code, f17=level) | {"f18": 22072.62}
        for code, level in levels.items()
    ]


def boards() -> list[dict[str, Any]]:
    """Four concept boards."""
    names = {"BK0500": "融资融券", "BK0655": "可燃冰", "BK0900": "CRO概念", "BK0901": "创新药"}
    return [
        quoted(_BOARD_CODES, f2=1000.0, f3=1.0, f4=10.0, f8=2.0, f12=code, f14=name) for code, name in names.items()
    ]


def members() -> list[dict[str, Any]]:
    """Four companies on a board."""
    return [
        quoted(_MEMBER_CODES, f2=50.0, f3=1.0, f4=0.5, f12=code, f13=int(code[0] == "6"), f14="药")
        for code in ("002821", "300347", "300759", "603259")
    ]


def surveys(count: int = 4) -> list[dict[str, Any]]:
    """Visits of 2025-04-21, a record for each institution."""
    return [
        {
            "SECUCODE": "300347.SZ",
            "SECURITY_CODE": "300347",
            "SECURITY_NAME_ABBR": "泰格医药",
            "NOTICE_DATE": "2025-04-23 00:00:00",
            "RECEIVE_START_DATE": "2025-04-21 00:00:00",
            "RECEIVE_OBJECT": f"第{number}证券",
            "RECEIVE_PLACE": "公司会议室",
            "RECEIVE_WAY_EXPLAIN": "特定对象调研",
            "INVESTIGATORS": "张三,李四",
            "RECEPTIONIST": "董秘",
            "ORG_TYPE": "证券公司",
            "CLOSE_PRICE": 50.12,
            "CHANGE_RATE": 1.2,
        }
        for number in range(1, count + 1)
    ]


def survey_counts(records: Sequence[Record]) -> list[dict[str, Any]]:
    """The summary of these visits: a record each, with the number of institutions (``SUM``), in the order that
    akshare's positions ask for."""
    keys = ("SECURITY_CODE", "RECEIVE_START_DATE", "NOTICE_DATE")
    first: dict[tuple[Any, ...], Record] = {}
    counts: Counter[tuple[Any, ...]] = Counter()
    for record in records:
        visit = tuple(record[key] for key in keys)
        first.setdefault(visit, record)
        counts[visit] += 1
    return [
        {
            **{name: record[name] for name in ("SECUCODE", "SECURITY_CODE", "SECURITY_NAME_ABBR")},
            "ORG_CODE": "10000001",
            **{name: record[name] for name in ("NOTICE_DATE", "RECEIVE_START_DATE")},
            **{f"FIELD_{number}": None for number in range(6, 13)},
            "RECEIVE_PLACE": record["RECEIVE_PLACE"],
            "FIELD_14": None,
            "RECEIVE_WAY_EXPLAIN": record["RECEIVE_WAY_EXPLAIN"],
            "FIELD_16": None,
            "RECEPTIONIST": record["RECEPTIONIST"],
            **{f"FIELD_{number}": None for number in range(18, 23)},
            "SUM": counts[visit],
            **{f"FIELD_{number}": None for number in range(24, 30)},
            "CLOSE_PRICE": 50.12,
            "CHANGE_RATE": 1.2,
        }
        for visit, record in first.items()
    ]


def summary_asked(asked: Asked) -> bool:
    """Whether a question to the data centre is for the summary of visits."""
    return asked.query["reportName"] == "RPT_ORG_SURVEYNEW"


def serve_surveys(server: FakeProvider, details: Sequence[Record], counts: Sequence[Record] | None = None) -> None:
    """Both reports of visits, which have one address. ``counts``: the summary's records, where they do not agree."""
    summary = found(survey_counts(details) if counts is None else counts)
    detail = found(details)
    server.listing(
        SURVEYS,
        lambda asked: summary(asked) if summary_asked(asked) else detail(asked),
        survey_list,
        paged("pageNumber", "pageSize"),
    )


_CONDITION = re.compile(r"\((\w+)(<=|>=|>|=)['\"]([^'\"]*)['\"]\)")


def found(records: Sequence[Record]) -> Callable[[Asked], Sequence[Record]]:
    """The records that meet the conditions of ``filter`` as far as they speak of days."""

    def meets(record: Record, asked: Asked) -> bool:
        for name, sign, value in _CONDITION.findall(asked.query["filter"]):
            day = str(record.get(name, ""))[:10]
            if name.endswith("_DATE") and not {"<=": day <= value, ">=": day >= value, ">": day > value}[sign]:
                return False
        return True

    return lambda asked: [record for record in records if meets(record, asked)]


def survey_list(records: Sequence[Record], total: int, asked: Asked) -> Answer:
    """The data centre's answer; without records it has no result."""
    if not total:
        return as_json({"version": None, "result": None, "success": False, "message": "返回数据为空", "code": 9201})
    pages = -(-total // int(asked.query["pageSize"]))
    result = {"pages": pages, "data": list(records), "count": total}
    return as_json({"version": "1", "result": result, "success": True, "message": "ok", "code": 0})


def net_values() -> list[dict[str, Any]]:
    """Three days of unit values, the youngest first."""
    days = {"2025-04-24": ("1.2706", "1.2706", "2.71"), "2025-04-23": ("1.2371", "1.2371", "0.40")}
    return [
        {"FSRQ": day, "DWJZ": unit, "LJJZ": accumulated, "JZZZL": rate, "SGZT": "场内买入", "SHZT": "场内卖出"}
        for day, (unit, accumulated, rate) in days.items()
    ]


def net_value_list(records: Sequence[Record], total: int, _: Asked) -> Answer:
    """``Data.LSJZList`` with ``TotalCount``."""
    return as_json({"Data": {"LSJZList": list(records)}, "ErrCode": 0, "ErrMsg": None, "TotalCount": total})


def sse_shares(records: Sequence[Record], total: int, _: Asked) -> Answer:
    """Shanghai's table of a day."""
    return as_json({"result": list(records), "pageHelp": {"total": total}})


def sse_counts() -> list[dict[str, Any]]:
    """Two funds, in 万份 as the exchange counts."""
    counts = {"510300": ("沪深300ETF", "9136752.94"), "513120": ("港股创新药", "1234567.8901")}
    return [
        {
            "NUM": str(n),
            "SEC_CODE": c,
            "SEC_NAME": name,
            "ETF_TYPE": "跨境",
            "STAT_DATE": "2025-04-24",
            "TOT_VOL": total,
        }
        for n, (c, (name, total)) in enumerate(counts.items(), 1)
    ]


def _hk_sina(asked: Asked) -> Answer:
    if asked.query["page"] != "1":
        return as_json(None)
    names = (
        *("symbol", "name", "engname", "tradetype", "lasttrade", "prevclose", "open", "high", "low", "volume"),
        *("currentvolume", "amount", "ticktime", "buy", "sell", "high_52week", "low_52week", "eps", "dividend"),
        *("stocks_sum", "pricechange", "changepercent", "market_value", "pe_ratio"),
    )
    values = (
        *("01801", "信达生物", "INNOVENT BIO", "EQTY", "45.600", "44.400", "44.000", "46.000", "43.900", "12345600"),
        *("0", "560000000", "2025/04/24 16:08:21", "45.55", "45.60", "50", "30", "0", "0"),
        *("1600000000", "1.200", "2.7027", "72960000000", "0"),
    )
    return as_json([dict(zip(names, values, strict=True))])


def _hk_index_sina(_: Asked) -> Answer:
    lines = [
        f'var hq_str_hk{code}="{code},{name},21800.100,22072.620,22000.000,21700.000,21909.760,-162.860,-0.740'
        + ",0" * 10
        + '";'
        for code, name in (("HSI", "恒生指数"), ("HSTECH", "恒生科技指数"))
    ]
    return Answer("\n".join(lines).encode("gb18030"), content_type="application/javascript; charset=GB18030")


_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


def sina_bars(first_day: int, bars: Sequence[tuple[int, int, int, int, int]]) -> str:
    """Daily bars in the bit stream that akshare's ``hk_js_decode`` reads (its form 1479).

    ``first_day``: days since 1990-12-19 of the first bar, the others follow on the next weekdays. ``bars``: open,
    high, low, close in hundredths, and volume. Six bits a letter, the lowest first; widths are set so that every
    record ends with a letter.
    """
    bits: list[int] = []

    def put(value: int, width: int) -> None:
        bits.extend(value >> place & 1 for place in range(width))

    put(1479, 12)
    put(63, 6)  # version 0
    put(2, 6)  # decimals
    put(first_day, 18)  # less one is where the first step begins
    put(1, 3)
    put(3, 3)
    close, volume = 0, 0
    for number, (opens, high, low, closes, traded) in enumerate(bars):
        put(0 if number else 32, 6)
        if not number:
            put(63, 6)  # widths of all records: prices (7 + 1) × 3 bits, volumes (7 + 3) × 3
            put(7, 3)
            put(7, 3)
        for figure, width in ((opens - close, 24), (high - opens, 24), (opens - low, 24), (closes - opens, 24)):
            put(figure % (1 << width), width)
        put((traded - volume) % (1 << 30), 30)
        close, volume = closes, traded
    letters = [sum(bit << place for place, bit in enumerate(bits[at : at + 6])) for at in range(0, len(bits), 6)]
    return "".join(_ALPHABET[letter] for letter in letters)


def _hk_index_bars_sina(_: Asked) -> Answer:
    # 2025-04-23 is day 12544 since 1990-12-19
    bars = sina_bars(12544, [(2180000, 2210000, 2170000, 2207262, 1000), (2180010, 2200000, 2170000, 2190976, 2000)])
    return Answer(f'var KLC_KL_HSI="{bars}";'.encode(), content_type="application/javascript")


def _szse(asked: Asked) -> Answer:
    if asked.query["CATALOGID"] == "scsj_fund_jjgm":
        return workbook(
            ("日期", "基金代码", "基金简称", "基金规模(份)"), [("2025-04-24", 159567, "港股创新药ETF", "395,000,000")]
        )
    if asked.query["TABKEY"] == "tab1":
        header = ("适用日期", "参考汇率买入价", "参考汇率卖出价", "货币种类")
        return workbook(header, [("2025-04-24", "0.9102", "0.9666", "HKD"), ("2016-12-05", "0.8599", "0.9131", "HKD")])
    header = ("适用日期", "买入结算汇兑比率", "卖出结算汇兑比率", "货币种类")
    return workbook(header, [("2016-12-06", "0.88698", "0.88682", "HKD"), ("2016-12-05", "0.88621", "0.88679", "HKD")])


_CSI_FIELDS = (
    *("tradeDate", "indexCode", "indexNameCnAll", "indexNameCn", "indexNameEnAll", "indexNameEn", "open", "high"),
    *("low", "close", "change", "changePct", "tradingVol", "tradingValue", "consNumber", "peg"),
)
_CSI_VALUES = (
    *("20250424", "931250", "中证港股通创新药指数", "港股通创新药", "CSI HK Connect Innovative Drug Index", "HKC"),
    *(1000.1, 1020.2, 995.5, 1010.4, 10.4, 1.04, 123.4567, 98.76, 50, 30.1),
)
_CSI_MEMBERS = (
    *("日期Date", "指数代码 Index Code", "指数名称 Index Name", "指数英文名称Index Name(Eng)"),
    *("成份券代码Constituent Code", "成份券名称Constituent Name", "成份券英文名称Constituent Name(Eng)"),
    *("交易所Exchange", "交易所英文名称Exchange(Eng)", "权重(%)weight"),
)


def install(server: FakeProvider) -> None:
    """Answer everything that the datasets ask for."""
    server.route(
        ETF_BARS,
        lambda asked: (
            klines(
                "2025-04-23,21800.00,22072.62,22100.00,21700.00,0,0,0,0,0,0,0,0,0",
                "2025-04-24,21800.10,21909.76,22000.00,21700.00,0,0,0,0,0,0,0,0,0",
            )
            if asked.query["secid"].endswith((".HSI", ".HSTECH"))
            else klines("2025-04-24,1.249,1.269,1.286,1.249,8955656,1137048638.7,2.99,2.67,0.033,100.0")
        )(asked),
    )
    server.route(
        ETF_MINUTES,
        lambda _: as_json(
            {
                "rc": 0,
                "data": {
                    "trends": [
                        "2025-04-24 09:30,1.249,1.249,1.249,1.249,12345,1541890.50,1.249",
                        "2025-04-24 09:31,1.249,1.252,1.253,1.248,23456,2933150.00,1.251",
                    ]
                },
            }
        ),
    )
    server.listing(ETF_QUOTES, etf_quotes(), quote_list, quote_window)
    server.route(HK_BARS, klines("2025-04-24,44.0,45.6,46.0,43.9,12345600,560000000.0,4.73,2.7,1.2,0.77"))
    server.listing(HK_QUOTES, hk_quotes(), quote_list, quote_window)
    server.listing(HK_INDEX_QUOTES, hk_indices(), quote_list, quote_window)
    server.listing(SOUTHBOUND, hk_quotes(_SOUTHBOUND_CODES), quote_list, quote_window)
    server.listing(BOARDS, boards(), quote_list, quote_window)
    server.listing(MEMBERS, members(), quote_list, quote_window)
    serve_surveys(server, surveys())
    server.listing(NET_VALUES, net_values(), net_value_list, paged("pageIndex", "pageSize"))
    server.listing(
        SSE, lambda asked: [r for r in sse_counts() if r["STAT_DATE"] == asked.query["STAT_DATE"]], sse_shares
    )
    server.route(SZSE, _szse)
    bar = ["2025-04-24", 0, 1220.5, 1190.1, 1185.0, 1210.3, 0, "1.11%", 98.7654, 123.4567, 0]
    server.route(CNI_BARS, lambda _: as_json({"code": 200, "data": {"data": [bar]}}))
    server.route(
        CNI_WEIGHTS,
        workbook(
            ("日期", "样本代码", "样本简称", "所属行业", "总市值", "权重"),
            [
                ("2025-03-31", 1801, "信达生物", "医药卫生", 700.1, 60.5),
                ("2025-03-31", 2269, "药明生物", "医药卫生", 1, 39.5),
            ],
        ),
    )
    csi_bar = dict(zip(_CSI_FIELDS, _CSI_VALUES, strict=True))
    server.route(CSI_BARS, lambda _: as_json({"code": "200", "msg": "Success", "data": [csi_bar], "success": True}))
    name = ("中证港股通创新药指数", "CSI HK Connect Innovative Drug Index")
    exchange = ("香港联合交易所", "Stock Exchange of Hong Kong")
    server.route(
        CSI_WEIGHTS,
        workbook(
            _CSI_MEMBERS,
            [
                (20250331, "931250", *name, code, drug, "", *exchange, weight)
                for code, drug, weight in (("01801", "信达生物", 60.5), ("02269", "药明生物", 39.5))
            ],
        ),
    )
    server.route(HK_INDEX_QUOTES_SINA, _hk_index_sina)
    server.route(HK_INDEX_BARS_SINA, _hk_index_bars_sina)
    server.route(HK_QUOTES_SINA, _hk_sina)
    server.route(
        SHENWAN,
        workbook(
            ("股票代码", "计入日期", "行业代码", "更新日期"),
            [("300347", "2021-07-30 00:00:00", "370502", "2021-07-31 00:00:00")],
        ),
    )
