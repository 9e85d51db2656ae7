"""Eastmoney's own answers, as its data centre and its quote service deliver them (JSON): ``eastmoney.<what>``.

Belongs here: what comes from its addresses directly. Does not belong here: what akshare makes of it (``akshare``).
"""

from orchestration.dialects.base import CodeStyle, Column, Dialect, Unit

DIALECTS: tuple[Dialect, ...] = (
    # Reports RPT_ORG_SURVEY (a row an institution) and RPT_ORG_SURVEYNEW (the first row of each visit).
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
        # close_price and change_rate are those of the moment of the query.
        ignored=(
            *("security_code", "security_name_abbr", "receive_time_explain", "receive_way", "receive_place"),
            *("receive_object_type", "receptionist", "remark", "sum", "numbernew", "is_source"),
            *("close_price", "change_rate"),
        ),
    ),
    # The list of funds of the quote service; its fields are numbered. f38 are shares on the day f297: they are left to
    # the exchanges, which say whether they stand before or after the session.
    Dialect(
        name="eastmoney.etf_list",
        table="etf_quotes",
        columns=(
            Column("f12", "etf_code", style=CodeStyle.BARE_CN),
            Column("f124", "quote_ts", style=CodeStyle.EPOCH_SECONDS),
            Column("f2", "last"),
            Column("f17", "open"),
            Column("f18", "prev_close"),
            Column("f5", "volume_shares", Unit.LOTS),
            Column("f6", "turnover_cny"),
            Column("f441", "iopv"),
        ),
        ignored=("f14", "f402", "f4", "f3", "f15", "f16", "f38", "f297"),
        required=("f441",),
    ),
)
