"""The jobs: ``refresh``, what `sector run` and the UI both execute, and those that fetch.

Of the latter there is one for all of a provider, and one for each time at which some of its datasets are asked for.
"""

from collections.abc import Iterable
from typing import get_args

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from orchestration.assets.fetch import fetch_group, fetch_key
from orchestration.providers.delivery import Dataset, Time

REFRESH = "refresh"

QUEUE_TAG = "sector/queue"
"""Runs of one value wait for each other (``deploy/dagster.yaml``): a slow provider holds up nobody else."""


def refresh_job() -> UnresolvedAssetJobDefinition:
    """Landing to release, every asset but those that fetch, and every blocking check."""
    return dg.define_asset_job(
        REFRESH,
        selection=dg.AssetSelection.all() - dg.AssetSelection.key_prefixes("fetch"),
        description="Ingest what is new, build as of a moment, check, publish. The same as `sector run`.",
        executor_def=dg.in_process_executor,
        tags={QUEUE_TAG: REFRESH},
    )


def fetch_jobs(datasets: Iterable[Dataset]) -> list[UnresolvedAssetJobDefinition]:
    """A job for each provider, to be started by hand: all its datasets but those on demand, one after another."""
    by_provider: dict[str, list[Dataset]] = {}
    for dataset in datasets:
        if dataset.scheduled:
            by_provider.setdefault(dataset.provider, []).append(dataset)
    return [
        _fetch_job(fetch_group(provider), provider, found, f"Ask {provider} for everything it is scheduled for.")
        for provider, found in by_provider.items()
    ]


def timed_fetch_jobs(datasets: Iterable[Dataset]) -> list[tuple[UnresolvedAssetJobDefinition, Time]]:
    """A job for each provider and time, with the time: the datasets that are asked for then."""
    by_time: dict[tuple[str, Time], list[Dataset]] = {}
    for dataset in datasets:
        for time in dataset.times:
            by_time.setdefault((dataset.provider, time), []).append(dataset)
    order = get_args(Time)
    return [
        (
            _fetch_job(
                f"{fetch_group(provider)}_{time}",
                provider,
                by_time[provider, time],
                f"Ask {provider} for {', '.join(dataset.name for dataset in by_time[provider, time])}.",
            ),
            time,
        )
        for provider, time in sorted(by_time, key=lambda key: (key[0], order.index(key[1])))
    ]


def _fetch_job(name: str, provider: str, datasets: Iterable[Dataset], description: str) -> UnresolvedAssetJobDefinition:
    """Jobs of one provider wait for each other: its pace is one for all."""
    return dg.define_asset_job(
        name,
        selection=dg.AssetSelection.assets(*(fetch_key(dataset) for dataset in datasets)),
        description=f"{description} Lands what comes, checks it for silence.",
        executor_def=dg.in_process_executor,
        tags={QUEUE_TAG: fetch_group(provider)},
    )
