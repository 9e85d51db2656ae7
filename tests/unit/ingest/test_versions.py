"""Which rows are versions, repeats, conflicts (contracts R10, R11), file in, raw out."""

import datetime as dt
from decimal import Decimal
from zoneinfo import ZoneInfo

import duckdb
import pyarrow.parquet as pq
import pytest

from orchestration.contracts import CONTRACTS
from orchestration.ingest import Ledger
from orchestration.sql import raw_rows
from tests.support.warehouse_home import Home, counts

HEAD = "etf_code,share_date,share_basis,shares"
STAMPED = f"{HEAD},knowledge_at"
SHANGHAI = ZoneInfo("Asia/Shanghai")


def shares(home: Home) -> list[int]:
    return [row["shares"] for row in home.raw("etf_shares")]


def test_there_and_back_is_three_versions(home: Home) -> None:
    rows = [f"510300.SH,2025-04-22,close_of_day,{n},2025-04-2{d} 20:00" for n, d in ((100, 2), (120, 3), (100, 4))]
    home.land("etf_shares/a.csv", "\n".join([STAMPED, *rows]))
    assert counts(home.run()["etf_shares"]) == (3, 3, 0, 0)
    assert shares(home) == [100, 120, 100]


def test_there_and_back_over_the_files_of_one_run_follows_file_names(home: Home) -> None:
    for name, figure in (("a", 100), ("b", 120), ("c", 100)):
        home.land(f"etf_shares/{name}.csv", f"{HEAD}\n510300.SH,2025-04-22,close_of_day,{figure}\n")
    assert counts(home.run()["etf_shares"]) == (3, 3, 0, 0)
    assert shares(home) == [100, 120, 100]


def test_same_bytes_under_another_name_give_only_repeats(home: Home) -> None:
    row = "510300.SH,2025-04-22,close_of_day"
    text = f"{STAMPED}\n{row},100,2025-04-22 20:00\n{row},120,2025-04-23 20:00\n"
    home.land("etf_shares/a.csv", text)
    home.run()
    home.land("etf_shares/again/b.csv", text)
    assert counts(home.run()["etf_shares"]) == (2, 0, 0, 2)
    assert home.run() == {}


def test_a_file_touched_but_not_changed_is_not_read_again(home: Home) -> None:
    path = home.land("etf_shares/a.csv", f"{HEAD}\n510300.SH,2025-04-22,close_of_day,100\n")
    home.run()
    path.touch()
    assert home.run() == {}


def test_same_name_other_bytes_is_a_new_file(home: Home) -> None:
    home.land("etf_shares/a.csv", f"{HEAD}\n510300.SH,2025-04-22,close_of_day,100\n")
    home.run()
    home.land(
        "etf_shares/a.csv", f"{HEAD}\n510300.SH,2025-04-22,close_of_day,100\n510300.SH,2025-04-23,close_of_day,90\n"
    )
    assert counts(home.run()["etf_shares"]) == (2, 1, 0, 1)


def test_unstamped_change_in_a_later_run_is_known_from_its_ingestion(home: Home) -> None:
    home.land("etf_shares/a.csv", f"{HEAD}\n510300.SH,2025-04-22,close_of_day,100\n")
    home.run()
    home.land("etf_shares/b.csv", f"{HEAD}\n510300.SH,2025-04-22,close_of_day,120\n")
    home.run()
    first, second = home.raw("etf_shares")
    assert first["knowledge_at"] == dt.datetime(2025, 4, 22, 20, tzinfo=SHANGHAI)
    assert (second["knowledge_at"], second["_knowledge_source"]) == (home.now, "ingestion")


def test_an_old_unstamped_file_landed_late_is_a_repeat(home: Home) -> None:
    for name, figure in (("a", 100), ("b", 120)):
        home.land(f"etf_shares/{name}.csv", f"{HEAD}\n510300.SH,2025-04-22,close_of_day,{figure}\n")
        home.run()
    home.land("etf_shares/c.csv", f"{HEAD}\n510300.SH,2025-04-22,close_of_day,100\n\n")
    assert counts(home.run()["etf_shares"]) == (1, 0, 0, 1)


def test_a_late_old_version_takes_its_place_in_knowledge_order(home: Home) -> None:
    home.land("etf_shares/a.csv", f"{STAMPED}\n510300.SH,2025-04-22,close_of_day,120,2025-05-02\n")
    home.run()
    home.land("etf_shares/b.csv", f"{STAMPED}\n510300.SH,2025-04-22,close_of_day,100,2025-04-23\n")
    home.run()
    assert shares(home) == [100, 120]


def test_contradiction_in_one_file_refuses_all_rows_of_the_key(home: Home) -> None:
    home.land(
        "etf_shares/a.csv",
        f"{HEAD}\n510300.SH,2025-04-22,close_of_day,100\n510300.SH,2025-04-22,close_of_day,120\n510300.SH,2025-04-23,close_of_day,7\n",
    )
    assert counts(home.run()["etf_shares"]) == (3, 1, 2, 0)
    assert [line["row_number"] for line in home.quarantine()] == [2, 3]
    assert all(reason.startswith("conflicting rows for one key") for reason in home.reasons())


def test_equal_rows_in_one_file_are_one_row_and_a_repeat(home: Home) -> None:
    row = "510300.SH,2025-04-22,close_of_day,100"
    home.land("etf_shares/a.csv", f"{HEAD}\n{row}\n{row}\n")
    assert counts(home.run()["etf_shares"]) == (2, 1, 0, 1)


def test_a_row_that_carries_fewer_columns_repeats_when_those_are_equal(home: Home) -> None:
    home.land("etf_bars/a.csv", "etf_code,trade_date,open,high,low,close,prev_close\n510300.SH,2025-04-22,1,2,1,2,1\n")
    home.run()
    home.land("etf_bars/b.csv", "etf_code,trade_date,close\n510300.SH,2025-04-22,2\n")
    assert counts(home.run()["etf_bars"]) == (1, 0, 0, 1)


def test_changed_figure_under_an_unchanged_own_stamp_was_not_known_then(home: Home) -> None:
    head = "org_uuid,name,country_code,updated_at"
    home.land("organizations/a.csv", f"{head}\no1,Alpha,USA,2024-01-05 10:00:00\n")
    home.run()
    home.land("organizations/b.csv", f"{head}\no1,Alpha,CHN,2024-01-05 10:00:00\n")
    home.run()
    assert [(r["country_code"], r["_knowledge_source"]) for r in home.raw("organizations")] == [
        ("USA", "own_column"),
        ("CHN", "ingestion"),
    ]


def test_funding_first_version_edit_and_deletion_have_their_own_moments(home: Home) -> None:
    head = "round_uuid,announced_on,investment_type,raised_amount_usd,created_at,updated_at,deleted_at"
    home.land(
        "funding_rounds/a.csv",
        f"{head}\nr1,2024-01-02,seed,1000000,2024-01-05,2024-02-01,\nr1,2024-01-02,seed,2000000,2024-01-05,2024-06-01,\n"
        "r1,2024-01-02,seed,2000000,2024-01-05,2024-06-01,2024-07-01\nr2,2024-01-02,seed,,,,\n",
    )
    assert counts(home.run()["funding_rounds"]) == (4, 4, 0, 0)
    moments = [r["knowledge_at"].astimezone(SHANGHAI).date().isoformat() for r in home.raw("funding_rounds")]
    assert moments == ["2024-01-03", "2024-01-05", "2024-06-01", "2024-07-01"]


def test_the_same_version_in_two_exports_is_a_repeat(home: Home) -> None:
    head = "round_uuid,announced_on,investment_type,raised_amount_usd,created_at,updated_at"
    row = "r1,2024-01-02,seed,1000000,2024-01-05,2024-02-01"
    home.land("funding_rounds/1.csv", f"{head}\n{row}\n")
    home.land("funding_rounds/2.csv", f"{head}\n{row}\n\n")
    assert counts(home.run()["funding_rounds"]) == (2, 1, 0, 1)
    home.land("funding_rounds/3.csv", f"{head}\n{row}\n\n\n")
    assert counts(home.run()["funding_rounds"]) == (1, 0, 0, 1)


VISIT = "security_code,visit_date,visit_way,visitor_org,visitor_type,visitor_names,notice_date"


def test_persons_of_one_visit_are_joined_and_the_others_repeat(home: Home) -> None:
    row = "300100.SZ,2025-04-01,现场参观,东信证券,broker,{},2025-04-02"
    home.land("broker_visits/a.csv", "\n".join([VISIT, row.format("张三"), row.format("李四"), row.format("张三")]))
    assert counts(home.run()["broker_visits"]) == (3, 1, 0, 2)
    assert home.raw("broker_visits")[0]["visitor_names"] == "张三、李四"


def test_a_person_named_in_a_later_run_joins_the_known_ones(home: Home) -> None:
    row = "300100.SZ,2025-04-01,现场参观,东信证券,broker,{},2025-04-02"
    home.land("broker_visits/a.csv", f"{VISIT}\n{row.format('张三')}\n")
    home.run()
    home.land("broker_visits/b.csv", f"{VISIT}\n{row.format('李四')}\n")
    assert counts(home.run()["broker_visits"]) == (1, 1, 0, 0)
    assert home.raw("broker_visits")[-1]["visitor_names"] == "张三、李四"
    home.land("broker_visits/c.csv", f"{VISIT}\n{row.format('张三')}\n\n")
    assert counts(home.run()["broker_visits"]) == (1, 0, 0, 1)


def test_an_amended_notice_is_a_version(home: Home) -> None:
    row = "300100.SZ,2025-04-01,现场参观,东信证券,broker,张三,{}"
    home.land("broker_visits/a.csv", "\n".join([VISIT, row.format("2025-04-02"), row.format("2025-04-05")]))
    assert counts(home.run()["broker_visits"]) == (2, 2, 0, 0)


def test_what_is_said_beside_a_figure_makes_a_version_only_against_another_word(home: Home) -> None:
    """A size that another provider does not give is no other share count: the tempting restatement would make the
    count known later than it was."""
    row = "510300.SH,2025-04-22,close_of_day,100"
    home.land("etf_shares/a.csv", f"{HEAD}\n{row}\n")
    home.run()
    home.land("etf_shares/b.csv", f"{HEAD},size_cny\n{row},400.00\n")
    assert counts(home.run()["etf_shares"]) == (1, 0, 0, 1)
    home.land("etf_shares/c.csv", f"{HEAD},size_cny\n{row.replace('22', '23')},400.00\n")
    home.land("etf_shares/d.csv", f"{HEAD}\n{row.replace('22', '23')}\n")
    assert counts(home.run()["etf_shares"]) == (2, 1, 0, 1)
    home.land("etf_shares/e.csv", f"{HEAD},size_cny\n{row.replace('22', '23')},401.00\n")
    assert counts(home.run()["etf_shares"]) == (1, 1, 0, 0)


def test_raw_files_of_before_a_column_are_read_as_not_telling_it(home: Home) -> None:
    row = "510300.SH,2025-04-22,close_of_day,100"
    home.land("etf_shares/a.csv", f"{HEAD}\n{row}\n")
    home.run()
    (path,) = Ledger(home.settings.ledger).raw_files()["etf_shares"]
    table = pq.read_table(path)
    pq.write_table(table.drop_columns(["size_cny"]), path)
    home.land("etf_shares/b.csv", f"{HEAD},size_cny\n{row},400.00\n{row.replace('22', '23')},400.00\n")
    assert counts(home.run()["etf_shares"]) == (2, 1, 0, 1)
    con = duckdb.connect()
    schema = CONTRACTS["etf_shares"].arrow_schema()
    files = Ledger(home.settings.ledger).raw_files()["etf_shares"]
    rows = con.sql(f"select share_date, shares, size_cny from {raw_rows(con, files, schema)} order by all")
    assert rows.columns == ["share_date", "shares", "size_cny"]
    assert [(shares, size) for _, shares, size in rows.fetchall()] == [(100, None), (100, Decimal("400.00"))]


def test_more_versions_of_a_key_than_can_be_decided_together_are_refused(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestration.ingest.versions.MOST_OF_A_KEY", 3)
    moments = [f"510300.SH,2025-04-22,close_of_day,{100 + n},2025-04-22 20:0{n}" for n in range(4)]
    home.land(
        "etf_shares/a.csv", "\n".join([STAMPED, *moments, "510300.SH,2025-04-23,close_of_day,7,2025-04-23 20:00"])
    )
    assert counts(home.run()["etf_shares"]) == (5, 1, 4, 0)
    assert shares(home) == [7]
    assert all("rows of one key in one run: etf_code 510300.SH" in reason for reason in home.reasons())
