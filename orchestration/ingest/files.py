"""Landed files and the parts they hold: which names count, how a container is opened, what it may not do.

Belongs here: walking ``landing/``, archives, limits on expansion. Does not belong here: what the bytes of a part mean
(``decoding``, ``records``). Member names are labels only, never paths (contracts R65, R67).
"""

from __future__ import annotations

import errno
import fcntl
import gzip
import hashlib
import io
import os
import posixpath
import signal
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

TEXT_FORMATS = (".csv", ".tsv")
FORMATS = (*TEXT_FORMATS, ".json", ".jsonl", ".parquet", ".xlsx", ".xls")
TAR_ENDINGS = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
IGNORED_ENDINGS = (".part", ".tmp", ".crdownload")
IGNORED_BEGINNINGS = (".", "~$")

EXPANSION_LIMIT = 200
EXPANSION_BYTES = 2 * 1024**3
MAX_MEMBERS = 10_000
DAMAGE = (OSError, EOFError, zipfile.BadZipFile, RuntimeError, NotImplementedError, ValueError, zlib.error)
"""What the standard library raises on containers that are cut, damaged or made to harm."""

_MAGIC_OF_ARCHIVES = (b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b", b"7z\xbc\xaf\x27\x1c", b"Rar!", b"BZh", b"\xfd7zXZ")


class UnreadableError(Exception):
    """A file or part that cannot be read at all; the text says why and becomes the reason of its quarantine."""


@dataclass(frozen=True)
class LandedFile:
    """A file under ``landing/``: its table folder, its name relative to ``landing/``, and where it stands.

    ``is_closed_folder``: it is a folder that may not be listed; what lies in it is not known.
    """

    table: str
    name: str
    path: Path
    size: int
    mtime_ns: int
    is_closed_folder: bool = False


@dataclass(frozen=True)
class Part:
    """A readable stream of one format: the landed file itself or a member of a landed archive.

    ``label``: as shown in ``_file``. ``tokens``: names, nearest first, in which a code may stand (R61).
    """

    label: str
    format: str
    tokens: tuple[str, ...]
    open: Callable[[], BinaryIO]
    size: int


def is_ignored(name: str) -> bool:
    """Whether a name is that of an unfinished copy or an editor's file (R67)."""
    return name.startswith(IGNORED_BEGINNINGS) or name.lower().endswith(IGNORED_ENDINGS)


def printable(text: str) -> str:
    """A file name as text that every encoding can hold: bytes that are no UTF-8 are shown as escapes."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def walk(landing: Path, table: str | None = None) -> Iterator[LandedFile]:
    """Every landed file (of one table's folder) in a stable order; links and ignored names are left out, folders are
    never followed out. A folder below ``landing`` that may not be listed comes in place of what lies in it.

    Raises ``OSError`` when ``landing`` itself may not be listed.
    """
    top = landing if table is None else landing / table
    if not top.is_dir() or top.is_symlink():
        return
    if not _may_be_listed(top):
        if top == landing:
            raise PermissionError(errno.EACCES, "landing may not be listed: give read and search permission", str(top))
        yield _closed(landing, top)
        return
    for root, folders, names in os.walk(top, followlinks=False):
        below = sorted(f for f in folders if not is_ignored(f) and not Path(root, f).is_symlink())
        folders[:] = [f for f in below if _may_be_listed(Path(root, f))]
        yield from (_closed(landing, Path(root, f)) for f in below if f not in folders)
        for name in sorted(names):
            path = Path(root, name)
            try:
                if is_ignored(name) or path.is_symlink() or not path.is_file():
                    continue
                found = path.stat()
            except FileNotFoundError:  # taken away since the folder was listed
                continue
            relative = path.relative_to(landing)
            table = relative.parts[0] if len(relative.parts) > 1 else ""
            yield LandedFile(table, printable(relative.as_posix()), path, found.st_size, found.st_mtime_ns)


def _may_be_listed(folder: Path) -> bool:
    return os.access(folder, os.R_OK | os.X_OK)


def _closed(landing: Path, folder: Path) -> LandedFile:
    relative, found = folder.relative_to(landing), folder.stat()
    name = f"{printable(relative.as_posix())}/"
    return LandedFile(relative.parts[0], name, folder, found.st_size, found.st_mtime_ns, is_closed_folder=True)


def is_being_written(path: Path) -> bool:
    """Whether some process has the file open for writing now.

    The kernel refuses a read lease on such a file. Where it gives none for another reason (a network folder, another
    owner's file, a system without leases) nobody is seen writing: ``has_changed`` is the second guard.
    """
    if not hasattr(fcntl, "F_SETLEASE"):
        return False
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        # a writer that comes while the lease is held makes the kernel send a signal: one that nobody minds
        fcntl.fcntl(handle, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(handle, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(handle, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except OSError as error:
        return error.errno == errno.EAGAIN
    finally:
        os.close(handle)
    return False


def has_changed(landed: LandedFile) -> bool:
    """Whether a file is no longer what it was when the folder was listed."""
    try:
        found = landed.path.stat()
    except FileNotFoundError:
        return True
    return (found.st_size, found.st_mtime_ns) != (landed.size, landed.mtime_ns)


def why_left(landed: LandedFile) -> str:
    """Why a file cannot be judged now and is left for the next run; "" when nothing speaks against reading it."""
    if has_changed(landed):
        return "gone" if not landed.path.exists() else "still changing"
    return "being written" if is_being_written(landed.path) else ""


def sha256(path: Path) -> str:
    """Identity of a file's bytes (R14)."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def format_of(name: str) -> str | None:
    """The format that a name ends with; ``.gz`` of a text format counts as that format. None: unknown."""
    lowered = name.lower()
    if lowered.endswith(".zip"):
        return ".zip"
    if lowered.endswith(".gz"):
        inner = PurePosixPath(lowered[: -len(".gz")]).suffix
        return f"{inner}.gz" if inner in (*TEXT_FORMATS, ".json", ".jsonl") else None
    suffix = PurePosixPath(lowered).suffix
    return suffix if suffix in FORMATS else None


def stem(name: str) -> str:
    """File name without its known endings."""
    base = posixpath.basename(name)
    for ending in (".gz", ".zip", *FORMATS):
        if base.lower().endswith(ending):
            base = base[: -len(ending)]
    return base


class _LimitedStream(io.RawIOBase):
    """Passes a decompressor's bytes on and refuses more than the limits allow."""

    def __init__(self, inner: BinaryIO, compressed: int, label: str) -> None:
        self._inner, self._label = inner, label
        self._left = min(max(compressed, 1) * EXPANSION_LIMIT, EXPANSION_BYTES)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        try:
            data = self._inner.read(len(buffer))
        except DAMAGE as error:
            raise UnreadableError(f"{self._label} cannot be expanded: {error}") from error
        self._left -= len(data)
        if self._left < 0:
            raise UnreadableError(
                f"{self._label} expands to more than {EXPANSION_LIMIT} times its size or 2 GiB: not read"
            )
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._inner.close()
        super().close()


def _limited(inner: BinaryIO, compressed: int, label: str) -> BinaryIO:
    return io.BufferedReader(_LimitedStream(inner, compressed, label), 1 << 16)


def _gunzip(opened: Callable[[], BinaryIO], size: int, label: str) -> Callable[[], BinaryIO]:
    def open_expanded() -> BinaryIO:
        return _limited(gzip.GzipFile(fileobj=opened(), mode="rb"), size, label)  # type: ignore[arg-type]

    return open_expanded


def _climbs(name: str) -> bool:
    unified = name.replace("\\", "/")
    return unified.startswith("/") or ":" in unified.split("/")[0] or ".." in unified.split("/")


def _check_expansion(path: Path, infos: list[zipfile.ZipInfo]) -> None:
    expanded = sum(info.file_size for info in infos)
    if expanded > EXPANSION_BYTES or expanded > EXPANSION_LIMIT * max(path.stat().st_size, 1):
        raise UnreadableError(f"expands to {expanded} bytes, more than {EXPANSION_LIMIT} times its size or 2 GiB")


def check_workbook(path_or_stream: Path | BinaryIO, size: int) -> None:
    """Refuse an xlsx container that lies about its size or expands too far."""
    try:
        with zipfile.ZipFile(path_or_stream) as archive:
            expanded = sum(info.file_size for info in archive.infolist())
    except DAMAGE as error:
        raise UnreadableError(f"not a workbook: {error}") from error
    if expanded > EXPANSION_BYTES or expanded > EXPANSION_LIMIT * max(size, 1):
        raise UnreadableError(f"workbook expands to {expanded} bytes, more than {EXPANSION_LIMIT} times its size")


def _check_members(landed: LandedFile, archive: zipfile.ZipFile, infos: list[zipfile.ZipInfo]) -> None:
    """Refuse the archive for any member that does harm or hides something, before one of them is read (R65)."""
    names: set[str] = set()
    for info in infos:
        name = printable(info.filename)
        if _climbs(info.filename):
            raise UnreadableError(f"member {name!r} climbs out of the archive or is absolute")
        if info.flag_bits & 0x1:
            raise UnreadableError(f"member {name!r} is encrypted")
        if name in names:
            raise UnreadableError(f"member {name!r} is there twice")
        names.add(name)
    _check_expansion(landed.path, infos)
    for info in infos:
        if is_ignored(posixpath.basename(info.filename)):
            continue
        found = format_of(info.filename)
        try:
            with archive.open(info) as handle:
                head = handle.read(6)
        except DAMAGE as error:
            raise UnreadableError(f"member {printable(info.filename)!r} cannot be read: {error}") from error
        holds_archive = found in (".xlsx", ".xls") or (found or "").endswith(".gz")
        if found == ".zip" or (head.startswith(_MAGIC_OF_ARCHIVES) and not holds_archive):
            raise UnreadableError(f"member {printable(info.filename)!r} is itself an archive")


def _zip_parts(landed: LandedFile) -> Iterator[Part | tuple[str, UnreadableError]]:
    try:
        archive = zipfile.ZipFile(landed.path)
    except DAMAGE as error:
        raise UnreadableError(f"not a readable zip archive: {error}") from error
    # One archive for all its members: each opening reads the whole directory again. It closes with the last part.
    if len(archive.infolist()) > MAX_MEMBERS:
        raise UnreadableError(f"{len(archive.infolist())} members, more than {MAX_MEMBERS}")
    infos = [info for info in archive.infolist() if not info.is_dir()]
    _check_members(landed, archive, infos)
    readable = [info for info in infos if not is_ignored(posixpath.basename(info.filename))]
    if not readable:
        raise UnreadableError("archive holds no file")
    for info in readable:
        member = printable(info.filename)
        label = f"{landed.name}!{member}"
        found = format_of(info.filename)
        if stat.S_ISLNK(info.external_attr >> 16):
            yield label, UnreadableError(f"member {member!r} is a link")
            continue
        if found is None:
            yield label, UnreadableError(f"member {member!r} has an unknown extension: expected {', '.join(FORMATS)}")
            continue

        def open_member(info: zipfile.ZipInfo = info, label: str = label) -> BinaryIO:
            try:
                return _limited(archive.open(info), info.compress_size, label)  # type: ignore[arg-type]
            except DAMAGE as error:
                raise UnreadableError(f"{label} cannot be expanded: {error}") from error

        opened: Callable[[], BinaryIO] = open_member
        if found.endswith(".gz"):
            opened = _gunzip(open_member, info.file_size, label)
        folder = posixpath.basename(posixpath.dirname(member))
        tokens = tuple(t for t in (stem(member), folder, stem(landed.name)) if t)
        yield Part(label, found.removesuffix(".gz"), tokens, opened, info.file_size)


def parts(landed: LandedFile) -> Iterator[Part | tuple[str, UnreadableError]]:
    """The streams of a landed file; a member that cannot be taken comes as (label, error) and the others go on.

    Raises ``UnreadableError`` when the file as a whole is refused.
    """
    if landed.is_closed_folder:
        raise UnreadableError("the folder may not be listed: nothing in it was read; give read and search permission")
    found = format_of(landed.name)
    if found is None and landed.name.lower().endswith(TAR_ENDINGS):
        raise UnreadableError(
            "a tar archive is not read: Crunchbase's CSV export goes by `sector fetch crunchbase.bulk_export --from "
            "FILE`; unpack any other and put each file into the folder of its table under landing/"
        )
    if found is None:
        raise UnreadableError(f"unknown extension: expected {', '.join((*FORMATS, '.csv.gz', '.zip'))}")
    if landed.size == 0:
        raise UnreadableError("the file is empty (0 bytes)")
    if found == ".zip":
        yield from _zip_parts(landed)
        return
    folder = posixpath.basename(posixpath.dirname(landed.name))
    tokens = (stem(landed.name),) if folder == landed.table else (stem(landed.name), folder)
    opened: Callable[[], BinaryIO] = lambda: landed.path.open("rb")  # noqa: E731
    if found.endswith(".gz"):
        opened = _gunzip(opened, landed.size, landed.name)
    yield Part(landed.name, found.removesuffix(".gz"), tokens, opened, landed.size)
