"""Sessions of raw tables: which days are partitions, what raw holds of them, a backfill of a range in one run."""

from __future__ import annotations

import datetime as dt
import json

import dagster as dg
import pytest
from dagster._core.definitions.partitions.context import partition_loading_context

from orchestration import coverage, market_days
from orchestration.assets.sessions import rows_check, session_metadata, sessions_asset, sessions_key
from orchestration.locking import BusyError
from orchestration.market_days import FIRST_SESSION, MarketDays
from orchestration.moments import MARKET_ZONE
from orchestration.partitions import MARKET_TABLES, session_partitions
from orchestration.providers.transport import Limits, Transport
from orchestration.sensors import sessions_sensor
from tests.support.fake_provider import Clock, FakeProvider
from tests.support.recorded import exchanges
from tests.support.warehouse_home import Home

SHARES = "etf_code,share_date,share_basis,shares\n"

NEW_YEAR = [dt.date(2025, 1, 24), dt.date(2025, 1, 27), dt.date(2025, 2, 5), dt.date(2025, 2, 6)]


@pytest.fixture(scope="module")
def days(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dt.date]]:
    return market_days.market_days(Home(tmp_path_factory.mktemp("days")).settings).sessions


def keys(partitions: dg.TimeWindowPartitionsDefinition, now: dt.datetime) -> list[str]:
    with partition_loading_context(now):
        return list(partitions.get_partition_keys())


# ---------------------------------------------------------------- partitions


def test_a_session_is_a_partition_once_its_day_is_over(days) -> None:
    """Weekdays by cron would hold the Friday back until Monday: that is the wrong fix of many exclusions."""
    partitions = session_partitions(days["mainland"])
    friday_night = dt.datetime(2025, 4, 25, 23, 59, tzinfo=MARKET_ZONE)
    assert keys(partitions, friday_night)[-1] == "2025-04-24"
    assert keys(partitions, friday_night + dt.timedelta(minutes=2))[-1] == "2025-04-25"
    assert keys(partitions, friday_night + dt.timedelta(days=2))[-1] == "2025-04-25"


def test_partitions_are_the_sessions_and_no_other_day(days) -> None:
    now = dt.datetime(2025, 3, 1, tzinfo=MARKET_ZONE)
    for market in ("mainland", "either"):
        found = keys(session_partitions(days[market]), now)
        assert found == [day.isoformat() for day in days[market] if day < now.date()]
    assert [day for day in days["mainland"] if NEW_YEAR[0] <= day <= NEW_YEAR[-1]] == NEW_YEAR
    assert dt.date(2025, 2, 3) in days["either"], "Hong Kong was back before Shanghai"
    assert dt.date(2025, 2, 3) not in days["both"]
    assert set(days["both"]) < set(days["mainland"]) < set(days["either"])


def test_sessions_are_computed_once_and_again_when_the_calendars_change(home: Home, monkeypatch) -> None:
    found = market_days.market_days(home.settings)
    assert not home.settings.dagster.exists(), "whoever only looks leaves nothing behind"
    home.settings.dagster.mkdir(parents=True)
    assert market_days.market_days(home.settings) == found
    kept = home.settings.dagster / "sessions.json"
    monkeypatch.setattr(market_days, "_computed", lambda: pytest.fail("computed though it is kept"))
    assert market_days.market_days(home.settings) == found
    other = MarketDays({market: [FIRST_SESSION] for market in found.sessions}, FIRST_SESSION)
    monkeypatch.setattr(market_days, "_computed", lambda: other)
    document = json.loads(kept.read_text())
    of_another_version = {name: part for name, part in document.items() if name != "horizon"}
    for spoiled in ("{", "[]", "null", json.dumps({**document, "identity": "another"}), json.dumps(of_another_version)):
        kept.write_text(spoiled, encoding="utf-8")
        assert market_days.market_days(home.settings) == other


# ------------------------------------------------------------------ coverage


def test_sessions_count_keys_versions_dialects_and_files(home: Home) -> None:
    home.land(
        "etf_shares/a.csv", SHARES + "510300.SH,2025-04-23,close_of_day,100\n510050.SH,2025-04-23,close_of_day,7\n"
    )
    home.land("etf_shares/b.csv", SHARES + "510300.SH,2025-04-24,close_of_day,200\n")
    home.run()
    home.land("etf_shares/c.csv", SHARES + "510300.SH,2025-04-23,close_of_day,110\n")
    home.run()
    first, second = coverage.sessions_in(home.settings, "etf_shares", dt.date(2025, 4, 1), dt.date(2025, 4, 30))
    assert (first.day, first.rows, first.versions, first.files) == (dt.date(2025, 4, 23), 2, 3, 2)
    assert (second.day, second.rows, second.versions, second.feeds) == (dt.date(2025, 4, 24), 1, 1, ("canonical",))
    assert first.read_at - second.read_at == dt.timedelta(minutes=1)
    assert session_metadata(first)["restatements"].value == 1
    assert session_metadata(None)["rows"].value == 0
    assert coverage.sessions_in(home.settings, "etf_nav", dt.date(2025, 4, 1), dt.date(2025, 4, 30)) == []


def test_a_check_names_the_sessions_without_rows() -> None:
    days = [dt.date(2025, 4, 22), dt.date(2025, 4, 23)]
    lacking = rows_check("etf_bars", days, {days[1]})
    assert (lacking.passed, lacking.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert lacking.description == "no row of 2025-04-22"
    assert rows_check("etf_bars", days, set(days)).passed


# ------------------------------------------------------------------ backfill


def backfill(home: Home, server: FakeProvider, days: list[dt.date], first: str, last: str, **config: object):
    hands = Clock()
    transport = Transport(exchanges.addresses(server), Limits(attempts=1), clock=hands, sleep=hands.sleep)
    return dg.materialize(
        [sessions_asset("etf_shares", session_partitions(days), home.settings)],
        resources={"transport": dg.ResourceDefinition.hardcoded_resource(transport)},
        run_config={"ops": {"sessions__etf_shares": {"config": config}}},
        tags={"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last},
        raise_on_error=False,
        instance=dg.DagsterInstance.ephemeral(),
    )


def told(result: dg.ExecuteInProcessResult) -> dict[str, int]:
    events = result.asset_materializations_for_node("sessions__etf_shares")
    return {str(event.partition): event.metadata["rows"].value for event in events}


def verdicts(result: dg.ExecuteInProcessResult) -> dict[str, tuple[bool, str | None]]:
    return {check.check_name: (check.passed, check.description) for check in result.get_asset_check_evaluations()}


EXCHANGES = ["exchanges.sse_daily_shares", "exchanges.szse_daily_shares"]


def test_a_range_is_asked_for_read_and_told_session_by_session(home: Home, fake_provider: FakeProvider, days) -> None:
    exchanges.serve(fake_provider)
    result = backfill(home, fake_provider, days["mainland"], "2025-04-22", "2025-04-24", datasets=EXCHANGES)
    assert result.success
    assert told(result) == {"2025-04-22": 0, "2025-04-23": 3, "2025-04-24": 5}
    assert verdicts(result)["every_session_has_rows"] == (False, "no row of 2025-04-22")
    assert verdicts(result)["providers_answered"] == (True, "2 were asked")
    asked = len(fake_provider.asked)
    assert asked
    again = backfill(home, fake_provider, days["mainland"], "2025-04-23", "2025-04-23", ask=False)
    assert told(again) == {"2025-04-23": 3}
    assert len(fake_provider.asked) == asked, "nobody was asked"


def test_one_provider_that_fails_keeps_no_other_from_being_asked(home: Home, fake_provider: FakeProvider, days) -> None:
    exchanges.serve(fake_provider)
    fake_provider.fault("/sse/commonQuery.do", "server_error")
    result = backfill(home, fake_provider, days["mainland"], "2025-04-23", "2025-04-24", datasets=EXCHANGES)
    assert result.success
    assert told(result) == {"2025-04-23": 2, "2025-04-24": 2}
    passed, words = verdicts(result)["providers_answered"]
    assert not passed
    assert "query.sse.com.cn" in words or "500" in words


def test_a_dataset_of_another_table_is_refused(home: Home, fake_provider: FakeProvider, days) -> None:
    result = backfill(home, fake_provider, days["mainland"], "2025-04-24", "2025-04-24", datasets=["tushare.fund_nav"])
    assert not result.success
    said = "\n".join(str(event.event_specific_data) for event in result.all_events if event.is_failure)
    assert "'tushare.fund_nav' delivers no etf_shares: expected one of" in said
    assert "exchanges.sse_daily_shares" in said


def test_a_run_in_progress_is_not_waited_for(home: Home, fake_provider: FakeProvider, days, monkeypatch) -> None:
    home.land("etf_shares/a.csv", SHARES + "510300.SH,2025-04-24,close_of_day,100\n")

    def taken(path):
        raise BusyError("another run is in progress (process 42)")

    monkeypatch.setattr("orchestration.assets.sessions.run_lock", taken)
    result = backfill(home, fake_provider, days["mainland"], "2025-04-24", "2025-04-24", ask=False)
    assert result.success
    [event] = result.asset_materializations_for_node("sessions__etf_shares")
    assert "process 42" in event.metadata["left_for_the_next_run"].value
    assert event.metadata["rows"].value == 0


# -------------------------------------------------------------------- sensor


def test_sessions_that_runs_have_read_are_told_once_and_again_when_read_again(home: Home, monkeypatch) -> None:
    monkeypatch.setattr("orchestration.sensors.MOST_SESSIONS", 2)
    known = frozenset(dt.date(2025, 4, day) for day in (21, 22, 23, 24))
    sensor = sessions_sensor(home.settings, dict.fromkeys(MARKET_TABLES, known))
    cursor: list[str | None] = [None]

    def look() -> list[tuple[str | None, int]]:
        context = dg.build_sensor_context(cursor=cursor[0])
        found = sensor.evaluate_tick(context)
        cursor[0] = found.cursor
        return [(event.partition, event.metadata["rows"].value) for event in found.asset_events]

    assert look() == []
    rows = "".join(f"510300.SH,2025-04-{day},close_of_day,{day}00\n" for day in (21, 22, 23))
    home.land("etf_shares/a.csv", SHARES + rows)
    home.run()
    assert look() == [("2025-04-21", 1), ("2025-04-22", 1)]
    assert look() == [("2025-04-23", 1)]
    assert look() == []
    home.land("etf_shares/b.csv", SHARES + "510050.SH,2025-04-22,close_of_day,5\n510050.SH,2013-04-22,close_of_day,5\n")
    home.run()
    assert look() == [("2025-04-22", 2)], "2013 is read and is no partition"
    assert sessions_key("etf_shares").path[0] == "sessions"
