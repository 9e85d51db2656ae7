"""Files as akshare's functions deliver them (Eastmoney, Sina, Tonghuashun, CSI behind them).

Belongs here: header sets of akshare data frames written as they come. Does not belong here: workbooks of exchanges and
index providers that akshare passes on with a header changed at most (``exchanges``). Names are ``akshare.<function>``.
Quoted changes, amplitudes and turnover rates are left out: they follow from prices, shares and reference prices.
``序号`` is the rank at the time of the query and never a key.
"""

from orchestration.dialects.base import (
    AT_MOMENT,
    CURRENCY_BY_CODE,
    MOMENT,
    ON_ITS_DAY,
    CodeStyle,
    Column,
    Dialect,
    Unit,
    View,
)
from orchestration.dialects.shenwan import L1_BY_INDUSTRY, L1_CODES

_BARE_CN, _BARE_HK = CodeStyle.BARE_CN, CodeStyle.BARE_HK
_CNY = (("currency", "CNY"),)

# The reference price is not delivered, the change against it is.
_PREV_CLOSE = Column("涨跌额", "prev_close", change_from="close")
_PRICES = (Column("开盘", "open"), Column("收盘", "close"), Column("最高", "high"), Column("最低", "low"))
_HIST_IGNORED = ("振幅", "涨跌幅", "换手率")
_SPOT_PRICES = (Column("最新价", "last"), Column("今开", "open"), Column("昨收", "prev_close"))
_SPOT_IGNORED = ("序号", "名称", "涨跌额", "涨跌幅", "最高", "最低")
# A minute bar is labelled with its end, so its close is the last price at that time. Its open is not the day's, its
# change is that against the bar before, its volume and value are its own and not those since the open.
_MINUTE = (Column("时间", "quote_ts"), Column("收盘", "last"))
_MINUTE_IGNORED = ("开盘", "最高", "最低", "成交量", "成交额", "均价", "振幅", "涨跌幅", "涨跌额", "换手率")
_QUOTED_AT_MOMENT = (("quote_ts", AT_MOMENT),)

_ETF = (
    Dialect(
        name="akshare.fund_etf_hist_em",
        table="etf_bars",
        columns=(
            Column("日期", "trade_date"),
            *_PRICES,
            _PREV_CLOSE,
            Column("成交量", "volume_shares", Unit.LOTS),
            Column("成交额", "turnover_cny"),
        ),
        ignored=_HIST_IGNORED,
        name_key="etf_code",
        name_style=_BARE_CN,
    ),
    # The same function after a script that renamed the first six columns; volume stays in lots.
    Dialect(
        name="akshare.fund_etf_hist_em.renamed",
        table="etf_bars",
        columns=(
            Column("datetime", "trade_date"),
            Column("open", "open"),
            Column("close", "close"),
            Column("high", "high"),
            Column("low", "low"),
            _PREV_CLOSE,
            Column("volume", "volume_shares", Unit.LOTS),
            Column("成交额", "turnover_cny"),
        ),
        ignored=_HIST_IGNORED,
        required=("成交额",),
        name_key="etf_code",
        name_style=_BARE_CN,
    ),
    Dialect(
        name="akshare.fund_etf_spot_em",
        table="etf_quotes",
        columns=(
            Column("代码", "etf_code", style=_BARE_CN),
            Column("更新时间", "quote_ts"),
            Column("最新价", "last"),
            Column("开盘价", "open"),
            Column("昨收", "prev_close"),
            Column("成交量", "volume_shares", Unit.LOTS),
            Column("成交额", "turnover_cny"),
            Column("IOPV实时估值", "iopv"),
        ),
        # 主力净流入 and its parts are trade sizes, not creations. The sign of 基金折价率 is not documented.
        ignored=(
            *("名称", "基金折价率", "涨跌额", "涨跌幅", "最高价", "最低价", "振幅", "换手率", "量比", "委比", "外盘"),
            *("内盘", "现手", "买一", "卖一", "最新份额", "流通市值", "总市值", "数据日期"),
            *("主力净流入-净额", "主力净流入-净占比", "超大单净流入-净额", "超大单净流入-净占比"),
            *("大单净流入-净额", "大单净流入-净占比", "中单净流入-净额", "中单净流入-净占比"),
            *("小单净流入-净额", "小单净流入-净占比"),
        ),
    ),
    Dialect(
        name="akshare.fund_etf_hist_min_em",
        table="etf_quotes",
        columns=_MINUTE,
        ignored=_MINUTE_IGNORED,
        required=("收盘",),
        name_key="etf_code",
        name_style=_BARE_CN,
    ),
    # No time of the quote in it.
    Dialect(
        name="akshare.fund_etf_category_sina",
        table="etf_quotes",
        columns=(
            Column("代码", "etf_code", style=CodeStyle.PREFIXED),
            *_SPOT_PRICES,
            Column("成交量", "volume_shares"),
            Column("成交额", "turnover_cny"),
        ),
        ignored=("名称", "涨跌额", "涨跌幅", "买入", "卖出", "最高", "最低"),
        required=("买入",),
        from_path=MOMENT,
        path_columns=_QUOTED_AT_MOMENT,
    ),
    # The same list of funds, dropped as a list: codes and names.
    Dialect(
        name="akshare.fund_etf_category_sina",
        table="etf_profiles",
        columns=(Column("代码", "etf_code", style=CodeStyle.PREFIXED), Column("名称", "name_zh")),
        ignored=("最新价", "涨跌额", "涨跌幅", "买入", "卖出", "昨收", "今开", "最高", "最低", "成交量", "成交额"),
        required=("买入",),
    ),
    Dialect(
        name="akshare.fund_etf_scale_sse",
        table="etf_shares",
        columns=(
            Column("基金代码", "etf_code", style=_BARE_CN),
            Column("统计日期", "share_date"),
            Column("基金份额", "shares"),
        ),
        constants=(("share_basis", "close_of_day"),),
        ignored=("序号", "基金简称", "ETF类型"),
        required=("统计日期",),
        # 份 since akshare 1.18.15, 万份 before, under the same header. The median Shanghai fund has 289 million shares
        # (file of 2025-01-15, smallest 3.1 million); read in 万份 it would have 29 thousand.
        guarded_column="shares",
        implausible_below=1_000_000,
    ),
    Dialect(
        name="akshare.fund_etf_fund_info_em",
        table="etf_nav",
        columns=(
            Column("净值日期", "nav_date"),
            Column("单位净值", "unit_nav"),
            Column("累计净值", "accumulated_nav"),
            Column("申购状态", "creation_status"),
            Column("赎回状态", "redemption_status"),
        ),
        ignored=("日增长率",),
        name_key="etf_code",
        name_style=_BARE_CN,
    ),
    Dialect(
        name="akshare.fund_etf_fund_daily_em",
        table="etf_nav",
        columns=(Column("基金代码", "etf_code", style=_BARE_CN),),
        dated_columns=r"(?P<date>\d{4}-\d{2}-\d{2})-(?P<field>单位净值|累计净值)",
        dated_fields=(("单位净值", "unit_nav"), ("累计净值", "accumulated_nav")),
        dated_target="nav_date",
        ignored=("基金简称", "类型", "增长值", "增长率", "市价", "折价率"),
    ),
    # fund_etf_category_ths has the same header.
    Dialect(
        name="akshare.fund_etf_spot_ths",
        table="etf_nav",
        columns=(
            Column("基金代码", "etf_code", style=_BARE_CN),
            Column("最新-交易日", "nav_date"),
            Column("最新-单位净值", "unit_nav"),
            Column("最新-累计净值", "accumulated_nav"),
        ),
        # The day that 前一日 means is not told.
        ignored=(
            *("序号", "基金名称", "当前-单位净值", "当前-累计净值", "前一日-单位净值", "前一日-累计净值", "增长值"),
            *("增长率", "赎回状态", "申购状态", "基金类型", "查询日期"),
        ),
    ),
    Dialect(
        name="akshare.fund_exchange_rank_em",
        table="etf_nav",
        columns=(
            Column("基金代码", "etf_code", style=_BARE_CN),
            Column("日期", "nav_date"),
            Column("单位净值", "unit_nav"),
            Column("累计净值", "accumulated_nav"),
        ),
        ignored=(
            *("序号", "基金简称", "类型", "近1周", "近1月", "近3月", "近6月", "近1年", "近2年", "近3年", "今年来"),
            *("成立来", "成立日期"),
        ),
    ),
)

_INDEX = (
    Dialect(
        name="akshare.index_hist_cni",
        table="index_bars",
        columns=(
            Column("日期", "trade_date"),
            Column("开盘价", "open"),
            Column("最高价", "high"),
            Column("最低价", "low"),
            Column("收盘价", "close"),
            Column("成交量", "volume_shares", Unit.WAN_LOTS),
            Column("成交额", "turnover", Unit.YI),
        ),
        ignored=("涨跌幅",),
        name_key="index_code",
        name_style=CodeStyle.CNI_INDEX,
    ),
    Dialect(
        name="akshare.stock_zh_index_hist_csindex",
        table="index_bars",
        columns=(
            Column("日期", "trade_date"),
            Column("指数代码", "index_code", style=CodeStyle.CSI_INDEX),
            *_PRICES,
            Column("涨跌", "prev_close", change_from="close"),
            Column("成交量", "volume_shares", Unit.WAN_LOTS),
            Column("成交金额", "turnover", Unit.YI),
        ),
        ignored=(
            *("指数中文全称", "指数中文简称", "指数英文全称", "指数英文简称", "涨跌幅", "样本数量", "滚动市盈率"),
        ),
    ),
    Dialect(
        name="akshare.index_zh_a_hist",
        table="index_bars",
        columns=(
            Column("日期", "trade_date"),
            *_PRICES,
            _PREV_CLOSE,
            Column("成交量", "volume_shares", Unit.LOTS),
            Column("成交额", "turnover"),
        ),
        ignored=_HIST_IGNORED,
        name_key="index_code",
        name_style=CodeStyle.CSI_INDEX,
    ),
    Dialect(
        name="akshare.stock_hk_index_daily_em",
        table="index_bars",
        columns=(
            Column("date", "trade_date"),
            Column("open", "open"),
            Column("high", "high"),
            Column("low", "low"),
            Column("latest", "close"),
        ),
        required=("latest",),
        name_key="index_code",
        name_style=CodeStyle.HK_INDEX,
    ),
    # None of the following three has the time of the quote.
    Dialect(
        name="akshare.stock_hk_index_spot_sina",
        table="index_quotes",
        columns=(Column("代码", "index_code", style=CodeStyle.HK_INDEX), *_SPOT_PRICES),
        ignored=_SPOT_IGNORED,
        from_path=MOMENT,
        path_columns=_QUOTED_AT_MOMENT,
    ),
    Dialect(
        name="akshare.stock_hk_index_spot_em",
        table="index_quotes",
        columns=(Column("代码", "index_code", style=CodeStyle.HK_INDEX), *_SPOT_PRICES),
        ignored=(*_SPOT_IGNORED, "内部编号", "成交量", "成交额"),
        required=("内部编号",),
        from_path=MOMENT,
        path_columns=_QUOTED_AT_MOMENT,
    ),
    # Its volume is off by a power of ten (divided by 1e5 where 万手 would be 1e6), and 涨跌幅 has no documented unit.
    Dialect(
        name="akshare.index_all_cni",
        table="index_quotes",
        columns=(Column("指数代码", "index_code", style=CodeStyle.CNI_INDEX), Column("收盘点位", "last")),
        ignored=("指数简称", "样本数", "涨跌幅", "PE滚动", "成交量", "成交额", "总市值", "自由流通市值"),
        from_path=MOMENT,
        path_columns=_QUOTED_AT_MOMENT,
    ),
    Dialect(
        name="akshare.index_zh_a_hist_min_em",
        table="index_quotes",
        columns=_MINUTE,
        ignored=_MINUTE_IGNORED,
        required=("收盘",),
        name_key="index_code",
        name_style=CodeStyle.CSI_INDEX,
    ),
    Dialect(
        name="akshare.index_stock_cons_weight_csindex",
        table="index_weights",
        columns=(
            Column("日期", "weight_date"),
            Column("指数代码", "index_code", style=CodeStyle.CSI_INDEX),
            Column("成分券代码", "security_code", style=CodeStyle.BY_INDEX_MARKET),
            Column("成分券名称", "security_name"),
            Column("权重", "weight", Unit.PERCENT),
        ),
        ignored=("指数名称", "指数英文名称", "成分券英文名称", "交易所", "交易所英文名称"),
        required=("权重",),
    ),
    # A membership list: no weights (R36).
    Dialect(
        name="akshare.index_stock_cons_csindex",
        table="index_weights",
        columns=(
            Column("日期", "weight_date"),
            Column("指数代码", "index_code", style=CodeStyle.CSI_INDEX),
            Column("成分券代码", "security_code", style=CodeStyle.BY_INDEX_MARKET),
            Column("成分券名称", "security_name"),
        ),
        ignored=("指数名称", "指数英文名称", "成分券英文名称", "交易所", "交易所英文名称"),
    ),
)

_HIST = (
    Column("日期", "trade_date"),
    *_PRICES,
    _PREV_CLOSE,
    Column("成交额", "turnover"),
)

_SECURITY = (
    # stock_zh_a_hist had this header too until it got a code column; it counts in lots, this one in shares.
    Dialect(
        name="akshare.stock_hk_hist",
        table="security_bars",
        columns=(
            *_HIST,
            Column("成交量", "volume_shares", Unit.LOTS, unit_by_suffix=((".HK", Unit.AS_CONTRACT),)),
        ),
        constants_by_suffix=CURRENCY_BY_CODE,
        ignored=_HIST_IGNORED,
        name_key="security_code",
        name_style=_BARE_HK,
    ),
    Dialect(
        name="akshare.stock_zh_a_hist",
        table="security_bars",
        columns=(
            *_HIST,
            Column("股票代码", "security_code", style=_BARE_CN),
            Column("成交量", "volume_shares", Unit.LOTS),
        ),
        constants=_CNY,
        ignored=_HIST_IGNORED,
    ),
    Dialect(
        name="akshare.stock_hk_daily",
        table="security_bars",
        columns=(
            Column("date", "trade_date"),
            Column("open", "open"),
            Column("high", "high"),
            Column("low", "low"),
            Column("close", "close"),
            Column("volume", "volume_shares"),
            Column("amount", "turnover"),
        ),
        constants_by_suffix=CURRENCY_BY_CODE,
        # In stock_zh_a_daily, which is the same otherwise, turnover is the turnover rate.
        ignored=("outstanding_share", "turnover"),
        name_key="security_code",
        name_style=_BARE_HK,
    ),
    Dialect(
        name="akshare.stock_hk_spot",
        table="security_quotes",
        columns=(
            Column("日期时间", "quote_ts"),
            Column("代码", "security_code", style=_BARE_HK),
            *_SPOT_PRICES,
            Column("成交量", "volume_shares"),
            Column("成交额", "turnover"),
        ),
        constants_by_suffix=CURRENCY_BY_CODE,
        ignored=("中文名称", "英文名称", "交易类型", "涨跌额", "涨跌幅", "最高", "最低", "买一", "卖一"),
        required=("日期时间",),
    ),
    # What it calls 最新价 is the average since the open.
    Dialect(
        name="akshare.stock_hk_hist_min_em",
        table="security_quotes",
        columns=_MINUTE,
        constants_by_suffix=CURRENCY_BY_CODE,
        ignored=(*_MINUTE_IGNORED, "最新价"),
        required=("收盘",),
        name_key="security_code",
        name_style=_BARE_HK,
    ),
    # No time of the quote in it; 15 minutes old when it is delivered.
    Dialect(
        name="akshare.stock_hk_spot_em",
        table="security_quotes",
        columns=(
            Column("代码", "security_code", style=_BARE_HK),
            *_SPOT_PRICES,
            Column("成交量", "volume_shares"),
            Column("成交额", "turnover"),
        ),
        constants_by_suffix=CURRENCY_BY_CODE,
        ignored=_SPOT_IGNORED,
        from_path=MOMENT,
        path_columns=_QUOTED_AT_MOMENT,
    ),
    Dialect(
        name="akshare.stock_zh_a_spot_em",
        table="security_quotes",
        columns=(
            Column("代码", "security_code", style=_BARE_CN),
            *_SPOT_PRICES,
            Column("成交量", "volume_shares", Unit.LOTS),
            Column("成交额", "turnover"),
        ),
        constants=_CNY,
        ignored=(
            *_SPOT_IGNORED,
            *("振幅", "量比", "换手率", "市盈率-动态", "市净率", "总市值", "流通市值", "涨速", "5分钟涨跌"),
            *("60日涨跌幅", "年初至今涨跌幅"),
        ),
        required=("量比",),
        from_path=MOMENT,
        path_columns=_QUOTED_AT_MOMENT,
    ),
    # Its ticktime has no date.
    Dialect(
        name="akshare.index_stock_cons_sina",
        table="security_quotes",
        columns=(
            Column("symbol", "security_code", style=CodeStyle.PREFIXED),
            Column("trade", "last"),
            Column("open", "open"),
            Column("settlement", "prev_close"),
            Column("volume", "volume_shares"),
            Column("amount", "turnover"),
        ),
        constants=_CNY,
        ignored=("name", "pricechange", "changepercent", "buy", "sell", "high", "low", "code", "ticktime"),
        from_path=MOMENT,
        path_columns=_QUOTED_AT_MOMENT,
    ),
)

_REFERENCE = (
    Dialect(
        name="akshare.stock_jgdy_detail_em",
        table="broker_visits",
        columns=(
            Column("代码", "security_code", style=_BARE_CN),
            Column("调研日期", "visit_date"),
            Column("接待方式", "visit_way"),
            Column("调研机构", "visitor_org"),
            Column("机构类型", "visitor_type"),
            Column("调研人员", "visitor_names"),
            Column("公告日期", "notice_date"),
        ),
        # 最新价 and 涨跌幅 are those of the moment of the query.
        ignored=("序号", "名称", "最新价", "涨跌幅", "接待人员", "接待地点"),
    ),
    # Industry codes of the third level from the first day on; their first two digits are the first level, written here
    # as its index code. Codes that only the classification before 2021 had are refused.
    Dialect(
        name="akshare.stock_industry_clf_hist_sw",
        table="sector_members",
        columns=(
            Column("symbol", "security_code", style=_BARE_CN),
            Column("start_date", "valid_from"),
            Column("industry_code", "sector_code", translate=L1_BY_INDUSTRY, leading=2),
        ),
        constants=(("scheme", "SW2021"), ("level", "L1")),
        ignored=("update_time",),
    ),
    # Members of an index of the first level as of today; which index stands in the name.
    Dialect(
        name="akshare.index_component_sw",
        table="sector_members",
        columns=(Column("证券代码", "security_code", style=_BARE_CN), Column("计入日期", "valid_from")),
        constants=(("scheme", "SW2021"), ("level", "L1")),
        ignored=("序号", "证券名称", "最新权重"),
        required=("计入日期",),
        from_path=f".*(?<!\\d)(?P<sector>{'|'.join(L1_CODES)})(?!\\d)",
        path_example="index_component_sw/801150.csv",
        path_columns=(("sector_code", "{sector}"),),
    ),
    # Boards hold A shares only. The board and the day stand in the path: ``<board>/<moment>``.
    Dialect(
        name="akshare.stock_board_concept_cons_em",
        table="concept_members",
        columns=(Column("代码", "security_code", style=_BARE_CN),),
        constants=(("source", "Eastmoney board"),),
        ignored=(
            *("序号", "名称", "最新价", "涨跌幅", "涨跌额", "成交量", "成交额", "振幅", "最高", "最低", "今开", "昨收"),
            *("换手率", "市盈率-动态", "市净率"),
        ),
        from_path=(
            r"^(?:.*/)?(?!(?:concept_members|akshare|stock_board_concept_cons_em)/)(?P<board>[^/]+)/(?:[^/]*!)?"
            + MOMENT.removeprefix(".*")
        ),
        path_example="CRO概念/20250424T103000+0800.csv",
        path_columns=(("concept", "{board}"), ("as_of_date", ON_ITS_DAY)),
    ),
    # What may be bought by way of Shanghai or Shenzhen or both, which is not told.
    Dialect(
        name="akshare.stock_hk_ggt_components_em",
        table="connect_eligibility",
        columns=(Column("代码", "security_code", style=_BARE_HK),),
        constants=(("channel", "SOUTHBOUND"), ("sell_only", "false")),
        ignored=(*_SPOT_IGNORED, "最新价", "今开", "昨收", "成交量", "成交额"),
        required=("昨收",),
        from_path=MOMENT,
        path_columns=(("valid_from", ON_ITS_DAY),),
    ),
    # Whether it is eligible for Stock Connect is that of today, and nothing tells since when.
    Dialect(
        name="akshare.stock_hk_security_profile_em",
        table="securities",
        columns=(
            Column("证券代码", "security_code"),
            Column("证券简称", "name_zh"),
            Column("上市日期", "listed_on"),
        ),
        ignored=(
            *("证券类型", "发行价", "发行量(股)", "每手股数", "每股面值", "交易所", "板块", "年结日"),
            *("ISIN（国际证券识别编码）", "是否沪港通标的", "是否深港通标的"),
        ),
        required=("证券类型",),
    ),
    # Buying and selling rates of one day; buying is not always the lower one.
    Dialect(
        name="akshare.stock_sgt_reference_exchange_rate_szse",
        table="fx_rates",
        columns=(
            Column("适用日期", "rate_date"),
            Column("货币种类", "pair", translate=(("HKD", "HKDCNY"), ("港币", "HKDCNY"))),
        ),
        views=(
            View((Column("参考汇率买入价", "rate"),), (("kind", "sgt_reference_buy"),)),
            View((Column("参考汇率卖出价", "rate"),), (("kind", "sgt_reference_sell"),)),
        ),
        required=("参考汇率买入价", "参考汇率卖出价"),
    ),
    Dialect(
        name="akshare.stock_sgt_settlement_exchange_rate_szse",
        table="fx_rates",
        columns=(
            Column("适用日期", "rate_date"),
            Column("货币种类", "pair", translate=(("HKD", "HKDCNY"), ("港币", "HKDCNY"))),
        ),
        views=(
            View((Column("买入结算汇兑比率", "rate"),), (("kind", "sgt_settlement_buy"),)),
            View((Column("卖出结算汇兑比率", "rate"),), (("kind", "sgt_settlement_sell"),)),
        ),
        required=("买入结算汇兑比率", "卖出结算汇兑比率"),
    ),
)

DIALECTS: tuple[Dialect, ...] = (*_ETF, *_INDEX, *_SECURITY, *_REFERENCE)
