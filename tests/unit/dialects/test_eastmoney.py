"""Answers of Eastmoney's data centre and quote service."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal

import pytest

from tests.support.warehouse_home import Home
from tests.unit.dialects.figures import Case, check, utc

FIGURES: dict[tuple[str, str], Case] = {
    ("eastmoney.org_survey", "visits as the data centre wraps them"): (
        "broker_visits/eastmoney/RPT_ORG_SURVEY-20250411.json",
        json.dumps(
            {
                "version": "abc",
                "result": {
                    "pages": 1,
                    "data": [
                        {
                            "SECUCODE": "002821.SZ",
                            "SECURITY_CODE": "002821",
                            "SECURITY_NAME_ABBR": "凯莱英",
                            "NOTICE_DATE": "2025-04-11 00:00:00",
                            "RECEIVE_START_DATE": "2025-04-10 00:00:00",
                            "RECEIVE_OBJECT": "中信证券",
                            "RECEIVE_PLACE": "公司",
                            "RECEIVE_WAY_EXPLAIN": "特定对象调研",
                            "INVESTIGATORS": "张三",
                            "RECEPTIONIST": "董秘",
                            "ORG_TYPE": "证券公司",
                            "CLOSE_PRICE": 80.1,
                            "CHANGE_RATE": "-",
                        }
                    ],
                    "count": 1,
                },
                "success": True,
                "message": "ok",
                "code": 0,
            },
            ensure_ascii=False,
        ),
        [
            {
                "security_code": "002821.SZ",
                "visit_date": dt.date(2025, 4, 10),
                "visitor_org": "中信证券",
                "visitor_type": "broker",
                "knowledge_at": utc("2025-04-11 00:00"),
            }
        ],
    ),
    ("eastmoney.etf_list", "quotes with numbered fields: lots, seconds since 1970, a dash for none"): (
        "etf_quotes/eastmoney/list.json",
        json.dumps(
            {
                "rc": 0,
                "data": {
                    "total": 2,
                    "diff": [
                        {
                            "f2": 1.282,
                            "f3": 3.72,
                            "f4": 0.046,
                            "f5": 1310000,
                            "f6": 166500000.0,
                            "f12": "159567",
                            "f14": "港股创新药ETF",
                            "f15": 1.286,
                            "f16": 1.249,
                            "f17": 1.249,
                            "f18": 1.236,
                            "f38": 1234567890,
                            "f124": 1745461800,
                            "f297": 20250424,
                            "f402": -0.15,
                            "f441": 1.2801,
                        },
                        {
                            "f2": "-",
                            "f3": "-",
                            "f4": "-",
                            "f5": "-",
                            "f6": "-",
                            "f12": "510300",
                            "f14": "300ETF",
                            "f15": "-",
                            "f16": "-",
                            "f17": "-",
                            "f18": 3.9,
                            "f38": 1,
                            "f124": 1745461801,
                            "f297": 20250424,
                            "f402": "-",
                            "f441": 3.9012,
                        },
                    ],
                },
            }
        ),
        [
            {
                "etf_code": "159567.SZ",
                "quote_ts": utc("2025-04-24 10:30"),
                "last": Decimal("1.2820"),
                "open": Decimal("1.2490"),
                "prev_close": Decimal("1.2360"),
                "volume_shares": 131_000_000,
                "turnover_cny": Decimal(166_500_000),
                "iopv": Decimal("1.2801"),
            },
            {"etf_code": "510300.SH", "last": None, "volume_shares": None, "iopv": Decimal("3.9012")},
        ],
    ),
}


@pytest.mark.parametrize(
    ("dialect", "case"), [(key[0], case) for key, case in FIGURES.items()], ids=[key[1] for key in FIGURES]
)
def test_figures(home: Home, dialect: str, case: Case) -> None:
    check(home, dialect, case)
