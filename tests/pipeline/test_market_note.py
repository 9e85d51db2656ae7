"""The market note over a small market worked out by hand: an intraday morning, a later quote, a session without quotes.

Every claim is compared, and every ``source_filter`` is run on the published marts and must select ``evidence_rows``.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pytest

from tests.support.raw_build import run_models
from warehouse.claims import CLAIM_UNITS

pytestmark = pytest.mark.pipeline

SHANGHAI = ZoneInfo("Asia/Shanghai")
ETF, INDEX = "159567.SZ", "987018.CNI"
# twelve Shenzhen sessions; Hong Kong is closed on 18 and 21 April
SESSIONS = [dt.date(2025, 4, day) for day in (8, 9, 10, 11, 14, 15, 16, 17, 18, 21, 22, 23)]
MILLION = 1_000_000


def at(month: int, day: int, hour: int, minute: int = 0, year: int = 2025) -> dt.datetime:
    return dt.datetime(year, month, day, hour, minute, tzinfo=SHANGHAI)


def bar(date: dt.date, close: str, prev_close: str, **more: Any) -> dict[str, Any]:
    prices = dict.fromkeys(("open", "high", "low", "close"), Decimal(close))
    known = dt.datetime.combine(date, dt.time(15), SHANGHAI)
    return {
        "trade_date": date,
        **prices,
        "prev_close": Decimal(prev_close),
        "volume_shares": 1,
        "knowledge_at": known,
    } | more


def quote(moment: dt.datetime, last: str, **more: Any) -> dict[str, Any]:
    return {"quote_ts": moment, "knowledge_at": moment, "last": Decimal(last), **more}


def market() -> dict[str, list[dict[str, Any]]]:
    # +2m shares on six open days, -1m on the 14th; opening counts are those of the session before
    shares, counts = 100 * MILLION, {}
    for date in SESSIONS:
        if date.day in (10, 11, 15, 16, 22, 23):
            shares += 2 * MILLION
        if date.day == 14:
            shares -= MILLION
        counts[date] = shares
    following = dict(zip(SESSIONS, [*SESSIONS[1:], dt.date(2025, 4, 24)], strict=True))
    members = ("01801.HK", "09926.HK", "06821.HK")
    day = dt.date(2025, 4, 24)
    rounds = {"2024-02-01": 100, "2024-03-01": 100, "2025-02-01": 150}
    return {
        "etf_profiles": [
            {"etf_code": ETF, "name_zh": "创新药", "tracked_index_code": INDEX, "creation_unit": MILLION}
            | {"creation_calendar": "southbound", "knowledge_at": at(1, 2, 0, year=2024)}
        ],
        "etf_bars": [bar(date, "1.0", "1.0", etf_code=ETF) for date in SESSIONS]
        + [bar(day, "1.05", "1.0", etf_code=ETF, turnover_cny=Decimal(400 * MILLION))]
        + [bar(dt.date(2025, 4, 25), "1.008", "1.05", etf_code=ETF, turnover_cny=Decimal(123 * MILLION))],
        "etf_shares": [
            {"etf_code": ETF, "share_date": following[date], "share_basis": "open_of_day", "shares": count}
            | {"knowledge_at": dt.datetime.combine(following[date], dt.time(9, 15), SHANGHAI)}
            for date, count in counts.items()
        ],
        "etf_nav": [
            {"etf_code": ETF, "nav_date": date, "unit_nav": Decimal(1)}
            | {"knowledge_at": dt.datetime.combine(date, dt.time(22), SHANGHAI)}
            for date in SESSIONS
        ],
        "etf_quotes": [
            quote(at(4, 24, 9, 30), "0.99", etf_code=ETF, prev_close=Decimal(1), turnover_cny=Decimal(MILLION)),
            quote(at(4, 24, 10, 30), "1.04", etf_code=ETF, prev_close=Decimal(1), turnover_cny=Decimal("166431872.40")),
            quote(at(4, 24, 14), "0.98", etf_code=ETF, prev_close=Decimal(1), turnover_cny=Decimal(300 * MILLION)),
        ],
        "index_bars": [bar(date, "1000", "1000", index_code=INDEX) for date in (*SESSIONS[:8], *SESSIONS[10:], day)],
        "index_weights": [
            {"index_code": INDEX, "weight_date": dt.date(2025, 3, 31), "security_code": code, "weight": weight}
            | {"knowledge_at": at(4, 1, 0)}
            for code, weight in zip(members, (0.5, 0.25, 0.25), strict=True)
        ],
        "securities": [
            {"security_code": "06821.HK", "name_en": "Asymchem", "name_zh": "凯莱英", "knowledge_at": at(1, 2, 0)},
            {"security_code": "002821.SZ", "name_en": "Asymchem", "name_zh": "凯莱英", "knowledge_at": at(1, 2, 0)},
        ],
        "security_quotes": [
            quote(at(4, 24, 10, minute), last, security_code=code, prev_close=Decimal(10))
            for minute, prices in ((28, ("10.1", "10.9", "10.2")), (30, ("10.1", "10.3", "11.0")))
            for code, last in zip(members, prices, strict=True)
        ],
        "security_bars": [
            bar(dt.date(2025, 4, 23), close, "10", security_code=code, currency="HKD") | {"knowledge_at": at(4, 23, 16)}
            for code, close in zip(members, ("10.5", "9.5", "10"), strict=True)
        ],
        "index_quotes": [
            quote(at(4, 24, 9, 30), "19800", index_code="HSI.HI", open=Decimal(19800), prev_close=Decimal(20000)),
            quote(at(4, 24, 9, 47), "20010", index_code="HSI.HI", open=Decimal(19800), prev_close=Decimal(20000)),
            quote(at(4, 24, 10, 30), "19990", index_code="HSI.HI", open=Decimal(19800), prev_close=Decimal(20000)),
        ],
        "concept_members": [
            {"concept": "CRO", "security_code": code, "as_of_date": dt.date(2025, 4, 1), "knowledge_at": at(4, 1, 18)}
            for code in members
        ],
        "sector_members": [
            {"security_code": code, "scheme": "SW2021", "level": "L1", "valid_from": dt.date(2021, 12, 13)}
            | {"sector_code": sector, "knowledge_at": at(12, 13, 0, year=2021)}
            # an industry code and an index code of the classification
            for code, sector in (("002821.SZ", "370000"), ("300100.SZ", "801080"))
        ],
        "broker_visits": [
            {"security_code": code, "visit_date": date, "visit_way": "电话会议", "visitor_org": who}
            | {"visitor_type": kind, "knowledge_at": dt.datetime.combine(date, dt.time(20), SHANGHAI)}
            for code, date, who, kind in (
                ("002821.SZ", dt.date(2025, 4, 2), "甲证券", "broker"),
                ("06821.HK", dt.date(2025, 4, 9), "乙证券", "broker"),  # the same company
                ("300100.SZ", dt.date(2025, 4, 9), "丙基金", "fund"),
                ("300100.SZ", dt.date(2025, 4, 24), "丁证券", "broker"),  # known in the evening
                ("300200.SZ", dt.date(2025, 3, 31), "甲证券", "broker"),
            )
        ],
        "organizations": [
            {
                "org_uuid": "o",
                "country_code": "USA",
                "category_list": "Biotechnology",
                "knowledge_at": at(1, 1, 0, 0, 2020),
            }
        ],
        "funding_rounds": [
            {
                "round_uuid": date,
                "org_uuid": "o",
                "announced_on": dt.date.fromisoformat(date),
                "investment_type": "seed",
            }
            | {"raised_amount_usd": Decimal(amount), "knowledge_at": dt.datetime.fromisoformat(f"{date}T12:00+08:00")}
            for date, amount in rounds.items()
        ]
        # reported a year and a half late: not in what was known a year before
        + [
            {"round_uuid": "late", "org_uuid": "o", "announced_on": dt.date(2024, 3, 2), "investment_type": "series_a"}
            | {"raised_amount_usd": Decimal(100), "country_code": "CHN", "knowledge_at": at(1, 5, 0)}
        ],
    }


STANDING = {
    "etf_inflow_days": 6.0,
    "etf_window_sessions": 10.0,
    "etf_structural_zero_days": 2.0,
    "etf_cumulative_flow": 11.0 * MILLION,
    "funding_yoy_global": -0.5,
    "funding_yoy_usa": -0.5,
    "funding_yoy_global_lag_matched": -0.25,
    "funding_yoy_usa_lag_matched": -0.25,
    "cro_members": 3.0,
    "cro_advancers": 1.0,
    "cro_decliners": 1.0,
}
HSI = {"hsi_open_gap": -0.01, "hsi_turned_positive": (1.0, "09:47"), "hsi_open_state": (None, "low_open_faded")}
LEADERS = {
    "leader_1_change": (0.1, "06821.HK"),
    "leader_2_change": (0.03, "09926.HK"),
    "leader_3_change": (0.01, "01801.HK"),
}
VISITS = {
    "visits_companies_all": 1.0,
    "visits_companies_electronics": 0.0,
    "visits_companies_healthcare": 1.0,
    "visits_companies_all_any_visitor": 2.0,
    "visits_companies_electronics_any_visitor": 1.0,
    "visits_companies_healthcare_any_visitor": 1.0,
}
LATER_VISITS = VISITS | {"visits_companies_all": 2.0, "visits_companies_electronics": 1.0}

NOTES = {
    "a quote this morning": (
        at(4, 24, 10, 31),
        at(4, 24, 10, 30),
        STANDING | HSI | LEADERS | VISITS | {"etf_change": 0.04, "etf_turnover": 166431872.40},
    ),
    # knowledge is the build's: the visit made known in the evening counts for a note of the afternoon
    "the day's last quote, read the next morning": (
        at(4, 25, 8),
        at(4, 24, 14),
        STANDING | HSI | LEADERS | LATER_VISITS | {"etf_change": -0.02, "etf_turnover": 300.0 * MILLION},
    ),
    # no quotes of the 25th: its close; neither indices nor leaders have a quote of that day
    "a session without quotes": (
        at(4, 27, 12),
        at(4, 25, 15),
        STANDING | LATER_VISITS | {"etf_change": -0.04, "etf_turnover": 123.0 * MILLION},
    ),
}


@pytest.mark.parametrize("name", NOTES)
def test_every_claim(name: str, tmp_path: Path) -> None:
    as_of, moment, expected = NOTES[name]
    marts = run_models(tmp_path / "build", market(), as_of, "+rpt_market_note +dim_etf")
    with duckdb.connect(str(marts), read_only=True) as con:
        found = con.execute(
            "select claim_id, value, value_text, unit, status, claim, as_of, moment, note_date, data_ends, "
            "source_table, source_filter, evidence_rows from marts.rpt_market_note"
        ).fetchall()
        assert {row[0]: row[3] for row in found} == CLAIM_UNITS
        for claim, value, text, _, status, sentence, cut, told, date, ends, table, condition, evidence in found:
            assert (cut, told, date) == (as_of, moment, moment.date())
            assert ends == f"data ends {moment:%Y-%m-%d %H:%M}"
            want = expected.get(claim)
            figure, words = want if isinstance(want, tuple) else (want, None)
            assert status == ("reproduced" if want is not None else "not_available"), (claim, sentence)
            assert value == (figure if figure is None else pytest.approx(figure, rel=1e-12)), claim
            assert text == words, claim
            assert sentence.startswith("Not available: ") == (want is None), sentence
            selected = con.execute(f"select count(*) from marts.{table} where {condition}").fetchone()
            assert selected == (evidence,), (claim, condition)
            assert evidence == 1 or want is None, claim
