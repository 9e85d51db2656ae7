"""From audited marts to a release and its note."""

from collections.abc import Sequence

import dagster as dg

from orchestration.assets.build import BATCHES
from orchestration.families import owner
from orchestration.instance import forget_runs
from orchestration.links import CHECKS, DOCS, page, refused
from orchestration.links import NOTE as NOTE_PAGE
from orchestration.moments import write_moment
from orchestration.refresh import RefusedError, release_file, utc_now
from orchestration.resources import current_refresh
from orchestration.settings import Settings

RELEASE = dg.AssetKey(["release"])
NOTE = dg.AssetKey(["market_note"])


def release_assets(marts: Sequence[dg.AssetKey], settings: Settings) -> list[dg.AssetsDefinition]:
    """The assets after ``marts``. The release audits them and decides; ``orchestration.checks`` shows each verdict."""
    keys = {key.path[-1]: key for key in marts}

    @dg.asset(
        key=RELEASE,
        deps=[*marts, BATCHES],
        group_name="release",
        kinds={"duckdb"},
        description="An immutable DuckDB file under releases/: what passed the gate, and earlier rows of families that "
        "did not.",
        owners=[owner("release")],
        metadata={
            "note": page(settings, NOTE_PAGE),
            "checks": page(settings, CHECKS),
            "docs": page(settings, DOCS),
            "last_refused_build": refused(settings),
        },
        required_resource_keys={"refresh"},
    )
    def release(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        refresh = current_refresh(context)

        def tag(**tags: str) -> None:
            """Runs are found by these in the list of runs."""
            context.instance.add_run_tags(context.run.run_id, {f"sector/{name}": text for name, text in tags.items()})

        try:
            record = refresh.publish()
        except RefusedError as error:
            tag(outcome="refused")
            # the reason in the list of events, without a trace of ours above it
            raise dg.Failure(str(error), metadata={"checks": refused(settings)}, allow_retries=False) from None
        tag(outcome="published", release=record.release_id)
        forget_runs(context.instance, settings.keep_runs)
        report = refresh.audit()
        rows = refresh.row_counts()
        for name, count in rows:
            if name in keys:
                context.log_event(dg.AssetObservation(keys[name], metadata={"dagster/row_count": count}))
        table = "\n".join(["| table | rows |", "|---|---:|", *(f"| {name} | {count:,} |" for name, count in rows)])
        return dg.MaterializeResult(
            metadata={
                "release_id": record.release_id,
                "as_of": write_moment(record.as_of),
                "is_current": refresh.make_current,
                "path": dg.MetadataValue.path(str(release_file(refresh.settings, record))),
                "rows": sum(count for _, count in rows),
                "rows_by_table": dg.MetadataValue.md(table),
                "checks": len(report.checks),
                "warnings": len(report.warnings),
                "refused_and_set_aside": len(report.set_aside),
                "carried_over": dg.MetadataValue.text(", ".join(record.carried_over) or "nothing"),
                "families_carried_over": len(record.carried_over),
                "seconds_since_the_run_began": round((utc_now() - refresh.began).total_seconds(), 1),
            }
        )

    @dg.asset(
        key=NOTE,
        deps=[RELEASE],
        group_name="release",
        kinds={"html"},
        description="The morning's note of the release, every figure with its source.",
        owners=[owner("note")],
        metadata={"page": page(settings, NOTE_PAGE)},
        required_resource_keys={"refresh"},
    )
    def market_note(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        return dg.MaterializeResult(
            metadata={"note": dg.MetadataValue.md(f"```\n{current_refresh(context).note()}\n```")}
        )

    return [release, market_note]
