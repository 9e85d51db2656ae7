"""Shares outstanding of an ETF as an exchange publishes them. Basis: see contracts R20."""

from orchestration.contracts.base import Contract, Field, Guard, Kind, RowRule, future_rule

CONTRACT = Contract(
    name="etf_shares",
    grain="an ETF, date and basis",
    key=("etf_code", "share_date", "share_basis"),
    fields=(
        Field("etf_code", Kind.ETF_CODE, "exchange code of the ETF"),
        Field("share_date", Kind.MARKET_DATE, "date that the count carries", "date"),
        Field(
            "share_basis",
            Kind.CHOICE,
            "whether the count stands after the close or before the open of share_date",
            choices=("close_of_day", "open_of_day"),
        ),
        Field("shares", Kind.SHARES, "shares outstanding", "shares", required=True),
        Field("size_cny", Kind.MONEY, "value of the shares as the provider gives it", "CNY", is_beside=True),
    ),
    business_date="share_date",
    market="'SZSE'",
    knowledge=(
        "case when share_basis = 'open_of_day' then clock(share_date, 9 * 60 + 15)"
        " when etf_code like '%.SZ' then clock(next_szse, 9 * 60 + 15)"
        " else clock(share_date, 20 * 60) end"
    ),
    happened_at="case when share_basis = 'open_of_day' then clock(share_date, 0) else close_at end",
    rules=(
        future_rule("share_date"),
        RowRule("shares <= 0", "'shares: ' || shares || ' is not positive'"),
    ),
    guards=(Guard("shares", "份", (("万份", 4), ("亿份", 8)), per_split=1, impossible=(-4, 4)),),
)
