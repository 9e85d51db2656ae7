"""Exchange rates by kind: reference, settlement, valuation."""

from orchestration.contracts.base import Contract, Field, Guard, Kind, RowRule, future_rule

CONTRACT = Contract(
    name="fx_rates",
    grain="a currency pair, kind and date",
    key=("pair", "kind", "rate_date"),
    fields=(
        Field("pair", Kind.TEXT, "base and quote currency, such as HKDCNY"),
        Field("kind", Kind.TEXT, "which rate: sgt_reference, sgt_settlement, valuation, market, …"),
        Field("rate_date", Kind.MARKET_DATE, "date of the rate", "date"),
        Field("rate", Kind.RATE, "units of quote currency for one unit of base currency", "ratio", required=True),
    ),
    knowledge="clock(rate_date, 18 * 60)",
    rules=(
        future_rule("rate_date"),
        RowRule("rate <= 0", "'rate: ' || rate || ' is not positive'"),
    ),
    guards=(Guard("rate", "one unit", (("100 units", -2),), impossible=(-2, 2)),),
)
