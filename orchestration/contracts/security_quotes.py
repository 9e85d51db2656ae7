"""Intraday quotes of a security; volume and turnover are cumulative since the open."""

from orchestration.contracts.base import SECURITY_MARKET, Contract, Field, Kind, future_rule, price_guard

CONTRACT = Contract(
    name="security_quotes",
    grain="a security and quote time",
    key=("security_code", "quote_ts"),
    fields=(
        Field("security_code", Kind.SECURITY_CODE, "exchange code"),
        Field("quote_ts", Kind.TIMESTAMP, "time of the quote", "UTC"),
        Field("last", Kind.PRICE, "last price", "currency column"),
        Field("open", Kind.PRICE, "official opening price", "currency column"),
        Field("prev_close", Kind.PRICE, "reference price of the exchange", "currency column"),
        Field("volume_shares", Kind.SHARES, "shares traded since the open", "shares"),
        Field("turnover", Kind.MONEY, "value traded since the open", "currency column"),
        Field("currency", Kind.TEXT, "ISO 4217 currency of prices and turnover"),
    ),
    business_date="cast(quote_ts as date)",
    market=SECURITY_MARKET,
    knowledge="quote_ts",
    happened_at="quote_ts",
    rules=(future_rule("cast(quote_ts as date)"),),
    guards=(price_guard("last"),),
)
