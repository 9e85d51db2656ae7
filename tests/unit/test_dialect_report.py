"""``sector dialect``: what a file would become is what a run makes of it, and a draft needs a person's word."""

import json
import tomllib
from pathlib import Path

import pytest
from openpyxl import Workbook
from typer.testing import CliRunner

from orchestration.cli import app
from orchestration.dialect_guess import guess, split_header
from orchestration.dialect_report import examine
from orchestration.dialects.own import read_own
from orchestration.doctor import dialects as examine_dialects
from tests.support.warehouse_home import Home, counts
from tests.support.wind import write_csv, write_workbook

BARS = "etf_code,trade_date,open,high,low,close,volume_shares\n"


def sector(home: Home, *arguments: str, code: int = 0) -> str:
    result = CliRunner(env={"SECTOR_HOME": str(home.settings.home)}).invoke(app, ["dialect", *arguments])
    assert result.exit_code == code, (result.stdout, result.stderr)
    return result.stdout if code == 0 else result.stderr


def everything_under(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")} if folder.exists() else set()


def test_the_report_says_what_a_run_then_does(home: Home, tmp_path: Path) -> None:
    text = (
        "日期,开盘,收盘,最高,最低,成交量,成交额,振幅,涨跌幅,涨跌额,换手率,心情\n"
        "2025-04-24,1.225,1.269,1.275,1.221,8955656,1137048638.7,4.4,3.72,0.046,14.5,好\n"
        "2025-04-25,1.269,1.2,1.1,1.221,8955656,1137048638.7,4.4,3.72,0.046,14.5,坏\n"
    )
    path = tmp_path / "159567.csv"
    path.write_text(text, encoding="gb18030")
    (sheet,) = examine(home.settings, path, "etf_bars")
    (fit,) = sheet.fits
    assert sheet.found_as == "gb18030, separated by commas"
    assert (fit.dialect, fit.rows, fit.accepted) == ("akshare.fund_etf_hist_em", 2, 1)
    assert fit.unknown == ("心情",)
    assert set(fit.ignored) == {"振幅", "涨跌幅", "换手率"}
    assert fit.from_name == {"etf_code": "159567.SZ"}
    used = {use.source: use for use in fit.columns}
    assert (used["成交量"].how, used["成交量"].delivered, used["成交量"].stored) == ("x 100", "8955656", "895,565,600")
    assert (used["涨跌额"].to, used["涨跌额"].how, used["涨跌额"].stored) == ("prev_close", "close - it", "1.2230")
    (reason,) = fit.reasons
    assert reason[1:] == (1, 3)
    assert everything_under(home.settings.home) == set(), "looking writes nothing"

    home.land("etf_bars/159567.csv", path.read_bytes())
    assert counts(home.run()["etf_bars"]) == (2, 1, 1, 0)
    assert home.reasons() == [reason[0]]
    (row,) = home.raw("etf_bars")
    assert (str(row["prev_close"]), row["volume_shares"]) == ("1.2230", 895565600)


def test_every_table_that_fits_is_named_and_the_folder_decides(home: Home, tmp_path: Path) -> None:
    path = tmp_path / "bars.csv"
    path.write_text("security_code,etf_code,trade_date,close\n600276.SH,510300.SH,2025-04-24,1\n", encoding="utf-8")
    (sheet,) = examine(home.settings, path)
    assert {fit.table for fit in sheet.fits} >= {"etf_bars", "security_bars"}
    landed = home.land("etf_bars/bars.csv", path.read_bytes())
    (sheet,) = examine(home.settings, landed)
    assert [fit.table for fit in sheet.fits] == ["etf_bars"]


def test_what_does_not_fit_names_the_nearest_and_what_they_lack(home: Home, tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("ts_code,open,high,low,close,vol,amount\n159567.SZ,1,1,1,1,1,1\n", encoding="utf-8")
    shown = sector(home, str(path), "--table", "etf_bars")
    assert "no dialect knows its header" in shown
    assert "tushare.fund_daily" in shown
    assert "trade_date" in shown
    assert "--new NAME" in shown


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("x.csv", b"", "0 bytes"),
        ("x.docx", b"x", "unknown extension"),
        ("x.zip", b"PK\x05\x06" + b"\0" * 18, "holds no file"),
        ("x.json", b"{", "not JSON"),
        ("x.parquet", b"PAR1", "not a readable Parquet"),
        ("x.csv", b"a,b\n\xff\xff\x80,1\n", "neither marked, nor UTF-8"),
    ],
)
def test_what_cannot_be_read_is_said_not_raised(home: Home, tmp_path: Path, name, content, words) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    assert words in sector(home, str(path), "--table", "etf_profiles")


def test_a_wrong_call_has_its_cure(home: Home, tmp_path: Path) -> None:
    assert "is no file" in sector(home, str(tmp_path / "gone.csv"), code=2)
    path = tmp_path / "x.csv"
    path.write_text(f"{BARS}159567.SZ,2025-04-24,1,1,1,1,1\n", encoding="utf-8")
    assert "is no raw table: one of etf_profiles" in sector(home, str(path), "--table", "bars", code=2)
    assert "is known already" in sector(home, str(path), "--new", "mine", code=2)


def test_the_report_fits_eighty_columns_and_json_says_the_same(home: Home, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "159567.csv")
    sector(home, str(path), "--table", "etf_bars", "--new", "wind")
    from rich.cells import cell_len

    shown = sector(home, str(path))
    assert max(cell_len(line) for line in shown.splitlines()) <= 96
    (sheet,) = json.loads(sector(home, str(path), "--json"))["sheets"]
    assert (sheet["fits"][0]["dialect"], sheet["fits"][0]["confirmed"]) == ("wind", False)


def test_a_source_line_in_the_column_of_codes_and_a_title_of_one_cell_are_no_examples(
    home: Home, tmp_path: Path
) -> None:
    path = tmp_path / "nav.csv"
    lines = ["单位净值序列,,,,", "代码,简称,净值日期,单位净值(元),累计单位净值(元)"]
    lines += ["159567.SZ,港股创新药,2025-04-24,1.2655,1.2655", "数据来源：Wind,,,,"]
    path.write_bytes("\n".join(lines).encode("gb18030"))
    assert "header: 代码, 简称, 净值日期" in sector(home, str(path))
    sector(home, str(path), "--table", "etf_nav", "--new", "nav")
    written = tomllib.loads((home.settings.dialects / "nav.toml").read_text(encoding="utf-8"))
    assert written["columns"]["代码"] == {"to": "etf_code"}
    assert written["footers"] == ["数据来源："]


@pytest.mark.parametrize("write", [write_workbook, write_csv])
def test_a_draft_of_a_wind_export_needs_only_a_word_to_be_right(home: Home, tmp_path: Path, write) -> None:
    path = write(tmp_path / ("159567.xlsx" if write is write_workbook else "159567.csv"))
    sector(home, str(path), "--table", "etf_bars", "--new", "wind")
    draft = home.settings.dialects / "wind.toml"
    written = tomllib.loads(draft.read_text(encoding="utf-8"))
    assert written["confirmed"] is False
    assert written["footers"] == ["数据来源："]
    assert written["ignored"] == ["简称"]
    assert written["columns"]["成交额(万元)"] == {"to": "turnover_cny", "unit": "万元"}
    home.land(f"etf_bars/{path.name}", path.read_bytes())
    assert counts(home.run()["etf_bars"])[1] == 0, "an unconfirmed guess reads nothing"
    assert [finding.state for finding in examine_dialects(home.settings)] == ["warning"]

    draft.write_text(draft.read_text(encoding="utf-8").replace("confirmed = false", "confirmed = true"), "utf-8")
    assert [finding.state for finding in examine_dialects(home.settings)] == ["ok"]
    home.land(f"etf_bars/again/{path.name}", path.read_bytes())
    assert counts(home.run()["etf_bars"]) == (3, 3, 0, 0)
    assert {row["turnover_cny"] for row in home.raw("etf_bars")} > {1137048639}


def test_what_the_header_does_not_say_is_asked(home: Home, tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("代码,日期,收盘,成交量,成交额(万港元),心情\nA1,2025-04-24,1,2,3,好\n", encoding="utf-8")
    shown = sector(home, str(path), "--table", "etf_bars", "--new", "x")
    assert "to be answered: 代码, 成交量, 成交额(万港元), 心情" in shown
    draft = home.settings.dialects / "x.toml"
    columns = tomllib.loads(draft.read_text(encoding="utf-8"))["columns"]
    assert columns["成交量"] == {"to": "volume_shares", "unit": "?"}
    assert columns["成交额(万港元)"] == {"to": "?"}
    assert columns["代码"] == {"to": "etf_code", "style": "?"}
    draft.write_text(draft.read_text(encoding="utf-8").replace("confirmed = false", "confirmed = true"), "utf-8")
    assert next(iter(examine_dialects(home.settings))).state == "wrong"
    assert "exists" in sector(home, str(path), "--table", "etf_bars", "--new", "x", code=2)


def test_a_key_of_the_file_name_or_of_no_column_is_drafted_too(home: Home, tmp_path: Path) -> None:
    path = tmp_path / "159567份额.csv"
    path.write_text("截止日,总份额(亿份)\n2025-04-24,59.1\n", encoding="utf-8")
    sector(home, str(path), "--table", "etf_shares", "--new", "shares")
    own = tomllib.loads((home.settings.dialects / "shares.toml").read_text(encoding="utf-8"))
    assert own["name_key"] == "etf_code"
    assert own["constants"] == {"share_basis": "?", "share_date": "?"}
    assert own["columns"]["总份额(亿份)"] == {"to": "shares", "unit": "亿份"}
    assert read_own(home.settings.dialects / "shares.toml").dialect.name_key == "etf_code"


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("成交额(万元)", ("成交额", "万元")),
        ("成交量（手）", ("成交量", "手")),
        ("权重%", ("权重", "%")),
        ("收盘价\n[交易日期] 最新收盘日\n[单位] 元", ("收盘价", "元")),
        ("Volume", ("volume", "")),
        ("Prev Close", ("prev_close", "")),
    ],
)
def test_units_are_read_off_headers(name: str, found: tuple[str, str]) -> None:
    assert split_header(name) == found


def test_one_contract_column_is_guessed_once() -> None:
    targets = [g.to for g in guess(["收盘", "收盘价", "close"], "etf_bars")]
    assert targets == ["close", "?", "?"]


def test_hostile_headers_make_a_draft_that_can_be_read(home: Home, tmp_path: Path) -> None:
    book = Workbook()
    sheet = book.active
    sheet.append(['a"b', "c\\d", "e\nf", "]", "日期", "'''", "\u202e#", "-1"])
    sheet.append(["x"] * 8)
    path = tmp_path / 'we"ird.xlsx'
    book.save(path)
    sector(home, str(path), "--table", "etf_bars", "--new", "weird")
    assert set(tomllib.loads((home.settings.dialects / "weird.toml").read_text(encoding="utf-8"))["columns"]) >= {
        'a"b',
        "c\\d",
        "e\nf",
        "]",
    }
