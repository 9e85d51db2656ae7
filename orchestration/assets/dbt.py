"""Every dbt model and seed as an asset, every data test as an asset check, from one dbt call."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DbtProject, dbt_assets
from dagster_dbt.core.dbt_cli_event import DbtCoreCliEventMessage

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


class InOrder:
    """Events of models and their tests in the order in which Dagster takes outputs: those of parents first.

    ``standing``: keys of models that this build leaves as they are, with what to say of each. They come before what is
    made from them.
    """

    def __init__(self, assets: dg.AssetsDefinition, standing: Mapping[dg.AssetKey, dg.MaterializeResult[Any]]) -> None:
        self._parents = {key: assets.asset_deps[key] & assets.keys for key in assets.keys}
        self._by_output = assets.keys_by_output_name
        self._waiting = dict(standing)

    def before(self, events: Iterable[Any]) -> Iterator[Any]:
        """``events``, each after the standing models that it rests on."""
        for event in events:
            yield from self._ancestors(self._key(event))
            yield event

    def rest(self) -> Iterator[Any]:
        """The standing models that nothing was made from."""
        for key in list(self._waiting):
            yield from self._ancestors(key)
            if key in self._waiting:
                yield self._waiting.pop(key)

    def sorted(self, events: Iterable[Any]) -> list[Any]:
        """``events`` that came out of order, those of parents first."""
        place = {key: number for number, key in enumerate(TopologicalSorter(self._parents).static_order())}
        return sorted(events, key=lambda event: place[self._key(event)])

    def _ancestors(self, key: dg.AssetKey) -> Iterator[Any]:
        for parent in sorted(self._parents[key]):
            if parent in self._waiting:
                yield from self._ancestors(parent)
                yield self._waiting.pop(parent)

    def _key(self, event: Any) -> dg.AssetKey:
        return self._by_output[event.output_name] if isinstance(event, dg.Output) else event.asset_key


def model_assets(manifest: Path, settings: Settings) -> dg.AssetsDefinition:
    """The models of ``manifest`` as one multi-asset. Unit tests are not part of it (they run in the test suite)."""

    translator = Translator(settings)
    parsed: Mapping[str, Any] = json.loads(manifest.read_text(encoding="utf-8"))
    built = {key: node for key, node in parsed["nodes"].items() if node["resource_type"] in ("model", "seed")}

    @dbt_assets(
        manifest=parsed,
        name="models",
        dagster_dbt_translator=translator,
        required_resource_keys={"refresh"},
    )
    def models(context: dg.AssetExecutionContext) -> Iterator[Any]:
        refresh = current_refresh(context)
        target = transform.target_folder(refresh.settings)

        def events(call: transform.Call) -> Iterator[Any]:
            for raw_event in call.events():
                message = DbtCoreCliEventMessage(raw_event, event_history_metadata={})
                yield from message.to_default_asset_events(parsed, translator, context, target)

        to_make = refresh.models()
        standing: dict[dg.AssetKey, dg.MaterializeResult[Any]] = {}
        if context.is_subset:
            wanted = context.selected_asset_keys
            to_make = frozenset(key for key, node in built.items() if translator.get_asset_key(node) in wanted)
        elif to_make is not None:
            for key, node in built.items():
                # a view shows what lies below it: it needs no making again
                if key not in to_make or _is_view(node):
                    said = {} if key in to_make else {"unchanged_since": refresh.stands_on()}
                    asset = translator.get_asset_key(node)
                    standing[asset] = dg.MaterializeResult(asset_key=asset, metadata=said)
            to_make = frozenset(key for key in to_make if not _is_view(built[key]))
        order = InOrder(context.assets_def, standing)
        with transform.in_environment(refresh.settings):
            call = refresh.build(to_make)
            refresh.warm_up()
            yield from order.before(events(call))
            error = call.error
            borrowed, names = refresh.borrow()
            if borrowed:
                error = None
            late: list[Any] = [
                dg.MaterializeResult(asset_key=mart_key(mart), metadata={"carried_over_from": refresh.borrowed[mart]})
                for mart in borrowed
            ]
            if names:
                call = refresh.build(names)
                late += events(call)
                error = call.error
            yield from order.before(order.sorted(late))
            yield from order.rest()
            refresh.built(error)

    return models


def _is_view(node: Mapping[str, Any]) -> bool:
    return bool(node["config"].get("materialized") == "view")


def mart_keys(models: dg.AssetsDefinition) -> list[dg.AssetKey]:
    """The models that a release holds."""
    return sorted(key for key in models.keys if key.path[0] == "marts")
