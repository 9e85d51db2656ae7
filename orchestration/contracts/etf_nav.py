"""Net asset value a share, as published by the fund company."""

from orchestration.contracts.base import Contract, Field, Kind, RowRule, future_rule, price_guard

CONTRACT = Contract(
    name="etf_nav",
    grain="an ETF and valuation date",
    key=("etf_code", "nav_date"),
    fields=(
        Field("etf_code", Kind.ETF_CODE, "exchange code of the ETF"),
        Field("nav_date", Kind.MARKET_DATE, "valuation date", "date"),
        Field("unit_nav", Kind.PRICE, "net asset value a share", "CNY", required=True),
        Field("accumulated_nav", Kind.PRICE, "unit NAV plus distributions since inception", "CNY"),
        Field("published_on", Kind.DATE, "day of publication, where the provider tells it", "date"),
        Field("creation_status", Kind.TEXT, "whether shares could be created, as delivered", is_beside=True),
        Field("redemption_status", Kind.TEXT, "whether shares could be redeemed, as delivered", is_beside=True),
    ),
    business_date="nav_date",
    market="'SZSE'",
    knowledge="clock(nav_date, 22 * 60)",
    # A NAV that carries its own valuation date as day of publication came out that evening, not at 09:00 before it.
    own_stamp=(
        "case when published_on > nav_date then clock(published_on, 9 * 60)"
        " when published_on = nav_date then clock(nav_date, 22 * 60) end"
    ),
    happened_at="close_at",
    rules=(
        future_rule("nav_date"),
        RowRule("published_on < nav_date", "'published_on: ' || published_on || ' is before nav_date ' || nav_date"),
    ),
    guards=(price_guard("unit_nav"),),
)
