"""One asset per raw table: ingests what is new under its landing folder."""

from collections.abc import Mapping, Sequence

import dagster as dg

from orchestration.contracts import CONTRACTS
from orchestration.contracts.base import ARROW_TYPES, PROVENANCE, Contract
from orchestration.families import family_of_table, owner
from orchestration.ingest import TableReport
from orchestration.links import quarantine
from orchestration.resources import current_refresh
from orchestration.settings import Settings

SHOWN_FILES = 20

STRAYS = dg.AssetKey(["landing", "strays"])


def raw_key(table: str) -> dg.AssetKey:
    """Asset key of a raw table; the dbt source of that name has the same."""
    return dg.AssetKey(["raw", table])


def _columns(contract: Contract) -> dg.TableSchema:
    own = [
        dg.TableColumn(
            f.name,
            str(ARROW_TYPES[f.kind]),
            f"{f.description} [{f.unit}]" if f.unit else f.description,
            dg.TableColumnConstraints(nullable=f.name not in contract.key),
        )
        for f in contract.fields
    ]
    return dg.TableSchema([*own, *(dg.TableColumn(name, str(kind), text) for name, kind, text in PROVENANCE)])


def accounting(report: TableReport) -> dict[str, dg.MetadataValue]:
    """Counts over one table's new files; landed = accepted + quarantined + repeated."""
    counts = {
        "files": len(report.batches),
        "rows_landed": report.rows_landed,
        "rows_accepted": report.rows_accepted,
        "rows_quarantined": report.rows_quarantined,
        "rows_repeated": report.rows_repeated,
    }
    return {name: dg.MetadataValue.int(count) for name, count in counts.items()}


def landing_key(table: str) -> dg.AssetKey:
    """Asset key of the folder in which files of a raw table land."""
    return dg.AssetKey(["landing", table])


def landing_asset(contract: Contract, fetched: Sequence[dg.AssetKey] = ()) -> dg.AssetSpec:
    """The landing folder of a contract: nothing that runs.

    It stands between the assets that fetch and the raw table: the lineage shows both, and neither waits for the other.
    """
    return dg.AssetSpec(
        landing_key(contract.name),
        deps=fetched,
        group_name="landing",
        kinds={"file"},
        owners=[owner(family_of_table(contract.name))],
        description=f"Files of {contract.grain}, as providers and people land them in landing/{contract.name}/.",
    )


def batch_table(report: TableReport) -> str:
    """The new files of a table and what became of their rows, as Markdown; those with refusals first."""
    batches = sorted(report.batches, key=lambda b: (b.refused_whole is None, -b.rows_quarantined))
    head = ["| file | dialect | landed | accepted | quarantined | repeated | |", "|---|---|---:|---:|---:|---:|---|"]
    rows = [
        f"| {_plain(b.file)} | {b.dialect or ''} | {b.rows_landed:,} | {b.rows_accepted:,} | {b.rows_quarantined:,} "
        f"| {b.rows_repeated:,} | {_plain(b.refused_whole or '')} |"
        for b in batches[:SHOWN_FILES]
    ]
    more = len(batches) - SHOWN_FILES
    return "\n".join([*head, *rows, *([f"\nand {more} more"] if more > 0 else [])])


def _plain(text: str) -> str:
    """A text of other people's inside a cell of Markdown."""
    return text.replace("\n", " ").replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("`", "'")


def raw_asset(contract: Contract, settings: Settings) -> dg.AssetsDefinition:
    """The asset of one contract."""
    family = family_of_table(contract.name)

    @dg.asset(
        key=raw_key(contract.name),
        deps=[landing_key(contract.name)],
        group_name="raw",
        kinds={"python", "parquet"},
        description=f"Every version of {contract.grain}, typed, append-only, from landing/{contract.name}/.",
        required_resource_keys={"refresh"},
        owners=[owner(family)],
        metadata={
            "grain": contract.grain,
            "key": ", ".join(contract.key),
            "quarantine": quarantine(settings, contract.name),
            "landing_folder": dg.MetadataValue.path(str(settings.landing / contract.name)),
            "dagster/column_schema": _columns(contract),
        },
    )
    def table(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        report = current_refresh(context).ingest(contract.name)
        listed = {"batches": dg.MetadataValue.md(batch_table(report))} if report.batches else {}
        return dg.MaterializeResult(metadata={**accounting(report), **listed})

    return table


@dg.asset(
    key=STRAYS,
    group_name="raw",
    kinds={"python"},
    owners=[owner("core")],
    description="Files under landing folders that name no table: refused whole, one quarantine line each.",
    required_resource_keys={"refresh"},
)
def strays(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    """Account for what nobody asked for."""
    return dg.MaterializeResult(metadata=accounting(current_refresh(context).ingest_strays()))


def raw_assets(
    settings: Settings, fetched: Mapping[str, Sequence[dg.AssetKey]] | None = None
) -> list[dg.AssetsDefinition | dg.AssetSpec]:
    """All raw tables with their landing folders, and the strays. ``fetched``: assets that land files, by table."""
    sources = fetched or {}
    folders = [landing_asset(contract, sources.get(name, ())) for name, contract in CONTRACTS.items()]
    return [*folders, *(raw_asset(contract, settings) for contract in CONTRACTS.values()), strays]
