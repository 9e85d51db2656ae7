"""Declared share splits and reverse splits of an ETF."""

from orchestration.contracts.base import Contract, Field, Kind, RowRule

CONTRACT = Contract(
    name="etf_splits",
    grain="an ETF and effective date",
    key=("etf_code", "effective_date"),
    fields=(
        Field("etf_code", Kind.ETF_CODE, "exchange code of the ETF"),
        Field("effective_date", Kind.DATE, "first session in new units; a non-session means the next (R21)", "date"),
        Field("numerator", Kind.COUNT, "new shares", "shares", required=True),
        Field("denominator", Kind.COUNT, "old shares", "shares", required=True),
    ),
    knowledge="clock(effective_date, 9 * 60 + 15)",
    rules=(
        RowRule(
            "numerator <= 0 or denominator <= 0", "'split ' || numerator || ':' || denominator || ' is not positive'"
        ),
    ),
)
