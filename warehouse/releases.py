"""From a passing build to what people open: immutable folders under ``releases/`` and the link ``current``.

A release is staged in the build folder, written down to the disk and moved into ``releases/`` in one rename; the link
is replaced in one rename; a release that goes is moved out in one rename before anything of it is deleted. A reader
never sees half of any of these and keeps what it has open. Belongs here: folders, ids, the link, pins, retention. Does
not belong here: what is in the file (``warehouse.catalog``), whether it may go out (``expectations``), how two releases
differ (``warehouse.difference``).

What a run writes that must last, in this order (each line is on disk before the next begins):

1. ``raw/<table>/*.parquet`` and ``quarantine/<table>/*.parquet``, then their folder's entries;
2. the transaction in ``ledger.sqlite`` that names them (SQLite, full synchronous): before it they do not exist, and the
   next run deletes and reads them anew; where many small files become one, the new one is whole on disk before a
   transaction names it in their place, and they are deleted after that;
3. every file of the staged release, then the staging folder's entries;
4. the rename into ``releases/``, then the entries of ``releases/``: before it there is no release;
5. the rename of the link, then the entries of SECTOR_HOME: before it the old release is current;
6. for each release that retention removes: the rename out of ``releases/``, the entries of ``releases/``, and only then
   the deletion.

Everything else under ``build/`` is made anew by every run, the notes there are replaced whole. So a run that is killed,
or finds the disk full, between any two instructions leaves what was current current, and nothing to repair by hand.
"""

from __future__ import annotations

import datetime as dt
import errno
import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import duckdb

from orchestration.durable import make_folder, sync
from orchestration.moments import MARKET_ZONE
from warehouse.build import MARTS_FILE, STORAGE_VERSION

RELEASES = "releases"
CURRENT = "current"
RECORD = "release.json"
PINS = "pins"
"""Folder of empty files named after the releases that retention leaves alone."""

_STAGING = "release.staging"
_REMOVED = "release.removed"
_LINK_STAGING = ".current.next"
_ID = re.compile(r"\d{8}T\d{6}-[0-9a-f]{8}")

T = TypeVar("T")


class ReleaseError(Exception):
    """A release could not be written, found or made current. What was current before still is."""


class BrokenLinkError(ReleaseError):
    """``current`` points at a release that is not there."""


@dataclass(frozen=True)
class Retention:
    """Which releases stay: the ``newest`` ones, those built within ``days``, and with ``last_of_day`` the last one of
    each day (market time) among those built as of their own moment. A release stays when any of these says so."""

    newest: int
    days: int
    last_of_day: bool


@dataclass(frozen=True)
class ReleaseRecord:
    """What a release is. Both moments carry a time zone; batch ids are sorted; the fingerprint covers settings.

    ``carried_over``: families of which it holds rows of an earlier release, because the new ones were refused.
    """

    release_id: str
    built_at: dt.datetime
    as_of: dt.datetime
    code_version: str
    settings_fingerprint: str
    input_batch_ids: tuple[str, ...]
    is_sample: bool
    duckdb_version: str
    dbt_version: str
    carried_over: tuple[str, ...] = ()

    def to_json(self) -> str:
        """The record as it is kept in the release's folder, so that listing opens no database."""
        plain: dict[str, Any] = asdict(self)
        for name in ("built_at", "as_of"):
            plain[name] = plain[name].astimezone(dt.UTC).isoformat()
        return json.dumps(plain, indent=1) + "\n"

    @staticmethod
    def from_json(text: str) -> ReleaseRecord:
        """The inverse of ``to_json``."""
        plain = json.loads(text)
        for name in ("built_at", "as_of"):
            plain[name] = dt.datetime.fromisoformat(plain[name])
        plain["input_batch_ids"] = tuple(plain["input_batch_ids"])
        plain["carried_over"] = tuple(plain.get("carried_over", ()))
        return ReleaseRecord(**plain)


def new_release_id(built_at: dt.datetime, as_of: dt.datetime, settings_fingerprint: str) -> str:
    """An id that sorts by build time: ``20261122T150136-1a2b3c4d`` (UTC, then a hash that tells twins apart)."""
    moment = built_at.astimezone(dt.UTC)
    identity = f"{moment.isoformat()} {as_of.astimezone(dt.UTC).isoformat()} {settings_fingerprint}"
    return f"{moment:%Y%m%dT%H%M%S}-{hashlib.sha256(identity.encode()).hexdigest()[:8]}"


def publish(home: Path, build: Path, record: ReleaseRecord, documents: Mapping[str, str]) -> Path:
    """Copy ``build``'s marts file into ``releases/<id>/`` with ``documents`` (file name -> text); return the folder.

    The release exists whole or not at all; ``current`` is not touched. Raises ``ReleaseError``.
    """
    return _explained("publish the release", lambda: _publish(home, build, record, documents))


def _publish(home: Path, build: Path, record: ReleaseRecord, documents: Mapping[str, str]) -> Path:
    target = home / RELEASES / record.release_id
    if target.exists():
        raise ReleaseError(f"release {record.release_id} exists already: {target}")
    clean_leftovers(home, build)
    marts = build / MARTS_FILE
    _checkpoint(marts)
    staging = build / f"{_STAGING}-{record.release_id}"
    staging.mkdir(parents=True)
    try:
        shutil.copyfile(marts, staging / MARTS_FILE)
        for name, text in {**documents, RECORD: record.to_json()}.items():
            (staging / name).write_text(text, encoding="utf-8")
        for file in staging.iterdir():
            file.chmod(0o444)
            sync(file)
        # Readers are other users too, whatever the umask of the run. Files cannot be changed; the folder can be
        # removed by its owner, as any folder.
        staging.chmod(0o755)
        sync(staging)
        make_folder(target.parent)
        staging.rename(target)
    except OSError:
        shutil.rmtree(staging, ignore_errors=True)  # a full disk needs the space back
        raise
    sync(target.parent)
    return target


def make_current(home: Path, release_id: str) -> ReleaseRecord:
    """Point ``current`` at a release, atomically. Raises ``ReleaseError``; then the link is as it was."""
    record = read_record(home, release_id)
    _explained("make the release current", lambda: _link(home, release_id))
    return record


def rollback(home: Path, release_id: str) -> ReleaseRecord:
    """Make a kept release current after a look at its file. Raises ``ReleaseError``."""
    read_record(home, release_id)
    file = home / RELEASES / release_id / MARTS_FILE
    try:
        duckdb.connect(str(file), read_only=True).close()
    except duckdb.Error as error:
        raise ReleaseError(f"release {release_id} cannot be opened: {str(error).splitlines()[0]}") from error
    return make_current(home, release_id)


def read_record(home: Path, release_id: str) -> ReleaseRecord:
    """The record of one release. Raises ``ReleaseError`` naming what is kept when there is no such release."""
    folder = home / RELEASES / release_id
    if not _ID.fullmatch(release_id) or not _is_release(folder):
        kept = ", ".join(record.release_id for record in list_releases(home)[:5]) or "none"
        raise ReleaseError(f"no release {release_id}; kept: {kept}")
    return _read(folder)


def list_releases(home: Path) -> list[ReleaseRecord]:
    """All releases, newest build first. Opens no database."""
    folder = home / RELEASES
    if not folder.is_dir():
        return []
    records = [_read(entry) for entry in folder.iterdir() if _is_release(entry)]
    return sorted(records, key=lambda record: (record.built_at, record.release_id), reverse=True)


def current_release(home: Path) -> ReleaseRecord | None:
    """The release that ``current`` points at; None before the first.

    Raises ``BrokenLinkError`` when that release is not there, ``ReleaseError`` when ``current`` is no link.
    """
    link = home / CURRENT
    if not os.path.lexists(link):
        return None
    if not link.is_symlink():
        raise ReleaseError(f"{link} is not a link: move it away, then `sector rollback ID`, or `sector run`")
    target = link.readlink()
    release_id = target.name
    if (home / target).absolute().parent != (home / RELEASES).absolute() or not _is_release(home / target):
        kept = list_releases(home)
        cure = f"`sector rollback {kept[0].release_id}` takes the newest kept, " if kept else ""
        raise BrokenLinkError(f"{link} points to {target}, which is no release: {cure}`sector run` makes a new one")
    return read_record(home, release_id)


def find(
    home: Path, as_of: dt.datetime, settings_fingerprint: str, input_batch_ids: tuple[str, ...] | None = None
) -> ReleaseRecord | None:
    """The newest release built as of that very moment with those settings (and, when given, those inputs)."""
    for record in list_releases(home):
        if (
            record.as_of == as_of
            and record.settings_fingerprint == settings_fingerprint
            and (input_batch_ids is None or record.input_batch_ids == input_batch_ids)
        ):
            return record
    return None


def clean_leftovers(home: Path, build: Path) -> None:
    """Remove what a run that died while publishing or removing left behind. Never touches a release."""
    if build.is_dir():
        for leftover in (*build.glob(f"{_STAGING}-*"), *build.glob(f"{_REMOVED}-*")):
            shutil.rmtree(leftover)
    (home / _LINK_STAGING).unlink(missing_ok=True)


# ------------------------------------------------------------------ what stays


def pinned(home: Path) -> frozenset[str]:
    """Ids of the releases that retention leaves alone."""
    folder = home / PINS
    return frozenset(path.name for path in folder.iterdir()) if folder.is_dir() else frozenset()


def pin(home: Path, release_id: str) -> ReleaseRecord:
    """Keep a release whatever retention says, until ``unpin``. Raises ``ReleaseError`` when it is not there."""
    record = read_record(home, release_id)
    _explained("pin the release", lambda: _pin(home / PINS / release_id))
    return record


def _pin(mark: Path) -> None:
    make_folder(mark.parent)
    mark.touch()
    sync(mark.parent)


def unpin(home: Path, release_id: str) -> ReleaseRecord:
    """Leave a release to retention again. Raises ``ReleaseError`` when there is no such release."""
    record = read_record(home, release_id)
    _explained("unpin the release", lambda: (home / PINS / release_id).unlink(missing_ok=True))
    return record


def outdated(
    records: Iterable[ReleaseRecord], retention: Retention, now: dt.datetime, protected: Collection[str]
) -> list[ReleaseRecord]:
    """Those of ``records`` that need not stay, oldest first; never one whose id is ``protected``."""
    newest_first = sorted(records, key=lambda record: (record.built_at, record.release_id), reverse=True)
    staying = {record.release_id for record in newest_first[: retention.newest]} | set(protected)
    days: set[dt.date] = set()
    for record in newest_first:
        day = record.built_at.astimezone(MARKET_ZONE).date()
        if retention.last_of_day and record.as_of == record.built_at and day not in days:
            days.add(day)
            staying.add(record.release_id)
    since = now - dt.timedelta(days=retention.days)
    return [r for r in reversed(newest_first) if r.release_id not in staying and r.built_at < since]


def retain(
    home: Path, build: Path, retention: Retention, now: dt.datetime, protected: Collection[str] = ()
) -> list[ReleaseRecord]:
    """Remove the releases that need not stay; give them, oldest first.

    Never the current release, a pinned one, or one of ``protected``; what readers have open stays theirs until they
    close it. Call it under the run lock. Raises ``ReleaseError``; a release is then there whole or not at all.
    """
    current = current_release(home)
    kept = {*protected, *pinned(home), *([current.release_id] if current else [])}
    going = outdated(list_releases(home), retention, now, kept)
    for record in going:
        _explained("remove an old release", partial(_remove, home, build, record.release_id))
    return going


def _remove(home: Path, build: Path, release_id: str) -> None:
    gone = build / f"{_REMOVED}-{release_id}"
    make_folder(build)
    (home / RELEASES / release_id).rename(gone)
    sync(home / RELEASES)
    shutil.rmtree(gone)


def size(home: Path, release_id: str) -> int:
    """Bytes of a release's files."""
    return sum(path.stat().st_size for path in (home / RELEASES / release_id).iterdir())


def _is_release(folder: Path) -> bool:
    """Whether a folder under ``releases/`` is a release, and a whole one."""
    return bool(_ID.fullmatch(folder.name)) and (folder / MARTS_FILE).is_file() and (folder / RECORD).is_file()


def _read(folder: Path) -> ReleaseRecord:
    try:
        return ReleaseRecord.from_json((folder / RECORD).read_text(encoding="utf-8"))
    except (ValueError, TypeError, KeyError) as error:
        raise ReleaseError(f"{folder / RECORD} cannot be read: {error}") from error


def _checkpoint(marts: Path) -> None:
    """Fold the log into the file and make sure that readers of today can open it."""
    if not marts.is_file():
        raise ReleaseError(f"{marts} is missing: nothing was built")
    try:
        con = duckdb.connect(str(marts))
    except duckdb.Error as error:
        raise ReleaseError(f"{marts} cannot be opened: {str(error).splitlines()[0]}") from error
    with con:
        con.execute("checkpoint")
        row = con.execute(
            "select tags['storage_version'] from duckdb_databases() where database_name = current_database()"
        ).fetchone()
    tag = str(row[0]) if row else "unknown"
    if tag.rstrip("+") != STORAGE_VERSION:
        raise ReleaseError(f"{marts} has storage version {tag}, BI tools of today read {STORAGE_VERSION}")
    log = marts.with_name(marts.name + ".wal")
    if log.exists():
        raise ReleaseError(f"{log} remained after the checkpoint: another process has the build file open")


def _link(home: Path, release_id: str) -> None:
    link = home / CURRENT
    if os.path.lexists(link) and not link.is_symlink():
        raise ReleaseError(f"{link} is not a link: move it away, then make the release current")
    staged = home / _LINK_STAGING
    staged.unlink(missing_ok=True)
    staged.symlink_to(Path(RELEASES) / release_id, target_is_directory=True)
    staged.replace(link)
    sync(home)


def _explained(action: str, work: Callable[[], T]) -> T:
    """Turn the disk's refusals into one sentence with the cure."""
    try:
        return work()
    except OSError as error:
        where = error.filename2 or error.filename or "the disk"
        cure = {
            errno.ENOSPC: "the disk is full: free space and run again",
            errno.EDQUOT: "the quota is used up: free space and run again",
            errno.EACCES: "permission denied: make the folder writable",
            errno.EPERM: "permission denied: make the folder writable",
            errno.EROFS: "the file system is read-only",
            errno.EXDEV: "build/ and releases/ must be on one file system",
        }.get(error.errno or 0, error.strerror or str(error))
        raise ReleaseError(f"could not {action}: {where}: {cure}; the current release is unchanged") from error
