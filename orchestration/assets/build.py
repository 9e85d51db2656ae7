"""Build preparation: fresh build files with the run's moment, the trading calendar and the account of what was read.

This is where a run without news ends: its tables are then not made, and everything after them is skipped.
"""

from collections.abc import Iterator

import dagster as dg

from orchestration.assets.raw import STRAYS, raw_key
from orchestration.contracts import TABLES
from orchestration.families import owner
from orchestration.moments import write_moment
from orchestration.resources import current_refresh

PARAMETERS = dg.AssetKey(["control", "build_parameters"])
CALENDAR = dg.AssetKey(["control", "trading_calendar"])
BATCHES = dg.AssetKey(["meta", "batches"])

_INPUTS = [*(raw_key(table) for table in TABLES), STRAYS]


@dg.multi_asset(
    name="build_inputs",
    specs=[
        dg.AssetSpec(
            PARAMETERS,
            deps=_INPUTS,
            skippable=True,
            owners=[owner("core")],
            group_name="control",
            kinds={"duckdb"},
            description="The moment that cuts this build, and the ETF and index of its note.",
        ),
        dg.AssetSpec(
            CALENDAR,
            deps=_INPUTS,
            skippable=True,
            owners=[owner("core")],
            group_name="control",
            kinds={"duckdb"},
            description="A row per date: sessions of Shenzhen and Shanghai, Hong Kong and southbound Connect.",
        ),
        dg.AssetSpec(
            BATCHES,
            deps=_INPUTS,
            skippable=True,
            owners=[owner("release")],
            group_name="release",
            kinds={"duckdb"},
            description="Every landed file and what became of its rows, and every refused row, since the first run.",
        ),
    ],
    required_resource_keys={"refresh"},
)
def build_inputs(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult]:
    """Make the build files, unless nothing has become known since the current release."""
    refresh = current_refresh(context)
    if not refresh.has_news():
        context.log.info("nothing has become known since the current release: no build")
        return
    files, refused = refresh.prepare()
    yield dg.MaterializeResult(asset_key=PARAMETERS, metadata={"as_of": write_moment(refresh.as_of)})
    yield dg.MaterializeResult(asset_key=CALENDAR)
    yield dg.MaterializeResult(asset_key=BATCHES, metadata={"files": files, "quarantined_rows": refused})
