"""Bytes to text: which encoding a text part is in (contracts R68).

A byte-order mark decides, else strict UTF-8, else the encodings that the table's dialects declare, in their order.
Nothing is ever decoded with replacement characters.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable
from typing import BinaryIO

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CHUNK = 1 << 20
_GB2312_SHARE = 0.9


def _decodes(opened: Callable[[], BinaryIO], encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    with opened() as stream:
        try:
            while chunk := stream.read(_CHUNK):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
    return True


def marked_encoding(opened: Callable[[], BinaryIO]) -> str | None:
    """The encoding that a byte-order mark names, None without one."""
    with opened() as stream:
        head = stream.read(4)
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding
    return None


def universal_encoding(opened: Callable[[], BinaryIO]) -> str | None:
    """The encoding that needs no dialect: that of the mark, or UTF-8 where every byte is. None: ask the dialects."""
    marked = marked_encoding(opened)
    if marked is not None:
        return marked if _decodes(opened, marked) else None
    return "utf-8" if _decodes(opened, "utf-8") else None


def is_plausible(opened: Callable[[], BinaryIO], encoding: str, *, alone: bool) -> bool:
    """Whether a declared encoding fits all the bytes.

    GB18030 takes almost any Latin-1 text without an error, turning ``é`` and the letter after it into a rare sign.
    Where a dialect declares another encoding beside it (``alone`` is false), GB18030 is taken only when its two-byte
    signs lie in the GB 2312 range, as those of Chinese text do.
    """
    if not _decodes(opened, encoding):
        return False
    if encoding != "gb18030" or alone:
        return True
    common = pairs = 0
    with opened() as stream:
        pending = b""
        while chunk := stream.read(_CHUNK):
            data, position = pending + chunk, 0
            while position < len(data) - 1:
                if data[position] < 0x81:
                    position += 1
                    continue
                pairs += 1
                common += 0xA1 <= data[position] <= 0xF7 and data[position + 1] >= 0xA1
                position += 2
            pending = data[position:]
    return pairs == 0 or common / pairs >= _GB2312_SHARE
