"""Files as Tushare Pro's interfaces deliver them. Names are ``tushare.<interface>``.

Dates are YYYYMMDD, codes carry their exchange (``159567.SZ``, ``01801.HK``). Mainland bars count in lots and thousand
yuan, Hong Kong bars in shares and Hong Kong dollars, under one header; fund sizes count in ten thousands.
"""

from orchestration.dialects.base import CodeStyle, Column, Dialect, Unit, View

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
_CURRENCY = (("currency", ((".HK", "HKD"), (".SH", "CNY"), (".SZ", "CNY"), (".BJ", "CNY"))),)


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
    Dialect(
        name="tushare.etf_share_size",
        table="etf_shares",
        columns=(
            Column("ts_code", "etf_code"),
            Column("trade_date", "share_date"),
            Column("total_share", "shares", Unit.WAN),
        ),
        constants_by_suffix=_SHARE_BASIS,
        ignored=("etf_name", "total_size", "nav", "close", "exchange"),
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
        constants_by_suffix=_CURRENCY,
        ignored=_CHANGES,
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
    # Members of today: as_of_date is added to the file by whoever takes the list.
    Dialect(
        name="tushare.ths_member",
        table="concept_members",
        columns=(Column("ts_code", "concept"), Column("con_code", "security_code")),
        constants=(("source", "Tonghuashun board"),),
        ignored=("con_name", "weight", "in_date", "out_date", "is_new"),
        required=("con_name",),
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
