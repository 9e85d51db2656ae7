"""SQL of the semantic layer: what MetricFlow makes of a question put to the project's metrics. It runs nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NoReturn


def questions(semantic_manifest: Path) -> Any:
    """A function from the arguments of a MetricFlow request (``metric_names``, ``group_by_names``, ...) to SQL.

    ``semantic_manifest``: the file of that name beside dbt's manifest.
    """
    from metricflow.engine.metricflow_engine import MetricFlowEngine, MetricFlowQueryRequest
    from metricflow.protocols.sql_client import SqlEngine
    from metricflow.sql.render.duckdb_renderer import DuckDbSqlPlanRenderer
    from metricflow_semantic_interfaces.implementations.semantic_manifest import PydanticSemanticManifest
    from metricflow_semantic_interfaces.transformations.semantic_manifest_transformer import (
        PydanticSemanticManifestTransformer,
    )
    from metricflow_semantics.model.semantic_manifest_lookup import SemanticManifestLookup

    class Dialect:
        """DuckDB's words; this engine only writes."""

        sql_engine_type = SqlEngine.DUCKDB
        sql_plan_renderer = DuckDbSqlPlanRenderer()

        def query(self, *_: Any, **__: Any) -> NoReturn:
            raise AssertionError("the tests run the SQL themselves")

        execute = dry_run = close = render_bind_parameter_key = query

    manifest = PydanticSemanticManifest.parse_raw(semantic_manifest.read_text(encoding="utf-8"))
    lookup = SemanticManifestLookup(PydanticSemanticManifestTransformer.transform(manifest))
    engine = MetricFlowEngine(lookup, Dialect())

    def sql(**question: Any) -> str:
        return str(engine.explain(MetricFlowQueryRequest.create(**question)).sql_statement.sql)

    return sql
