"""Silence is not success: four checks over receipts and dropped files, each with its own message."""

from __future__ import annotations

import dataclasses
import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration import silence
from orchestration.receipts import FetchedFile, Receipt, Receipts
from tests.support.warehouse_home import Home

# Wednesday after Easter: 2025-04-18 and 2025-04-21 were sessions in Shenzhen and none in Hong Kong.
EVENING = dt.datetime(2025, 4, 23, 14, 30, tzinfo=dt.UTC)
HEADER = ("ts_code", "trade_date", "close")


def file(rows: int = 100, asked: str = "bars", **more) -> FetchedFile:
    columns = more.pop("columns", HEADER)
    return FetchedFile("etf_bars", "etf_bars/p/a.json", True, "0", 1, rows, asked, columns=columns, **more)


def receipt(*files: FetchedFile, began: dt.datetime = EVENING, market="SZSE", **more) -> Receipt:
    since, until = more.pop("since", dt.date(2025, 4, 21)), more.pop("until", dt.date(2025, 4, 23))
    rows = sum(f.rows for f in files)
    made = Receipt(
        f"{began:%Y%m%dT%H%M%S}", "p", "bars", began, began, more.pop("question", {}), since, until, "1",
        more.pop("outcome", "delivered" if rows else "empty"), market, files=files,
    )  # fmt: skip
    return dataclasses.replace(made, **more)


def history(count: int, *files: FetchedFile, **more) -> list[Receipt]:
    return [receipt(*files, began=EVENING - dt.timedelta(days=n + 1), **more) for n in range(count)]


# ------------------------------------------------------- nothing on a session


def test_an_empty_answer_about_a_session_is_suspicious_and_names_the_day() -> None:
    verdict = silence.empty_on_session(receipt(file(), file(0, "shares of 2025-04-22", day=dt.date(2025, 4, 22))))
    assert verdict.state == "warning"
    assert "p.bars: no record about 2025-04-22 (shares of 2025-04-22), though Shenzhen was open" in verdict.message
    assert "throttling" in verdict.message


@pytest.mark.parametrize(
    ("market", "day", "state"),
    [
        ("SZSE", dt.date(2025, 4, 21), "warning"),
        ("HK", dt.date(2025, 4, 21), "passed"),
        ("SOUTHBOUND", dt.date(2025, 4, 21), "passed"),
        ("HK", dt.date(2025, 4, 22), "warning"),
        ("SOUTHBOUND", dt.date(2025, 4, 22), "warning"),
        (None, dt.date(2025, 4, 22), "unjudged"),
    ],
)
def test_each_dataset_has_the_calendar_of_its_market(market, day: dt.date, state: str) -> None:
    assert silence.empty_on_session(receipt(file(0, day=day), market=market)).state == state


def test_today_is_not_empty_before_its_figures_are_out() -> None:
    today = dt.date(2025, 4, 23)
    noon = EVENING.replace(hour=4)
    empty = file(0, day=today)
    assert silence.empty_on_session(receipt(empty, began=noon, since=today, until=today)).state == "unjudged"
    assert silence.empty_on_session(receipt(empty, since=today, until=today)).state == "warning"


def test_a_span_without_a_record_and_no_answer_at_all_are_suspicious() -> None:
    ranged = silence.empty_on_session(receipt(file(0, "159567.SZ")))
    assert "3 sessions from 2025-04-21 to 2025-04-23 (159567.SZ)" in ranged.message
    assert silence.empty_on_session(receipt()).state == "warning"
    weekend = {"since": dt.date(2025, 4, 19), "until": dt.date(2025, 4, 20)}
    assert silence.empty_on_session(receipt(file(0), **weekend)).state == "unjudged"


def test_an_empty_page_after_a_full_one_is_no_empty_answer() -> None:
    pages = [file(100, page=1, day=dt.date(2025, 4, 22)), file(0, page=2, day=dt.date(2025, 4, 22))]
    assert silence.empty_on_session(receipt(*pages)).state == "passed"


# --------------------------------------------------------------------- pages


def test_pages_that_add_up_pass_and_lost_ones_are_counted() -> None:
    whole = [file(100, page=1, total=150), file(50, page=2, total=150)]
    assert silence.pages(receipt(*whole)).state == "passed"
    lost = silence.pages(receipt(file(100, page=1, total=150), file(0, page=2, total=150)))
    assert (lost.state, lost.check) == ("lost", "pages")
    assert "100 of 150 records on 2 page(s): 50 did not come" in lost.message


@given(st.lists(st.integers(1, 50), min_size=1, max_size=8), st.data())
def test_whatever_the_pages_a_record_that_did_not_come_is_counted(sizes: list[int], data: st.DataObject) -> None:
    total = sum(sizes)
    whole = [file(rows, page=number, total=total) for number, rows in enumerate(sizes, start=1)]
    assert silence.pages(receipt(*whole)).state == "passed"
    broken = data.draw(st.integers(0, len(sizes) - 1))
    missing = data.draw(st.integers(1, sizes[broken]))
    whole[broken] = dataclasses.replace(whole[broken], rows=sizes[broken] - missing)
    verdict = silence.pages(receipt(*whole))
    assert (verdict.state, f"{missing:,} did not come" in verdict.message) == ("lost", True)


def test_an_overlap_is_said_also_when_the_sum_is_right() -> None:
    # the list moved by one between the pages: the sum is right, one record came twice and one never
    verdict = silence.pages(receipt(file(100, page=1, total=200), file(100, page=2, total=200, repeated=1)))
    assert verdict.state == "lost"
    assert "page 2 repeats 1 record(s) of earlier pages" in verdict.message


def test_a_gap_between_page_numbers_is_said() -> None:
    assert "one is missing" in silence.pages(receipt(file(page=1), file(page=3))).message


def test_a_list_that_grew_is_a_warning_and_no_total_is_no_verdict() -> None:
    grew = silence.pages(receipt(file(100, page=1, total=150), file(60, page=2, total=150)))
    assert (grew.state, "grew while it was read" in grew.message) == ("warning", True)
    assert silence.pages(receipt(file(100))).state == "unjudged"
    changes = receipt(file(100, page=1, total=150), file(60, page=2, total=150), cursor=EVENING)
    assert silence.pages(changes).state == "passed"


def test_answers_are_judged_one_by_one() -> None:
    files = [file(10, "a", total=10), file(10, "b", total=12)]
    assert "b: 10 of 12 records" in silence.pages(receipt(*files)).message


def test_a_resumed_fetch_is_not_held_against_the_total_of_the_whole() -> None:
    assert silence.pages(receipt(file(100, page=37, total=9999))).state == "passed"


# ---------------------------------------------------------------------- rows


def test_the_first_answers_have_no_verdict() -> None:
    verdict = silence.row_count(receipt(file()), history(4, file()))
    assert (verdict.state, verdict.message) == ("unjudged", "no verdict yet: history of 4")


@pytest.mark.parametrize(("rows", "state"), [(100, "passed"), (49, "warning"), (51, "passed"), (201, "warning")])
def test_a_span_is_held_against_the_median_of_the_last_fetches(rows: int, state: str) -> None:
    verdict = silence.row_count(receipt(file(rows)), history(5, file(100)))
    assert verdict.state == state
    assert (state == "passed") or "median of the last 5 fetches is 33.3" in verdict.message


def test_a_longer_span_may_hold_more_rows() -> None:
    longer = receipt(file(500), since=dt.date(2025, 4, 3))
    assert silence.row_count(longer, history(5, file(100))).state == "passed"


def test_more_questions_may_bring_more_rows() -> None:
    assert silence.row_count(receipt(*[file(100)] * 10), history(5, file(100))).state == "passed"


@pytest.mark.parametrize(("rows", "state"), [(629, "passed"), (611, "passed"), (610, "warning"), (1258, "warning")])
def test_a_day_of_a_whole_market_is_held_against_the_days_before(rows: int, state: str) -> None:
    days = [dt.date(2025, 4, day) for day in (14, 15, 16, 17, 18, 21)]
    past = [receipt(file(629, day=day), began=EVENING - dt.timedelta(days=23 - day.day)) for day in reversed(days)]
    verdict = silence.row_count(receipt(file(rows, day=dt.date(2025, 4, 22))), past)
    assert verdict.state == state
    assert (state == "passed") or f"{rows:,} rows about 2025-04-22, usual are 629" in verdict.message


def test_a_first_fetch_of_many_days_can_be_judged_by_its_own_days() -> None:
    days = [dt.date(2025, 4, day) for day in (14, 15, 16, 17, 18, 21, 22)]
    cut = receipt(*(file(100 if day.day == 22 else 629, day=day) for day in days))
    assert "about 2025-04-22" in silence.row_count(cut, []).message


def test_events_may_swing_by_factors() -> None:
    past = history(5, file(1000), market=None)
    assert silence.row_count(receipt(file(300), market=None), past).state == "passed"
    assert silence.row_count(receipt(file(90), market=None), past).state == "warning"


@pytest.mark.parametrize(("rows", "state"), [(1010, "passed"), (90, "warning")])
def test_a_whole_history_is_as_long_whatever_the_span(rows: int, state: str) -> None:
    asked_for_years = receipt(file(rows), market=None, since=dt.date(2020, 1, 1))
    verdict = silence.row_count(asked_for_years, history(5, file(1000), market=None))
    assert verdict.state == state
    assert state == "warning" or "1,010.0 rows per question" in verdict.message


def test_changes_of_a_long_span_may_be_as_many_as_it_has_days() -> None:
    past = history(5, file(10), market=None, question={"updated_since": "2025-04-23T00:00:00+08:00"})
    after_a_break = receipt(file(600), market=None, question={"updated_since": "2025-02-23T00:00:00+08:00"})
    verdict = silence.row_count(after_a_break, past)
    assert (verdict.state, "rows per day" in verdict.message) == ("passed", True)


# ------------------------------------------------------------------- columns


def test_a_new_column_set_names_what_is_gone_and_added() -> None:
    changed = file(columns=("ts_code", "trade_date", "px"))
    verdict = silence.columns(receipt(changed), history(1, file()))
    assert verdict.state == "lost"
    assert "etf_bars: columns gone: close; columns added: px" in verdict.message


def test_an_added_column_warns_and_a_known_set_passes_in_any_order() -> None:
    added = silence.columns(receipt(file(columns=(*HEADER, "amount"))), history(1, file()))
    assert (added.state, "columns added: amount" in added.message) == ("warning", True)
    assert silence.columns(receipt(file(columns=HEADER[::-1])), history(1, file())).state == "passed"


def test_columns_without_history_and_without_names_have_no_verdict() -> None:
    assert silence.columns(receipt(file()), []).state == "unjudged"
    assert silence.columns(receipt(file(0, columns=())), history(1, file())).state == "unjudged"


# ------------------------------------------------------------- dropped files

CSV = "etf_code,trade_date,open,high,low,close,prev_close,volume_shares,turnover_cny\n"


def drop(home: Home, number: int, rows: int, header: str = CSV, cells: str = "") -> None:
    lines = [
        f"159567.SZ,2025-{1 + n // 28:02d}-{1 + n % 28:02d},1,1,1,1.0{number},1,100,100{cells}\n" for n in range(rows)
    ]
    home.land(f"etf_bars/desk/{number}.csv", header + "".join(lines))
    home.run()


def found(home: Home) -> dict[str, silence.Verdict]:
    return {verdict.check: verdict for verdict in silence.verdicts(home.settings)}


def test_dropped_files_are_held_against_those_of_their_folder(home: Home) -> None:
    home.now = dt.datetime.now(dt.UTC) - dt.timedelta(hours=1)
    drop(home, 0, 20)
    assert {v.state for v in found(home).values()} == {"unjudged"}
    for number in range(1, 6):
        drop(home, number, 20)
    assert {v.state for v in found(home).values()} == {"passed"}
    drop(home, 6, 9)
    assert (
        "etf_bars/desk [canonical]: 9 rows in a file, the median of the last 6 is 20"
        in found(home)["row_count"].message
    )
    drop(home, 7, 20, header=CSV.strip() + ",colour\n", cells=",red")
    verdict = found(home)["columns"]
    assert (verdict.state, "columns added: colour" in verdict.message) == ("warning", True)
    assert silence.verdicts(home.settings, until=home.now + silence.REMEMBERED * 2) == []
    before = silence.verdicts(home.settings, until=home.now - dt.timedelta(minutes=1))
    assert [v.state for v in before if v.check == "columns"] == ["passed"], "as of a moment, nothing later is seen"


def test_fetched_files_are_judged_by_their_receipts_alone(home: Home) -> None:
    home.now = EVENING
    home.land("etf_bars/p/bars/a.csv", CSV + "159567.SZ,2025-04-22,1,1,1,1,1,100,100\n")
    home.run()
    assert [stream.subject for stream in silence.streams(home.settings, home.now)] == ["etf_bars/p/bars [canonical]"]
    receipts = Receipts(home.settings.ledger)
    fetched = receipt()
    receipts.begin(fetched)
    receipts.add(fetched.fetch_id, 1, file(), None)
    receipts.end(fetched.fetch_id, EVENING, "delivered", None, None)
    assert silence.streams(home.settings, home.now) == []
    assert {verdict.subject for verdict in silence.verdicts(home.settings, until=home.now)} == {"p.bars"}


# -------------------------------------------------------------- in a release


def test_findings_become_warnings_of_the_gate_and_never_refuse() -> None:
    verdicts = [*silence.judge(receipt(file(0)), []), *silence.judge(receipt(file(9, total=10)), [])]
    checks = silence.as_checks(verdicts)
    assert {check.check_name for check in checks} == {"delivery_empty_on_session", "delivery_pages"}
    assert {(check.severity, check.passed, check.mart) for check in checks} == {("warning", False, "raw.etf_bars")}
    assert "9 of 10 records" in next(c.reason for c in checks if c.check_name == "delivery_pages")


def test_without_history_a_release_says_nothing_and_with_it_one_line() -> None:
    assert silence.as_checks(silence.judge(receipt(file(), market=None), [])) == []
    [check] = silence.as_checks(silence.judge(receipt(file()), history(5, file())))
    assert (check.check_name, check.passed, check.observed) == ("deliveries", True, "1 deliveries as usual")
