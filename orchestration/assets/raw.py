"""One asset per raw table: ingests what is new under its landing folder."""

from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg

from orchestration.contracts import CONTRACTS
from orchestration.contracts.base import ARROW_TYPES, PROVENANCE, Contract
from orchestration.resources import current_refresh

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


def accounting(report: Any) -> dict[str, dg.MetadataValue]:
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
        description=f"Files of {contract.grain}, as providers and people land them in landing/{contract.name}/.",
    )


def raw_asset(contract: Contract) -> dg.AssetsDefinition:
    """The asset of one contract."""

    @dg.asset(
        key=raw_key(contract.name),
        deps=[landing_key(contract.name)],
        group_name="raw",
        kinds={"python", "parquet"},
        description=f"Every version of {contract.grain}, typed, append-only, from landing/{contract.name}/.",
        required_resource_keys={"refresh"},
        metadata={
            "grain": contract.grain,
            "key": ", ".join(contract.key),
            "dagster/column_schema": _columns(contract),
        },
    )
    def table(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        report = current_refresh(context).ingest(contract.name)
        return dg.MaterializeResult(metadata=accounting(report))

    return table


@dg.asset(
    key=STRAYS,
    group_name="raw",
    kinds={"python"},
    description="Files under landing folders that name no table: refused whole, one quarantine line each.",
    required_resource_keys={"refresh"},
)
def strays(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    """Account for what nobody asked for."""
    return dg.MaterializeResult(metadata=accounting(current_refresh(context).ingest_strays()))


def raw_assets(
    fetched: Mapping[str, Sequence[dg.AssetKey]] | None = None,
) -> list[dg.AssetsDefinition | dg.AssetSpec]:
    """All raw tables with their landing folders, and the strays. ``fetched``: assets that land files, by table."""
    sources = fetched or {}
    folders = [landing_asset(contract, sources.get(name, ())) for name, contract in CONTRACTS.items()]
    return [*folders, *(raw_asset(contract) for contract in CONTRACTS.values()), strays]
