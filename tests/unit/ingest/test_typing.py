"""Cells by kind and unit, rows against their contract (contracts R60-R64, R13, R33, R42)."""

import datetime as dt
from decimal import ROUND_HALF_UP, Decimal

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.ingest.typing import _MACROS
from tests.support.warehouse_home import Home, counts

BARS = "etf_code,trade_date,open,high,low,close,prev_close,volume_shares,turnover_cny"
GOOD = "159567.SZ,2025-04-24,1.249,1.286,1.249,1.269,1.236,895565600,1137048638.70"


@pytest.fixture(scope="module")
def reader():
    with duckdb.connect() as con:
        con.execute("set TimeZone = 'Asia/Shanghai'")
        con.execute(_MACROS)
        yield con


@given(
    digits=st.decimals(min_value=-(10**11), max_value=10**11, allow_nan=False, allow_infinity=False, places=9),
    places=st.sampled_from([-2, 0, 2, 3, 4, 8]),
    scientific=st.booleans(),
)
@settings(max_examples=300, deadline=None)
def test_numbers_are_read_from_their_digits_and_rounded_once(reader, digits, places, scientific):
    text = f"{digits:e}" if scientific else f"{digits:f}"
    exact = digits.scaleb(places).quantize(Decimal("0.01"), ROUND_HALF_UP)
    got = reader.execute("select cast(shifted(plain_number(?), ?) as decimal(24, 2))", [text, places]).fetchone()[0]
    assert got == exact


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2025-04-24", "2025-04-24"),
        ("2025/4/24", "2025-04-24"),
        ("2025.04.24", "2025-04-24"),
        ("20250424", "2025-04-24"),
        ("20250424.0", "2025-04-24"),
        ("2025年4月24日", "2025-04-24"),
        ("2025-04-24 00:00:00", "2025-04-24"),
        ("2020-01-02 00:00:00+08:00", "2020-01-02"),
        ("2025-04-23T17:00:00Z", "2025-04-24"),
        ("2025-02-30", None),
        ("45771", None),
        ("24.04.2025", None),
        ("2025-13-01", None),
    ],
)
def test_dates(reader, text, expected):
    got = reader.execute("select read_date(?)", [text]).fetchone()[0]
    assert (got and got.isoformat()) == expected


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2025-04-24 10:30:00", "2025-04-24T02:30:00"),
        ("2025-04-24T10:30", "2025-04-24T02:30:00"),
        ("2025-04-24 10:30:00+08:00", "2025-04-24T02:30:00"),
        ("2025-04-24 10:30:00+0800", "2025-04-24T02:30:00"),
        ("2025-04-24T02:30:00Z", "2025-04-24T02:30:00"),
        ("2025-04-24 02:30:00 UTC", "2025-04-24T02:30:00"),
        ("2025-04-24", "2025-04-23T16:00:00"),
        ("2025-04-24 25:00:00", None),
        ("yesterday", None),
    ],
)
def test_times_without_a_zone_are_shanghai(reader, text, utc):
    got = reader.execute("select read_time(?)", [text]).fetchone()[0]
    assert (got and got.astimezone(dt.UTC).replace(tzinfo=None).isoformat()) == utc


def bars(home: Home, *rows: str, head: str = BARS):
    home.land("etf_bars/bars.csv", "\n".join([head, *rows]))
    report = home.run()["etf_bars"]
    return counts(report), home.reasons(), home.raw("etf_bars")


def test_a_good_bar_arrives_exactly(home: Home) -> None:
    tally, _, (row,) = bars(home, GOOD)
    assert tally == (1, 1, 0, 0)
    assert row["turnover_cny"] == Decimal("1137048638.70")
    assert row["close"] == Decimal("1.2690")
    assert row["knowledge_at"] == dt.datetime(2025, 4, 24, 7, tzinfo=dt.UTC)
    assert (row["_row"], row["_file"], row["_feed"]) == (2, "etf_bars/bars.csv", "canonical")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (("1.269", "1.2x"), "close: found '1.2x', expected a number"),
        (("1.269", "inf"), "close: found 'inf'"),
        (("1.269", "3.72%"), "close: found '3.72%'"),
        (("1.286", "1.2"), "high 1.2000 is below"),
        (("1.249,1.286,1.249", "1.249,1.286,1.30"), "low 1.3000 is above"),
        (("895565600", "-5"), "volume_shares: -5 is negative"),
        (("895565600", "12.5"), "volume_shares: found '12.5', expected whole shares"),
        (("1137048638.70", "-1"), "turnover_cny: -1.00 is negative"),
        (("1.236", "-1.236"), "prev_close: -1.2360 is negative"),
        (("2025-04-24", "2025-04-26"), "2025-04-26 is no session of its market"),
        (("2025-04-24", "2026-03-03"), "later than the day of ingestion"),
        (("2025-04-24", "1201-04-24"), "trade_date: 1201-04-24 lies outside"),
        (("2025-04-24", "3201-04-24"), "trade_date: 3201-04-24"),
        (("2025-04-24", "n/a"), "trade_date: missing"),
        (("159567.SZ", "159567"), "etf_code: found '159567'"),
        (("159567.SZ", "'; drop table raw.etf_bars; --"), "etf_code: found '''; drop table"),
        (("1.249,1.286,1.249,1.269", "0,0,0,0"), "no price"),
        ((GOOD, "159567.SZ,2025-04-24,1"), "3 cells where the header has 9"),
        ((GOOD, f"{GOOD},extra"), "10 cells where the header has 9"),
    ],
)
def test_a_bar_that_breaks_its_contract_is_refused_with_its_reason(home: Home, change, reason) -> None:
    tally, reasons, _ = bars(home, GOOD, GOOD.replace(*change))
    assert tally == (2, 1, 1, 0)
    assert reason.replace("''", "'") in reasons[0]


def test_texts_for_no_figure_are_null(home: Home) -> None:
    texts = ["", "-", "--", "---", "N/A", "NA", "NaN", "null", "None", "#N/A", " - "]
    rows = [
        f"159567.SZ,2025-03-{day:02d},1.1,1.2,1.0,1.1,{t},1,1"
        for day, t in enumerate(texts, start=3)
        if day not in (8, 9)
    ]
    tally, reasons, raw = bars(home, *rows)
    assert tally[0] == tally[1], reasons
    assert {row["prev_close"] for row in raw} == {None}


def test_price_zero_is_unknown(home: Home) -> None:
    _, _, (row,) = bars(home, GOOD.replace("1.249,1.286", "0.000,1.286"))
    assert row["open"] is None


def test_thousands_commas_full_width_digits_and_float_noise(home: Home) -> None:
    row = '１５９５６７.SZ,2025-04-24,1.249,１.２８６,1.249,1.269,1.236,"895,565,600.0000001","1,137,048,638.705"'
    tally, reasons, raw = bars(home, row)
    assert tally == (1, 1, 0, 0), reasons
    assert (raw[0]["volume_shares"], raw[0]["turnover_cny"]) == (895565600, Decimal("1137048638.71"))
    assert raw[0]["high"] == Decimal("1.2860")


def test_a_european_decimal_comma_is_not_taken_for_thousands(home: Home) -> None:
    tally, _, _ = bars(home, GOOD.replace("1.269", '"12,5"'))
    assert tally == (1, 0, 1, 0)


def test_a_row_known_before_its_close_is_refused(home: Home) -> None:
    tally, reasons, _ = bars(
        home,
        f"{GOOD},2025-04-24 14:59",
        f"{GOOD.replace('04-24', '04-23')},2025-04-23 15:00",
        head=f"{BARS},knowledge_at",
    )
    assert tally == (2, 1, 1, 0)
    assert "before it happened" in reasons[0]


def test_records_without_any_cell_are_no_rows(home: Home) -> None:
    tally, _, _ = bars(home, "", ",,,,,,,,", GOOD, "  ", "")
    assert tally == (1, 1, 0, 0)


def test_header_only_is_accepted_with_no_rows(home: Home) -> None:
    home.land("etf_bars/bars.csv", BARS + "\n")
    (batch,) = home.run()["etf_bars"].batches
    assert (batch.refused_whole, batch.rows_landed) == (None, 0)
    assert home.quarantine() == []


def test_bars_of_one_code_take_it_from_the_name(home: Home) -> None:
    text = "trade_date,close\n2025-04-24,1.269\n"
    for name in ("159567.SZ.csv", "sz159568.csv", "510300_daily.csv", "512170/bars.csv"):
        home.land(f"etf_bars/{name}", text)
    assert counts(home.run()["etf_bars"]) == (4, 4, 0, 0)
    assert {r["etf_code"] for r in home.raw("etf_bars")} == {"159567.SZ", "159568.SZ", "510300.SH", "512170.SH"}


@pytest.mark.parametrize("name", ["bars.csv", "159567_510300.csv"])
def test_no_code_or_several_in_the_name_refuse_the_file(home: Home, name) -> None:
    home.land(f"etf_bars/{name}", "trade_date,close\n2025-04-24,1.269\n")
    assert counts(home.run()["etf_bars"]) == (0, 0, 0, 0)
    assert "etf_code is no column" in home.reasons()[0]


def test_six_digit_hong_kong_codes_are_refused(home: Home) -> None:
    home.land(
        "index_weights/w.csv",
        "index_code,weight_date,security_code,weight\n987018.CNI,2025-03-31,001801.HK,0.1\n987018.CNI,2025-03-31,01801.HK,9.52%\n",
    )
    assert counts(home.run()["index_weights"]) == (2, 1, 1, 0)
    assert home.raw("index_weights")[0]["weight"] == pytest.approx(0.0952, rel=1e-15)


@pytest.mark.parametrize(
    ("delivered", "kind"),
    [
        ("证券公司", "broker"),
        ("基金管理公司", "fund"),
        ("私募基金管理人", "private_fund"),
        ("投资公司", "private_fund"),
        ("保险资产管理公司", "insurance"),
        ("QFII", "foreign"),
        ("海外机构", "foreign"),
        ("Broker", "broker"),
        ("媒体", "other"),
    ],
)
def test_visitor_types_in_chinese(home: Home, delivered, kind) -> None:
    home.land(
        "broker_visits/v.csv",
        f"security_code,visit_date,visit_way,visitor_org,visitor_type\n300100.SZ,2025-04-01,电话会议,某机构,{delivered}\n",
    )
    assert counts(home.run()["broker_visits"]) == (1, 1, 0, 0)
    assert home.raw("broker_visits")[0]["visitor_type"] == kind


def test_visit_without_notice_is_known_two_sessions_later(home: Home) -> None:
    home.land(
        "broker_visits/v.csv",
        "security_code,visit_date,visit_way,visitor_org,visitor_type\n"
        "300100.SZ,2025-04-30,电话会议,东信证券,broker\n300101.SZ,2025-04-26,电话会议,东信证券,broker\n",
    )
    home.run()
    days = [(r["knowledge_at"] + dt.timedelta(hours=8)).date().isoformat() for r in home.raw("broker_visits")]
    assert days == ["2025-04-29", "2025-05-07"]  # a Saturday counts from there; May Day closes 1 to 5 May


def test_shenzhen_close_of_day_shares_are_known_the_next_session(home: Home) -> None:
    home.land(
        "etf_shares/s.csv",
        "etf_code,share_date,share_basis,shares\n159567.SZ,2025-04-30,close_of_day,5\n510300.SH,2025-04-30,close_of_day,5\n"
        "159568.SZ,2025-04-30,open_of_day,5\n",
    )
    home.run()
    moments = {
        r["etf_code"]: (r["knowledge_at"] + dt.timedelta(hours=8)).strftime("%m-%d %H:%M")
        for r in home.raw("etf_shares")
    }
    assert moments == {"159567.SZ": "05-06 09:15", "510300.SH": "04-30 20:00", "159568.SZ": "04-30 09:15"}


def test_a_nav_published_on_its_own_date_came_out_that_evening(home: Home) -> None:
    home.land(
        "etf_nav/n.csv",
        "etf_code,nav_date,unit_nav,published_on\n159567.SZ,2025-04-24,1.2,2025-04-24\n159567.SZ,2025-04-23,1.2,2025-04-25\n159567.SZ,2025-04-22,1.2,\n",
    )
    assert counts(home.run()["etf_nav"]) == (3, 3, 0, 0)
    moments = [(r["knowledge_at"] + dt.timedelta(hours=8)).strftime("%m-%d %H:%M") for r in home.raw("etf_nav")]
    assert moments == ["04-22 22:00", "04-24 22:00", "04-25 09:00"]


def test_bars_before_2000_on_dates_the_calendars_err_about_are_taken_with_a_warning(home: Home) -> None:
    home.land("index_bars/HSI.csv", "trade_date,close\n1992-02-29,4900\n2025-04-24,21900\n")
    (batch,) = home.run()["index_bars"].batches
    assert (batch.rows_accepted, batch.rows_quarantined) == (2, 0)
    assert "1 row(s)" in batch.warnings[0]
