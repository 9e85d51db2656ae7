"""Files made to harm, or harmed on their way: they are refused with a reason, hurt no other file, and cost little.

Peak memory (VmHWM) and wall time of one ``ingest_table`` over the worst files that were found, each alone in a process,
240 MB of it being imports and an empty warehouse (x86_64, 2 cores, Python 3.11, November 2026):

    a cell of 100 MB                          csv 330   json 290   jsonl 275   xlsx 430   Parquet 830 MB, 1 to 2 s
    a million columns                         csv 290   json 540   xlsx 255 MB, Parquet (100,000) 460 MB, 1 to 3 s
    a header of 100 MB in one cell            340 MB, 2 s
    457 MB of csv, 1,904 columns              380 MB, 20 s
    a record of 9,000 lines, 180 MB           530 MB, 2 s
    240 MB of empty lists in one JSON list    245 MB, 46 s
    1 GB of zeros as jsonl, xls, Parquet      275 MB, 1 to 6 s
    one dictionary entry in every row         Parquet of 1 kB that holds 5 GB: 455 MB, 1 s
    one shared text in every row              workbook of 500 kB that holds 13 GB: 590 MB, 1 s
    50,000,000 rows in 286 kB of Parquet      245 MB, 1 s
    1,500,000 shared texts                    380 MB, 3 s
    20,000 rows with a cell in column 16,384  290 MB, 1 s
    archives of 20,000 and 100,000 members    270 MB, 1 s
    30,000,000 empty lines                    257 MB, 18 s
    1,500,000 and 3,000,000 refused lines     765 and 915 MB, 11 s
    400 quotes that are never closed          745 MB, 2,000,000 refused lines

Not bounded here, for it is text to be kept: 400 MB of cells just under 1 MiB cost 1.2 GB as csv, 500 MB of them 2.2 GB
as jsonl; nor three million versions of ten thousand keys in one file (more than 3 GB).
"""

import datetime as dt
import gzip
import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestration.contracts import CONTRACTS
from orchestration.ingest import ingest_table
from orchestration.ingest.decoding import misread
from orchestration.ingest.json_stream import JsonError, list_items, read_json
from orchestration.paths import PROJECT_ROOT
from tests.support.warehouse_home import Home, counts
from tests.unit.ingest.test_files import HEAD, ROW, TABLE, TEXT, parquet, sheet_xml, workbook, xml_row, zipped

RECORD = dict(zip(*TABLE, strict=True))
GOOD = "etf_code,name_en\n588000.SH,good\n"


def outcome(home: Home, name: str, content: bytes, table: str = "etf_profiles"):
    """Lands a file beside a good one; gives its counts, its rows and its reasons, the good one being accepted."""
    home.land(f"{table}/{name}", content)
    home.land("etf_profiles/good/g.csv", GOOD)
    reports = {name: ingest_table(home.settings, name, home.now) for name in {table, "etf_profiles"}}
    for report in reports.values():
        counts(report)
    assert any(row["etf_code"] == "588000.SH" for row in home.raw("etf_profiles"))
    mine = [b for report in reports.values() for b in report.batches if "/good/" not in b.file]
    total = tuple(
        sum(getattr(b, f"rows_{what}") for b in mine) for what in ("landed", "accepted", "quarantined", "repeated")
    )
    rows = [row for row in home.raw(table) if "/good/" not in row["_file"]]
    assert all(line["file"].startswith(f"{table}/{name}") for line in home.quarantine())
    return total, rows, home.reasons()


# ------------------------------------------------------------------ any bytes, any damage

WHOLE = {
    "p.csv": TEXT.encode(),
    "g.csv": TEXT.encode("gb18030"),
    "u.csv": TEXT.encode("utf-16"),
    "p.csv.gz": gzip.compress(TEXT.encode()),
    "p.json": json.dumps([RECORD], ensure_ascii=False).encode(),
    "p.jsonl": json.dumps(RECORD, ensure_ascii=False).encode() + b"\n",
    "p.xlsx": workbook(TABLE),
    "p.parquet": parquet(),
    "p.zip": zipped(**{"p.csv": TEXT.encode(), "q.xlsx": workbook(TABLE)}),
}
_QUICK = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def judged(folder: Path, name: str, content: bytes) -> None:
    home = Home(folder / "home")
    total, rows, reasons = outcome(home, name, content)
    assert total[0] == total[1] + total[2] + total[3]
    assert rows or reasons or total == (0, 0, 0, 0)
    assert {entry.name for entry in folder.iterdir()} == {"home"}


@given(name=st.sampled_from(sorted(WHOLE)), cut=st.floats(0, 1, exclude_max=True))
@_QUICK
def test_a_file_cut_anywhere_is_refused_or_read_never_raised(tmp_path_factory, name: str, cut: float) -> None:
    judged(tmp_path_factory.mktemp("cut"), name, WHOLE[name][: int(len(WHOLE[name]) * cut)])


@given(
    name=st.sampled_from(sorted(WHOLE)),
    edits=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.binary(max_size=6), st.integers(0, 6)), max_size=5),
)
@_QUICK
def test_a_file_changed_anywhere_is_refused_or_read_never_raised(tmp_path_factory, name: str, edits) -> None:
    data = WHOLE[name]
    for place, inserted, removed in edits:
        at = int(place * len(data))
        data = data[:at] + inserted + data[at + removed :]
    judged(tmp_path_factory.mktemp("edit"), name, data)


@given(text=st.text(st.sampled_from(',"\n\r\t;\0\ufeff a1é长\u202e='), max_size=200))
@_QUICK
def test_any_text_under_a_good_header_is_accounted_for(tmp_path_factory, text: str) -> None:
    judged(tmp_path_factory.mktemp("text"), "p.csv", f"{HEAD}\n{text}".encode())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(items=st.lists(JSON, max_size=8), indent=st.sampled_from([None, 1]), block=st.integers(1, 40))
@settings(max_examples=100, deadline=None)
def test_a_list_read_item_by_item_is_the_list_read_at_once(items, indent, block) -> None:
    text = json.dumps(items, indent=indent)

    class Dripping(io.StringIO):
        def read(self, size=-1):
            return super().read(min(block, size))

    assert list(list_items(Dripping(text), 1000)) == read_json(text)


@pytest.mark.parametrize(
    "text", ["[1", "[1,", "[1 2]", "[1]x", "[,]", "[1,]", "{}", "", '["', "[" * 5000, '[{"a":1,"a":2}]']
)
def test_what_is_no_list_says_where(text: str) -> None:
    with pytest.raises(JsonError):
        list(list_items(io.StringIO(text), 1000))


# ------------------------------------------------------------------ nothing outside the warehouse


def test_nothing_is_opened_for_writing_outside_the_warehouse(tmp_path: Path) -> None:
    """An audit hook cannot be taken off again, so the run has a process of its own."""
    home = Home(tmp_path / "home")
    for name, content in WHOLE.items():
        home.land(f"etf_profiles/{name}", content)
    climbing = {"../../../evil.csv": TEXT.encode(), "/tmp/evil.csv": TEXT.encode()}  # noqa: S108 (must not be made)
    for name, content in climbing.items():
        home.land(f"etf_profiles/{abs(hash(name))}.zip", zipped(**{name: content, "ok.csv": TEXT.encode()}))
    script = f"""
import os, sys
sys.path.insert(0, {str(PROJECT_ROOT)!r})
from tests.support.warehouse_home import Home
from pathlib import Path
written = []
def watch(event, arguments):
    if event == "open" and isinstance(arguments[0], (str, bytes)):
        mode, flags = arguments[1] or "", arguments[2] or 0
        if any(sign in mode for sign in "wax+") or flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            written.append(os.path.abspath(os.fsdecode(arguments[0])))
    elif event in ("os.mkdir", "os.rename", "os.remove", "os.symlink", "os.link", "shutil.move"):
        written.extend(os.path.abspath(os.fsdecode(a)) for a in arguments[:2] if isinstance(a, (str, bytes)))
    elif event in ("subprocess.Popen", "socket.connect", "os.system"):
        written.append(event)
home = Home(Path({str(home.settings.home)!r}))
sys.addaudithook(watch)
home.run()
print("\\n".join(sorted(set(written))))
"""
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", script], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    written = [line for line in done.stdout.splitlines() if line]
    assert written
    inside = (str(home.settings.home), os.devnull)
    assert [line for line in written if not line.startswith(inside)] == []
    assert {path.name for path in tmp_path.iterdir()} == {"home"}
    assert not Path("/tmp/evil.csv").exists()  # noqa: S108
    landed = {path.relative_to(home.settings.landing).as_posix() for path in home.settings.landing.rglob("*.*")}
    assert len(landed) == len(WHOLE) + len(climbing)


# ------------------------------------------------------------------ little memory, little time

_MEMORY = """
import sys
sys.path.insert(0, {root!r})
from pathlib import Path
from tests.support.warehouse_home import Home
home = Home(Path({home!r}))
def peak():
    return int(next(l for l in open("/proc/self/status") if l.startswith("VmHWM")).split()[1]) // 1024
home.run()
print(peak(), "|", home.reasons()[:1])
"""


def bomb_of_one_shared_text() -> bytes:
    text = "".join(chr(97 + byte % 26) for byte in os.urandom(200_000))
    rows = [xml_row(1, *TABLE[0])]
    rows += [xml_row(n, "510300.SH", *['<c t="s"><v>0</v></c>'] * 3) for n in range(2, 4000)]
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(sheet_xml(*rows))) as plain,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as book,
    ):
        for name in plain.namelist():
            data = plain.read(name)
            if name == "xl/sharedStrings.xml":
                namespace = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
                data = f'<sst xmlns="{namespace}"><si><t>{text}</t></si></sst>'.encode()
            book.writestr(name, data)
    return out.getvalue()


def bomb_of_one_dictionary_entry() -> bytes:
    out = io.BytesIO()
    places = pa.array([0] * 40_000, pa.int32())
    entry = {"etf_code": "510300.SH", "name_en": "x" * 100_000}
    pq.write_table(
        pa.table({name: pa.DictionaryArray.from_arrays(places, [text]) for name, text in entry.items()}), out
    )
    return out.getvalue()


BOMBS = {
    "lines.csv": lambda: f'{HEAD}\n510300.SH,"'.encode() + (b"x" * 20_000 + b"\n") * 4_000 + f'",c,d\n{ROW}\n'.encode(),
    "wide.csv": lambda: (
        ",".join([HEAD, *(f"u{n}" for n in range(1900))]).encode()
        + b"\n"
        + (b"510300.SH,a,b,c" + b",1" * 1900 + b"\n") * 4_000
    ),
    "shared.xlsx": bomb_of_one_shared_text,
    "dictionary.parquet": bomb_of_one_dictionary_entry,
}


@pytest.mark.parametrize("name", BOMBS)
def test_memory_stays_under_a_gigabyte(tmp_path: Path, name: str) -> None:
    home = Home(tmp_path / "home")
    home.land(f"etf_profiles/{name}", BOMBS[name]())
    script = _MEMORY.format(root=str(PROJECT_ROOT), home=str(home.settings.home))
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", script], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split("|")[0]) < 1000, done.stdout


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("p.json", b"[" * 100_000, "nested too deeply"),
        ("p.json", b'[{"a":' * 5_000, "nested too deeply"),
        ("p.json", json.dumps([{f"c{n}": n for n in range(3000)}]).encode(), "more than 2000 columns"),
        ("p.csv", b"x" * 2_000_000 + b",b\n1,2\n", "a header cell of 2000000 characters"),
        ("p.csv", f"{HEAD}\n".encode() + b'"\n' * 2_500, "more than 1000 quotes"),
        ("p.xlsx", sheet_xml('<row r="2000000000"><c><v>1</v></c></row>'), "claims a row 2000000000"),
        ("p.xlsx", sheet_xml('<row r="1"><c r="ZZZZ1"><v>1</v></c></row>'), "claims a column"),
        ("p.xlsx", sheet_xml('<row r="1"><c t="s"><v>99</v></c></row>'), "refers to a shared text '99'"),
        ("p.xlsx", sheet_xml("<row><c/></row>").replace(b"<row>", b"<rov>"), "workbook"),
        ("p.parquet", b"PAR1" + b"\xff" * 60 + b"\xff\xff\xff\x7fPAR1", "not a readable Parquet"),
    ],
)
def test_what_would_cost_too_much_is_refused_whole(home: Home, name: str, content: bytes, reason: str) -> None:
    _, rows, reasons = outcome(home, name, content)
    assert rows == []
    assert any(reason in found for found in reasons), reasons


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("p.json", b'[{"etf_code":"510300.SH","name_en":"x"}' + b",[]" * 30_000 + b"]"),
        ("p.jsonl", b'{"etf_code":"510300.SH","name_en":"x"}\n' + b"[]\n" * 30_000),
        ("p.csv", f'{HEAD}\n{ROW}\n"'.encode() + b'"\n' + b'"x"\n' * 30_000),
    ],
)
def test_millions_of_records_that_are_no_rows_are_one_refusal(
    home: Home, name: str, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """80 million empty lists took many minutes to be listed one by one."""
    monkeypatch.setattr("orchestration.ingest.records._MANY_REFUSED", 20_000)
    total, rows, reasons = outcome(home, name, content)
    assert rows == []
    assert total[0] == 0
    assert len(reasons) == 1
    assert "can be rows of the header: no table" in reasons[0]


@pytest.mark.parametrize(
    ("options", "kind"), [({"use_dictionary": True}, "dictionary"), ({"use_dictionary": False}, "page")]
)
def test_a_page_too_large_to_be_read_is_refused(
    home: Home, options: dict[str, bool], kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestration.ingest.records._MOST_OF_PAGE", 1 << 20)
    out = io.BytesIO()
    texts = [os.urandom(1_000).hex() for _ in range(1_000)]
    table = pa.table({"etf_code": ["510300.SH"] * 1_000, "name_en": texts})
    pq.write_table(table, out, data_page_size=1 << 30, dictionary_pagesize_limit=1 << 30, **options)
    _, rows, (reason,) = outcome(home, "p.parquet", out.getvalue())
    assert rows == []
    assert f"a {kind} of 1 MiB in column name_en, row group 1" in reason
    assert "smaller row groups" in reason


def test_xml_that_declares_entities_is_refused_before_they_grow(home: Home) -> None:
    out = io.BytesIO()
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "lol"}">' for n in range(12))
    with zipfile.ZipFile(io.BytesIO(workbook(TABLE))) as plain, zipfile.ZipFile(out, "w") as book:
        for name in plain.namelist():
            data = plain.read(name).decode()
            if name.endswith("sheet1.xml"):
                data = data.replace("<worksheet", f"<!DOCTYPE worksheet [{laughs}]><worksheet", 1)
            book.writestr(name, data)
    _total, rows, (reason,) = outcome(home, "p.xlsx", out.getvalue())
    assert rows == []
    assert "declares XML entities" in reason


def test_archives_that_lie_or_swarm_are_refused_and_links_are_no_members(home: Home) -> None:
    link = zipfile.ZipInfo("link.csv")
    link.create_system, link.external_attr = 3, 0o120777 << 16
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(link, "/etc/passwd")
        archive.writestr("ok.csv", TEXT)
    total, rows, reasons = outcome(home, "link.zip", out.getvalue())
    assert (total, len(rows), reasons) == ((1, 1, 0, 0), 1, ["member 'link.csv' is a link"])
    lying = bytearray(zipped(**{"p.csv": TEXT.encode() * 50}))
    at = lying.find(b"PK\x01\x02")
    lying[at + 24 : at + 28] = lying[22:26] = (10).to_bytes(4, "little")
    swarm = zipped(**{f"m{n}.csv": b"" for n in range(10_001)})
    twice = zipped(**{"a.csv": TEXT.encode(), "b.csv": TEXT.encode()}).replace(b"b.csv", b"a.csv")
    for name, content in {"lying.zip": bytes(lying), "swarm.zip": swarm, "twice.zip": twice}.items():
        home.land(f"etf_profiles/{name}", content)
    home.run()
    for words in ("cannot be read", "10001 members, more than 10000", "is there twice"):
        assert any(words in reason for reason in home.reasons()), home.reasons()


def test_sheets_that_share_a_name_or_a_part_refuse_the_workbook(home: Home) -> None:
    book = workbook(TABLE, sheets=2)
    for name, old, new in (("name.xlsx", b"Sheet1", b"SHEET"), ("part.xlsx", b"sheet2.xml", b"sheet1.xml")):
        out = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(book)) as plain, zipfile.ZipFile(out, "w") as changed:
            for member in plain.namelist():
                data = plain.read(member)
                changed.writestr(member, data.replace(old, new) if "workbook.xml" in member else data)
        home.land(f"etf_profiles/{name}", out.getvalue())
    home.run()
    assert sorted(home.reasons()) == [
        "two sheets of the workbook are one and the same part",
        "two sheets of the workbook have one name",
    ]


# ------------------------------------------------------------------ cells that were damaged, or mean harm

BARS = "etf_code,trade_date,open,high,low,close,volume_shares,turnover_cny"


DAMAGED_CODES = [
    "1.59567E+05", "1E+05", "159567", "59567.SZ", "2-Mar", "########", "159567.SZ'; drop table batches; --",
    "159567\u200b.SZ", "\u202e159567.SZ", "159567\ufeff.SZ", "159567.SZ\u0000", "159567 .SZ", "=A1", "#REF!",
    "１５９５６７",
]  # fmt: skip


def test_a_damaged_code_is_refused_never_guessed(home: Home) -> None:
    lines = [f"{code},2025-04-24,1,1,1,1,1,1" for code in DAMAGED_CODES]
    total, rows, reasons = outcome(home, "b.csv", "\n".join([BARS, *lines]).encode(), "etf_bars")
    assert (total, rows) == ((len(lines), 0, len(lines), 0), [])
    assert all(reason.startswith(("etf_code: found", "a NUL byte")) for reason in reasons), reasons


DAMAGED_DATES = [
    "1201-04-24", "3201-04-24", "2025-02-30", "45771", "45771.5", "24-Apr", "04/24/2025", "2025-13-01",
    "0000-00-00",
    "2025-04-24 25:00:00", "########", "今天", "2025-04", "20250431", "-1", "1e9", "2025-04-24T00:00:00+99:00",
]  # fmt: skip


def test_a_date_that_cannot_be_is_refused(home: Home) -> None:
    lines = [f"159567.SZ,{date},1,1,1,1,1,1" for date in DAMAGED_DATES]
    total, rows, reasons = outcome(home, "b.csv", "\n".join([BARS, *lines]).encode(), "etf_bars")
    assert (total, rows) == ((len(lines), 0, len(lines), 0), [])
    assert all(reason.startswith("trade_date: ") for reason in reasons), reasons


NUMBERS = [
    ("１２３４５", 12345), ("1,234,567", 1234567), ("1,23,4", None), ("1e3", 1000), ("100.004", 100), ("99.5", None),
    ("1e400", None),
    ("9223372036854775808", None), ("0x10", None), ("1_000", None), ("一千", None), ("1 000", None), ("inf", None),
    ("-1", None), ("#N/A", "null"), ("NaN", "null"), ("1.2.3", None), ("٣", None), ("+5", 5),
]  # fmt: skip


def test_numbers_are_read_exactly_or_refused(home: Home) -> None:
    """NULL is "null" here, refused is None."""
    lines = [f'{159000 + n}.SZ,2025-04-24,1,1,1,1,"{volume}",1' for n, (volume, _) in enumerate(NUMBERS)]
    _, rows, _ = outcome(home, "b.csv", "\n".join([BARS, *lines]).encode(), "etf_bars")
    read = {row["etf_code"]: row["volume_shares"] for row in rows}
    for n, (volume, stored) in enumerate(NUMBERS):
        code = f"{159000 + n}.SZ"
        assert (code in read) is (stored is not None), volume
        assert stored is None or read[code] == (None if stored == "null" else stored), volume


def test_dates_of_a_workbook_follow_its_own_first_day(home: Home) -> None:
    from openpyxl import Workbook
    from openpyxl.utils.datetime import CALENDAR_MAC_1904

    book, out = Workbook(), io.BytesIO()
    book.epoch = CALENDAR_MAC_1904
    book.active.append(["etf_code", "trade_date", "close"])
    book.active.append(["159567.SZ", dt.datetime(2025, 4, 24), 1.27])  # noqa: DTZ001
    book.save(out)
    assert b'date1904="1"' in zipfile.ZipFile(io.BytesIO(out.getvalue())).read("xl/workbook.xml")
    _, (row,), _ = outcome(home, "b.xlsx", out.getvalue(), "etf_bars")
    assert row["trade_date"] == dt.date(2025, 4, 24)


def test_json_with_two_meanings_half_characters_or_no_numbers(home: Home) -> None:
    lines = [
        '{"etf_code":"159567.SZ","trade_date":"2025-04-24","close":NaN,"open":1.2,"turnover_cny":Infinity}',
        '{"etf_code":"159568.SZ","trade_date":"2025-04-24","close":1,"close":2}',
        '{"etf_code":"\\ud800","trade_date":"2025-04-24","close":1}',
        '{"etf_code":"159569.SZ","trade_date":"2025-04-24","close":' + "9" * 5000 + "}",
        '{"etf_code":"159570.SZ","trade_date":"2025-04-24","close":1}',
    ]
    total, rows, reasons = outcome(home, "b.jsonl", "\n".join(lines).encode(), "etf_bars")
    assert total == (5, 1, 4, 0)
    assert [row["etf_code"] for row in rows] == ["159570.SZ"]
    assert any("names a key twice" in reason for reason in reasons)
    assert any("half a character" in reason for reason in reasons)


def test_a_key_that_only_later_records_have_is_not_dropped_in_silence(home: Home, monkeypatch) -> None:
    from orchestration.ingest import records

    monkeypatch.setattr(records, "CHUNK_ROWS", 2)
    lines = [json.dumps({"etf_code": f"51000{n}.SH", "name_en": "x"}) for n in range(4)]
    lines.append(json.dumps({"etf_code": "510009.SH", "name_en": "x", "manager": "late"}))
    total, _, reasons = outcome(home, "p.jsonl", "\n".join(lines).encode())
    assert total == (5, 4, 1, 0)
    assert "'manager'" in reasons[0]


def test_parquet_of_odd_types(home: Home) -> None:
    table = pa.table(
        {
            "etf_code": pa.array([b"159567.SZ", b"\xff\xfe", b"159568.SZ", b"159569.SZ"]),
            "trade_date": pa.array([20202, 20202, 2**31 - 1, 20202], pa.int32()).cast(pa.date32()),
            "close": pa.array(["1.27", "1", "1", "1"]).dictionary_encode(),
            "volume_shares": pa.array([2**63 - 1, 1, 1, 2**64 - 1], pa.uint64()),
            "nested": pa.array([{"a": [1]}, None, None, None]),
        }
    )
    out = io.BytesIO()
    pq.write_table(table, out, use_deprecated_int96_timestamps=True)
    total, rows, reasons = outcome(home, "b.parquet", out.getvalue(), "etf_bars")
    assert total == (4, 1, 3, 0)
    assert rows[0]["volume_shares"] == 2**63 - 1
    assert any("no UTF-8 text" in reason for reason in reasons)
    empty = io.BytesIO()
    pq.write_table(pa.table({}), empty)
    home.land("etf_bars/none.parquet", empty.getvalue())
    assert counts(home.run()["etf_bars"]) == (0, 0, 0, 0)


def test_line_ends_may_be_mixed_in_one_file(home: Home) -> None:
    lines = f"{HEAD}\r\n{ROW}\n510300.SH,a,b,c\r510500.SH,d,e,f\r\n".encode()
    total, rows, _ = outcome(home, "p.csv", lines)
    assert total == (3, 3, 0, 0)
    assert sorted(row["_row"] for row in rows) == [2, 3, 4]


def test_lines_above_the_header_are_said_and_no_rows(home: Home) -> None:
    total, rows, _ = outcome(home, "p.csv", f"Profiles of all funds\n\nas of,2025-04-24\n{TEXT}".encode())
    assert total == (1, 1, 0, 0)
    assert rows[0]["_row"] == 5


# ------------------------------------------------------------------ encodings that read without an error

TRADITIONAL = "etf_code,name_zh,manager\n159567.SZ,港股創新藥ETF,銀華基金\n510300.SH,滬深三百指數基金,華泰柏瑞\n"


@pytest.mark.parametrize(
    ("encoding", "is_read"), [("gbk", True), ("gb18030", True), ("utf-8", True), ("big5", False), ("big5hkscs", False)]
)
def test_big5_is_not_read_as_chinese_of_the_mainland(home: Home, encoding: str, is_read: bool) -> None:
    total, rows, reasons = outcome(home, "p.csv", TRADITIONAL.encode(encoding))
    assert (total[1] == 2) is is_read, reasons
    assert {row["name_zh"] for row in rows} <= {"港股創新藥ETF", "滬深三百指數基金"}


def test_shift_jis_is_not_read_as_chinese(home: Home) -> None:
    _total, rows, reasons = outcome(home, "p.csv", "etf_code,name_zh\n159567.SZ,日本語テキスト\n".encode("shift-jis"))
    assert rows == []
    assert len(reasons) == 1


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le"])
@pytest.mark.parametrize("name", ["p.csv", "p.json"])
def test_utf_16_without_its_mark_is_refused_with_the_cure(home: Home, name: str, encoding: str) -> None:
    text = TEXT if name == "p.csv" else json.dumps([RECORD])
    total, rows, (reason,) = outcome(home, name, text.encode(encoding))
    assert (total, rows) == ((0, 0, 0, 0), [])
    assert "without a byte-order mark" in reason


@pytest.mark.parametrize(("written", "read"), [("utf-8", "gb18030"), ("utf-8", "latin-1"), ("gb18030", "latin-1")])
def test_text_that_was_misread_before_it_came_here_is_refused(home: Home, written: str, read: str) -> None:
    rows = "etf_code,name_zh\n159567.SZ,港股创新药基金\n510300.SH,沪深三百指数基金\n"
    harmed = "".join(
        part.encode(written).decode(read, "ignore") if not part.isascii() else part for part in rows.splitlines(True)
    )
    _total, raw, (reason,) = outcome(home, "p.csv", harmed.encode("utf-8"))
    assert raw == []
    assert "on its way here" in reason


@given(st.text(st.sampled_from("港股创新药沪深华泰柏瑞银基金ETF éüñçß0123,"), max_size=60))
@settings(max_examples=100, deadline=None)
def test_whole_text_is_never_taken_for_misread(text: str) -> None:
    assert misread(text) == ""


@given(st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FA5), min_size=8, max_size=40))
@settings(max_examples=100, deadline=None)
def test_misread_text_is_told_whatever_it_says(text: str) -> None:
    assert misread(text.encode().decode("latin-1"))


def test_latin_1_has_no_letters_where_windows_and_mac_have_theirs(home: Home) -> None:
    text = "org_uuid,name,country_code\no1,Société Générale,FRA\n"
    for encoding, is_read in (("latin-1", True), ("mac_roman", False), ("utf-8", True)):
        fresh = Home(home.settings.home.parent / encoding)
        fresh.land("organizations/o.csv", text, encoding)
        fresh.run()
        assert [row["name"] for row in fresh.raw("organizations")] == (["Société Générale"] if is_read else [])


def test_sql_in_names_codes_and_headers_stays_text(home: Home) -> None:
    harm = "'); drop table raw; --"
    text = f'etf_code,name_en,"{harm}","x"";select 1"\n159567.SZ,"{harm}",1,2\n'
    name = "'; delete from batches where 'a'='a.csv"
    total, (row,), _ = outcome(home, name, text.encode())
    assert (total, row["name_en"], row["_file"]) == ((1, 1, 0, 0), harm, f"etf_profiles/{name}")
    assert len(home.raw("etf_profiles")) == 2


def test_every_table_survives_every_kind_of_file(home: Home) -> None:
    for table in CONTRACTS:
        for name, content in WHOLE.items():
            home.land(f"{table}/{name}", content)
    for table in CONTRACTS:
        counts(ingest_table(home.settings, table, home.now))


def test_millions_of_empty_lines_take_the_careful_path(tmp_path: Path) -> None:
    from orchestration.ingest.blocks import survey
    from orchestration.ingest.files import walk

    home = Home(tmp_path / "home")
    home.land("etf_profiles/blank.csv", TEXT.encode() + b"\n" * (3 << 20))
    home.land("etf_profiles/full.csv", TEXT.encode() + f"{ROW}\n".encode() * 20_000)
    assert {landed.path.name: survey(landed).is_plain for landed in walk(home.settings.landing)} == {
        "blank.csv": False,
        "full.csv": True,
    }
