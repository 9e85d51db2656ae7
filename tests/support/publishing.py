"""Small releases: build files of one figure, their records, and publication as a function that can be killed.

Every release holds its number three times (its id, ``meta.release``, ``marts.t``), so that a mixture of two shows.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import duckdb

from warehouse.build import MARTS_FILE, STORAGE_VERSION
from warehouse.releases import (
    RECORD,
    ReleaseRecord,
    Retention,
    current_release,
    list_releases,
    make_current,
    new_release_id,
    publish,
    retain,
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


def built(home: Path, value: int, storage: str = STORAGE_VERSION, rows: int = 1) -> Path:
    """Build files with one figure, in all rows of a mart and in ``meta``."""
    folder = home / "build"
    folder.mkdir(exist_ok=True, parents=True)
    (folder / MARTS_FILE).unlink(missing_ok=True)
    with duckdb.connect(str(folder / MARTS_FILE), config={"storage_compatibility_version": storage}) as con:
        con.execute(f"create schema marts; create table marts.t as select {value} as x from range({rows})")
        con.execute(f"create schema meta; create table meta.release as select {value} as number")
    return folder


def value_of(file: Path) -> int:
    """The figure of a release; both tables must agree."""
    with duckdb.connect(str(file), read_only=True) as con:
        [(value,)] = con.execute("select distinct x from marts.t").fetchall()
        assert con.execute("select number from meta.release").fetchall() == [(value,)]
    return int(value)


def publish_number(home: str, number: str, keep: int = 2) -> None:
    """What a run does with a build that has passed: publish it, make it current, let go what need not stay."""
    folder, record = Path(home), record_of(int(number))
    publish(folder, folder / "build", record, DOCUMENTS)
    make_current(folder, record.release_id)
    retain(folder, folder / "build", Retention(keep, 0, False), BUILT + dt.timedelta(days=1))


def whole(home: Path) -> tuple[int | None, list[int]]:
    """The number of the current release and those of all, after a look at each of them."""
    number_of = {record_of(minutes).release_id: minutes for minutes in range(100)}
    records = list_releases(home)
    assert sorted(path.name for path in (home / "releases").iterdir()) == sorted(r.release_id for r in records)
    for record in records:
        folder = home / "releases" / record.release_id
        assert value_of(folder / MARTS_FILE) == number_of[record.release_id]
        assert {path.name for path in folder.iterdir()} == {MARTS_FILE, RECORD, *DOCUMENTS}
        assert {name: (folder / name).read_text() for name in DOCUMENTS} == DOCUMENTS
        assert record == record_of(number_of[record.release_id])
    current = current_release(home)
    if current is not None:
        assert value_of(home / "current" / MARTS_FILE) == number_of[current.release_id]
    return number_of[current.release_id] if current else None, sorted(number_of[r.release_id] for r in records)
