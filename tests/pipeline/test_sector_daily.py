"""fct_sector_daily by hand: a sector change, currencies apart, the pseudo-sector of index and trackers (R70)."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.pipeline.test_market_note import MILLION, SHANGHAI, at, bar, market
from tests.support.raw_build import run_models

pytestmark = pytest.mark.pipeline

THURSDAY, FRIDAY = dt.date(2025, 4, 10), dt.date(2025, 4, 11)


def member(code: str, sector: str, valid_from: dt.date, valid_to: dt.date | None = None) -> dict[str, Any]:
    known = dt.datetime.combine(valid_from, dt.time(), SHANGHAI)
    dates = {"valid_from": valid_from, "valid_to": valid_to, "knowledge_at": known}
    return {"security_code": code, "scheme": "SW2021", "level": "L1", "sector_code": sector} | dates


def test_sectors_and_the_pseudo_sector(tmp_path: Path) -> None:
    tables = market()
    since = dt.date(2021, 12, 13)
    tables["sector_members"] = [
        member("300100.SZ", "801080", since, FRIDAY),
        member("300100.SZ", "801150", FRIDAY),
        member("300101.SZ", "801080", since),
        member("300102.SZ", "801080", since),  # never a bar
        member("002821.SZ", "801150", since),
        member("300103.SZ", "801030", since),
        member("300104.SZ", "801030", since),
    ]
    tables["security_bars"] += [
        bar(date, close, "10", security_code=code, turnover=Decimal(turnover), currency="CNY")
        | {"volume_shares": volume}
        for code, date, close, volume, turnover in (
            ("300100.SZ", THURSDAY, "11", 5, "1000000.55"),
            ("300101.SZ", THURSDAY, "10", 0, "0"),  # suspended
            ("300100.SZ", FRIDAY, "9", 5, "2.10"),
            ("300101.SZ", FRIDAY, "10", 5, "3"),
            # damaged figures: each fits into money, their sum does not, and the build goes on
            ("300103.SZ", THURSDAY, "11", 5, "600000000000000000"),
            ("300104.SZ", THURSDAY, "11", 5, "600000000000000000"),
        )
    ]
    for row in tables["security_bars"][:3]:
        row["turnover"] = Decimal(100)
    marts = run_models(tmp_path / "build", tables, at(4, 25, 8), "+fct_sector_daily +dim_etf")
    with duckdb.connect(str(marts), read_only=True) as con:
        found = con.execute(
            "select sector_code, trade_date, members, advancers, decliners, unchanged, suspended, turnover_cny, "
            "turnover_hkd, etf_net_flow_cny, companies_visited_mtd, companies_visited_by_brokers_mtd, "
            "funding_yoy_latest from marts.fct_sector_daily"
        ).fetchall()
    rows = {(sector, date): figures for sector, date, *figures in found}
    assert rows.pop(("801080", THURSDAY)) == [3, 1, 0, 0, 1, Decimal("1000000.55"), None, None, 1, 0, None]
    assert rows.pop(("801030", THURSDAY)) == [2, 2, 0, 0, 0, None, None, None, 0, 0, None]
    # the company that was visited has left electronics for healthcare
    assert rows.pop(("801080", FRIDAY)) == [2, 0, 0, 1, 0, Decimal(3), None, None, 0, 0, None]
    assert rows.pop(("801150", FRIDAY)) == [2, 0, 1, 0, 0, Decimal("2.10"), None, None, 2, 1, None]
    theme = {date: figures for (sector, date), figures in rows.items() if sector == "HK_INNOVATIVE_DRUG"}
    assert len(theme) == len(rows)
    # a member's A share was visited; the tracker took in two million; Hong Kong dollars stay apart
    day = dt.date(2025, 4, 23)
    assert theme[day] == [3, 1, 1, 1, 0, None, Decimal(300), Decimal(2 * MILLION), 1, 1, -0.5]
    # Hong Kong is closed: no breadth, but the tracker's structural zero
    assert theme[dt.date(2025, 4, 18)] == [None] * 7 + [Decimal(0), None, None, -0.5]
