"""JSON read safely: numbers as they were delivered, no key twice, and lists item by item however long they are.

Knows nothing of tables: what an item means is decided in ``records``.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

_BLOCK = 1 << 20
_LONGEST_JOINT = 3
_BLANK = " \t\n\r\ufeff"


class JsonError(ValueError):
    """Text that is no JSON, or JSON that says two things."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise JsonError("an object names a key twice")
    return found


_DECODER = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=str, object_pairs_hook=_object)


def read_json(text: str) -> Any:
    """One JSON value, numbers as the text that was delivered. Raises ``JsonError``."""
    try:
        return _DECODER.decode(text.lstrip(_BLANK))
    except JsonError:
        raise
    except RecursionError:
        raise JsonError("nested too deeply") from None
    except ValueError as error:
        raise JsonError(str(error)) from None


def is_list(stream: io.TextIOBase) -> bool:
    """Whether the first character that is no blank opens a list. Moves the stream."""
    while block := stream.read(_BLOCK):
        if text := block.lstrip(_BLANK):
            return text.startswith("[")
    return False


def list_items(stream: io.TextIOBase, longest: int) -> Iterator[Any]:
    """The items of a document that is one list, each as ``read_json`` gives it; no more than one is held.

    ``longest``: characters that an item may have. Raises ``JsonError`` where the text stops being such a list; items
    before that place have been given by then.
    """
    buffer = _Window(stream)
    buffer.expect("[")
    if buffer.peek() == "]":
        buffer.expect("]")
    else:
        while True:
            yield buffer.item(longest)
            if buffer.peek() != ",":
                break
            buffer.expect(",")
        buffer.expect("]")
    if buffer.peek():
        raise JsonError(f"text behind the end of the list, at character {buffer.place}")


class _Window:
    """The part of a text that is being looked at; grows while an item needs it and drops what has been read."""

    def __init__(self, stream: io.TextIOBase) -> None:
        self._stream, self._text, self._at, self._dropped, self._ended = stream, "", 0, 0, False

    @property
    def place(self) -> int:
        return self._dropped + self._at

    def _grow(self, by: int) -> bool:
        block = "" if self._ended else self._stream.read(by)
        self._ended = self._ended or not block
        self._dropped += self._at
        self._text, self._at = self._text[self._at :] + block, 0
        return bool(block)

    def peek(self) -> str:
        """The next character that is no blank, "" at the end."""
        while True:
            while self._at < len(self._text):
                if self._text[self._at] not in _BLANK:
                    return self._text[self._at]
                self._at += 1
            if not self._grow(_BLOCK):
                return ""

    def expect(self, character: str) -> None:
        found = self.peek()
        if found != character:
            raise JsonError(f"expected {character!r} at character {self.place}, found {found or 'the end'!r}")
        self._at += 1

    def item(self, longest: int) -> Any:
        """The value that begins here."""
        self.peek()
        while True:
            try:
                value, end = _DECODER.raw_decode(self._text, self._at)
            except JsonError:
                raise
            except RecursionError:
                raise JsonError(f"nested too deeply, at character {self.place}") from None
            except ValueError as error:
                length = len(self._text) - self._at
                if length > longest:
                    raise JsonError(
                        f"an item of more than {longest} characters, or a quote that is not closed, "
                        f"at character {self.place}"
                    ) from None
                # the text may merely stop short: twice as much is tried, so that the work stays in proportion
                if not self._grow(max(length, _BLOCK)):
                    raise JsonError(f"{getattr(error, 'msg', error)}, at character {self.place}") from None
                continue
            # a number that ends near the end of the window may go on behind it: 1 of 1.5, 1 of 1e-5
            length = end - self._at
            if end > len(self._text) - _LONGEST_JOINT and self._grow(_BLOCK):
                continue
            self._at += length
            return value
