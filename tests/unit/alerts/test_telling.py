"""One message for a trouble, none while it stays, one when it is over; nothing lost, and no run fails by it."""

import datetime as dt
import io
import json

import duckdb
import pytest
from openpyxl import Workbook

from orchestration.alerts import telling
from orchestration.alerts.showing import document
from orchestration.alerts.troubles import Troubles
from orchestration.locking import Owner
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


def released(home, age: int, allowed: int, as_of: dt.datetime) -> None:
    """A current release whose newest ETF input was ``age`` sessions old; every day since 2026 is a session."""
    folder = built(home.settings.home, 1)
    with duckdb.connect(str(folder / "sector.duckdb")) as con:
        con.execute(
            "create table marts.dim_date as select d::date as date, true as is_session_szse, true as is_session_hk"
            " from range(date '2026-01-01', date '2030-01-01', interval 1 day) t(d)"
        )
    sample = [{"newest_input_known_at": "2026-11-20T08:00:00+00:00", "sessions_old": age, "sessions_allowed": allowed}]
    checks = [{"check_name": "newest_input_is_recent", "owner": "etf", "value": float(age), "sample": sample}]
    record = record_of(age, as_of)
    publish(home.settings.home, folder, record, {"checks.json": json.dumps({"checks": checks})})
    make_current(home.settings.home, record.release_id)


def test_a_family_gets_stale_by_the_clock_alone(home, told, monkeypatch):
    made = dt.datetime(2026, 11, 20, 9, tzinfo=dt.UTC)
    released(home, 0, 3, made)
    for days, expected in ((3, []), (4, ["stale family: etf"]), (9, [])):
        monkeypatch.setattr("orchestration.refresh.utc_now", lambda days=days: made + dt.timedelta(days=days))
        telling.after_idle(home.settings, lambda _: None)
        assert told() == expected, days
    released(home, 1, 3, made + dt.timedelta(days=9))
    telling.after_idle(home.settings, lambda _: None)
    assert told() == ["over: stale family: etf"]


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
