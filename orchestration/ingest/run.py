"""One run over one raw table: read what the ledger does not know, decide, write Parquet, commit.

Belongs here: the order of the steps and what is durable when. The steps themselves live beside this module.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import polars as pl

from orchestration.calendars import CalendarHorizonError
from orchestration.contracts import CONTRACTS
from orchestration.contracts.base import Contract
from orchestration.dialects.base import Match
from orchestration.dialects.own import Recogniser, recogniser
from orchestration.ingest import deciding, magnitude
from orchestration.ingest.blocks import Leftover, PlainFile, Survey, plain_file, survey
from orchestration.ingest.bulk import STAGED_ENDING, Source, Staged, remove_staged, stage, take_out
from orchestration.ingest.compact import compact
from orchestration.ingest.files import (
    LandedFile,
    Part,
    UnreadableError,
    has_changed,
    parts,
    printable,
    sha256,
    walk,
    why_left,
)
from orchestration.ingest.ledger import BatchReport, FileRecord, Ledger, ParquetFile, TableReport
from orchestration.ingest.names import fixed_columns
from orchestration.ingest.parquet_blocks import GivenUpError, parquet_file
from orchestration.ingest.records import CHUNK_ROWS, CHUNK_WEIGHT, Chunk, Table, chunks_of_lines, tables
from orchestration.ingest.spill import Spill
from orchestration.ingest.store import REFUSED_SCHEMA, RefusedLine, refused_lines, store_quarantine, store_raw
from orchestration.ingest.typing import Typist, connect
from orchestration.settings import Settings

Progress = Callable[[str, int], None]

CHANGED = "it changed while it was read"

STRAYS = "_unknown"
"""Quarantine folder of files that lie in no table's folder; a name of ours, since no path comes from data."""


@dataclass
class _Batch:
    """A part or sheet on its way through a run."""

    batch_id: str
    file: str
    sha256: str
    dialect: str | None = None
    unknown: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    carried: frozenset[str] = frozenset()
    landed: int = 0
    quarantined: int = 0
    refused_whole: str | None = None
    warnings: list[str] = field(default_factory=list)
    off_calendar: int = 0
    guarded: list[pl.DataFrame] = field(default_factory=list)

    def refuse_whole(self, reason: str) -> None:
        """Nothing of the file counts: one quarantine line, counts of 0."""
        self.refused_whole, self.landed, self.quarantined = reason, 0, 0


def unread(settings: Settings, table: str | None = None) -> dict[str, list[LandedFile]]:
    """Landed files that the ledger does not know by name, size and time, by folder of ``landing/`` (of one only)."""
    known = Ledger(settings.ledger).files(table)
    found: dict[str, list[LandedFile]] = {}
    for landed in walk(settings.landing, table):
        same = [r for r in known.get(landed.name, ()) if (r.size, r.mtime_ns) == (landed.size, landed.mtime_ns)]
        could_not_be_opened = bool(same) and not any(r.sha256 for r in same) and not landed.is_closed_folder
        if not same or (could_not_be_opened and os.access(landed.path, os.R_OK)):
            found.setdefault(landed.table, []).append(landed)
    return found


def ingest_table(
    settings: Settings,
    table: str,
    ingested_at: dt.datetime,
    progress: Progress | None = None,
    *,
    every_line: bool = False,
) -> TableReport:
    """Read every landed file of ``table`` that is new, and commit what became of it.

    ``ingested_at`` is the beginning of the run, one for all its tables, later than that of every run before.
    ``every_line``: read plain files like all others; what becomes of them is the same. Raises
    ``CalendarHorizonError`` when a session lies past the calendars; nothing is committed then.
    """
    files = unread(settings, table).get(table, [])
    changed: list[str] = []
    with_care: set[str] = set()
    while True:
        taken = [landed for landed in files if landed.name not in changed]
        try:
            careful = frozenset(landed.name for landed in taken if every_line or landed.name in with_care)
            report = _ingest(settings, CONTRACTS[table], taken, ingested_at, progress, with_care=careful)
        except GivenUpError as error:
            with_care.add(error.label)
            continue
        except _ChangedError as error:
            changed += error.names
            continue
        report.left.extend((name, CHANGED) for name in changed)
        # After rows alone: a build that will not be made anew keeps the files that it reads.
        if report.rows_accepted:
            compact(settings, table)
        return report


def ingest_strays(settings: Settings, ingested_at: dt.datetime) -> TableReport:
    """Refuse files that lie outside the folders of the raw tables, whole."""
    ledger, report, records = Ledger(settings.ledger), TableReport(STRAYS), []
    batches: list[_Batch] = []
    for folder, files in unread(settings).items():
        if folder in CONTRACTS:
            continue
        for landed in files:
            if reason := why_left(landed):
                report.left.append((landed.name, reason))
                continue
            batch = _new_batch(landed, landed.name, _digest(landed), ingested_at)
            where = f"landing/{printable(folder)}/" if folder else "landing/ itself"
            batch.refuse_whole(f"{where} is no table's folder: expected one of {', '.join(CONTRACTS)}")
            records.append(FileRecord(landed.name, landed.size, landed.mtime_ns, batch.sha256))
            batches.append(batch)
            report.batches.append(_report(batch, STRAYS, ingested_at, 0, None))
    refused = Spill(settings.quarantine / STRAYS / f"lines{STAGED_ENDING}", REFUSED_SCHEMA)
    ledger.commit(records, report.batches, _store_refused(settings, STRAYS, batches, refused))
    if report.batches:
        compact(settings, STRAYS)
    return report


def _digest(landed: LandedFile) -> str:
    """Identity of a file's bytes; "" when they may not be read, until they may."""
    try:
        return sha256(landed.path)
    except OSError:
        return ""


class _ChangedError(Exception):
    """Files that were not the same when their lines were read as when they were looked at."""

    def __init__(self, names: list[str]) -> None:
        super().__init__(", ".join(names))
        self.names = names


def _new_batch(landed: LandedFile, label: str, digest: str, ingested_at: dt.datetime) -> _Batch:
    unique = hashlib.sha256(f"{label}\0{digest}\0{ingested_at.isoformat()}".encode()).hexdigest()[:10]
    return _Batch(f"{ingested_at.astimezone(dt.UTC):%Y%m%dT%H%M%S%f}-{unique}", label, digest)


def _ingest(
    settings: Settings,
    contract: Contract,
    files: list[LandedFile],
    ingested_at: dt.datetime,
    progress: Progress | None,
    *,
    with_care: frozenset[str],
) -> TableReport:
    ledger = Ledger(settings.ledger)
    report = TableReport(contract.name)
    if not files:
        return report
    folder = settings.raw / contract.name
    ledger.remove_orphans(contract.name)
    known_files = ledger.files(contract.name)
    records: list[FileRecord] = []
    batches: list[_Batch] = []
    plain: list[PlainFile] = []
    unchanged: list[LandedFile] = []
    known_dialects = recogniser(settings.dialects, contract.name)
    typist = Typist(contract, ingested_at)
    loose = Spill(folder / f"loose{STAGED_ENDING}", deciding.loose_schema(typist))
    refused = Spill(folder / f"refused{STAGED_ENDING}", REFUSED_SCHEMA)
    waiting = _Waiting(typist, loose, refused)
    con = connect(threads=settings.threads, memory_limit=settings.memory_limit, folder=folder)
    try:
        for landed in files:
            if reason := why_left(landed):
                report.left.append((landed.name, reason))
                continue
            seen = _survey(landed)
            record = FileRecord(landed.name, landed.size, landed.mtime_ns, seen.sha256)
            if seen.sha256 and any(known.sha256 == seen.sha256 for known in known_files.get(landed.name, ())):
                records.append(record)
                continue
            before = len(batches)
            found = (
                None if landed.name in with_care else _plain_file(landed, len(batches), contract, known_dialects, seen)
            )
            if found is None:
                _read_file(landed, seen.sha256, contract, known_dialects, typist, waiting, batches, ingested_at)
            else:
                plain.append(found)
                unchanged.append(landed)
                batches.append(_plain_batch(landed, found, seen.sha256, ingested_at))
            if found is None and has_changed(landed):
                del batches[before:]
                report.left.append((landed.name, CHANGED))
                continue
            records.append(record)
            if progress is not None:
                progress(landed.name, sum(batch.landed for batch in batches[before:]))
        stem = folder / (batches[0].batch_id if batches else "none")
        try:
            staged = _stage(con, typist, plain, batches, waiting, stem)
            waiting.flush()
        finally:
            if changed := [landed.name for landed in unchanged if has_changed(landed)]:
                raise _ChangedError(changed)
        raw = ledger.parquet_files("raw", contract.name)
        _hold_back(con, contract, batches, staged, raw, typist.ingestion_day)
        for each in staged:
            take_out(con, each, {n: batch.file for n, batch in enumerate(batches) if batch.refused_whole is not None})

        def refuse(number: int, lines: list[RefusedLine]) -> None:
            refused.add(refused_lines(batches[number].batch_id, lines))
            batches[number].quarantined += len(lines)

        accepted = Spill(folder / f"accepted{STAGED_ENDING}", contract.arrow_schema())
        # The files of a layout carry the same columns.
        carried = [(each, batches[next(iter(each.rows))].carried) for each in staged if each.rows]
        pulled = deciding.decide(con, typist, carried, loose, _origins(batches), raw, ingested_at, accepted, refuse)
        stored = store_raw(con, contract, staged, pulled, accepted, stem)
        quarantined = _store_refused(settings, contract.name, batches, refused)
    finally:
        con.close()
        typist.close()
        remove_staged(folder)
    for batch in batches:
        count, latest = 0, None
        for written in stored:
            if batch.batch_id in written.batches:
                rows, moment = written.batches[batch.batch_id]
                count, latest = count + rows, moment if latest is None else max(latest, moment)
        report.batches.append(_report(batch, contract.name, ingested_at, count, latest))
    ledger.commit(records, report.batches, [*(written.file for written in stored), *quarantined])
    return report


def _report(
    batch: _Batch, table: str, ingested_at: dt.datetime, accepted: int, latest: dt.datetime | None
) -> BatchReport:
    warnings = list(batch.warnings)
    if batch.off_calendar:
        warnings.append(f"{batch.off_calendar} row(s) before 2000 on dates that are no session by the calendar")
    return BatchReport(
        batch_id=batch.batch_id,
        table_name=table,
        file=batch.file,
        sha256=batch.sha256,
        dialect=batch.dialect,
        rows_landed=batch.landed,
        rows_accepted=accepted,
        rows_quarantined=batch.quarantined,
        rows_repeated=batch.landed - accepted - batch.quarantined,
        ingested_at=ingested_at,
        unknown_columns=batch.unknown,
        warnings=tuple(warnings),
        refused_whole=batch.refused_whole,
        latest_knowledge=latest,
        columns=batch.columns,
    )


# ------------------------------------------------------------------ reading


def _read_file(
    landed: LandedFile,
    digest: str,
    contract: Contract,
    known_dialects: Recogniser,
    typist: Typist,
    waiting: _Waiting,
    batches: list[_Batch],
    ingested_at: dt.datetime,
) -> None:
    """Append a batch for the file, or one for each member or sheet. No content of a file stops the others."""
    begun = len(batches)

    def refuse(label: str, reason: str) -> None:
        batch = _new_batch(landed, label, digest, ingested_at)
        batch.refuse_whole(reason)
        batches.append(batch)

    try:
        for part in parts(landed):
            if not isinstance(part, Part):
                refuse(part[0], str(part[1]))
                continue
            of_part = len(batches)
            try:
                for found in tables(known_dialects, part):
                    if not isinstance(found, Table):
                        refuse(found[0], str(found[1]))
                        continue
                    batch = _new_batch(landed, found.label, digest, ingested_at)
                    batches.append(batch)
                    _read_table(batch, part, found, contract, typist, waiting)
            except UnreadableError as error:
                del batches[of_part:]
                refuse(part.label, str(error))
    except UnreadableError as error:
        del batches[begun:]
        refuse(landed.name, str(error))
    except OSError as error:
        del batches[begun:]
        refuse(landed.name, f"cannot be opened: {error.strerror or error}")
    except (CalendarHorizonError, MemoryError):
        raise
    except Exception as error:  # noqa: BLE001 (a reader's bug on hostile bytes must not stop the other files)
        del batches[begun:]
        refuse(landed.name, f"cannot be read: {type(error).__name__}: {error}")


def _survey(landed: LandedFile) -> Survey:
    try:
        return survey(landed)
    except OSError:
        # Read again, and refused, by _read_file.
        return Survey("", is_plain=False)


def _plain_file(
    landed: LandedFile, number: int, contract: Contract, known_dialects: Recogniser, seen: Survey
) -> PlainFile | None:
    is_parquet = landed.name.lower().endswith(".parquet") and landed.size > 0 and bool(seen.sha256)
    if not seen.is_plain and not is_parquet:
        return None
    (part,) = parts(landed)
    if isinstance(part, Part) and is_parquet:
        return parquet_file(number, part, contract, known_dialects)
    return plain_file(number, part, contract, known_dialects, seen) if isinstance(part, Part) else None


def _plain_batch(landed: LandedFile, found: PlainFile, digest: str, ingested_at: dt.datetime) -> _Batch:
    match = found.layout.match
    batch = _new_batch(landed, landed.name, digest, ingested_at)
    batch.dialect, batch.unknown = match.dialect.name, match.unknown
    batch.columns = (*match.sources, *match.unknown)
    batch.carried = match.carried | frozenset(found.layout.fixed)
    return batch


def _stage(
    con: duckdb.DuckDBPyConnection,
    typist: Typist,
    plain: list[PlainFile],
    batches: list[_Batch],
    waiting: _Waiting,
    stem: Path,
) -> list[Staged]:
    """Stage the plain files; their lines that are not plain are typed with those of the other files."""

    def read(file: PlainFile, leftover: Leftover) -> None:
        batch, layout = batches[file.number], file.layout
        fixed = dict(zip(layout.fixed, file.fixed, strict=True))
        table = Table(batch.file, list(layout.header), layout.match, iter(()))
        lines = chunks_of_lines(leftover.lines, leftover.texts, layout.delimiter, table)
        for chunk in leftover.chunks or lines:
            waiting.add(batch, chunk, table, fixed)

    sources = {
        file.number: Source(
            batches[file.number].file, batches[file.number].batch_id, batches[file.number].dialect or ""
        )
        for file in plain
    }
    staged = stage(con, typist, plain, sources, stem, read)
    for each in staged:
        for number, rows in each.rows.items():
            batches[number].landed += rows
    return staged


class _Waiting:
    """Chunks that wait to be typed: those of one header and dialect together, since a statement costs as much for a
    few rows as for thousands."""

    def __init__(self, typist: Typist, loose: Spill, refused: Spill) -> None:
        self._typist, self._loose, self._refused = typist, loose, refused
        self._chunks: dict[tuple[Match, tuple[str, ...], tuple[str, ...]], list[tuple[_Batch, Chunk, dict[str, str]]]]
        self._chunks, self._rows, self._weight = {}, 0, 0

    def add(self, batch: _Batch, chunk: Chunk, table: Table, fixed: dict[str, str]) -> None:
        """Take a chunk of a batch; ``fixed`` as for ``Typist.type_chunk``."""
        if table.match.dialect.derived_key is not None:
            self._type(table.match, table.header, [(batch, chunk, fixed)])
            return
        self._chunks.setdefault((table.match, tuple(table.header), tuple(fixed)), []).append((batch, chunk, fixed))
        self._rows += len(chunk)
        self._weight += chunk.weight
        if self._rows >= CHUNK_ROWS or self._weight >= CHUNK_WEIGHT:
            self.flush()

    def flush(self) -> None:
        """Type all that waits. A batch that a bug does not let through is refused whole, the others go on."""
        chunks, self._chunks, self._rows, self._weight = self._chunks, {}, 0, 0
        for (match, header, _), together in chunks.items():
            try:
                self._type(match, list(header), together)
            except (CalendarHorizonError, MemoryError):
                raise
            except Exception:  # noqa: BLE001 (whose it is shows when each is typed alone)
                for one in together:
                    self._type_alone(match, list(header), one)

    def _type_alone(self, match: Match, header: list[str], one: tuple[_Batch, Chunk, dict[str, str]]) -> None:
        try:
            self._type(match, header, [one])
        except (CalendarHorizonError, MemoryError):
            raise
        except Exception as error:  # noqa: BLE001 (a bug on hostile cells must not stop the other files)
            one[0].refuse_whole(f"cannot be read: {type(error).__name__}: {error}")

    def _type(self, match: Match, header: list[str], together: list[tuple[_Batch, Chunk, dict[str, str]]]) -> None:
        wanted = [one for one in together if one[0].refused_whole is None]
        if not wanted:
            return
        found = self._typist.type_chunks([(chunk, fixed) for _, chunk, fixed in wanted], match, header)
        for (batch, _, _), typed in zip(wanted, found, strict=True):
            self._refused.add(refused_lines(batch.batch_id, typed.refused))
            self._loose.add(deciding.as_loose(typed.accepted, batch.batch_id, self._loose.schema))
            batch.quarantined += len(typed.refused)
            batch.landed += typed.accepted.num_rows + len(typed.refused)
            batch.off_calendar += typed.off_calendar
            if typed.guarded is not None:
                batch.guarded.append(typed.guarded)
                if sum(map(len, batch.guarded)) > 4 * magnitude.MOST_ROWS:
                    figures = pl.concat(batch.guarded)
                    batch.guarded = [magnitude.evidence(figures, self._typist.contract, self._typist.ingestion_day)]


def _read_table(batch: _Batch, part: Part, found: Table, contract: Contract, typist: Typist, waiting: _Waiting) -> None:
    match = found.match
    batch.dialect, batch.unknown = match.dialect.name, match.unknown
    batch.columns = (*match.sources, *match.unknown)
    try:
        fixed = fixed_columns(match, part, contract)
        batch.carried = match.carried | frozenset(fixed)
        if match.dialect.derived_key is not None:
            batch.carried |= {match.dialect.derived_key}
            batch.warnings.append(
                f"{match.dialect.derived_key} is derived from {', '.join(match.dialect.identified_by)}:"
                " the records carry none"
            )
        typist.begin_part()
        for chunk in found.chunks:
            waiting.add(batch, chunk, found, fixed)
        batch.warnings += found.notes
    except UnreadableError as error:
        batch.refuse_whole(str(error))


def _hold_back(
    con: duckdb.DuckDBPyConnection,
    contract: Contract,
    batches: list[_Batch],
    staged: list[Staged],
    raw: list[ParquetFile],
    until: dt.date,
) -> None:
    """Refuse batches whole that count in another unit than the table does (R69)."""
    if not magnitude.can_judge(contract, {batch.dialect or "" for batch in batches}, raw):
        return
    by_file = {batch.file: number for number, batch in enumerate(batches) if batch.refused_whole is None}
    figures = [magnitude.evidence_of_raw(con, each.path, contract, until) for each in staged]
    for file, number in by_file.items():
        figures += [found.with_columns(pl.lit(file).alias("_file")) for found in batches[number].guarded]
    if not figures:
        return
    dialects = {file: batches[number].dialect or "" for file, number in by_file.items()}
    for file, reason in magnitude.held_back(contract, pl.concat(figures), dialects, raw).items():
        batches[by_file[file]].refuse_whole(reason)


# ------------------------------------------------------------------ deciding and writing


def _origins(batches: list[_Batch]) -> list[deciding.Origin]:
    by_name = sorted(range(len(batches)), key=lambda number: batches[number].file)
    order = {number: place for place, number in enumerate(by_name)}
    return [
        deciding.Origin(
            batch.file, batch.batch_id, batch.dialect, batch.carried, order[number], batch.refused_whole is not None
        )
        for number, batch in enumerate(batches)
    ]


def _store_refused(settings: Settings, table: str, batches: list[_Batch], lines: Spill) -> list[ParquetFile]:
    troubled = [batch for batch in batches if batch.refused_whole is not None or batch.quarantined]
    if not troubled:
        return []
    path = settings.quarantine / table / f"{troubled[0].batch_id}.parquet"
    sources = [(batch.batch_id, batch.file, batch.refused_whole) for batch in troubled]
    return [store_quarantine(path, table, sources, lines)]
