"""Constituents of an index with their weights; every (index, weight_date) is a complete set (R30)."""

from orchestration.contracts.base import INDEX_MARKET, Contract, Field, Guard, Kind, RowRule, future_rule

CONTRACT = Contract(
    name="index_weights",
    grain="an index, set date and member",
    key=("index_code", "weight_date", "security_code"),
    fields=(
        Field("index_code", Kind.INDEX_CODE, "index"),
        Field("weight_date", Kind.MARKET_DATE, "date of the set", "date"),
        Field("security_code", Kind.SECURITY_CODE, "member"),
        Field("security_name", Kind.TEXT, "name of the member as delivered"),
        Field("weight", Kind.RATIO, "close-of-day weight; NULL in a membership list (R36)", "ratio"),
        Field("published_at", Kind.TIMESTAMP, "when the set was published, where told", "UTC"),
    ),
    business_date="weight_date",
    market=INDEX_MARKET,
    knowledge="clock(weight_date + 1, 0)",
    own_stamp="published_at",
    happened_at="clock(weight_date, 0)",
    rules=(
        future_rule("weight_date"),
        RowRule("weight < 0 or weight > 1", "'weight: ' || weight || ' is not between 0 and 1'"),
    ),
    guards=(Guard("weight", "ratio", (("percent", -2),)),),
)
