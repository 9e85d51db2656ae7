"""Files as Tushare Pro's interfaces deliver them. Names are ``tushare.<interface>``.

Dates are YYYYMMDD, codes carry their exchange (``159567.SZ``, ``01801.HK``). Mainland bars count in lots and thousand
yuan, Hong Kong bars in shares and Hong Kong dollars, under one header; fund sizes count in ten thousands.
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
from orchestration.dialects.shenwan import L1_CODES

_PRICES = (
    Column("open", "open"),
    Column("high", "high"),
    Column("low", "low"),
    Column("close", "close"),
    Column("pre_close", "prev_close"),
)
_CHANGES = ("change", "pct_chg")
# Shenzhen figures carry the date of the next session: they stand before its open (R20).
_SHARE_BASIS = (("share_basis", ((".SZ", "open_of_day"), (".SH", "close_of_day"))),)
# A bar of minutes is labelled with its end: its close is the last price at that time, its open is not the day's, its
# volume and value are its own and not those since the open.
_MINUTE_IGNORED = ("freq", "open", "high", "low", "vol", "amount")


def _level(number: int) -> View:
    """One level of ``index_member_all``."""
    return View(
        (Column(f"l{number}_code", "sector_code"), Column(f"l{number}_name", "sector_name")), (("level", f"L{number}"),)
    )


DIALECTS: tuple[Dialect, ...] = (
    Dialect(
        name="tushare.fund_daily",
        table="etf_bars",
        columns=(
            Column("ts_code", "etf_code"),
            Column("trade_date", "trade_date"),
            *_PRICES,
            Column("vol", "volume_shares", Unit.LOTS),
            Column("amount", "turnover_cny", Unit.THOUSAND),
        ),
        ignored=_CHANGES,
    ),
    # The day so far. It tells its time only when asked to; volume in shares and value in yuan, unlike fund_daily.
    Dialect(
        name="tushare.rt_etf_k",
        table="etf_quotes",
        columns=(
            Column("ts_code", "etf_code"),
            Column("trade_time", "quote_ts"),
            Column("close", "last"),
            Column("open", "open"),
            Column("pre_close", "prev_close"),
            Column("vol", "volume_shares"),
            Column("amount", "turnover_cny"),
        ),
        ignored=("name", "high", "low", "num", "ask_volume1", "bid_volume1"),
        required=("pre_close",),
        from_path=MOMENT,
        path_columns=(("quote_ts", AT_MOMENT),),
    ),
    Dialect(
        name="tushare.rt_etf_min_daily",
        table="etf_quotes",
        columns=(Column("code", "etf_code"), Column("time", "quote_ts"), Column("close", "last")),
        ignored=_MINUTE_IGNORED,
        required=("freq",),
    ),
    # Volume and value lack a documented span, and its creations look like 万份 under a description that says 份.
    Dialect(
        name="tushare.rt_etf_sz_iopv",
        table="etf_quotes",
        columns=(
            Column("ts_code", "etf_code"),
            Column("trade_time", "quote_ts"),
            Column("price", "last"),
            Column("iopv", "iopv"),
        ),
        ignored=("vol", "num", "amount", "pre_iopv", "buy_num", "buy_vol", "sell_num", "sell_vol"),
        required=("iopv",),
    ),
    Dialect(
        name="tushare.etf_share_size",
        table="etf_shares",
        columns=(
            Column("ts_code", "etf_code"),
            Column("trade_date", "share_date"),
            Column("total_share", "shares", Unit.WAN),
            Column("total_size", "size_cny", Unit.WAN),
        ),
        constants_by_suffix=_SHARE_BASIS,
        ignored=("etf_name", "nav", "close", "exchange"),
    ),
    Dialect(
        name="tushare.fund_share",
        table="etf_shares",
        columns=(
            Column("ts_code", "etf_code"),
            Column("trade_date", "share_date"),
            Column("fd_share", "shares", Unit.WAN),
        ),
        constants_by_suffix=_SHARE_BASIS,
        ignored=("fund_type", "market"),
    ),
    Dialect(
        name="tushare.fund_nav",
        table="etf_nav",
        columns=(
            Column("ts_code", "etf_code"),
            Column("ann_date", "published_on"),
            Column("nav_date", "nav_date"),
            Column("unit_nav", "unit_nav"),
            Column("accum_nav", "accumulated_nav"),
        ),
        ignored=("accum_div", "net_asset", "total_netasset", "adj_nav", "update_flag"),
    ),
    Dialect(
        name="tushare.index_daily",
        table="index_bars",
        columns=(
            Column("ts_code", "index_code"),
            Column("trade_date", "trade_date"),
            *_PRICES,
            Column("vol", "volume_shares", Unit.LOTS),
            Column("amount", "turnover", Unit.THOUSAND),
        ),
        ignored=_CHANGES,
    ),
    # Volume is empty for most indices and its unit is not told.
    Dialect(
        name="tushare.index_global",
        table="index_bars",
        columns=(
            Column("ts_code", "index_code", style=CodeStyle.HK_INDEX),
            Column("trade_date", "trade_date"),
            *_PRICES,
        ),
        ignored=(*_CHANGES, "swing", "vol", "amount"),
        required=("swing",),
    ),
    Dialect(
        name="tushare.index_weight",
        table="index_weights",
        columns=(
            Column("index_code", "index_code"),
            Column("con_code", "security_code"),
            Column("trade_date", "weight_date"),
            Column("weight", "weight", Unit.PERCENT),
        ),
        required=("con_code",),
    ),
    Dialect(
        name="tushare.hk_basic",
        table="securities",
        columns=(
            Column("ts_code", "security_code"),
            Column("name", "name_zh"),
            Column("enname", "name_en"),
            Column("list_date", "listed_on"),
            Column("delist_date", "delisted_on"),
        ),
        ignored=("fullname", "cn_spell", "market", "list_status", "trade_unit", "isin", "curr_type"),
    ),
    Dialect(
        name="tushare.stock_basic",
        table="securities",
        columns=(
            Column("ts_code", "security_code"),
            Column("name", "name_zh"),
            Column("enname", "name_en"),
            Column("list_date", "listed_on"),
            Column("delist_date", "delisted_on"),
        ),
        ignored=(
            *("symbol", "area", "industry", "fullname", "cnspell", "market", "exchange", "curr_type", "list_status"),
            *("is_hs", "act_name", "act_ent_type"),
        ),
        required=("symbol",),
    ),
    # daily and hk_daily share a header: the code tells the units.
    Dialect(
        name="tushare.daily",
        table="security_bars",
        columns=(
            Column("ts_code", "security_code"),
            Column("trade_date", "trade_date"),
            *_PRICES,
            Column("vol", "volume_shares", Unit.LOTS, unit_by_suffix=((".HK", Unit.AS_CONTRACT),)),
            Column("amount", "turnover", Unit.THOUSAND, unit_by_suffix=((".HK", Unit.AS_CONTRACT),)),
        ),
        constants_by_suffix=CURRENCY_BY_CODE,
        ignored=_CHANGES,
    ),
    # The day so far; nothing in it tells its time. An untraded security has prices of 0.
    Dialect(
        name="tushare.rt_hk_k",
        table="security_quotes",
        columns=(
            Column("ts_code", "security_code"),
            Column("trade_time", "quote_ts"),
            Column("close", "last"),
            Column("open", "open"),
            Column("pre_close", "prev_close"),
            Column("vol", "volume_shares"),
            Column("amount", "turnover"),
        ),
        constants_by_suffix=CURRENCY_BY_CODE,
        ignored=("high", "low"),
        required=("pre_close",),
        from_path=MOMENT,
        path_columns=(("quote_ts", AT_MOMENT),),
    ),
    Dialect(
        name="tushare.hk_mins",
        table="security_quotes",
        columns=(Column("ts_code", "security_code"), Column("trade_time", "quote_ts"), Column("close", "last")),
        constants_by_suffix=CURRENCY_BY_CODE,
        ignored=_MINUTE_IGNORED,
    ),
    # No day of the notice in it: visits are known two sessions later.
    Dialect(
        name="tushare.stk_surv",
        table="broker_visits",
        columns=(
            Column("ts_code", "security_code"),
            Column("surv_date", "visit_date"),
            Column("rece_mode", "visit_way"),
            Column("rece_org", "visitor_org"),
            Column("org_type", "visitor_type"),
            Column("fund_visitors", "visitor_names"),
        ),
        ignored=("name", "rece_place", "comp_rece", "content"),
    ),
    Dialect(
        name="tushare.index_member_all",
        table="sector_members",
        columns=(
            Column("ts_code", "security_code"),
            Column("in_date", "valid_from"),
            Column("out_date", "valid_to"),
        ),
        views=(_level(1), _level(2), _level(3)),
        constants=(("scheme", "SW2021"),),
        ignored=("name", "is_new"),
        required=("l1_code", "l2_code", "l3_code"),
    ),
    # Before index_member_all, of which some days differ; the first level is the only one that its codes tell.
    Dialect(
        name="tushare.index_member",
        table="sector_members",
        columns=(
            Column("con_code", "security_code"),
            Column("in_date", "valid_from"),
            Column("out_date", "valid_to"),
            Column("index_code", "sector_code"),
            Column("index_code", "level", translate=tuple((f"{code}.SI", "L1") for code in L1_CODES)),
            Column("index_name", "sector_name"),
        ),
        constants=(("scheme", "SW2021"),),
        ignored=("con_name", "is_new"),
    ),
    Dialect(
        name="tushare.dc_member",
        table="concept_members",
        columns=(
            Column("trade_date", "as_of_date"),
            Column("ts_code", "concept"),
            Column("con_code", "security_code"),
        ),
        constants=(("source", "Eastmoney board"),),
        ignored=("name",),
    ),
    Dialect(
        name="tushare.tdx_member",
        table="concept_members",
        columns=(
            Column("trade_date", "as_of_date"),
            Column("ts_code", "concept"),
            Column("con_code", "security_code"),
        ),
        constants=(("source", "Tongdaxin board"),),
        ignored=("con_name",),
        required=("con_name",),
    ),
    # Members of today.
    Dialect(
        name="tushare.ths_member",
        table="concept_members",
        columns=(Column("ts_code", "concept"), Column("con_code", "security_code")),
        constants=(("source", "Tonghuashun board"),),
        ignored=("con_name", "weight", "in_date", "out_date", "is_new"),
        required=("con_name",),
        from_path=MOMENT,
        path_columns=(("as_of_date", ON_ITS_DAY),),
    ),
    # A list a day of what may be bought and sold through the channel: eligible from that day on.
    Dialect(
        name="tushare.stock_hsgt",
        table="connect_eligibility",
        columns=(
            Column("ts_code", "security_code"),
            Column("trade_date", "valid_from"),
            Column("type", "channel"),
        ),
        constants=(("sell_only", "false"),),
        ignored=("name", "type_name"),
    ),
)
