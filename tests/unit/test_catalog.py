"""The catalog: every table and column of the file is described where BI tools look."""

import datetime as dt
import json
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from tests.support.marts import AS_OF, accounting, empty_build, refusals
from tests.support.story import record_of, told
from warehouse.build import MARTS_FILE
from warehouse.catalog import META, write_inputs


@pytest.fixture(scope="module")
def con(tmp_path_factory: pytest.TempPathFactory) -> duckdb.DuckDBPyConnection:
    marts = told(tmp_path_factory.mktemp("build"))
    con = duckdb.connect(str(marts), read_only=True)
    con.execute("set TimeZone = 'UTC'")
    return con


def test_release_row_says_what_it_is(con: duckdb.DuckDBPyConnection) -> None:
    [row] = con.execute("select * from meta.release").fetchall()
    names = [column[0] for column in con.execute("select * from meta.release limit 0").description]
    release = dict(zip(names, row, strict=True))
    record = record_of(AS_OF)
    assert release["release_id"] == release["id"] == record.release_id
    assert (release["built_at"], release["as_of"]) == (record.built_at, record.as_of)
    assert json.loads(release["input_batch_ids"]) == ["b1"]
    assert release["is_sample"] is True
    assert (release["note_etf_code"], release["note_index_code"]) == ("159567.SZ", "987018.CNI")


def test_descriptions_units_and_grain_come_from_the_manifest(con: duckdb.DuckDBPyConnection) -> None:
    [table] = con.execute(
        "select description, grain, rows, knowledge_at from meta.tables where table_name = 'fct_etf_daily'"
    ).fetchall()
    assert table == ("One row per ETF and session.", "etf_code, trade_date", 10, AS_OF - dt.timedelta(hours=1))
    [column] = con.execute(
        "select data_type, description, unit from meta.columns "
        "where table_name = 'fct_etf_daily' and column_name = 'net_flow_cny'"
    ).fetchall()
    assert column == ("DECIMAL(20,2)", "Creation flow of the day; the ETF's.", "CNY")


def test_every_table_and_column_of_the_file_is_listed(con: duckdb.DuckDBPyConnection) -> None:
    for listed, present in (
        ("select table_schema, table_name from meta.tables", "select schema_name, table_name from duckdb_tables()"),
        (
            "select table_schema, table_name, column_name from meta.columns",
            "select schema_name, table_name, column_name from duckdb_columns() where not internal",
        ),
    ):
        assert set(con.execute(listed).fetchall()) == set(con.execute(present).fetchall())
    counted = con.execute(
        "select rows from meta.tables where table_schema = 'meta' and table_name = 'columns'"
    ).fetchall()
    assert counted == con.execute("select count(*) from meta.columns").fetchall()


def test_meta_describes_itself(con: duckdb.DuckDBPyConnection) -> None:
    assert con.execute(
        "select count(*) from meta.columns where table_schema = 'meta' and (description = '' or unit = '')"
    ).fetchall() == [(0,)]
    assert con.execute(
        "select count(*) from meta.tables where table_schema = 'meta' and (description = '' or grain = '')"
    ).fetchall() == [(0,)]


def test_comments_are_there_for_tools_that_read_comments(con: duckdb.DuckDBPyConnection) -> None:
    [(table,)] = con.execute("select comment from duckdb_tables() where table_name = 'fct_etf_daily'").fetchall()
    assert table == "One row per ETF and session."
    [(column,)] = con.execute(
        "select comment from duckdb_columns() where table_name = 'fct_etf_daily' and column_name = 'net_flow_cny'"
    ).fetchall()
    assert column == "Creation flow of the day; the ETF's. [CNY]"


def test_checks_are_kept_with_their_rows(con: duckdb.DuckDBPyConnection) -> None:
    rows = con.execute("select check_name, severity, passed, observed, sample from meta.checks order by 1").fetchall()
    assert [row[0] for row in rows] == ["grain_unique", "undeclared_split"]
    assert rows[1][1:4] == ("warning", False, "159567.SZ 2025-04-22")
    assert json.loads(rows[1][4]) == [{"subject": "159567.SZ 2025-04-22"}]


def test_types_are_plain(con: duckdb.DuckDBPyConnection) -> None:
    """Readers are older than the writer: no lists, structs or types younger than DuckDB 1.4."""
    kinds = {
        row[0].split("(")[0]
        for row in con.execute("select data_type from duckdb_columns() where not internal").fetchall()
    }
    assert kinds <= {"VARCHAR", "BIGINT", "INTEGER", "DOUBLE", "BOOLEAN", "DATE", "DECIMAL", "TIMESTAMP WITH TIME ZONE"}


def test_inputs_keep_a_refused_file_without_a_row_number(tmp_path: Path) -> None:
    empty_build(tmp_path)
    marts = tmp_path / MARTS_FILE
    batches = accounting([("b1", "etf_bars", "etf_bars/a.csv", 0, 0, 0, 0)])
    write_inputs(marts, batches, refusals([("b1", "etf_bars", "etf_bars/a.csv", None, "no dialect", "x,y")]))
    with duckdb.connect(str(marts), read_only=True) as con:
        assert con.execute("select row_number, reason from meta.quarantine").fetchall() == [(None, "no dialect")]
        assert con.execute("select ingested_at from meta.batches").fetchall() == [(AS_OF,)]


def test_unknown_columns_of_the_accounting_are_an_error(tmp_path: Path) -> None:
    empty_build(tmp_path)
    wrong = accounting().append_column("surprise", pa.array([], pa.string()))
    with pytest.raises(ValueError, match="surprise"):
        write_inputs(tmp_path / MARTS_FILE, wrong, refusals())
    assert "surprise" not in {column.name for column in META["batches"].columns}
