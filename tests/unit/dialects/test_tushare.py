"""Answers of Tushare Pro, as tables and as its HTTP interface wraps them."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal

import pytest

from tests.support.warehouse_home import Home, counts
from tests.unit.dialects.figures import TUSHARE_BARS, Case, check, utc


def _answer(fields: str, *items: list[object]) -> str:
    """What the HTTP interface answers."""
    data = {"fields": fields.split(","), "items": list(items), "has_more": False}
    return json.dumps({"request_id": "0f", "code": 0, "msg": None, "data": data}, ensure_ascii=False)


FIGURES: dict[tuple[str, str], Case] = {
    ("tushare.fund_daily", "Tushare ETF bars: lots and thousand yuan"): (
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
    ("tushare.fund_share", "Tushare fund shares: ten thousands, basis by exchange"): (
        "etf_shares/fund_share.csv",
        "ts_code,trade_date,fd_share\n159880.SZ,20251105,37355.1518\n510300.SH,20251105,9106248.77\n",
        [
            {"etf_code": "159880.SZ", "share_basis": "open_of_day", "shares": 373_551_518},
            {"etf_code": "510300.SH", "share_basis": "close_of_day", "shares": 91_062_487_700},
        ],
    ),
    ("tushare.fund_nav", "Tushare NAV: known on the day of its announcement"): (
        "etf_nav/fund_nav.csv",
        "ts_code,ann_date,nav_date,unit_nav,accum_nav,accum_div,net_asset,total_netasset,adj_nav\n"
        "159567.SZ,20250425,20250424,1.2702,1.2702,,,,1.2702\n",
        [
            {
                "nav_date": dt.date(2025, 4, 24),
                "unit_nav": Decimal("1.2702"),
                "published_on": dt.date(2025, 4, 25),
                "knowledge_at": utc("2025-04-25 09:00"),
            }
        ],
    ),
    ("tushare.daily", "Tushare bars of both markets: the code tells the unit"): (
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
    ("tushare.index_member_all", "Shenwan of Tushare: a row a level"): (
        "sector_members/all.csv",
        "l1_code,l1_name,l2_code,l2_name,l3_code,l3_name,ts_code,name,in_date,out_date,is_new\n"
        "801150.SI,医药生物,801151.SI,化学制药,850111.SI,原料药,002821.SZ,凯莱英,20211213,,Y\n",
        [
            {"level": "L1", "sector_code": "801150", "sector_name": "医药生物", "scheme": "SW2021", "valid_to": None},
            {"level": "L2", "sector_code": "801151"},
            {"level": "L3", "sector_code": "850111"},
        ],
    ),
    ("tushare.fund_daily", "an answer of the HTTP interface: names once, rows as lists"): (
        "etf_bars/tushare/fund_daily/20250424.json",
        _answer(
            TUSHARE_BARS, ["510300.SH", "20250424", 3.9, 3.95, 3.88, 3.91, 3.9, 0.01, 0.2564, 123456.78, 48271.123]
        ),
        [{"etf_code": "510300.SH", "volume_shares": 12_345_678, "turnover_cny": Decimal("48271123.00")}],
    ),
    ("tushare.rt_etf_k", "the day so far: shares and yuan, the moment stands in the name"): (
        "etf_quotes/tushare/rt_etf_k/20250424T103000+0800.json",
        _answer(
            "ts_code,name,pre_close,high,open,low,close,vol,amount,num",
            ["159567.SZ", "港股创新药ETF", 1.236, 1.286, 1.249, 1.249, 1.282, 131000000, 166500000, 30700],
        ),
        [
            {
                "etf_code": "159567.SZ",
                "quote_ts": utc("2025-04-24 10:30"),
                "last": Decimal("1.2820"),
                "prev_close": Decimal("1.2360"),
                "volume_shares": 131_000_000,
                "turnover_cny": Decimal(166_500_000),
            }
        ],
    ),
    ("tushare.rt_etf_k", "the day so far with its own time, which goes first"): (
        "etf_quotes/tushare/rt_etf_k/20250424T103000+0800.csv",
        "ts_code,name,pre_close,high,open,low,close,vol,amount,num,ask_volume1,bid_volume1,trade_time\n"
        "159567.SZ,ETF,1.236,1.286,1.249,1.249,1.282,131000000,166500000,30700,1,2,2025-04-24 10:29:57\n",
        [{"etf_code": "159567.SZ", "quote_ts": utc("2025-04-24 10:29:57")}],
    ),
    ("tushare.rt_etf_min_daily", "minutes of the day: the bar's own volume is not that since the open"): (
        "etf_quotes/minutes.csv",
        "code,freq,time,open,close,high,low,vol,amount\n"
        "159567.SZ,1MIN,2025-04-24 09:31:00,1.249,1.256,1.257,1.248,5532100,6934281.9\n",
        [{"quote_ts": utc("2025-04-24 09:31"), "last": Decimal("1.2560"), "open": None, "volume_shares": None}],
    ),
    ("tushare.rt_etf_sz_iopv", "price and indicative value alone; creations have no unit to trust"): (
        "etf_quotes/iopv.csv",
        "trade_time,ts_code,vol,num,amount,price,iopv,pre_iopv,buy_num,buy_vol,sell_num,sell_vol\n"
        "2026-02-26 10:29:09,159108.SZ,1000,3,979.2,0.979,0.9792,0.9701,1,100.0000,0,0.0000\n",
        [
            {
                "etf_code": "159108.SZ",
                "quote_ts": utc("2026-02-26 10:29:09"),
                "last": Decimal("0.9790"),
                "iopv": Decimal("0.9792"),
                "volume_shares": None,
            }
        ],
    ),
    ("tushare.etf_share_size", "share sizes: ten thousands, basis by exchange"): (
        "etf_shares/size.json",
        _answer(
            "trade_date,ts_code,etf_name,total_share,total_size,nav,close,exchange",
            ["20251224", "510330.SH", "沪深300ETF华夏", 4741854.98, 22878980.45, 4.8249, 4.825, "SSE"],
            ["20251224", "159567.SZ", "港股创新药ETF", 824800.1234, 696700.0, 0.8447, 0.845, "SZSE"],
        ),
        [
            {"etf_code": "159567.SZ", "share_basis": "open_of_day", "shares": 8_248_001_234},
            {
                "etf_code": "510330.SH",
                "share_basis": "close_of_day",
                "shares": 47_418_549_800,
                "size_cny": Decimal("228789804500.00"),
            },
        ],
    ),
    ("tushare.index_daily", "index bars: lots and thousand yuan"): (
        "index_bars/index_daily.csv",
        f"{TUSHARE_BARS}\n399300.SZ,20250424,3786.9,3797.3,3776.1,3784.36,3786.88,-2.52,-0.0665,154321098,231456789.012\n",
        [{"index_code": "399300.SZ", "volume_shares": 15_432_109_800, "turnover": Decimal(231456789012)}],
    ),
    ("tushare.index_global", "global indices: HKTECH is HSTECH, volume without a unit"): (
        "index_bars/index_global.json",
        _answer(
            "ts_code,trade_date,open,close,high,low,pre_close,change,pct_chg,swing,vol",
            ["HKTECH", "20250424", 4950.1, 4893.72, 4975.0, 4870.2, 4968.69, -74.97, -1.51, 2.1, None],
        ),
        [
            {
                "index_code": "HSTECH.HI",
                "close": Decimal("4893.7200"),
                "prev_close": Decimal("4968.6900"),
                "volume_shares": None,
                "knowledge_at": utc("2025-04-24 16:00"),
            }
        ],
    ),
    ("tushare.index_weight", "index weights: percent"): (
        "index_weights/index_weight.csv",
        "index_code,con_code,trade_date,weight\n000300.SH,600519.SH,20250331,4.9012\n",
        [{"index_code": "000300.SH", "security_code": "600519.SH", "weight": pytest.approx(0.049012)}],
    ),
    ("tushare.hk_basic", "Hong Kong securities"): (
        "securities/hk_basic.json",
        _answer(
            "ts_code,name,fullname,enname,cn_spell,market,list_status,list_date,delist_date,trade_unit,isin,curr_type",
            [
                "01801.HK",
                "信达生物",
                "信达生物制药",
                "Innovent Biologics",
                "XDSW",
                "主板",
                "L",
                "20181031",
                None,
                500,
                "K",
                "HKD",
            ],
        ),
        [
            {
                "security_code": "01801.HK",
                "name_en": "Innovent Biologics",
                "listed_on": dt.date(2018, 10, 31),
                "delisted_on": None,
                "knowledge_at": utc("2018-10-31 00:00"),
            }
        ],
    ),
    ("tushare.stock_basic", "mainland securities"): (
        "securities/stock_basic.csv",
        "ts_code,symbol,name,area,industry,market,list_date\n002821.SZ,002821,凯莱英,天津,化学制药,主板,20161118\n",
        [{"security_code": "002821.SZ", "name_zh": "凯莱英", "listed_on": dt.date(2016, 11, 18)}],
    ),
    ("tushare.rt_hk_k", "Hong Kong so far: a price of 0 of an untraded security is unknown"): (
        "security_quotes/tushare/rt_hk_k/20250424T103000+0800.json",
        _answer(
            "ts_code,pre_close,close,high,open,low,vol,amount",
            ["01653.HK", 0.26, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
            ["01729.HK", 5.44, 5.79, 5.8, 5.44, 5.38, 6778621.0, 37845706.87],
        ),
        [
            {
                "security_code": "01653.HK",
                "last": None,
                "open": None,
                "prev_close": Decimal("0.2600"),
                "volume_shares": 0,
            },
            {
                "security_code": "01729.HK",
                "quote_ts": utc("2025-04-24 10:30"),
                "last": Decimal("5.7900"),
                "turnover": Decimal("37845706.87"),
                "currency": "HKD",
            },
        ],
    ),
    ("tushare.hk_mins", "Hong Kong minutes: the closing auction ends at 16:10"): (
        "security_quotes/hk_mins.csv",
        "ts_code,trade_time,open,close,high,low,vol,amount\n"
        "01801.HK,2025-04-24 16:10:00,50.1,50.2,50.2,50.1,500,25100\n",
        [{"quote_ts": utc("2025-04-24 16:10"), "last": Decimal("50.2000"), "open": None, "volume_shares": None}],
    ),
    ("tushare.daily", "Hong Kong bars under the header of mainland ones: shares and Hong Kong dollars"): (
        "security_bars/hk_daily.json",
        _answer(
            TUSHARE_BARS,
            ["00700.HK", "20250424", 480, 485, 478, 482.2, 479, 3.2, 0.668, 15176989, 7300000000],
        ),
        [
            {
                "security_code": "00700.HK",
                "volume_shares": 15_176_989,
                "turnover": Decimal(7_300_000_000),
                "currency": "HKD",
            }
        ],
    ),
    ("tushare.stk_surv", "visits without a day of notice: known two sessions later"): (
        "broker_visits/stk_surv.json",
        _answer(
            "ts_code,name,surv_date,fund_visitors,rece_place,rece_mode,rece_org,org_type,comp_rece,content",
            ["002821.SZ", "凯莱英", "20250417", "李四", "公司", "特定对象调研", "易方达基金", "基金公司", "董秘", "…"],
        ),
        [
            {
                "security_code": "002821.SZ",
                "visit_way": "特定对象调研",
                "visitor_type": "fund",
                "visitor_names": "李四",
                "notice_date": None,
                "knowledge_at": utc("2025-04-21 00:00"),
            }
        ],
    ),
    ("tushare.index_member", "members of a Shenwan index with the day they left"): (
        "sector_members/index_member.json",
        _answer(
            "index_code,index_name,con_code,con_name,in_date,out_date,is_new",
            ["801150.SI", "医药生物", "000506.SZ", "中润资源", "20220801", "20230701", "N"],
        ),
        [
            {
                "security_code": "000506.SZ",
                "level": "L1",
                "sector_code": "801150",
                "valid_from": dt.date(2022, 8, 1),
                "valid_to": dt.date(2023, 7, 1),
            }
        ],
    ),
    ("tushare.dc_member", "boards of Eastmoney by day"): (
        "concept_members/dc.csv",
        "trade_date,ts_code,con_code,name\n20250102,BK1184.DC,002117.SZ,东港股份\n",
        [{"concept": "BK1184.DC", "security_code": "002117.SZ", "source": "Eastmoney board"}],
    ),
    ("tushare.tdx_member", "boards of Tongdaxin by day"): (
        "concept_members/tdx.json",
        _answer("ts_code,trade_date,con_code,con_name", ["880728.TDX", "20250513", "872351.BJ", "华光源海"]),
        [
            {
                "concept": "880728.TDX",
                "security_code": "872351.BJ",
                "as_of_date": dt.date(2025, 5, 13),
                "source": "Tongdaxin board",
            }
        ],
    ),
    ("tushare.ths_member", "boards of Tonghuashun: members of the day in the name"): (
        "concept_members/tushare/ths_member/20250424T180000+0800.json",
        _answer("ts_code,con_code,con_name", ["885927.TI", "002821.SZ", "凯莱英"]),
        [{"concept": "885927.TI", "as_of_date": dt.date(2025, 4, 24), "source": "Tonghuashun board"}],
    ),
    ("tushare.stock_hsgt", "southbound and northbound lists of a day"): (
        "connect_eligibility/hsgt.json",
        _answer("ts_code,trade_date,type,name,type_name", ["01801.HK", "20250812", "SZ_HK", "信达生物", "深港通"]),
        [
            {
                "security_code": "01801.HK",
                "channel": "SZ_HK",
                "valid_from": dt.date(2025, 8, 12),
                "sell_only": False,
                "knowledge_at": utc("2025-08-12 00:00"),
            }
        ],
    ),
}


@pytest.mark.parametrize(
    ("dialect", "case"), [(key[0], case) for key, case in FIGURES.items()], ids=[key[1] for key in FIGURES]
)
def test_figures(home: Home, dialect: str, case: Case) -> None:
    check(home, dialect, case)


def test_an_answer_without_rows_is_read_and_holds_none(home: Home) -> None:
    home.land("etf_bars/empty.json", _answer(TUSHARE_BARS))
    report = home.run()["etf_bars"]
    assert counts(report) == (0, 0, 0, 0)
    assert report.batches[0].dialect == "tushare.fund_daily"


def test_an_item_of_another_length_is_refused_alone(home: Home) -> None:
    home.land(
        "etf_shares/share.json",
        _answer("ts_code,trade_date,fd_share", ["159880.SZ", "20251105", 37355.1518], ["510300.SH", "20251105"]),
    )
    assert counts(home.run()["etf_shares"]) == (2, 1, 1, 0)
    assert home.reasons() == ["2 cells where there are 3 names"]


def test_an_answer_that_says_why_there_is_none_is_no_data(home: Home) -> None:
    home.land("etf_bars/no.json", '{"request_id":"0f","code":40203,"msg":"抱歉，您没有接口访问权限","data":null}')
    assert home.run()["etf_bars"].batches[0].refused_whole
    assert "it is that of a Tushare error" in home.reasons()[0]
