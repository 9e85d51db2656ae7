"""`sector init`: a commented settings file, and the files that somebody names in the folders where they belong.

Belongs here: which raw table a file is for, where it lies under ``landing/``, that no byte there is ever overwritten.
Does not belong here: reading files (``orchestration.ingest``), what a file would become (``dialect_report``).
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from rich.console import Console

from orchestration.contracts import CONTRACTS
from orchestration.dialect_report import Fit, NoSuchFileError, examine
from orchestration.durable import make_folder, sync, write_whole
from orchestration.ingest.files import format_of, is_ignored, printable, sha256
from orchestration.layout import paragraph
from orchestration.settings import SETTINGS_FILE, Settings

SHOWN = 8
"""Files of one kind that are named; the rest is counted."""

TEMPLATE = """\
# Settings of this warehouse. A line that begins with # shows the default; take the # away to change it.
# The environment goes first: SECTOR_THREADS=4 sector run. Tokens, passwords and addresses of webhooks are read
# from the environment alone and are refused here. `sector doctor` says what is wrong with this file.

# ------------------------------------------------------------------ the note
# ETF and index of the market note. Changing them makes a new release with the next run.
# note_etf = "159567.SZ"
# note_index = "987018.CNI"

# ----------------------------------------------------------------- the build
# Threads and memory of DuckDB; what does not fit into memory goes to disk.
# threads = 2
# memory_limit = "4GB"
# Publish the families that pass when another one is refused (false: all or nothing).
# partial_releases = true
# When the schedule of the UI refreshes on sessions, once it is switched on.
# refresh_times = ["09:20", "16:50", "22:30"]

# ------------------------------------------------------------- old releases
# The newest ones stay, all of the last days, and the last one of every day.
# keep_releases = 20
# keep_days = 30
# keep_last_of_day = true
# Dagster forgets all runs but the newest ones.
# keep_runs = 100

# ------------------------------------------------------------ live providers
# What `sector fetch` asks about. Empty: the note's ETF; its index and the two Hang Seng ones; members where needed.
# watch_etfs = []
# watch_indices = []
# watch_securities = []
# watch_concepts = ["CRO"]
# Pace in requests a minute, such as { akshare = 6, tushare = 200 }.
# requests_per_minute = {}
# Addresses to ask instead, such as { "https://api.tushare.pro" = "https://mirror.example" }.
# base_urls = {}
# fetch_connect_seconds = 10.0
# fetch_silence_seconds = 30.0
# fetch_total_seconds = 300.0
# fetch_attempts = 4
# In the environment alone: SECTOR_TUSHARE_TOKEN, SECTOR_CRUNCHBASE_KEY

# -------------------------------------------------------------------- alerts
# Who is told of a failed run, a refused release, a stale family, a held file. `sector alerts --test` tries it.
# A file that grows by a line of JSON for each message; a plain name lies beside this file.
# alert_file = "alerts.jsonl"
# Mail: "starttls", "tls" (port 465) or "none". Without alert_mail_from the first receiver is the sender.
# alert_mail_to = []
# alert_mail_from = "warehouse@example.com"
# alert_mail_server = "localhost:25"
# alert_mail_user = "warehouse"
# alert_mail_security = "starttls"
# In the environment alone: SECTOR_ALERT_SLACK_URL, SECTOR_ALERT_FEISHU_URL, SECTOR_ALERT_FEISHU_SECRET,
# SECTOR_ALERT_DINGTALK_URL, SECTOR_ALERT_DINGTALK_SECRET, SECTOR_ALERT_MAIL_PASSWORD
"""


@dataclass(frozen=True)
class Landed:
    """A file that somebody named. ``name``: its path under ``landing/``, None when it was left where it is.

    ``is_new``: False when the same bytes lay there already. ``reason``: why it was left, with the cure.
    """

    source: str
    table: str | None = None
    dialect: str | None = None
    name: str | None = None
    is_new: bool = False
    reason: str = ""

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def write_settings(settings: Settings) -> tuple[Path, bool]:
    """Make the home with ``landing/`` and the settings file; give its path, and whether it is new.

    A file that is there is left as it is.
    """
    make_folder(settings.landing)
    path = settings.home / SETTINGS_FILE
    if path.exists():
        return path, False
    write_whole(path, TEMPLATE)
    return path, True


def land(settings: Settings, named: Sequence[Path], table: str | None, progress: Callable[[str], None]) -> list[Landed]:
    """Copy the files that are named, and those under the folders that are, to where the next run reads them.

    ``table``: the raw table that all of them are for; otherwise the folder that is called like a table, or the header,
    tells. Raises ``NoSuchFileError`` before anything is copied.
    """
    if table is not None and table not in CONTRACTS:
        raise NoSuchFileError(f"{table!r} is no raw table: one of {', '.join(CONTRACTS)}")
    for path in named:
        if not path.exists():
            raise NoSuchFileError(f"{path} is no file and no folder")
        if settings.landing.is_relative_to(path.absolute()):
            raise NoSuchFileError(f"{path} holds landing/ itself: name the files or folders that are to be landed")
    found = []
    for path in named:
        for number, (file, parts) in enumerate(_files(path.absolute()), 1):
            if number % 50 == 0:
                progress(f"{path}: {number} files looked at")
            found.append(_land(settings, file, parts, table))
    return found


def _files(path: Path) -> Iterator[tuple[Path, tuple[str, ...]]]:
    """The files to land, each with its path from the folder that was named (that one included)."""
    if path.is_file():
        yield path, (path.name,)
        return
    for file in sorted(path.rglob("*")):
        if file.is_file() and not file.is_symlink() and not is_ignored(file.name):
            yield file, (path.name, *file.relative_to(path).parts)


def _land(settings: Settings, file: Path, parts: tuple[str, ...], table: str | None) -> Landed:
    source = printable(str(file))
    if file.is_relative_to(settings.landing):
        return Landed(source, name=file.relative_to(settings.landing).as_posix(), reason="it lies there already")
    if not _is_known_kind(file.name):
        return Landed(source, reason="no kind of file that is read")
    tables = [name for name in parts[:-1] if name in CONTRACTS]
    if tables and table is None:
        table = tables[-1]
    if tables:
        parts = parts[len(parts) - parts[::-1].index(tables[-1]) :]
    sheets = examine(settings, file, table, name=PurePosixPath(*parts).as_posix())
    fits = [fit for sheet in sheets for fit in sheet.fits]
    if not fits:
        refused = next((sheet.refused for sheet in sheets if sheet.refused), "it holds no table")
        return Landed(source, table, reason=f"{refused}: sector dialect {source}")
    readers = [fit for fit in fits if fit.accepted] or ([] if table is None else fits)
    if not readers:
        reason = fits[0].reasons[0][0] if fits[0].reasons else "it holds no row"
        return Landed(source, fits[0].table, fits[0].dialect, reason=f"none of its rows would be accepted: {reason}")
    names = sorted({fit.table for fit in readers})
    if len(names) > 1:
        return Landed(source, reason=f"it may be {' or '.join(names)}: say which with --table")
    best = max(readers, key=_accepted)
    name, is_new = _copy(settings, file, PurePosixPath(best.table, *parts))
    return Landed(source, best.table, best.dialect, printable(name), is_new)


def _accepted(fit: Fit) -> int:
    return fit.accepted


def _is_known_kind(name: str) -> bool:
    return format_of(name) is not None or name.lower().endswith(".zip")


def _copy(settings: Settings, file: Path, name: PurePosixPath) -> tuple[str, bool]:
    """Copy bytes to ``landing/``; other bytes that lie under that name stay, and these go beside them."""
    target = settings.landing / name
    digest = sha256(file)
    if target.exists() and sha256(target) != digest:
        target = target.with_name(f"{digest[:8]}-{target.name}")
    if target.exists():
        return target.relative_to(settings.landing).as_posix(), False
    make_folder(target.parent)
    unfinished = target.with_name(f".{target.name}.part")
    shutil.copyfile(file, unfinished)
    sync(unfinished)
    unfinished.rename(target)
    sync(target.parent)
    return target.relative_to(settings.landing).as_posix(), True


def show(landed: Sequence[Landed], console: Console) -> None:
    """What was landed, by table and dialect, and what was left, by reason."""
    kinds = Counter((each.table, each.dialect) for each in landed if each.is_new)
    for (table, dialect), count in sorted(kinds.items(), key=str):
        paragraph(console, f"{table}: {count} file{'s' if count != 1 else ''} landed, read by {dialect}")
    there = sum(each.name is not None and not each.is_new for each in landed)
    if there:
        console.print(f"{there} landed before", markup=False)
    left: dict[str, list[str]] = {}
    for each in landed:
        if each.name is None:
            left.setdefault(each.reason.replace(each.source, "FILE"), []).append(each.source)
    for reason, files in left.items():
        paragraph(console, f"not landed, {reason}")
        for file in files[:SHOWN]:
            console.print(f"  {file}", markup=False)
        if len(files) > SHOWN:
            console.print(f"  and {len(files) - SHOWN} more", markup=False)
