"""The engine: GX on DuckDB must tell broken data from a broken engine."""

from pathlib import Path

import duckdb
import great_expectations.expectations as gxe
import pytest

from expectations.engine import EngineError, open_engine
from tests.support.marts import empty_build, fill
from warehouse.build import MARTS_FILE, WORK_FILE


@pytest.fixture
def build(tmp_path: Path) -> Path:
    empty_build(tmp_path)
    fill(
        tmp_path,
        "dim_etf",
        [{"etf_code": f"{159000 + i % 3}.SZ", "name_en": None if i == 4 else f"ETF {i}"} for i in range(6)],
    )
    return tmp_path


def test_failures_carry_counts_and_rows_with_their_key(build: Path) -> None:
    with open_engine(build) as engine:
        outcomes = engine.run(
            "marts.dim_etf",
            {
                "named": gxe.ExpectColumnValuesToNotBeNull(column="name_en"),
                "unique": gxe.ExpectColumnValuesToBeUnique(column="etf_code"),
                "sql": gxe.UnexpectedRowsExpectation(
                    unexpected_rows_query="select etf_code from {batch} where name_en = 'ETF 1'"
                ),
                "fine": gxe.ExpectColumnValuesToNotBeNull(column="etf_code"),
            },
            ("etf_code",),
        )
    assert outcomes["named"].passed is False
    assert outcomes["named"].unexpected_rows == 1
    assert outcomes["named"].sample[0]["etf_code"] == "159001.SZ"
    assert outcomes["unique"].unexpected_rows == 6
    assert {row["etf_code"] for row in outcomes["unique"].sample} <= {"159000.SZ", "159001.SZ", "159002.SZ"}
    assert outcomes["sql"].observed == "1 row"
    assert outcomes["sql"].sample == ({"etf_code": "159001.SZ"},)
    assert outcomes["fine"].passed
    assert outcomes["fine"].sample == ()


def test_sql_that_does_not_run_is_an_error_not_a_failure(build: Path) -> None:
    """GX answers ``success=False`` for an exception: taken at its word, a typo would refuse good data for ever."""
    broken = gxe.UnexpectedRowsExpectation(unexpected_rows_query="select no_such_column from {batch}")
    with open_engine(build) as engine, pytest.raises(EngineError, match=r"marts\.dim_etf\.typo .*no_such_column"):
        engine.run("marts.dim_etf", {"typo": broken}, ("etf_code",))


def test_missing_table_is_an_error(build: Path) -> None:
    with open_engine(build) as engine, pytest.raises(EngineError, match="no_such_mart"):
        engine.run("marts.no_such_mart", {}, ())


def test_other_file_is_visible_and_both_are_free_afterwards(build: Path) -> None:
    """Whatever stayed open would lock the next build out of its own file."""
    with open_engine(build) as engine:
        cut = gxe.UnexpectedRowsExpectation(
            unexpected_rows_query="select * from work.control.build_parameters where (select count(*) from {batch}) < 0"
        )
        assert engine.run("marts.dim_etf", {"cut": cut}, ("etf_code",))["cut"].passed
    for file in (MARTS_FILE, WORK_FILE):
        with duckdb.connect(str(build / file)) as con:
            con.execute("create table writable (x integer)")


def test_missing_build_says_which_file(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"sector\.duckdb is missing"), open_engine(tmp_path):
        pass
