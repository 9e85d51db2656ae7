"""Releases: whole or not at all, and the link moves in one step."""

import dataclasses
import datetime as dt
import errno
import shutil
import stat
from pathlib import Path

import duckdb
import pytest

from warehouse import releases
from warehouse.build import MARTS_FILE, STORAGE_VERSION
from warehouse.releases import (
    ReleaseError,
    ReleaseRecord,
    current_release,
    find,
    list_releases,
    make_current,
    new_release_id,
    publish,
    rollback,
)

BUILT = dt.datetime(2026, 11, 22, 15, 1, 36, tzinfo=dt.UTC)
AS_OF = dt.datetime(2025, 4, 24, 2, 30, tzinfo=dt.UTC)
DOCUMENTS = {"note.txt": "text", "note.html": "<p>", "checks.json": "{}"}


def record_of(minutes: int = 0, as_of: dt.datetime = AS_OF) -> ReleaseRecord:
    built = BUILT + dt.timedelta(minutes=minutes)
    return ReleaseRecord(
        release_id=new_release_id(built, as_of, "f00d"),
        built_at=built,
        as_of=as_of,
        code_version="0.1.0",
        settings_fingerprint="f00d",
        input_batch_ids=("a", "b"),
        is_sample=True,
        duckdb_version=duckdb.__version__,
        dbt_version="1.11.16",
    )


@pytest.fixture
def home(tmp_path: Path) -> Path:
    built(tmp_path, 1)
    return tmp_path


def built(home: Path, value: int, storage: str = STORAGE_VERSION) -> Path:
    folder = home / "build"
    folder.mkdir(exist_ok=True)
    (folder / MARTS_FILE).unlink(missing_ok=True)
    with duckdb.connect(str(folder / MARTS_FILE), config={"storage_compatibility_version": storage}) as con:
        con.execute(f"create schema marts; create table marts.t as select {value} as x")
    return folder


def value_of(file: Path) -> int:
    with duckdb.connect(str(file), read_only=True) as con:
        row = con.execute("select x from marts.t").fetchone()
    assert row is not None
    return int(row[0])


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
