"""``from warehouse import open_release``: the right release, whole frames, errors that name what there is."""

import datetime as dt
import subprocess
import sys

import duckdb
import polars as pl
import pytest

from tests.support.publishing import AS_OF, BUILT, DOCUMENTS, built, record_of
from warehouse import NoSuchTableError, open_release
from warehouse.releases import ReleaseError, Retention, make_current, publish, retain

HOUR = dt.timedelta(hours=1)


@pytest.fixture
def home(tmp_path):
    """Three releases: 1 as of the moment, 2 and 3 an hour later; 2 is current."""
    for number, moment in ((1, AS_OF), (2, AS_OF + HOUR), (3, AS_OF + HOUR)):
        folder = built(tmp_path, number)
        with duckdb.connect(str(folder / "sector.duckdb")) as con:
            con.execute(
                "create table marts.fct_etf_daily as select '159567.SZ' as etf_code, date '2025-04-23' as trade_date,"
                " 1.2690::decimal(18, 4) as close, timestamptz '2025-04-23 15:00+08' as knowledge_at"
            )
            con.execute("create schema desk; create view desk.q01 as select x + 1 as y from marts.t")
        publish(tmp_path, folder, record_of(number, moment), DOCUMENTS)
    make_current(tmp_path, record_of(2, AS_OF + HOUR).release_id)
    return tmp_path


def number(warehouse) -> int:
    return warehouse.frame("t")["x"][0]


def test_the_current_release_is_the_default(home, monkeypatch):
    with open_release(home) as warehouse:
        assert number(warehouse) == 2
    monkeypatch.setenv("SECTOR_HOME", str(home))
    with open_release() as warehouse:
        assert number(warehouse) == 2


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (AS_OF, 1),
        (AS_OF + HOUR - dt.timedelta(microseconds=1), 1),
        (AS_OF + HOUR, 3),
        ("2025-04-24 10:30", 1),
        (dt.datetime(2025, 4, 24, 10, 30), 1),  # noqa: DTZ001 (a moment without zone is market time)
        ("2025-04-24", 3),
        (dt.date(2025, 4, 24), 3),
    ],
)
def test_as_of_takes_the_latest_moment_that_is_not_after_it_and_the_last_build_of_it(home, moment, expected):
    with open_release(home, as_of=moment) as warehouse:
        assert number(warehouse) == expected


def test_a_release_by_its_id(home):
    with open_release(home, release=record_of(1).release_id) as warehouse:
        assert number(warehouse) == 1
        assert warehouse.record.as_of == AS_OF


def test_frames_keep_the_types_of_the_file(home):
    with open_release(home) as warehouse:
        frame = warehouse.frame("fct_etf_daily")
        assert frame.schema == {
            "etf_code": pl.String(),
            "trade_date": pl.Date(),
            "close": pl.Decimal(18, 4),
            "knowledge_at": pl.Datetime("us", "UTC"),
        }
        assert frame["knowledge_at"][0] == dt.datetime(2025, 4, 23, 7, tzinfo=dt.UTC)
        lazy = warehouse.scan("marts.fct_etf_daily")
        assert isinstance(lazy, pl.LazyFrame)
        assert lazy.filter(pl.col("etf_code") == "159567.SZ").select("close").collect().equals(frame.select("close"))
        assert warehouse.frame("q01").equals(warehouse.frame("desk.q01"))


def test_nothing_can_be_written(home):
    with open_release(home) as warehouse, pytest.raises(duckdb.Error, match="read-only"):
        warehouse.connection.execute("create table marts.mine as select 1")


def test_what_is_open_outlives_retention(home):
    with open_release(home, release=record_of(1).release_id) as warehouse:
        gone = retain(home, home / "build", Retention(1, 0, False), BUILT + dt.timedelta(days=1))
        assert warehouse.record.release_id in {record.release_id for record in gone}
        assert number(warehouse) == 1
        assert warehouse.scan("t").collect().height == 1
    with pytest.raises(ReleaseError, match="kept: "):
        open_release(home, release=record_of(1).release_id)


def test_an_unknown_table_is_answered_with_those_there_are(home):
    with open_release(home) as warehouse:
        with pytest.raises(NoSuchTableError, match=r"did you mean fct_etf_daily\?.*marts: fct_etf_daily, t"):
            warehouse.frame("fct_etf_dayly")
        for hostile in ("desk.t", "t; drop table t", "", "nowhere.t"):
            with pytest.raises(NoSuchTableError):
                warehouse.frame(hostile)


def test_where_nothing_fits_the_cure_is_named(home, tmp_path):
    with pytest.raises(ReleaseError, match=r"the oldest is of 2025-04-24 10:30.*sector run --as-of '2024-01-01"):
        open_release(home, as_of="2024-01-01")
    with pytest.raises(ReleaseError, match=r"no release under .*empty yet: run `sector run`"):
        open_release(tmp_path / "empty")
    with pytest.raises(ValueError, match="two questions"):
        open_release(home, release="x", as_of="2024-01-01")
    with pytest.raises(ValueError, match="is no moment"):
        open_release(home, as_of="last week")


def test_importing_it_imports_no_engine():
    code = (
        "import sys; from warehouse import open_release; "
        "heavy = {'dagster', 'dbt', 'great_expectations', 'pandas', 'exchange_calendars'} & set(sys.modules); "
        "assert not heavy, heavy; import importlib; "
        "[sys.modules.pop(n) for n in list(sys.modules) if n.split('.')[0] in ('warehouse', 'polars')]; "
        "import warehouse; assert 'polars' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
