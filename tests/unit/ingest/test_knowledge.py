"""When a figure is known, table by table, through files over several runs (contracts R10, R11, R55)."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from orchestration.contracts import CONTRACTS, TABLES
from tests.support.warehouse_home import Home, counts
from tests.unit.dialects.figures import utc

INGESTED = "ingested"

# (table, header, row, when it is known at first sight)
FIRST_SIGHT: list[tuple[str, str, str, str]] = [
    ("etf_profiles", "etf_code,listed_on", "159567.SZ,2024-01-12", "2024-01-12 00:00"),
    ("etf_profiles", "etf_code,name_zh", "159567.SZ,创新药", INGESTED),
    ("etf_bars", "etf_code,trade_date,close", "159567.SZ,2025-04-24,1.27", "2025-04-24 15:00"),
    ("etf_bars", "etf_code,trade_date,close", "510300.SH,2025-04-18,3.9", "2025-04-18 15:00"),
    ("etf_quotes", "etf_code,quote_ts,last", "159567.SZ,2025-04-24 10:30:00,1.28", "2025-04-24 10:30"),
    ("etf_shares", "etf_code,share_date,share_basis,shares", "510300.SH,2025-04-24,close_of_day,9", "2025-04-24 20:00"),
    ("etf_shares", "etf_code,share_date,share_basis,shares", "159567.SZ,2025-04-24,close_of_day,9", "2025-04-25 09:15"),
    ("etf_shares", "etf_code,share_date,share_basis,shares", "159567.SZ,2025-04-30,close_of_day,9", "2025-05-06 09:15"),
    ("etf_shares", "etf_code,share_date,share_basis,shares", "159567.SZ,2025-04-24,open_of_day,9", "2025-04-24 09:15"),
    ("etf_nav", "etf_code,nav_date,unit_nav,published_on", "159567.SZ,2025-04-24,1.2,2025-04-25", "2025-04-25 09:00"),
    ("etf_nav", "etf_code,nav_date,unit_nav,published_on", "159567.SZ,2025-04-24,1.2,", "2025-04-24 22:00"),
    ("etf_splits", "etf_code,effective_date,numerator,denominator", "512170.SH,2021-02-24,3,1", "2021-02-24 09:15"),
    ("index_bars", "index_code,trade_date,close", "HSI.HI,2025-04-24,21909.76", "2025-04-24 16:00"),
    ("index_bars", "index_code,trade_date,close", "HSI.HI,2025-12-24,25000", "2025-12-24 12:00"),
    ("index_bars", "index_code,trade_date,close", "000300.SH,2025-12-24,4600", "2025-12-24 15:00"),
    # members of both markets: a Hong Kong half day ends at the mainland close, unless that market is closed
    ("index_bars", "index_code,trade_date,close", "931409.CSI,2025-12-24,1500", "2025-12-24 15:00"),
    ("index_bars", "index_code,trade_date,close", "931409.CSI,2025-01-28,1500", "2025-01-28 12:00"),
    ("index_bars", "index_code,trade_date,close", "987018.CNI,2025-12-24,1500", "2025-12-24 12:00"),
    ("index_quotes", "index_code,quote_ts,last", "HSI.HI,2025-04-24 09:31:00,21950", "2025-04-24 09:31"),
    (
        "index_weights",
        "index_code,weight_date,security_code,weight,published_at",
        "987018.CNI,2025-03-31,01801.HK,0.0952,2025-04-08 17:00:00",
        "2025-04-08 17:00",
    ),
    (
        "index_weights",
        "index_code,weight_date,security_code,weight",
        "987018.CNI,2025-03-31,01801.HK,0.0952",
        "2025-04-01 00:00",
    ),
    ("securities", "security_code,listed_on", "01801.HK,2018-10-31", "2018-10-31 00:00"),
    ("security_bars", "security_code,trade_date,close,currency", "01801.HK,2025-04-24,50.1,HKD", "2025-04-24 16:00"),
    ("security_bars", "security_code,trade_date,close,currency", "01801.HK,2025-12-31,50.1,HKD", "2025-12-31 12:00"),
    ("security_bars", "security_code,trade_date,close,currency", "002821.SZ,2025-12-31,82.5,CNY", "2025-12-31 15:00"),
    ("security_quotes", "security_code,quote_ts,last", "01801.HK,2025-04-24 15:59:00,50.1", "2025-04-24 15:59"),
    ("organizations", "org_uuid,name,updated_at", "o1,Example,2025-04-02 08:00:00", "2025-04-02 08:00"),
    ("organizations", "org_uuid,name", "o1,Example", INGESTED),
    (
        "funding_rounds",
        "round_uuid,org_uuid,announced_on,investment_type,created_at,updated_at",
        "r1,o1,2025-04-01,seed,2025-04-03 08:00:00,2025-06-01 09:00:00",
        "2025-04-03 08:00",
    ),
    (
        "funding_rounds",
        "round_uuid,org_uuid,announced_on,investment_type,updated_at",
        "r1,o1,2025-04-01,seed,2025-06-01 09:00:00",
        "2025-04-02 00:00",
    ),
    ("funding_rounds", "round_uuid,deleted_at", "r1,2025-06-01 09:00:00", "2025-06-01 09:00"),
    (
        "funding_rounds",
        "round_uuid,updated_at,deleted_at",
        "r1,2025-06-02 09:00:00,2025-06-01 09:00:00",
        "2025-06-02 09:00",
    ),
    (
        "broker_visits",
        "security_code,visit_date,visit_way,visitor_org,notice_date",
        "002821.SZ,2025-04-10,现场,中信证券,2025-04-11",
        "2025-04-11 00:00",
    ),
    (
        "broker_visits",
        "security_code,visit_date,visit_way,visitor_org,visitor_type",
        "002821.SZ,2025-04-30,现场,中信证券,broker",
        "2025-05-07 00:00",
    ),
    (
        "sector_members",
        "security_code,scheme,level,valid_from,sector_code",
        "002821.SZ,SW2021,L1,2021-12-13,801150",
        "2021-12-13 00:00",
    ),
    ("concept_members", "concept,security_code,as_of_date,source", "CRO,002821.SZ,2025-04-24,x", "2025-04-24 18:00"),
    (
        "connect_eligibility",
        "security_code,channel,valid_from,sell_only",
        "01801.HK,SH_HK,2025-04-24,false",
        "2025-04-24 00:00",
    ),
    ("fx_rates", "pair,kind,rate_date,rate", "HKDCNY,valuation,2025-04-24,0.9312", "2025-04-24 18:00"),
]

# (table, header, first row, the row restated): the last column is the one that changed
RESTATED: list[tuple[str, str, str, str]] = [
    ("etf_profiles", "etf_code,listed_on,manager", "159567.SZ,2024-01-12,银华", "159567.SZ,2024-01-12,银华基金"),
    ("etf_bars", "etf_code,trade_date,close", "159567.SZ,2025-04-24,1.27", "159567.SZ,2025-04-24,1.28"),
    (
        "etf_quotes",
        "etf_code,quote_ts,last",
        "159567.SZ,2025-04-24 10:30:00,1.28",
        "159567.SZ,2025-04-24 10:30:00,1.29",
    ),
    (
        "etf_shares",
        "etf_code,share_date,share_basis,shares",
        "510300.SH,2025-04-24,close_of_day,100",
        "510300.SH,2025-04-24,close_of_day,120",
    ),
    ("etf_nav", "etf_code,nav_date,unit_nav", "159567.SZ,2025-04-24,1.2702", "159567.SZ,2025-04-24,1.2703"),
    (
        "etf_splits",
        "etf_code,effective_date,denominator,numerator",
        "512170.SH,2021-02-24,1,3",
        "512170.SH,2021-02-24,1,2",
    ),
    ("index_bars", "index_code,trade_date,close", "HSI.HI,2025-04-24,21909.76", "HSI.HI,2025-04-24,21909.77"),
    ("index_quotes", "index_code,quote_ts,last", "HSI.HI,2025-04-24 09:31:00,1", "HSI.HI,2025-04-24 09:31:00,2"),
    (
        "index_weights",
        "index_code,weight_date,security_code,weight",
        "987018.CNI,2025-03-31,01801.HK,0.0952",
        "987018.CNI,2025-03-31,01801.HK,0.0953",
    ),
    (
        "securities",
        "security_code,listed_on,name_en",
        "01801.HK,2018-10-31,Innovent",
        "01801.HK,2018-10-31,INNOVENT BIO",
    ),
    ("security_bars", "security_code,trade_date,close", "01801.HK,2025-04-24,50.1", "01801.HK,2025-04-24,50.2"),
    (
        "security_quotes",
        "security_code,quote_ts,last",
        "01801.HK,2025-04-24 10:00:00,50",
        "01801.HK,2025-04-24 10:00:00,51",
    ),
    ("organizations", "org_uuid,updated_at,country_code", "o1,2025-04-02 08:00:00,CHN", "o1,2025-04-02 08:00:00,USA"),
    (
        "funding_rounds",
        "round_uuid,org_uuid,announced_on,investment_type,raised_amount_usd",
        "r1,o1,2025-04-01,seed,100",
        "r1,o1,2025-04-01,seed,150",
    ),
    (
        "broker_visits",
        "security_code,visit_date,visit_way,visitor_org,notice_date,visitor_type",
        "002821.SZ,2025-04-10,现场,中信证券,2025-04-11,fund",
        "002821.SZ,2025-04-10,现场,中信证券,2025-04-11,broker",
    ),
    (
        "sector_members",
        "security_code,scheme,level,valid_from,sector_code",
        "002821.SZ,SW2021,L1,2021-12-13,801150",
        "002821.SZ,SW2021,L1,2021-12-13,801080",
    ),
    (
        "concept_members",
        "concept,security_code,as_of_date,source",
        "CRO,002821.SZ,2025-04-24,x",
        "CRO,002821.SZ,2025-04-24,y",
    ),
    (
        "connect_eligibility",
        "security_code,channel,valid_from,sell_only",
        "01801.HK,SH_HK,2025-04-24,false",
        "01801.HK,SH_HK,2025-04-24,true",
    ),
    (
        "fx_rates",
        "pair,kind,rate_date,rate",
        "HKDCNY,valuation,2025-04-24,0.9312",
        "HKDCNY,valuation,2025-04-24,0.9313",
    ),
]

# (table, header, first row, a later version with a stamp of its own table, when that is known)
STAMPED: list[tuple[str, str, str, str, str]] = [
    (
        "etf_nav",
        "etf_code,nav_date,unit_nav,published_on",
        "159567.SZ,2025-04-24,1.2702,2025-04-25",
        "159567.SZ,2025-04-24,1.2703,2025-04-28",
        "2025-04-28 09:00",
    ),
    (
        "index_weights",
        "index_code,weight_date,security_code,weight,published_at",
        "987018.CNI,2025-03-31,01801.HK,0.0952,2025-04-08 17:00:00",
        "987018.CNI,2025-03-31,01801.HK,0.0953,2025-04-09 17:00:00",
        "2025-04-09 17:00",
    ),
    (
        "organizations",
        "org_uuid,name,updated_at,country_code",
        "o1,Example,2025-04-02 08:00:00,CHN",
        "o1,Example,2025-05-02 08:00:00,USA",
        "2025-05-02 08:00",
    ),
    (
        "funding_rounds",
        "round_uuid,org_uuid,announced_on,investment_type,updated_at,raised_amount_usd",
        "r1,o1,2025-04-01,seed,2025-04-02 08:00:00,100",
        "r1,o1,2025-04-01,seed,2025-05-02 08:00:00,150",
        "2025-05-02 08:00",
    ),
    (
        "broker_visits",
        "security_code,visit_date,visit_way,visitor_org,notice_date,visitor_type",
        "002821.SZ,2025-04-10,现场,中信证券,2025-04-11,fund",
        "002821.SZ,2025-04-10,现场,中信证券,2025-04-14,broker",
        "2025-04-14 00:00",
    ),
]


def _known(row: dict[str, Any]) -> tuple[dt.datetime, str]:
    return row["knowledge_at"], row["_knowledge_source"]


def test_every_table_is_spoken_of() -> None:
    assert {case[0] for case in FIRST_SIGHT} == {case[0] for case in RESTATED} == set(TABLES)
    with_own_stamp = {name for name, contract in CONTRACTS.items() if contract.own_stamp is not None}
    assert {case[0] for case in STAMPED} == with_own_stamp


@pytest.mark.parametrize(("table", "header", "row", "known"), FIRST_SIGHT, ids=lambda value: str(value)[:40])
def test_first_sight_follows_the_rule_of_the_table(home: Home, table: str, header: str, row: str, known: str) -> None:
    home.land(f"{table}/a.csv", f"{header}\n{row}\n")
    home.run()
    assert not home.reasons()
    (found,) = home.raw(table)
    assert found["knowledge_at"] == (home.now if known == INGESTED else utc(known))
    assert (found["_knowledge_source"] == "ingestion") == (known == INGESTED)


@pytest.mark.parametrize(("table", "header", "row", "known"), FIRST_SIGHT[::3], ids=lambda value: str(value)[:40])
def test_a_stamp_goes_before_every_rule(home: Home, table: str, header: str, row: str, known: str) -> None:
    home.land(f"{table}/a.csv", f"{header},knowledge_at\n{row},2026-01-05T10:00:00Z\n")
    home.run()
    assert [_known(found) for found in home.raw(table)] == [(dt.datetime(2026, 1, 5, 10, tzinfo=dt.UTC), "stamp")]
    assert known


@pytest.mark.parametrize(("table", "header", "first", "second"), RESTATED, ids=lambda value: str(value)[:40])
def test_a_changed_figure_keeps_both_versions(home: Home, table: str, header: str, first: str, second: str) -> None:
    """The later one is known when it was seen; seeing either of them again adds nothing, in whatever file."""
    home.land(f"{table}/a.csv", f"{header}\n{first}\n")
    home.run()
    home.land(f"{table}/b.csv", f"{header}\n{second}\n")
    assert counts(home.run()[table]) == (1, 1, 0, 0)
    seen = home.now
    changed = header.split(",")[-1]
    rows = home.raw(table)
    assert rows[0][changed] != rows[1][changed]
    assert rows[0]["knowledge_at"] < seen
    assert _known(rows[1]) == (seen, "ingestion")
    for name, row in (("c", second), ("d", first)):
        home.land(f"{table}/{name}.csv", f"{header}\n{row}\n\n")
        assert counts(home.run()[table]) == (1, 0, 0, 1), name
    assert home.raw(table) == rows


@pytest.mark.parametrize(("table", "header", "first", "second", "known"), STAMPED, ids=lambda value: str(value)[:40])
def test_a_later_version_is_known_when_its_table_says_so(
    home: Home, table: str, header: str, first: str, second: str, known: str
) -> None:
    home.land(f"{table}/a.csv", f"{header}\n{first}\n")
    home.run()
    home.land(f"{table}/b.csv", f"{header}\n{second}\n")
    assert counts(home.run()[table]) == (1, 1, 0, 0)
    assert _known(home.raw(table)[-1]) == (utc(known), "own_column")
    home.land(f"{table}/again.csv", f"{header}\n{second}\n{first}\n")
    assert counts(home.run()[table]) == (2, 0, 0, 2)


def test_an_old_version_that_lands_late_takes_its_place(home: Home) -> None:
    header = "pair,kind,rate_date,rate,knowledge_at"
    home.land("fx_rates/new.csv", f"{header}\nHKDCNY,valuation,2025-04-24,0.95,2025-04-26 18:00:00\n")
    home.run()
    home.land("fx_rates/old.csv", f"{header}\nHKDCNY,valuation,2025-04-24,0.93,2025-04-24 18:00:00\n")
    assert counts(home.run()["fx_rates"]) == (1, 1, 0, 0)
    assert [(float(row["rate"]), row["_file"]) for row in home.raw("fx_rates")] == [
        (0.93, "fx_rates/old.csv"),
        (0.95, "fx_rates/new.csv"),
    ]


def test_there_and_back_are_three_versions(home: Home) -> None:
    header = "pair,kind,rate_date,rate,knowledge_at"
    for day, rate in ((24, "0.93"), (25, "0.95"), (26, "0.93")):
        home.land(f"fx_rates/{day}.csv", f"{header}\nHKDCNY,valuation,2025-04-24,{rate},2025-04-{day} 18:00:00\n")
        assert counts(home.run()["fx_rates"]) == (1, 1, 0, 0)
    assert [float(row["rate"]) for row in home.raw("fx_rates")] == [0.93, 0.95, 0.93]


ROUNDS = "round_uuid,org_uuid,announced_on,investment_type,raised_amount_usd,created_at,updated_at,deleted_at"


def _in_force(home: Home, moment: str) -> dict[str, Any] | None:
    rows = [row for row in home.raw("funding_rounds") if row["knowledge_at"] <= utc(moment)]
    return rows[-1] if rows else None


def test_a_round_goes_on_the_day_it_is_deleted_and_comes_back_with_a_later_version(home: Home) -> None:
    home.land(
        "funding_rounds/a.csv",
        f"{ROUNDS}\nr1,o1,2025-04-01,seed,100,2025-04-02 08:00:00,2025-04-02 08:00:00,\n",
    )
    home.run()
    home.land("funding_rounds/deleted.csv", "round_uuid,deleted_at\nr1,2025-06-01 09:00:00\n")
    home.run()
    home.land(
        "funding_rounds/b.csv",
        f"{ROUNDS}\nr1,o1,2025-04-01,seed,120,2025-04-02 08:00:00,2025-07-01 08:00:00,\n",
    )
    home.run()
    assert _in_force(home, "2025-04-02 07:59:59") is None
    standing = {
        moment: (_in_force(home, moment) or {}).get("deleted_at") is None
        for moment in (
            "2025-04-02 08:00",
            "2025-06-01 08:59:59",
            "2025-06-01 09:00",
            "2025-07-01 07:59:59",
            "2025-07-01 08:00",
        )
    }
    assert list(standing.values()) == [True, True, False, False, True]
    back = _in_force(home, "2025-07-01 08:00")
    assert back is not None
    assert float(back["raised_amount_usd"]) == 120
    home.land("funding_rounds/deleted again.csv", "round_uuid,deleted_at\nr1,2025-06-01 09:00:00\n\n")
    assert counts(home.run()["funding_rounds"]) == (1, 0, 0, 1)


def test_a_deletion_before_its_round_is_kept_and_waits(home: Home) -> None:
    home.land("funding_rounds/deleted.csv", "round_uuid,deleted_at\nr1,2025-06-01 09:00:00\n")
    home.land("funding_rounds/a.csv", f"{ROUNDS}\nr1,o1,2025-04-01,seed,100,2025-04-02 08:00:00,2025-04-02 08:00:00,\n")
    assert counts(home.run()["funding_rounds"]) == (2, 2, 0, 0)
    assert (_in_force(home, "2025-05-31 00:00") or {})["deleted_at"] is None
    assert (_in_force(home, "2025-06-01 09:00") or {})["deleted_at"] == utc("2025-06-01 09:00")
