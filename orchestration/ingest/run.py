"""One run over one raw table: read what the ledger does not know, decide, write Parquet, commit.

Belongs here: the order of the steps and what is durable when. The steps themselves live beside this module.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.calendars import CalendarHorizonError
from orchestration.contracts import CONTRACTS
from orchestration.contracts.base import Contract
from orchestration.dialects.base import Match
from orchestration.dialects.own import Recogniser, recogniser
from orchestration.ingest import magnitude, versions
from orchestration.ingest.files import LandedFile, Part, UnreadableError, parts, printable, sha256, walk
from orchestration.ingest.ledger import QUARANTINE_SCHEMA, BatchReport, FileRecord, Ledger, TableReport
from orchestration.ingest.names import code_from_names
from orchestration.ingest.records import Table, tables
from orchestration.ingest.typing import Typist
from orchestration.settings import Settings
from orchestration.sql import quoted

Progress = Callable[[str, int], None]

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
    carried: frozenset[str] = frozenset()
    landed: int = 0
    refused: list[tuple[int | None, str, str]] = field(default_factory=list)
    refused_whole: str | None = None
    warnings: list[str] = field(default_factory=list)
    typed: list[pa.Table] = field(default_factory=list)
    guarded: list[pl.DataFrame] = field(default_factory=list)

    def refuse_whole(self, reason: str) -> None:
        """Nothing of the file counts: one quarantine line, counts of 0."""
        self.refused_whole, self.landed, self.typed = reason, 0, []
        self.refused = [(None, "", reason)]


def unread(settings: Settings) -> dict[str, list[LandedFile]]:
    """Landed files that the ledger does not know by name, size and time, by folder of ``landing/``."""
    known = Ledger(settings.ledger).files()
    found: dict[str, list[LandedFile]] = {}
    for landed in walk(settings.landing):
        same = any(r.size == landed.size and r.mtime_ns == landed.mtime_ns for r in known.get(landed.name, ()))
        if not same:
            found.setdefault(landed.table, []).append(landed)
    return found


def ingest_table(
    settings: Settings, table: str, ingested_at: dt.datetime, progress: Progress | None = None
) -> TableReport:
    """Read every landed file of ``table`` that is new, and commit what became of it.

    ``ingested_at`` is the beginning of the run, one for all its tables, later than that of every run before.
    Raises ``CalendarHorizonError`` when a session lies past the calendars; nothing is committed then.
    """
    files = unread(settings).get(table, [])
    return _ingest(settings, CONTRACTS[table], files, ingested_at, progress)


def ingest_strays(settings: Settings, ingested_at: dt.datetime) -> TableReport:
    """Refuse files that lie outside the folders of the raw tables, whole."""
    ledger, report, records = Ledger(settings.ledger), TableReport(STRAYS), []
    for folder, files in unread(settings).items():
        if folder in CONTRACTS:
            continue
        for landed in files:
            batch = _new_batch(landed, landed.name, sha256(landed.path), ingested_at)
            where = f"landing/{printable(folder)}/" if folder else "landing/ itself"
            batch.refuse_whole(f"{where} is no table's folder: expected one of {', '.join(CONTRACTS)}")
            records.append(FileRecord(landed.name, landed.size, landed.mtime_ns, batch.sha256))
            _write_quarantine(settings, STRAYS, batch)
            report.batches.append(_report(batch, STRAYS, ingested_at, 0, 0, None))
    ledger.commit(records, report.batches, set(), {batch.batch_id for batch in report.batches})
    return report


def _new_batch(landed: LandedFile, label: str, digest: str, ingested_at: dt.datetime) -> _Batch:
    unique = hashlib.sha256(f"{label}\0{digest}\0{ingested_at.isoformat()}".encode()).hexdigest()[:10]
    return _Batch(f"{ingested_at.astimezone(dt.UTC):%Y%m%dT%H%M%S%f}-{unique}", label, digest)


def _ingest(
    settings: Settings, contract: Contract, files: list[LandedFile], ingested_at: dt.datetime, progress: Progress | None
) -> TableReport:
    ledger = Ledger(settings.ledger)
    report = TableReport(contract.name)
    if not files:
        return report
    ledger.remove_orphans(contract.name)
    known_files = ledger.files()
    records: list[FileRecord] = []
    batches: list[_Batch] = []
    known_dialects = recogniser(settings.dialects, contract.name)
    typist = Typist(contract, ingested_at)
    try:
        for landed in files:
            digest = sha256(landed.path)
            records.append(FileRecord(landed.name, landed.size, landed.mtime_ns, digest))
            if any(record.sha256 == digest for record in known_files.get(landed.name, ())):
                continue
            before = len(batches)
            _read_file(landed, digest, contract, known_dialects, typist, batches, ingested_at)
            if progress is not None:
                progress(landed.name, sum(batch.landed for batch in batches[before:]))
    finally:
        typist.close()
    raw_files = ledger.raw_files().get(contract.name, [])
    delivered = {
        number: magnitude.Delivered(batch.file, batch.dialect or "", pl.concat(batch.guarded))
        for number, batch in enumerate(batches)
        if batch.guarded and batch.refused_whole is None
    }
    for number, reason in magnitude.held_back(contract, delivered, raw_files).items():
        batches[number].refuse_whole(reason)
    accepted = _decide(batches, contract, raw_files, ingested_at)
    raw_ids, quarantine_ids = set(), set()
    for part, batch in enumerate(batches):
        rows = accepted.get(part)
        if rows is not None and rows.num_rows:
            _write_parquet(settings.raw / contract.name / f"{batch.batch_id}.parquet", rows)
            raw_ids.add(batch.batch_id)
        if batch.refused:
            _write_quarantine(settings, contract.name, batch)
            quarantine_ids.add(batch.batch_id)
        latest = None
        if rows is not None and rows.num_rows:
            latest = pl.Series(rows.column("knowledge_at")).max()
        count = 0 if rows is None else rows.num_rows
        quarantined = 0 if batch.refused_whole else len(batch.refused)
        report.batches.append(
            _report(batch, contract.name, ingested_at, count, quarantined, latest)  # type: ignore[arg-type]
        )
    ledger.commit(records, report.batches, raw_ids, quarantine_ids)
    return report


def _report(
    batch: _Batch, table: str, ingested_at: dt.datetime, accepted: int, quarantined: int, latest: dt.datetime | None
) -> BatchReport:
    return BatchReport(
        batch_id=batch.batch_id,
        table_name=table,
        file=batch.file,
        sha256=batch.sha256,
        dialect=batch.dialect,
        rows_landed=batch.landed,
        rows_accepted=accepted,
        rows_quarantined=quarantined,
        rows_repeated=batch.landed - accepted - quarantined,
        ingested_at=ingested_at,
        unknown_columns=batch.unknown,
        warnings=tuple(batch.warnings),
        refused_whole=batch.refused_whole,
        latest_knowledge=latest,
    )


# ------------------------------------------------------------------ reading


def _read_file(
    landed: LandedFile,
    digest: str,
    contract: Contract,
    known_dialects: Recogniser,
    typist: Typist,
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
                    _read_table(batch, part, found, contract, typist)
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


def _read_table(batch: _Batch, part: Part, found: Table, contract: Contract, typist: Typist) -> None:
    match = found.match
    batch.dialect, batch.unknown = match.dialect.name, match.unknown
    try:
        fixed = _fixed_columns(match, part, contract)
        batch.carried = match.carried | frozenset(fixed)
        if match.dialect.derived_key is not None:
            batch.carried |= {match.dialect.derived_key}
            batch.warnings.append(
                f"{match.dialect.derived_key} is derived from {', '.join(match.dialect.identified_by)}:"
                " the records carry none"
            )
        typist.begin_part()
        off_calendar = 0
        for chunk in found.chunks:
            typed = typist.type_chunk(chunk, match, found.header, fixed)
            batch.refused += typed.refused
            batch.landed += typed.accepted.num_rows + len(typed.refused)
            batch.typed.append(typed.accepted)
            off_calendar += typed.off_calendar
            if typed.guarded is not None:
                batch.guarded.append(typed.guarded)
        batch.warnings += found.notes
        if off_calendar:
            batch.warnings.append(f"{off_calendar} row(s) before 2000 on dates that are no session by the calendar")
    except UnreadableError as error:
        batch.refuse_whole(str(error))


def _fixed_columns(match: Match, part: Part, contract: Contract) -> dict[str, str]:
    """Contract columns that stand in the file's name or path instead of in its rows."""
    dialect, fixed = match.dialect, {}
    if dialect.from_path is not None:
        groups = re.search(dialect.from_path, part.label, re.IGNORECASE)
        translate = dict(dialect.path_translate)
        for target, template in dialect.path_columns:
            if target in match.carried:
                continue
            if groups is None:
                raise UnreadableError(
                    f"{target} is no column and the path does not tell it: expected a path like {dialect.path_example}"
                )
            text = template.format(**{k: v for k, v in groups.groupdict().items() if v})
            fixed[target] = translate.get(text.lower(), text)
    key = dialect.name_key
    if key is not None and key not in match.carried and key not in fixed:
        fixed[key] = code_from_names(contract.field(key).kind, key, part.tokens, dialect.name_style)
    return fixed


# ------------------------------------------------------------------ deciding


def _decide(
    batches: list[_Batch], contract: Contract, raw_files: list[Path], ingested_at: dt.datetime
) -> dict[int, pa.Table]:
    """Rows to append, by batch; conflicting rows move to the batch's refused ones."""
    order = sorted(range(len(batches)), key=lambda part: batches[part].file)
    frames = []
    for part in order:
        for typed in batches[part].typed:
            frames.append(pl.DataFrame(typed).with_columns(pl.lit(part, pl.Int64).alias("_part")))
    if not frames or not sum(len(frame) for frame in frames):
        return {}
    new = pl.concat(frames).with_row_index("_index").with_columns(pl.col("_index").cast(pl.Int64))
    known = _known_versions(new, contract, raw_files)
    decisions = versions.decide(new, known, [batch.carried for batch in batches], contract, ingested_at)
    decided = new.join(decisions.frame, on="_index", how="left").sort("_index")

    conflicting = decided.filter(pl.col("decision") == versions.CONFLICTING)
    for row in conflicting.iter_rows(named=True):
        shown = "\t".join("" if row[name] is None else str(row[name]) for name in contract.columns)
        key = ", ".join(f"{name} {row[name]}" for name in contract.key)
        batches[row["_part"]].refused.append((row["_row"], shown, f"{versions.CONFLICT}: {key}"))

    accepted = decided.filter(pl.col("decision") == versions.ACCEPTED)
    if decisions.joined and contract.joined_column is not None:
        added = pl.DataFrame(
            {"_index": list(decisions.joined), "_joined": list(decisions.joined.values())},
            schema={"_index": pl.Int64, "_joined": pl.String},
        )
        accepted = accepted.join(added, on="_index", how="left").with_columns(
            pl.coalesce("_joined", contract.joined_column).alias(contract.joined_column)
        )
    out: dict[int, pa.Table] = {}
    schema = contract.arrow_schema()
    for (part,), rows in accepted.sort("_index").group_by(["_part"], maintain_order=True):
        batch = batches[part]
        table = rows.with_columns(
            pl.lit(batch.dialect).alias("_feed"),
            pl.lit(batch.file).alias("_file"),
            pl.lit(batch.batch_id).alias("_batch_id"),
            pl.lit(ingested_at).cast(pl.Datetime("us", "UTC")).alias("_ingested_at"),
            pl.col("source").alias("_knowledge_source"),
        )
        out[part] = table.select(schema.names).to_arrow().cast(schema)
    return out


def _known_versions(new: pl.DataFrame, contract: Contract, raw_files: list[Path]) -> pl.DataFrame:
    """Versions that earlier runs accepted for the keys at hand, in order of ingestion."""
    names = ", ".join((*contract.columns, "knowledge_at"))
    with duckdb.connect(":memory:") as con:
        con.execute("set TimeZone = 'UTC'")
        if raw_files:
            con.register("new_keys", new.select(contract.key).unique().to_arrow())
            listing = ", ".join(quoted(str(path)) for path in raw_files)
            keys = ", ".join(contract.key)
            found = con.sql(
                f"select {names} from read_parquet([{listing}]) semi join new_keys using ({keys})"
                " order by _ingested_at, _file, _row"
            ).to_arrow_table()
        else:
            found = contract.arrow_schema().empty_table().select([*contract.columns, "knowledge_at"])
    schema = pa.schema([contract.arrow_schema().field(name) for name in (*contract.columns, "knowledge_at")])
    return pl.DataFrame(found.cast(schema))


# ------------------------------------------------------------------ writing


def _write_parquet(path: Path, table: pa.Table) -> None:
    """Write and make durable; a crash before the commit leaves a file that the ledger does not name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as handle:
        pq.write_table(table, handle, compression="zstd")
        handle.flush()
        os.fsync(handle.fileno())
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _write_quarantine(settings: Settings, table: str, batch: _Batch) -> None:
    lines = sorted(batch.refused, key=lambda line: (line[0] is None, line[0] or 0))
    _write_parquet(
        settings.quarantine / table / f"{batch.batch_id}.parquet",
        pa.table(
            {
                "batch_id": [batch.batch_id] * len(lines),
                "table_name": [table] * len(lines),
                "file": [batch.file] * len(lines),
                "row_number": pa.array([row for row, _, _ in lines], pa.int64()),
                "reason": [reason for _, _, reason in lines],
                "raw_text": [raw.encode("utf-8", "backslashreplace").decode() for _, raw, _ in lines],
            },
            schema=QUARANTINE_SCHEMA,
        ),
    )
