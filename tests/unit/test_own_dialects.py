"""Dialects that a SECTOR_HOME declares: what a file may say, and what is read with it."""

import datetime as dt
from decimal import Decimal

import pytest

from orchestration.dialects.own import OwnDialectError, own_dialects, read_own
from orchestration.ingest import ingest_table
from tests.support.warehouse_home import Home, counts
from tests.support.wind import write_csv, write_workbook

WIND = """
confirmed = true
table = "etf_bars"
footers = ["数据来源"]
ignored = ["简称"]

[columns]
"日期" = { to = "trade_date" }
"代码" = { to = "etf_code", style = "wind" }
"开盘价(元)" = { to = "open", unit = "元" }
"最高价(元)" = { to = "high" }
"最低价(元)" = { to = "low" }
"收盘价(元)" = { to = "close" }
"前收盘价(元)" = { to = "prev_close" }
"成交量(万股)" = { to = "volume_shares", unit = "万股" }
"成交额(万元)" = { to = "turnover_cny", unit = "万元" }
"""


def declare(home: Home, text: str, name: str = "wind"):
    path = home.settings.dialects / f"{name}.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("write", [write_workbook, write_csv])
def test_a_declared_dialect_reads_a_file_with_lines_above_and_below_its_table(home: Home, write) -> None:
    declare(home, WIND)
    write(home.settings.landing / "etf_bars" / ("x.xlsx" if write is write_workbook else "x.csv"))
    (batch,) = home.run()["etf_bars"].batches
    assert (batch.rows_landed, batch.rows_accepted, batch.dialect, batch.unknown_columns) == (3, 3, "wind", ())
    assert any("above it" in note for note in batch.warnings)
    assert any("no records" in note for note in batch.warnings)
    last = home.raw("etf_bars")[-1]
    assert (last["etf_code"], last["trade_date"], last["_feed"]) == ("159567.SZ", dt.date(2025, 4, 24), "wind")
    assert (last["close"], last["volume_shares"]) == (Decimal("1.2690"), 895_565_600)
    assert last["turnover_cny"] == Decimal("1137048639.00")


def test_codes_of_wind_become_those_of_the_exchange(home: Home) -> None:
    declare(home, WIND)
    rows = ["159567.OF", "510300.of", "510500.SH", "021030.OF", "519001.OF"]
    lines = [f"2025-04-24,{code},x,1,1,1,1,1,1,1" for code in rows]
    header = "日期,代码,简称,开盘价(元),最高价(元),最低价(元),收盘价(元),前收盘价(元),成交量(万股),成交额(万元)"
    home.land("etf_bars/w.csv", "\n".join([header, *lines]))
    assert counts(home.run()["etf_bars"]) == (5, 3, 2, 0)
    assert {row["etf_code"] for row in home.raw("etf_bars")} == {"159567.SZ", "510300.SH", "510500.SH"}
    assert all(reason.startswith("etf_code: found '") for reason in home.reasons())


def test_an_unconfirmed_dialect_reads_nothing_and_the_refusal_names_it(home: Home) -> None:
    path = declare(home, WIND.replace("confirmed = true", "confirmed = false"))
    write_workbook(home.settings.landing / "etf_bars/x.xlsx")
    home.run()
    (reason,) = home.reasons()
    assert f"{path} fits but is not confirmed" in reason


def test_a_declared_dialect_serves_its_own_table_only(home: Home) -> None:
    declare(home, WIND)
    write_workbook(home.settings.landing / "index_bars/x.xlsx")
    assert counts(home.run()["index_bars"]) == (0, 0, 0, 0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (('"etf_bars"', '"etf_bar"'), "table: found 'etf_bar', expected one of etf_profiles, etf_bars"),
        (("confirmed = true\n", ""), "confirmed: missing"),
        (("confirmed = true", 'confirmed = "yes"'), "confirmed: found 'yes'"),
        (("footers", "footer"), "footer: unknown key, expected one of confirmed, table, columns"),
        (('to = "high"', 'to = "highest"'), r"columns.最高价\(元\).to: found 'highest', expected one of etf_code"),
        (('unit = "万元"', 'unit = "万圆"'), r"columns.成交额\(万元\).unit: found '万圆', expected one of 元"),
        (('to = "trade_date"', 'to = "trade_date", unit = "元"'), "trade_date is a market date, it has no unit"),
        (('style = "wind"', 'style = "winds"'), "columns.代码.style: found 'winds', expected one of canonical"),
        (('to = "open", unit', 'to = "open", units'), r"columns.开盘价\(元\).units: unknown key"),
        (('"日期" = { to = "trade_date" }', '"日期" = { to = "?" }'), "columns.日期: a question mark"),
        (('"日期" = { to = "trade_date" }\n', ""), "nothing becomes trade_date, a key of etf_bars"),
        (('ignored = ["简称"]', 'ignored = ["日期"]'), "ignored: '日期' is one of the columns too"),
        (("[columns]", 'constants = { currency = "CNY" }\n[columns]'), "etf_bars has no such column"),
        (("[columns]", 'encodings = ["gbq"]\n[columns]'), "found 'gbq', which is no encoding"),
        (("[columns]", 'name_key = "trade_date"\n[columns]'), "name_key: found 'trade_date', expected a code"),
        (("[columns]", "[columns"), "not TOML"),
        (('to = "low"', 'to = "high", unit = "元"'), "'最高价.元.' becomes high too, in another unit or style"),
    ],
)
def test_what_a_declaration_has_wrong_is_named_with_file_and_key(home: Home, change, message) -> None:
    path = declare(home, WIND.replace(*change))
    with pytest.raises(OwnDialectError, match=message) as caught:
        read_own(path)
    assert str(path) in str(caught.value)
    home.land("etf_bars/x.csv", "etf_code,trade_date,close\n159567.SZ,2025-04-24,1\n")
    with pytest.raises(OwnDialectError):
        ingest_table(home.settings, "etf_bars", home.now)


@pytest.mark.parametrize("name", ["canonical", "akshare.fund_etf_hist_em", "Wind", "a b"])
def test_a_name_that_is_taken_or_no_name_is_refused(home: Home, name: str) -> None:
    with pytest.raises(OwnDialectError, match=r"shipped dialect|the dialect's"):
        read_own(declare(home, WIND, name))


def test_translations_changes_and_open_ends_are_declared_too(home: Home) -> None:
    declare(
        home,
        """
confirmed = true
table = "connect_eligibility"
constants = { channel = "SZ_HK" }
[columns]
"代码" = { to = "security_code", style = "bare hk" }
"调入日" = { to = "valid_from" }
"调出日" = { to = "valid_to", open_end = ["至今"] }
"只卖" = { to = "sell_only", translate = { "仅卖出" = "true", "正常" = "false" } }
""",
        "eligibility",
    )
    home.land(
        "connect_eligibility/a.csv",
        "代码,调入日,调出日,只卖\n1801,2022-03-07,至今,正常\n2359,2021-01-04,2023-03-13,仅卖出\n",
    )
    report = home.run()["connect_eligibility"]
    assert counts(report) == (2, 2, 0, 0), home.reasons()
    rows = {row["security_code"]: row for row in home.raw("connect_eligibility")}
    assert (rows["01801.HK"]["valid_to"], rows["01801.HK"]["sell_only"]) == (None, False)
    assert rows["02359.HK"]["sell_only"] is True


def test_no_folder_is_no_dialect(home: Home) -> None:
    assert own_dialects(home.settings.dialects) == ()
