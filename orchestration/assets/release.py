"""From audited marts to a release and its note."""

from collections.abc import Sequence

import dagster as dg

from orchestration.assets.build import BATCHES
from orchestration.moments import write_moment
from orchestration.refresh import release_file
from orchestration.resources import current_refresh

RELEASE = dg.AssetKey(["release"])
NOTE = dg.AssetKey(["market_note"])


def release_assets(marts: Sequence[dg.AssetKey]) -> list[dg.AssetsDefinition]:
    """The assets after ``marts``. The release audits them and decides; ``orchestration.checks`` shows each verdict."""

    @dg.asset(
        key=RELEASE,
        deps=[*marts, BATCHES],
        group_name="release",
        kinds={"duckdb"},
        description="An immutable DuckDB file under releases/: what passed the gate, and earlier rows of families that "
        "did not.",
        required_resource_keys={"refresh"},
    )
    def release(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        refresh = current_refresh(context)
        record = refresh.publish()
        rows = refresh.row_counts()
        table = "\n".join(["| table | rows |", "|---|---:|", *(f"| {name} | {count:,} |" for name, count in rows)])
        return dg.MaterializeResult(
            metadata={
                "release_id": record.release_id,
                "as_of": write_moment(record.as_of),
                "is_current": refresh.make_current,
                "path": dg.MetadataValue.path(str(release_file(refresh.settings, record))),
                "rows": dg.MetadataValue.md(table),
                "carried_over": dg.MetadataValue.text(", ".join(record.carried_over) or "nothing"),
            }
        )

    @dg.asset(
        key=NOTE,
        deps=[RELEASE],
        group_name="release",
        kinds={"html"},
        description="The morning's note of the release, every figure with its source.",
        required_resource_keys={"refresh"},
    )
    def market_note(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        return dg.MaterializeResult(
            metadata={"note": dg.MetadataValue.md(f"```\n{current_refresh(context).note()}\n```")}
        )

    return [release, market_note]
