"""kill -9 in the middle of real ``sector run``s, hundreds of times: the current release stands, the next run is right.

Run with ``make stress`` (about half an hour on two cores), or ``python -m tests.stress.kills --kills 20``. Each run
has one more file to read; it is killed at a random moment of a random stage, with dbt or without it. After every kill
the current release must be whole and be the old or the new one; some times the next run is left alone and must come
out with every row that ever landed, once. Prints a tally; ends with an error at the first thing that is not as it must.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from orchestration.calendars import sessions
from orchestration.ingest import Ledger
from tests.support.killing import Call, Workshop
from warehouse.releases import current_release, list_releases

HEADER = "etf_code,trade_date,open,high,low,close,prev_close,volume_shares,turnover_cny\n"

STAGES = {
    "reading": ("", "building as of"),
    "building": ("building as of", "models built"),
    "checking": ("models built", "checks:"),
    "publishing": ("checks:", "is current"),
    "after the link": ("is current", None),
}
"""Stage -> what a run says at its beginning and at its end."""

WEIGHTS = {"reading": 12, "building": 4, "checking": 2, "publishing": 3, "after the link": 1}
"""A kill late in a run costs the whole run before it."""


class NotWholeError(AssertionError):
    """What must hold after a kill does not."""


def say(text: str) -> None:
    """A line of the report, at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def require(holds: bool, what: str) -> None:
    """Raise ``NotWholeError`` unless it holds."""
    if not holds:
        raise NotWholeError(what)


@dataclass
class World:
    """A SECTOR_HOME, what has landed in it, and what its releases were seen to hold."""

    home: Path
    days: list[str] = field(default_factory=list)
    seen: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._sessions = [str(day) for day in sessions("XSHG").sessions if str(day) > "2023-06"]

    def land(self) -> None:
        """One more file: a session's bar, and a line that cannot be read."""
        day = self._sessions[len(self.days)]
        self.days.append(day)
        close = self.close(len(self.days) - 1)
        text = f"159567.SZ,{day},{close},{close},{close},{close},1.0,1000000,1000000\n159567.SZ,{day},x,,,,,,\n"
        path = self.home / "landing" / "etf_bars" / f"{day}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(f".{path.name}.part")
        unfinished.write_text(HEADER + text, encoding="utf-8")
        unfinished.rename(path)

    @staticmethod
    def close(number: int) -> str:
        return f"{1 + number / 1000:.4f}"

    def check(self) -> str | None:
        """The current release and every kept one are whole; gives the current one's id."""
        records = list_releases(self.home)
        folders = sorted(path.name for path in (self.home / "releases").glob("*"))
        require(folders == sorted(r.release_id for r in records), f"half a release: {folders}")
        current = current_release(self.home)
        for record in records:
            if record.release_id in self.seen and record != current:
                continue
            file = self.home / "releases" / record.release_id / "sector.duckdb"
            path = self.home / "current" / "sector.duckdb" if record == current else file
            with duckdb.connect(str(path), read_only=True) as con:
                [(release_id,)] = con.execute("select release_id from meta.release").fetchall()
                rows = con.execute(
                    "select strftime(trade_date, '%Y-%m-%d'), close from marts.fct_etf_daily order by trade_date"
                ).fetchall()
            require(release_id == record.release_id, f"{file} holds {release_id}")
            expected = [(day, self.close(number)) for number, day in enumerate(self.days[: len(rows)])]
            require([(day, str(close)) for day, close in rows] == expected, f"{file}: rows {rows[-3:]}")
            require(self.seen.setdefault(release_id, len(rows)) == len(rows), f"{file} has changed")
        require(self.seen == {r.release_id: self.seen[r.release_id] for r in records}, "a release has gone")
        return current.release_id if current else None

    def check_finished(self) -> None:
        """After a run that came to its end: everything that landed is there, once, and nothing is left over."""
        current = self.check()
        require(current is not None and self.seen[current] == len(self.days), f"{current} lacks rows that landed")
        ledger = Ledger(self.home / "ledger.sqlite")
        batches = ledger.batches().to_pylist()
        require(sorted(b["file"] for b in batches) == [f"etf_bars/{day}.csv" for day in self.days], "batches by file")
        counted = {(b["rows_landed"], b["rows_accepted"], b["rows_quarantined"], b["rows_repeated"]) for b in batches}
        require(counted == {(2, 1, 1, 0)}, f"row accounting: {counted}")
        with duckdb.connect() as con:
            raw = [str(path) for path in ledger.raw_files()["etf_bars"]]
            [rows] = con.execute("select count(*), count(distinct _file) from read_parquet(?)", [raw]).fetchall()
        require(rows == (len(self.days), len(self.days)), f"raw rows and files: {rows}")
        require(len(ledger.quarantine()) == len(self.days), "quarantine lines")
        debris = [*self.home.glob("build/release.*"), *self.home.glob(".current*"), *self.home.rglob("*.staged")]
        require(not debris, f"left over: {debris}")


def durations(call: Call) -> dict[str, float]:
    """Seconds of each stage of a run that is left alone."""
    found, at = {}, time.monotonic()
    for stage, (_, end) in STAGES.items():
        while not call.has_ended() and (end is None or end not in call.progress()):
            time.sleep(0.01)
        found[stage], at = time.monotonic() - at, time.monotonic()
    require(call.wait() == 0, f"a run failed: {call.progress()}")
    return found


def main() -> None:
    """Kill, look, tally."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=None)
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(10**6)
    chance, tally, began = random.Random(seed), Counter[str](), time.monotonic()  # noqa: S311 (no secrets here)
    with tempfile.TemporaryDirectory() as folder, Workshop(Path(folder) / "said") as workshop:
        world = World(Path(folder) / "home")
        world.land()
        call = workshop.sector(world.home, "run")
        require(call.wait() == 0, f"the first run failed: {call.progress()}")
        world.land()
        took = durations(workshop.sector(world.home, "run"))
        world.check_finished()
        say(f"seed {seed}; a run: " + ", ".join(f"{name} {seconds:.1f} s" for name, seconds in took.items()))
        killed = since = 0
        while killed < options.kills or since:
            if killed >= options.kills or since >= chance.randint(5, 25):
                call = workshop.sector(world.home, "run")
                code = call.wait()
                require(code == 0, f"exit {code} of the run after {since} kills: {call.progress()}")
                world.check_finished()
                since, tally["runs left alone, all right"] = 0, tally["runs left alone, all right"] + 1
                continue
            world.land()
            stage = chance.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
            before, kept, alone = world.check(), len(world.seen), chance.random() < 0.4
            call = workshop.sector(world.home, "run")
            hit = call.kill_after(STAGES[stage][0], chance.uniform(0, 1.05 * took[stage]), alone)
            said = call.progress()
            require(hit or call.wait() == 0, f"exit {call.wait()} of a run that was not killed: {said}")
            current = world.check()
            if not hit:
                require(current != before, "a run that ended made nothing current")
                since, tally["runs that ended before the kill"] = 0, tally["runs that ended before the kill"] + 1
                continue
            killed, since = killed + 1, since + 1
            reached = [name for name, (start, _) in STAGES.items() if start in said][-1]
            tally[f"killed while {reached}{', dbt left behind' if alone and reached == 'building' else ''}"] += 1
            outcome = "the new one" if current != before else "the old one"
            tally[f"  then current: {outcome}"] += 1
            tally["  then published, not current yet"] += current == before and len(world.seen) > kept
            if killed % 20 == 0:
                say(f"{killed} kills in {time.monotonic() - began:.0f} s: {dict(sorted(tally.items()))}")
    say(f"{killed} kills in {time.monotonic() - began:.0f} s, every release whole")
    for name, count in sorted(tally.items(), key=lambda item: (item[0].startswith(" "), item[0])):
        say(f"{count:>5}  {name}")


if __name__ == "__main__":
    main()
