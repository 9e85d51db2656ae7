"""Reflects and queries a published file through SQLAlchemy and duckdb-engine, and prints what it found as JSON.

Run by interpreters that have nothing of this project. Read-only and without a pool: the recipe of the README.
"""

import json
import sys
from importlib.metadata import version

import sqlalchemy as sa
from sqlalchemy.pool import NullPool


def attempt(work) -> str:
    """The first line of the error; empty when it worked."""
    try:
        work()
    except Exception as error:  # noqa: BLE001 (whatever it is, it is the finding)
        return str(error).splitlines()[0]
    return ""


def main(path: str) -> None:
    engine = sa.create_engine(f"duckdb:///{path}", connect_args={"read_only": True}, poolclass=NullPool)
    inspector = sa.inspect(engine)
    columns: dict[str, str] = {}

    def reflect() -> None:
        columns.update({c["name"]: str(c["type"]) for c in inspector.get_columns("fct_etf_daily", schema="marts")})

    def write() -> None:
        with engine.begin() as connection:
            connection.execute(sa.text("delete from marts.fct_etf_daily"))

    found = {
        "versions": {name: version(name) for name in ("sqlalchemy", "duckdb-engine", "duckdb")},
        "schemas": inspector.get_schema_names(),
        "tables": inspector.get_table_names(schema="marts"),
        "views": inspector.get_view_names(schema="desk"),
        "reflecting": attempt(reflect),
        "columns": columns,
        "writing": attempt(write),
    }
    with engine.connect() as connection:
        query = "select count(*), sum(net_flow_cny) from marts.fct_etf_daily where etf_code = :code"
        rows, flow = connection.execute(sa.text(query), {"code": "159567.SZ"}).one()
        found["figures"] = [rows, str(flow)]
        views = (sa.text(f"select count(*) from desk.{view}") for view in found["views"])
        found["desk"] = [connection.execute(view).scalar() for view in views]
    json.dump(found, sys.stdout)


main(sys.argv[1])
