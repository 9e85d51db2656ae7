"""Files as bytes that depend on their content alone: no clock, no locale, no host.

Belongs here: encodings, compression, workbooks, writing to the landing folder. Does not belong here: what they say.
"""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

import polars as pl

SAMPLE_FOLDER = "sample"
"""Sub-folder of each landing table that holds the sample; a release that read from it is a sample."""


class SampleExistsError(Exception):
    """Landing holds another sample; landed files are never changed."""


@dataclass(frozen=True)
class SampleFile:
    """One file to land: ``landing/<table>/sample/<name>``."""

    table: str
    name: str
    content: bytes

    def path(self, landing: Path) -> Path:
        """Where the file lands."""
        return landing / self.table / SAMPLE_FOLDER / self.name


def frame(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> pl.DataFrame:
    """Rows of texts and numbers as a frame; None stays empty."""
    collected = list(rows)
    data: list[Sequence[object]] = list(zip(*collected, strict=True)) if collected else [() for _ in columns]
    return pl.DataFrame(
        {name: pl.Series(name, list(values), strict=False) for name, values in zip(columns, data, strict=True)}
    )


def csv_bytes(table: pl.DataFrame, encoding: str = "utf-8") -> bytes:
    """CSV with a header row in ``encoding``; floats in their shortest form."""
    text = table.write_csv(None)
    return text.encode(encoding)


def gzip_bytes(content: bytes) -> bytes:
    """Compressed without name and time, so that equal content gives equal bytes."""
    buffer = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=buffer, mtime=0, compresslevel=6) as handle:
        handle.write(content)
    return buffer.getvalue()


_CONTENT_TYPES = """<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">
<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>
<Default Extension="xml" ContentType="application/xml"/>
<Override PartName="/xl/workbook.xml" \
ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>
<Override PartName="/xl/styles.xml" \
ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"/>
<Override PartName="/xl/worksheets/sheet1.xml" \
ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/>
</Types>"""
_RELATIONSHIPS = """<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">
<Relationship Id="rId1" Target="xl/workbook.xml" \
Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"/>
</Relationships>"""
_WORKBOOK = """<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" \
xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">
<sheets><sheet name="{name}" sheetId="1" r:id="rId1"/></sheets></workbook>"""
_WORKBOOK_RELATIONSHIPS = """<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">
<Relationship Id="rId1" Target="worksheets/sheet1.xml" \
Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet"/>
<Relationship Id="rId2" Target="styles.xml" \
Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles"/>
</Relationships>"""
_STYLES = """<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">
<fonts count="1"><font><sz val="11"/><name val="Calibri"/></font></fonts>
<fills count="1"><fill><patternFill patternType="none"/></fill></fills>
<borders count="1"><border/></borders>
<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>
<cellXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/></cellXfs>
<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles>
</styleSheet>"""


def _column_letters(number: int) -> str:
    letters = ""
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def workbook_bytes(header: Sequence[str], rows: Iterable[Sequence[object]], sheet: str = "Sheet1") -> bytes:
    """An .xlsx with one sheet: texts as inline strings, numbers as numbers, None as no cell."""
    letters = [_column_letters(n) for n in range(1, len(header) + 1)]
    lines = []
    for number, row in enumerate((header, *rows), start=1):
        cells = []
        for letter, value in zip(letters, row, strict=True):
            if value is None:
                continue
            if isinstance(value, str):
                cells.append(f'<c r="{letter}{number}" t="inlineStr"><is><t>{escape(value)}</t></is></c>')
            else:
                cells.append(f'<c r="{letter}{number}"><v>{value}</v></c>')
        lines.append(f'<row r="{number}">{"".join(cells)}</row>')
    body = (
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
        '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
        + "".join(lines)
        + "</sheetData></worksheet>"
    )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in (
            ("[Content_Types].xml", _CONTENT_TYPES),
            ("_rels/.rels", _RELATIONSHIPS),
            ("xl/workbook.xml", _WORKBOOK.format(name=escape(sheet))),
            ("xl/_rels/workbook.xml.rels", _WORKBOOK_RELATIONSHIPS),
            ("xl/styles.xml", _STYLES),
            ("xl/worksheets/sheet1.xml", body),
        ):
            member = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            member.compress_type = zipfile.ZIP_DEFLATED
            member.create_system = 3
            member.external_attr = 0o644 << 16
            archive.writestr(member, text.encode(), compresslevel=6)
    return buffer.getvalue()


def land(files: Sequence[SampleFile], landing: Path) -> list[Path]:
    """Write ``files`` under ``landing``; identical ones stay as they are.

    Raises ``SampleExistsError``, before anything is written, when a file of that name holds something else.
    """
    missing = []
    for file in files:
        target = file.path(landing)
        if not target.exists():
            missing.append(file)
        elif target.read_bytes() != file.content:
            raise SampleExistsError(
                f"{target} holds another sample, and landed files are never changed: "
                "use an empty SECTOR_HOME, or the seed this sample was made with"
            )
    for file in missing:
        target = file.path(landing)
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(f".{target.name}.part")
        partial.write_bytes(file.content)
        partial.replace(target)
    return [file.path(landing) for file in files]
