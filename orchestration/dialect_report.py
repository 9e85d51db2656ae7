"""``sector dialect``: what a file would become, column by column, before it is landed; and a first draft of a dialect.

Belongs here: looking at one file with the same readers, dialects and rules as a run, and saying what they would do.
Nothing is written but the draft that is asked for. Does not belong here: the rules themselves, the file format of a
declared dialect (``orchestration.dialects.own``), the guesses of a draft (``orchestration.dialect_draft``).
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table as Grid

from orchestration.contracts import CONTRACTS
from orchestration.dialect_guess import likeliest_table
from orchestration.dialects import STAMP, NoDialectError, dialects_of, held_against
from orchestration.dialects.base import CodeStyle, Column, Match, Unit
from orchestration.dialects.own import OwnDialect, own_dialects
from orchestration.ingest.files import LandedFile, Part, UnreadableError, parts
from orchestration.ingest.names import fixed_columns
from orchestration.ingest.records import Chunk, Table, tables
from orchestration.ingest.typing import Typist
from orchestration.settings import Settings
from orchestration.status import kind_of

SAMPLE_ROWS = 1_000
MAX_PARTS = 20
SHOWN_REASONS = 5
NEAREST = 3

_FACTORS = {
    Unit.AS_CONTRACT: "",
    Unit.LOTS: "x 100",
    Unit.THOUSAND: "x 1,000",
    Unit.WAN: "x 10,000",
    Unit.WAN_LOTS: "x 1,000,000",
    Unit.YI: "x 100,000,000",
    Unit.PERCENT: "/ 100",
}


class NoSuchFileError(ValueError):
    """No file to look at, or a table that does not exist."""


@dataclass(frozen=True)
class ColumnUse:
    """A delivered column: the contract column it becomes, how, and the first example of it.

    ``how``: factor, style or other treatment in words. ``stored`` is None where no row with it would be accepted.
    """

    source: str
    to: str
    how: str
    unit: str
    delivered: str | None = None
    stored: str | None = None


@dataclass(frozen=True)
class Fit:
    """A dialect that reads a sheet or file, and what it makes of the first rows.

    ``from_name``: contract columns that the file's name gives. ``absent``: contract columns that stay unknown.
    ``reasons``: (reason, how many rows, line of the first) of refused rows, the commonest first.
    """

    table: str
    dialect: str
    own: bool
    confirmed: bool
    columns: tuple[ColumnUse, ...]
    ignored: tuple[str, ...]
    unknown: tuple[str, ...]
    absent: tuple[str, ...]
    from_name: dict[str, str]
    rows: int
    accepted: int
    reasons: tuple[tuple[str, int, int], ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Near:
    """A dialect that does not fit: how many of the delivered columns it knows, and what it lacks."""

    table: str
    dialect: str
    known: int
    lacks: tuple[str, ...]


@dataclass(frozen=True)
class Sheet:
    """One table of a file: the dialects that fit it, or why none does and which are near.

    ``likely_table``: the raw table whose columns the header's names suggest, where no dialect fits.
    """

    label: str
    found_as: str = ""
    header: tuple[str, ...] = ()
    fits: tuple[Fit, ...] = ()
    refused: str = ""
    nearest: tuple[Near, ...] = ()
    likely_table: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


class Anyone:
    """Holds headers against the dialects of several tables, and remembers what it was shown."""

    def __init__(self, names: Sequence[str], own: tuple[OwnDialect, ...]) -> None:
        self.names, self.own = names, own
        self.seen: list[list[str]] = []
        self.fitting: dict[tuple[str, ...], list[Match]] = {}

    @property
    def encodings(self) -> tuple[str, ...]:
        known = [d for name in self.names for d in (*dialects_of(name), *(o.dialect for o in self.own))]
        return tuple(dict.fromkeys(encoding for dialect in known for encoding in dialect.encodings))

    def match(self, header: list[str], encoding: str | None = None) -> Match:
        """The fitting dialect that knows most columns; those of other tables that fit are kept for ``fitting``."""
        self.seen.append(header)
        found = []
        most = 0
        for name in self.names:
            own = [o.dialect for o in self.own if o.dialect.table == name]
            held = sorted(held_against(name, header, encoding, own), key=_known)
            most = max([most, *map(_known, held)])
            fit = [match for match in held if not match.missing]
            if len(fit) > 1 and len(fit[-1].sources) == len(fit[-2].sources):
                names = ", ".join(m.dialect.name for m in fit if len(m.sources) == len(fit[-1].sources))
                raise NoDialectError(f"several dialects of {name} fit this header equally well ({names})")
            found += fit[-1:]
        if not found:
            raise NoDialectError("no dialect knows this header", most)
        self.fitting[tuple(header)] = found = sorted(found, key=_known, reverse=True)
        return found[0]

    def nearest(self, header: list[str]) -> tuple[Near, ...]:
        """The dialects that know most of a header's columns."""
        held = [m for name in self.names for m in held_against(name, header) if m.sources]
        held.sort(key=lambda m: (len(m.sources), -len(m.missing)), reverse=True)
        held = [match for match in held if 3 * len(match.sources) >= len(header)]
        return tuple(Near(m.dialect.table, m.dialect.name, len(m.sources), m.missing) for m in held[:NEAREST])

    def likeliest_header(self) -> list[str]:
        """Of the rows that were tried as header the one that dialects know most of, else the one with most texts."""

        def score(header: list[str]) -> tuple[int, int]:
            near = self.nearest([name for name in header if name])  # cells beside a title are no column names
            return (near[0].known if near else 0), sum(bool(name) and not name[0].isdigit() for name in header)

        return max(self.seen, key=score, default=[])


def _known(match: Match) -> int:
    return len(match.sources)


def landed(settings: Settings, path: Path, table: str | None) -> tuple[LandedFile, str | None]:
    """The file as a run would see it, and the table that its folder (or the caller) names.

    Raises ``NoSuchFileError``.
    """
    if table is not None and table not in CONTRACTS:
        raise NoSuchFileError(f"{table!r} is no raw table: one of {', '.join(CONTRACTS)}")
    if not path.is_file():
        raise NoSuchFileError(f"{path} is no file")
    path = path.absolute()
    if path.is_relative_to(settings.landing):
        name = path.relative_to(settings.landing).as_posix()
        folder = name.split("/")[0] if "/" in name else ""
        table = table or (folder if folder in CONTRACTS else None)
    else:
        folder, name = "", path.name
    found = path.stat()
    return LandedFile(folder, name, path, found.st_size, found.st_mtime_ns), table


def examine(settings: Settings, path: Path, table: str | None = None, name: str | None = None) -> list[Sheet]:
    """What every sheet or member of a file would become.

    ``table``: hold it against this raw table alone; by default against that of its folder under ``landing/``, else all.
    ``name``: the path that it will have under ``landing/``, where that tells a code or a moment.
    Raises ``NoSuchFileError``, and ``OwnDialectError`` for a declared dialect that is wrong.
    """
    file, table = landed(settings, path, table)
    file = replace(file, name=name) if name else file
    own = own_dialects(settings.dialects)
    names = [table] if table else list(CONTRACTS)
    found: list[Sheet] = []
    try:
        for part in parts(file):
            if len(found) >= MAX_PARTS:
                break
            if isinstance(part, Part):
                found += _sheets_of(part, names, own)
            else:
                found.append(Sheet(part[0], refused=str(part[1])))
    except (UnreadableError, OSError) as error:
        found.append(Sheet(file.name, refused=str(error)))
    return found


def _sheets_of(part: Part, names: Sequence[str], own: tuple[OwnDialect, ...]) -> Iterator[Sheet]:
    anyone = Anyone(names, own)
    try:
        for found in tables(anyone, part):
            if isinstance(found, Table):
                chunk = first_rows(found, SAMPLE_ROWS)
                fits = tuple(fit_of(match, part, found, chunk, own) for match in anyone.fitting[tuple(found.header)])
                fits = fits if len(names) == 1 else tuple(fit for fit in fits if not _is_chance(fit, found.header))
                if fits:
                    yield Sheet(found.label, found.found_as, tuple(found.header), fits)
                else:
                    yield _unfit(found.label, "no dialect", anyone)
            else:
                yield _unfit(found[0], str(found[1]), anyone)
            anyone.seen.clear()
    except UnreadableError as error:
        yield _unfit(part.label, str(error), anyone)


def _is_chance(fit: Fit, header: Sequence[str]) -> bool:
    """Whether a dialect fits by a few common words only: it reads none of the rows and knows not half of the columns.

    Nobody has said that the file is for its table.
    """
    return not fit.accepted and fit.rows > 0 and 2 * (len(header) - len(fit.unknown)) < len(header)


def _unfit(label: str, reason: str, anyone: Anyone) -> Sheet:
    header = anyone.likeliest_header()
    near = anyone.nearest(header) if header else ()
    likely = likeliest_table(header) if header else None
    refused = "no dialect knows its header" if "no dialect" in reason else reason
    return Sheet(label, "", tuple(header), refused=refused, nearest=near, likely_table=likely)


def first_rows(table: Table, count: int) -> Chunk:
    """The first records of a table, as one chunk."""
    taken = Chunk()
    for chunk in table.chunks:
        room = count - len(taken)
        taken.rows += chunk.rows[:room]
        taken.cells += chunk.cells[:room]
        taken.raw += chunk.raw[:room]
        taken.refused += chunk.refused[: count - len(taken)]
        if len(taken) >= count:
            break
    return taken


def fit_of(match: Match, part: Part, table: Table, chunk: Chunk, own: tuple[OwnDialect, ...]) -> Fit:
    """What a dialect makes of the first rows of a table."""
    contract = CONTRACTS[match.dialect.table]
    declared = next((o for o in own if o.dialect.name == match.dialect.name), None)
    reasons: Counter[str] = Counter()
    first: dict[str, tuple[str, int]] = {}
    uses: list[ColumnUse] = []
    fixed: dict[str, str] = {}
    accepted = refused = 0
    try:
        fixed = fixed_columns(match, part, contract)
        typist = Typist(contract, dt.datetime.now(dt.UTC))
        try:
            for view in match.views:
                typist.begin_part()
                # records that are no row are refused once, not with every row that a record holds
                looked_at = chunk if view is match.views[0] else replace(chunk, refused=[])
                typed = typist.type_chunk(looked_at, replace(match, views=(view,)), table.header, fixed)
                rows = typed.accepted.to_pylist()
                accepted += len(rows)
                refused += len(typed.refused)
                for line, _, reason in typed.refused:
                    kind = kind_of(reason)
                    reasons[kind] += 1
                    first.setdefault(kind, (reason, line))
                own_columns = (*match.dialect.columns, *view.columns) if view is match.views[0] else view.columns
                uses += [_use(contract.name, column, chunk, table.header, rows) for column in own_columns]
        finally:
            typist.close()
    except UnreadableError as error:
        reasons[str(error)], first[str(error)] = len(chunk), (str(error), 0)
        refused = len(chunk)
        uses = [_use(contract.name, column, chunk, table.header, []) for column in match.dialect.columns]
    order = {name: place for place, name in enumerate(table.header)}
    carried = match.carried | set(fixed) | {match.dialect.derived_key}
    used = {use.source for use in uses}
    return Fit(
        table=contract.name,
        dialect=match.dialect.name,
        own=declared is not None,
        confirmed=declared is None or declared.confirmed,
        columns=tuple(sorted(uses, key=lambda use: order[use.source])),
        ignored=tuple(name for name in match.sources if name not in used),
        unknown=match.unknown,
        absent=tuple(name for name in contract.columns if name not in carried),
        from_name=fixed,
        rows=accepted + refused,
        accepted=accepted,
        reasons=tuple((first[kind][0], count, first[kind][1]) for kind, count in reasons.most_common(SHOWN_REASONS)),
        notes=tuple(table.notes),
    )


def _use(table: str, column: Column, chunk: Chunk, header: list[str], rows: list[dict[str, Any]]) -> ColumnUse:
    place = header.index(column.source)
    unit = "" if column.target == STAMP else CONTRACTS[table].field(column.target).unit
    use = ColumnUse(column.source, column.target, _how(column), unit)
    cells = {line: cells[place] for line, cells in zip(chunk.rows, chunk.cells, strict=True)}
    for row in rows:
        delivered = cells[row["_row"]]
        if delivered is not None and delivered.strip():
            stored = row["stamp"] if column.target == STAMP else row[column.target]
            return replace(use, delivered=delivered, stored=_shown(stored))
    delivered = next((cell for cell in cells.values() if cell is not None and cell.strip()), None)
    return replace(use, delivered=delivered)


def _how(column: Column) -> str:
    words = [_FACTORS[column.unit]]
    if column.style is not CodeStyle.CANONICAL:
        words.append(column.style.name.lower().replace("_", " "))
    if column.change_from is not None:
        words.append(f"{column.change_from} - it")
    if column.translate:
        words.append("translated")
    return ", ".join(filter(None, words))


def _shown(value: Any) -> str:
    if value is None:
        return "unknown"
    if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        return f"{value:,}"
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.timezone(dt.timedelta(hours=8))).isoformat(sep=" ")
    return str(value)


# ------------------------------------------------------------------ for people


def show(sheets: Sequence[Sheet], path: Path, out: Console) -> None:
    """The report for people, readable in 80 columns."""
    for sheet in sheets:
        as_found = f" ({sheet.found_as})" if sheet.found_as else ""
        out.print(f"{sheet.label}{as_found}", markup=False)
        if sheet.refused:
            _show_unfit(sheet, path, out)
        for fit in sheet.fits[:1]:
            _show_fit(fit, out)
        for fit in sheet.fits[1:]:
            out.print(
                f"  it also fits {fit.table} ({fit.dialect}: {fit.accepted:,} of {fit.rows:,} rows)",
                markup=False,
            )


def _show_fit(fit: Fit, out: Console) -> None:
    whose = ", declared in this SECTOR_HOME" if fit.own else ""
    out.print(f"  {fit.table}, read by {fit.dialect}{whose}", markup=False)
    if not fit.confirmed:
        out.print("  not confirmed: no file is read with it until its line says confirmed = true", markup=False)
    grid = Grid(box=None, pad_edge=False, padding=(0, 2, 0, 2), show_edge=False)
    for heading in ("column", "becomes", "", "delivered", "stored"):
        grid.add_column(heading, overflow="fold", justify="right" if heading in ("delivered", "stored") else "left")
    for use in fit.columns:
        unit = f" {use.unit}" if use.unit and use.unit != "date" else ""
        stored = "refused" if use.stored is None and use.delivered is not None else f"{_cut(use.stored)}{unit}"
        grid.add_row(use.source, use.to, use.how, _cut(use.delivered), stored if use.delivered is not None else "")
    for name, text in fit.from_name.items():
        grid.add_row("(the file's name)", name, "", "", text)
    out.print(grid, markup=False)
    for words, names in (("ignored", fit.ignored), ("unknown", fit.unknown), ("not delivered", fit.absent)):
        if names:
            out.print(f"  {words}: {', '.join(names)}", markup=False)
    for note in fit.notes:
        out.print(f"  {note}", markup=False)
    out.print(f"  {fit.accepted:,} of the first {fit.rows:,} rows would be accepted", markup=False)
    for reason, count, line in fit.reasons:
        out.print(f"  {count:,} refused, first in line {line}: {reason}", markup=False)


def _show_unfit(sheet: Sheet, path: Path, out: Console) -> None:
    out.print(f"  {sheet.refused}", markup=False)
    if sheet.header:
        out.print(f"  header: {', '.join(name for name in sheet.header if name)}", markup=False)
    grid = Grid(box=None, pad_edge=False, padding=(0, 2, 0, 2))
    for heading in ("nearest", "table", "known", "lacks"):
        grid.add_column(heading, overflow="fold", justify="right" if heading == "known" else "left")
    for near in sheet.nearest:
        grid.add_row(near.dialect, near.table, str(near.known), ", ".join(near.lacks))
    if sheet.nearest:
        out.print(grid, markup=False)
    if sheet.likely_table:
        call = f"sector dialect {path} --table {sheet.likely_table} --new NAME"
        out.print(f"  by the names of its columns it is for {sheet.likely_table}; for a draft: {call}", markup=False)


def _cut(text: str | None) -> str:
    return "" if text is None else text if len(text) <= 28 else f"{text[:27]}…"
