"""Errors in one line with their cure, for the command line and the outcome of a run."""

from __future__ import annotations

import errno

FULL_DISK = ("No space left on device", "database or disk is full", "Disk quota exceeded")


def one_line(error: BaseException) -> str:
    """An exception as one line that says what to do where the system's own words do not."""
    text = " ".join(str(error).split())
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "the disk is full: free some space, then run again (nothing was published)"
    if any(words in text for words in FULL_DISK):
        return "the disk is full: free some space, then run again (nothing was published)"
    if isinstance(error, PermissionError):
        return f"{error.filename or error} is not writable for you: give access to it, or set SECTOR_HOME"
    if isinstance(error, OSError) and error.errno == errno.EROFS:
        return f"{error.filename or error} lies on a read-only file system: set SECTOR_HOME to a folder you can write"
    if isinstance(error, (NotADirectoryError, FileExistsError)) and error.filename:
        return f"{error.filename} is in the way, a folder is expected there: move it, or set SECTOR_HOME"
    return text or type(error).__name__
