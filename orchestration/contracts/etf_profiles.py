"""Static facts of an ETF. Source: provider master data."""

from orchestration.contracts.base import Contract, Field, Guard, Kind, RowRule

CONTRACT = Contract(
    name="etf_profiles",
    grain="an ETF",
    key=("etf_code",),
    fields=(
        Field("etf_code", Kind.ETF_CODE, "exchange code of the ETF"),
        Field("name_en", Kind.TEXT, "English name"),
        Field("name_zh", Kind.TEXT, "Chinese name"),
        Field("manager", Kind.TEXT, "fund manager"),
        Field("tracked_index_code", Kind.INDEX_CODE, "index that the ETF tracks"),
        Field("listed_on", Kind.DATE, "first day of trading", "date"),
        Field("creation_unit", Kind.SHARES, "shares of one creation basket", "shares"),
        Field(
            "creation_calendar",
            Kind.CHOICE,
            "days on which shares can be created or redeemed; blank: derived (R22)",
            choices=("southbound", "hk", "domestic"),
        ),
    ),
    knowledge="clock(listed_on, 0)",
    rules=(RowRule("creation_unit <= 0", "'creation_unit: ' || creation_unit || ' is not positive'"),),
    guards=(Guard("creation_unit", "份", (("万份", 4),)),),
)
