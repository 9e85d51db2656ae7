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
    fct_etf_tracking,
    fct_funding_quarterly,
    fct_funding_restatement,
    fct_funding_stage_quarterly,
    fct_index_breadth_daily,
    fct_index_daily,
    fct_index_intraday,
    fct_index_membership,
    fct_index_review,
    fct_sector_daily,
    fct_sector_visits_daily,
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
    fct_etf_daily.SUITE,
    fct_etf_flow_window.SUITE,
    fct_etf_intraday.SUITE,
    fct_etf_tracking.SUITE,
    fct_index_daily.SUITE,
    fct_index_intraday.SUITE,
    fct_index_membership.SUITE,
    fct_constituent_daily.SUITE,
    fct_index_breadth_daily.SUITE,
    fct_constituent_intraday.SUITE,
    fct_index_review.MEMBERS,
    fct_index_review.SUITE,
    fct_concept_daily.SUITE,
    fct_sector_visits_daily.SUITE,
    fct_funding_quarterly.SUITE,
    fct_funding_stage_quarterly.SUITE,
    fct_funding_restatement.SUITE,
    fct_sector_daily.SUITE,
    rpt_market_note.SUITE,
)
