"""Reads a published file through ADBC, with the driver that DuckDB's own wheel brings, and prints JSON."""

import json
import sys
from importlib.metadata import version

import adbc_driver_duckdb
from adbc_driver_manager import dbapi


def main(path: str) -> None:
    options = {"path": path, "access_mode": "read_only"}
    with (
        dbapi.connect(
            driver=adbc_driver_duckdb.driver_path(), entrypoint="duckdb_adbc_init", db_kwargs=options, autocommit=True
        ) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(
            "select etf_code, trade_date, close, net_flow_cny, shares, knowledge_at from marts.fct_etf_daily "
            "order by etf_code, trade_date"
        )
        table = cursor.fetch_arrow_table()
        try:
            cursor.execute("delete from marts.fct_etf_daily")
            refused = ""
        except dbapi.Error as error:
            refused = str(error).splitlines()[0]
        cursor.execute("select view_name from duckdb_views() where schema_name = 'desk' order by 1")
        counts = {}
        for (view,) in cursor.fetchall():
            cursor.execute(f"select count(*) from desk.{view}")
            [counts[view]] = cursor.fetchone()
    found = {
        "versions": {name: version(name) for name in ("duckdb", "adbc-driver-manager", "pyarrow")},
        "types": {field.name: str(field.type) for field in table.schema},
        "rows": table.num_rows,
        "flow": str(sum(value for value in table["net_flow_cny"].to_pylist() if value is not None)),
        "refused": refused,
        "desk": counts,
    }
    json.dump(found, sys.stdout)


main(sys.argv[1])
