"""One message for a trouble, none while it stays, one when it is over; nothing lost, and no run fails by it."""

import dataclasses
import datetime as dt
import io
import json

import pytest
from openpyxl import Workbook

from orchestration import lateness
from orchestration.alerts import telling
from orchestration.alerts.showing import document
from orchestration.alerts.troubles import Troubles
from orchestration.locking import Owner
from orchestration.market_days import MarketDays
from orchestration.refresh import Outcome, Refresh, utc_now
from tests.support.publishing import built, record_of
from tests.support.receivers import webhook
from tests.support.warehouse_home import Home
from warehouse.releases import make_current, publish

HEADER = "etf_code,trade_date,open,high,low,close,prev_close,volume_shares,turnover_cny\n"
GOOD = HEADER + "159567.SZ,2025-04-23,1.2,1.3,1.1,1.25,1.2,1000,1250\n"
BAD = "no,dialect,knows,this\n1,2,3,4\n"


@pytest.fixture
def told(tmp_path, monkeypatch):
    """Titles of the messages in the file that alerts go to, since the last look."""
    path = tmp_path / "alerts.jsonl"
    monkeypatch.setenv("SECTOR_ALERT_FILE", str(path))
    seen = [0]

    def titles() -> list[str]:
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        new, seen[0] = lines[seen[0] :], len(lines)
        return [json.loads(line)["title"].removeprefix("sector: ") for line in new]

    return titles


@pytest.fixture
def home(tmp_path, told):
    """A warehouse whose runs happen now: troubles are dated by the clock."""
    (tmp_path / "home").mkdir()
    return Home(tmp_path / "home", utc_now() - dt.timedelta(hours=1))


def ends(home, code=0, message="published and current", said=None, **facts):
    """A run of now that came to this."""
    run = Refresh(home.settings, progress=(said if said is not None else []).append)
    telling.after_run(run, Outcome(run.as_of, message=message, published=code == 0, **facts), code)


def check(name, mart="marts.fct_etf_daily", observed="3"):
    return {"check_name": name, "mart": mart, "observed": observed, "limit": "0"}


def test_a_held_file_is_told_once_and_once_when_its_folder_is_read_again(home, told):
    home.land("etf_bars/vendor/bad.csv", BAD)
    home.land("etf_bars/vendor/beside.csv", GOOD.replace("2025-04-23", "2025-04-22"))
    home.run()
    ends(home)
    assert told() == ["held batch: etf_bars/vendor/bad.csv"], "a good file of the same run ends nothing"
    [trouble] = document(home.settings)["open"]
    assert "no dialect" in trouble["cause"]
    assert "sector dialect landing/etf_bars/vendor/bad.csv" in trouble["cure"]
    home.land("etf_bars/other/good.csv", GOOD)
    home.run()
    ends(home)
    ends(home)
    assert told() == []
    home.land("etf_bars/vendor/bad.csv", GOOD.replace("1250", "1251"))
    home.run()
    ends(home)
    ends(home)
    assert told() == ["over: held batch: etf_bars/vendor/bad.csv"]
    assert document(home.settings)["open"] == []
    assert [ended["subject"] for ended in document(home.settings)["ended"]] == ["etf_bars/vendor/bad.csv"]


def test_a_held_file_that_was_taken_away_is_over(home, told):
    path = home.land("nowhere/x.csv", BAD)
    home.run()
    ends(home)
    assert told() == ["held batch: nowhere/x.csv"]
    path.unlink()
    ends(home)
    assert told() == ["over: held batch: nowhere/x.csv"]


def test_a_sheet_of_notes_beside_sheets_that_are_read_is_no_trouble(home, told):
    book = Workbook()
    book.active.title = "about"
    book.active.append(["who made this", "and when"])
    book.active.append(["me", "now"])
    sheet = book.create_sheet("bars")
    for line in GOOD.splitlines():
        sheet.append(line.split(","))
    stream = io.BytesIO()
    book.save(stream)
    home.land("etf_bars/bars.xlsx", stream.getvalue())
    home.run()
    assert len(home.reasons()) == 1
    ends(home)
    assert told() == []


def test_many_files_held_alike_are_one_message(home, told, tmp_path):
    for number in range(7):
        home.land(f"etf_bars/vendor/{number}.csv", BAD)
    home.land("index_bars/one.csv", BAD)
    home.run()
    ends(home)
    assert told() == ["held batch: 7 files of landing/etf_bars/vendor", "held batch: index_bars/one.csv"]
    body = json.loads((tmp_path / "alerts.jsonl").read_text().splitlines()[0])["body"]
    assert "etf_bars/vendor/0.csv" in body
    assert "and 2 more" in body


def test_a_failed_run_is_told_once_however_its_figures_change_and_is_over_when_a_run_ends(home, told):
    ends(home, 2, "building the marts: could not read 3 of 7 files")
    ends(home, 2, "building the marts: could not read 4 of 7 files")
    assert told() == ["failed run: sector run"]
    ends(home, 2, "publishing: the disk is full")
    assert told() == ["failed run: sector run"], "another reason is told; the first is not said to be over"
    ends(home, 1, "refused", checks_failed=[check("flow_sums")])
    assert sorted(told()) == ["over: failed run: sector run", "refused release: release"]


def test_a_run_that_died_is_told_by_the_next_one(home, told):
    died = Owner(4711, dt.datetime(2026, 3, 2, tzinfo=dt.UTC))
    telling.after_death(home.settings, died, lambda _: None)
    assert told() == ["failed run: sector run"]
    ends(home)
    assert told() == ["over: failed run: sector run"]


def test_a_refusal_is_told_once_for_the_same_checks(home, told):
    ends(home, 1, "refused", checks_failed=[check("flow_sums"), check("unit_nav_jump")])
    ends(home, 1, "refused", checks_failed=[check("unit_nav_jump", observed="4"), check("flow_sums")])
    assert told() == ["refused release: release"]
    ends(home, 1, "refused", checks_failed=[check("flow_sums")])
    assert told() == ["refused release: release"]
    ends(home)
    assert told() == ["over: refused release: release"]


def test_a_family_that_is_carried_over_stays_in_trouble_while_nothing_is_new(home, told):
    family = {"family": "etf", "reason": "flow_sums: 3", "as_of": "2025-04-24T10:30:00+08:00", "tables": ()}
    carried = {"family": "etf", **family, "tables": ("fct_etf_daily",)}
    ends(home, checks_failed=[check("flow_sums")], carried_over=[carried])
    ends(home, checks_failed=[check("flow_sums", observed="5")], carried_over=[carried])
    telling.after_idle(home.settings, lambda _: None)
    assert told() == ["refused release: etf (carried over)"]
    ends(home)
    assert told() == ["over: refused release: etf (carried over)"]


def test_a_run_as_of_a_past_moment_or_of_some_assets_ends_no_trouble(home, told):
    ends(home, 2, "publishing: broke")
    assert told() == ["failed run: sector run"]
    past = Refresh(home.settings, as_of=dt.datetime(2025, 4, 24, tzinfo=dt.UTC))
    telling.after_run(past, Outcome(past.as_of, message="published", published=True), 0)
    telling.after_run(past, Outcome(past.as_of, message="broke"), 2)
    part = Refresh(home.settings)
    telling.after_run(part, Outcome(part.as_of, message="nothing new is known"), 0)
    telling.after_run(part, Outcome(part.as_of), 2)
    assert told() == []
    part.found_nothing_new = True
    telling.after_run(part, Outcome(part.as_of, message="nothing new is known"), 0)
    assert told() == ["over: failed run: sector run"]


LATE_APRIL = dt.datetime(2025, 4, 28, 9, tzinfo=dt.UTC)
"""A Monday before the holiday of 1 to 5 May, half an hour before prices are due."""


def released(home, monkeypatch, *, prices, visits, minutes=0, carried=()) -> None:
    """A current release whose ETF prices and visits reach up to those days; nothing of the other families."""
    newest = {"fct_etf_daily": prices, "fct_visit": visits}
    monkeypatch.setattr(
        lateness,
        "newest_dates",
        lambda settings: {due: newest.get(due.mart) if due.check == "in_time" else None for due in lateness.DUE},
    )
    folder = built(home.settings.home, minutes)
    record = dataclasses.replace(record_of(minutes), carried_over=carried)
    publish(home.settings.home, folder, record, {})
    make_current(home.settings.home, record.release_id)


def look(home, monkeypatch, moment: dt.datetime) -> None:
    monkeypatch.setattr("orchestration.refresh.utc_now", lambda: moment)
    telling.after_idle(home.settings, lambda _: None)


def test_a_family_gets_stale_by_the_clock_alone_and_not_over_a_holiday(home, told, monkeypatch):
    released(home, monkeypatch, prices=dt.date(2025, 4, 30), visits=dt.date(2025, 4, 29))
    for day, expected in ((2, []), (5, []), (6, ["stale family: etf"]), (7, []), (8, [])):
        look(home, monkeypatch, dt.datetime(2025, 5, day, 10, tzinfo=dt.UTC))
        assert told() == expected, day
    released(home, monkeypatch, prices=dt.date(2025, 5, 8), visits=dt.date(2025, 4, 29), minutes=1)
    for _ in range(2):
        look(home, monkeypatch, dt.datetime(2025, 5, 8, 11, tzinfo=dt.UTC))
    assert told() == ["over: stale family: etf"], "once"


def test_families_that_get_stale_together_are_one_message_and_recover_one_by_one(home, told, monkeypatch, tmp_path):
    released(home, monkeypatch, prices=dt.date(2025, 4, 24), visits=dt.date(2025, 4, 1))
    look(home, monkeypatch, LATE_APRIL)
    assert told() == ["stale family: etf, visits"]
    body = json.loads((tmp_path / "alerts.jsonl").read_text().splitlines()[0])["body"]
    assert "Prices of ETFs up to 2025-04-24: 1 session due since, the last 2025-04-25" in body
    assert "Broker visits up to 2025-04-01" in body
    assert "land newer files of broker_visits" in body
    released(home, monkeypatch, prices=dt.date(2025, 4, 25), visits=dt.date(2025, 4, 1), minutes=1)
    look(home, monkeypatch, LATE_APRIL)
    assert told() == ["over: stale family: etf"]
    assert [trouble["subject"] for trouble in document(home.settings)["open"]] == ["visits"]


def test_a_carried_family_is_not_told_to_be_stale_as_well(home, told, monkeypatch):
    released(home, monkeypatch, prices=dt.date(2025, 4, 1), visits=dt.date(2025, 4, 25), carried=("etf",))
    look(home, monkeypatch, LATE_APRIL)
    assert told() == []


def test_past_the_calendars_nothing_is_said_to_be_over(home, told, monkeypatch):
    released(home, monkeypatch, prices=dt.date(2025, 4, 1), visits=dt.date(2025, 4, 25))
    look(home, monkeypatch, LATE_APRIL)
    assert told() == ["stale family: etf"]
    days = MarketDays({market: [] for market in ("mainland", "either", "both")}, dt.date(2025, 4, 27))
    monkeypatch.setattr("orchestration.market_days.market_days", lambda settings: days)
    look(home, monkeypatch, LATE_APRIL)
    assert told() == []


def test_what_a_dead_webhook_did_not_take_is_sent_by_a_later_run_in_order_and_once(home, told, monkeypatch):
    monkeypatch.setattr(telling, "PAUSE_SECONDS", 0)
    said: list[str] = []
    with webhook((500, b"down"), (500, b"down"), (200, b"ok")) as there:
        monkeypatch.setenv("SECTOR_ALERT_SLACK_URL", there.url)
        home = Home(home.settings.home, home.now)
        ends(home, 2, "publishing: broke", said)
        assert len(there.asked) == 2, "asked once more, then left"
        assert [message["channel"] for message in document(home.settings)["unsent"]] == ["slack"]
        assert told() == ["failed run: sector run"], "the other channel does not wait"
        assert any("slack took no alert: HTTP 500" in line for line in said)
        assert "hush-hush" not in "".join(said) + json.dumps(document(home.settings))
        ends(home)
        assert [text.splitlines()[0] for text in there.said[2:]] == [
            "sector: failed run: sector run",
            "sector: over: failed run: sector run",
        ]
        ends(home)
        assert len(there.asked) == 4
    assert document(home.settings)["unsent"] == []


def test_a_channel_that_is_new_is_told_what_is_open_and_not_what_was(home, told, monkeypatch):
    ends(home, 2, "publishing: broke")
    ends(home)
    home.land("nowhere/x.csv", BAD)
    home.run()
    ends(home)
    with webhook() as there:
        monkeypatch.setenv("SECTOR_ALERT_FEISHU_URL", there.url)
        ends(Home(home.settings.home, home.now))
        assert [text.splitlines()[0] for text in there.said] == ["sector: held batch: nowhere/x.csv"]


def test_trouble_is_kept_where_nobody_is_told(home, monkeypatch):
    monkeypatch.delenv("SECTOR_ALERT_FILE")
    home = Home(home.settings.home)
    ends(home, 2, "publishing: broke")
    assert [trouble["kind"] for trouble in document(home.settings)["open"]] == ["failed run"]
    assert document(home.settings)["unsent"] == []


def test_messages_are_there_before_they_are_sent(home, told, monkeypatch):
    """Killed in between, they are sent by the next run."""
    monkeypatch.setattr(telling, "deliver", lambda *_: None)
    ends(home, 2, "publishing: broke")
    assert [message.text.title for message in Troubles(home.settings.ledger).unsent()] == [
        "sector: failed run: sector run"
    ]
    monkeypatch.undo()
    monkeypatch.setenv("SECTOR_ALERT_FILE", str(home.settings.alert_file))
    ends(home)
    assert told() == ["failed run: sector run", "over: failed run: sector run"]


def test_nothing_about_alerts_fails_a_run(home, told, monkeypatch):
    home.settings.ledger.write_bytes(b"this is no database, it only has the name of one")
    said: list[str] = []
    ends(home, 2, "publishing: broke", said)
    assert len(said) == 1
    assert said[0].startswith("warning: alerts: ")
