"""Assembles the Dagster code location; nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import dagster as dg

from orchestration import transform
from orchestration.assets.build import BATCHES, build_inputs
from orchestration.assets.dbt import mart_keys, model_assets
from orchestration.assets.fetch import fetch_assets, fetched_tables
from orchestration.assets.raw import raw_assets
from orchestration.assets.release import release_assets
from orchestration.assets.sessions import sessions_assets
from orchestration.checks import gate_checks, lateness_checks
from orchestration.jobs import after_release_job, fetch_jobs, refresh_job, timed_fetch_jobs
from orchestration.market_days import market_days
from orchestration.partitions import MARKET_TABLES, session_partitions
from orchestration.providers import datasets
from orchestration.refresh import Progress, Refresh
from orchestration.resources import refresh_resource, transport_resource
from orchestration.schedules import fetch_schedule, market_schedule
from orchestration.sensors import landing_sensor, lateness_sensor, release_sensor, sessions_sensor
from orchestration.settings import Settings


def build_defs(
    settings: Settings | None = None,
    progress: Progress | None = None,
    manifest: Path | None = None,
    resources: Mapping[str, Any] | None = None,
    on_start: Callable[[Refresh], None] | None = None,
) -> dg.Definitions:
    """Everything that Dagster shows and runs. All arguments override a default.

    ``settings``: those of the environment. ``progress`` (hears what each stage did): the run's log. ``manifest``: that
    of the dbt project, parsed when a file of it has changed. ``resources``: added to ours, or in their place.
    ``on_start`` is given the ``Refresh`` of each run as it begins.

    Raises ``transform.DbtError`` when the dbt project does not parse.
    """
    settings = settings or Settings()
    models = model_assets(manifest or transform.up_to_date_manifest(settings), settings)
    marts = mart_keys(models)
    # what is late is a matter of the hour: a refused run would leave checks behind that it did not come to
    late = lateness_checks(settings)
    job, timed = refresh_job(apart_from=[late]), timed_fetch_jobs(datasets())
    days = market_days(settings).sessions
    following = after_release_job(settings)
    return dg.Definitions(
        assets=[
            *fetch_assets(settings),
            *raw_assets(settings, fetched_tables()),
            build_inputs,
            models,
            *release_assets(marts, settings),
            *sessions_assets({market: session_partitions(found) for market, found in days.items()}, settings),
        ],
        asset_checks=[gate_checks(marts, BATCHES), late],
        jobs=[job, *fetch_jobs(datasets()), *(asking for asking, _ in timed), following],
        schedules=[
            market_schedule(job, settings.refresh_times),
            *(fetch_schedule(asking, time) for asking, time in timed),
        ],
        sensors=[
            landing_sensor(job, settings),
            release_sensor(following, settings),
            lateness_sensor(settings),
            sessions_sensor(settings, {table: frozenset(days[market]) for table, market in MARKET_TABLES.items()}),
        ],
        resources={
            "refresh": refresh_resource(settings, progress, on_start),
            "transport": transport_resource(settings),
            **(resources or {}),
        },
        executor=dg.in_process_executor,
    )


@dg.definitions
def defs() -> dg.Definitions:
    """The code location of the UI, from the environment."""
    return build_defs()
