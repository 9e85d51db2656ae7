"""The jobs: ``refresh``, what `sector run` and the UI both execute, those that fetch, and what follows a release.

To fetch there is one for all of a provider, and one for each time at which some of its datasets are asked for.
"""

from collections.abc import Iterable, Sequence
from typing import get_args

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from orchestration import after_release
from orchestration.assets.fetch import fetch_group, fetch_key
from orchestration.fetching import masked
from orchestration.providers.delivery import Dataset, Time
from orchestration.settings import Settings

REFRESH = "refresh"

QUEUE_TAG = "sector/queue"
"""Runs of one value wait for each other (``deploy/dagster.yaml``): a slow provider holds up nobody else."""


def refresh_job(apart_from: Sequence[dg.AssetChecksDefinition] = ()) -> UnresolvedAssetJobDefinition:
    """Landing to release: every asset but those that fetch and the sessions, and their checks but ``apart_from``."""
    return dg.define_asset_job(
        REFRESH,
        selection=dg.AssetSelection.all()
        - dg.AssetSelection.key_prefixes("fetch", "sessions")
        - dg.AssetSelection.checks(*apart_from),
        description="The daily refresh, the same as `sector run`: ingest what is new, build as of a moment, check, "
        "publish. Press Materialize all here: on the lineage of all assets Dagster asks for sessions first, because "
        'those of sessions/ are among them (`not group:"sessions"` in its search leaves them out).',
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


def after_release_job(settings: Settings) -> dg.JobDefinition:
    """The operator's own command after a release; ``orchestration.sensors.release_sensor`` asks for it."""

    @dg.op(
        config_schema={"release_id": str, "before": dg.Field(dg.Noneable(str), default_value=None)},
        description="Calls SECTOR_AFTER_RELEASE in the folder of the release.",
    )
    def call(context: dg.OpExecutionContext) -> None:
        try:
            said = after_release.call(settings, context.op_config["release_id"], context.op_config["before"])
        except after_release.CommandError as error:
            raise dg.Failure(masked(str(error), settings.secrets), allow_retries=False) from None
        context.log.info(masked(said, settings.secrets) or "it said nothing")

    @dg.job(
        name="after_release",
        executor_def=dg.in_process_executor,
        tags={QUEUE_TAG: "after_release"},
        description="What SECTOR_AFTER_RELEASE does with a release that has become current.",
    )
    def following() -> None:
        call()

    return following
