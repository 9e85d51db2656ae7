"""The jobs: ``refresh``, what `sector run` and the UI both execute, and one for each provider."""

from collections.abc import Iterable

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from orchestration.assets.fetch import fetch_group, fetch_key
from orchestration.providers.delivery import Dataset

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
    """A job for each provider: all its datasets but those on demand, one after another."""
    by_provider: dict[str, list[dg.AssetKey]] = {}
    for dataset in datasets:
        if dataset.scheduled:
            by_provider.setdefault(dataset.provider, []).append(fetch_key(dataset))
    return [
        dg.define_asset_job(
            fetch_group(provider),
            selection=dg.AssetSelection.assets(*keys),
            description=f"Ask {provider} for everything it is scheduled for, land it, check it for silence.",
            executor_def=dg.in_process_executor,
            tags={QUEUE_TAG: fetch_group(provider)},
        )
        for provider, keys in by_provider.items()
    ]
