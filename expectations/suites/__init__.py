"""A suite per table of the release, in the order in which the gate runs them: accounting, keys, facts, note.

Importing this package imports Great Expectations (seconds); only the gate does.
"""

from expectations.suites import (
    dims,
    fct_concept_daily,
    fct_constituent_daily,
    fct_constituent_intraday,
    fct_etf_daily,
    fct_etf_flow_window,
    fct_etf_intraday,
    fct_funding_quarterly,
    fct_index_breadth_daily,
    fct_index_daily,
    fct_index_intraday,
    fct_index_membership,
    fct_sector_daily,
    fct_sector_visits_daily,
    fct_visit_event_study,
    meta_batches,
    rpt_market_note,
)
from expectations.vocabulary import Suite

SUITES: tuple[Suite, ...] = (
    meta_batches.SUITE,
    dims.DATE,
    dims.ETF,
    dims.INDEX,
    dims.SECURITY,
    dims.SECTOR,
    dims.CONCEPT,
    dims.CONNECT,
    fct_etf_daily.SUITE,
    fct_etf_flow_window.SUITE,
    fct_etf_intraday.SUITE,
    fct_index_daily.SUITE,
    fct_index_intraday.SUITE,
    fct_index_membership.SUITE,
    fct_constituent_daily.SUITE,
    fct_index_breadth_daily.SUITE,
    fct_constituent_intraday.SUITE,
    fct_concept_daily.SUITE,
    fct_sector_visits_daily.SUITE,
    fct_visit_event_study.SUITE,
    fct_funding_quarterly.SUITE,
    fct_sector_daily.SUITE,
    rpt_market_note.SUITE,
)
