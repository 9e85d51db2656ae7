"""Providers' headers, units and codes: which dialect a header is taken for, and what its figures become."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from typing import Any

import pytest

from orchestration.contracts import CONTRACTS, TABLES
from orchestration.dialects import NoDialectError, canonical, dialects_of, match_header
from orchestration.dialects.base import Dialect
from tests.support.warehouse_home import Home, counts

EVERY_DIALECT = [dialect for table in TABLES for dialect in dialects_of(table)]
DECLARED = [dialect for dialect in EVERY_DIALECT if dialect.name != "canonical"]

CRUNCHBASE_ROUNDS = (
    "uuid,name,type,permalink,cb_url,rank,created_at,updated_at,country_code,state_code,region,city,investment_type,"
    "announced_on,raised_amount_usd,raised_amount,raised_amount_currency_code,post_money_valuation_usd,"
    "post_money_valuation,post_money_valuation_currency_code,investor_count,org_uuid,org_name,lead_investor_uuids"
)
CRUNCHBASE_ROUNDS_2016 = (
    "company_name,country_code,state_code,region,city,company_category_list,funding_round_type,funding_round_code,"
    "announced_on,raised_amount_usd,raised_amount,raised_amount_currency_code,target_money_raised_usd,"
    "target_money_raised,target_money_raised_currency_code,post_money_valuation_usd,post_money_valuation,"
    "post_money_currency_code,investor_count,investor_names,cb_url,company_uuid,funding_round_uuid,created_at,updated_at"
)
CSINDEX_BARS = (
    "日期,指数代码,指数中文全称,指数中文简称,指数英文全称,指数英文简称,开盘,最高,最低,收盘,涨跌,涨跌幅,成交量,成交金额,"
    "样本数量,滚动市盈率"
)
HIST = "日期,开盘,收盘,最高,最低,成交量,成交额,振幅,涨跌幅,涨跌额,换手率"
TUSHARE_BARS = "ts_code,trade_date,open,high,low,close,pre_close,change,pct_chg,vol,amount"


def _full_header(dialect: Dialect) -> list[str]:
    """Every column that a dialect names, plus the key columns that have to be added to its files."""
    named = [c.source for c in dialect.columns] + [c.source for view in dialect.views for c in view.columns]
    named += [*dialect.ignored, *dialect.required, *dialect.identified_by]
    if dialect.dated_columns is not None:
        named += [f"2025-04-24-{field}" for field, _ in dialect.dated_fields]
    header = list(dict.fromkeys(name.lower() for name in named))
    contract = CONTRACTS[dialect.table]
    given = {c.target for c in dialect.columns} | {c.target for view in dialect.views for c in view.columns}
    given |= {name for name, _ in (*dialect.constants, *dialect.constants_by_suffix, *dialect.path_columns)}
    given |= {name for view in dialect.views for name, _ in view.constants}
    given |= {dialect.name_key or "", dialect.derived_key or "", dialect.dated_target or ""}
    return header + [key for key in contract.key if key not in given]


def _refusal(table: str, header: list[str]) -> str:
    try:
        match_header(table, header)
    except NoDialectError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("dialect", EVERY_DIALECT, ids=lambda d: f"{d.table}-{d.name}")
def test_every_dialect_speaks_of_columns_that_its_contract_has(dialect: Dialect) -> None:
    known = set(CONTRACTS[dialect.table].columns)
    targets = {c.target for c in dialect.columns} | {c.target for view in dialect.views for c in view.columns}
    targets |= {name for name, _ in (*dialect.constants, *dialect.constants_by_suffix, *dialect.path_columns)}
    targets |= {name for view in dialect.views for name, _ in view.constants}
    targets |= {target for _, target in dialect.dated_fields}
    targets |= {name for name in (dialect.name_key, dialect.derived_key, dialect.dated_target) if name}
    targets |= {c.change_from for c in dialect.columns if c.change_from}
    assert targets <= known
    ignored = {name.lower() for name in dialect.ignored}
    assert not ignored & {c.source.lower() for c in dialect.columns}, "a column is read or ignored, not both"


@pytest.mark.parametrize("table", TABLES)
def test_names_of_dialects_are_unique_in_a_table(table: str) -> None:
    names = [dialect.name for dialect in dialects_of(table)]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("table", TABLES)
def test_canonical_header_is_canonical(table: str) -> None:
    assert match_header(table, list(CONTRACTS[table].columns)).dialect.name == "canonical"


@pytest.mark.parametrize("dialect", DECLARED, ids=lambda d: f"{d.table}-{d.name}")
def test_a_dialect_knows_its_own_header(dialect: Dialect) -> None:
    found = match_header(dialect.table, _full_header(dialect))
    assert found.dialect.name == dialect.name
    assert not found.unknown


@pytest.mark.parametrize("dialect", DECLARED, ids=lambda d: f"{d.table}-{d.name}")
def test_a_column_less_never_makes_two_dialects_fit_equally_well(dialect: Dialect) -> None:
    """A tie refuses the file (R60); providers drop columns without notice."""
    header = _full_header(dialect)
    for dropped in header:
        shorter = [name for name in header if name != dropped]
        assert "equally well" not in _refusal(dialect.table, shorter), dropped


@pytest.mark.parametrize(
    ("table", "header", "expected"),
    [
        ("etf_bars", HIST, "akshare.fund_etf_hist_em"),
        (
            "etf_bars",
            "datetime,open,close,high,low,volume,成交额,振幅,涨跌幅,涨跌额,换手率",
            "akshare.fund_etf_hist_em.renamed",
        ),
        ("etf_bars", TUSHARE_BARS, "tushare.fund_daily"),
        ("etf_shares", "序号,基金代码,基金简称,ETF类型,统计日期,基金份额", "akshare.fund_etf_scale_sse"),
        ("etf_shares", "日期,基金代码,基金简称,基金份额", "szse.fund_scale_daily"),
        ("etf_shares", "日期,基金代码,基金简称,基金规模(份)", "szse.fund_scale_daily"),
        ("etf_shares", "ts_code,trade_date,fd_share", "tushare.fund_share"),
        (
            "etf_shares",
            "trade_date,ts_code,etf_name,total_share,total_size,nav,close,exchange",
            "tushare.etf_share_size",
        ),
        ("etf_nav", "净值日期,单位净值,累计净值,日增长率,申购状态,赎回状态", "akshare.fund_etf_fund_info_em"),
        ("index_bars", "日期,开盘价,最高价,最低价,收盘价,涨跌幅,成交量,成交额", "akshare.index_hist_cni"),
        ("index_bars", "date,open,high,low,latest", "akshare.stock_hk_index_daily_em"),
        ("index_bars", "date,open,close,volume", "yahoo.index_history"),
        ("index_bars", CSINDEX_BARS, "akshare.stock_zh_index_hist_csindex"),
        ("index_bars", TUSHARE_BARS, "tushare.index_daily"),
        ("index_bars", TUSHARE_BARS.replace("vol,amount", "swing,vol"), "tushare.index_global"),
        (
            "index_quotes",
            "代码,名称,最新价,涨跌额,涨跌幅,昨收,今开,最高,最低,quote_ts",
            "akshare.stock_hk_index_spot_sina",
        ),
        ("index_weights", "日期,样本代码,样本简称,所属行业,总市值,权重", "cni.sample_detail"),
        ("index_weights", "日期,样本代码,样本简称,所属行业,总市值,权重（%）", "cni.sample_detail"),
        ("index_weights", "index_code,con_code,trade_date,weight", "tushare.index_weight"),
        ("index_weights", "Symbol,Name", "yfiua.constituents"),
        ("index_weights", "Symbol,Name,index_code,weight_date", "yfiua.constituents"),
        ("security_bars", HIST, "akshare.stock_hk_hist"),
        ("security_bars", HIST.replace("日期,", "日期,股票代码,"), "akshare.stock_zh_a_hist"),
        ("security_bars", TUSHARE_BARS, "tushare.daily"),
        ("security_bars", "Date,Open,High,Low,Close,Volume,Dividends,Stock Splits", "yahoo.security_history"),
        ("security_bars", "date,open,high,low,close,volume", "akshare.stock_hk_daily"),
        ("funding_rounds", CRUNCHBASE_ROUNDS, "crunchbase.funding_rounds"),
        ("funding_rounds", f"{CRUNCHBASE_ROUNDS},deleted_at,knowledge_at", "crunchbase.funding_rounds"),
        ("funding_rounds", CRUNCHBASE_ROUNDS_2016, "crunchbase.funding_rounds_2016"),
        (
            "broker_visits",
            "序号,代码,名称,最新价,涨跌幅,调研机构,机构类型,调研人员,接待方式,接待人员,接待地点,调研日期,公告日期",
            "akshare.stock_jgdy_detail_em",
        ),
        (
            "sector_members",
            "l1_code,l1_name,l2_code,l2_name,l3_code,l3_name,ts_code,name,in_date,out_date,is_new",
            "tushare.index_member_all",
        ),
    ],
)
def test_headers_of_providers(table: str, header: str, expected: str) -> None:
    found = match_header(table, header.split(","))
    assert found.dialect.name == expected
    assert not found.unknown


def test_shares_without_a_date_are_refused_with_what_is_missing(home: Home) -> None:
    header = "基金代码,基金简称,基金类别,投资类别,上市日期,基金份额,基金管理人,净值"
    row = f"{header}\n159567,创新药,ETF,跨境,2024-01-12,1000,银华,1.2\n"
    home.land("etf_shares/list.csv", row)
    home.run()
    assert "share_date is no column and the path does not tell it" in home.reasons()[0]


def test_bars_renamed_to_english_need_the_column_that_tells_their_unit() -> None:
    """Without 成交额 nothing says that the volume is in lots: a guess would be wrong by a hundred."""
    with pytest.raises(NoDialectError):
        match_header("etf_bars", ["datetime", "open", "close", "high", "low", "volume"])


def test_canonical_dialect_takes_the_code_of_daily_bars_from_the_name() -> None:
    assert canonical(CONTRACTS["etf_bars"]).name_key == "etf_code"
    assert canonical(CONTRACTS["etf_profiles"]).name_key is None


def _utc(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(f"{text}+08:00").astimezone(dt.UTC)


# (landed name, text, raw rows as the columns that the case is about)
Case = tuple[str, str, list[dict[str, Any]]]

FIGURES: dict[str, Case] = {
    "akshare ETF bars: lots, change instead of a reference price": (
        "etf_bars/159567.csv",
        f"{HIST}\n2025-04-24,1.249,1.269,1.286,1.249,8955656,1137048638.7,2.99,2.67,0.033,100.0\n",
        [
            {
                "etf_code": "159567.SZ",
                "trade_date": dt.date(2025, 4, 24),
                "open": Decimal("1.2490"),
                "prev_close": Decimal("1.2360"),
                "volume_shares": 895_565_600,
                "turnover_cny": Decimal("1137048638.70"),
                "knowledge_at": _utc("2025-04-24 15:00"),
            }
        ],
    ),
    "Tushare ETF bars: lots and thousand yuan": (
        "etf_bars/fund_daily.csv",
        f"{TUSHARE_BARS}\n510300.SH,20250424,3.9,3.95,3.88,3.91,3.9,0.01,0.2564,123456.78,48271.123\n",
        [
            {
                "etf_code": "510300.SH",
                "prev_close": Decimal("3.9000"),
                "volume_shares": 12_345_678,
                "turnover_cny": Decimal("48271123.00"),
            }
        ],
    ),
    "akshare ETF quotes: lots, a time with its zone": (
        "etf_quotes/spot.csv",
        "代码,名称,最新价,IOPV实时估值,基金折价率,成交量,成交额,开盘价,昨收,更新时间\n"
        "159567,港股创新药ETF,1.282,1.2801,-0.15,1310000,166500000.0,1.249,1.236,2025-04-24 10:30:00+08:00\n",
        [
            {
                "etf_code": "159567.SZ",
                "quote_ts": _utc("2025-04-24 10:30"),
                "last": Decimal("1.2820"),
                "iopv": Decimal("1.2801"),
                "volume_shares": 131_000_000,
                "turnover_cny": Decimal("166500000.00"),
            }
        ],
    ),
    "Shenzhen workbook: before the open of its date, thousands commas": (
        "etf_shares/szse.csv",
        '日期,基金代码,基金简称,基金规模(份)\n2025-04-24,159567,港股创新药ETF,"1,234,567,890"\n',
        [
            {
                "etf_code": "159567.SZ",
                "share_date": dt.date(2025, 4, 24),
                "share_basis": "open_of_day",
                "shares": 1_234_567_890,
                "knowledge_at": _utc("2025-04-24 09:15"),
            }
        ],
    ),
    "Shanghai list: after the close of its date, float noise": (
        "etf_shares/sse.csv",
        "序号,基金代码,基金简称,ETF类型,统计日期,基金份额\n1,510410,资源ETF,单市,2025-01-15,340258399.99999994\n",
        [
            {
                "etf_code": "510410.SH",
                "share_basis": "close_of_day",
                "shares": 340_258_400,
                "knowledge_at": _utc("2025-01-15 20:00"),
            }
        ],
    ),
    "Shanghai query service: ten thousands": (
        "etf_shares/query.json",
        '{"result":[{"SEC_CODE":"510300","SEC_NAME":"300ETF","STAT_DATE":"2025-01-15","TOT_VOL":"9106248.77"}]}',
        [{"etf_code": "510300.SH", "share_basis": "close_of_day", "shares": 91_062_487_700}],
    ),
    "Tushare fund shares: ten thousands, basis by exchange": (
        "etf_shares/fund_share.csv",
        "ts_code,trade_date,fd_share\n159880.SZ,20251105,37355.1518\n510300.SH,20251105,9106248.77\n",
        [
            {"etf_code": "159880.SZ", "share_basis": "open_of_day", "shares": 373_551_518},
            {"etf_code": "510300.SH", "share_basis": "close_of_day", "shares": 91_062_487_700},
        ],
    ),
    "Tushare NAV: known on the day of its announcement": (
        "etf_nav/fund_nav.csv",
        "ts_code,ann_date,nav_date,unit_nav,accum_nav,accum_div,net_asset,total_netasset,adj_nav\n"
        "159567.SZ,20250425,20250424,1.2702,1.2702,,,,1.2702\n",
        [
            {
                "nav_date": dt.date(2025, 4, 24),
                "unit_nav": Decimal("1.2702"),
                "published_on": dt.date(2025, 4, 25),
                "knowledge_at": _utc("2025-04-25 09:00"),
            }
        ],
    ),
    "akshare daily NAV: dates inside the headers": (
        "etf_nav/daily.csv",
        "基金代码,基金简称,类型,2026-02-27-单位净值,2026-02-27-累计净值,2026-02-26-单位净值,2026-02-26-累计净值,"
        "增长值,增长率,市价,折价率\n"
        "159716,深证100ETF华宝,指数型-股票,1.1672,1.1672,1.1778,1.1778,-0.0106,-0.90%,1.1670,0.02%\n",
        [
            {"nav_date": dt.date(2026, 2, 26), "unit_nav": Decimal("1.1778")},
            {"nav_date": dt.date(2026, 2, 27), "unit_nav": Decimal("1.1672")},
        ],
    ),
    "CNI bars: ten thousand lots, hundred million yuan": (
        "index_bars/987018.CNI.csv",
        "日期,开盘价,最高价,最低价,收盘价,涨跌幅,成交量,成交额\n"
        "2025-04-24,1000.1,1020.2,990.3,1010.4,0.0111,1234.5678,99.123456\n",
        [
            {
                "index_code": "987018.CNI",
                "close": Decimal("1010.4000"),
                "prev_close": None,
                "volume_shares": 1_234_567_800,
                "turnover": Decimal("9912345600.00"),
            }
        ],
    ),
    "Hang Seng bars: latest is the close": (
        "index_bars/HSTECH.HI.csv",
        "date,open,high,low,latest\n2025-04-24,4800.11,4900.5,4790.2,4850.33\n",
        [{"index_code": "HSTECH.HI", "close": Decimal("4850.3300"), "knowledge_at": _utc("2025-04-24 16:00")}],
    ),
    "CSI bars: code in a column, change against the reference": (
        "index_bars/csindex.csv",
        f"{CSINDEX_BARS}\n20250424,931250,全称,简称,Full,Short,100,103,99,102,1.5,1.49,12.5,3.25,50,30.1\n",
        [
            {
                "index_code": "931250.CSI",
                "prev_close": Decimal("100.5000"),
                "volume_shares": 12_500_000,
                "turnover": Decimal("325000000.00"),
            }
        ],
    ),
    "CNI weights: six digits that are Hong Kong codes, percent": (
        "index_weights/987018.CNI.csv",
        "日期,样本代码,样本简称,所属行业,总市值,权重\n2025-03-31,001801,信达生物,医药卫生,700.5,9.52\n",
        [{"index_code": "987018.CNI", "security_code": "01801.HK", "weight": pytest.approx(0.0952)}],
    ),
    "CSI closeweight of mainland shares": (
        "index_weights/000300closeweight.csv",
        "日期Date,指数代码 Index Code,指数名称 Index Name,指数英文名称Index Name(Eng),成份券代码Constituent Code,"
        "成份券名称Constituent Name,成份券英文名称Constituent Name(Eng),交易所Exchange,交易所英文名称Exchange(Eng),"
        "权重(%)weight\n20250331,000300,沪深300,CSI 300,600519,贵州茅台,Kweichow Moutai,上海证券交易所,SSE,4.9\n",
        [{"index_code": "000300.SH", "security_code": "600519.SH", "weight": pytest.approx(0.049)}],
    ),
    "yfiua members: index and month in the path, no weight": (
        "index_weights/docs/2024/03/constituents-hsi.csv",
        "Symbol,Name\n0101.HK,Hang Lung Properties Ltd\n",
        [
            {
                "index_code": "HSI.HI",
                "weight_date": dt.date(2024, 3, 1),
                "security_code": "00101.HK",
                "weight": None,
            }
        ],
    ),
    "yfiua members: index and month in columns": (
        "index_weights/members.csv",
        "Symbol,Name,index_code,weight_date\n600519.SS,贵州茅台,000300.SH,2024-03-01\n",
        [{"index_code": "000300.SH", "weight_date": dt.date(2024, 3, 1), "security_code": "600519.SH"}],
    ),
    "akshare Hong Kong bars: shares": (
        "security_bars/01801.csv",
        f"{HIST}\n2025-04-24,48.5,50.1,50.4,48.2,12345600,615000000.5,4.5,3.3,1.6,0.75\n",
        [
            {
                "security_code": "01801.HK",
                "volume_shares": 12_345_600,
                "turnover": Decimal("615000000.50"),
                "prev_close": Decimal("48.5000"),
                "currency": "HKD",
            }
        ],
    ),
    "akshare mainland bars under the same header: lots": (
        "security_bars/600276.csv",
        f"{HIST}\n2025-04-24,48.5,50.1,50.4,48.2,123456,615000000.5,4.5,3.3,1.6,0.75\n",
        [{"security_code": "600276.SH", "volume_shares": 12_345_600, "currency": "CNY"}],
    ),
    "Tushare bars of both markets: the code tells the unit": (
        "security_bars/daily.csv",
        f"{TUSHARE_BARS}\n00700.HK,20250424,480,485,478,482.2,479,3.2,0.668,15176989,7300000000\n"
        "600519.SH,20250424,1550,1560,1540,1552,1548,4,0.258,25000.5,3880000.25\n",
        [
            {
                "security_code": "600519.SH",
                "volume_shares": 2_500_050,
                "turnover": Decimal("3880000250"),
                "currency": "CNY",
            },
            {
                "security_code": "00700.HK",
                "volume_shares": 15_176_989,
                "turnover": Decimal(7300000000),
                "currency": "HKD",
            },
        ],
    ),
    "Yahoo bars: midnight with a zone, float noise rounded once": (
        "security_bars/2359.HK.csv",
        "Date,Open,High,Low,Close,Volume,Dividends,Stock Splits\n"
        "2020-01-02 00:00:00+08:00,53.4272941726263,53.537002484813755,51.946,52.24794387817383,1147880,0.0,0.0\n",
        [
            {
                "security_code": "02359.HK",
                "trade_date": dt.date(2020, 1, 2),
                "close": Decimal("52.2479"),
                "currency": "HKD",
            }
        ],
    ),
    "Hong Kong quotes of Sina: five digits": (
        "security_quotes/spot.csv",
        "日期时间,代码,中文名称,英文名称,交易类型,最新价,涨跌额,涨跌幅,昨收,今开,最高,最低,成交量,成交额,买一,卖一\n"
        "2025/04/24 10:30:00,06821,凯莱英,ASYMCHEM,EQTY,60.5,5.6,10.2,54.9,55,61,54.5,1000000,60000000,60.4,60.5\n",
        [{"security_code": "06821.HK", "quote_ts": _utc("2025-04-24 10:30"), "last": Decimal("60.5000")}],
    ),
    "visits: Chinese kinds of institutions": (
        "broker_visits/2025-04.csv",
        "序号,代码,名称,最新价,涨跌幅,调研机构,机构类型,调研人员,接待方式,接待人员,接待地点,调研日期,公告日期\n"
        "1,002821,凯莱英,80.1,1.2,中信证券,证券公司,张三,特定对象调研,董秘,公司,2025-04-10,2025-04-11\n",
        [
            {
                "security_code": "002821.SZ",
                "visit_way": "特定对象调研",
                "visitor_type": "broker",
                "visitor_names": "张三",
                "knowledge_at": _utc("2025-04-11 00:00"),
            }
        ],
    ),
    "Shenwan of Tushare: a row a level": (
        "sector_members/all.csv",
        "l1_code,l1_name,l2_code,l2_name,l3_code,l3_name,ts_code,name,in_date,out_date,is_new\n"
        "801150.SI,医药生物,801151.SI,化学制药,850111.SI,原料药,002821.SZ,凯莱英,20211213,,Y\n",
        [
            {"level": "L1", "sector_code": "801150", "sector_name": "医药生物", "scheme": "SW2021", "valid_to": None},
            {"level": "L2", "sector_code": "801151"},
            {"level": "L3", "sector_code": "850111"},
        ],
    ),
    "Shenwan of akshare: the first level of an industry code": (
        "sector_members/history.csv",
        "symbol,start_date,industry_code,update_time\n002821,2021-07-30,370502,2024-01-01\n300308,2021-07-30,730204,\n",
        [
            {"security_code": "002821.SZ", "scheme": "SW2021", "level": "L1", "sector_code": "801150"},
            {"security_code": "300308.SZ", "sector_code": "801770"},
        ],
    ),
    "Shenwan of JoinQuant: tabs, unnamed first column, no end yet": (
        "sector_members/list.csv",
        "\tdisplay_name\tstart_date\tend_date\tsw1_code\tsw1_name\tsw2_code\tsw2_name\tsw3_code\tsw3_name\n"
        "000592.XSHE\t平潭发展\t1996-03-27\t2200-01-01 00:00:00\t801010\t农林牧渔I\t801011\t林业II\t850131\t林业III\n",
        [
            {
                "security_code": "000592.SZ",
                "level": "L1",
                "sector_code": "801010",
                "scheme": "SW2014",
                "valid_to": None,
            },
            {"level": "L2", "sector_code": "801011"},
            {"level": "L3", "sector_code": "850131"},
        ],
    ),
    "rounds of the API: objects inside objects": (
        "funding_rounds/api.json",
        json.dumps(
            {
                "count": 1,
                "entities": [
                    {
                        "uuid": "r1",
                        "properties": {
                            "announced_on": "2025-04-01",
                            "investment_type": "series_b",
                            "money_raised": {"value": 90, "currency": "EUR", "value_usd": 100_000_000},
                            "num_investors": 3,
                            "funded_organization_identifier": {"uuid": "o1", "value": "Example"},
                            "funded_organization_location": [
                                {"location_type": "city", "value": "Suzhou"},
                                {"location_type": "country", "value": "China"},
                            ],
                            "created_at": "2025-04-02T08:00:00Z",
                            "updated_at": "2025-04-02T08:00:00Z",
                        },
                    }
                ],
            }
        ),
        [
            {
                "round_uuid": "r1",
                "org_uuid": "o1",
                "country_code": "CHN",
                "raised_amount_usd": Decimal(100_000_000),
                "investor_count": 3,
                "knowledge_at": dt.datetime(2025, 4, 2, 8, tzinfo=dt.UTC),
            }
        ],
    ),
    "organizations of the API: categories and places are lists": (
        "organizations/api.jsonl",
        json.dumps(
            {
                "uuid": "o1",
                "properties": {
                    "identifier": {"value": "Example"},
                    "categories": [{"value": "Biotechnology"}, {"value": "Therapeutics"}],
                    "location_identifiers": [{"location_type": "country", "value": "United States"}],
                    "updated_at": "2025-04-02T08:00:00Z",
                },
            }
        ),
        [{"org_uuid": "o1", "name": "Example", "country_code": "USA", "category_list": "Biotechnology,Therapeutics"}],
    ),
    "rounds of 2016: the series stands in a column of its own": (
        "funding_rounds/2016.csv",
        "funding_round_uuid,company_uuid,announced_on,funding_round_type,funding_round_code,raised_amount_usd,country_code\n"
        "r1,c1,2015-05-01,venture,C,1000000,USA\nr2,c1,2015-06-01,venture,,2000000,USA\nr3,c2,2015-07-01,seed,,,CHN\n",
        [
            {"round_uuid": "r1", "investment_type": "series_c"},
            {"round_uuid": "r2", "investment_type": "series_unknown"},
            {"round_uuid": "r3", "investment_type": "seed", "raised_amount_usd": None},
        ],
    ),
    "reference rates: buying and selling": (
        "fx_rates/reference.csv",
        "适用日期,参考汇率买入价,参考汇率卖出价,货币种类\n2016-12-05,0.8599,0.9131,HKD\n",
        [
            {"pair": "HKDCNY", "kind": "sgt_reference_buy", "rate": Decimal("0.85990000")},
            {"pair": "HKDCNY", "kind": "sgt_reference_sell", "rate": Decimal("0.91310000")},
        ],
    ),
    "rates of Yahoo: the pair stands in the name": (
        "fx_rates/USD_CNY.csv",
        "date,open,close,volume\n2025-04-24,7.28,7.2873,0\n",
        [{"pair": "USDCNY", "kind": "market", "rate": Decimal("7.28730000")}],
    ),
    "Hong Kong issuers: codes as integers": (
        "securities/issuers.json",
        '[{"symbol":5,"engName":"HSBC Holdings plc","zhName":"滙豐控股有限公司","url":""}]',
        [{"security_code": "00005.HK", "name_en": "HSBC Holdings plc", "name_zh": "滙豐控股有限公司"}],
    ),
}


@pytest.mark.parametrize("case", FIGURES.values(), ids=FIGURES.keys())
def test_figures(home: Home, case: Case) -> None:
    name, text, expected = case
    home.land(name, text)
    report = home.run()[name.split("/")[0]]
    assert not home.reasons()
    assert report.rows_accepted == len(expected)
    rows = home.raw(name.split("/")[0])
    assert [{column: row[column] for column in want} for row, want in zip(rows, expected, strict=True)] == expected


def test_shares_in_ten_thousands_under_the_header_of_today_are_refused_whole(home: Home) -> None:
    home.land(
        "etf_shares/sse.csv",
        "序号,基金代码,基金简称,ETF类型,统计日期,基金份额\n"
        "1,510010,治理ETF,单市,2025-01-15,20152.44\n2,510020,超大ETF,单市,2025-01-15,4324.8\n"
        "3,510030,价值ETF,单市,2025-01-15,21122\n4,510040,甲ETF,单市,2025-01-15,31122\n",
    )
    report = home.run()["etf_shares"]
    assert report.batches[0].refused_whole
    assert "unit: looks like 万份" in home.reasons()[0]
    assert not home.raw("etf_shares")


def test_rounds_without_identifier_get_one_that_lasts(home: Home) -> None:
    """Two equal records are two rounds, the file landed again is the same rounds, companies join by their permalink."""
    header = (
        "company_permalink,company_name,company_category_code,company_country_code,company_state_code,company_region,"
        "company_city,funding_round_type,funded_at,funded_month,funded_quarter,funded_year,raised_amount_usd"
    )
    rows = [
        "/company/a,Café,biotech,USA,CA,SF Bay,SF,series-c+,2012-06-30,2012-06,2012-Q2,2012,1750000",
        "/company/a,Café,biotech,USA,CA,SF Bay,SF,series-c+,2012-06-30,2012-06,2012-Q2,2012,1750000",
        "/company/a,Café,biotech,USA,CA,SF Bay,SF,crowdfunding,2012-07-30,2012-07,2012-Q3,2012,",
    ]
    home.land("funding_rounds/rounds.csv", "\r".join([header, *rows]) + "\r", "mac_roman")
    home.land(
        "organizations/companies.csv",
        "permalink,name,category_code,country_code\r/company/a,Café,biotech,USA\r",
        "mac_roman",
    )
    home.run()
    rounds, companies = home.raw("funding_rounds"), home.raw("organizations")
    assert [r["investment_type"] for r in rounds] == ["series_c", "series_c", "undisclosed"]
    assert len({r["round_uuid"] for r in rounds}) == 3
    assert {r["org_uuid"] for r in rounds} == {companies[0]["org_uuid"]}
    assert companies[0]["name"] == "Café"
    home.land("funding_rounds/again.csv", "\n".join([header, *rows]) + "\n")
    assert counts(home.run()["funding_rounds"]) == (3, 0, 0, 3)


def test_an_industry_of_the_classification_before_2021_is_refused(home: Home) -> None:
    home.land("sector_members/history.csv", "symbol,start_date,industry_code\n600123,2014-01-01,210101\n")
    home.run()
    assert home.reasons() == ["sector_code: found '21', expected a sector code of digits such as 801150"]


def test_a_deletion_of_the_api_is_a_version_of_its_round(home: Home) -> None:
    home.land(
        "funding_rounds/rounds.csv",
        "round_uuid,org_uuid,announced_on,investment_type,updated_at\nr1,o1,2025-01-02,seed,2025-01-03 00:00:00\n",
    )
    home.run()
    deleted = {"identifier": {"uuid": "r1", "entity_def_id": "funding_round"}, "deleted_at": "2025-02-01T00:00:00Z"}
    home.land("funding_rounds/deleted.json", json.dumps({"entities": [deleted]}))
    assert counts(home.run()["funding_rounds"]) == (1, 1, 0, 0)
    last = home.raw("funding_rounds")[-1]
    assert last["deleted_at"] == last["knowledge_at"] == dt.datetime(2025, 2, 1, tzinfo=dt.UTC)
    home.land("funding_rounds/broken.csv", "round_uuid,org_uuid,announced_on\nr2,o1,2025-01-02\n")
    home.run()
    assert home.reasons() == ["investment_type: missing"]


def test_a_country_that_is_not_known_refuses_its_row(home: Home) -> None:
    place = [{"location_type": "country", "value": "Atlantis"}]
    home.land(
        "organizations/api.json",
        json.dumps({"entities": [{"uuid": "o1", "properties": {"location_identifiers": place}}]}),
    )
    home.run()
    assert home.reasons() == ["country_code: found 'Atlantis', expected an ISO 3166 alpha-3 country"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("980001", "980001.CNI"),
        ("399998", "399998.SZ"),
        ("987018_202504", "987018.CNI"),
        ("000300", "000300.SH"),
        ("931787.CSI", "931787.CSI"),
    ],
)
def test_bare_index_numbers_of_file_names_are_those_of_their_provider(home: Home, name: str, expected: str) -> None:
    """An index that the project knows is taken as known; other numbers are the provider's own."""
    header = "日期,开盘价,最高价,最低价,收盘价,涨跌幅,成交量,成交额"
    home.land(f"index_bars/{name}.csv", f"{header}\n2025-04-24,1000.1,1020.2,990.3,1010.4,0.0111,1,1\n")
    home.run()
    assert [row["index_code"] for row in home.raw("index_bars")] == [expected]


def test_a_bare_number_in_nobodys_file_is_no_index(home: Home) -> None:
    home.land("index_bars/980001.csv", "date,open,close\n2025-04-24,1,1\n")
    home.run()
    assert "no code stands in the file name" in home.reasons()[0]


def test_members_of_an_index_of_unknown_market_are_not_guessed(home: Home) -> None:
    home.land("index_weights/123456.CNI.csv", "日期,样本代码,样本简称,权重\n2025-03-31,001801,信达生物,9.52\n")
    home.run()
    assert "its index has no one market" in home.reasons()[0]
