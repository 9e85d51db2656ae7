"""Static facts of a listed company's security."""

from orchestration.contracts.base import Contract, Field, Kind, RowRule

CONTRACT = Contract(
    name="securities",
    grain="a security",
    key=("security_code",),
    fields=(
        Field("security_code", Kind.SECURITY_CODE, "exchange code"),
        Field("name_en", Kind.TEXT, "English name"),
        Field("name_zh", Kind.TEXT, "Chinese name"),
        Field("issuer_id", Kind.TEXT, "company behind the security; A and H share of one company have the same"),
        Field("listed_on", Kind.DATE, "first day of trading", "date"),
        Field("delisted_on", Kind.DATE, "day after the last day of trading", "date"),
    ),
    knowledge="clock(listed_on, 0)",
    rules=(RowRule("delisted_on < listed_on", "'delisted_on: ' || delisted_on || ' is before listed_on'"),),
)
