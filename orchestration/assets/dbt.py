"""Every dbt model and seed as an asset, every data test as an asset check, from one dbt call."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DbtCliResource, DbtProject, dbt_assets

from orchestration import transform
from orchestration.families import family_of_model, owner
from orchestration.links import CHECKS, model_docs, page
from orchestration.resources import current_refresh
from orchestration.settings import Settings


class Translator(DagsterDbtTranslator):
    """Sources are the assets that make them; groups are the layers, owners the families."""

    def __init__(self, warehouse: Settings) -> None:
        super().__init__()
        self._warehouse = warehouse

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        if dbt_resource_props["resource_type"] == "source":
            return dg.AssetKey([dbt_resource_props["source_name"], dbt_resource_props["name"]])
        return dg.AssetKey([dbt_resource_props["schema"], dbt_resource_props["name"]])

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        return str(dbt_resource_props["schema"])

    def get_description(self, dbt_resource_props: Mapping[str, Any]) -> str:
        # without the SQL, which stands on the page of docs and would hide columns and figures below it
        return str(dbt_resource_props["description"])

    def get_asset_check_spec(
        self, asset_spec: dg.AssetSpec, manifest: Mapping[str, Any], unique_id: str, project: DbtProject | None
    ) -> dg.AssetCheckSpec | None:
        spec = super().get_asset_check_spec(asset_spec, manifest, unique_id, project)
        return spec and spec._replace(description=transform.ABOUT_DATA_TESTS)

    def get_owners(self, dbt_resource_props: Mapping[str, Any]) -> Sequence[str] | None:
        if dbt_resource_props["resource_type"] == "source":
            return None
        return [owner(family_of_model(dbt_resource_props["fqn"]))]

    def get_metadata(self, dbt_resource_props: Mapping[str, Any]) -> Mapping[str, Any]:
        known = super().get_metadata(dbt_resource_props)
        if dbt_resource_props["resource_type"] == "source":
            return known
        links = {"docs": model_docs(self._warehouse, dbt_resource_props["unique_id"])}
        if dbt_resource_props["schema"] == "marts":
            links["checks"] = page(self._warehouse, CHECKS)
        return {**known, **links}


def model_assets(manifest: Path, settings: Settings) -> dg.AssetsDefinition:
    """The models of ``manifest`` as one multi-asset. Unit tests are not part of it (they run in the test suite)."""

    @dbt_assets(
        manifest=manifest,
        name="models",
        dagster_dbt_translator=Translator(settings),
        required_resource_keys={"refresh", "dbt"},
    )
    def models(context: dg.AssetExecutionContext) -> Iterator[Any]:
        refresh = current_refresh(context)
        dbt: DbtCliResource = context.resources.dbt
        with transform.in_environment(refresh.settings):
            call = dbt.cli(
                list(transform.BUILD_ARGUMENTS),
                context=context,
                target_path=transform.target_folder(refresh.settings),
                raise_on_error=False,
            )
            refresh.warm_up()
            # no .fetch_row_counts(): it leaves the build files open here, and the next build could not write them
            refresh.child = call.process
            yield from call.stream()
            refresh.built(None if call.is_successful() else call.get_error())

    return models


def mart_keys(models: dg.AssetsDefinition) -> list[dg.AssetKey]:
    """The models that a release holds."""
    return sorted(key for key in models.keys if key.path[0] == "marts")
