"""How much damage the door and the gate catch before a release, and how often they cry wolf.

Run with ``python -m tests.benchmarks.damage`` (``make bench``): every kind of damage of the catalogues, one at a time,
against one finished sample build; then days without damage, each built, judged and released after the one before.
``--home`` takes a home whose build is of 2025-04-24 10:30 instead of making one, ``--clean-days`` the number of clean
days (about ten seconds each) until ``--until``, ``--only`` the damage to tables of that name (``none``: no damage),
``--json FILE`` writes the figures. Refused means that the release does not come out, or the
damaged rows do not come in; warned that it comes out with a warning beside it.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from orchestration.moments import MARKET_ZONE
from orchestration.paths import PROJECT_ROOT
from tests.support.damage import Door, Verdict, cut, judged, received, subject
from tests.support.damage_files import FILE_DAMAGE
from tests.support.damage_marts import MART_DAMAGE
from tests.support.evenings import Evenings

MOMENT = "2025-04-24T10:30:00+08:00"
LAST_EVENING = dt.date(2025, 4, 23)
BEFORE = dt.datetime(2025, 4, 22, 22, 30, tzinfo=MARKET_ZONE)
CLEAN_DAYS = 5


def made(home: Path) -> Path:
    """A home with the sample and a build of ``MOMENT``."""
    environment = {**os.environ, "SECTOR_HOME": str(home), "PYTHONPATH": str(PROJECT_ROOT)}
    for arguments in (["sample"], ["run", "--as-of", MOMENT, "--current"]):
        command = [sys.executable, "-W", "ignore", "-m", "orchestration.cli", *arguments]
        subprocess.run(command, cwd=PROJECT_ROOT, env=environment, check=True, capture_output=True)
    return home


def all_verdicts(home: Path, scratch: Path, only: str = "") -> list[Verdict]:
    """Every damage of both catalogues on tables whose name holds ``only``."""
    door = Door(home, scratch / "door")
    verdicts = [received(damage, door) for damage in FILE_DAMAGE if only in f"raw.{damage.table}"]
    whole = subject(home / "build", [cut(home / "build", scratch / "before", BEFORE)])
    verdicts += [judged(damage, whole, scratch / "build") for damage in MART_DAMAGE if only in damage.table]
    return verdicts


def clean_days(home: Path, scratch: Path, days: int, until: dt.date) -> dict[str, list[str]]:
    """Alarms (``severity mart.check``) by day of the last ``days`` sessions until ``until``.

    One session more is built before them, so that the first too has a release to be held against.
    """
    evenings = Evenings(home, scratch)
    alarms: dict[str, list[str]] = {}
    for place, evening in enumerate(evenings.judged(evenings.sessions(until, days + 1))):
        said = ", ".join(evening.alarms) or "silent"
        sys.stderr.write(f"{evening.day}: {len(evening.checks)} checks, {said}\n")
        if place:
            alarms[evening.day.isoformat()] = evening.alarms
    return alarms


def told(verdicts: list[Verdict], alarms: dict[str, list[str]], console: Console) -> None:
    """The table, the shares, the misses with their reasons."""
    table = Table(title="Damage, one kind at a time")
    for heading in ("table", "damage", "fate", "by"):
        table.add_column(heading)
    for verdict in verdicts:
        table.add_row(verdict.table, verdict.name, verdict.fate, "; ".join(verdict.by)[:90])
    console.print(table)
    fates = Counter(verdict.fate for verdict in verdicts)
    total = max(len(verdicts), 1)
    console.print(
        f"{len(verdicts)} kinds: refused {fates['refused']} ({fates['refused'] / total:.0%}), "
        f"warned {fates['warned']} ({fates['warned'] / total:.0%}), missed {fates['missed']}"
    )
    for verdict in verdicts:
        if verdict.fate == "missed":
            reason = verdict.miss or (f"see the marts: {verdict.beyond}" if verdict.beyond else "NO REASON GIVEN")
            console.print(f"  missed: {verdict.table}: {verdict.name}: {reason}", soft_wrap=True)
    refusing = {day: found for day, found in alarms.items() if any(name.startswith("critical") for name in found)}
    warned = sum(1 for found in alarms.values() if found)
    console.print(f"{len(alarms)} clean days: {len(refusing)} refused, {warned} with a warning")
    for day, found in alarms.items():
        if found:
            console.print(f"  {day}: {', '.join(found)}", soft_wrap=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--home", type=Path)
    parser.add_argument("--clean-days", type=int, default=CLEAN_DAYS)
    parser.add_argument("--until", type=dt.date.fromisoformat, default=LAST_EVENING)
    parser.add_argument("--only", default="")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        home = options.home or made(scratch / "home")
        verdicts = all_verdicts(home, scratch, options.only)
        asked = options.clean_days
        alarms = clean_days(home, scratch / "days", asked, options.until) if asked else {}
    told(verdicts, alarms, Console(width=200))
    if options.json:
        figures = {
            "seconds": round(time.perf_counter() - began, 1),
            "fates": Counter(verdict.fate for verdict in verdicts),
            "verdicts": [asdict(verdict) for verdict in verdicts],
            "clean_days": len(alarms),
            "alarms": {day: found for day, found in alarms.items() if found},
        }
        options.json.write_text(json.dumps(figures, indent=1, ensure_ascii=False), encoding="utf-8")


if __name__ == "__main__":
    main()
