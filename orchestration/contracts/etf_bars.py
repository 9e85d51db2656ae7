"""Daily bars of an ETF, unadjusted."""

from orchestration.contracts.base import (
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
    name="etf_bars",
    grain="an ETF and session",
    key=("etf_code", "trade_date"),
    fields=(
        Field("etf_code", Kind.ETF_CODE, "exchange code of the ETF"),
        Field("trade_date", Kind.MARKET_DATE, "session", "date"),
        Field("open", Kind.PRICE, "opening price", "CNY"),
        Field("high", Kind.PRICE, "highest price", "CNY"),
        Field("low", Kind.PRICE, "lowest price", "CNY"),
        Field("close", Kind.PRICE, "closing price", "CNY"),
        Field("prev_close", Kind.PRICE, "reference price of the exchange, ex-adjusted", "CNY"),
        Field("volume_shares", Kind.SHARES, "shares traded", "shares"),
        Field("turnover_cny", Kind.MONEY, "value traded", "CNY"),
    ),
    business_date="trade_date",
    market="'SZSE'",
    knowledge="close_at",
    happened_at="close_at",
    rules=(future_rule("trade_date"), *price_bar_rules("trade_date")),
    guards=(
        price_guard("close"),
        volume_guard(),
        turnover_guard("turnover_cny"),
    ),
)
