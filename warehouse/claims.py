"""The claims of the market note and their units (contracts, "The market note"), in the order in which they are told."""

from __future__ import annotations

_VISITS = ("visits_companies_all", "visits_companies_electronics", "visits_companies_healthcare")
_FUNDING = ("funding_yoy_global", "funding_yoy_usa", "funding_yoy_chn")

CLAIM_UNITS: dict[str, str] = {
    "etf_change": "ratio",
    "etf_turnover": "CNY",
    **{f"leader_{place}_change": "ratio" for place in range(1, 9)},
    "hsi_open_gap": "ratio",
    "hstech_open_gap": "ratio",
    "hsi_turned_positive": "0/1",
    "hstech_turned_positive": "0/1",
    "hsi_open_state": "text",
    "hstech_open_state": "text",
    "etf_inflow_days": "days",
    "etf_window_sessions": "days",
    "etf_structural_zero_days": "days",
    "etf_cumulative_flow": "CNY",
    **dict.fromkeys(_VISITS, "companies"),
    **{f"{claim}_any_visitor": "companies" for claim in _VISITS},
    **dict.fromkeys(_FUNDING, "ratio"),
    **{f"{claim}_lag_matched": "ratio" for claim in _FUNDING},
    "cro_members": "companies",
    "cro_advancers": "companies",
    "cro_decliners": "companies",
}

CLAIM_IDS: tuple[str, ...] = tuple(CLAIM_UNITS)
