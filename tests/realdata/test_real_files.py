"""What is in the real files is in the release, figure by figure; what is wrong in them is in quarantine.

Expected figures are computed here from the files themselves, with nothing of the project.
"""

from __future__ import annotations

import datetime as dt
import json
from collections import defaultdict
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise

import pytest

from tests.realdata.conftest import DATA, RealWarehouse, records

NO_STAGE = {"other", "post-ipo", "crowdfunding"}
CENT = Decimal("0.01")


def _rounded(text: str, step: str) -> Decimal:
    return Decimal(text).quantize(Decimal(step), ROUND_HALF_UP)


def test_every_landed_file_and_row_is_accounted_for(warehouse: RealWarehouse) -> None:
    landing = warehouse.home / "landing"
    landed = {path.relative_to(landing).as_posix() for path in landing.rglob("*") if path.is_file()}
    batches = warehouse.outcome["batches"]
    assert {batch["file"].split("#")[0] for batch in batches} == landed
    for batch in batches:
        parts = batch["rows_accepted"] + batch["rows_quarantined"] + batch["rows_repeated"]
        assert batch["rows_landed"] == parts, batch
    assert warehouse.rows("select is_sample from meta.release") == [(True,)]


def test_innovative_drug_etf_on_the_day_of_the_note(warehouse: RealWarehouse) -> None:
    found = warehouse.rows(
        "select open, high, low, close, prev_close, change_ratio, turnover_cny, volume_shares"
        " from marts.fct_etf_daily where etf_code = '159567.SZ' and trade_date = date '2025-04-24'"
    )
    prices = tuple(Decimal(price) for price in ("1.249", "1.286", "1.249", "1.269", "1.236"))
    change = pytest.approx(1.269 / 1.236 - 1, abs=1e-12)
    assert found == [(*prices, change, Decimal("1137048638.70"), 895_565_600)]
    assert found[0][0] > found[0][4], "it opened higher"


def test_every_session_of_every_etf_once(warehouse: RealWarehouse) -> None:
    expected = {}
    for path in (DATA / "etf_bars").glob("[0-9]*.csv"):
        code = path.stem + (".SH" if path.stem.startswith("5") else ".SZ")
        for row in records(path):
            close = Decimal(row["close"])
            expected[code, dt.date.fromisoformat(row["datetime"])] = (
                Decimal(row["open"]),
                Decimal(row["high"]),
                Decimal(row["low"]),
                close,
                close - Decimal(row["涨跌额"]),
                int(row["volume"]) * 100,
                _rounded(row["成交额"], "0.01"),
            )
    assert len({code for code, _ in expected}) == 39
    found = warehouse.rows(
        "select etf_code, trade_date, open, high, low, close, prev_close, volume_shares, turnover_cny"
        " from marts.fct_etf_daily where close is not null"
    )
    by_key = defaultdict(list)
    for code, day, *figures in found:
        by_key[code, day].append(tuple(figures))
    missing = [key for key in expected if key not in by_key]
    assert not missing
    wrong = [(key, by_key[key], figures) for key, figures in expected.items() if by_key[key] != [figures]]
    assert not wrong


def test_note_is_of_the_last_real_session_with_the_last_flows_that_are_known(warehouse: RealWarehouse) -> None:
    """Bars go on after the morning of the sample's quotes: the note's moment is the close of the last session."""
    last = records(DATA / "etf_bars" / "159567.csv")[-1]
    close, change = Decimal(last["close"]), Decimal(last["涨跌额"])
    days = warehouse.rows("select distinct note_date from marts.rpt_market_note")
    assert days == [(dt.date.fromisoformat(last["datetime"]),)]
    claims = dict(warehouse.rows("select claim_id, value from marts.rpt_market_note"))
    assert claims["etf_change"] == pytest.approx(float(change / (close - change)), abs=1e-12)
    assert claims["etf_turnover"] == float(last["成交额"])
    assert claims["etf_inflow_days"] == 7
    assert 280e6 < claims["etf_cumulative_flow"] < 290e6


def test_hang_seng_rows_without_a_price_are_refused_and_the_others_kept(warehouse: RealWarehouse) -> None:
    rows = records(DATA / "index" / "HSI.csv")
    empty = {number for number, row in enumerate(rows, start=2) if not row["open"] and not row["close"]}
    refused = warehouse.refusals("index_bars/vendor/HSI.csv")
    assert {number for number, reason, _ in refused if "no price" in reason} == empty
    assert len(empty) == 252
    closed = {number for number, reason, _ in refused if "no price" not in reason}
    assert all("no session" in reason for number, reason, _ in refused if number in closed)
    expected = {
        dt.date.fromisoformat(row["date"]): (Decimal(row["open"]), Decimal(row["close"]))
        for number, row in enumerate(rows, start=2)
        if number not in empty | closed
    }
    found = warehouse.rows("select trade_date, open, close from marts.fct_index_daily where index_code = 'HSI.HI'")
    assert {day: (first, last) for day, first, last in found} == expected


def test_index_of_no_known_market_is_refused_whole(warehouse: RealWarehouse) -> None:
    assert warehouse.batch("SP500.csv")["rows_landed"] == 0
    ((number, reason, _),) = warehouse.refusals("SP500.csv")
    assert number is None
    assert "'SP500'" in reason


def test_csi_300_is_found_by_its_alias(warehouse: RealWarehouse) -> None:
    rows = [row for row in records(DATA / "index" / "CSI_300.csv") if row["close"]]
    found = dict(
        warehouse.rows(
            "select trade_date, close from marts.fct_index_daily where index_code = '000300.SH' and open > 0"
        )
    )
    for row in rows:
        assert found[dt.date.fromisoformat(row["date"])] == Decimal(row["close"])


@pytest.mark.parametrize(("index", "name"), [("HSI.HI", "hsi"), ("000300.SH", "csi300")])
def test_members_are_those_of_the_monthly_lists(warehouse: RealWarehouse, index: str, name: str) -> None:
    lists: dict[dt.date, set[str]] = {}
    for path in (DATA / "constituents" / "yfiua" / "docs").rglob(f"constituents-{name}.csv"):
        day = dt.date(int(path.parts[-3]), int(path.parts[-2]), 1)
        lists[day] = {_code_of(row["Symbol"]) for row in records(path)}
    days = sorted(lists)
    expected = {(code, days[0], days[1], "enter") for code in lists[days[0]]}
    for before, day in pairwise(days):
        after = next((later for later in days if later > day), None)
        expected |= {(code, day, after, "stay" if code in lists[before] else "enter") for code in lists[day]}
        expected |= {(code, day, day, "leave") for code in lists[before] - lists[day]}
    found = warehouse.rows(
        "select security_code, valid_from, valid_to, change, weight from marts.fct_index_membership"
        " where index_code = ?",
        index,
    )
    assert {row[:4] for row in found} == expected
    assert len(found) == len(expected)
    assert all(weight is None for *_, weight in found)


def _code_of(symbol: str) -> str:
    digits, market = symbol.split(".")
    return f"{digits.zfill(5)}.HK" if market == "HK" else f"{digits}.{'SH' if market == 'SS' else market}"


def test_rounds_of_2013_are_all_there(warehouse: RealWarehouse) -> None:
    batch = warehouse.batch("crunchbase-rounds.csv")
    assert (batch["rows_landed"], batch["rows_accepted"]) == (31_679, 31_679)
    assert warehouse.batch("crunchbase-companies.csv")["rows_accepted"] == 17_727


@pytest.mark.parametrize("profile", ["vc_pe_broad", "cb_news_venture"])
def test_quarters_of_2013_are_the_sums_of_the_file(warehouse: RealWarehouse, profile: str) -> None:
    """In the venture profile private equity counts after an earlier venture round of the company only (R50)."""
    rows = records(DATA / "crunchbase_2013" / "crunchbase-rounds.csv", "mac_roman")
    venture_days = defaultdict(list)
    for row in rows:
        if row["funding_round_type"] in {"venture", "series-a", "series-b", "series-c+"}:
            venture_days[row["company_permalink"]].append(row["funded_at"])
    deals: dict[dt.date, int] = defaultdict(int)
    disclosed: dict[dt.date, int] = defaultdict(int)
    amounts: dict[dt.date, Decimal] = defaultdict(Decimal)
    for row in rows:
        kind, day = row["funding_round_type"], row["funded_at"]
        if kind in NO_STAGE:
            continue
        earlier = any(other < day for other in venture_days[row["company_permalink"]])
        if kind == "private-equity" and profile == "cb_news_venture" and not earlier:
            continue
        quarter = dt.date(int(day[:4]), (int(day[5:7]) - 1) // 3 * 3 + 1, 1)
        deals[quarter] += 1
        if row["raised_amount_usd"] not in {"", "0"}:
            disclosed[quarter] += 1
            amounts[quarter] += Decimal(row["raised_amount_usd"])
    expected = {
        quarter: (amounts[quarter] if disclosed[quarter] else None, count, disclosed[quarter] / count)
        for quarter, count in deals.items()
    }
    for region in ("USA", "GLOBAL"):
        found = warehouse.rows(
            "select quarter_start, amount_usd, deals, disclosed_share from marts.fct_funding_quarterly"
            " where profile = ? and segment = 'all' and region = ? and deals > 0",
            profile,
            region,
        )
        assert {quarter: tuple(figures) for quarter, *figures in found} == expected


def test_the_damaged_line_of_the_etf_list_is_refused_and_the_list_kept(warehouse: RealWarehouse) -> None:
    refused = warehouse.refusals("etf_list_corrupt_line.csv")
    assert [reason for _, reason, _ in refused] == ["12 cells where the header has 13"]
    assert refused[0][2].startswith("sz159567,港股创新药ETF")
    listed = {row["代码"] for row in records(DATA / "etf_bars" / "etf_list_corrupt_line.csv")} - {"sz159567"}
    codes = {f"{code[2:]}.{code[:2].upper()}" for code in listed}
    assert codes <= {code for (code,) in warehouse.rows("select etf_code from marts.dim_etf")}


def test_net_asset_values_out_of_dated_headers(warehouse: RealWarehouse) -> None:
    rows = records(DATA / "akshare_samples" / "fund_etf_fund_daily_em.csv")
    dated = [(name, name[:10]) for name in rows[0] if name.endswith("-单位净值")]
    assert [day for _, day in dated] == ["2026-04-24", "2026-04-23"]
    published = unpublished = 0
    found = {
        (code, day.isoformat()): nav
        for code, day, nav in warehouse.rows(
            "select etf_code, trade_date, unit_nav from marts.fct_etf_daily where trade_date >= date '2026-04-23'"
        )
    }
    for row in rows:
        digits = row["基金代码"]
        code = digits + (".SH" if digits.startswith("5") else ".SZ")
        for name, day in dated:
            if row[name] == "---":
                unpublished += 1
            else:
                published += 1
                assert found[code, day] == Decimal(row[name]), (code, day)
    batch = warehouse.batch("fund_etf_fund_daily_em.csv")
    assert (batch["rows_landed"], batch["rows_quarantined"]) == (published + unpublished, unpublished)


def test_shanghai_shares_despite_float_noise(warehouse: RealWarehouse) -> None:
    found = dict(
        warehouse.rows("select etf_code, shares from marts.fct_etf_daily where trade_date = date '2025-01-15'")
    )
    for row in records(DATA / "akshare_samples" / "fund_etf_scale_sse.csv"):
        assert found[f"{row['基金代码']}.SH"] == _rounded(row["基金份额"], "1")


def test_a_statistic_of_all_funds_is_no_list_of_shares(warehouse: RealWarehouse) -> None:
    ((number, reason, _),) = warehouse.refusals("fund_scale_change_em.csv")
    assert number is None
    assert "no dialect of etf_shares knows this header" in reason
    assert "期末总份额" in reason


def test_weights_of_a_part_of_an_index_are_kept_raw_and_not_used(warehouse: RealWarehouse) -> None:
    """The first hundred members only: their weights sum to 0.09, no set to work with (R31)."""
    assert warehouse.batch("index_stock_cons_weight_csindex.csv")["rows_accepted"] == 100
    days = warehouse.rows(
        "select distinct valid_from from marts.fct_index_membership where index_code = '000001.SH' order by 1"
    )
    assert (dt.date(2026, 3, 31),) not in days


def test_hong_kong_bars_with_impossible_prices_are_refused(warehouse: RealWarehouse) -> None:
    for path in (DATA / "hk").glob("*.csv"):
        impossible = set()
        for number, row in enumerate(records(path), start=2):
            first, high, low, last = (_rounded(row[name], "0.0001") for name in ("Open", "High", "Low", "Close"))
            if high < max(first, last) or low > min(first, last):
                impossible.add(number)
        batch = warehouse.batch(f"security_bars/vendor/{path.name}")
        assert {number for number, _, _ in warehouse.refusals(f"security_bars/vendor/{path.name}")} == impossible
        assert batch["rows_accepted"] == batch["rows_landed"] - len(impossible)


def test_hong_kong_issuers_keep_their_names(warehouse: RealWarehouse) -> None:
    issuers = json.loads((DATA / "hk" / "hk-listings_date.json").read_text(encoding="utf-8"))
    found = {
        code: (english, chinese)
        for code, english, chinese in warehouse.rows("select security_code, name_en, name_zh from marts.dim_security")
    }
    for issuer in issuers:
        names = (issuer["engName"].strip() or None, issuer["zhName"].strip() or None)
        assert found[f"{issuer['symbol']:05d}.HK"] == names


def test_shenwan_levels_of_every_stock_that_has_them(warehouse: RealWarehouse) -> None:
    rows = records(DATA / "sector" / "sw_industry_categorys.csv", delimiter="\t")
    failed = [row for row in rows if row["sw1_code"] == "获取失败"]
    batch = warehouse.batch("sw_industry_categorys.csv")
    assert (batch["rows_landed"], batch["rows_quarantined"]) == (3 * len(rows), 3 * len(failed))
    expected = {row["sw1_code"] for row in rows if row not in failed}
    found = warehouse.rows("select sector_code from marts.dim_sector where scheme = 'SW2014' and level = 'L1'")
    assert {code for (code,) in found} == expected
    assert len(expected) == 28


def test_dollar_rates_without_a_rate_are_refused(warehouse: RealWarehouse) -> None:
    rows = records(DATA / "index" / "USD_CNY.csv")
    empty = {number for number, row in enumerate(rows, start=2) if not row["close"]}
    assert {number for number, _, _ in warehouse.refusals("USD_CNY.csv")} == empty
    assert warehouse.batch("USD_CNY.csv")["rows_accepted"] == len(rows) - len(empty)
