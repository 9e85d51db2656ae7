"""Releases: whole or not at all, and the link moves in one step."""

import dataclasses
import datetime as dt
import errno
import os
import shutil
import stat
from pathlib import Path

import duckdb
import pytest

from tests.support.publishing import AS_OF, BUILT, DOCUMENTS, built, record_of, value_of
from warehouse import releases
from warehouse.build import MARTS_FILE
from warehouse.releases import (
    BrokenLinkError,
    ReleaseError,
    ReleaseRecord,
    Retention,
    current_release,
    find,
    list_releases,
    make_current,
    new_release_id,
    outdated,
    pin,
    pinned,
    publish,
    retain,
    rollback,
    unpin,
)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    built(tmp_path, 1)
    return tmp_path


def test_release_holds_file_documents_and_record_read_only(home: Path) -> None:
    record = record_of()
    folder = publish(home, home / "build", record, DOCUMENTS)
    assert folder == home / "releases" / record.release_id
    assert {file.name for file in folder.iterdir()} == {MARTS_FILE, "release.json", *DOCUMENTS}
    assert all(stat.S_IMODE(file.stat().st_mode) == 0o444 for file in folder.iterdir())
    assert [entry.name for entry in (home / "releases").iterdir()] == [record.release_id]
    assert list_releases(home) == [record]
    assert current_release(home) is None
    assert value_of(folder / MARTS_FILE) == 1


def test_other_users_can_read_a_release_whatever_the_umask(home: Path) -> None:
    before = os.umask(0o077)
    try:
        folder = publish(home, home / "build", record_of(), DOCUMENTS)
    finally:
        os.umask(before)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o755
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o444}


def test_what_must_last_is_on_disk_before_the_next_step(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A power cut keeps what was flushed: a link to a release whose bytes were not would be a link to nothing."""
    steps: list[tuple[str, str]] = []
    for name in ("rename", "replace"):
        real = getattr(Path, name)
        monkeypatch.setattr(
            Path, name, lambda self, to, name=name, real=real: (steps.append((name, Path(to).name)), real(self, to))[1]
        )
    real_sync = releases.sync
    monkeypatch.setattr(releases, "sync", lambda path: (steps.append(("sync", path.name)), real_sync(path)))
    record = record_of()
    publish(home, home / "build", record, DOCUMENTS)
    make_current(home, record.release_id)
    moved, linked = steps.index(("rename", record.release_id)), steps.index(("replace", "current"))
    files = {("sync", name) for name in (MARTS_FILE, "release.json", *DOCUMENTS)}
    assert set(steps[: moved - 1]) == files
    assert steps[moved - 1] == ("sync", f"release.staging-{record.release_id}")
    assert steps[moved + 1 : linked] == [("sync", "releases")]
    assert steps[linked + 1 :] == [("sync", home.name)]


def test_current_is_a_relative_link_to_the_folder(home: Path) -> None:
    """Relative, so that SECTOR_HOME can be moved; to the folder, so that the catalog's name stays ``sector``."""
    record = record_of()
    publish(home, home / "build", record, DOCUMENTS)
    make_current(home, record.release_id)
    assert (home / "current").readlink() == Path("releases") / record.release_id
    with duckdb.connect(str(home / "current" / MARTS_FILE), read_only=True) as con:
        assert con.execute("select current_database()").fetchone() == ("sector",)
    assert current_release(home) == record


def test_reader_keeps_what_it_opened_while_the_next_one_sees_the_new_release(home: Path) -> None:
    first, second = record_of(0), record_of(1)
    publish(home, home / "build", first, DOCUMENTS)
    make_current(home, first.release_id)
    with duckdb.connect(str(home / "current" / MARTS_FILE), read_only=True) as reader:
        publish(home, built(home, 2), second, DOCUMENTS)
        make_current(home, second.release_id)
        assert reader.execute("select x from marts.t").fetchone() == (1,)
        assert value_of((home / "current" / MARTS_FILE).resolve()) == 2


def test_rollback_and_unknown_ids(home: Path) -> None:
    first, second = record_of(0), record_of(1)
    for number, record in enumerate((first, second)):
        publish(home, built(home, number), record, DOCUMENTS)
        make_current(home, record.release_id)
    assert rollback(home, first.release_id) == first
    assert current_release(home) == first
    for wrong in ("20200101T000000-00000000", "../build", "", second.release_id + "x"):
        with pytest.raises(ReleaseError, match=f"kept: {second.release_id}, {first.release_id}"):
            rollback(home, wrong)
    assert current_release(home) == first


def test_rollback_to_a_damaged_file_is_refused(home: Path) -> None:
    first, second = record_of(0), record_of(1)
    for record in (first, second):
        publish(home, built(home, 1), record, DOCUMENTS)
        make_current(home, record.release_id)
    damaged = home / "releases" / first.release_id / MARTS_FILE
    damaged.chmod(0o644)
    damaged.write_bytes(b"no database")
    with pytest.raises(ReleaseError, match="cannot be opened"):
        rollback(home, first.release_id)
    assert current_release(home) == second


def test_ids_sort_by_build_time_and_tell_twins_apart() -> None:
    ids = [new_release_id(BUILT + dt.timedelta(seconds=s), AS_OF, "f00d") for s in (0, 1, 59, 3600, 86400)]
    assert ids == sorted(ids)
    twins = {new_release_id(BUILT + dt.timedelta(microseconds=m), AS_OF, "f00d") for m in (0, 1)}
    assert len(twins) == 2
    east = BUILT.astimezone(dt.timezone(dt.timedelta(hours=8)))
    assert new_release_id(east, AS_OF, "f00d") == ids[0]


def test_find_wants_moment_settings_and_inputs(home: Path) -> None:
    old, new = record_of(0), record_of(1)
    for record in (old, new):
        publish(home, built(home, 1), record, DOCUMENTS)
    shanghai = AS_OF.astimezone(dt.timezone(dt.timedelta(hours=8)))
    assert find(home, shanghai, "f00d") == new
    assert find(home, AS_OF, "f00d", ("a", "b")) == new
    assert find(home, AS_OF, "f00d", ("a",)) is None
    assert find(home, AS_OF, "beef") is None
    assert find(home, AS_OF + dt.timedelta(microseconds=1), "f00d") is None


def test_full_disk_leaves_old_release_and_no_debris(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record = record_of()
    publish(home, home / "build", record, DOCUMENTS)
    make_current(home, record.release_id)

    def full(source: Path, target: Path) -> None:
        Path(target).write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device", str(target))

    monkeypatch.setattr(releases.shutil, "copyfile", full)
    with pytest.raises(ReleaseError, match=r"the disk is full.*current release is unchanged"):
        publish(home, built(home, 2), record_of(1), DOCUMENTS)
    assert current_release(home) == record
    assert [entry.name for entry in (home / "releases").iterdir()] == [record.release_id]
    assert not list((home / "build").glob("release.staging*"))


def test_crash_between_copy_and_rename_is_cleaned_by_the_next_publish(home: Path) -> None:
    debris = home / "build" / f"release.staging-{record_of(5).release_id}"
    debris.mkdir()
    shutil.copyfile(home / "build" / MARTS_FILE, debris / MARTS_FILE)
    (home / ".current.next").symlink_to("releases/nowhere")
    publish(home, home / "build", record_of(), DOCUMENTS)
    assert not debris.exists()
    assert not (home / ".current.next").is_symlink()


def test_half_a_folder_is_no_release(home: Path) -> None:
    (home / "releases" / record_of().release_id).mkdir(parents=True)
    assert list_releases(home) == []


def test_file_of_another_format_is_not_published(home: Path) -> None:
    """DuckDB 2.0's own default is a format that no BI tool of today opens."""
    with pytest.raises(ReleaseError, match=r"storage version v2\.0\.0"):
        publish(home, built(home, 1, "v2.0.0"), record_of(), DOCUMENTS)
    assert list_releases(home) == []


def test_log_is_folded_in(home: Path) -> None:
    with duckdb.connect(str(home / "build" / MARTS_FILE)) as con:
        con.execute("pragma disable_checkpoint_on_shutdown")
        con.execute("insert into marts.t values (2)")
    assert (home / "build" / f"{MARTS_FILE}.wal").exists()
    folder = publish(home, home / "build", record_of(), DOCUMENTS)
    with duckdb.connect(str(folder / MARTS_FILE), read_only=True) as con:
        assert con.execute("select count(*) from marts.t").fetchone() == (2,)


def test_folder_in_the_place_of_the_link_is_left_alone(home: Path) -> None:
    record = record_of()
    publish(home, home / "build", record, DOCUMENTS)
    (home / "current").mkdir()
    with pytest.raises(ReleaseError, match="is not a link"):
        make_current(home, record.release_id)
    assert (home / "current").is_dir()


def test_same_id_is_not_overwritten(home: Path) -> None:
    publish(home, home / "build", record_of(), DOCUMENTS)
    with pytest.raises(ReleaseError, match="exists already"):
        publish(home, home / "build", record_of(), DOCUMENTS)


def test_record_survives_its_file() -> None:
    record = record_of()
    assert ReleaseRecord.from_json(record.to_json()) == record
    assert dataclasses.is_dataclass(record)


def live(home: Path, *days_ago: float) -> dict[float, ReleaseRecord]:
    """Releases built so many days before ``NOW``, each as of its own moment; the last given is current."""
    found = {}
    for ago in days_ago:
        moment = NOW - dt.timedelta(days=ago)
        found[ago] = dataclasses.replace(record_of(as_of=moment), built_at=moment)
        found[ago] = dataclasses.replace(found[ago], release_id=new_release_id(moment, moment, "f00d"))
        publish(home, home / "build", found[ago], DOCUMENTS)
    make_current(home, found[days_ago[-1]].release_id)
    return found


NOW = dt.datetime(2026, 11, 22, 4, 0, tzinfo=dt.UTC)
"""Noon in Shanghai."""


def kept_days(home: Path) -> list[float]:
    return [(NOW - record.built_at) / dt.timedelta(days=1) for record in list_releases(home)]


@pytest.mark.parametrize(
    ("retention", "stays"),
    [
        (Retention(1, 0, False), [0.25]),
        (Retention(3, 0, False), [0.25, 1, 1.25]),
        (Retention(1, 5, False), [0.25, 1, 1.25]),
        (Retention(1, 0, True), [0.25, 1, 8]),
        (Retention(9, 0, False), [0.25, 1, 1.25, 8, 8.25]),
        (Retention(1, 9, False), [0.25, 1, 1.25, 8, 8.25]),
    ],
)
def test_a_release_stays_by_number_by_age_or_as_the_last_of_its_day(
    home: Path, retention: Retention, stays: list[float]
) -> None:
    all_days = [8.25, 8, 1.25, 1, 0.25]
    live(home, *all_days)
    gone = retain(home, home / "build", retention, NOW)
    assert kept_days(home) == stays
    ages = [(NOW - record.built_at) / dt.timedelta(days=1) for record in gone]
    assert ages == [age for age in all_days if age not in stays]
    assert not list((home / "build").glob("release.removed*"))


def test_a_day_ends_at_midnight_in_shanghai() -> None:
    """By UTC the two releases would be of two days, and both would stay."""
    evening, night = (
        dataclasses.replace(record_of(), release_id=f"20261120T{hour:02}0000-00000000", built_at=moment, as_of=moment)
        for hour in (23, 1)
        for moment in [dt.datetime(2026, 11, 20 if hour == 23 else 21, hour, tzinfo=dt.UTC)]
    )
    assert outdated([evening, night], Retention(1, 0, True), NOW, ()) == [evening]


def test_a_release_as_of_the_past_is_not_the_last_of_a_day(home: Path) -> None:
    """Rebuilt in the evening as of last year, it would displace what the desk had that day."""
    days = live(home, 2.25, 0.25)
    moment = NOW - dt.timedelta(days=2)
    past = dataclasses.replace(record_of(), release_id=new_release_id(moment, AS_OF, "f00d"), built_at=moment)
    publish(home, home / "build", past, DOCUMENTS)
    assert retain(home, home / "build", Retention(1, 0, True), NOW) == [past]
    assert list_releases(home) == [days[0.25], days[2.25]]


def test_current_pinned_and_protected_releases_stay_whatever_their_age(home: Path) -> None:
    days = live(home, 1, 2, 50, 40, 30)  # the last one is current: somebody rolled back
    pin(home, days[50].release_id)
    assert pinned(home) == {days[50].release_id}
    retain(home, home / "build", Retention(1, 0, False), NOW, protected={days[40].release_id})
    assert kept_days(home) == [1, 30, 40, 50]
    unpin(home, days[50].release_id)
    retain(home, home / "build", Retention(1, 0, False), NOW)
    assert kept_days(home) == [1, 30]
    for change in (pin, unpin):
        with pytest.raises(ReleaseError, match="no release"):
            change(home, days[50].release_id)


def test_a_reader_keeps_a_release_that_was_removed(home: Path) -> None:
    days = live(home, 9, 0.25)
    file = home / "releases" / days[9].release_id / MARTS_FILE
    with duckdb.connect(str(file), read_only=True) as reader:
        assert retain(home, home / "build", Retention(1, 0, False), NOW) == [days[9]]
        assert not file.exists()
        assert reader.execute("select x from marts.t").fetchall() == [(1,)]


def test_a_removal_that_was_cut_short_is_ended_by_the_next_publication(home: Path) -> None:
    days = live(home, 9, 0.25)
    (home / "releases" / days[9].release_id).rename(home / "build" / f"release.removed-{days[9].release_id}")
    publish(home, home / "build", record_of(), DOCUMENTS)
    assert not list((home / "build").glob("release.*"))


def test_a_link_to_a_release_that_is_gone_names_the_cure(home: Path) -> None:
    days = live(home, 2, 1)
    shutil.rmtree(home / "releases" / days[1].release_id)
    with pytest.raises(BrokenLinkError, match=f"which is no release: `sector rollback {days[2].release_id}`"):
        current_release(home)
    assert rollback(home, days[2].release_id) == days[2]
    shutil.rmtree(home / "releases" / days[2].release_id)
    with pytest.raises(BrokenLinkError, match="which is no release: `sector run` makes a new one"):
        current_release(home)


def test_a_link_out_of_the_releases_is_broken(home: Path) -> None:
    days = live(home, 1)
    elsewhere = home / "elsewhere" / days[1].release_id
    shutil.copytree(home / "releases" / days[1].release_id, elsewhere)
    (home / "current").unlink()
    (home / "current").symlink_to(elsewhere)
    with pytest.raises(BrokenLinkError):
        current_release(home)
