"""Bytes to text: which encoding a text part is in (contracts R68), and whether the text has come through whole.

A byte-order mark decides, else strict UTF-8, else the encodings that the table's dialects declare, in their order.
Nothing is ever decoded with replacement characters. Several encodings take almost any bytes without an error, so a
declared one has to read like text: what is decided is right, or the file is refused.
"""

from __future__ import annotations

import codecs
import re
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
_JUDGED = 4 << 20
"""Bytes from which a declared encoding is judged."""
_GB2312_SHARE = 0.9
_HEAD = 4096


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


def lacks_mark(opened: Callable[[], BinaryIO]) -> bool:
    """Whether the bytes look like UTF-16 or UTF-32 without a byte-order mark: every other one of the beginning is 0."""
    with opened() as stream:
        head = stream.read(_HEAD)
    halves = (head[0::2], head[1::2])
    return len(head) >= 4 and max(half.count(0) / len(half) for half in halves) > 0.4 and head.strip(b"\0") != b""


def is_plausible(opened: Callable[[], BinaryIO], encoding: str, *, alone: bool) -> bool:
    """Whether a declared encoding fits all the bytes and reads like text.

    GB18030 takes almost any Latin-1 text without an error, turning ``é`` and the letter after it into a rare sign.
    Where a dialect declares another encoding beside it (``alone`` is false), GB18030 is taken only when its two-byte
    signs lie in the GB 2312 range, as those of Chinese text do. It takes Big5 and Shift-JIS too: it is not taken where
    they read the bytes better. Latin-1 and MacRoman take all bytes; Latin-1 has no letters from 0x80 to 0x9F.
    """
    if not _decodes(opened, encoding):
        return False
    with opened() as stream:
        data = stream.read(_JUDGED)
    if codecs.lookup(encoding).name == "iso8859-1":
        return re.search(rb"[\x80-\x9f]", data) is None
    if encoding != "gb18030":
        return True
    pairs = _double_bytes(data)
    if not pairs:
        return True
    if not alone and sum(_is_gb2312(*pair) for pair in pairs) / len(pairs) < _GB2312_SHARE:
        return False
    return _share(pairs, _gb_weight) >= max(_rival(data, "big5", _big5_weight), _rival(data, "shift_jis", _sjis_weight))


def _double_bytes(data: bytes) -> list[tuple[int, int]]:
    """The two-byte signs of GBK, Big5 and Shift-JIS alike: a byte from 0x81 and the one behind it."""
    found, position = [], 0
    while position < len(data) - 1:
        if data[position] < 0x81:
            position += 1
            continue
        found.append((data[position], data[position + 1]))
        position += 2
    return found


def _is_gb2312(lead: int, trail: int) -> bool:
    return 0xA1 <= lead <= 0xF7 and trail >= 0xA1


def _gb_weight(lead: int, trail: int) -> float:
    """How common a sign of GBK is: the 3,755 of daily use, the rest of GB 2312, traditional and rare ones, none."""
    if 0xB0 <= lead <= 0xD7 and trail >= 0xA1:
        return 1.0
    if (0xAA <= lead <= 0xAF or lead >= 0xF8) and trail >= 0xA1:
        return -1.0  # the private area: no text has it
    return 0.8 if _is_gb2312(lead, trail) else 0.3


def _big5_weight(lead: int, trail: int) -> float:
    """How common a sign of Big5 is: the 5,401 of daily use, punctuation, the rest."""
    return 1.0 if 0xA4 <= lead <= 0xC6 else 0.8 if 0xA1 <= lead <= 0xA3 else 0.3


def _sjis_weight(lead: int, trail: int) -> float:
    """How common a sign of Shift-JIS is: kana, the 2,965 signs of daily use, the rest."""
    kana = (lead == 0x82 and 0x9F <= trail <= 0xF1) or (lead == 0x83 and trail <= 0x96) or lead == 0x81
    return 1.0 if kana else 0.9 if 0x88 <= lead <= 0x97 else 0.2


def _share(pairs: list[tuple[int, int]], weight: Callable[[int, int], float]) -> float:
    return sum(weight(*pair) for pair in pairs) / len(pairs)


def _rival(data: bytes, encoding: str, weight: Callable[[int, int], float]) -> float:
    """How well another encoding reads the bytes, 0 where it cannot; the end may be cut off."""
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    try:
        decoder.decode(data)
    except UnicodeDecodeError:
        return 0.0
    return _share(_double_bytes(data), weight)


# ------------------------------------------------------------------ text that was read wrongly before it came here

_RUNS = re.compile(r"[^\x00-\x7f]{2,}")
_CHINESE = re.compile("[一-鿿]")
_JUDGED_RUNS = 2_000
_LEAST_CHARACTERS = 6


def misread(text: str) -> str:
    """How a text was decoded wrongly and saved again before it came here, in words; "" when it looks whole.

    UTF-8 that was read as GB18030 or Latin-1, and GB18030 that was read as Latin-1, can be told: taken back, most of
    the signs make Chinese or accented text, which chance does not.
    """
    runs = _RUNS.findall(text)[:_JUDGED_RUNS]
    characters = sum(map(len, runs))
    if characters < _LEAST_CHARACTERS:
        return ""
    for words, taken_back in _WAYS:
        if sum(len(run) for run in runs if taken_back(run)) > characters / 2:
            return words
    return ""


def _recoded(run: str, written: str, read: str) -> str:
    try:
        return run.encode(written).decode(read)
    except UnicodeError:
        return ""


def _utf8_as_gb(run: str) -> bool:
    # an odd last byte took the character behind the run with it, or became a sign of its own
    return any(_CHINESE.search(_recoded(part, "gb18030", "utf-8")) for part in (run, run[:-1]) if part)


def _utf8_as_latin(run: str) -> bool:
    return bool(_recoded(run, "latin-1", "utf-8") or _recoded(run, "cp1252", "utf-8"))


def _gb_as_latin(run: str) -> bool:
    if len(run) < 4 or len(run) % 2:
        return False
    found = _recoded(run, "latin-1", "gb2312") or _recoded(run, "cp1252", "gb2312")
    return len(_CHINESE.findall(found)) > len(found) / 2


_WAYS: tuple[tuple[str, Callable[[str], bool]], ...] = (
    ("UTF-8 that was read as GB18030", _utf8_as_gb),
    ("UTF-8 that was read as Latin-1", _utf8_as_latin),
    ("GB18030 that was read as Latin-1", _gb_as_latin),
)
