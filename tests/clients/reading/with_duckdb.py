"""Reads a published file with the DuckDB that runs this script, and prints what it found as JSON.

Run by interpreters that have nothing of this project: the standard library and ``duckdb`` (with ``pytz``) alone.
"""

import hashlib
import json
import sys

import duckdb

SCHEMAS = "('marts', 'desk', 'reference', 'meta')"
WRITES = (
    "create table marts.planted (i integer)",
    "insert into marts.dim_concept (concept) values ('planted')",
    "delete from marts.fct_etf_daily",
    "drop view desk.q01_flow_yesterday",
    "update meta.release set is_sample = false",
)


def text(column: str, data_type: str) -> str:
    """A column as text that does not depend on the version: sums over doubles may differ in their last digits."""
    return f"printf('%.9g', \"{column}\")" if data_type == "DOUBLE" else f'"{column}"::varchar'


def found_in(con: duckdb.DuckDBPyConnection) -> dict:
    tables: dict[str, dict] = {}
    for schema, table, comment, view in con.execute(
        "select schema_name, table_name, comment, false from duckdb_tables() where not internal union all "
        "select schema_name, view_name, comment, true from duckdb_views() where not internal "
        f"and schema_name in {SCHEMAS} order by all"
    ).fetchall():
        tables[f"{schema}.{table}"] = {"comment": comment, "view": view, "columns": []}
    for schema, table, column, data_type, comment in con.execute(
        "select schema_name, table_name, column_name, data_type, comment from duckdb_columns() where not internal "
        f"and schema_name in {SCHEMAS} order by schema_name, table_name, column_index"
    ).fetchall():
        tables[f"{schema}.{table}"]["columns"].append([column, data_type, comment])
    for name, table in tables.items():
        shown = ", ".join(text(column, data_type) for column, data_type, _ in table["columns"])
        rows = sorted(map(repr, con.execute(f"select {shown} from {name}").fetchall()))
        table["rows"] = len(rows)
        table["digest"] = hashlib.sha256("\n".join(rows).encode()).hexdigest()
    return tables


def refusals(con: duckdb.DuckDBPyConnection) -> list[str]:
    """What it answers to those who write; an empty text where it let them."""
    said = []
    for statement in WRITES:
        try:
            con.execute(statement)
            said.append("")
        except duckdb.Error as error:
            said.append(str(error).splitlines()[0])
    return said


def main(path: str) -> None:
    with duckdb.connect(path, read_only=True) as con:
        con.execute("set TimeZone = 'Asia/Shanghai'")
        [catalog] = con.execute("select current_database()").fetchone()
        price, money, day, moment = con.execute(
            "select close, net_flow_cny, trade_date, knowledge_at from marts.fct_etf_daily "
            "where etf_code = '159567.SZ' and trade_date = date '2025-04-22'"
        ).fetchone()
        values = {"close": price, "net_flow_cny": money, "trade_date": day, "knowledge_at": moment}
        found = {
            "version": duckdb.__version__,
            "catalog": catalog,
            "values": {name: [type(value).__name__, str(value)] for name, value in values.items()},
            "offset": str(moment.utcoffset()),
            "refusals": refusals(con),
            "tables": found_in(con),
        }
    json.dump(found, sys.stdout)


main(sys.argv[1])
