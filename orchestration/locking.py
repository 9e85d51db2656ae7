"""One run at a time: the lock that a run holds from its first look at ``landing/`` to its last write.

Belongs here: taking the lock, saying who has it. Does not belong here: what is done under it. The kernel frees the
lock when its process ends, however it ends, so a lock is never stale; the note about its owner beside it may be.
"""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout


class BusyError(Exception):
    """Another run holds the lock."""


@dataclass(frozen=True)
class Owner:
    """Who took the lock last: process id and moment (UTC)."""

    pid: int
    since: dt.datetime

    @property
    def is_alive(self) -> bool:
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return True


def owner_file(lock: Path) -> Path:
    """Where the owner of ``lock`` is written (the lock file itself is truncated by whoever tries it)."""
    return lock.with_name(f"{lock.name}.owner")


def read_owner(lock: Path) -> Owner | None:
    """The owner noted beside ``lock``; None when there is none or the note cannot be read."""
    try:
        note = json.loads(owner_file(lock).read_text(encoding="utf-8"))
        return Owner(int(note["pid"]), dt.datetime.fromisoformat(note["since"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


SECONDS_OF_A_LOOK = 1.0
"""Whoever asks whether the lock is held takes it for a moment: a run waits so long before it calls that another run."""


def _lock(path: Path) -> FileLock:
    return FileLock(path, timeout=0, is_singleton=True, thread_local=False)


@contextmanager
def run_lock(path: Path) -> Iterator[Owner | None]:
    """Hold the run lock at ``path``; reentrant within one process. Gives the owner before, if it died holding it.

    Raises ``BusyError`` when another process holds it, ``OSError`` when the file cannot be written.
    """
    lock = _lock(path)
    try:
        lock.acquire(timeout=SECONDS_OF_A_LOOK)
    except Timeout:
        owner = read_owner(path)
        who = f"process {owner.pid}, since {owner.since:%Y-%m-%d %H:%M:%S} UTC" if owner else "another process"
        raise BusyError(f"another run is in progress ({who}): wait for it to end, then run again") from None
    try:
        died = read_owner(path) if lock.lock_counter == 1 else None
        note = {"pid": os.getpid(), "since": dt.datetime.now(dt.UTC).isoformat()}
        owner_file(path).write_text(json.dumps(note), encoding="utf-8")
        yield died
    finally:
        if lock.lock_counter == 1:
            owner_file(path).unlink(missing_ok=True)
        lock.release()


def is_held(path: Path) -> bool:
    """Whether some process (this one included) holds the lock now; takes nothing, leaves nothing."""
    if not path.exists():
        return False
    lock = _lock(path)
    if lock.is_locked:
        return True
    try:
        lock.acquire()
    except Timeout:
        return True
    lock.release()
    return False
