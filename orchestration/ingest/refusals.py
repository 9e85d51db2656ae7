"""Refused lines of a batch, packed: a file of millions of bad lines must not cost gigabytes of Python objects.

Belongs here: how they are held until they are written. Does not belong here: why a line is refused (``records``,
``typing``), the file they are written to (``store``).
"""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa

_SCHEMA = pa.schema([("row_number", pa.int64()), ("reason", pa.string()), ("raw_text", pa.string())])
_PACKED_AT = 10_000
"""Lines that are held as objects (measured: 900 bytes each as objects, 60 packed)."""


class Refusals:
    """Lines as (row number, raw text, reason); a row number of None stands for the whole file."""

    def __init__(self, lines: Iterable[tuple[int | None, str, str]] = ()) -> None:
        self._packed: list[pa.Table] = []
        self._loose: list[tuple[int | None, str, str]] = []
        self._count = 0
        self.add(lines)

    def add(self, lines: Iterable[tuple[int | None, str, str]]) -> None:
        """Take lines in, in any order."""
        for line in lines:
            self._loose.append(line)
            self._count += 1
            if len(self._loose) >= _PACKED_AT:
                self._pack()

    def __len__(self) -> int:
        return self._count

    def _pack(self) -> None:
        rows, raw, reasons = zip(*self._loose, strict=True)
        readable = [text.encode("utf-8", "backslashreplace").decode() for text in raw]
        self._packed.append(pa.table([list(rows), list(reasons), readable], schema=_SCHEMA))
        self._loose = []

    def table(self) -> pa.Table:
        """Columns row_number, reason, raw_text, in the order of the file; what has no row number comes last."""
        if self._loose:
            self._pack()
        return pa.concat_tables([_SCHEMA.empty_table(), *self._packed]).sort_by("row_number")
