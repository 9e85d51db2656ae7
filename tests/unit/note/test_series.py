"""What stands beside the story: bounded by the note's moment, as published, nothing filled in."""

import datetime as dt
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from tests.support.story import CONTRIBUTIONS, FLOWS, told
from warehouse.note.facts import read_note
from warehouse.note.series import REGIONS, Series, month_before, read_series


@pytest.fixture(scope="module")
def series(tmp_path_factory: pytest.TempPathFactory) -> Series:
    db = told(tmp_path_factory.mktemp("build"))
    return read_series(db, read_note(db))


def test_the_same_day_of_the_month_before() -> None:
    assert month_before(dt.date(2025, 4, 24)) == dt.date(2025, 3, 24)
    assert month_before(dt.date(2025, 3, 31)) == dt.date(2025, 2, 28)
    assert month_before(dt.date(2025, 1, 31)) == dt.date(2024, 12, 31)


def test_quotes_end_at_the_moment(series: Series) -> None:
    etf, hsi, hstech = series.lines
    assert [len(line.points) for line in series.lines] == [5, 5, 5], "the quotes after 10:30 are not the note's"
    assert (etf.code, etf.points[-1][1], etf.turned_at) == ("159567.SZ", 0.0372, None)
    assert [f"{line.turned_at:%H:%M}" for line in (hsi, hstech)] == ["09:52", "10:04"]
    assert hsi.turned_up


def test_sessions_that_closed_after_the_moment_are_not_the_notes(series: Series) -> None:
    last = dt.date.fromisoformat(FLOWS[-1][0])
    assert series.session == last
    assert [day.date for day in series.breadth] == [dt.date.fromisoformat(date) for date, _, _ in FLOWS]


def test_contributions_are_those_known_and_not_nil(series: Series) -> None:
    told_ones = [(member.code, member.contribution) for member in series.contributions]
    assert told_ones == [(code, value) for code, value in CONTRIBUTIONS if value]


def test_sectors_keep_an_unknown_last_month_unknown(series: Series) -> None:
    shown = {sector.code: (sector.broker, sector.last_month) for sector in series.sectors}
    assert shown["801080"] == (60, 30)
    assert shown["801750"] == (41, None)
    assert (series.sectors[0].code, series.sectors[-1].code) == ("ALL", "NONE")


def test_two_years_of_quarters_with_the_regions_in_order(series: Series) -> None:
    quarters = list(dict.fromkeys(row.quarter for row in series.funding))
    assert (quarters[0], quarters[-1], len(quarters)) == (dt.date(2023, 4, 1), dt.date(2025, 1, 1), 8)
    newest = series.funding[-5:]
    assert tuple(row.region for row in newest) == REGIONS
    assert (newest[0].amount, newest[3].amount) == (Decimal(4_812_000_000), None)


def test_evidence_repeats_the_rows_that_the_claims_name(series: Series) -> None:
    [evidence] = series.evidence
    assert evidence.table == "fct_etf_daily"
    place = evidence.columns.index("etf_code")
    assert {row[place] for row in evidence.rows} == {"159567.SZ"}
    assert len(evidence.rows) == 3, "every claim names the same ten rows: the first, once"


def test_a_claim_whose_rows_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    """A page that hides a claim's rows would still look whole; its filter is the warehouse's own."""
    db = told(tmp_path)
    with duckdb.connect(str(db)) as con:
        con.execute("update marts.rpt_market_note set source_filter = 'no_such_column = 1'")
    with pytest.raises(duckdb.BinderException, match="no_such_column"):
        read_series(db, read_note(db))


def test_empty_marts_give_empty_series(tmp_path: Path) -> None:
    db = told(tmp_path)
    with duckdb.connect(str(db)) as con:
        for table in ("fct_etf_intraday", "fct_index_intraday", "fct_constituent_daily", "fct_index_breadth_daily"):
            con.execute(f"delete from marts.{table}")
        con.execute("delete from marts.fct_sector_visits_daily")
        con.execute("delete from marts.fct_funding_quarterly")
    series = read_series(db, read_note(db))
    assert [line.points for line in series.lines] == [(), (), ()]
    assert (series.session, series.contributions, series.breadth, series.sectors, series.funding) == (
        None, (), (), (), (),
    )  # fmt: skip
