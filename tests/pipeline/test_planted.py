"""Text that would be a statement, a path, a template or a page elsewhere: landed everywhere a stranger can write.

It stands in the marts as it was delivered or in quarantine with its reason, and does nothing on its way. And keys that
stood in the environment of a run, which stand nowhere afterwards.
"""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path

import duckdb
import polars as pl
import pytest
from typer.testing import CliRunner

from orchestration import cli
from orchestration.ingest.ledger import Ledger
from orchestration.settings import Settings
from tests.support.planted_keys import holders

pytestmark = pytest.mark.pipeline

DROP = "x'); drop table marts.dim_etf; --"
QUOTES = "\"; delete from meta.release; -- ' ''"
TEMPLATE = "{{ env_var('HOME') }} {% raw %} ${HOME} $(touch planted) `touch planted` %s $1 ?"
CLIMB = "../../../planted"
PAGE = "<script>alert(1)</script><img src=x onerror=alert(1)>"
SECTORS = ("801150", "801080", "801780", "801780'; --", "801010")
PLANTED = (DROP, QUOTES, TEMPLATE, CLIMB, PAGE)

BARS = "etf_code,trade_date,open,high,low,close,prev_close,volume_shares,turnover_cny"
BAR = "159567.SZ,2025-04-{day},1.21,1.23,1.20,1.22,1.21,1000000,1220000"


def cell(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def landed() -> dict[str, bytes]:
    """Path under landing/ -> bytes."""
    parquet = io.BytesIO()
    days = ["2025-04-18", "2025-04-21"]
    pl.DataFrame(
        {
            "concept": [DROP, "CRO"],
            "security_code": ["603259.SH"] * 2,
            "as_of_date": days,
            "source": ["x", "y"],
            DROP: ["1", "2"],
        }
    ).write_parquet(parquet)
    names = [
        f"159567.SZ{DROP}.csv".replace("/", "_"),
        f"{QUOTES} $(touch planted) `touch planted` %s.csv",
        "it''s ..\\..\\x;.csv",
    ]
    files = {
        f"etf_bars/a '\"; drop/{name}": f"{BARS}\n{BAR.format(day=15 + number)}\n" for number, name in enumerate(names)
    }
    header = f"{BARS},{cell(DROP)},{cell(QUOTES)},{cell(CLIMB)}"
    codes = ["159567.SZ'; drop table batches; --", '159567.SZ"', "../159567.SZ", "159567.SZ) or 1=1 --"]
    files["etf_bars/columns.csv"] = "\n".join(
        [
            header,
            BAR.format(day=18) + ",1,2,3",
            *(BAR.format(day=18).replace("159567.SZ", cell(c)) + ",1,2,3" for c in codes),
        ]
    )
    files["etf_profiles/names.csv"] = (
        "etf_code,name_en,name_zh,manager,tracked_index_code,listed_on,creation_unit,creation_calendar\n"
        f"159567.SZ,{cell(PAGE)},{cell(QUOTES)},{cell(TEMPLATE)},987018.CNI,2024-01-08,1000000,domestic\n"
        f"510300.SH,{cell(DROP)},{cell(CLIMB)},,,2012-05-28,,\n"
    )
    files["sector_members/names.jsonl"] = "\n".join(
        json.dumps(
            {"security_code": f"60000{n}.SH", "scheme": "SW2021", "level": "L1", "valid_from": "2021-12-13",
             "sector_code": code, "sector_name": text}
        )
        for n, (code, text) in enumerate(zip(SECTORS, PLANTED, strict=True))
    )  # fmt: skip
    files["broker_visits/names.csv"] = (
        "security_code,visit_date,visit_way,visitor_org,visitor_type,visitor_names,notice_date\n"
        + "".join(
            f"600000.SH,2025-04-1{n},{cell(text)},{cell(text)},证券公司,{cell(text)},2025-04-18\n"
            for n, text in enumerate(PLANTED)
        )
    )
    files["etf_bars; drop table batches/x.csv"] = f"{BARS}\n"
    return {**{name: text.encode() for name, text in files.items()}, "concept_members/c.parquet": parquet.getvalue()}


def digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def sector(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(cli.app, list(arguments))
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory):
    """A warehouse that was run once over all of it."""
    above = tmp_path_factory.mktemp("planted")
    home = above / 'it\'s; a "home"'
    for name, content in landed().items():
        path = home / "landing" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    before = digests(home / "landing")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("SECTOR_HOME", str(home))
        code, _, words = sector("run", "--as-of", "2025-04-22T20:00:00+08:00", "--current", "--json")
        assert code == 0, words[-3000:]
        assert digests(home / "landing") == before
        assert [path.name for path in above.iterdir()] == [home.name]
        yield home


@pytest.fixture(scope="module")
def con(home: Path):
    with duckdb.connect(str(home / "current" / "sector.duckdb"), read_only=True) as con:
        yield con


def found(con: duckdb.DuckDBPyConnection, query: str, *values: object) -> list[tuple]:
    return con.execute(query, list(values)).fetchall()


def test_nothing_was_dropped_or_deleted(con: duckdb.DuckDBPyConnection) -> None:
    described = {name for (name,) in found(con, "select table_name from meta.tables where table_schema = 'marts'")}
    assert {"dim_etf", "dim_concept", "fct_etf_daily", "fct_sector_visits_daily", "rpt_market_note"} <= described
    assert found(con, "select count(*) from meta.release") == [(1,)]
    assert found(con, "select count(*) from meta.batches") == [(len(landed()),)]


def test_texts_stand_as_they_were_delivered(con: duckdb.DuckDBPyConnection) -> None:
    etfs = found(con, "select etf_code, name_en, name_zh, manager from marts.dim_etf order by 1")
    assert etfs == [("159567.SZ", PAGE, QUOTES, TEMPLATE), ("510300.SH", DROP, CLIMB, None)]
    assert found(con, "select concept from marts.dim_concept where concept = ?", DROP) == [(DROP,)]
    files = {file for (file,) in found(con, "select file from meta.batches")}
    assert files == set(landed())


def test_bars_of_files_with_such_names_are_rows(con: duckdb.DuckDBPyConnection) -> None:
    assert found(con, "select count(close) from marts.fct_etf_daily where etf_code = '159567.SZ'") == [(4,)]
    [(unknown,)] = found(con, "select unknown_columns from meta.batches where file = 'etf_bars/columns.csv'")
    assert all(text.lower() in unknown.lower() for text in (DROP, QUOTES, CLIMB))


def test_codes_off_their_pattern_are_refused_with_their_text(con: duckdb.DuckDBPyConnection) -> None:
    refused = found(con, "select raw_text, reason from meta.quarantine where file = 'etf_bars/columns.csv'")
    assert len(refused) == 4
    assert any("drop table batches" in raw_text for raw_text, _ in refused)
    members = found(con, "select reason from meta.quarantine where table_name = 'sector_members'")
    assert len(members) == 1, members
    assert found(con, "select row_number from meta.quarantine where file like 'etf_bars; drop%'") == [(None,)]


def test_raw_tables_hold_them_too_and_the_ledger_stands(home: Path) -> None:
    ledger = Ledger(Settings().ledger)
    visits = pl.concat([pl.read_parquet(path) for path in ledger.raw_files()["broker_visits"]])
    assert set(visits["visitor_org"]) == set(PLANTED)
    assert len(ledger.batches().to_pylist()) == len(landed())


def test_the_note_shows_text_and_runs_none(home: Path) -> None:
    page = (home / "current" / "note.html").read_text(encoding="utf-8")
    assert PAGE not in page
    assert "<script>alert" not in page
    assert "onerror=alert(1)>" not in page


@pytest.mark.parametrize(
    "arguments",
    [
        ("explain", "dim_etf; drop table x", "159567.SZ", "name_en"),
        ("explain", "fct_etf_daily", "159567.SZ' or 1=1 --", "2025-04-17", "close"),
        ("explain", "fct_etf_daily", "159567.SZ", "2025-04-17' --", "close"),
        ("explain", "fct_etf_daily", "159567.SZ", "2025-04-17", "close, (select 1)"),
        ("explain", "fct_etf_daily", "159567.SZ", "2025-04-17", "close", "--release", "../../planted"),
        ("history", "etf_bars; drop table x", "159567.SZ", "2025-04-17"),
        ("history", "etf_bars", "' or 1=1 --", "2025-04-17"),
        ("history", "concept_members", "' or 1=1 --", "603259.SH", "2025-04-18"),
        ("rollback", "../landing"),
        ("rollback", "x'; drop table y"),
    ],
    ids=lambda arguments: " ".join(arguments)[:40],
)
def test_words_of_the_command_line_are_no_statement_either(home: Path, arguments: tuple[str, ...]) -> None:
    code, shown, words = sector(*arguments)
    assert code == 2, shown
    assert words.startswith("error: ")
    assert not any(said in words for said in ("Parser Error", "Binder Error", "Catalog Error", "Traceback")), words


def test_what_such_a_key_names_is_found(home: Path) -> None:
    code, shown, words = sector("history", "concept_members", DROP, "603259.SH", "2025-04-18")
    assert (code, DROP in shown) == (0, True), words


def test_a_release_and_all_that_a_run_writes_hold_no_key(run, release: duckdb.DuckDBPyConnection) -> None:
    """The shared run had keys in its environment. A release packs its texts, so they are asked for with SQL."""
    home, _ = run
    assert holders(home) == []
    texts = release.execute(
        "select table_schema, table_name, column_name from information_schema.columns where data_type = 'VARCHAR' "
        "and table_catalog = current_database() and table_schema = 'meta'"
    ).fetchall()
    assert texts
    for schema, table, column in texts:
        query = f'select count(*) from {schema}."{table}" where contains("{column}", \'planted-\')'
        assert release.execute(query).fetchone() == (0,), (table, column)
