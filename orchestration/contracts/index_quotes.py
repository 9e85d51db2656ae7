"""Intraday levels of an index."""

from orchestration.contracts.base import INDEX_MARKET, Contract, Field, Guard, Kind, future_rule

CONTRACT = Contract(
    name="index_quotes",
    grain="an index and quote time",
    key=("index_code", "quote_ts"),
    fields=(
        Field("index_code", Kind.INDEX_CODE, "index"),
        Field("quote_ts", Kind.TIMESTAMP, "time of the quote", "UTC"),
        Field("last", Kind.PRICE, "last level", "index points"),
        Field("open", Kind.PRICE, "official opening level", "index points"),
        Field("prev_close", Kind.PRICE, "previous close", "index points"),
    ),
    business_date="cast(quote_ts as date)",
    market=INDEX_MARKET,
    knowledge="quote_ts",
    happened_at="quote_ts",
    rules=(future_rule("cast(quote_ts as date)"),),
    guards=(Guard("last", "index points"),),
)
