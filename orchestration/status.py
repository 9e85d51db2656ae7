"""What `sector status`, `releases`, `rollback` and `note` show: facts read from releases and the ledger.

Belongs here: gathering them and laying them out. Nothing here writes but ``roll_back``, ``pin`` and ``unpin``. Does not
belong here: how two releases differ (``orchestration.difference_report``).
"""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import duckdb
from rich.console import Console
from rich.table import Table

from orchestration import lateness
from orchestration.alerts.troubles import Troubles
from orchestration.fingerprint import settings_fingerprint
from orchestration.ingest import Ledger, unread
from orchestration.layout import paragraph
from orchestration.locking import is_held, run_lock
from orchestration.moments import MARKET_ZONE, write_moment, write_short
from orchestration.receipts import Receipts
from orchestration.refresh import current_or_lost, last_refusal, release_file, utc_now
from orchestration.settings import Settings
from orchestration.silence import verdicts
from warehouse import releases as shelf

if TYPE_CHECKING:
    from warehouse.releases import ReleaseRecord

SHOWN_REASONS = 12


def current_or_none(settings: Settings) -> ReleaseRecord | None:
    """The current release."""
    return shelf.current_release(settings.home)


def release_as_of(settings: Settings, moment: dt.datetime) -> ReleaseRecord | None:
    """The newest release built as of exactly ``moment`` with these settings."""
    return shelf.find(settings.home, moment, settings_fingerprint(settings))


def _query(settings: Settings, release: ReleaseRecord, sql: str) -> list[dict[str, Any]]:
    with duckdb.connect(str(release_file(settings, release)), read_only=True) as con:
        con.execute("set timezone = 'UTC'")
        cursor = con.execute(sql)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def release_document(settings: Settings, release: ReleaseRecord, current: ReleaseRecord | None) -> dict[str, Any]:
    """A release as the commands show it."""
    return {
        "release_id": release.release_id,
        "as_of": write_moment(release.as_of),
        "built_at": write_moment(release.built_at),
        "current": current is not None and release.release_id == current.release_id,
        "is_sample": release.is_sample,
        "code_version": release.code_version,
        "carried_over": list(release.carried_over),
        "path": str(release_file(settings, release)),
    }


def status(settings: Settings) -> dict[str, Any]:
    """Everything `sector status --json` gives; ``current`` is None before the first release.

    ``batches`` and ``quarantine`` are the ledger's, so they also tell of files that a refused or idle run read.
    """
    current = current_or_none(settings)
    ledger = Ledger(settings.ledger)
    quarantine = ledger.quarantine().to_pylist()
    document: dict[str, Any] = {
        "home": str(settings.home),
        "current": None,
        "run_in_progress": is_held(settings.lock),
        "unread_files": sum(len(paths) for paths in unread(settings).values()),
        "tables": [],
        "late": [],
        "batches": ledger.batches().to_pylist(),
        "quarantine": quarantine,
        "quarantine_counts": dict(Counter(row["table_name"] for row in quarantine)),
        "checks_failed": [],
        "last_refusal": last_refusal(settings),
        "fetches": last_fetches(settings),
        "troubles": [trouble.as_json() for trouble in Troubles(settings.ledger).open_troubles()],
        "deliveries": [verdict.as_json() for verdict in verdicts(settings)],
    }
    if current is not None:
        document["current"] = {
            **release_document(settings, current, current),
            "age_seconds": round((utc_now() - current.built_at).total_seconds()),
        }
        document["tables"] = tables(settings, current)
        document["late"] = [verdict.as_json() for verdict in lateness.verdicts(settings, utc_now()) if verdict.is_late]
        document["checks_failed"] = _query(
            settings, current, "select * from meta.checks where not passed order by mart, check_name"
        )
    return document


def tables(settings: Settings, release: ReleaseRecord) -> list[dict[str, Any]]:
    """Tables of a release with their rows, and which are those of an earlier one (``as_of`` is then its moment)."""
    rows = _query(settings, release, "select * from meta.tables order by table_schema, table_name")
    shown = (
        "table_schema",
        "table_name",
        "family",
        "rows",
        "knowledge_at",
        "as_of",
        "carried_over",
        "carried_over_because",
    )
    return [{name: row.get(name) for name in shown} for row in rows]


def last_fetches(settings: Settings) -> list[dict[str, Any]]:
    """The last receipt of every dataset that was ever fetched, without its list of files."""
    receipts = Receipts(settings.ledger)
    found = []
    for provider, dataset in receipts.fetched():
        document = receipts.of(provider, dataset, 1)[0].as_json()
        found.append({name: value for name, value in document.items() if name != "files"})
    return found


def _age(seconds: int) -> str:
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    return f"{days} days" if days >= 2 else f"{hours} hours" if hours >= 2 else f"{minutes} minutes"


def _table(*columns: str, right: tuple[str, ...] = ()) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", show_edge=False)
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left", overflow="fold")
    return table


def print_status(document: dict[str, Any], console: Console) -> None:
    """The document for people, in 80 columns."""
    current = document["current"]
    if current is None:
        console.print(f"no release yet under {document['home']}: run `sector run`", markup=False)
    else:
        kind = " (synthetic sample)" if current["is_sample"] else ""
        console.print(f"release  {current['release_id']}{kind}", markup=False)
        console.print(f"as of    {_minute(current['as_of'])}", markup=False)
        console.print(f"built    {_minute(current['built_at'])} ({_age(current['age_seconds'])} ago)", markup=False)
        console.print(f"path     {current['path']}", markup=False)
    if document["run_in_progress"]:
        console.print("a run is in progress", markup=False)
    if document["unread_files"]:
        console.print(f"{document['unread_files']} landed files not read yet: run `sector run`", markup=False)
    if document["last_refusal"]:
        refusal = document["last_refusal"]
        paragraph(console, f"the last build was refused at {_minute(refusal['at'])}: {refusal['message']}")
    if document["troubles"]:
        console.print(f"\nin trouble ({len(document['troubles'])}; `sector alerts` has the cures)", markup=False)
        for trouble in document["troubles"][:SHOWN_REASONS]:
            paragraph(console, f"{trouble['kind']} {trouble['subject']}: {trouble['cause']}", 2)
    if document["tables"]:
        _print_tables(document["tables"], console)
    told = {trouble["subject"] for trouble in document["troubles"] if trouble["kind"] == "stale family"}
    if late := [row for row in document["late"] if row["family"] not in told]:
        console.print(f"\nlate{', besides' if told else ''}", markup=False)
        for row in late:
            paragraph(console, row["message"], 2)
    if document["batches"]:
        _print_batches(document, console)
    if document["fetches"]:
        _print_fetches(document, console)
    if document["deliveries"]:
        _print_deliveries(document, console)
    if document["quarantine"]:
        _print_quarantine(document, console)
    if document["checks_failed"]:
        console.print("\nfailed checks (critical: their rows were refused, earlier ones stand there)", markup=False)
        for row in document["checks_failed"]:
            console.print(f"  {row['severity']}: {row['mart']} · {row['check_name']}", markup=False)
            paragraph(console, f"{row['observed']}; allowed: {row['allowed']}", 4)


def _minute(moment: str) -> str:
    local = dt.datetime.fromisoformat(moment).astimezone(MARKET_ZONE)
    return f"{local:%Y-%m-%d %H:%M} Asia/Shanghai"


def _print_tables(rows: list[dict[str, Any]], console: Console) -> None:
    console.print()
    table = _table("mart", "rows", "newest input", "", right=("rows",))
    others: Counter[str] = Counter()
    for row in rows:
        if row["table_schema"] != "marts":
            others[row["table_schema"]] += 1
            continue
        newest = f"{row['knowledge_at'].astimezone(MARKET_ZONE):%Y-%m-%d %H:%M}" if row["knowledge_at"] else ""
        old = f"carried over, {_age(round((utc_now() - row['as_of']).total_seconds()))}" if row["carried_over"] else ""
        table.add_row(row["table_name"], f"{row['rows']:,}", newest, old)
    console.print(table)
    console.print(
        "and " + ", ".join(f"{count} of {name}" for name, count in sorted(others.items())) + ": --json lists them",
        markup=False,
    )
    for reason in dict.fromkeys(row["carried_over_because"] for row in rows if row["carried_over"]):
        paragraph(console, f"carried over because of {reason}")


def _print_fetches(document: dict[str, Any], console: Console) -> None:
    console.print("\nfetched last", markup=False)
    table = _table("dataset", "when", "outcome", "rows", "new", right=("rows", "new"))
    for row in document["fetches"]:
        when = _minute(row["started_at"])[: len("2025-04-24 10:30")]
        table.add_row(row["dataset"], when, row["outcome"], f"{row['rows']:,}", str(row["new_files"]))
    console.print(table, markup=False)
    for row in document["fetches"]:
        if row["trouble"] is not None:
            paragraph(console, f"{row['dataset']} {row['outcome']}: {row['message']}", 2)


def _print_deliveries(document: dict[str, Any], console: Console) -> None:
    findings = [row for row in document["deliveries"] if row["state"] in ("warning", "lost")]
    unjudged = sum(row["state"] == "unjudged" for row in document["deliveries"])
    console.print()
    paragraph(
        console,
        f"deliveries: {len(document['deliveries'])} checks on what came last, {len(findings)} with a finding, "
        f"{unjudged} without a verdict (too little history, or nothing to hold them against)",
    )
    for row in findings:
        paragraph(console, f"{row['state']}: {row['check']}: {row['message']}", 2)


def _print_batches(document: dict[str, Any], console: Console) -> None:
    batches = document["batches"]
    counted = ("rows_landed", "rows_accepted", "rows_quarantined", "rows_repeated")
    shown = ("files", "landed", "accepted", "refused", "repeated")
    console.print("\nlanded so far", markup=False)
    table = _table("table", *shown, "last read", right=shown)
    for name in sorted({row["table_name"] for row in batches}):
        rows = [row for row in batches if row["table_name"] == name]
        sums = [sum(row[column] for row in rows) for column in counted]
        latest = max(row["ingested_at"] for row in rows).astimezone(MARKET_ZONE)
        files = f"{len({row['file'] for row in rows}):,}"
        table.add_row(name, files, *(f"{n:,}" for n in sums), f"{latest:%Y-%m-%d}")
    console.print(table)


def _print_quarantine(document: dict[str, Any], console: Console) -> None:
    # reasons that differ only in what was found are one kind, shown by its first line
    kinds = Counter((row["table_name"], kind_of(row["reason"])) for row in document["quarantine"])
    first: dict[tuple[str, str], dict[str, Any]] = {}
    for row in document["quarantine"]:
        first.setdefault((row["table_name"], kind_of(row["reason"])), row)
    console.print(f"\n{len(document['quarantine']):,} refused rows and files, the commonest reasons", markup=False)
    for kind, count in kinds.most_common(SHOWN_REASONS):
        line = first[kind]
        place = line["file"] if line["row_number"] is None else f"{line['file']}:{line['row_number']}"
        what = f"{count:,} like {place}" if count > 1 else place
        console.print(f"  {what}", markup=False)
        paragraph(console, line["reason"], 4)


def kind_of(reason: str) -> str:
    """A reason without what was found: quoted text, dates and numbers left out."""
    return re.sub(r"'[^']*'|\d[\d.,:+-]*", "…", reason)


def releases(settings: Settings) -> list[dict[str, Any]]:
    """All releases, newest first, with age, size and whether they are pinned. None is current behind a broken link."""
    current, pinned, now = current_or_lost(settings), shelf.pinned(settings.home), utc_now()
    return [
        {
            **release_document(settings, release, current),
            "pinned": release.release_id in pinned,
            "age_seconds": round((now - release.built_at).total_seconds()),
            "bytes": shelf.size(settings.home, release.release_id),
        }
        for release in shelf.list_releases(settings.home)
    ]


def print_releases(rows: list[dict[str, Any]], console: Console) -> None:
    """The list for people, in 80 columns."""
    if not rows:
        console.print("no release yet: run `sector run`", markup=False)
        return
    table = _table("release", "as of", "age", "MB", "", right=("age", "MB"))
    units = {"minutes": "min", "hours": "h", "days": "d"}
    for row in rows:
        words = [word for word in ("current", "pinned") if row[word]] + (["sample"] if row["is_sample"] else [])
        words += [f"{family} carried over" for family in row["carried_over"]]
        as_of = write_short(dt.datetime.fromisoformat(row["as_of"]))[: len("2025-04-24 10:30")]
        number, unit = _age(row["age_seconds"]).split()
        size = f"{row['bytes'] / 1e6:,.1f}"
        table.add_row(row["release_id"], as_of, f"{number} {units[unit]}", size, " ".join(words))
    console.print(table)
    if not any(row["current"] for row in rows):
        console.print("none is current: `sector rollback ID` takes one of these, `sector run` makes one", markup=False)


def roll_back(settings: Settings, release_id: str) -> dict[str, Any]:
    """Make ``release_id`` current; gives its document. Raises ``warehouse.releases.ReleaseError`` for an unknown id."""
    with run_lock(settings.lock):
        release = shelf.rollback(settings.home, release_id)
    return release_document(settings, release, release)


def pin(settings: Settings, release_id: str) -> dict[str, Any]:
    """Keep a release whatever retention says; gives its document. Raises ``warehouse.releases.ReleaseError``."""
    with run_lock(settings.lock):
        release = shelf.pin(settings.home, release_id)
    return {**release_document(settings, release, current_or_lost(settings)), "pinned": True}


def unpin(settings: Settings, release_id: str) -> dict[str, Any]:
    """Leave a release to retention again; gives its document. Raises ``warehouse.releases.ReleaseError``."""
    with run_lock(settings.lock):
        release = shelf.unpin(settings.home, release_id)
    return {**release_document(settings, release, current_or_lost(settings)), "pinned": False}


def note_text(settings: Settings, release: ReleaseRecord) -> str:
    """The market note of a release."""
    from warehouse.note import render_text

    return render_text(release_file(settings, release))


def note_document(settings: Settings, release: ReleaseRecord) -> dict[str, Any]:
    """The note for machines: its text and its claims."""
    claims = _query(settings, release, "select * from marts.rpt_market_note order by claim_id")
    return {
        "release_id": release.release_id,
        "as_of": write_moment(release.as_of),
        "path": str(release_file(settings, release)),
        "is_sample": release.is_sample,
        "note_date": claims[0]["note_date"] if claims else None,
        "claims": claims,
        "text": note_text(settings, release),
    }
