"""A first draft of a declared dialect, guessed from a file's header and first rows: ``sector dialect FILE --new NAME``.

Belongs here: trying the guesses on the rows, and writing them down so that a person can mend them: what nothing says is
a question mark, and ``confirmed = false`` keeps all of it from being used. Does not belong here: the guesses
(``orchestration.dialect_guess``), what a declared dialect may hold (``orchestration.dialects.own``).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from orchestration.contracts import CONTRACTS
from orchestration.contracts.base import Contract
from orchestration.dialect_guess import Guess, guess, likeliest_table
from orchestration.dialect_report import Anyone, NoSuchFileError, examine, first_rows, fit_of, landed
from orchestration.dialects import CODE_KINDS, STAMP, NoDialectError
from orchestration.dialects.base import CodeStyle, Column, Dialect, Match, View
from orchestration.dialects.own import STYLES, UNITS, UNKNOWN, OwnDialectError, own_dialects, read_own
from orchestration.ingest.files import Part, UnreadableError, parts
from orchestration.ingest.names import code_from_names
from orchestration.ingest.records import Chunk, Table, tables
from orchestration.settings import Settings

DRAFT_ROWS = 200
WHOLE_BELOW = 64 << 20
"""Bytes of a file that is read to its end, to see what stands below the table."""


@dataclass(frozen=True)
class Draft:
    """A draft and where it was written. ``open_questions``: columns or constants that hold a question mark."""

    path: Path
    table: str
    header: tuple[str, ...]
    open_questions: tuple[str, ...]


class _Draft:
    """Holds exactly one header against the columns guessed so far."""

    def __init__(self, header: list[str], dialect: Dialect, encodings: tuple[str, ...]) -> None:
        self.header, self.dialect, self.encodings = header, dialect, encodings

    def match(self, header: list[str], encoding: str | None = None) -> Match:
        if header != self.header:
            raise NoDialectError("another row")
        return Match(self.dialect, (View(),), tuple(header), ())


def _dialect(table: str, guesses: Iterable[Guess], style_of: dict[str, CodeStyle]) -> Dialect:
    columns = [
        Column(
            g.source,
            g.to,
            UNITS[g.unit or "contract"],
            style_of.get(g.source, CodeStyle.CANONICAL),
        )
        for g in guesses
        if g.to != UNKNOWN and g.unit != UNKNOWN
    ]
    return Dialect(name="draft", table=table, columns=tuple(columns))


def write_draft(settings: Settings, path: Path, name: str, table: str | None = None) -> Draft:
    """Write ``SECTOR_HOME/dialects/<name>.toml`` for the first table of a file that no dialect knows.

    Raises ``NoSuchFileError`` when the file cannot be read or is known already, ``OwnDialectError`` for a name that
    cannot be taken.
    """
    file, table = landed(settings, path, table)
    target = settings.dialects / f"{name}.toml"
    if target.exists():
        raise OwnDialectError(f"{target} exists: mend it, or choose another name")
    for sheet in examine(settings, path, table):
        if sheet.fits and sheet.fits[0].accepted:
            fit = sheet.fits[0]
            raise NoSuchFileError(f"{sheet.label} is known already: {fit.table}, read by {fit.dialect}")
    anyone = Anyone([table] if table else list(CONTRACTS), own_dialects(settings.dialects))
    try:
        part = next(part for part in parts(file) if isinstance(part, Part))
        for _ in tables(anyone, part):
            break
    except StopIteration:
        raise NoSuchFileError(f"{path} holds nothing that can be read") from None
    except (UnreadableError, OSError) as error:
        if not anyone.seen:
            raise NoSuchFileError(f"{path}: {error}") from None
    header = anyone.likeliest_header()
    if not header:
        raise NoSuchFileError(f"{path}: none of its first rows can be a header")
    table = table or likeliest_table(header)
    guesses = guess(header, table)
    read, chunk, footers = _read(part, header, table, guesses, anyone.encodings)
    guesses = [_with_style(g, CONTRACTS[table], part, read, chunk) for g in guesses]
    styles = {g.source: STYLES[g.style] for g in guesses if g.style is not None and g.style != UNKNOWN}
    draft = _dialect(table, guesses, styles)
    match = Match(draft, (View(),), tuple(header), ())
    examples = {use.source: (use.delivered, use.stored) for use in fit_of(match, part, read, chunk, ()).columns}
    text, questions = _text(name, path.name, table, guesses, footers, part, examples)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, encoding="utf-8")
    try:
        read_own(target)
    except OwnDialectError:
        target.unlink()
        raise
    return Draft(target, table, tuple(header), questions)


def _read(
    part: Part, header: list[str], table: str, guesses: list[Guess], encodings: tuple[str, ...]
) -> tuple[Table, Chunk, list[str]]:
    """The table under a header, its first rows, and how lines of one text below it begin."""
    known = _Draft(header, _dialect(table, guesses, {}), encodings)
    found = next(found for found in tables(known, part) if isinstance(found, Table))
    chunk = first_rows(found, DRAFT_ROWS)
    footers: dict[str, None] = {}
    if part.size < WHOLE_BELOW:
        again = next(again for again in tables(known, part) if isinstance(again, Table))
        for rows in again.chunks:
            for cells in rows.cells:
                texts = [cell for cell in cells if cell is not None and cell.strip()]
                if len(texts) == 1:
                    footers[texts[0]] = None
            for _, raw, reason in rows.refused:
                if "cells where the header has" in reason:
                    footers[raw.strip(' \t,;"')] = None
    begun = dict.fromkeys(re.split(r"(?<=[:：])", text.strip(), maxsplit=1)[0][:20] for text in footers)
    below = [text for text in begun if text and not text[0].isdigit()][:5]
    return found, _without(chunk, below), below


def _without(chunk: Chunk, footers: list[str]) -> Chunk:
    """A chunk without the lines of one text that begin so: nothing of them is an example of a column."""

    def is_row(cells: list[str | None]) -> bool:
        texts = [cell.strip() for cell in cells if cell is not None and cell.strip()]
        return len(texts) != 1 or not texts[0].startswith(tuple(footers))

    kept = [place for place, cells in enumerate(chunk.cells) if is_row(cells)]
    return replace(
        chunk,
        rows=[chunk.rows[place] for place in kept],
        cells=[chunk.cells[place] for place in kept],
        raw=[chunk.raw[place] for place in kept],
    )


def _with_style(this: Guess, contract: Contract, part: Part, read: Table, chunk: Chunk) -> Guess:
    """A code column with the first style that reads all of its examples; one question mark where none does."""
    if this.to == UNKNOWN or this.to == STAMP or contract.field(this.to).kind not in CODE_KINDS:
        return this
    for name, style in STYLES.items():
        draft = _dialect(contract.name, [this], {this.source: style})
        fit = fit_of(Match(draft, (View(),), tuple(read.header), ()), part, read, replace(chunk, refused=[]), ())
        if not any(reason.startswith(f"{this.to}: found") for reason, _, _ in fit.reasons):
            return this if style is CodeStyle.CANONICAL else replace(this, style=name, why="reads every example")
    return replace(this, style=UNKNOWN, why=f"no style reads the examples: one of {', '.join(STYLES)}")


# ------------------------------------------------------------------ as text


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _text(
    name: str,
    file_name: str,
    table: str,
    guesses: list[Guess],
    footers: list[str],
    part: Part,
    examples: dict[str, tuple[str | None, str | None]],
) -> tuple[str, tuple[str, ...]]:
    contract = CONTRACTS[table]
    questions: list[str] = []
    lines = [
        f"# How files of the kind of {_quoted(file_name)} become rows of {table}.",
        "# Everything below is guessed from that file. Read every line, mend it, then say confirmed = true:",
        "# until then no file is read with it. A question mark has to be answered, or its line moved to `ignored`.",
        "confirmed = false",
        f"table = {_quoted(table)}",
    ]
    covered = {g.to for g in guesses}
    for key in contract.key:
        if key in covered:
            continue
        lines += _missing_key(key, contract, part, questions)
    if footers:
        lines.append("# lines below the table that are no rows: they begin so and hold nothing else")
        lines.append(f"footers = [{', '.join(map(_quoted, footers))}]")
    ignored = [g.source for g in guesses if g.ignored]
    lines.append("# delivered columns that are left out on purpose")
    lines.append(f"ignored = [{', '.join(map(_quoted, ignored))}]")
    lines += ["", f"# to: one of {', '.join((*contract.columns, STAMP))}", "[columns]"]
    for g in guesses:
        if g.ignored:
            continue
        words = [f"to = {_quoted(g.to)}"]
        words += [f"unit = {_quoted(g.unit)}"] if g.unit else []
        words += [f"style = {_quoted(g.style)}"] if g.style else []
        if UNKNOWN in (g.to, g.unit, g.style):
            questions.append(g.source)
        lines.append(f"{_quoted(g.source)} = {{ {', '.join(words)} }}{_comment(g, examples.get(g.source))}")
    missing = [column for column in contract.columns if column not in covered and column not in contract.key]
    if missing:
        lines += ["", f"# nothing was found for: {', '.join(missing)}"]
    return "\n".join(lines) + "\n", tuple(questions)


def _comment(this: Guess, example: tuple[str | None, str | None] | None) -> str:
    delivered, stored = example or (None, None)
    shown = []
    if delivered is not None:
        shown.append(f"{delivered[:30]} -> {stored}" if stored is not None else delivered[:30])
    if this.why:
        shown.append(this.why)
    return f"  # {'; '.join(shown)}".replace("\n", " ").replace("\r", " ") if shown else ""


def _missing_key(key: str, contract: Contract, part: Part, questions: list[str]) -> list[str]:
    """A key that no column gives: of the file's name, if a code stands there, else one value for the whole file."""
    field = contract.field(key)
    if field.kind in CODE_KINDS:
        for style in (CodeStyle.CANONICAL, CodeStyle.CNI_INDEX, CodeStyle.CSI_INDEX):
            try:
                code = code_from_names(field.kind, key, part.tokens, style)
            except UnreadableError:
                continue
            lines = [f"# no column: taken from the file's name ({code})", f"name_key = {_quoted(key)}"]
            return lines + ([f"name_style = {_quoted(_word(style))}"] if style is not CodeStyle.CANONICAL else [])
    questions.append(key)
    choices = f": one of {', '.join(field.choices)}" if field.choices else ""
    return [f"# no column gives {key}; one value for all rows{choices}", f"constants.{key} = {_quoted(UNKNOWN)}"]


def _word(style: CodeStyle) -> str:
    return next(word for word, known in STYLES.items() if known is style)
