"""Files as akshare's functions deliver them (Eastmoney, Sina, Tonghuashun, CSI behind them).

Belongs here: header sets of akshare data frames written as they come. Does not belong here: workbooks of exchanges and
index providers that akshare passes on with a header changed at most (``exchanges``). Names are ``akshare.<function>``.
Quoted changes, amplitudes and turnover rates are left out: they follow from prices, shares and reference prices.
``序号`` is the rank at the time of the query and never a key.
"""

from orchestration.dialects.base import CodeStyle, Column, Dialect, Unit, View

_BARE_CN, _BARE_HK = CodeStyle.BARE_CN, CodeStyle.BARE_HK
_HKD, _CNY = (("currency", "HKD"),), (("currency", "CNY"),)
_CURRENCY = (("currency", ((".HK", "HKD"), (".SH", "CNY"), (".SZ", "CNY"), (".BJ", "CNY"))),)

# The reference price is not delivered, the change against it is.
_PREV_CLOSE = Column("涨跌额", "prev_close", change_from="close")
_PRICES = (Column("开盘", "open"), Column("收盘", "close"), Column("最高", "high"), Column("最低", "low"))
_HIST_IGNORED = ("振幅", "涨跌幅", "换手率")
_SPOT_PRICES = (Column("最新价", "last"), Column("今开", "open"), Column("昨收", "prev_close"))
_SPOT_IGNORED = ("序号", "名称", "涨跌额", "涨跌幅", "最高", "最低")

# First two digits of a Shenwan industry code -> index code of its first level (2021).
# fmt: off
_SHENWAN_L1 = (
    ("11", "801010"), ("22", "801030"), ("23", "801040"), ("24", "801050"), ("27", "801080"), ("28", "801880"),
    ("33", "801110"), ("34", "801120"), ("35", "801130"), ("36", "801140"), ("37", "801150"), ("41", "801160"),
    ("42", "801170"), ("43", "801180"), ("45", "801200"), ("46", "801210"), ("48", "801780"), ("49", "801790"),
    ("51", "801230"), ("61", "801710"), ("62", "801720"), ("63", "801730"), ("64", "801890"), ("65", "801740"),
    ("71", "801750"), ("72", "801760"), ("73", "801770"), ("74", "801950"), ("75", "801960"), ("76", "801970"),
    ("77", "801980"),
)
# fmt: on

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
    # No time of the quote in it: read as quotes only when quote_ts was added to the file.
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
        columns=(Column("净值日期", "nav_date"), Column("单位净值", "unit_nav"), Column("累计净值", "accumulated_nav")),
        ignored=("日增长率", "申购状态", "赎回状态"),
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
    # Neither has the time of the quote: quote_ts is added to the file by whoever takes the snapshot.
    Dialect(
        name="akshare.stock_hk_index_spot_sina",
        table="index_quotes",
        columns=(Column("代码", "index_code", style=CodeStyle.HK_INDEX), *_SPOT_PRICES),
        ignored=_SPOT_IGNORED,
    ),
    Dialect(
        name="akshare.stock_hk_index_spot_em",
        table="index_quotes",
        columns=(Column("代码", "index_code", style=CodeStyle.HK_INDEX), *_SPOT_PRICES),
        ignored=(*_SPOT_IGNORED, "内部编号", "成交量", "成交额"),
        required=("内部编号",),
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
        constants_by_suffix=_CURRENCY,
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
        constants_by_suffix=_CURRENCY,
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
        constants=_HKD,
        ignored=("中文名称", "英文名称", "交易类型", "涨跌额", "涨跌幅", "最高", "最低", "买一", "卖一"),
        required=("日期时间",),
    ),
    # No time of the quote in it: quote_ts is added to the file by whoever takes the snapshot.
    Dialect(
        name="akshare.stock_hk_spot_em",
        table="security_quotes",
        columns=(
            Column("代码", "security_code", style=_BARE_HK),
            *_SPOT_PRICES,
            Column("成交量", "volume_shares"),
            Column("成交额", "turnover"),
        ),
        constants=_HKD,
        ignored=_SPOT_IGNORED,
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
    ),
    # Its ticktime has no date: read only when quote_ts was added to the file.
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
    # What akshare makes its frame of, as the data centre delivers it.
    Dialect(
        name="eastmoney.org_survey",
        table="broker_visits",
        columns=(
            Column("secucode", "security_code"),
            Column("receive_start_date", "visit_date"),
            Column("receive_way_explain", "visit_way"),
            Column("receive_object", "visitor_org"),
            Column("org_type", "visitor_type"),
            Column("investigators", "visitor_names"),
            Column("notice_date", "notice_date"),
        ),
        ignored=(
            *("security_code", "security_name_abbr", "receive_time_explain", "receive_way", "receive_place"),
            *("receive_object_type", "receptionist", "remark", "sum", "numbernew", "is_source"),
        ),
    ),
    # Industry codes of the third level from the first day on; their first two digits are the first level, written here
    # as its index code. Codes that only the classification before 2021 had are refused.
    Dialect(
        name="akshare.stock_industry_clf_hist_sw",
        table="sector_members",
        columns=(
            Column("symbol", "security_code", style=_BARE_CN),
            Column("start_date", "valid_from"),
            Column("industry_code", "sector_code", translate=_SHENWAN_L1, leading=2),
        ),
        constants=(("scheme", "SW2021"), ("level", "L1")),
        ignored=("update_time",),
    ),
    # Boards hold A shares only; which board and day the list is of are added to the file by whoever takes it.
    Dialect(
        name="akshare.stock_board_concept_cons_em",
        table="concept_members",
        columns=(Column("代码", "security_code", style=_BARE_CN),),
        constants=(("source", "Eastmoney board"),),
        ignored=(
            *("序号", "名称", "最新价", "涨跌幅", "涨跌额", "成交量", "成交额", "振幅", "最高", "最低", "今开", "昨收"),
            *("换手率", "市盈率-动态", "市净率"),
        ),
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
