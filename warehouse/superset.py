"""The desk's dashboard in an Apache Superset, made over its REST API from ``templates/superset.json``.

    SUPERSET_PASSWORD=... python -m warehouse.superset http://127.0.0.1:8088 --user admin --file …/current/sector.duckdb

Belongs here: what is asked of Superset so that the database, its datasets, the charts and the dashboard stand there,
and stand there once however often it is asked. Does not belong here: what the charts show (the template), how a
Superset is run. It opens the file read-only and without a pool, so that the next query after a release reads that
release.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

TEMPLATE = Path(__file__).parent / "templates" / "superset.json"
DATABASE = "Sector warehouse"
READ_ONLY = {"engine_params": {"connect_args": {"read_only": True}}}
COLUMNS = 12
"""Width of a row of a Superset dashboard."""


class SupersetError(Exception):
    """Superset did not do as asked. The message holds its words; no password is in it."""


@dataclass(frozen=True)
class Dashboard:
    """What stands in Superset now: ids by dataset (``schema.table``) and chart title, and the dashboard's address."""

    url: str
    datasets: dict[str, int]
    charts: dict[str, int]


class Superset:
    """A signed-in client of one Superset."""

    def __init__(self, url: str, user: str, password: str, seconds: float = 120.0) -> None:
        self.url = url.rstrip("/")
        self._http = httpx.Client(base_url=self.url, timeout=seconds, headers={"Referer": self.url})
        signed_in = self.ask(
            "POST", "/api/v1/security/login", {"username": user, "password": password, "provider": "db"}
        )
        self._http.headers["Authorization"] = f"Bearer {signed_in['access_token']}"
        self._http.headers["X-CSRFToken"] = self.ask("GET", "/api/v1/security/csrf_token/")["result"]

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """One question. Raises ``SupersetError`` with Superset's words."""
        try:
            answer = self._http.request(method, path, json=body)
        except httpx.HTTPError as error:
            raise SupersetError(f"{self.url} did not answer {method} {path}: {error}") from error
        if answer.is_error:
            raise SupersetError(f"{method} {path}: {answer.status_code}: {answer.text[:500]}")
        document: dict[str, Any] = answer.json()
        return document

    def find(self, kind: str, **values: str) -> int | None:
        """The id of the object of a kind whose columns have these texts; None when there is none."""
        conditions = ",".join(f"(col:{column},opr:eq,value:{_rison(value)})" for column, value in values.items())
        found = self.ask("GET", f"/api/v1/{kind}/?q=(columns:!(id),filters:!({conditions}),page_size:2)")
        return int(found["result"][0]["id"]) if found["result"] else None

    def put(self, kind: str, known: int | None, body: Mapping[str, Any]) -> int:
        """Make an object, or give a known one this content. Gives its id."""
        if known is None:
            return int(self.ask("POST", f"/api/v1/{kind}/", body)["id"])
        self.ask("PUT", f"/api/v1/{kind}/{known}", body)
        return known

    def close(self) -> None:
        self._http.close()


def set_up(superset: Superset, file: Path) -> Dashboard:
    """Database, datasets, charts and dashboard over the published ``file`` (an absolute path, as Superset sees it)."""
    template = json.loads(TEMPLATE.read_text(encoding="utf-8"))
    database = superset.put(
        "database",
        superset.find("database", database_name=DATABASE),
        {
            "database_name": DATABASE,
            "sqlalchemy_uri": f"duckdb:///{file}",
            "extra": json.dumps(READ_ONLY),
            "expose_in_sqllab": True,
            "allow_dml": False,
        },
    )
    datasets = {name: _dataset(superset, database, *name.split(".")) for name in template["datasets"]}
    slug = template["slug"]
    known = superset.find("dashboard", slug=slug)
    of_ours = superset.ask("GET", f"/api/v1/dashboard/{known}/charts")["result"] if known is not None else []
    ids = {chart["slice_name"]: int(chart["id"]) for chart in of_ours}
    dashboard = superset.put(
        "dashboard", known, {"dashboard_title": template["title"], "slug": slug, "published": True}
    )
    charts = {}
    for chart in (chart for row in template["rows"] for chart in row):
        params = {
            **chart["params"],
            "viz_type": chart["viz_type"],
            "datasource": f"{datasets[chart['dataset']]}__table",
        }
        charts[chart["title"]] = superset.put(
            "chart",
            ids.get(chart["title"]),
            {
                "slice_name": chart["title"],
                "viz_type": chart["viz_type"],
                "datasource_id": datasets[chart["dataset"]],
                "datasource_type": "table",
                "params": json.dumps(params),
                "dashboards": [dashboard],
            },
        )
    superset.put("dashboard", dashboard, {"position_json": json.dumps(layout(template, charts))})
    return Dashboard(f"{superset.url}/superset/dashboard/{slug}/", datasets, charts)


def layout(template: Mapping[str, Any], charts: Mapping[str, int]) -> dict[str, Any]:
    """Superset's ``position_json``: rows of charts as the template has them."""
    rows = [f"ROW-{number}" for number, _ in enumerate(template["rows"])]
    position: dict[str, Any] = {
        "DASHBOARD_VERSION_KEY": "v2",
        "ROOT_ID": {"type": "ROOT", "id": "ROOT_ID", "children": ["GRID_ID"]},
        "GRID_ID": {"type": "GRID", "id": "GRID_ID", "children": rows, "parents": ["ROOT_ID"]},
        "HEADER_ID": {"type": "HEADER", "id": "HEADER_ID", "meta": {"text": template["title"]}},
    }
    for row, content in zip(rows, template["rows"], strict=True):
        if sum(chart["width"] for chart in content) > COLUMNS:
            raise ValueError(f"{TEMPLATE.name}: {row} is wider than {COLUMNS} columns")
        places = [f"CHART-{charts[chart['title']]}" for chart in content]
        position[row] = {
            "type": "ROW",
            "id": row,
            "children": places,
            "parents": ["ROOT_ID", "GRID_ID"],
            "meta": {"background": "BACKGROUND_TRANSPARENT"},
        }
        for place, chart in zip(places, content, strict=True):
            position[place] = {
                "type": "CHART",
                "id": place,
                "children": [],
                "parents": ["ROOT_ID", "GRID_ID", row],
                "meta": {
                    "chartId": charts[chart["title"]],
                    "sliceName": chart["title"],
                    "width": chart["width"],
                    "height": chart["height"],
                },
            }
    return position


def _dataset(superset: Superset, database: int, schema: str, table: str) -> int:
    found = superset.ask(
        "GET",
        f"/api/v1/dataset/?q=(columns:!(id),filters:!((col:database,opr:rel_o_m,value:{database}),"
        f"(col:schema,opr:eq,value:{_rison(schema)}),(col:table_name,opr:eq,value:{_rison(table)})))",
    )["result"]
    if found:
        known = int(found[0]["id"])
        superset.ask("PUT", f"/api/v1/dataset/{known}/refresh")
        return known
    return superset.put("dataset", None, {"database": database, "schema": schema, "table_name": table})


def _rison(text: str) -> str:
    """A text in the notation of Superset's list queries."""
    return "'" + text.replace("!", "!!").replace("'", "!'") + "'"


def main(arguments: list[str] | None = None) -> int:
    """The command. Exit 0, or 2 with one line on stderr."""
    parser = argparse.ArgumentParser(
        prog="python -m warehouse.superset", description="The desk's dashboard in Superset."
    )
    parser.add_argument("url", help="the address of Superset, such as http://127.0.0.1:8088")
    parser.add_argument("--file", type=Path, required=True, help="current/sector.duckdb as Superset's machine sees it")
    parser.add_argument("--user", default="admin", help="who signs in; the password comes from SUPERSET_PASSWORD")
    given = parser.parse_args(arguments)
    try:
        superset = Superset(given.url, given.user, os.environ.get("SUPERSET_PASSWORD", ""))
        made = set_up(superset, given.file.absolute())
    except SupersetError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    sys.stdout.write(f"{made.url}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
