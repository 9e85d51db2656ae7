"""The sample provider: two synthetic years of a Hong Kong innovative-drug desk, landed as provider files.

One seed gives the same bytes. Nothing in the sample is known later than 2025-04-24 10:30 in Shanghai,
and the note of that minute tells a known story; the story lies in the inputs (prices, share counts, notices,
rounds), and the pipeline has to find it as it would in delivered data. All figures are made up.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby
from pathlib import Path

import numpy as np

from orchestration.providers.sample import (
    etfs,
    funding,
    market,
    moments,
    morning,
    provider_files,
    reference,
    universe,
    visits,
)
from orchestration.providers.sample.files import SAMPLE_FOLDER, SampleExistsError, SampleFile, land

__all__ = ["SAMPLE_FOLDER", "SampleExistsError", "sample_files", "write_sample"]


def sample_files(seed: int = 7) -> list[SampleFile]:
    """Every file of the sample, in memory; the same for the same seed."""

    def dice(part: int) -> np.random.Generator:
        return np.random.default_rng([seed, part])

    clock = moments.clock()
    everyone = universe.universe(dice(1))
    trade = market.simulate(dice(2), clock, everyone)
    hkd = reference.hkd_rate(dice(3), clock)
    funds = etfs.histories(dice(4), trade, everyone.etfs, hkd)
    securities = morning.security_quotes(dice(5), trade)
    indices = morning.index_quotes(dice(6), trade, securities)
    fund_quotes = morning.etf_quotes(dice(7), trade, funds, indices)
    left = next(
        trade.names[column].code
        for before, after in zip(
            trade.indices[universe.NOTE_INDEX].sets[:-1], trade.indices[universe.NOTE_INDEX].sets[1:], strict=True
        )
        if clock.days[after.position] == market.OFF_CYCLE_SET
        for column in before.members
        if column not in after.members
    )
    return [
        *provider_files.etf_master(funds),
        *provider_files.etf_bars(funds, clock.days),
        *provider_files.etf_quotes(funds, fund_quotes),
        *provider_files.etf_shares(funds, clock.days),
        *provider_files.etf_nav(funds, clock.days, clock.szse & clock.hk),
        *provider_files.index_bars(trade),
        *provider_files.index_quotes(indices),
        *provider_files.index_weights(trade),
        *provider_files.security_master(everyone),
        *provider_files.security_bars(trade),
        *provider_files.security_quotes(trade, securities),
        *provider_files.funding(funding.funding(dice(8))),
        *provider_files.broker_visits(visits.visits(dice(9), everyone.companies)),
        provider_files.canonical(
            "sector_members",
            "index_member_all.csv",
            reference.SECTOR_HEADER,
            reference.sector_rows(dice(10), everyone.companies),
            provider_files.GB18030,
        ),
        provider_files.canonical(
            "concept_members",
            "concept_members.csv",
            ("concept", "security_code", "as_of_date", "source"),
            reference.concept_rows(dice(11), everyone),
        ),
        provider_files.canonical(
            "connect_eligibility",
            "connect_eligibility.csv",
            ("security_code", "channel", "valid_from", "valid_to", "sell_only"),
            reference.eligibility_rows(everyone, left),
        ),
        provider_files.canonical(
            "fx_rates", "fx_rates.csv", ("pair", "kind", "rate_date", "rate"), reference.fx_rows(clock, hkd)
        ),
    ]


def write_sample(landing: Path, seed: int = 7, progress: Callable[[str, int], None] | None = None) -> list[Path]:
    """Write the sample under ``landing/<table>/sample/`` and return its paths, old and new.

    Files that are there already and identical stay untouched; ``SampleExistsError`` when one holds another sample.
    ``progress`` is told each table with the number of its files.
    """
    files = sample_files(seed)
    paths = land(files, landing)
    if progress:
        for table, found in groupby(files, key=lambda file: file.table):
            progress(table, len(list(found)))
    return paths
