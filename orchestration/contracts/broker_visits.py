"""Institutions that visited a listed company, one row per company, day, way and institution."""

from orchestration.contracts.base import Contract, Field, Kind, RowRule, future_rule

VISITOR_TYPES = ("broker", "fund", "private_fund", "insurance", "bank", "foreign", "individual", "other")

CONTRACT = Contract(
    name="broker_visits",
    grain="a company, visit date, way and institution",
    key=("security_code", "visit_date", "visit_way", "visitor_org"),
    fields=(
        Field("security_code", Kind.SECURITY_CODE, "company visited"),
        Field("visit_date", Kind.MARKET_DATE, "day of the visit", "date"),
        Field("visit_way", Kind.TEXT, "how: on site, by telephone, performance briefing, …"),
        Field("visitor_org", Kind.TEXT, "institution as delivered"),
        Field("visitor_type", Kind.CHOICE, "kind of institution (R42)", choices=VISITOR_TYPES),
        Field("visitor_names", Kind.TEXT, "persons, separated by the sign the provider uses"),
        Field("notice_date", Kind.DATE, "day of the company's notice", "date"),
    ),
    business_date="visit_date",
    market="'SZSE'",
    knowledge="clock(second_next_szse, 0)",
    own_stamp="clock(notice_date, 0)",
    happened_at="clock(visit_date, 0)",
    rules=(
        future_rule("visit_date"),
        RowRule("notice_date < visit_date", "'notice_date: ' || notice_date || ' is before visit_date ' || visit_date"),
    ),
    joined_column="visitor_names",
)
