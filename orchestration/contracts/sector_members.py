"""Sector of a security by classification scheme, as validity intervals."""

from orchestration.contracts.base import Contract, Field, Kind, RowRule

CONTRACT = Contract(
    name="sector_members",
    grain="a security, scheme, level and start of validity",
    key=("security_code", "scheme", "level", "valid_from"),
    fields=(
        Field("security_code", Kind.SECURITY_CODE, "exchange code"),
        Field("scheme", Kind.TEXT, "classification scheme and version, such as SW2021"),
        Field("level", Kind.CHOICE, "level of the classification", choices=("L1", "L2", "L3")),
        Field("valid_from", Kind.DATE, "first day in the sector", "date"),
        Field("sector_code", Kind.SECTOR_CODE, "sector", required=True),
        Field("sector_name", Kind.TEXT, "name as delivered"),
        Field("valid_to", Kind.DATE, "first day no longer in the sector; NULL: still in it", "date"),
    ),
    knowledge="clock(valid_from, 0)",
    rules=(RowRule("valid_to < valid_from", "'valid_to: ' || valid_to || ' is before valid_from ' || valid_from"),),
)
