"""Workbooks and lists of exchanges and index providers."""

from __future__ import annotations

import datetime as dt
import io

import pytest
from openpyxl import Workbook

from tests.support.warehouse_home import Home, counts
from tests.unit.dialects.figures import Case, check, utc


def _workbook(*rows: list[object]) -> bytes:
    book = Workbook()
    for row in rows:
        book.active.append(row)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


FIGURES: dict[tuple[str, str], Case] = {
    ("szse.fund_scale_daily", "Shenzhen workbook: before the open of its date, thousands commas"): (
        "etf_shares/szse.csv",
        '日期,基金代码,基金简称,基金规模(份)\n2025-04-24,159567,港股创新药ETF,"1,234,567,890"\n',
        [
            {
                "etf_code": "159567.SZ",
                "share_date": dt.date(2025, 4, 24),
                "share_basis": "open_of_day",
                "shares": 1_234_567_890,
                "knowledge_at": utc("2025-04-24 09:15"),
            }
        ],
    ),
    ("sse.etf_scale", "Shanghai query service: ten thousands"): (
        "etf_shares/query.json",
        '{"result":[{"SEC_CODE":"510300","SEC_NAME":"300ETF","STAT_DATE":"2025-01-15","TOT_VOL":"9106248.77"}]}',
        [{"etf_code": "510300.SH", "share_basis": "close_of_day", "shares": 91_062_487_700}],
    ),
    ("cni.sample_detail", "CNI weights: six digits that are Hong Kong codes, percent"): (
        "index_weights/987018.CNI.csv",
        "日期,样本代码,样本简称,所属行业,总市值,权重\n2025-03-31,001801,信达生物,医药卫生,700.5,9.52\n",
        [{"index_code": "987018.CNI", "security_code": "01801.HK", "weight": pytest.approx(0.0952)}],
    ),
    ("csi.closeweight", "CSI closeweight of mainland shares"): (
        "index_weights/000300closeweight.csv",
        "日期Date,指数代码 Index Code,指数名称 Index Name,指数英文名称Index Name(Eng),成份券代码Constituent Code,"
        "成份券名称Constituent Name,成份券英文名称Constituent Name(Eng),交易所Exchange,交易所英文名称Exchange(Eng),"
        "权重(%)weight\n20250331,000300,沪深300,CSI 300,600519,贵州茅台,Kweichow Moutai,上海证券交易所,SSE,4.9\n",
        [{"index_code": "000300.SH", "security_code": "600519.SH", "weight": pytest.approx(0.049)}],
    ),
    ("szse.fund_scale_daily", "Shenzhen workbook as delivered: codes as integers, commas"): (
        "etf_shares/szse/fund_scale_daily/20250424.xlsx",
        _workbook(
            ["日期", "基金代码", "基金简称", "基金规模(份)"], ["2025-04-24", 159567, "港股创新药ETF", "1,234,567,890"]
        ),
        [{"etf_code": "159567.SZ", "share_basis": "open_of_day", "shares": 1_234_567_890}],
    ),
    ("szse.fund_list", "Shenzhen fund list: shares before the open of the day in the name"): (
        "etf_shares/szse/fund_list/20250424T091000+0800.xlsx",
        _workbook(
            [
                "基金代码",
                "基金简称",
                "基金类别",
                "投资类别",
                "上市日期",
                "当前规模(份)",
                "基金管理人",
                "基金发起人",
                "基金托管人",
                "净值",
            ],
            [
                "159567",
                "港股创新药ETF",
                "ETF",
                "跨境ETF",
                "2024-01-12",
                "1,234,567,890",
                "银华基金",
                "银华基金",
                "招商银行",
                "1.27",
            ],
        ),
        [
            {
                "etf_code": "159567.SZ",
                "share_date": dt.date(2025, 4, 24),
                "share_basis": "open_of_day",
                "shares": 1_234_567_890,
                "knowledge_at": utc("2025-04-24 09:15"),
            }
        ],
    ),
    ("szse.fund_list", "Shenzhen fund list by way of akshare, as a list of funds"): (
        "etf_profiles/list.csv",
        "基金代码,基金简称,基金类别,投资类别,上市日期,基金份额,基金管理人,基金发起人,基金托管人,净值\n"
        "159567,港股创新药ETF,ETF,跨境ETF,2024-01-12,1234567890,银华基金,银华基金,招商银行,1.27\n",
        [
            {
                "etf_code": "159567.SZ",
                "name_zh": "港股创新药ETF",
                "manager": "银华基金",
                "listed_on": dt.date(2024, 1, 12),
            }
        ],
    ),
    ("cni.sample_detail", "CNI workbook of seven columns, units in the headers, codes as integers"): (
        "index_weights/cni/987018.xlsx",
        _workbook(
            ["日期", "样本代码", "样本简称", "所属行业", "自由流通市值（亿元）", "总市值（亿元）", "权重（%）"],
            ["2025-03-31", 1801, "信达生物", "医药卫生", 600.1, 700.5, 9.52],
            ["2025-03-31", 13, "和黄医药", "医药卫生", 100.1, 200.5, 0.47],
        ),
        [
            {"index_code": "987018.CNI", "security_code": "01801.HK", "weight": pytest.approx(0.0952)},
            {"security_code": "00013.HK", "weight": pytest.approx(0.0047)},
        ],
    ),
    ("cni.sample_detail", "CNI list without industries: five columns"): (
        "index_weights/399001.csv",
        "日期,样本代码,样本简称,总市值,权重\n2025-03-31,000001,平安银行,2200.5,1.52\n",
        [{"index_code": "399001.SZ", "security_code": "000001.SZ", "weight": pytest.approx(0.0152)}],
    ),
    (
        "exchanges.southbound_notice",
        "notices of what comes into Stock Connect and what leaves: the exchange in the path",
    ): (
        "connect_eligibility/sse/2025-09-08.csv",
        "证券代码,中文简称,英文简称,调整内容,调整生效日期\n02617,药捷安康－Ｂ,TRANSTHERA-B,调入,2025-09-08\n"
        "01477,欧康维视生物－Ｂ,OCUMENSION-B,调出,2025/9/8\n",
        [
            {
                "security_code": "02617.HK",
                "channel": "SH_HK",
                "valid_from": dt.date(2025, 9, 8),
                "sell_only": False,
                "knowledge_at": utc("2025-09-08 00:00"),
            },
            {"security_code": "01477.HK", "sell_only": True},
        ],
    ),
}


@pytest.mark.parametrize(
    ("dialect", "case"), [(key[0], case) for key, case in FIGURES.items()], ids=[key[1] for key in FIGURES]
)
def test_figures(home: Home, dialect: str, case: Case) -> None:
    check(home, dialect, case)


@pytest.mark.parametrize("index", ["123456.CNI", "931409.CSI"])
def test_members_of_an_index_of_unknown_or_mixed_market_are_not_guessed(home: Home, index: str) -> None:
    home.land(f"index_weights/{index}.csv", "日期,样本代码,样本简称,权重\n2025-03-31,001801,信达生物,9.52\n")
    home.run()
    assert not home.raw("index_weights")
    assert "its index has no one market" in home.reasons()[0]


def test_shares_without_a_date_are_refused_with_what_is_missing(home: Home) -> None:
    text = (
        "基金代码,基金简称,基金类别,投资类别,上市日期,基金份额,基金管理人,净值\n"
        "159567,创新药,ETF,跨境,2024-01-12,1000,银华,1.2\n"
    )
    home.land("etf_shares/list.csv", text)
    home.run()
    assert "share_date is no column and the path does not tell it" in home.reasons()[0]


@pytest.mark.parametrize("table", ["etf_profiles", "etf_shares"])
def test_other_funds_of_the_shenzhen_list_are_no_etfs(home: Home, table: str) -> None:
    home.land(
        f"{table}/20250424T091000+0800.csv",
        "基金代码,基金简称,基金类别,投资类别,上市日期,基金份额,基金管理人,基金发起人,基金托管人,净值\n"
        "159567,港股创新药ETF,ETF,跨境ETF,2024-01-12,1234567890,银华基金,银华基金,招商银行,1.27\n"
        "180101,博时蛇口产园REIT,不动产基金,不动产,2021-06-21,900000000,博时基金,博时基金,招商银行,2.3\n"
        "161725,招商白酒LOF,LOF,股票,2015-06-05,900000000,招商基金,招商基金,中国银行,0.8\n",
    )
    assert counts(home.run()[table]) == (3, 1, 2, 0)
    assert [row["etf_code"] for row in home.raw(table)] == ["159567.SZ"]
    assert home.reasons()[0] == "基金类别: found '不动产基金', and only ETF belongs here"
