"""Sessions, half days, southbound days and the horizon, against counts that the exchanges' notices give."""

import datetime as dt
from itertools import pairwise

import pytest

from orchestration import calendars
from orchestration.calendars import CalendarHorizonError, horizon, require_known, trading_calendar
from orchestration.ingest import typing
from tests.support.warehouse_home import Home

CALENDAR = {row["date"]: row for row in trading_calendar().to_pylist()}


def days(year: int, column: str) -> list[dt.date]:
    return [date for date, row in CALENDAR.items() if date.year == year and row[column]]


def test_sessions_of_2025() -> None:
    assert len(days(2025, "is_session_hk")) == 246
    assert len(days(2025, "is_session_szse")) == 243
    assert len(days(2025, "is_southbound_open")) == 237


@pytest.mark.parametrize(("year", "both"), [(2024, 233), (2025, 237), (2026, 236)])
def test_southbound_is_open_when_both_markets_are(year: int, both: int) -> None:
    assert len(days(year, "is_southbound_open")) == both


def test_shenzhen_trades_while_hong_kong_is_closed() -> None:
    closed = [d for d in days(2025, "is_session_szse") if not CALENDAR[d]["is_session_hk"]]
    assert [f"{d:%m-%d}" for d in closed] == ["04-18", "04-21", "07-01", "10-29", "12-25", "12-26"]
    assert not any(CALENDAR[d]["is_southbound_open"] for d in closed)


def test_half_days_of_hong_kong_and_southbound() -> None:
    assert [f"{d:%m-%d}" for d in days(2025, "is_half_day_hk")] == ["01-28", "12-24", "12-31"]
    assert [f"{d:%m-%d}" for d in days(2025, "is_half_day_southbound")] == ["12-24", "12-31"]
    assert days(2025, "is_half_day_szse") == []


@pytest.mark.parametrize("day", [dt.date(2023, 9, 1), dt.date(2023, 9, 8)])
def test_typhoon_closures_that_the_library_misses(day: dt.date) -> None:
    assert CALENDAR[day]["is_session_hk"] is False
    assert CALENDAR[day]["is_session_szse"] is True
    assert CALENDAR[day]["is_southbound_open"] is False


def test_southbound_is_unknown_before_the_calendars_were_aligned() -> None:
    assert CALENDAR[dt.date(2023, 4, 21)]["is_southbound_open"] is None
    assert CALENDAR[dt.date(2023, 4, 24)]["is_southbound_open"] is True
    assert CALENDAR[dt.date(2023, 4, 27)]["is_southbound_open"] is True


def test_neighbouring_sessions() -> None:
    easter = CALENDAR[dt.date(2025, 4, 18)]
    assert (easter["previous_session_szse"], easter["next_session_szse"]) == (
        dt.date(2025, 4, 17),
        dt.date(2025, 4, 21),
    )
    assert (easter["previous_session_hk"], easter["next_session_hk"]) == (dt.date(2025, 4, 17), dt.date(2025, 4, 22))
    assert easter["second_next_session_szse"] == dt.date(2025, 4, 22)


def test_the_calendar_has_every_date_once_and_ends_at_the_horizon() -> None:
    dates = list(CALENDAR)
    assert all(b - a == dt.timedelta(days=1) for a, b in pairwise(dates))
    assert dates[-1] == horizon()
    assert CALENDAR[horizon()]["next_session_szse"] is None


def test_a_date_past_the_horizon_is_an_error_that_names_it() -> None:
    require_known(horizon())
    with pytest.raises(CalendarHorizonError, match=f"past {horizon()}.*upgrade exchange-calendars"):
        require_known(horizon() + dt.timedelta(days=1))


def test_a_session_past_the_horizon_stops_the_run_and_commits_nothing(home: Home, monkeypatch) -> None:
    known = calendars.horizon
    for module in (calendars, typing):
        monkeypatch.setattr(module, "horizon", lambda: dt.date(2025, 4, 1))
    home.land("etf_bars/a.csv", "etf_code,trade_date,close\n159567.SZ,2025-04-01,1\n159567.SZ,2025-04-24,1\n")
    with pytest.raises(CalendarHorizonError, match="2025-04-24 lies past 2025-04-01"):
        home.run()
    for module in (calendars, typing):
        monkeypatch.setattr(module, "horizon", known)
    assert home.run()["etf_bars"].rows_accepted == 2
