"""Text that becomes part of a SQL statement. Only names and paths of ours ever do; data are bound or registered."""

from collections.abc import Sequence
from pathlib import Path

import duckdb
import pyarrow as pa


def quoted(text: str) -> str:
    """A SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def raw_rows(con: duckdb.DuckDBPyConnection, paths: Sequence[Path], schema: pa.Schema) -> str:
    """What stands behind ``from`` for the rows of raw files, the oldest first; one at least.

    Contracts grow: a column of ``schema`` that the oldest file was written without is NULL there. Files that all have
    it are read plainly, since matching columns by name opens every file at each query.
    """
    listing = ", ".join(quoted(str(path)) for path in paths)
    written = con.sql(f"from read_parquet({quoted(str(paths[0]))}) limit 0").columns
    if all(name in written for name in schema.names):
        return f"read_parquet([{listing}])"
    nothing = con.from_arrow(schema.empty_table())
    typed = ", ".join(
        f"cast(null as {kind}) as {name}" for name, kind in zip(nothing.columns, nothing.types, strict=True)
    )
    named = f"select * from read_parquet([{listing}], union_by_name = true)"
    return f"(select {typed} where false union all by name {named})"
