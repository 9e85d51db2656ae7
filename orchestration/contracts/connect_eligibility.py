"""Eligibility of a security for Stock Connect, as validity intervals."""

from orchestration.contracts.base import Contract, Field, Kind, RowRule

CONTRACT = Contract(
    name="connect_eligibility",
    grain="a security, channel and start of validity",
    key=("security_code", "channel", "valid_from"),
    fields=(
        Field("security_code", Kind.SECURITY_CODE, "exchange code"),
        Field("channel", Kind.TEXT, "channel, such as SH_HK or SZ_HK"),
        Field("valid_from", Kind.DATE, "first eligible day", "date"),
        Field("valid_to", Kind.DATE, "first day no longer eligible; NULL: still eligible", "date"),
        Field("sell_only", Kind.FLAG, "whether only sales are allowed"),
    ),
    knowledge="clock(valid_from, 0)",
    rules=(RowRule("valid_to < valid_from", "'valid_to: ' || valid_to || ' is before valid_from ' || valid_from"),),
)
