"""The one job: what `sector run` and the UI both execute."""

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

REFRESH = "refresh"


def refresh_job() -> UnresolvedAssetJobDefinition:
    """Landing to release, every asset and every blocking check."""
    return dg.define_asset_job(
        REFRESH,
        selection=dg.AssetSelection.all(),
        description="Ingest what is new, build as of a moment, check, publish. The same as `sector run`.",
        executor_def=dg.in_process_executor,
    )
