"""What `sector doctor` examines: is this machine and this SECTOR_HOME set up so that a run can succeed?

Belongs here: looking, and naming the cure. Nothing here repairs or changes anything.
"""

from __future__ import annotations

import difflib
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Any, Literal

from rich.console import Console

from orchestration import transform
from orchestration.layout import paragraph
from orchestration.locking import is_held, read_owner
from orchestration.paths import DBT_PROJECT, PROJECT_ROOT
from orchestration.refresh import release_file, utc_now
from orchestration.settings import SETTINGS_FILE, Settings

State = Literal["ok", "warning", "wrong"]

LITTLE_DISK = 2 * 1024**3
NO_DISK = 200 * 1024**2

CALENDAR_WARNING_DAYS = 30
"""The exchanges publish the next year's holidays each December; a month is time to upgrade."""

OTHER_VARIABLES = {"SECTOR_TRACEBACK", "SECTOR_CLIENTS_HOME"}
"""Read outside of the settings: by the command line where a call broke, by the tests of clients."""

DISTRIBUTION = "sector-warehouse"


@dataclass(frozen=True)
class Finding:
    """One thing looked at. ``cure`` says what to do unless it is ok."""

    check: str
    state: State
    detail: str
    cure: str = ""

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def _requirements() -> list[str]:
    try:
        return requires(DISTRIBUTION) or []
    except PackageNotFoundError:
        import tomllib

        project = tomllib.loads((PROJECT_ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        return list(project["dependencies"])


def versions(_: Settings) -> Iterator[Finding]:
    """Python, and every package at the version that was tried."""
    from packaging.requirements import Requirement

    fits = sys.version_info[:2] == (3, 11)
    yield Finding("python", "ok" if fits else "wrong", platform.python_version(), "" if fits else "use Python 3.11")
    unfit = []
    wanted = [Requirement(text) for text in _requirements()]
    wanted = [need for need in wanted if need.marker is None or need.marker.evaluate({"extra": ""})]
    for need in wanted:
        try:
            found = version(need.name)
        except PackageNotFoundError:
            unfit.append(f"{need.name} is not installed")
            continue
        if not need.specifier.contains(found, prereleases=True):
            unfit.append(f"{need.name} {found}, wanted {need.specifier}")
    if unfit:
        yield Finding("packages", "wrong", "; ".join(unfit), "install the project again from requirements.lock")
    else:
        yield Finding("packages", "ok", f"{len(wanted)} as pinned")
    dbt = transform.executable()
    if Path(dbt).exists() or shutil.which(dbt):
        yield Finding("dbt", "ok", dbt)
    else:
        yield Finding("dbt", "wrong", "no dbt beside this Python", "install the project again")


def _nearest(path: Path) -> Path:
    while not path.exists() and path != path.parent:
        path = path.parent
    return path


def paths(settings: Settings) -> Iterator[Finding]:
    """The folders under SECTOR_HOME, and whether they can be written."""
    home = settings.home
    source = "SECTOR_HOME" if "SECTOR_HOME" in os.environ else "the default: SECTOR_HOME is not set"
    if home.exists() and not home.is_dir():
        yield Finding("home", "wrong", f"{home} is a file", "set SECTOR_HOME to a folder")
        return
    if not home.exists():
        yield Finding("home", "warning", f"{home} ({source}) does not exist", "`sector run` makes it")
    else:
        yield Finding("home", "ok", f"{home} ({source})")
    folders = (home, settings.landing, settings.raw, settings.build, settings.releases, settings.dagster)
    locked = []
    for folder in dict.fromkeys(_nearest(folder) for folder in folders):
        try:
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError as error:
            locked.append(f"{folder}: {error.strerror or error}")
    if locked:
        yield Finding("permissions", "wrong", "; ".join(locked), "give write access, or set SECTOR_HOME elsewhere")
    else:
        yield Finding("permissions", "ok", "every folder can be written")
    yield _current(settings)
    missing = [str(path) for path in (DBT_PROJECT / "dbt_project.yml",) if not path.exists()]
    if missing:
        yield Finding("project", "wrong", f"not found: {', '.join(missing)}", "run from a checkout of the project")


def _current(settings: Settings) -> Finding:
    """Whether BI tools find a release that opens where they look."""
    import duckdb

    from warehouse.releases import ReleaseError, current_release

    try:
        release = current_release(settings.home)
    except ReleaseError as error:
        found, _, cure = str(error).partition(": ")
        return Finding("current", "wrong", found, cure)
    if release is None:
        return Finding("current", "warning", "no release yet", "`sector run`")
    try:
        duckdb.connect(str(release_file(settings, release)), read_only=True).close()
    except duckdb.Error as error:
        cause = str(error).splitlines()[0]
        cure = "`sector releases` lists the others: `sector rollback ID` takes one"
        return Finding("current", "wrong", f"release {release.release_id} cannot be opened: {cause}", cure)
    return Finding("current", "ok", f"{settings.current.readlink()}")


def calendar(_: Settings) -> Iterator[Finding]:
    """How far the installed trading calendars reach."""
    from orchestration.calendars import horizon

    last = horizon()
    days = (last - utc_now().date()).days
    cure = "upgrade exchange-calendars: the exchanges publish the next year each December"
    state: State = "wrong" if days < 0 else "warning" if days < CALENDAR_WARNING_DAYS else "ok"
    yield Finding("calendar", state, f"known to {last} ({days} days ahead)", "" if state == "ok" else cure)


def age(settings: Settings) -> Iterator[Finding]:
    """Whether the current release holds the sessions that were due, family by family."""
    from orchestration import lateness

    found = lateness.verdicts(settings, utc_now())
    late = sorted({verdict.due.family for verdict in found if verdict.is_late})
    if late:
        cure = "`sector status` shows since when; land newer files or `sector fetch`, then `sector run`"
        yield Finding("age", "warning", f"late: {', '.join(late)}", cure)
    elif any(verdict.newest for verdict in found):
        yield Finding("age", "ok", "every session that was due is there")


def disk(settings: Settings) -> Iterator[Finding]:
    """Free space where SECTOR_HOME lies."""
    free = shutil.disk_usage(_nearest(settings.home)).free
    state: State = "wrong" if free < NO_DISK else "warning" if free < LITTLE_DISK else "ok"
    yield Finding("disk", state, f"{free / 1e9:.1f} GB free", "" if state == "ok" else "free some space")


def dialects(settings: Settings) -> Iterator[Finding]:
    """The dialects that this SECTOR_HOME declares."""
    from orchestration.dialects.own import OwnDialectError, read_own

    for path in sorted(settings.dialects.glob("*.toml")):
        try:
            own = read_own(path)
        except OwnDialectError as error:
            yield Finding("dialect", "wrong", str(error), "mend it, or move it out of the folder: no file is read")
            continue
        if own.confirmed:
            yield Finding("dialect", "ok", f"{own.dialect.name} reads {own.dialect.table}")
        else:
            yield Finding("dialect", "warning", f"{path} is not confirmed", "read it, then say confirmed = true")


def words(settings: Settings) -> Iterator[Finding]:
    """The settings file, and variables of the environment that look like settings and are none."""
    path = settings.home / SETTINGS_FILE
    known = {f"SECTOR_{name.upper()}" for name in Settings.model_fields} | OTHER_VARIABLES
    given = sorted(name for name in os.environ if name.upper().startswith("SECTOR_"))
    strange = [name for name in given if name.upper() not in known]
    for name in strange:
        near = difflib.get_close_matches(name.upper(), known, 1)
        cure = f"did you mean {near[0]}?" if near else "take it out of the environment"
        yield Finding("settings", "warning", f"nothing reads {name}", cure)
    if not strange:
        where = f"{path} and the environment" if path.exists() else "the environment; `sector init` writes a file"
        yield Finding("settings", "ok", f"from {where}")


def landed(settings: Settings) -> Iterator[Finding]:
    """Folders that no table has, and files that wait."""
    from orchestration.contracts import CONTRACTS
    from orchestration.ingest import unread

    folders = [path.name for path in settings.landing.iterdir()] if settings.landing.is_dir() else []
    for name in sorted(name for name in folders if name not in CONTRACTS and not name.startswith(".")):
        near = difflib.get_close_matches(name, CONTRACTS, 1)
        cure = (
            f"did you mean {near[0]}?" if near else "move it into the folder of a table (README, Bring your own data)"
        )
        yield Finding("landing", "warning", f"{settings.landing / name} is no table's folder", cure)
    waiting = sum(len(files) for files in unread(settings).values())
    if not folders:
        cure = "`sector init FILE…` lands files, `sector sample` a synthetic world, `sector fetch` asks providers"
        yield Finding("landing", "warning", f"nothing lies under {settings.landing}", cure)
    elif waiting:
        yield Finding("landing", "warning", f"{waiting} files not read yet", "`sector run`")
    else:
        yield Finding("landing", "ok", "every file has been read")


def alerts(settings: Settings) -> Iterator[Finding]:
    """Whether somebody is told of trouble, and whether the messages get there. Nothing is sent."""
    from orchestration.alerts.channels import configured
    from orchestration.alerts.troubles import Troubles

    channels = configured(settings)
    store = Troubles(settings.ledger)
    stuck = {message.channel: message for message in store.unsent() if message.attempts}
    for channel in channels:
        if message := stuck.get(channel.name):
            detail = f"{channel.name} did not take a message: {message.failure}"
            yield Finding("alerts", "warning", detail, "mend its settings, then `sector alerts --test`")
        else:
            yield Finding("alerts", "ok", f"told to {channel.name}")
    if not channels:
        yield Finding("alerts", "ok", "nobody is told (README, Alerts)")
    if known := store.open_troubles():
        yield Finding("troubles", "warning", f"{len(known)} open", "`sector alerts` has cause and cure of each")


def locks(settings: Settings) -> Iterator[Finding]:
    """Whether a run is in progress, and whether a dead one has left its name behind."""
    owner = read_owner(settings.lock)
    if is_held(settings.lock):
        who = f"process {owner.pid}, since {owner.since:%Y-%m-%d %H:%M:%S} UTC" if owner else "another process"
        yield Finding("lock", "warning", f"a run is in progress: {who}", "wait for it to end")
    elif owner is not None:
        detail = f"free; process {owner.pid} died in a run that began {owner.since:%Y-%m-%d %H:%M:%S} UTC"
        yield Finding("lock", "warning", detail, "`sector run` repeats what it did not finish")
    else:
        yield Finding("lock", "ok", "free")


EXAMINATIONS: tuple[Callable[[Settings], Iterator[Finding]], ...] = (
    versions,
    paths,
    words,
    landed,
    dialects,
    calendar,
    age,
    disk,
    locks,
    alerts,
)


def examine(settings: Settings) -> list[Finding]:
    """All findings. An examination that breaks is itself a finding."""
    findings: list[Finding] = []
    for examination in EXAMINATIONS:
        try:
            findings += examination(settings)
        except Exception as error:  # noqa: BLE001 (a broken examination must not hide the others)
            cause = " ".join(str(error).split()) or type(error).__name__
            findings.append(Finding(examination.__name__, "wrong", cause, "see the message"))
    return findings


def is_healthy(findings: list[Finding]) -> bool:
    """Whether a run can be expected to succeed."""
    return all(finding.state != "wrong" for finding in findings)


def print_findings(findings: list[Finding], console: Console) -> None:
    """The findings for people: a line each, and the cure of what is wrong under it."""
    for finding in findings:
        paragraph(console, f"{finding.state:8} {finding.check:12} {finding.detail}")
        if finding.cure:
            paragraph(console, f"-> {finding.cure}", 22)
