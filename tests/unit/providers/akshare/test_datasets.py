"""Every dataset from the site to raw: akshare's own code asks, its frame lands, and the figures are the contract's."""

from __future__ import annotations

import datetime as dt
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from orchestration.contracts import TABLES
from orchestration.fetching import fetch
from orchestration.providers.akshare import DATASETS
from tests.support.fake_provider import FakeProvider
from tests.support.warehouse_home import Home
from tests.unit.providers.akshare.conftest import dataset_of, transport_to, wanted_of


def _utc(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(f"{text}+08:00").astimezone(dt.UTC)


DAY = dt.date(2025, 4, 24)

# dataset -> raw rows that must be among those accepted
RAW: dict[str, list[dict[str, Any]]] = {
    "fund_etf_hist_em": [
        {
            "etf_code": "159567.SZ",
            "trade_date": DAY,
            "open": Decimal("1.2490"),
            "close": Decimal("1.2690"),
            "prev_close": Decimal("1.2360"),
            "volume_shares": 895_565_600,
            "turnover_cny": Decimal("1137048638.70"),
            "knowledge_at": _utc("2025-04-24 15:00"),
        }
    ],
    "fund_etf_hist_min_em": [
        {
            "etf_code": "159567.SZ",
            "quote_ts": _utc("2025-04-24 09:31"),
            "last": Decimal("1.2520"),
            "volume_shares": None,
        }
    ],
    "fund_etf_spot_em": [
        {
            "etf_code": "159567.SZ",
            "quote_ts": _utc("2025-04-24 10:30"),
            "last": Decimal("1.2820"),
            "iopv": Decimal("1.2801"),
            "volume_shares": 131_000_000,
            "knowledge_at": _utc("2025-04-24 21:00"),
        }
    ],
    "fund_scale_daily_szse": [
        {"etf_code": "159567.SZ", "share_date": DAY, "share_basis": "open_of_day", "shares": 395_000_000}
    ],
    "fund_etf_scale_sse": [
        {"etf_code": "513120.SH", "share_date": DAY, "share_basis": "close_of_day", "shares": 12_345_678_901}
    ],
    "fund_etf_fund_info_em": [{"etf_code": "159567.SZ", "nav_date": DAY, "unit_nav": Decimal("1.2706")}],
    "index_hist_cni": [
        {
            "index_code": "987018.CNI",
            "trade_date": DAY,
            "open": Decimal("1190.1000"),
            "high": Decimal("1220.5000"),
            "low": Decimal("1185.0000"),
            "close": Decimal("1210.3000"),
            "volume_shares": 123_456_700,
            "turnover": Decimal("9876540000.00"),
        }
    ],
    "index_detail_hist_cni": [
        {"index_code": "987018.CNI", "weight_date": dt.date(2025, 3, 31), "security_code": "01801.HK", "weight": 0.605},
        {"index_code": "987018.CNI", "security_code": "02269.HK", "weight": 0.395},
    ],
    "stock_zh_index_hist_csindex": [
        {
            "index_code": "931250.CSI",
            "trade_date": DAY,
            "close": Decimal("1010.4000"),
            "prev_close": Decimal("1000.0000"),
            "turnover": Decimal("9876000000.00"),
        }
    ],
    "index_stock_cons_weight_csindex": [
        {"index_code": "931250.CSI", "weight_date": dt.date(2025, 3, 31), "security_code": "01801.HK", "weight": 0.605}
    ],
    "stock_hk_index_spot_em": [
        {
            "index_code": "HSI.HI",
            "quote_ts": _utc("2025-04-24 16:10"),
            "last": Decimal("21909.7600"),
            "knowledge_at": _utc("2025-04-24 21:00"),
        }
    ],
    "stock_hk_index_spot_sina": [
        {
            "index_code": "HSI.HI",
            "quote_ts": _utc("2025-04-24 16:10"),
            "last": Decimal("21909.7600"),
            "open": Decimal("21800.1000"),
            "prev_close": Decimal("22072.6200"),
        }
    ],
    "stock_hk_index_daily_em": [
        {"index_code": "HSI.HI", "trade_date": DAY, "close": Decimal("21909.7600")},
        {"index_code": "HSI.HI", "trade_date": dt.date(2025, 4, 23), "close": Decimal("22072.6200")},
    ],
    "stock_hk_index_daily_sina": [
        {"index_code": "HSI.HI", "trade_date": DAY, "open": Decimal("21800.1000"), "close": Decimal("21909.7600")}
    ],
    "stock_hk_hist": [
        {
            "security_code": "01801.HK",
            "trade_date": DAY,
            "close": Decimal("45.6000"),
            "prev_close": Decimal("44.4000"),
            "volume_shares": 12_345_600,
            "currency": "HKD",
        }
    ],
    "stock_hk_spot_em": [
        {
            "security_code": "01801.HK",
            "quote_ts": _utc("2025-04-24 16:10"),
            "last": Decimal("45.6000"),
            "volume_shares": 12_345_600,
            "knowledge_at": _utc("2025-04-24 21:00"),
        },
        {"security_code": "09999.HK", "last": None, "prev_close": Decimal("10.0000")},
    ],
    "stock_hk_spot": [
        {
            "security_code": "01801.HK",
            "quote_ts": _utc("2025-04-24 16:08:21"),
            "last": Decimal("45.6000"),
            "turnover": Decimal("560000000.00"),
        }
    ],
    "stock_jgdy_detail_em": [
        {
            "security_code": "300347.SZ",
            "visit_date": dt.date(2025, 4, 21),
            "visit_way": "特定对象调研",
            "visitor_org": "第1证券",
            "visitor_type": "broker",
            "visitor_names": "张三,李四",
            "notice_date": dt.date(2025, 4, 23),
        }
    ],
    "stock_industry_clf_hist_sw": [
        {"security_code": "300347.SZ", "valid_from": dt.date(2021, 7, 30), "sector_code": "801150", "level": "L1"}
    ],
    "stock_board_concept_cons_em": [{"concept": "CRO", "security_code": "603259.SH", "as_of_date": DAY}],
    "stock_hk_ggt_components_em": [{"security_code": "01801.HK", "valid_from": DAY}],
    "stock_sgt_settlement_exchange_rate_szse": [
        {"pair": "HKDCNY", "kind": "sgt_settlement_buy", "rate_date": dt.date(2016, 12, 6), "rate": Decimal("0.88698")}
    ],
    "stock_sgt_reference_exchange_rate_szse": [
        {"pair": "HKDCNY", "kind": "sgt_reference_sell", "rate_date": dt.date(2016, 12, 5), "rate": Decimal("0.9131")}
    ],
}


def test_every_dataset_is_followed_to_raw() -> None:
    assert set(RAW) == {dataset.name for dataset in DATASETS}
    assert {table for dataset in DATASETS for table in dataset.tables} <= set(TABLES)


@pytest.mark.parametrize("name", RAW)
def test_what_a_dataset_delivers_becomes_the_contracts_figures(
    name: str, server: FakeProvider, now: object, tmp_path: Path
) -> None:
    home = Home(tmp_path)
    dataset = dataset_of(name)
    with transport_to(server) as transport:
        receipt = fetch(home.settings, dataset, wanted_of(), transport)
    assert (receipt.outcome, receipt.message) == ("delivered", None)
    for file in (file for file in receipt.files if file.rows):
        assert name in file.asked
        assert name in file.name
        assert file.total in (None, file.rows)
        assert ",".join(file.columns) == (home.settings.landing / file.name).read_text().splitlines()[0]
    home.run()
    assert home.reasons() == []
    rows = home.raw(dataset.tables[0])
    for expected in RAW[name]:
        assert any(all(row[column] == value for column, value in expected.items()) for row in rows), (expected, rows)


@pytest.mark.parametrize("dataset", DATASETS, ids=lambda dataset: dataset.name)
def test_a_dataset_says_what_it_is_and_with_what_it_is_asked(dataset: Any) -> None:
    assert dataset.key == f"akshare.{dataset.name}"
    assert dataset.missing() is None
    assert dataset.client_version().startswith("akshare 1.")
    assert dataset.description.endswith(".")


def test_without_the_extra_a_dataset_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert DATASETS[0].missing() == 'akshare is not installed: pip install "sector-warehouse[akshare]"'


def test_akshare_itself_is_imported_by_its_own_process_alone(server: FakeProvider, now: object) -> None:
    with transport_to(server) as transport:
        assert list(dataset_of("fund_etf_hist_em").deliver(transport, wanted_of()))
    assert "akshare" not in sys.modules
