"""Files as akshare delivers them."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from tests.support.warehouse_home import Home
from tests.unit.dialects.figures import CSINDEX_BARS, HIST, Case, check, utc

FIGURES: dict[tuple[str, str], Case] = {
    ("akshare.fund_etf_hist_em", "akshare ETF bars: lots, change instead of a reference price"): (
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
                "knowledge_at": utc("2025-04-24 15:00"),
            }
        ],
    ),
    ("akshare.fund_etf_spot_em", "akshare ETF quotes: lots, a time with its zone"): (
        "etf_quotes/spot.csv",
        "代码,名称,最新价,IOPV实时估值,基金折价率,成交量,成交额,开盘价,昨收,更新时间\n"
        "159567,港股创新药ETF,1.282,1.2801,-0.15,1310000,166500000.0,1.249,1.236,2025-04-24 10:30:00+08:00\n",
        [
            {
                "etf_code": "159567.SZ",
                "quote_ts": utc("2025-04-24 10:30"),
                "last": Decimal("1.2820"),
                "iopv": Decimal("1.2801"),
                "volume_shares": 131_000_000,
                "turnover_cny": Decimal("166500000.00"),
            }
        ],
    ),
    ("akshare.fund_etf_scale_sse", "Shanghai list: after the close of its date, float noise"): (
        "etf_shares/sse.csv",
        "序号,基金代码,基金简称,ETF类型,统计日期,基金份额\n1,510410,资源ETF,单市,2025-01-15,340258399.99999994\n",
        [
            {
                "etf_code": "510410.SH",
                "share_basis": "close_of_day",
                "shares": 340_258_400,
                "knowledge_at": utc("2025-01-15 20:00"),
            }
        ],
    ),
    ("akshare.fund_etf_fund_daily_em", "akshare daily NAV: dates inside the headers"): (
        "etf_nav/daily.csv",
        "基金代码,基金简称,类型,2026-02-27-单位净值,2026-02-27-累计净值,2026-02-26-单位净值,2026-02-26-累计净值,"
        "增长值,增长率,市价,折价率\n"
        "159716,深证100ETF华宝,指数型-股票,1.1672,1.1672,1.1778,1.1778,-0.0106,-0.90%,1.1670,0.02%\n",
        [
            {"nav_date": dt.date(2026, 2, 26), "unit_nav": Decimal("1.1778")},
            {"nav_date": dt.date(2026, 2, 27), "unit_nav": Decimal("1.1672")},
        ],
    ),
    ("akshare.index_hist_cni", "CNI bars: ten thousand lots, hundred million yuan"): (
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
    ("akshare.stock_hk_index_daily_em", "Hang Seng bars: latest is the close"): (
        "index_bars/HSTECH.HI.csv",
        "date,open,high,low,latest\n2025-04-24,4800.11,4900.5,4790.2,4850.33\n",
        [{"index_code": "HSTECH.HI", "close": Decimal("4850.3300"), "knowledge_at": utc("2025-04-24 16:00")}],
    ),
    ("akshare.stock_zh_index_hist_csindex", "CSI bars: code in a column, change against the reference"): (
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
    ("akshare.stock_hk_hist", "akshare Hong Kong bars: shares"): (
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
    ("akshare.stock_hk_hist", "akshare mainland bars under the same header: lots"): (
        "security_bars/600276.csv",
        f"{HIST}\n2025-04-24,48.5,50.1,50.4,48.2,123456,615000000.5,4.5,3.3,1.6,0.75\n",
        [{"security_code": "600276.SH", "volume_shares": 12_345_600, "currency": "CNY"}],
    ),
    ("akshare.stock_hk_spot", "Hong Kong quotes of Sina: five digits"): (
        "security_quotes/spot.csv",
        "日期时间,代码,中文名称,英文名称,交易类型,最新价,涨跌额,涨跌幅,昨收,今开,最高,最低,成交量,成交额,买一,卖一\n"
        "2025/04/24 10:30:00,06821,凯莱英,ASYMCHEM,EQTY,60.5,5.6,10.2,54.9,55,61,54.5,1000000,60000000,60.4,60.5\n",
        [{"security_code": "06821.HK", "quote_ts": utc("2025-04-24 10:30"), "last": Decimal("60.5000")}],
    ),
    ("akshare.stock_jgdy_detail_em", "visits: Chinese kinds of institutions"): (
        "broker_visits/2025-04.csv",
        "序号,代码,名称,最新价,涨跌幅,调研机构,机构类型,调研人员,接待方式,接待人员,接待地点,调研日期,公告日期\n"
        "1,002821,凯莱英,80.1,1.2,中信证券,证券公司,张三,特定对象调研,董秘,公司,2025-04-10,2025-04-11\n",
        [
            {
                "security_code": "002821.SZ",
                "visit_way": "特定对象调研",
                "visitor_type": "broker",
                "visitor_names": "张三",
                "knowledge_at": utc("2025-04-11 00:00"),
            }
        ],
    ),
    ("akshare.stock_industry_clf_hist_sw", "Shenwan of akshare: the first level of an industry code"): (
        "sector_members/history.csv",
        "symbol,start_date,industry_code,update_time\n002821,2021-07-30,370502,2024-01-01\n300308,2021-07-30,730204,\n",
        [
            {"security_code": "002821.SZ", "scheme": "SW2021", "level": "L1", "sector_code": "801150"},
            {"security_code": "300308.SZ", "sector_code": "801770"},
        ],
    ),
    ("akshare.stock_sgt_reference_exchange_rate_szse", "reference rates: buying and selling"): (
        "fx_rates/reference.csv",
        "适用日期,参考汇率买入价,参考汇率卖出价,货币种类\n2016-12-05,0.8599,0.9131,HKD\n",
        [
            {"pair": "HKDCNY", "kind": "sgt_reference_buy", "rate": Decimal("0.85990000")},
            {"pair": "HKDCNY", "kind": "sgt_reference_sell", "rate": Decimal("0.91310000")},
        ],
    ),
    ("akshare.fund_etf_hist_em.renamed", "ETF bars renamed to English: still lots"): (
        "etf_bars/sz159567.csv",
        "datetime,open,close,high,low,volume,成交额,振幅,涨跌幅,涨跌额,换手率\n"
        "2025-04-24,1.249,1.269,1.286,1.249,8955656,1137048638.7,2.99,2.67,0.033,100.0\n",
        [{"etf_code": "159567.SZ", "volume_shares": 895_565_600, "prev_close": Decimal("1.2360")}],
    ),
    ("akshare.fund_etf_hist_min_em", "ETF minutes: the label is the bar's end, volume and open are the bar's"): (
        "etf_quotes/akshare/fund_etf_hist_min_em/159567.SZ-20250424.csv",
        "时间,开盘,收盘,最高,最低,成交量,成交额,均价\n"
        "2025-04-24 09:30:00,1.249,1.249,1.249,1.249,98765,12335748.5,1.249\n"
        "2025-04-24 09:31:00,1.249,1.256,1.257,1.248,55321,6934281.9,1.25\n",
        [
            {"quote_ts": utc("2025-04-24 09:30"), "last": Decimal("1.2490"), "open": None, "turnover_cny": None},
            {
                "etf_code": "159567.SZ",
                "quote_ts": utc("2025-04-24 09:31"),
                "last": Decimal("1.2560"),
                "prev_close": None,
                "volume_shares": None,
                "iopv": None,
                "knowledge_at": utc("2025-04-24 09:31"),
            },
        ],
    ),
    ("akshare.fund_etf_category_sina", "ETF list of Sina as quotes: its moment stands in the name, in GBK"): (
        "etf_quotes/akshare/fund_etf_category_sina/20250424T103001+0800.csv",
        (
            "代码,名称,最新价,涨跌额,涨跌幅,买入,卖出,昨收,今开,最高,最低,成交量,成交额\n"
            "sz159567,港股创新药ETF,1.282,0.046,3.722,1.282,1.283,1.236,1.249,1.286,1.249,131000000,166500000\n"
        ).encode("gb18030"),
        [
            {
                "etf_code": "159567.SZ",
                "quote_ts": utc("2025-04-24 10:30:01"),
                "volume_shares": 131_000_000,
                "open": Decimal("1.2490"),
            }
        ],
    ),
    ("akshare.fund_etf_category_sina", "ETF list of Sina as a list"): (
        "etf_profiles/sina.csv",
        "代码,名称,最新价,涨跌额,涨跌幅,买入,卖出,昨收,今开,最高,最低,成交量,成交额\n"
        "sh510300,300ETF,3.9,0.01,0.2,3.9,3.91,3.89,3.9,3.95,3.88,100,390\n",
        [{"etf_code": "510300.SH", "name_zh": "300ETF", "listed_on": None}],
    ),
    ("akshare.fund_etf_fund_info_em", "NAV history of one fund"): (
        "etf_nav/akshare/fund_etf_fund_info_em/159567.SZ.csv",
        "净值日期,单位净值,累计净值,日增长率,申购状态,赎回状态\n2025-04-24,1.2702,1.2702,3.1,场内买入,场内卖出\n",
        [
            {
                "etf_code": "159567.SZ",
                "nav_date": dt.date(2025, 4, 24),
                "accumulated_nav": Decimal("1.2702"),
                "published_on": None,
                "creation_status": "场内买入",
                "redemption_status": "场内卖出",
                "knowledge_at": utc("2025-04-24 22:00"),
            }
        ],
    ),
    ("akshare.fund_etf_spot_ths", "NAV of Tonghuashun: the latest one has a day"): (
        "etf_nav/ths.csv",
        "序号,基金代码,基金名称,当前-单位净值,当前-累计净值,前一日-单位净值,前一日-累计净值,增长值,增长率,赎回状态,申购状态,"
        "最新-交易日,最新-单位净值,最新-累计净值,基金类型,查询日期\n"
        "1,159567,港股创新药,1.2702,1.2702,1.2310,1.2310,0.0392,3.18,开放,开放,2025-04-24,1.2702,1.2702,股票型,2025-04-25\n",
        [{"etf_code": "159567.SZ", "nav_date": dt.date(2025, 4, 24), "unit_nav": Decimal("1.2702")}],
    ),
    ("akshare.fund_exchange_rank_em", "ranking of exchange funds: a NAV with its day"): (
        "etf_nav/rank.csv",
        "序号,基金代码,基金简称,类型,日期,单位净值,累计净值,近1周,近1月,近3月,近6月,近1年,近2年,近3年,今年来,成立来,成立日期\n"
        "1,159567,港股创新药ETF,指数型-股票,2025-04-24,1.2702,1.2702,5.1,,,,,,,33.0,27.0,2024-01-03\n",
        [{"etf_code": "159567.SZ", "nav_date": dt.date(2025, 4, 24), "unit_nav": Decimal("1.2702")}],
    ),
    ("akshare.index_zh_a_hist", "mainland index bars: lots and yuan"): (
        "index_bars/000300.csv",
        f"{HIST}\n2025-04-24,3786.9,3784.36,3797.3,3776.1,154321098,231456789012.0,0.56,-0.07,-2.52,0.5\n",
        [
            {
                "index_code": "000300.SH",
                "prev_close": Decimal("3786.8800"),
                "volume_shares": 15_432_109_800,
                "turnover": Decimal(231456789012),
            }
        ],
    ),
    ("yahoo.index_history", "Hang Seng bars of Sina: the header of Yahoo's, volume without a unit"): (
        "index_bars/HSI.csv",
        "date,open,high,low,close,volume\n2025-04-24,21984.3,22012.9,21763.2,21909.76,9213456789\n",
        [{"index_code": "HSI.HI", "close": Decimal("21909.7600"), "volume_shares": None}],
    ),
    ("akshare.stock_hk_index_spot_sina", "Hang Seng quotes of Sina: the moment stands in the name"): (
        "index_quotes/akshare/stock_hk_index_spot_sina/20250424T101500+0800.csv",
        "代码,名称,最新价,涨跌额,涨跌幅,昨收,今开,最高,最低\n"
        "HSI,恒生指数,22072.62,-0.0,0.0,22072.62,21984.3,22090.1,21950.2\n"
        "HSTECH,恒生科技指数,4967.49,-1.2,-0.02,4968.69,4950.1,4975.0,4921.4\n",
        [
            {
                "index_code": "HSI.HI",
                "quote_ts": utc("2025-04-24 10:15"),
                "last": Decimal("22072.6200"),
                "open": Decimal("21984.3000"),
                "prev_close": Decimal("22072.6200"),
            },
            {"index_code": "HSTECH.HI"},
        ],
    ),
    ("akshare.stock_hk_index_spot_em", "Hang Seng quotes of Eastmoney, a second page of them"): (
        "index_quotes/akshare/stock_hk_index_spot_em/20250424T101500+0800-2.csv",
        "序号,内部编号,代码,名称,最新价,涨跌额,涨跌幅,今开,最高,最低,昨收,成交量,成交额\n"
        "1,124,HSTECH,恒生科技指数,4967.49,-1.2,-0.02,4950.1,4975.0,4921.4,4968.69,812345678,23456789012.0\n",
        [{"index_code": "HSTECH.HI", "quote_ts": utc("2025-04-24 10:15"), "open": Decimal("4950.1000")}],
    ),
    ("akshare.index_all_cni", "all CNI indices at a moment: level alone"): (
        "index_quotes/akshare/index_all_cni/20250424T150500+0800.csv",
        "指数代码,指数简称,样本数,收盘点位,涨跌幅,PE滚动,成交量,成交额,总市值,自由流通市值\n"
        "399001,深证成指,500,9878.32,-0.58,22.1,3931.2,6123.4,321000.1,98000.2\n"
        "987018,港股通创新药,50,1010.4,1.11,,12.3,99.1,8000.5,5000.2\n",
        [
            {"index_code": "399001.SZ", "last": Decimal("9878.3200")},
            {"index_code": "987018.CNI", "last": Decimal("1010.4000"), "open": None, "prev_close": None},
        ],
    ),
    (
        "akshare.index_zh_a_hist_min_em",
        "minutes of an index, five at a time: changes are those against the bar before",
    ): (
        "index_quotes/000300.csv",
        "时间,开盘,收盘,最高,最低,涨跌幅,涨跌额,成交量,成交额,振幅,换手率\n"
        "2025-04-24 09:35,3786.9,3790.1,3791.0,3785.2,0.09,3.2,12345678,1234567890.0,0.15,0.01\n",
        [
            {
                "index_code": "000300.SH",
                "quote_ts": utc("2025-04-24 09:35"),
                "last": Decimal("3790.1000"),
                "prev_close": None,
            }
        ],
    ),
    ("akshare.index_stock_cons_weight_csindex", "weights of CSI by way of akshare: Hong Kong codes filled to six"): (
        "index_weights/931250.csv",
        "日期,指数代码,指数名称,指数英文名称,成分券代码,成分券名称,成分券英文名称,交易所,交易所英文名称,权重\n"
        "2025-03-31,931250,港股通创新药,HKC Drug,001801,信达生物,INNOVENT BIO,香港证券交易所,HKEX,9.87\n",
        [
            {
                "index_code": "931250.CSI",
                "security_code": "01801.HK",
                "weight": pytest.approx(0.0987),
                "knowledge_at": utc("2025-04-01 00:00"),
            }
        ],
    ),
    ("akshare.index_stock_cons_csindex", "members of CSI by way of akshare: no weights"): (
        "index_weights/members.csv",
        "日期,指数代码,指数名称,指数英文名称,成分券代码,成分券名称,成分券英文名称,交易所,交易所英文名称\n"
        "2025-03-31,000300,沪深300,CSI 300,000001,平安银行,Ping An Bank,深圳证券交易所,SZSE\n",
        [{"index_code": "000300.SH", "security_code": "000001.SZ", "weight": None}],
    ),
    ("akshare.stock_zh_a_hist", "mainland bars with their code: lots"): (
        "security_bars/bars.csv",
        "日期,股票代码,开盘,收盘,最高,最低,成交量,成交额,振幅,涨跌幅,涨跌额,换手率\n"
        "2025-04-24,002821,80.1,82.5,83.0,79.8,123456,1012345678.9,4.0,3.1,2.48,3.5\n",
        [
            {
                "security_code": "002821.SZ",
                "volume_shares": 12_345_600,
                "currency": "CNY",
                "prev_close": Decimal("80.0200"),
            }
        ],
    ),
    ("akshare.stock_hk_daily", "Hong Kong bars of Sina: shares, no value"): (
        "security_bars/akshare/stock_hk_daily/01801.HK.csv",
        "date,open,high,low,close,volume\n2025-04-24,48.5,50.4,48.2,50.1,12345600\n",
        [
            {
                "security_code": "01801.HK",
                "close": Decimal("50.1000"),
                "volume_shares": 12_345_600,
                "turnover": None,
                "currency": "HKD",
            }
        ],
    ),
    ("akshare.stock_hk_hist_min_em", "Hong Kong minutes: 最新价 is an average, 开盘 of 0 is the bar's"): (
        "security_quotes/akshare/stock_hk_hist_min_em/01611.HK-20250424.csv",
        "时间,开盘,收盘,最高,最低,成交量,成交额,最新价\n"
        "2025-04-24 09:31:00,0.00,11.92,11.94,11.90,12000,143058.0,11.9215\n",
        [
            {
                "security_code": "01611.HK",
                "quote_ts": utc("2025-04-24 09:31"),
                "last": Decimal("11.9200"),
                "open": None,
                "volume_shares": None,
                "currency": "HKD",
            }
        ],
    ),
    ("akshare.stock_hk_spot_em", "Hong Kong quotes of Eastmoney: shares and Hong Kong dollars"): (
        "security_quotes/akshare/stock_hk_spot_em/20250424T101500+0800.csv",
        "序号,代码,名称,最新价,涨跌额,涨跌幅,今开,最高,最低,昨收,成交量,成交额\n"
        "1,06821,凯莱英,60.5,5.6,10.2,55.0,61.0,54.5,54.9,1000000,60000000.0\n2,00013,和黄医药,-,-,-,-,-,-,22.1,-,-\n",
        [
            {
                "security_code": "06821.HK",
                "quote_ts": utc("2025-04-24 10:15"),
                "last": Decimal("60.5000"),
                "volume_shares": 1_000_000,
                "turnover": Decimal(60_000_000),
                "currency": "HKD",
            },
            {"security_code": "00013.HK", "last": None, "volume_shares": None, "prev_close": Decimal("22.1000")},
        ],
    ),
    ("akshare.stock_zh_a_spot_em", "mainland quotes of Eastmoney: lots"): (
        "security_quotes/akshare/stock_zh_a_spot_em/20250424T101500+0800.csv",
        "序号,代码,名称,最新价,涨跌幅,涨跌额,成交量,成交额,振幅,最高,最低,今开,昨收,量比,换手率,市盈率-动态,市净率,总市值,"
        "流通市值,涨速,5分钟涨跌,60日涨跌幅,年初至今涨跌幅\n"
        "1,002821,凯莱英,82.5,3.1,2.48,123456,1012345678.9,4.0,83.0,79.8,80.1,80.02,1.5,3.5,30,2,1e10,9e9,0,0,1,2\n",
        [{"security_code": "002821.SZ", "volume_shares": 12_345_600, "currency": "CNY"}],
    ),
    ("akshare.index_stock_cons_sina", "members' quotes of Sina: a time without its day, so the name has both"): (
        "security_quotes/20250424T101500+0800.csv",
        "symbol,code,name,trade,pricechange,changepercent,buy,sell,settlement,open,high,low,volume,amount,ticktime\n"
        "sz002821,002821,凯莱英,82.5,2.48,3.1,82.5,82.6,80.02,80.1,83.0,79.8,12345600,1012345678,10:15:00\n",
        [{"security_code": "002821.SZ", "quote_ts": utc("2025-04-24 10:15"), "volume_shares": 12_345_600}],
    ),
    ("akshare.index_component_sw", "members of a Shenwan index: the index stands in the name"): (
        "sector_members/akshare/index_component_sw/801150-20250424T180000+0800.csv",
        "序号,证券代码,证券名称,最新权重,计入日期\n1,002821,凯莱英,1.23,2021-12-13\n",
        [
            {
                "security_code": "002821.SZ",
                "scheme": "SW2021",
                "level": "L1",
                "sector_code": "801150",
                "valid_from": dt.date(2021, 12, 13),
                "valid_to": None,
            }
        ],
    ),
    ("akshare.stock_board_concept_cons_em", "a concept board: board and day stand in the path"): (
        "concept_members/akshare/stock_board_concept_cons_em/CRO概念/20250424T180000+0800.csv",
        "序号,代码,名称,最新价,涨跌幅,涨跌额,成交量,成交额,振幅,最高,最低,今开,昨收,换手率,市盈率-动态,市净率\n"
        "1,002821,凯莱英,82.5,3.1,2.48,123456,1012345678.9,4.0,83.0,79.8,80.1,80.02,3.5,30,2\n",
        [
            {
                "concept": "CRO概念",
                "security_code": "002821.SZ",
                "as_of_date": dt.date(2025, 4, 24),
                "source": "Eastmoney board",
                "knowledge_at": utc("2025-04-24 18:00"),
            }
        ],
    ),
    ("akshare.stock_hk_ggt_components_em", "southbound list: eligible on the day in the name"): (
        "connect_eligibility/akshare/stock_hk_ggt_components_em/20250424T092000+0800.csv",
        "序号,代码,名称,最新价,涨跌额,涨跌幅,今开,最高,最低,昨收,成交量,成交额\n"
        "1,01801,信达生物,50.1,1.6,3.3,48.5,50.4,48.2,48.5,12345600,615000000.5\n",
        [
            {
                "security_code": "01801.HK",
                "channel": "SOUTHBOUND",
                "valid_from": dt.date(2025, 4, 24),
                "valid_to": None,
                "sell_only": False,
            }
        ],
    ),
    ("akshare.stock_hk_security_profile_em", "profile of a Hong Kong security"): (
        "securities/akshare/stock_hk_security_profile_em/01801.HK.csv",
        "证券代码,证券简称,上市日期,证券类型,发行价,发行量(股),每手股数,每股面值,交易所,板块,年结日,"
        "ISIN（国际证券识别编码）,是否沪港通标的,是否深港通标的\n"
        "01801.HK,信达生物,2018-10-31 00:00:00,非H股,13.98,236350000,500,0.00001 USD,香港交易所,"
        "主板,12-31,KYG4818G1010,是,是\n",
        [{"security_code": "01801.HK", "name_zh": "信达生物", "listed_on": dt.date(2018, 10, 31)}],
    ),
    ("akshare.stock_sgt_settlement_exchange_rate_szse", "settlement rates: buying may lie above selling"): (
        "fx_rates/settlement.csv",
        "适用日期,买入结算汇兑比率,卖出结算汇兑比率,货币种类\n2016-12-06,0.88698,0.88682,HKD\n",
        [
            {"pair": "HKDCNY", "kind": "sgt_settlement_buy", "rate": Decimal("0.88698000")},
            {"kind": "sgt_settlement_sell", "rate": Decimal("0.88682000"), "knowledge_at": utc("2016-12-06 18:00")},
        ],
    ),
}


@pytest.mark.parametrize(
    ("dialect", "case"), [(key[0], case) for key, case in FIGURES.items()], ids=[key[1] for key in FIGURES]
)
def test_figures(home: Home, dialect: str, case: Case) -> None:
    check(home, dialect, case)


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


def test_an_industry_of_the_classification_before_2021_is_refused(home: Home) -> None:
    home.land("sector_members/history.csv", "symbol,start_date,industry_code\n600123,2014-01-01,210101\n")
    home.run()
    assert home.reasons() == ["sector_code: found '21', expected a sector code of digits such as 801150"]


def test_a_counter_in_renminbi_is_no_counter_in_dollars(home: Home) -> None:
    """Sina's list holds both counters of a company; GEM codes begin with 08."""
    home.land(
        "security_quotes/spot.csv",
        "日期时间,代码,中文名称,英文名称,交易类型,最新价,涨跌额,涨跌幅,昨收,今开,最高,最低,成交量,成交额,买一,卖一\n"
        "2025/04/24 10:30:00,83690,美团-WR,MEITUAN-WR,EQTY,120,1,0.8,119,119,121,118,1000,120000,119.9,120\n"
        "2025/04/24 10:30:00,03690,美团-W,MEITUAN-W,EQTY,128,1,0.8,127,127,129,126,1000,128000,127.9,128\n"
        "2025/04/24 10:30:00,08083,有赞,YOUZAN,EQTY,0.1,0,0,0.1,0.1,0.1,0.1,1000,100,0.1,0.1\n",
    )
    home.run()
    found = {row["security_code"]: row["currency"] for row in home.raw("security_quotes")}
    assert found == {"83690.HK": "CNY", "03690.HK": "HKD", "08083.HK": "HKD"}
