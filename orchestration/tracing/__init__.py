"""Which raw rows a figure of a mart stands on: from a key and a column to conditions on raw tables.

``TRACERS`` has a function for every mart, ``GAPS`` one for those whose figures can lack something. They read the
released file through ``con`` (attached as ``release``) and the raw tables as known at its moment. Belongs here: which
rows went in, in the words of the contracts. Does not belong here: reading the rows and printing them
(``orchestration.explain``), computing a figure.
"""

from __future__ import annotations

from orchestration.tracing import etf, funding, index, lists, sectors
from orchestration.tracing.parts import Gaps, Part, Tracer

__all__ = ["CLAIM_COLUMNS", "GAPS", "TRACERS", "Gaps", "Part", "Tracer", "claim_column"]

TRACERS: dict[str, Tracer] = {
    "dim_concept": lists.concept,
    "dim_connect_eligibility": lists.eligibility,
    "dim_date": lists.date,
    "dim_etf": etf.profile,
    "dim_index": lists.index,
    "dim_sector": lists.sector,
    "dim_security": lists.security,
    "fct_concept_daily": index.concept_daily,
    "fct_constituent_daily": index.constituent_daily,
    "fct_constituent_intraday": index.constituent_intraday,
    "fct_etf_daily": etf.daily,
    "fct_etf_flow_window": etf.flow_window,
    "fct_etf_intraday": etf.intraday,
    "fct_etf_tracking": etf.tracking,
    "fct_funding_category_quarterly": funding.category_quarterly,
    "fct_funding_quarterly": funding.quarterly,
    "fct_funding_restatement": funding.restatement,
    "fct_funding_round": funding.one_round,
    "fct_funding_stage_quarterly": funding.quarterly,
    "fct_index_breadth_daily": index.breadth,
    "fct_index_daily": index.daily,
    "fct_index_intraday": index.intraday,
    "fct_index_membership": index.membership,
    "fct_index_review": index.review,
    "fct_index_review_member": index.review,
    "fct_sector_daily": sectors.daily,
    "fct_sector_visits_daily": sectors.visits,
    "fct_tracker_flow_window": etf.tracker_window,
    "fct_visit": sectors.one_visit,
    "fct_visit_event_study": sectors.event_study,
}
"""Every mart but the note, whose claims are traced through the marts that they name."""

GAPS: dict[str, Gaps] = {
    "dim_date": lists.date_gaps,
    "fct_concept_daily": index.concept_gaps,
    "fct_constituent_daily": index.constituent_daily_gaps,
    "fct_etf_daily": etf.daily_gaps,
    "fct_etf_flow_window": etf.flow_window_gaps,
    "fct_etf_tracking": etf.tracking_gaps,
    "fct_funding_quarterly": funding.quarterly_gaps,
    "fct_funding_restatement": funding.restatement_gaps,
    "fct_funding_round": funding.one_round_gaps,
    "fct_funding_stage_quarterly": funding.quarterly_gaps,
    "fct_index_breadth_daily": index.breadth_gaps,
    "fct_index_review": index.review_gaps,
    "fct_index_review_member": index.review_gaps,
    "fct_sector_daily": sectors.daily_gaps,
    "fct_sector_visits_daily": sectors.visits_gaps,
}

CLAIM_COLUMNS: dict[str, str] = {
    "etf_change": "change_ratio",
    "etf_turnover": "turnover_cny",
    "leader": "change_ratio",
    "hsi_open_gap": "open_gap_ratio",
    "hstech_open_gap": "open_gap_ratio",
    "hsi_turned_positive": "turned_at",
    "hstech_turned_positive": "turned_at",
    "hsi_open_state": "open_state",
    "hstech_open_state": "open_state",
    "etf_inflow_days": "inflow_days",
    "etf_window_sessions": "window_sessions",
    "etf_structural_zero_days": "structural_zero_days",
    "etf_cumulative_flow": "cumulative_flow_cny",
    "visits": "companies_mtd",
    "funding": "yoy_latest",
    "cro_members": "members",
    "cro_advancers": "advancers",
    "cro_decliners": "decliners",
}
"""Column of the source table that a claim of the note tells, by claim id or its first word."""


def claim_column(claim: str) -> str:
    """The column behind a claim. Raises ``KeyError`` for a claim that the note does not know."""
    if claim.startswith("funding") and claim.endswith("_lag_matched"):
        return "yoy_lag_matched"
    return CLAIM_COLUMNS.get(claim) or CLAIM_COLUMNS[claim.split("_")[0]]
