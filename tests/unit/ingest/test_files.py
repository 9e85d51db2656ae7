"""Formats, encodings and hostile files (contracts R14, R60, R64-R68)."""

import codecs
import dataclasses
import datetime as dt
import gzip
import io
import json
import os
import zipfile
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from tests.support.warehouse_home import Home, counts

HEAD = "etf_code,name_en,name_zh,manager"
ROW = "159567.SZ,HK Innovative Drug ETF,港股创新药ETF,银华基金"
TEXT = f"{HEAD}\n{ROW}\n"


def profiles(home: Home):
    report = home.run()["etf_profiles"]
    return counts(report), home.raw("etf_profiles"), home.reasons()


@pytest.mark.parametrize(
    "content",
    [
        TEXT.encode(),
        codecs.BOM_UTF8 + TEXT.encode(),
        TEXT.encode("utf-16"),
        codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"),
        TEXT.encode("gb18030"),
        TEXT.replace("\n", "\r\n").encode("gbk"),
        TEXT.replace("\n", "\r").encode(),
        TEXT.rstrip("\n").encode(),
        ("\n\n" + TEXT).encode(),
        TEXT.replace(",", " , ").encode(),
        TEXT.upper()
        .replace("159567.SZ", "159567.sz")
        .replace("HK INNOVATIVE DRUG ETF", "HK Innovative Drug ETF")
        .encode(),
    ],
    ids=[
        "utf8",
        "utf8-bom",
        "utf16",
        "utf16be",
        "gb18030",
        "gbk-crlf",
        "cr",
        "no-end",
        "blank-first",
        "spaces",
        "case",
    ],
)
def test_encodings_and_line_ends(home: Home, content: bytes) -> None:
    home.land("etf_profiles/p.csv", content)
    tally, (row,), _ = profiles(home)
    assert tally == (1, 1, 0, 0)
    assert (row["etf_code"], row["name_en"], row["name_zh"]) == ("159567.SZ", "HK Innovative Drug ETF", "港股创新药ETF")


def test_latin_1_is_not_mistaken_for_chinese(home: Home) -> None:
    text = "org_uuid,name,country_code\no1,Société Générale,FRA\no2,Zoë Biotech,NLD\n"
    home.land("organizations/o.csv", text, "latin-1")
    home.land("organizations/z.csv", "org_uuid,name,country_code\no3,银华生物,CHN\n", "gb18030")
    home.run()
    assert {r["name"] for r in home.raw("organizations")} == {"Société Générale", "Zoë Biotech", "银华生物"}


def test_bytes_of_no_declared_encoding_are_refused_whole(home: Home) -> None:
    home.land("etf_profiles/p.csv", TEXT.encode() + b"\xff\xff\x80\n")
    _, rows, reasons = profiles(home)
    assert rows == []
    assert "neither marked, nor UTF-8" in reasons[0]


def workbook(rows: list[list], sheets: int = 1) -> bytes:
    book, out = Workbook(), io.BytesIO()
    for n in range(sheets):
        sheet = book.active if n == 0 else book.create_sheet()
        for row in rows:
            sheet.append(row)
    book.save(out)
    return out.getvalue()


def zipped(**members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return out.getvalue()


TABLE = [cell.split(",") for cell in (HEAD, ROW)]


def parquet() -> bytes:
    out = io.BytesIO()
    pl.DataFrame([TABLE[1]], schema=TABLE[0], orient="row").write_parquet(out)
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("p.tsv", TEXT.replace(",", "\t").encode()),
        ("tabs.csv", TEXT.replace(",", "\t").encode()),
        ("p.csv.gz", gzip.compress(TEXT.encode())),
        ("p.json", json.dumps([dict(zip(*TABLE, strict=True))]).encode()),
        ("wrapped.json", json.dumps({"count": 1, "entities": [dict(zip(*TABLE, strict=True))]}).encode()),
        ("p.jsonl", json.dumps(dict(zip(*TABLE, strict=True))).encode()),
        ("p.xlsx", workbook(TABLE)),
        ("title.xlsx", workbook([["Profiles of all funds"], [], *TABLE])),
        ("p.parquet", parquet()),
        ("p.zip", zipped(**{"inner/p.csv": TEXT.encode()})),
        ("book.zip", zipped(**{"p.xlsx": workbook(TABLE)})),
        ("packed.zip", zipped(**{"p.csv.gz": gzip.compress(TEXT.encode())})),
        ("deep/er/p.csv", TEXT.encode()),
    ],
)
def test_formats(home: Home, name: str, content: bytes) -> None:
    home.land(f"etf_profiles/{name}", content)
    tally, rows, reasons = profiles(home)
    assert tally == (1, 1, 0, 0), reasons
    assert rows[0]["name_zh"] == "港股创新药ETF"


def test_typed_values_of_workbooks_and_parquet(home: Home) -> None:
    rows = [
        ["etf_code", "trade_date", "close", "volume_shares", "turnover_cny"],
        ["159567.SZ", dt.date(2025, 4, 24), 1.269, 895565600.0, 1137048638.7],
    ]
    home.land("etf_bars/x.xlsx", workbook(rows))
    out = io.BytesIO()
    pl.DataFrame(
        {
            "etf_code": ["159568.SZ"],
            "trade_date": [dt.datetime(2025, 4, 24)],  # noqa: DTZ001 (a naive timestamp is what people write)
            "close": [Decimal("1.2690")],
            "volume_shares": [895565600],
            "turnover_cny": [1137048638.7],
        }
    ).write_parquet(out)
    home.land("etf_bars/x.parquet", out.getvalue())
    assert counts(home.run()["etf_bars"]) == (2, 2, 0, 0), home.reasons()
    for row in home.raw("etf_bars"):
        assert (row["trade_date"], row["close"]) == (dt.date(2025, 4, 24), Decimal("1.2690"))
        assert (row["volume_shares"], row["turnover_cny"]) == (895565600, Decimal("1137048638.70"))


def test_every_sheet_is_a_batch_and_error_cells_refuse_the_row(home: Home) -> None:
    home.land("etf_profiles/p.xlsx", workbook([*TABLE, ["510300.SH", "#N/A", "沪深300", "华泰"]], sheets=2))
    report = home.run()["etf_profiles"]
    assert [b.file for b in report.batches] == ["etf_profiles/p.xlsx#Sheet", "etf_profiles/p.xlsx#Sheet1"]
    assert counts(report) == (4, 1, 2, 1)
    assert "error value" in home.reasons()[0]


def sheet_xml(*rows: str) -> bytes:
    """A workbook of one sheet with the given ``<row>`` elements, as no spreadsheet program would write it."""
    out = io.BytesIO()
    namespace = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    sheet = f'<worksheet xmlns="{namespace}"><sheetData>{"".join(rows)}</sheetData></worksheet>'
    with zipfile.ZipFile(io.BytesIO(workbook([]))) as empty, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as book:
        for name in empty.namelist():
            book.writestr(name, sheet if name.endswith("sheet1.xml") else empty.read(name))
    return out.getvalue()


def xml_row(number: int, *cells: str) -> str:
    texts = [f'<c t="inlineStr"><is><t>{cell}</t></is></c>' if cell[:1] != "<" else cell for cell in cells]
    return f'<row r="{number}">{"".join(texts)}</row>'


def test_formulas_give_their_stored_value_and_one_without_refuses_its_row(home: Home) -> None:
    rows = [
        xml_row(1, *TABLE[0]),
        xml_row(2, "159567.SZ", '<c t="str"><f>"a"&amp;"b"</f><v>ab</v></c>', "港股", "银华"),
        xml_row(3, "510300.SH", '<c><f>HYPERLINK("http://x","y")</f></c>', "沪深", "华泰"),
        xml_row(4, "510500.SH", "<c t=\"str\"><f>cmd|'/c calc'!A1</f><v></v></c>", "中证", "南方"),
    ]
    home.land("etf_profiles/p.xlsx", sheet_xml(*rows))
    tally, raw, (reason,) = profiles(home)
    assert tally == (3, 2, 1, 0)
    assert {row["etf_code"]: row["name_en"] for row in raw} == {"159567.SZ": "ab", "510500.SH": None}
    assert reason == "a formula without a stored value: open and save the workbook"


def test_members_that_climb_lie_or_nest_refuse_the_archive(home: Home) -> None:
    home.land("etf_profiles/climbs.zip", zipped(**{"ok.csv": TEXT.encode(), "../../evil.csv": TEXT.encode()}))
    home.land("etf_profiles/absolute.zip", zipped(**{"/etc/evil.csv": TEXT.encode()}))
    home.land("etf_profiles/nested.zip", zipped(**{"inner.zip": zipped(a=b"x")}))
    home.land("etf_profiles/disguised.zip", zipped(**{"inner.csv": zipped(a=b"x")}))
    home.land("etf_profiles/bomb.zip", zipped(**{"b.csv": TEXT.encode() + b"0" * 3_000_000}))
    home.land("etf_profiles/bomb.csv.gz", gzip.compress(TEXT.encode() + b"0" * 3_000_000))
    home.land("etf_profiles/cut.zip", zipped(**{"p.csv": os.urandom(4000)})[:2000])
    home.land("etf_profiles/cut.csv.gz", gzip.compress(TEXT.encode() * 50)[:-20])
    home.land("etf_profiles/good.csv", TEXT)
    tally, rows, reasons = profiles(home)
    assert (tally, len(rows), len(reasons)) == ((1, 1, 0, 0), 1, 8)
    wanted = ["climbs", "climbs", "archive", "archive", "200 times", "200 times", "zip archive", "expanded"]
    for want in wanted:
        assert any(want in reason for reason in reasons), (want, reasons)
    assert sorted(p.name for p in home.settings.home.parent.iterdir()) == ["home"]


def test_a_member_that_cannot_be_taken_leaves_the_others(home: Home) -> None:
    home.land("etf_profiles/p.zip", zipped(**{"p.csv": TEXT.encode(), "readme.txt": b"hello", "x.csv": b"a,b\n1,2\n"}))
    tally, rows, reasons = profiles(home)
    assert (tally, len(rows)) == ((1, 1, 0, 0), 1)
    assert len(reasons) == 2


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("empty.csv", b"", "0 bytes"),
        ("blank.csv", b"\n\n  \n", "every line is empty"),
        ("p.docx", b"x", "unknown extension"),
        ("p.xlsx", b"PK\x03\x04 not really", "not a workbook"),
        ("p.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 not really", "not a readable .xls"),
        ("p.parquet", b"PAR1 no", "not a readable Parquet"),
        ("p.json", b"{", "not JSON"),
        ("p.json", b"<html>busy</html>", "not JSON"),
        ("p.csv", b"<html><body>403 Forbidden</body></html>", "no dialect of etf_profiles knows this header"),
        ("p.csv", b"etf_code,name_en,ETF_CODE\n1,2,3\n", "twice: 'etf_code'"),
        ("p.csv", (",".join(f"c{n}" for n in range(2500)) + "\n").encode(), "2500 columns"),
        ("p.csv", TEXT.encode("utf-16-le"), "UTF-16 or UTF-32 without a byte-order mark"),
    ],
)
def test_unreadable_files_are_quarantined_whole_with_counts_of_zero(home: Home, name, content, reason) -> None:
    home.land(f"etf_profiles/{name}", content)
    home.land("etf_profiles/good/p.csv", TEXT)
    tally, _, reasons = profiles(home)
    assert tally == (1, 1, 0, 0)
    assert len(reasons) == 1
    assert reason in reasons[0]
    (line,) = home.quarantine()
    assert (line["row_number"], line["file"]) == (None, f"etf_profiles/{name}")


@pytest.mark.parametrize("record", ["1,2", "7,7"], ids=["a record", "a record with two equal cells"])
def test_a_header_of_no_dialect_names_found_and_expected(home: Home, record: str) -> None:
    home.land("etf_profiles/p.csv", f"foo,bar\n{record}\n")
    home.run()
    assert "found 'foo', 'bar'" in home.reasons()[0]
    assert "expected etf_code, name_en" in home.reasons()[0]


def test_a_stray_quote_costs_one_line_not_the_rest_of_the_file(home: Home) -> None:
    rows = [f"51{n:04d}.SH,ETF {n},基金,管理" for n in range(300)]
    rows[10] = '510010.SH,"ETF 10,基金,管理'
    home.land("etf_profiles/p.csv", "\n".join([HEAD, *rows]) + "\n")
    tally, _, reasons = profiles(home)
    assert tally == (300, 299, 1, 0)
    assert home.quarantine()[0]["row_number"] == 12
    assert "quote" in reasons[0]


def test_a_cell_may_hold_line_ends(home: Home) -> None:
    home.land("etf_profiles/p.csv", f'{HEAD}\n510300.SH,"two\nlines",沪深,华泰\n159567.SZ,a,b,c\n')
    tally, rows, _ = profiles(home)
    assert tally == (2, 2, 0, 0)
    assert {r["_row"] for r in rows} == {2, 4}


def test_nul_bytes_and_huge_cells_refuse_the_row(home: Home) -> None:
    home.land("etf_profiles/p.csv", f"{HEAD}\n510300.SH,a\0b,c,d\n510500.SH,{'x' * (1 << 20)}x,c,d\n{ROW}\n")
    tally, _, reasons = profiles(home)
    assert tally == (3, 1, 2, 0)
    assert reasons == ["a NUL byte", "a cell of more than 1 MiB"]


def test_ignored_and_stray_files(home: Home) -> None:
    for name in (".hidden.csv", "~$p.xlsx", "p.csv.part", "p.tmp", "p.crdownload"):
        home.land(f"etf_profiles/{name}", TEXT)
    (home.settings.landing / "etf_profiles/link.csv").symlink_to("/etc/hosts")
    home.land("no_such_table/p.csv", TEXT)
    home.land("lost.csv", TEXT)
    reports = home.run()
    assert set(reports) == {"_strays"}
    assert len(home.reasons()) == 2
    assert all("is no table's folder" in reason for reason in home.reasons())
    assert home.run() == {}


def test_bad_json_lines_cost_one_line_each(home: Home) -> None:
    good = json.dumps(dict(zip(*TABLE, strict=True)))
    home.land(
        "etf_profiles/p.jsonl", f'{good}\n{{"etf_code": \n[1]\n{{"etf_code":"510300.SH","etf_code":"510500.SH"}}\n'
    )
    tally, _, reasons = profiles(home)
    assert tally == (4, 1, 3, 0), reasons


def test_numbers_of_json_keep_their_digits(home: Home) -> None:
    home.land(
        "etf_bars/p.jsonl",
        '{"etf_code":"159567.SZ","trade_date":"2025-04-24","close":1.26895,"turnover_cny":123456789012345678.005}',
    )
    home.run()
    (row,) = home.raw("etf_bars")
    assert (row["close"], row["turnover_cny"]) == (Decimal("1.2690"), Decimal("123456789012345678.01"))


@given(
    noise=st.binary(max_size=400),
    name=st.sampled_from(["p.csv", "p.json", "p.jsonl", "p.xlsx", "p.parquet", "p.zip", "p.csv.gz", "p.xls"]),
)
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_bytes_stop_the_other_files(tmp_path_factory, noise: bytes, name: str) -> None:
    home = Home(tmp_path_factory.mktemp("fuzz") / "home")
    home.land(f"etf_profiles/{name}", noise)
    home.land("etf_profiles/good/p.csv", TEXT)
    report = home.run()["etf_profiles"]
    counts(report)
    assert [r["etf_code"] for r in home.raw("etf_profiles")].count("159567.SZ") == 1


@given(
    damage=st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 255)), max_size=8),
    which=st.sampled_from(["xlsx", "parquet", "zip", "gz"]),
)
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damaged_containers_are_refused_or_read_never_raised(tmp_path_factory, damage, which) -> None:
    content = {
        "xlsx": ("p.xlsx", workbook(TABLE)),
        "parquet": ("p.parquet", parquet()),
        "zip": ("p.zip", zipped(**{"p.csv": TEXT.encode()})),
        "gz": ("p.csv.gz", gzip.compress(TEXT.encode())),
    }[which]
    data = bytearray(content[1])
    for place, value in damage:
        data[place % len(data)] = value
    home = Home(tmp_path_factory.mktemp("damage") / "home")
    home.land(f"etf_profiles/{content[0]}", bytes(data))
    counts(home.run()["etf_profiles"])


def test_a_crash_before_the_commit_leaves_nothing_and_the_next_run_finishes(home: Home, monkeypatch) -> None:
    from orchestration.ingest.ledger import Ledger

    home.land("etf_profiles/p.csv", TEXT)
    commit = Ledger.commit
    monkeypatch.setattr(Ledger, "commit", lambda *a, **k: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        home.run()
    assert home.raw("etf_profiles") == []
    monkeypatch.setattr(Ledger, "commit", commit)
    tally, rows, _ = profiles(home)
    assert (tally, len(rows)) == ((1, 1, 0, 0), 1)
    assert len(list((home.settings.raw / "etf_profiles").iterdir())) == 1


SSE = "序号,基金代码,基金简称,ETF类型,统计日期,基金份额\n"


def test_shares_delivered_in_ten_thousands_are_refused_whole_without_history(home: Home) -> None:
    home.land(
        "etf_shares/a.csv",
        f"{SSE}1,510010,治理ETF,单市,2025-01-15,20152.44\n2,510020,超大ETF,单市,2025-01-15,4324.80\n",
    )
    assert counts(home.run()["etf_shares"]) == (0, 0, 0, 0)
    assert home.reasons()[0].startswith("unit: looks like 万份")


def test_shares_delivered_in_ten_thousands_are_refused_whole_by_their_history(home: Home) -> None:
    home.land("etf_shares/a.csv", f"{SSE}1,510010,治理ETF,单市,2025-01-15,90201524400.0\n")
    assert counts(home.run()["etf_shares"]) == (1, 1, 0, 0)
    home.land("etf_shares/b.csv", f"{SSE}1,510010,治理ETF,单市,2025-01-16,9120152.44\n")
    assert counts(home.run()["etf_shares"]) == (0, 0, 0, 0)
    assert "looks like 万份" in home.reasons()[0]
    home.land("etf_shares/c.csv", f"{SSE}1,510010,治理ETF,单市,2025-01-16,91201524400\n")
    assert counts(home.run()["etf_shares"]) == (1, 1, 0, 0)


# ------------------------------------------------------------------ files that are not at rest


def test_a_file_that_is_being_written_is_left_for_the_next_run_and_says_so(home: Home) -> None:
    from orchestration.ingest import ingest_table

    path = home.land("etf_profiles/p.csv", TEXT[:40])
    with path.open("a", encoding="utf-8") as writer:
        report = ingest_table(home.settings, "etf_profiles", home.now)
        assert report.left == [("etf_profiles/p.csv", "being written")]
        assert home.quarantine() == []
        writer.write(TEXT[40:])
    tally, (row,), reasons = profiles(home)
    assert (tally, reasons, row["name_zh"]) == ((1, 1, 0, 0), [], "港股创新药ETF")


@pytest.mark.parametrize("what", ["grows", "goes"])
@pytest.mark.parametrize("when", ["before it is looked at", "before its lines are read"])
@pytest.mark.parametrize("ending", ["", '"'], ids=["plain", "quoted"])
def test_a_file_that_changes_or_goes_while_it_is_read_is_left_and_hurts_no_other(
    home: Home, monkeypatch, what, when, ending
) -> None:
    from orchestration.ingest import run as ingest_run

    text = TEXT.replace("港股创新药ETF", f"{ending}港股创新药ETF{ending}")
    path = home.land("etf_profiles/a.csv", text)
    home.land("etf_profiles/b.csv", text.replace("159567.SZ", "510300.SH"))
    survey = ingest_run.survey

    def change() -> None:
        if what == "grows":
            path.write_text(f"{text}510500.SH,x,y,z\n", encoding="utf-8")
        else:
            path.unlink()

    def meanwhile(landed):
        is_meant = landed.path == path and path.exists() and path.stat().st_size == len(text.encode())
        if is_meant and when == "before it is looked at":
            change()
        seen = survey(landed)
        if is_meant and when == "before its lines are read":
            change()
        return seen

    monkeypatch.setattr(ingest_run, "survey", meanwhile)
    report = ingest_run.ingest_table(home.settings, "etf_profiles", home.now)
    assert counts(report) == (1, 1, 0, 0)
    assert [name for name, _ in report.left] == ["etf_profiles/a.csv"]
    monkeypatch.undo()
    if what == "grows":
        assert counts(home.run()["etf_profiles"]) == (2, 2, 0, 0)
    assert {row["etf_code"] for row in home.raw("etf_profiles")} >= {"510300.SH"}


def test_a_file_that_may_not_be_read_is_refused_once_and_read_when_it_may(home: Home, monkeypatch) -> None:
    from orchestration.ingest import files
    from orchestration.ingest import run as ingest_run

    path = home.land("etf_profiles/p.csv", TEXT)

    class Denied(type(path)):
        def open(self, *args, **kwargs):
            raise PermissionError(13, "Permission denied", str(self))

    walked = list(files.walk(home.settings.landing))
    with monkeypatch.context() as patched:
        patched.setattr(ingest_run, "walk", lambda *_: [dataclasses.replace(walked[0], path=Denied(path))])
        patched.setattr(os, "access", lambda *_: False)
        tally, rows, reasons = profiles(home)
        assert (tally, rows, reasons) == ((0, 0, 0, 0), [], ["cannot be opened: Permission denied"])
        assert home.run() == {}
    assert counts(home.run()["etf_profiles"]) == (1, 1, 0, 0)


@pytest.mark.parametrize("closed", ["etf_profiles/a", "etf_profiles"])
def test_a_folder_that_may_not_be_listed_is_said_once_and_read_when_it_may(home: Home, monkeypatch, closed) -> None:
    home.land("etf_profiles/a/p.csv", TEXT)
    home.land("etf_nav/a/n.csv", "x,y\n1,2\n")
    folder = home.settings.landing / closed
    with monkeypatch.context() as patched:
        patched.setattr(os, "access", lambda path, *_: Path(path) != folder)
        home.run()
        (said,) = [line for line in home.quarantine() if line["file"] == f"{closed}/"]
        assert said["reason"].startswith("the folder may not be listed: nothing in it was read")
        assert len(home.quarantine()) == 2
        assert home.run() == {}
    assert counts(home.run()["etf_profiles"]) == (1, 1, 0, 0)


def test_a_landing_that_may_not_be_listed_stops_the_run_with_its_name(home: Home, monkeypatch) -> None:
    home.land("etf_profiles/p.csv", TEXT)
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(PermissionError, match=r"landing may not be listed.*/landing"):
        home.run()


def test_pipes_devices_and_folders_with_a_files_name_are_no_files(home: Home) -> None:
    folder = home.settings.landing / "etf_profiles"
    (folder / "folder.csv").mkdir(parents=True)
    os.mkfifo(folder / "pipe.csv")
    (folder / "link.csv").symlink_to(folder / "folder.csv")
    home.land("etf_profiles/folder.csv/p.csv", TEXT)
    tally, rows, reasons = profiles(home)
    assert (tally, len(rows), reasons) == ((1, 1, 0, 0), 1, [])


def test_any_name_that_a_file_system_takes_is_read(home: Home) -> None:
    folder = home.settings.landing / "etf_profiles"
    deep = folder.joinpath(*["d" * 100] * 15)
    deep.mkdir(parents=True)
    (deep / "p.csv").write_text(TEXT, encoding="utf-8")
    (folder / ("长" * 83 + "aa.csv")).write_text(TEXT.replace("159567", "159568"), encoding="utf-8")
    (folder / "'; drop table files; --.csv").write_text(TEXT.replace("159567", "159569"), encoding="utf-8")
    with open(os.fsencode(folder) + b"/\xff\xfe\n.csv", "wb") as handle:  # noqa: PTH123 (a name that is no text)
        handle.write(TEXT.replace("159567", "159570").encode())
    tally, rows, reasons = profiles(home)
    assert (tally, len(rows), reasons) == ((4, 4, 0, 0), 4, [])
    assert any(row["_file"] == "etf_profiles/\\udcff\\udcfe\n.csv" for row in rows)
    assert home.run() == {}
