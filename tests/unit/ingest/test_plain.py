"""Plain files are read in blocks; what becomes of them is what becomes of every other file, line by line."""

from __future__ import annotations

import datetime as dt
import gzip
import os
import random
import sqlite3
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestration.contracts import CONTRACTS
from orchestration.contracts.base import Kind
from orchestration.dialects.base import Column, Unit
from orchestration.ingest import Ledger, blocks, ingest_table, run
from orchestration.ingest.plain import plain_cell
from orchestration.ingest.typing import Typist
from orchestration.settings import Settings

NOW = dt.datetime(2026, 3, 2, 12, 0, tzinfo=dt.UTC)

NUMBERS = (
    *("1.269", "1.27", "0", "0.0000", "1.26995", "1.26985", "-1.5", "12", "007.10", "1.2345678901234"),
    *("99999999999999", "", "-", "--", "---", "----", "nan", "NaN", "None", "null", "N/A", "#N/A", "na", "x"),
    *("１.２６９", "1，269", "1e3", "1E-2", "+5", " 5 ", "5 ", "5.", ".5", "-.5", "1_000", "infinity", "1,5", "3.72%"),
    *("0x10", "1.2.3", "-0", "12345678901234567890", "0.00000000000001", "1e400", "--5", "1 000", "\t7"),
)
WHOLES = ("895565600", "8955656", "0", "-3", "100.0", "100.004", "100.5", "1e4", "9223372036854775807", *NUMBERS[11:])
DATES = (
    *("2025-04-24", "2025-04-25", "2025-04-26", "2025/4/24", "2025/04/24", "20250424", "2025.4.24", "2025-4-24"),
    *("2025-04-24 00:00:00", "2025-04-24T15:00:00", "2025年4月24日", "20250424.0", "2025-02-30", "1985-12-31"),
    *("1995-05-01", "1999-12-25", "2026-03-02", "2026-03-03", "2030-01-02", "", "-", "soon", " 2025-04-24"),
    "２０２５-04-24",
)
TIMES = (
    *("2025-04-24 10:30:00", "2025-04-24 10:30", "2025-04-24T10:30:00", "2025-04-24 10:30:00.123456", "20250424103000"),
    *("2025-04-24 10:30:00+08:00", "2025-04-24T02:30:00Z", "2025-04-24", "1990-07-01 10:30:00", "2025-04-24 25:00:00"),
    *("2030-01-01 09:00:00", "2025/4/24 9:30:00", "", "-", "none", "1745461800"),
)
CODES = (
    *("159567.SZ", "510300.SH", "159567.sz", "159567", "01801.HK", "1801.HK", "600276.SH", "", "null", " 159567.SZ"),
    "x",
)
INDICES = (
    *("987018.CNI", "931250.CSI", "000300.SH", "HSI.HI", "hstech.HI", "H30533.CSI", "399001.SZ", "HSI", "", "987018"),
)
TEXTS = (
    *("华泰证券", "  trimmed ", "", "-", "null", "NA", "a\u3000", "\u00a0b", "Ａ股", "c d", "x;y", "o'Brien", "100%"),
    *("\ufeffz", "同一家", "另一家", "现场参观", "电话会议", "①", "\u200b", "\x1f", "\x0b", "e\u0301"),
)
CHOICES = (
    *(
        "fund",
        "Broker",
        "证券公司",
        "基金管理公司",
        "seed",
        "series_a",
        "angel",
        "",
        "Seed ",
        "close_of_day",
        "x",
        "人",
    ),
)
COUNTRIES = ("CHN", "USA", "usa", "US", "", "null", " HKG")


def nasty(kind: Kind) -> tuple[str, ...]:
    return {
        Kind.ETF_CODE: CODES,
        Kind.SECURITY_CODE: CODES,
        Kind.INDEX_CODE: INDICES,
        Kind.DATE: DATES,
        Kind.MARKET_DATE: DATES,
        Kind.TIMESTAMP: TIMES,
        Kind.SHARES: WHOLES,
        Kind.COUNT: WHOLES,
        Kind.TEXT: TEXTS,
        Kind.CHOICE: CHOICES,
        Kind.COUNTRY: COUNTRIES,
    }.get(kind, NUMBERS)


def cells_of(table: str, header: list[str], rng: random.Random, dirt: float) -> list[str]:
    contract = CONTRACTS[table]
    cells = []
    for name in header:
        kind = Kind.TIMESTAMP if name == "knowledge_at" else contract.field(name).kind
        field = None if name == "knowledge_at" else contract.field(name)
        texts = nasty(kind)
        if rng.random() < dirt:
            cells.append(rng.choice(texts))
        elif field is not None and field.choices:
            cells.append(rng.choice(field.choices))
        elif kind in (Kind.DATE, Kind.MARKET_DATE):
            cells.append(f"2025-04-{rng.choice((22, 23, 24, 25))}")
        elif name == "knowledge_at":
            cells.append(rng.choice(("", f"2025-05-{rng.randint(10, 12)} 10:00:00")))
        elif kind is Kind.TIMESTAMP:
            cells.append(f"2025-04-24 1{rng.randint(0, 1)}:{rng.randint(30, 40)}:00")
        elif kind is Kind.PRICE:
            cells.append(f"{rng.choice((1.25, 1.26, 1.27))}")
        elif kind is Kind.RATIO:
            cells.append(f"0.0{rng.randint(1, 9)}")
        else:
            cells.append(rng.choice(texts[:2]))
    return cells


def text_of(table: str, header: list[str], rng: random.Random, dirt: float) -> str:
    """Lines, most of them records of the header, some of them other things; repeats and contradictions among them."""
    end = rng.choice(("\n", "\n", "\r\n"))
    lines = [",".join(header)]
    for _ in range(rng.randint(0, 150)):
        cells = cells_of(table, header, rng, dirt)
        line = ",".join(cells)
        if rng.random() < dirt / 4:
            line = rng.choice(
                ("", "   ", "," * (len(header) - 1), line + ",", "one cell", " , ,", line.replace(",", ";"))
            )
        lines.append(line)
        if rng.random() < 0.1:
            lines.append(line)
    if rng.random() < 0.1:
        lines.insert(1, "")
    text = end.join(lines) + (end if rng.random() < 0.8 else "")
    return ("\ufeff" if rng.random() < 0.2 else "") + text


def outcome(home: Path, table: str) -> dict[str, Any]:
    ledger = Ledger(Settings(home=home).ledger)
    files = ledger.raw_files().get(table, [])
    order = ["_ingested_at", "_file", "_row"]
    raw = pl.concat([pl.read_parquet(path) for path in files]).sort(order).to_dicts() if files else []
    return {
        "raw": raw,
        "quarantine": sorted(ledger.quarantine().to_pylist(), key=str),
        "batches": ledger.batches().to_pylist(),
        "files": ledger.files(),
    }


def both_ways(tmp_path: Path, table: str, runs: list[dict[str, bytes]]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Land and ingest the files of each run in blocks and line by line."""
    found = []
    for every_line in (False, True):
        home = tmp_path / str(every_line)
        for number, files in enumerate(runs):
            for name, content in files.items():
                path = home / "landing" / table / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
                stamp = 1_700_000_000_000_000_000
                os.utime(path, ns=(stamp, stamp))
            now = NOW + dt.timedelta(minutes=number)
            report = ingest_table(Settings(home=home), table, now, every_line=every_line)
            for batch in report.batches:
                shown = asdict(batch)
                assert batch.rows_landed == batch.rows_accepted + batch.rows_quarantined + batch.rows_repeated, shown
        found.append(outcome(home, table))
    return found[0], found[1]


TABLES = {
    "etf_bars": [
        "etf_code",
        "trade_date",
        "open",
        "high",
        "low",
        "close",
        "volume_shares",
        "turnover_cny",
        "knowledge_at",
    ],
    "etf_shares": ["etf_code", "share_date", "share_basis", "shares"],
    "security_quotes": ["security_code", "quote_ts", "last", "volume_shares", "turnover", "currency", "knowledge_at"],
    "index_weights": ["index_code", "weight_date", "security_code", "security_name", "weight", "published_at"],
    "broker_visits": ["security_code", "visit_date", "visit_way", "visitor_org", "visitor_type", "visitor_names"],
    "funding_rounds": [
        *("round_uuid", "announced_on", "investment_type", "raised_amount_usd", "country_code", "investor_count"),
        *("created_at", "updated_at", "deleted_at"),
    ],
}


@pytest.mark.parametrize("table", TABLES)
@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32), dirt=st.sampled_from([0.0, 0.02, 0.2]), split=st.integers(1, 4))
def test_the_same_rows_whichever_way(
    tmp_path_factory: pytest.TempPathFactory, table: str, seed: int, dirt: float, split: int
) -> None:
    rng = random.Random(seed)  # noqa: S311 (test data)
    header = TABLES[table]
    runs = [
        {f"{number}-{index}.csv": text_of(table, header, rng, dirt).encode() for index in range(split)}
        for number in range(2)
    ]
    runs[1]["again.csv"] = runs[0]["0-0.csv"]
    blockwise, line_by_line = both_ways(tmp_path_factory.mktemp("home"), table, runs)
    for what, found in blockwise.items():
        assert found == line_by_line[what], what


AKSHARE = "日期,开盘,收盘,最高,最低,成交量,成交额,振幅,涨跌幅,涨跌额,换手率\n"


def akshare(rows: int) -> str:
    return AKSHARE + "".join(
        f"2025-04-{day:02},1.25,1.26,1.27,1.24,{8955656 + day},1137048638.7,2.4,1.2,0.015,3.1\n"
        for day in (22, 23, 24, 25)[:rows]
    )


@pytest.mark.parametrize(
    ("table", "name", "content"),
    [
        ("etf_bars", "a.csv", b"etf_code,trade_date,close\n159567.SZ,2025-04-24,1.2690\n"),
        ("etf_bars", "tabs.csv", b"etf_code\ttrade_date\tclose\n159567.SZ\t2025-04-24\t1.2690\n"),
        ("etf_bars", "crlf.csv", b"\xef\xbb\xbfetf_code,trade_date,close\r\n159567.SZ,2025-04-24,1.2690"),
        ("etf_bars", "p.csv.gz", gzip.compress(b"etf_code,trade_date,close\n159567.SZ,20250424,1.2690\n", mtime=0)),
        ("etf_bars", "159567.csv", akshare(4).encode()),
        ("etf_bars", "deep/159567/x.csv", akshare(4).encode()),
        ("organizations", "o.csv", "org_uuid,name,country_code,updated_at\no1,生物,CHN,2025-04-24 10:00:00\n".encode()),
    ],
)
def test_plain_files_are_read_in_blocks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, table: str, name: str, content: bytes
) -> None:
    """The quick way must not fall asleep: no line of these files is looked at alone."""
    both_ways(tmp_path / "checked", table, [{name: content}])

    def never(*_: object, **__: object) -> None:
        raise AssertionError("read line by line")

    monkeypatch.setattr(Typist, "type_chunks", never)
    monkeypatch.setattr(run, "_read_file", never)
    path = tmp_path / "landing" / table / name
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    report = ingest_table(Settings(home=tmp_path), table, NOW)
    assert report.rows_accepted == report.rows_landed > 0


@pytest.mark.parametrize(
    "content",
    [
        b'etf_code,trade_date,close\n"159567.SZ",2025-04-24,1.2690\n',
        b"etf_code,trade_date,close\n159567.SZ,2025-04-24,1.2690\r159568.SZ,2025-04-24,1.2690\n",
        b"etf_code,trade_date,close\n159567.SZ,2025-04-24,1.2690\0\n",
        "etf_code,trade_date,close,名称\n159567.SZ,2025-04-24,1.2690,港股创新药\n".encode("gb18030"),
        b"etf_code,trade_date,close\n159567.SZ,2025-04-24," + b"1" * 3_000_000 + b"\n",
        b"etf_code,trade_date,close",
        b"a title\netf_code,trade_date,close\n159567.SZ,2025-04-24,1.2690\n",
    ],
)
def test_files_without_proof_are_read_line_by_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    monkeypatch.setattr(run, "stage", lambda _con, _typist, files, *_: [] if not files else pytest.fail("in blocks"))
    blockwise, line_by_line = both_ways(tmp_path, "etf_bars", [{"x.csv": content}])
    assert blockwise == line_by_line


def test_files_of_one_run_share_a_parquet_file(tmp_path: Path) -> None:
    days = {
        f"2025-04-{day}.csv": f"etf_code,trade_date,close\n159567.SZ,2025-04-{day},1.2690\n" for day in (22, 23, 24)
    }
    for name, text in days.items():
        path = tmp_path / "landing" / "etf_bars" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    ingest_table(Settings(home=tmp_path), "etf_bars", NOW)
    ledger = Ledger(Settings(home=tmp_path).ledger)
    (file,) = ledger.parquet_files("raw")
    assert (file.first_key, file.last_key) == ("2025-04-22", "2025-04-24")
    assert len({row["_batch_id"] for row in pl.read_parquet(file.path).to_dicts()}) == 3


def test_blocks_end_with_lines(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A block smaller than the file, than a line even, cuts nothing in two and counts lines through."""
    rows = "".join(f"159{n:03}.SZ,2025-04-24,1.{n:03}\n" for n in range(300))
    content = ("etf_code,trade_date,close\n" + rows.replace("159007.SZ", "159007")).encode()
    for size in (7, 64, 1000):
        monkeypatch.setattr(blocks, "BLOCK_BYTES", size)
        blockwise, line_by_line = both_ways(tmp_path / str(size), "etf_bars", [{"x.csv": content, "y.csv": content}])
        assert blockwise == line_by_line
        assert [row["_row"] for row in blockwise["raw"]] == [n + 2 for n in range(300) if n != 7]


COLUMNS = {
    "open": [Column("x", "open"), Column("x", "open", Unit.WAN), Column("x", "prev_close", change_from="close")],
    "turnover_cny": [Column("x", "turnover_cny"), Column("x", "turnover_cny", Unit.YI)],
    "volume_shares": [Column("x", "volume_shares"), Column("x", "volume_shares", Unit.LOTS)],
    "trade_date": [Column("x", "trade_date")],
}


@pytest.fixture(scope="module")
def typist() -> Iterator[Typist]:
    made = Typist(CONTRACTS["etf_bars"], NOW)
    yield made
    made.close()


@pytest.mark.parametrize(("name", "column"), [(name, column) for name, found in COLUMNS.items() for column in found])
@settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_a_plain_cell_is_read_as_in_full(typist: Typist, name: str, column: Column, data: st.DataObject) -> None:
    """Whatever text fits a plain form, its short expression gives what the full one gives."""
    field = typist.contract.field(name)
    sample = data.draw(st.sampled_from(DATES[:6] if name == "trade_date" else ("1.5", "15", "")))
    plain = plain_cell(name, field, column, sample, is_key=name in typist.contract.key)
    if plain is None:
        return
    texts = data.draw(st.lists(st.from_regex(rf"\A{plain.pattern}\Z"), max_size=8))
    cleaned = typist.cleaned(name, column, pl.Series(f"t_{name}", texts, pl.String))
    with typist._con.cursor() as con:
        con.register("plain", pa.table({f"t_{name}": pa.array(texts, pa.string())}))
        con.register("cleaned", pl.DataFrame(cleaned).to_arrow())
        short = con.sql(f"select {plain.value} as v from plain").fetchall()
        full = con.sql(f"select {typist._value(field, column)} as v from cleaned").fetchall()
    assert list(zip(texts, short, strict=True)) == list(zip(texts, full, strict=True))


def test_a_ledger_of_before_names_a_file_for_each_batch(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "ledger.sqlite") as old:
        old.executescript(
            "create table batches (batch_id text primary key, table_name text, file text, sha256 text, dialect text,"
            " rows_landed integer, rows_accepted integer, rows_quarantined integer, rows_repeated integer,"
            " ingested_at integer, unknown_columns text, warnings text, has_raw integer, has_quarantine integer,"
            " latest_knowledge integer);"
            "insert into batches values ('b1', 'etf_bars', 'etf_bars/a.csv', 'x', 'canonical', 2, 1, 1, 0, 0, null,"
            " null, 1, 1, 5)"
        )
    ledger = Ledger(tmp_path / "ledger.sqlite")
    assert ledger.raw_files() == {"etf_bars": [tmp_path / "raw" / "etf_bars" / "b1.parquet"]}
    assert [file.path.name for file in ledger.parquet_files("quarantine", "etf_bars")] == ["b1.parquet"]
    assert ledger.parquet_files("raw")[0].may_hold("2025-01-01", "2025-01-02")
