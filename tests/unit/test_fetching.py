"""Landing is atomic and never overwrites; every fetch leaves a receipt; nothing is lost when it is cut short."""

from __future__ import annotations

import datetime as dt
import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock
from hypothesis import given
from hypothesis import strategies as st

from orchestration.contracts.base import Kind
from orchestration.fetching import fetch, land, landed_name, question
from orchestration.ingest.names import code_from_names
from orchestration.locking import BusyError
from orchestration.providers.delivery import Dataset, Delivery, RefusedError, ThrottledError, UnavailableError, Wanted
from orchestration.providers.transport import Transport
from orchestration.receipts import Receipts
from orchestration.settings import Settings
from tests.support.warehouse_home import Home

NOW = dt.datetime(2025, 4, 24, 12, 0, tzinfo=dt.UTC)
KEY = "planted-0123456789"


def delivery(name: str = "fund_daily/159567.SZ-20250401-20250424.json", content: bytes = b"{}", **more) -> Delivery:
    return Delivery("etf_bars", name, content, rows=more.pop("rows", 1), asked="159567.SZ", **more)


def dataset(*deliveries: object, **more) -> Dataset:
    """Yields deliveries, raises exceptions."""

    def deliver(transport: Transport, wanted: Wanted) -> Iterator[Delivery]:
        for item in deliveries:
            if isinstance(item, BaseException):
                raise item
            yield item  # type: ignore[misc]

    return Dataset("tushare", "fund_daily", ("etf_bars",), "bars", deliver, lambda: "1", **more)


def run(home: Home, made: Dataset, wanted: Wanted | None = None, **more):
    wanted = wanted or question(home.settings, made, now=NOW)
    return fetch(home.settings, made, wanted, Transport(), clock=lambda: NOW, **more)


def landed(home: Home) -> list[str]:
    root = home.settings.landing
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


def test_an_answer_lands_under_table_and_provider_with_a_receipt(home: Home) -> None:
    receipt = run(home, dataset(delivery(total=1, columns=("ts_code",), day=dt.date(2025, 4, 24))))

    assert landed(home) == ["etf_bars/tushare/fund_daily/159567.SZ-20250401-20250424.json"]
    assert (receipt.outcome, receipt.rows, receipt.pages, receipt.new_files) == ("delivered", 1, 1, 1)
    assert (receipt.since, receipt.until) == (dt.date(2025, 4, 19), dt.date(2025, 4, 24))
    assert receipt.question["etfs"] == ["159567.SZ"]
    [file] = receipt.files
    assert (file.total, file.columns, file.day) == (1, ("ts_code",), dt.date(2025, 4, 24))
    assert Receipts(home.settings.ledger).of("tushare", "fund_daily", 5) == [receipt]


def test_the_same_bytes_are_nothing_new_and_other_bytes_never_overwrite(home: Home) -> None:
    run(home, dataset(delivery(content=b"one")))
    again = run(home, dataset(delivery(content=b"one")))
    other = run(home, dataset(delivery(content=b"two")))
    other_again = run(home, dataset(delivery(content=b"two")))

    assert [r.new_files for r in (again, other, other_again)] == [0, 1, 0]
    names = landed(home)
    assert len(names) == 2
    contents = {(home.settings.landing / name).read_bytes() for name in names}
    assert contents == {b"one", b"two"}


def test_a_name_with_the_moment_of_its_fetch_holds_no_code_and_no_other_moment(home: Home) -> None:
    run(home, dataset(delivery(content=b"one")))
    file = run(home, dataset(delivery(content=b"two"))).files[0]
    stem = Path(file.name).stem
    assert stem == "159567.SZ-20250401-20250424-fetched20250424200000000000"
    assert code_from_names(Kind.ETF_CODE, "etf_code", (stem,)) == "159567.SZ"
    # of hk and index names too
    for kind, name, code in (
        (Kind.SECURITY_CODE, "01801.HK-20250401-20250424", "01801.HK"),
        (Kind.INDEX_CODE, "987018.CNI", "987018.CNI"),
        (Kind.INDEX_CODE, "HSI", "HSI.HI"),
    ):
        assert code_from_names(kind, "code", (f"{name}-fetched20250424200000000000",)) == code


@pytest.mark.parametrize("name", ["../x.json", "/etc/x.json", "a/../../x.json", "..", "", "a\\b.json"])
def test_a_name_cannot_climb(name: str) -> None:
    with pytest.raises(ValueError, match="expected a path below"):
        landed_name("etf_bars", "tushare", name)


@given(st.text(max_size=40))
def test_whatever_is_asked_for_lands_below_its_provider_or_nowhere(asked: str) -> None:
    try:
        path = landed_name("concept_members", "akshare", f"boards/{asked}/1.csv")
    except ValueError:
        return
    assert path.parts[:3] == ("concept_members", "akshare", "boards")
    assert ".." not in path.parts
    assert not re.search(r"[^A-Za-z0-9._+/\-\u3400-\u4dbf\u4e00-\u9fff]", path.as_posix())


def test_signs_that_file_systems_dislike_are_replaced() -> None:
    assert landed_name("concept_members", "akshare", "CRO概念/AI|药:x.csv").as_posix() == (
        "concept_members/akshare/CRO概念/AI_药_x.csv"
    )


@pytest.mark.parametrize("name", ["x", "x.html", ".x.json", "x.json.part"])
def test_a_name_that_no_run_would_read_is_an_error(name: str) -> None:
    with pytest.raises(ValueError, match="no run would read"):
        landed_name("etf_bars", "tushare", name)


def test_an_unfinished_file_is_not_seen_and_the_next_fetch_replaces_it(home: Home, monkeypatch) -> None:
    def full(path: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", full)
        with pytest.raises(OSError, match="No space"):
            run(home, dataset(delivery()))
    assert [name for name in landed(home) if not name.endswith(".part")] == []
    assert home.run() == {}, "a run reads no unfinished file"
    [receipt] = Receipts(home.settings.ledger).of("tushare", "fund_daily", 5)
    assert (receipt.outcome, receipt.trouble) == ("failed", "interrupted")

    assert run(home, dataset(delivery())).outcome == "delivered"
    assert landed(home) == ["etf_bars/tushare/fund_daily/159567.SZ-20250401-20250424.json"]


def test_a_crash_between_landing_and_receipt_loses_nothing(home: Home) -> None:
    land(home.settings.landing, "tushare", delivery(), NOW)
    receipt = run(home, dataset(delivery()))
    assert (receipt.outcome, receipt.new_files, receipt.rows) == ("delivered", 0, 1)
    assert len(landed(home)) == 1


@pytest.mark.parametrize(
    ("error", "trouble"),
    [
        (RefusedError("no points"), "refused"),
        (ThrottledError("too fast"), "throttled"),
        (UnavailableError("gone"), "unavailable"),
        (KeyError("f12"), "broken"),
        (BrokenPipeError(32, "the worker is gone"), "broken"),
    ],
)
def test_a_failure_keeps_what_landed_before_and_says_so(home: Home, error: Exception, trouble: str) -> None:
    receipt = run(home, dataset(delivery(), error))
    assert (receipt.outcome, receipt.trouble, receipt.rows, receipt.pages) == ("failed", trouble, 1, 1)
    assert str(error.args[-1]) in (receipt.message or "")
    assert len(landed(home)) == 1


def test_a_provider_that_names_its_answer_wrongly_is_broken(home: Home) -> None:
    receipt = run(home, dataset(delivery(), delivery("../../raw/x.json")))
    assert (receipt.trouble, receipt.pages) == ("broken", 1)
    assert "expected a path below landing/etf_bars/tushare/" in (receipt.message or "")


def test_no_record_is_an_empty_outcome(home: Home) -> None:
    assert run(home, dataset()).outcome == "empty"
    empty = run(home, dataset(delivery(rows=0, day=dt.date(2025, 4, 24))))
    assert (empty.outcome, empty.pages, empty.files[0].name, empty.new_files) == ("empty", 1, "", 0)
    assert landed(home) == [], "an answer that may be a throttled one is not kept"


def test_a_missing_token_is_said_before_anything_is_asked(home: Home) -> None:
    with pytest.raises(RefusedError, match="set SECTOR_TUSHARE_TOKEN"):
        run(home, dataset(delivery(), missing=lambda: "set SECTOR_TUSHARE_TOKEN"))
    with pytest.raises(RefusedError, match="set SECTOR_WATCH_SECURITIES"):
        run(home, dataset(delivery(), needs=("securities",)))
    assert not home.settings.ledger.exists()


def test_two_fetches_of_one_dataset_do_not_mix(home: Home) -> None:
    home.settings.fetching.mkdir(parents=True)
    with (
        FileLock(home.settings.fetching / "tushare.fund_daily.lock"),
        pytest.raises(BusyError, match=r"another fetch of tushare\.fund_daily"),
    ):
        run(home, dataset(delivery()))
    assert run(home, dataset(delivery())).outcome == "delivered"


def test_a_fetch_needs_no_run_lock(home: Home) -> None:
    home.settings.home.mkdir(parents=True)
    with FileLock(home.settings.lock):
        assert run(home, dataset(delivery())).outcome == "delivered"


def test_a_planted_secret_is_in_no_receipt_and_no_log(
    home: Home, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    settings = Settings(home=home.settings.home, tushare_token=KEY)  # type: ignore[arg-type]
    for error in (UnavailableError(f"token {KEY} unknown"), RuntimeError(f"body {{'token': '{KEY}'}}")):
        made = dataset(error)
        with caplog.at_level(logging.DEBUG):
            receipt = fetch(settings, made, question(settings, made, now=NOW), Transport(), clock=lambda: NOW)
        assert "***" in (receipt.message or "")
    assert KEY not in caplog.text
    assert KEY.encode() not in b"".join(path.read_bytes() for path in settings.home.glob("ledger.sqlite*"))
    assert KEY not in repr(settings)


# ------------------------------------------------------------------ question


def test_without_a_span_the_look_back_decides(home: Home) -> None:
    late = dt.datetime(2025, 4, 24, 20, 0, tzinfo=dt.UTC)
    wanted = question(home.settings, dataset(look_back_days=10), now=late)
    assert (wanted.since, wanted.until) == (dt.date(2025, 4, 15), dt.date(2025, 4, 25)), "days are market days"
    with pytest.raises(ValueError, match="ends before it begins"):
        question(home.settings, dataset(), since=dt.date(2025, 4, 2), until=dt.date(2025, 4, 1))


def test_members_of_the_indices_stand_in_for_securities(home: Home) -> None:
    needy = dataset(needs=("securities",))
    assert question(home.settings, needy, now=NOW).securities == ()
    sets = (("2025-02-28", "06821.HK", "0.4"), ("2025-03-31", "01801.HK", "0.6"), ("2025-03-31", "09926.HK", "0.4"))
    lines = "".join(f"987018.CNI,{day},{code},{weight}\n" for day, code, weight in sets)
    home.land("index_weights/a.csv", "index_code,weight_date,security_code,weight\n" + lines)
    home.run()
    assert question(home.settings, needy, now=NOW).securities == ("01801.HK", "09926.HK")
    assert question(home.settings, needy, securities=["00700.HK"], now=NOW).securities == ("00700.HK",)
    assert question(home.settings, needy, indices=["HSI.HI"], now=NOW).securities == ()
    assert question(home.settings, dataset(), now=NOW).securities == (), "only where they are needed"


def test_changes_are_asked_for_from_the_last_cursor_less_the_overlap(home: Home) -> None:
    follows = dataset(delivery(cursor=NOW), cursor_overlap=dt.timedelta(hours=6))
    assert question(home.settings, follows, now=NOW).updated_since is None
    run(home, follows)
    assert question(home.settings, follows, now=NOW).updated_since == NOW - dt.timedelta(hours=6)
    explicit = question(home.settings, follows, since=dt.date(2020, 1, 1), until=dt.date(2020, 12, 31), now=NOW)
    assert explicit.updated_since is None


def test_the_answer_to_a_part_of_the_past_moves_no_cursor(home: Home) -> None:
    follows = dataset(delivery(cursor=NOW))
    wanted = question(home.settings, follows, since=dt.date(2020, 1, 1), until=dt.date(2020, 12, 31), now=NOW)
    assert run(home, follows, wanted).cursor is None
    assert question(home.settings, follows, now=NOW).updated_since is None


def test_a_failed_fetch_keeps_the_cursor_of_what_landed_and_an_empty_one_keeps_the_last(home: Home) -> None:
    run(home, dataset(delivery(cursor=NOW), UnavailableError("cut")))
    run(home, dataset())
    assert question(home.settings, dataset(), now=NOW).updated_since == NOW - dt.timedelta(hours=1)


def test_a_fetch_that_was_cut_short_goes_on_where_it_stopped(home: Home) -> None:
    pages = [delivery(f"a/page{n}.json", str(n).encode(), page=n, resume=f"after-{n}") for n in (1, 2)]
    cut = dataset(*pages, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        run(home, cut)
    tomorrow = NOW + dt.timedelta(days=1)
    assert question(home.settings, cut, now=tomorrow).resume == "after-2"
    assert question(home.settings, cut, etfs=["510300.SH"], now=tomorrow).resume is None, "another question"

    run(home, dataset(*pages))
    assert question(home.settings, cut, now=tomorrow).resume is None


def test_a_fetch_whose_process_died_says_so_when_the_next_begins(home: Home) -> None:
    made = dataset(delivery())
    receipt = run(home, made)
    receipts = Receipts(home.settings.ledger)
    receipts.end(receipt.fetch_id, NOW, "running", None, None)
    run(home, made)
    died = receipts.get(receipt.fetch_id)
    assert (died.outcome, died.trouble) == ("failed", "interrupted")
    assert "cut short" in (died.message or "")
