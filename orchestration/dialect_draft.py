"""A first draft of a declared dialect, guessed from a file's header and first rows: ``sector dialect FILE --new NAME``.

Belongs here: guesses, and writing them down so that a person can mend them. Every guess comes from something that
stands in the file (a name that a shipped dialect or contract uses too, a unit in brackets, codes that a style reads);
where nothing says, the draft holds a question mark, and ``confirmed = false`` keeps all of it from being used. Does not
belong here: what a declared dialect may hold (``orchestration.dialects.own``).
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from orchestration.contracts import CONTRACTS
from orchestration.contracts.base import Contract, Field, Kind
from orchestration.dialect_report import Anyone, NoSuchFileError, examine, first_rows, fit_of, landed
from orchestration.dialects import CODE_KINDS, STAMP, NoDialectError, dialects_of
from orchestration.dialects.base import CodeStyle, Column, Dialect, Match, View
from orchestration.dialects.own import STYLES, UNITS, UNKNOWN, OwnDialectError, own_dialects, read_own
from orchestration.ingest.files import Part, UnreadableError, parts
from orchestration.ingest.names import code_from_names
from orchestration.ingest.records import Chunk, Table, tables
from orchestration.settings import Settings

DRAFT_ROWS = 200
WHOLE_BELOW = 64 << 20
"""Bytes of a file that is read to its end, to see what stands below the table."""

_ASKED_FOR_UNIT = (Kind.MONEY, Kind.SHARES, Kind.RATIO)
"""Kinds whose numbers come in lots, ten thousands or percent; the others are delivered as they are."""

SYNONYMS = {
    "代码": "code", "证券代码": "code", "基金代码": "code", "股票代码": "code", "交易代码": "code", "code": "code",
    "wind代码": "code", "symbol": "code", "ticker": "code",
    "指数代码": "index_code", "日期": "date", "交易日期": "date", "交易日": "date", "date": "date",
    "前收盘价": "prev_close", "前收盘": "prev_close", "昨收盘": "prev_close", "昨收": "prev_close",
    "前收": "prev_close",
    "成交金额": "turnover", "成交额": "turnover", "成交量": "volume_shares", "单位净值": "unit_nav",
    "累计净值": "accumulated_nav", "累计单位净值": "accumulated_nav", "基金份额": "shares", "总份额": "shares",
    "场内份额": "shares", "基金份额合计": "shares", "权重": "weight",
}  # fmt: skip
"""Headers that desks and vendors use and no shipped dialect declares, in the words of ``_meant``."""

NAMES_OF_THINGS = ("简称", "证券简称", "基金简称", "股票简称", "名称", "证券名称", "序号")
"""Columns that are read by people only, where the table has no column for a name."""


@dataclass(frozen=True)
class Guess:
    """What one delivered column may become. ``why``: what in the file says so."""

    source: str
    to: str
    unit: str | None = None
    style: str | None = None
    ignored: bool = False
    why: str = ""


@dataclass(frozen=True)
class Draft:
    """A draft and where it was written. ``open_questions``: columns or constants that hold a question mark."""

    path: Path
    table: str
    header: tuple[str, ...]
    open_questions: tuple[str, ...]


def split_header(name: str) -> tuple[str, str]:
    """A header's name and the unit that stands in it: ``成交额(万元)``, ``收盘价 [单位] 元``, ``volume (lots)``."""
    text = unicodedata.normalize("NFKC", name).strip()
    labelled = re.search(r"[\[【]?单位[\]】]?\s*[:]?\s*([^\s\])】]+)", text)
    base = re.split(r"[\n\[【(]", text, maxsplit=1)[0]
    bracketed = re.search(r"[(\[【]([^()\[\]【】]*)[)\]】]\s*$", text)
    unit = labelled[1] if labelled else bracketed[1] if bracketed else ""
    if text.endswith("%") and not unit:
        base, unit = text[:-1], "%"
    return re.sub(r"[\s_]+", "_", base.strip()).lower(), unit.strip().removeprefix("单位:")


@cache
def _vocabulary(table: str) -> tuple[dict[str, str], frozenset[str]]:
    """Header names of all shipped dialects -> column of ``table``, this table's own first; and names it ignores."""
    contract = CONTRACTS[table]
    found = {name: name for name in contract.columns}
    ignored: set[str] = set()
    for other in (table, *(name for name in CONTRACTS if name != table)):
        for dialect in dialects_of(other):
            for column in (*dialect.columns, *(c for view in dialect.views for c in view.columns)):
                if column.change_from is None and column.target in contract.columns:
                    found.setdefault(split_header(column.source)[0], column.target)
            if other == table:
                ignored |= {split_header(name)[0] for name in dialect.ignored}
    return found, frozenset(ignored)


def _meant(word: str, contract: Contract) -> str | None:
    """A synonym's column in this table: its code, its business date, or the column of that name."""
    if word == "code":
        return next((name for name in contract.key if contract.field(name).kind in CODE_KINDS), None)
    if word == "date":
        return next((name for name in contract.key if contract.field(name).kind in (Kind.MARKET_DATE, Kind.DATE)), None)
    return next((name for name in contract.columns if name == word or name.startswith(f"{word}_")), None)


def guess(header: Iterable[str], table: str) -> list[Guess]:
    """A guess for every column of a header; one contract column is guessed once."""
    contract = CONTRACTS[table]
    known, ignored = _vocabulary(table)
    taken: set[str] = set()
    found: list[Guess] = []
    for source in (name for name in header if name):
        base, unit = split_header(source)
        target = _meant(SYNONYMS[base], contract) if base in SYNONYMS else known.get(base)
        if target is None and base == STAMP:
            target = STAMP
        if target is None or target in taken:
            leave = base in ignored or base in NAMES_OF_THINGS
            found.append(Guess(source, UNKNOWN, ignored=leave, why="" if leave else "nothing says what this is"))
            continue
        taken.add(target)
        field = None if target == STAMP else contract.field(target)
        found.append(_with_unit(Guess(source, target), field, unit))
    return found


def _with_unit(this: Guess, field: Field | None, unit: str) -> Guess:
    if field is None or field.kind not in (*_ASKED_FOR_UNIT, Kind.PRICE, Kind.RATE):
        return this
    if _is_foreign(unit, field):
        return replace(this, to=UNKNOWN, why=f"{unit} where {field.name} is in {field.unit}")
    if unit in UNITS:
        plain = field.kind in (Kind.PRICE, Kind.RATE) and UNITS[unit] is UNITS["contract"]
        return this if plain else replace(this, unit=unit, why=f"{unit} stands in the header")
    if field.kind in _ASKED_FOR_UNIT:
        return replace(this, unit=UNKNOWN, why=f"no unit in the header: one of {', '.join(UNITS)}")
    return this


def _is_foreign(unit: str, field: Field) -> bool:
    currencies = {"港": "HKD", "HKD": "HKD", "美": "USD", "USD": "USD"}
    found = next((currency for sign, currency in currencies.items() if sign in unit.upper()), None)
    return found is not None and field.unit in ("CNY", "HKD", "USD") and field.unit != found


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


def likeliest_table(header: list[str]) -> str:
    """The table of which a header covers most: of its key first, then of its columns."""

    def score(table: str) -> tuple[int, int]:
        targets = {g.to for g in guess(header, table)}
        contract = CONTRACTS[table]
        return -len(set(contract.key) - targets), len(targets & set(contract.columns))

    return max(CONTRACTS, key=score)


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
        if sheet.fits:
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
    return found, chunk, [text for text in begun if text and not text[0].isdigit()][:5]


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
        shown.append(f"{delivered[:30]!r} is stored as {stored}" if stored is not None else f"{delivered[:30]!r}")
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
