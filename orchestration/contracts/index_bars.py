"""Daily bars of an index."""

from orchestration.contracts.base import (
    INDEX_MARKET,
    Contract,
    Field,
    Guard,
    Kind,
    future_rule,
    price_bar_rules,
    turnover_guard,
    volume_guard,
)

CONTRACT = Contract(
    name="index_bars",
    grain="an index and session",
    key=("index_code", "trade_date"),
    fields=(
        Field("index_code", Kind.INDEX_CODE, "index"),
        Field("trade_date", Kind.MARKET_DATE, "session", "date"),
        Field("open", Kind.PRICE, "opening level", "index points"),
        Field("high", Kind.PRICE, "highest level", "index points"),
        Field("low", Kind.PRICE, "lowest level", "index points"),
        Field("close", Kind.PRICE, "closing level", "index points"),
        Field("prev_close", Kind.PRICE, "previous close", "index points"),
        Field("volume_shares", Kind.SHARES, "shares traded of the members", "shares"),
        Field("turnover", Kind.MONEY, "value traded of the members", "currency of the index"),
    ),
    business_date="trade_date",
    market=INDEX_MARKET,
    knowledge="close_at",
    happened_at="close_at",
    rules=(future_rule("trade_date"), *price_bar_rules("trade_date")),
    guards=(
        Guard("close", "index points"),
        volume_guard(),
        turnover_guard("turnover"),
    ),
)
