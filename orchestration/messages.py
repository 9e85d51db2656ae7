"""Errors in one line with their cure, for the command line and the outcome of a run."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

FULL_DISK = "the disk is full: free some space, then run again (nothing was published)"

WORDS_FOR_FULL = ("No space left on device", "database or disk is full", "Disk quota exceeded")

FULL_BELOW = 4 * 1024**2
"""Bytes. With less, what fails fails for lack of space, whatever it says (SQLite: "disk I/O error")."""


def is_full(folder: Path) -> bool:
    """Whether the disk under ``folder`` has no room left."""
    return folder.exists() and shutil.disk_usage(folder).free < FULL_BELOW


def one_line(error: BaseException, home: Path | None = None) -> str:
    """An exception as one line that says what to do where the system's own words do not.

    ``home``: the folder whose full disk may be behind an error that says something else.
    """
    text = " ".join(str(error).split())
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return FULL_DISK
    if any(words in text for words in WORDS_FOR_FULL) or (home is not None and is_full(home)):
        return FULL_DISK
    if isinstance(error, FileNotFoundError) and error.filename:
        return f"{error.filename} cannot be made or found: set SECTOR_HOME to a folder you can write"
    if isinstance(error, PermissionError):
        return f"{error.filename or error} is not writable for you: give access to it, or set SECTOR_HOME"
    if isinstance(error, OSError) and error.errno == errno.EROFS:
        return f"{error.filename or error} lies on a read-only file system: set SECTOR_HOME to a folder you can write"
    if isinstance(error, (NotADirectoryError, FileExistsError)) and error.filename:
        return f"{error.filename} is in the way, a folder is expected there: move it, or set SECTOR_HOME"
    return text or type(error).__name__
