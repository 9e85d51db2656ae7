"""How large the pages of a Parquet file are, told by their headers alone.

A page is decompressed and decoded as one piece, however large, and pyarrow tells no page's size before it reads it: the
headers are walked here so that a file can be refused in time. Only sizes are read (``PageHeader`` of the format's
``parquet.thrift``, in Thrift's compact protocol). Does not belong here: values, and what is too large (``records``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

import pyarrow.parquet as pq

_MOST_PAGES = 100_000
_DICTIONARY_PAGE = 2
_DEEPEST = 8


class PageError(ValueError):
    """Bytes where a page's header should stand that are none."""


@dataclass(frozen=True)
class Page:
    """Sizes in bytes, as the header tells them."""

    is_dictionary: bool
    compressed: int
    uncompressed: int


def pages(stream: IO[bytes], column: pq.ColumnChunkMetaData) -> Iterator[Page]:
    """The pages of a column in a row group, in order. Moves the stream; raises ``PageError``."""
    dictionary = column.dictionary_page_offset if column.has_dictionary_page else None
    place = column.data_page_offset if dictionary is None else min(dictionary, column.data_page_offset)
    end, count = place + column.total_compressed_size, 0
    while place < end:
        count += 1
        if count > _MOST_PAGES:
            raise PageError(f"more than {_MOST_PAGES:,} pages of {column.path_in_schema} in a row group")
        stream.seek(place)
        sizes = _integers(stream)
        kind, uncompressed, compressed = (sizes.get(field, -1) for field in (1, 2, 3))
        if min(kind, uncompressed, compressed) < 0:
            raise PageError(f"no page header at byte {place}")
        yield Page(kind == _DICTIONARY_PAGE, compressed, uncompressed)
        place = stream.tell() + compressed


def _byte(stream: IO[bytes]) -> int:
    found = stream.read(1)
    if not found:
        raise PageError("a page header that is cut off")
    return found[0]


def _varint(stream: IO[bytes]) -> int:
    value = 0
    for shift in range(0, 70, 7):
        byte = _byte(stream)
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value
    raise PageError("a number without an end in a page header")


def _integers(stream: IO[bytes], depth: int = 0) -> dict[int, int]:
    """The integer fields of the struct that begins here, by field id; the stream stands behind it then."""
    found: dict[int, int] = {}
    field = 0
    while head := _byte(stream):
        step, kind = head >> 4, head & 0x0F
        field = field + step if step else _signed(_varint(stream))
        value = _skip(stream, kind, depth)
        if value is not None:
            found[field] = value
    return found


def _signed(zigzag: int) -> int:
    return (zigzag >> 1) ^ -(zigzag & 1)


def _skip(stream: IO[bytes], kind: int, depth: int) -> int | None:
    """Read over a value of one of Thrift's compact types; gives it where it is an integer."""
    if depth > _DEEPEST:
        raise PageError("a page header that is nested too deeply")
    match kind:
        case 1 | 2:  # a boolean is its own type
            return None
        case 3:
            _byte(stream)
        case 4 | 5 | 6:
            return _signed(_varint(stream))
        case 7:
            stream.seek(8, 1)
        case 8:
            stream.seek(_varint(stream), 1)
        case 12:
            _integers(stream, depth + 1)
        case _:  # no page header holds a list, a set or a map
            raise PageError("no page header")
    return None
