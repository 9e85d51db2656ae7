"""Members of a market concept (CRO, ADC, …), as dated snapshots."""

from orchestration.contracts.base import Contract, Field, Kind, future_rule

CONTRACT = Contract(
    name="concept_members",
    grain="a concept, member and snapshot date",
    key=("concept", "security_code", "as_of_date"),
    fields=(
        Field("concept", Kind.TEXT, "concept"),
        Field("security_code", Kind.SECURITY_CODE, "member"),
        Field("as_of_date", Kind.MARKET_DATE, "date of the snapshot", "date"),
        Field("source", Kind.TEXT, "where the membership comes from"),
    ),
    knowledge="clock(as_of_date, 18 * 60)",
    happened_at="clock(as_of_date, 0)",
    rules=(future_rule("as_of_date"),),
)
