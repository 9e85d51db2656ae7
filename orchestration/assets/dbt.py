"""Every dbt model and seed as an asset, every data test as an asset check, from one dbt call."""

from collections.abc import Iterator, Mapping, Sequence
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DbtCliResource, DbtProject, dbt_assets

from orchestration import transform
from orchestration.checks import mart_key
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


def in_order(events: Sequence[Any], assets: dg.AssetsDefinition) -> list[Any]:
    """``events`` of models and their tests, those of parents first: Dagster takes outputs in that order alone."""
    parents = {key: assets.asset_deps[key] & assets.keys for key in assets.keys}
    place = {key: number for number, key in enumerate(TopologicalSorter(parents).static_order())}

    def key_of(event: Any) -> dg.AssetKey:
        return assets.keys_by_output_name[event.output_name] if isinstance(event, dg.Output) else event.asset_key

    return sorted(events, key=lambda event: place[key_of(event)])


def model_assets(manifest: Path, settings: Settings) -> dg.AssetsDefinition:
    """The models of ``manifest`` as one multi-asset. Unit tests are not part of it (they run in the test suite)."""

    translator = Translator(settings)

    @dbt_assets(
        manifest=manifest,
        name="models",
        dagster_dbt_translator=translator,
        required_resource_keys={"refresh", "dbt"},
    )
    def models(context: dg.AssetExecutionContext) -> Iterator[Any]:
        refresh = current_refresh(context)
        dbt: DbtCliResource = context.resources.dbt
        target = transform.target_folder(refresh.settings)
        with transform.in_environment(refresh.settings):
            call = dbt.cli(list(transform.BUILD_ARGUMENTS), context=context, target_path=target, raise_on_error=False)
            refresh.warm_up()
            # no .fetch_row_counts(): it leaves the build files open here, and the next build could not write them
            refresh.child = call.process
            yield from call.stream()
            error = None if call.is_successful() else call.get_error()
            borrowed, names = refresh.borrow()
            if borrowed:
                error = None
            events: list[Any] = [
                dg.MaterializeResult(asset_key=mart_key(mart), metadata={"carried_over_from": refresh.borrowed[mart]})
                for mart in borrowed
            ]
            if names:
                # without the context, whose own selection (everything) would be added to this one
                call = dbt.cli(
                    [*transform.BUILD_ARGUMENTS, "--select", " ".join(names)],
                    manifest=manifest,
                    dagster_dbt_translator=translator,
                    target_path=target,
                    raise_on_error=False,
                )
                refresh.child = call.process
                for event in call.stream_raw_events():
                    events += event.to_default_asset_events(manifest, translator, context, target)
                error = None if call.is_successful() else call.get_error()
            yield from in_order(events, context.assets_def)
            refresh.built(error)

    return models


def mart_keys(models: dg.AssetsDefinition) -> list[dg.AssetKey]:
    """The models that a release holds."""
    return sorted(key for key in models.keys if key.path[0] == "marts")
