"""Intraday quotes of an ETF; volume and turnover are cumulative since the open."""

from orchestration.contracts.base import Contract, Field, Kind, future_rule, price_guard

CONTRACT = Contract(
    name="etf_quotes",
    grain="an ETF and quote time",
    key=("etf_code", "quote_ts"),
    fields=(
        Field("etf_code", Kind.ETF_CODE, "exchange code of the ETF"),
        Field("quote_ts", Kind.TIMESTAMP, "time of the quote", "UTC"),
        Field("last", Kind.PRICE, "last price", "CNY"),
        Field("open", Kind.PRICE, "official opening price", "CNY"),
        Field("prev_close", Kind.PRICE, "reference price of the exchange", "CNY"),
        Field("volume_shares", Kind.SHARES, "shares traded since the open", "shares"),
        Field("turnover_cny", Kind.MONEY, "value traded since the open", "CNY"),
        Field("iopv", Kind.PRICE, "indicative net asset value a share", "CNY"),
    ),
    business_date="cast(quote_ts as date)",
    market="'SZSE'",
    knowledge="quote_ts",
    happened_at="quote_ts",
    rules=(future_rule("cast(quote_ts as date)"),),
    guards=(
        price_guard("last"),
        price_guard("iopv"),
    ),
)
