"""Files as exchanges and index providers hand them out: Shanghai and Shenzhen Stock Exchange, CNI, CSI.

Belongs here: raw headers, with their units in brackets and their English halves, and what akshare's functions of the
same workbooks make of them.
"""

from orchestration.dialects.base import MOMENT, ON_ITS_DAY, CodeStyle, Column, Dialect, Unit

_BARE_CN, _CSI, _BY_MARKET = CodeStyle.BARE_CN, CodeStyle.CSI_INDEX, CodeStyle.BY_INDEX_MARKET

# The list holds funds of all kinds that trade in Shenzhen, real estate trusts among them.
_ETFS = (("基金类别", ("ETF",)),)

DIALECTS: tuple[Dialect, ...] = (
    # The query service of the Shanghai Stock Exchange; akshare has multiplied its figures since January 2026.
    Dialect(
        name="sse.etf_scale",
        table="etf_shares",
        columns=(
            Column("sec_code", "etf_code", style=_BARE_CN),
            Column("stat_date", "share_date"),
            Column("tot_vol", "shares", Unit.WAN),
        ),
        constants=(("share_basis", "close_of_day"),),
        ignored=("num", "sec_name", "etf_type"),
    ),
    # By way of akshare: fund_scale_daily_szse.
    Dialect(
        name="szse.fund_scale_daily",
        table="etf_shares",
        columns=(
            Column("日期", "share_date"),
            Column("基金代码", "etf_code", style=_BARE_CN),
            Column("基金规模(份)", "shares"),
            Column("基金规模（份）", "shares"),
            Column("基金份额", "shares"),
        ),
        constants=(("share_basis", "open_of_day"),),
        ignored=("基金简称",),
        required=("日期",),
    ),
    # By way of akshare: fund_etf_scale_szse. No date in it: a list of profiles, or shares of the day in the path.
    Dialect(
        name="szse.fund_list",
        table="etf_shares",
        columns=(
            Column("基金代码", "etf_code", style=_BARE_CN),
            Column("当前规模(份)", "shares"),
            Column("当前规模（份）", "shares"),
            Column("基金份额", "shares"),
        ),
        constants=(("share_basis", "open_of_day"),),
        ignored=("基金简称", "基金类别", "投资类别", "上市日期", "基金管理人", "基金发起人", "基金托管人", "净值"),
        required=("投资类别",),
        only=_ETFS,
        from_path=MOMENT,
        path_columns=(("share_date", ON_ITS_DAY),),
    ),
    Dialect(
        name="szse.fund_list",
        table="etf_profiles",
        columns=(
            Column("基金代码", "etf_code", style=_BARE_CN),
            Column("基金简称", "name_zh"),
            Column("上市日期", "listed_on"),
            Column("基金管理人", "manager"),
        ),
        ignored=(
            "基金类别",
            "投资类别",
            "当前规模(份)",
            "当前规模（份）",
            "基金份额",
            "基金发起人",
            "基金托管人",
            "净值",
        ),
        required=("投资类别",),
        only=_ETFS,
    ),
    # By way of akshare: index_detail_cni, index_detail_hist_cni. The index stands in the file name alone; codes are
    # filled with zeros to six digits whatever their market.
    Dialect(
        name="cni.sample_detail",
        table="index_weights",
        columns=(
            Column("日期", "weight_date"),
            Column("样本代码", "security_code", style=_BY_MARKET),
            Column("样本简称", "security_name"),
            Column("权重(%)", "weight", Unit.PERCENT),
            Column("权重（%）", "weight", Unit.PERCENT),
            Column("权重", "weight", Unit.PERCENT),
        ),
        ignored=(
            *("所属行业", "总市值(亿元)", "总市值（亿元）", "自由流通市值(亿元)", "自由流通市值（亿元）"),
            *("总市值", "自由流通市值"),
        ),
        name_key="index_code",
        name_style=CodeStyle.CNI_INDEX,
    ),
    Dialect(
        name="csi.closeweight",
        table="index_weights",
        columns=(
            Column("日期Date", "weight_date"),
            Column("指数代码 Index Code", "index_code", style=_CSI),
            Column("指数代码Index Code", "index_code", style=_CSI),
            Column("指数代码IndexCode", "index_code", style=_CSI),
            Column("成份券代码Constituent Code", "security_code", style=_BY_MARKET),
            Column("成份券代码ConstituentCode", "security_code", style=_BY_MARKET),
            Column("成分券代码Constituent Code", "security_code", style=_BY_MARKET),
            Column("成份券名称Constituent Name", "security_name"),
            Column("成份券名称ConstituentName", "security_name"),
            Column("成分券名称Constituent Name", "security_name"),
            Column("权重(%)weight", "weight", Unit.PERCENT),
        ),
        ignored=(
            *("指数名称 Index Name", "指数名称Index Name", "指数名称IndexName"),
            *("指数英文名称Index Name(Eng)", "指数英文名称IndexName(Eng)"),
            *("成份券英文名称Constituent Name(Eng)", "成分券英文名称Constituent Name(Eng)"),
            *("成份券英文名称ConstituentName(Eng)", "交易所Exchange", "交易所英文名称Exchange(Eng)"),
        ),
    ),
    # Notices of both exchanges on what comes into Stock Connect southbound and what leaves it. What leaves may still be
    # sold. Which exchange it is stands in the path, or in a column channel that was added.
    Dialect(
        name="exchanges.southbound_notice",
        table="connect_eligibility",
        columns=(
            Column("证券代码", "security_code", style=CodeStyle.BARE_HK),
            Column("调整生效日期", "valid_from"),
            Column("调整内容", "sell_only", translate=(("调入", "false"), ("调出", "true"))),
        ),
        ignored=("序号", "中文简称", "英文简称"),
        required=("调整内容",),
        from_path=r"(?<![A-Za-z])(?P<exchange>sse|szse|上交所|深交所)(?![A-Za-z])",
        path_example="sse/notice.csv or szse/notice.csv",
        path_columns=(("channel", "{exchange}"),),
        path_translate=(("sse", "SH_HK"), ("szse", "SZ_HK"), ("上交所", "SH_HK"), ("深交所", "SZ_HK")),
    ),
)
