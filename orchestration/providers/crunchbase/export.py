"""The CSV export: one archive (``.tar.gz``) of everything, of which the files of known tables land.

Belongs here: fetching the archive, or taking one that lies here already, and what may come out of it. Does not belong
here: what the columns mean (``orchestration.dialects`` knows those of today and of 2016).

The archive is gigabytes and never in memory: it is downloaded into the spool folder, read once as a stream, and its
files are written beside it. They are handed over when all of the archive has been read and its check sum is right, so
that nothing lands of one that is cut or damaged. Each lands as a plain CSV with its bytes unchanged; the limit of
2 GiB for archives in landing (contracts R65) is therefore not theirs. What else R65 asks of an archive is asked of this
one too: names of members are never paths, and one that climbs, is absolute or a link refuses all of it, as does an
expansion of over 200 times.

Source of the address and of its ``user_key``: clients of the export by others (2020 to 2024, all alike); the provider's
own page on it is behind its login.
"""

from __future__ import annotations

import csv
import gzip
import io
import posixpath
import shutil
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO, cast

from orchestration.providers.crunchbase.access import PROVIDER, licence_named, user_key
from orchestration.providers.delivery import Delivery, MalformedError, RefusedError, Wanted
from orchestration.providers.transport import Transport, first_words, page_title

EXPORT = "https://api.crunchbase.com/bulk/v4/bulk_export.tar.gz"

MEMBERS = {"funding_rounds.csv": "funding_rounds", "organizations.csv": "organizations"}
"""Exact base names of members, and their tables. The others (people, investors, …) are no raw table."""

MOST_MEMBERS = 10_000
EXPANSION = 200
LEAST_EXPANSION = 16 * 1024**2
"""An archive may expand to so many times its size, and to so many bytes however small it is (R65)."""

COPIED = 1024**2

_DAMAGE = (tarfile.TarError, EOFError, OSError, zlib.error)
"""What the standard library raises on archives that are cut or damaged."""


def unreadable_file(wanted: Wanted) -> str | None:
    """Why the file that is to be read cannot be."""
    if wanted.file is None or wanted.file.is_file():
        return None
    return f"finds no file {wanted.file}: give the path of a bulk_export.tar.gz"


def deliver_export(transport: Transport, wanted: Wanted) -> Iterator[Delivery]:
    """The ``deliver`` of the dataset: a delivery for each table of the archive.

    Raises ``RefusedError`` without key or licence, ``MalformedError`` when the archive is none, or cut, or holds what
    no archive should: it is thrown away then, and the next fetch begins anew. A file of one's own stays where it is.
    """
    if transport.spool is None:
        raise RefusedError(f"{PROVIDER}: no folder to read the export in")
    if wanted.file is not None:
        yield from _delivered(wanted.file, transport.spool, f"{PROVIDER}: {wanted.file.name}")
        return
    asked = f"{PROVIDER}: CSV export"
    with licence_named():
        archive = transport.download(
            PROVIDER,
            EXPORT,
            "crunchbase-bulk_export.tar.gz",
            params={"user_key": user_key()},
            accept=lambda head: _require_gzip(head, asked),
        )
    try:
        yield from _delivered(archive, transport.spool, asked, must=tuple(MEMBERS))
    finally:
        archive.unlink(missing_ok=True)


def _delivered(archive: Path, spool: Path, asked: str, must: tuple[str, ...] = ()) -> Iterator[Delivery]:
    """``must``: files without which an archive is not whole; one of the known ones is always asked for."""
    found: list[_Member] = []
    try:
        names = unpack(archive, spool, asked, found)
        if not found or {*must} - {member.name for member in found}:
            raise MalformedError(
                f"{asked}: expected {' and '.join(must) or ' or '.join(MEMBERS)}, found "
                f"{', '.join(names[:10]) or 'an archive without a file'}"
            )
        for member in found:
            yield Delivery(
                table=MEMBERS[member.name],
                name=f"bulk_export/{member.name}",
                content=member.path,
                rows=member.rows,
                asked=f"{asked}: {member.name}",
                columns=member.columns,
            )
    finally:
        for member in found:
            member.path.unlink(missing_ok=True)


@dataclass(frozen=True)
class _Member:
    """A file of the archive, unpacked at ``path``."""

    name: str
    path: Path
    rows: int = 0
    columns: tuple[str, ...] = ()


def unpack(archive: Path, spool: Path, asked: str, found: list[_Member]) -> list[str]:
    """Write the files of known tables into ``spool`` and add them to ``found``, in the order of the archive.

    Reads the archive once, to its end. Gives the names of all its members. Raises ``MalformedError`` when it is not
    whole or holds what it should not, ``RefusedError`` when there is no room; ``found`` has then what the caller has to
    throw away.
    """
    spool.mkdir(parents=True, exist_ok=True)
    names: list[str] = []
    try:
        with archive.open("rb") as packed:
            _require_gzip(packed.read(512), asked)
            packed.seek(0)
            stream = _Expanding(gzip.GzipFile(fileobj=packed), archive.stat().st_size, asked)
            with tarfile.open(fileobj=cast("IO[bytes]", stream), mode="r|", bufsize=COPIED) as opened:
                for member in opened:
                    names.append(member.name)
                    _require_harmless(member, len(names), asked)
                    name = posixpath.basename(member.name)
                    if member.isfile() and name in MEMBERS:
                        _require_once(name, found, asked)
                        _require_space(member, spool, asked)
                        path = spool / f"crunchbase-{name}.part"
                        found.append(_Member(name, path))
                        found[-1] = _copied(cast("IO[bytes]", opened.extractfile(member)), path, name, asked)
            # the check sum stands at the end
            while stream.read(COPIED):
                pass
    except _DAMAGE as error:
        if isinstance(error, OSError) and not isinstance(error, gzip.BadGzipFile):
            raise RefusedError(f"{asked}: {error.strerror or error}: see {spool} and {archive}") from None
        raise MalformedError(f"{asked}: the archive is cut or damaged ({error}): nothing of it landed") from None
    return names


def _require_gzip(head: bytes, asked: str) -> None:
    if head.startswith(b"\x1f\x8b"):
        return
    if not head:
        raise MalformedError(f"{asked}: expected a gzip archive, found no bytes")
    title = page_title(head)
    words = f"an HTML page titled {title!r}" if title is not None else repr(first_words(head))
    raise MalformedError(f"{asked}: expected a gzip archive, found {words}")


class _Expanding:
    """What comes out of an archive, up to its limit."""

    def __init__(self, inner: BinaryIO | gzip.GzipFile, compressed: int, asked: str) -> None:
        self._inner, self._asked = inner, asked
        self._left = max(EXPANSION * compressed, LEAST_EXPANSION)

    def read(self, size: int) -> bytes:
        content = self._inner.read(size)
        self._left -= len(content)
        if self._left < 0:
            raise MalformedError(f"{self._asked}: expands to more than {EXPANSION} times its size: not read")
        return content


def _require_harmless(member: tarfile.TarInfo, number: int, asked: str) -> None:
    unified = member.name.replace("\\", "/")
    if number > MOST_MEMBERS:
        raise MalformedError(f"{asked}: more than {MOST_MEMBERS:,} members")
    if unified.startswith("/") or ":" in unified.split("/")[0] or ".." in unified.split("/"):
        raise MalformedError(f"{asked}: member {member.name!r} climbs out of the archive or is absolute: not read")
    if not (member.isfile() or member.isdir()):
        raise MalformedError(f"{asked}: member {member.name!r} is a link or a device: not read")


def _require_once(name: str, found: list[_Member], asked: str) -> None:
    if any(member.name == name for member in found):
        raise MalformedError(f"{asked}: {name} is there twice: nobody can say which one counts")


def _require_space(member: tarfile.TarInfo, spool: Path, asked: str) -> None:
    free = shutil.disk_usage(spool).free
    if member.size > free:
        raise RefusedError(f"{asked}: {member.name} has {member.size:,} bytes, {free:,} are free: make room")


def _copied(content: IO[bytes], path: Path, name: str, asked: str) -> _Member:
    """Write a member to ``path``, counting its records: line ends outside of quotes, less the header's."""
    head, ends, is_quoted, last = b"", 0, False, b""
    with path.open("wb") as target:
        while chunk := content.read(COPIED):
            if b"\n" not in head:
                head += chunk
            pieces = chunk.split(b'"')
            ends += sum(piece.count(b"\n") for piece in pieces[is_quoted::2])
            is_quoted ^= len(pieces) % 2 == 0
            last = chunk[-1:]
            target.write(chunk)
    rows = ends + (last not in (b"\n", b"")) - 1
    header = head.partition(b"\n")[0].decode("utf-8-sig", "replace")
    if rows < 1:
        raise MalformedError(f"{asked}: {name} holds no record: an export always has some")
    return _Member(name, path, rows, tuple(next(csv.reader(io.StringIO(header)), ())))
