"""What changed between two releases, and how people are shown it."""

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from rich.console import Console

from orchestration.difference_report import Compared, show
from tests.support.publishing import record_of
from warehouse.difference import Change, Difference, MartDifference, UnknownMartError, compare

T1, T2 = "timestamptz '2025-04-22 07:00:00Z'", "timestamptz '2025-04-23 07:00:00Z'"


def release(path: Path, **marts: tuple[str, str]) -> Path:
    """A released file; each mart is given by its grain and the SQL that makes it."""
    with duckdb.connect(str(path)) as con:
        con.execute("create schema marts; create schema meta")
        con.execute("create table meta.tables (table_schema varchar, table_name varchar, grain varchar)")
        for name, (grain, sql) in marts.items():
            con.execute(f'create table marts."{name}" as {sql}')
            con.execute("insert into meta.tables values ('marts', ?, ?)", [name, grain])
    return path


def flows(*rows: str, columns: str = "etf_code, trade_date, net_flow_cny, premium_ratio, knowledge_at") -> str:
    return f"select * from (values {', '.join(f'({row})' for row in rows)}) t({columns})"


def row(code: str, day: int, flow: str, premium: str = "0.1::double", known: str = T1) -> str:
    flow = f"cast({flow} as decimal(20, 2))"
    return f"'{code}', date '2025-04-{day}', {flow}, {premium}, {known}"


@pytest.fixture
def two(tmp_path: Path) -> tuple[Path, Path]:
    grain = "etf_code, trade_date"
    old = flows(
        row("A", 21, "1.00"),
        row("A", 22, "2.00"),
        row("A", 23, "null"),
        row("B", 21, "5.00", "0.3::double"),
        row("B", 22, "6.00"),
    )
    new = flows(
        row("A", 22, "2.00", known=T2),
        row("A", 23, "7.50", known=T2),
        row("B", 21, "5.00", "0.1::double + 0.2::double"),
        row("B", 22, "6.00", "null"),
        row("B", 23, "8.00"),
    )
    return release(tmp_path / "old.duckdb", f=(grain, old)), release(tmp_path / "new.duckdb", f=(grain, new))


def key(code: str, day: int) -> dict:
    return {"etf_code": code, "trade_date": dt.date(2025, 4, day)}


def test_rows_and_figures_are_told_apart_by_key(two: tuple[Path, Path]) -> None:
    [mart] = compare(*two).marts
    assert mart.grain == ("etf_code", "trade_date")
    assert (mart.rows_old, mart.rows_new) == (5, 5)
    assert (mart.added, mart.removed, mart.changed, mart.restamped) == (1, 1, 2, 1)
    assert (mart.added_keys, mart.removed_keys) == ((key("B", 23),), (key("A", 21),))
    assert mart.changes == (
        Change(key("A", 23), "net_flow_cny", None, Decimal("7.50")),
        Change(key("B", 22), "premium_ratio", 0.1, None),
    )
    assert mart.by_column == {"net_flow_cny": 1, "premium_ratio": 1}
    assert not mart.is_same


def test_noise_of_doubles_is_no_change_and_a_later_stamp_alone_is_said_apart(two: tuple[Path, Path]) -> None:
    """0.1 + 0.2 is not 0.3 to the bit; A on the 22nd was only known later."""
    [mart] = compare(*two).marts
    assert key("B", 21) not in [change.key for change in mart.changes]
    assert key("A", 22) not in [change.key for change in mart.changes]


def test_a_release_does_not_differ_from_itself(two: tuple[Path, Path]) -> None:
    [mart] = compare(two[0], two[0]).marts
    assert mart.is_same
    assert mart.restamped == 0


def test_the_limit_bounds_what_is_listed_and_not_what_is_counted(two: tuple[Path, Path]) -> None:
    for limit in (0, 1):
        [mart] = compare(*two, limit=limit).marts
        assert (mart.added, mart.changed) == (1, 2)
        assert (len(mart.changes), len(mart.added_keys)) == (limit, limit)


def test_a_key_that_is_null_is_a_key(tmp_path: Path) -> None:
    files = [
        release(tmp_path / f"{x}.duckdb", f=("k", f"select null::varchar as k, {x} as x union all select 'a', 1"))
        for x in (1, 2)
    ]
    [mart] = compare(*files).marts
    assert mart.changes == (Change({"k": None}, "x", 1, 2),)
    assert (mart.added, mart.removed) == (0, 0)


def test_schema_differences_are_named(tmp_path: Path) -> None:
    old = release(tmp_path / "old.duckdb", f=("k", "select 1 as k, 2 as x, 3 as gone"), dropped=("k", "select 1 as k"))
    new = release(tmp_path / "new.duckdb", f=("k", "select 1 as k, '2' as x, 4 as fresh"), grown=("k", "select 1 as k"))
    found = compare(old, new)
    assert (found.marts_added, found.marts_removed) == (("grown",), ("dropped",))
    [mart] = found.marts
    assert (mart.columns_added, mart.columns_removed) == (("fresh",), ("gone",))
    assert mart.columns_retyped == (("x", "INTEGER", "VARCHAR"),)
    assert mart.changed == 0
    assert not mart.is_same


def test_claims_of_two_notes_are_compared_by_id_whatever_day_they_are_of(tmp_path: Path) -> None:
    def note(name: str, day: str, value: float) -> Path:
        date, figure = f"date '{day}' as note_date, 'on {day}' as claim", f"{value}::double as value"
        sql = f"select {date}, 'etf_change' as claim_id, {figure}"
        return release(tmp_path / name, rpt_market_note=("note_date, claim_id", sql))

    [mart] = compare(note("a.duckdb", "2025-04-23", 0.01), note("b.duckdb", "2025-04-24", 0.02)).marts
    assert mart.changes == (Change({"claim_id": "etf_change"}, "value", 0.01, 0.02),)
    assert (mart.added, mart.removed) == (0, 0)


def test_an_unknown_mart_names_those_that_there_are(two: tuple[Path, Path]) -> None:
    with pytest.raises(UnknownMartError, match="no mart g: there are f"):
        compare(*two, mart="g")


def test_a_mart_without_a_declared_grain_is_refused_by_name(tmp_path: Path) -> None:
    file = release(tmp_path / "a.duckdb", f=("", "select 1 as x"))
    with pytest.raises(UnknownMartError, match="f: its grain is not declared"):
        compare(file, file)


def test_the_report_fits_into_80_columns_and_shows_where_long_texts_differ() -> None:
    long = "the same words at the beginning of both texts, and then "
    mart = MartDifference(
        "fct_funding_stage_quarterly", ("profile",), *(1_000_000, 1_000_001, 10, 0, 30, 7),
        by_column={f"a_rather_long_column_{n}": 30 - n for n in range(8)},
        changes=(Change({"profile": "x"}, "a_rather_long_column_1", long + "one", long + "two"),),
        added_keys=({"profile": "y"},), columns_added=("z",),
    )  # fmt: skip
    console = Console(width=240, soft_wrap=True, record=True, force_terminal=False, file=Path("/dev/null").open("w"))  # noqa: SIM115
    show(Compared(record_of(), record_of(1), Difference((mart,), ("m",), ()), 1), console)
    lines = console.export_text().splitlines()
    assert max(map(len, lines)) <= 80
    [change] = [line for line in lines if " -> " in line]
    assert change.index("one") < change.index("-> ") < change.index("two")
    for words in ("mart added: m", "column added: fct_funding_stage_quarterly.z", "… 29 more changed: --limit 30"):
        assert any(words in line for line in lines), words


def test_the_document_for_machines_is_plain_json(two: tuple[Path, Path]) -> None:
    document = json.loads(json.dumps(Compared(record_of(), record_of(1), compare(*two), 20).as_json(), default=str))
    [mart] = document["marts"]
    assert mart["changes"][0] == {
        "key": {"etf_code": "A", "trade_date": "2025-04-23"},
        "column": "net_flow_cny",
        "old": None,
        "new": "7.50",
    }
    assert mart["same"] is False
    assert document["old"]["release_id"] == record_of().release_id
