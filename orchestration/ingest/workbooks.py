"""Workbooks to rows of text cells, sheet by sheet; a sheet is streamed, never held.

Belongs here: the containers and cells of ``.xlsx`` and ``.xls``. Does not belong here: which row is the header and what
a row means (``records``). openpyxl reads what a workbook says about its sheets and number formats; the sheets
themselves are parsed here, because what they claim (a row two thousand million lines down, a column far to the right)
must cost nothing, and because a formula whose value was never stored has to be told from an empty cell.
"""

from __future__ import annotations

import io
import re
import warnings
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO, Any
from xml.parsers import expat

from orchestration.ingest.files import DAMAGE, Part, UnreadableError, check_workbook

MAX_SHEETS = 1_000
MAX_COLUMNS = 2_000
MAX_ROWS, MAX_COLUMN = 1_048_576, 16_384
"""Rows and columns of the largest sheet that any spreadsheet program writes."""
MAX_XLS = 64 << 20
"""Bytes. The format holds 65,536 rows of 256 columns; a larger file is none of a person's."""
_MAGIC_OF_XLS = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_MAX_PLAIN_PART = 32 << 20
_MAX_STRINGS = 256 << 20
_BLOCK = 1 << 16

ERROR_VALUE, NO_STORED_VALUE = (
    "a cell holds an error value",
    "a formula without a stored value: open and save the workbook",
)


@dataclass(frozen=True)
class SheetRow:
    """A row as it stands: its number, its cells as text or typed values, and why it can be no record, if so."""

    number: int
    cells: list[Any]
    fault: str = ""


@dataclass(frozen=True)
class Sheet:
    """A sheet and its rows, which may be read more than once; empty rows may be left out."""

    title: str
    rows: Callable[[], Iterator[SheetRow]]


def sheets(part: Part, stream: IO[bytes]) -> list[Sheet]:
    """The sheets of a workbook, whichever of the two formats its name says.

    Raises ``UnreadableError``, also while the rows of a sheet are read.
    """
    head = stream.read(8)
    stream.seek(0)
    if head.startswith(_MAGIC_OF_XLS):
        return _xls(stream)
    if head.startswith(b"PK"):
        return _xlsx(stream, part.size)
    raise UnreadableError(f"not a workbook: the bytes are neither .xlsx nor .xls, they begin {head!r}")


# ------------------------------------------------------------------ .xlsx


def _xlsx(stream: IO[bytes], size: int) -> list[Sheet]:
    from openpyxl.reader.excel import ExcelReader
    from openpyxl.styles.stylesheet import apply_stylesheet

    check_workbook(stream, size)  # type: ignore[arg-type]
    stream.seek(0)
    _check_parts(stream)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            reader = ExcelReader(stream, read_only=True, data_only=True, keep_links=False)
            reader.read_manifest()
            reader.read_workbook()
            apply_stylesheet(reader.archive, reader.wb)
            found = [
                (sheet.name, rel.target)
                for sheet, rel in reader.parser.find_sheets()
                if rel.target in reader.valid_files and "chartsheet" not in rel.Type
            ]
            strings = _shared_strings(reader)
    except UnreadableError:
        raise
    except Exception as error:
        raise UnreadableError(f"not a readable workbook: {type(error).__name__}: {error}") from error
    if len(found) > MAX_SHEETS:
        raise UnreadableError(f"{len(found)} sheets, more than {MAX_SHEETS}")
    if len({title.lower() for title, _ in found}) < len(found):
        raise UnreadableError("two sheets of the workbook have one name")
    if len({target for _, target in found}) < len(found):
        raise UnreadableError("two sheets of the workbook are one and the same part")
    book: Any = reader.wb
    dates = _Dates(book.epoch, frozenset(book._date_formats), frozenset(book._timedelta_formats))

    def sheet(title: str, target: str) -> Sheet:
        return Sheet(title, lambda: _rows_of(reader.archive, target, strings, dates))

    return [sheet(title, target) for title, target in found]


def _check_parts(stream: IO[bytes]) -> None:
    """Refuse what openpyxl would have to hold whole: a workbook's own description is small."""
    with zipfile.ZipFile(stream) as archive:
        for info in archive.infolist():
            is_large = "worksheets/" in info.filename or "sharedStrings" in info.filename
            allowed = _MAX_STRINGS if "sharedStrings" in info.filename else _MAX_PLAIN_PART
            if info.filename.lower().endswith((".xml", ".rels")) and info.file_size > allowed:
                if is_large and "sharedStrings" not in info.filename:
                    continue
                raise UnreadableError(f"part {info.filename!r} of the workbook expands to {info.file_size} bytes")
    stream.seek(0)


def _parse(stream: IO[bytes], parser: expat.XMLParserType) -> Iterator[None]:
    """Feed a parser block by block; yields after each, so that its findings can be taken."""

    def refuse_entities(*_: Any) -> None:
        raise UnreadableError("the workbook declares XML entities: no spreadsheet program does")

    parser.EntityDeclHandler = refuse_entities
    parser.buffer_text = True
    try:
        while block := stream.read(_BLOCK):
            parser.Parse(block, False)
            yield
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise UnreadableError(f"its XML is damaged: {error}") from error
    except DAMAGE as error:
        raise UnreadableError(f"its data is damaged: {error}") from error
    yield


def _local(name: str) -> str:
    return name.rpartition(":")[2]


_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")


def _unescaped(text: str) -> str:
    """Text with the characters that the format writes as ``_x000D_``; halves of characters stay escaped."""
    if "_x" not in text:
        return text
    return _ESCAPED.sub(lambda m: m[0] if 0xD800 <= int(m[1], 16) < 0xE000 else chr(int(m[1], 16)), text)


def _shared_strings(reader: Any) -> list[str]:
    """The texts that cells refer to by number; phonetic readings are no part of them."""
    from openpyxl.xml.constants import SHARED_STRINGS

    declared = reader.package.find(SHARED_STRINGS)
    if declared is None or declared.PartName[1:] not in reader.valid_files:
        return []
    strings: list[str] = []
    pieces: list[str] = []
    inside = {"t": 0, "rPh": 0}

    def start(name: str, _: dict[str, str]) -> None:
        name = _local(name)
        if name in inside:
            inside[name] += 1
        elif name == "si":
            pieces.clear()

    def end(name: str) -> None:
        name = _local(name)
        if name in inside:
            inside[name] -= 1
        elif name == "si":
            strings.append(_unescaped("".join(pieces)))

    def text(data: str) -> None:
        if inside["t"] and not inside["rPh"]:
            pieces.append(data)

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, text
    with reader.archive.open(declared.PartName[1:]) as stream:
        for _ in _parse(stream, parser):
            continue
    return strings


@dataclass(frozen=True)
class _Dates:
    """How numbers become dates: the workbook's first day, and the number formats that show one."""

    epoch: Any
    formats: frozenset[int]
    durations: frozenset[int]

    def read(self, number: float, style: int) -> Any:
        """Raises ``ValueError`` or ``OverflowError`` for a serial number that is no date."""
        from openpyxl.utils.datetime import from_excel

        return from_excel(number, self.epoch, timedelta=style in self.durations)


class _SheetParser:
    """Collects the rows of a sheet's XML as it is fed."""

    def __init__(self, strings: list[str], dates: _Dates) -> None:
        self.ready: list[SheetRow] = []
        self._strings, self._dates = strings, dates
        self._row = self._column = 0
        self._cells: list[Any] = []
        self._fault = ""
        self._cell: dict[str, str] | None = None
        self._pieces: list[str] = []
        self._taking = self._in_row = self._has_formula = False
        self._phonetic = 0
        self.parser = expat.ParserCreate()
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        name = _local(name)
        if name == "row":
            self._row = _whole(attributes.get("r"), self._row + 1)
            if not 0 < self._row <= MAX_ROWS:
                raise UnreadableError(f"the sheet claims a row {self._row}")
            self._column, self._cells, self._fault, self._in_row = 0, [], "", True
        elif name == "c" and self._in_row:
            self._column = _column_of(attributes["r"]) if attributes.get("r") else self._column + 1
            if not 0 < self._column <= MAX_COLUMN:
                raise UnreadableError(f"the sheet claims a column {self._column}")
            self._cell, self._pieces, self._has_formula = attributes, [], False
        elif self._cell is not None:
            if name == "rPh":
                self._phonetic += 1
            self._has_formula = self._has_formula or name == "f"
            self._taking = name in ("v", "t") and not self._phonetic

    def _text(self, data: str) -> None:
        if self._taking:
            self._pieces.append(data)

    def _end(self, name: str) -> None:
        name = _local(name)
        self._taking = False
        if name == "rPh" and self._phonetic:
            self._phonetic -= 1
        elif name == "c" and self._cell is not None:
            value = self._value(self._cell, "".join(self._pieces))
            self._cell = None
            if self._column > MAX_COLUMNS:
                self._fault = self._fault or f"a cell in column {self._column}, more than {MAX_COLUMNS}"
            elif value is not None:
                self._cells.extend([None] * (self._column - len(self._cells)))
                self._cells[self._column - 1] = value
        elif name == "row" and self._in_row:
            self._in_row = False
            if self._cells or self._fault:
                self.ready.append(SheetRow(self._row, self._cells, self._fault))

    def _value(self, cell: dict[str, str], text: str) -> Any:
        kind = cell.get("t", "n")
        if kind == "inlineStr":
            return _unescaped(text) or None
        if text == "":
            if self._has_formula and kind != "str":
                self._fault = NO_STORED_VALUE
            return None
        if kind == "s":
            place = _whole(text, -1)
            if not 0 <= place < len(self._strings):
                raise UnreadableError(
                    f"row {self._row} refers to a shared text {text[:20]!r} that the workbook has not"
                )
            return self._strings[place]
        if kind == "e":
            self._fault = ERROR_VALUE
            return text
        if kind == "b":
            return text.strip() not in ("0", "false")
        if kind in ("str", "d"):
            return _unescaped(text)
        return self._number(cell, text.strip())

    def _number(self, cell: dict[str, str], text: str) -> Any:
        try:
            number: int | float = int(text) if text.lstrip("-").isdigit() and len(text) < 20 else float(text)
            style = _whole(cell.get("s"), 0)
            return self._dates.read(number, style) if style in self._dates.formats else number
        except (ValueError, OverflowError):
            self._fault = f"a number or date that cannot be: {text[:40]!r}"
            return text


def _whole(text: str | None, otherwise: int) -> int:
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 12 else otherwise


_REFERENCE = re.compile(r"\$?([A-Za-z]{1,4})\$?\d")


def _column_of(reference: str) -> int:
    found = _REFERENCE.match(reference)
    if found is None:
        raise UnreadableError(f"the sheet has a cell {reference[:20]!r}")
    column = 0
    for letter in found[1].upper():
        column = column * 26 + ord(letter) - ord("A") + 1
    return column


def _rows_of(archive: zipfile.ZipFile, target: str, strings: list[str], dates: _Dates) -> Iterator[SheetRow]:
    found = _SheetParser(strings, dates)
    try:
        with archive.open(target) as stream:
            for _ in _parse(stream, found.parser):
                yield from found.ready
                found.ready.clear()
    except UnreadableError as error:
        raise UnreadableError(f"sheet cannot be read: {error}") from error
    except DAMAGE as error:
        raise UnreadableError(f"sheet cannot be read: {error}") from error


# ------------------------------------------------------------------ .xls


def _xls(stream: IO[bytes]) -> list[Sheet]:
    import xlrd

    data = stream.read(MAX_XLS + 1)
    if len(data) > MAX_XLS:
        raise UnreadableError(f"an .xls workbook of more than {MAX_XLS >> 20} MiB: save it as .xlsx or .csv")
    try:
        book = xlrd.open_workbook(file_contents=data, logfile=io.StringIO(), on_demand=True, ragged_rows=True)
        names = book.sheet_names()
    except Exception as error:
        raise UnreadableError(f"not a readable .xls workbook: {type(error).__name__}: {error}") from error

    def value(cell: Any) -> Any:
        if cell.ctype in (xlrd.XL_CELL_EMPTY, xlrd.XL_CELL_BLANK, xlrd.XL_CELL_ERROR):
            return None
        if cell.ctype == xlrd.XL_CELL_DATE:
            return xlrd.xldate_as_datetime(cell.value, book.datemode)
        return bool(cell.value) if cell.ctype == xlrd.XL_CELL_BOOLEAN else cell.value

    def rows(place: int) -> Iterator[SheetRow]:
        try:
            sheet = book.sheet_by_index(place)
            for index in range(sheet.nrows):
                cells = sheet.row(index)
                damaged = any(cell.ctype == xlrd.XL_CELL_ERROR for cell in cells)
                yield SheetRow(index + 1, [value(cell) for cell in cells], ERROR_VALUE if damaged else "")
        except Exception as error:
            raise UnreadableError(f"sheet cannot be read: {type(error).__name__}: {error}") from error

    return [Sheet(name, lambda place=place: rows(place)) for place, name in enumerate(names)]  # type: ignore[misc]
