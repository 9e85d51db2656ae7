"""Daily bars of a security, unadjusted."""

from orchestration.contracts.base import (
    SECURITY_MARKET,
    Contract,
    Field,
    Kind,
    future_rule,
    price_bar_rules,
    price_guard,
    turnover_guard,
    volume_guard,
)

CONTRACT = Contract(
    name="security_bars",
    grain="a security and session",
    key=("security_code", "trade_date"),
    fields=(
        Field("security_code", Kind.SECURITY_CODE, "exchange code"),
        Field("trade_date", Kind.MARKET_DATE, "session", "date"),
        Field("open", Kind.PRICE, "opening price", "currency column"),
        Field("high", Kind.PRICE, "highest price", "currency column"),
        Field("low", Kind.PRICE, "lowest price", "currency column"),
        Field("close", Kind.PRICE, "closing price", "currency column"),
        Field(
            "prev_close",
            Kind.PRICE,
            "reference price of the exchange, ex-adjusted",
            "currency column",
        ),
        Field("volume_shares", Kind.SHARES, "shares traded", "shares"),
        Field("turnover", Kind.MONEY, "value traded", "currency column"),
        Field("currency", Kind.TEXT, "ISO 4217 currency of prices and turnover"),
    ),
    business_date="trade_date",
    market=SECURITY_MARKET,
    knowledge="close_at",
    happened_at="close_at",
    rules=(future_rule("trade_date"), *price_bar_rules("trade_date")),
    guards=(
        price_guard("close"),
        volume_guard(),
        turnover_guard("turnover"),
    ),
)
