"""Files of open repositories and of Yahoo."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from tests.support.warehouse_home import Home
from tests.unit.dialects.figures import Case, check

FIGURES: dict[tuple[str, str], Case] = {
    ("yfiua.constituents", "yfiua members: index and month in the path, no weight"): (
        "index_weights/docs/2024/03/constituents-hsi.csv",
        "Symbol,Name\n0101.HK,Hang Lung Properties Ltd\n",
        [
            {
                "index_code": "HSI.HI",
                "weight_date": dt.date(2024, 3, 1),
                "security_code": "00101.HK",
                "weight": None,
            }
        ],
    ),
    ("yfiua.constituents", "yfiua members: index and month in columns"): (
        "index_weights/members.csv",
        "Symbol,Name,index_code,weight_date\n600519.SS,贵州茅台,000300.SH,2024-03-01\n",
        [{"index_code": "000300.SH", "weight_date": dt.date(2024, 3, 1), "security_code": "600519.SH"}],
    ),
    ("yahoo.security_history", "Yahoo bars: midnight with a zone, float noise rounded once"): (
        "security_bars/2359.HK.csv",
        "Date,Open,High,Low,Close,Volume,Dividends,Stock Splits\n"
        "2020-01-02 00:00:00+08:00,53.4272941726263,53.537002484813755,51.946,52.24794387817383,1147880,0.0,0.0\n",
        [
            {
                "security_code": "02359.HK",
                "trade_date": dt.date(2020, 1, 2),
                "close": Decimal("52.2479"),
                "currency": "HKD",
            }
        ],
    ),
    ("yahoo.fx_history", "rates of Yahoo: the pair stands in the name"): (
        "fx_rates/USD_CNY.csv",
        "date,open,close,volume\n2025-04-24,7.28,7.2873,0\n",
        [{"pair": "USDCNY", "kind": "market", "rate": Decimal("7.28730000")}],
    ),
    ("joinquant.shenwan", "Shenwan of JoinQuant: tabs, unnamed first column, no end yet"): (
        "sector_members/list.csv",
        "\tdisplay_name\tstart_date\tend_date\tsw1_code\tsw1_name\tsw2_code\tsw2_name\tsw3_code\tsw3_name\n"
        "000592.XSHE\t平潭发展\t1996-03-27\t2200-01-01 00:00:00\t801010\t农林牧渔I\t801011\t林业II\t850131\t林业III\n",
        [
            {
                "security_code": "000592.SZ",
                "level": "L1",
                "sector_code": "801010",
                "scheme": "SW2014",
                "valid_to": None,
            },
            {"level": "L2", "sector_code": "801011"},
            {"level": "L3", "sector_code": "850131"},
        ],
    ),
    ("hkex.issuer_names", "Hong Kong issuers: codes as integers"): (
        "securities/issuers.json",
        '[{"symbol":5,"engName":"HSBC Holdings plc","zhName":"滙豐控股有限公司","url":""}]',
        [{"security_code": "00005.HK", "name_en": "HSBC Holdings plc", "name_zh": "滙豐控股有限公司"}],
    ),
}


@pytest.mark.parametrize(
    ("dialect", "case"), [(key[0], case) for key, case in FIGURES.items()], ids=[key[1] for key in FIGURES]
)
def test_figures(home: Home, dialect: str, case: Case) -> None:
    check(home, dialect, case)
