"""kill -9 at random moments of reading, dbt, gate and publication, hundreds of times; the release stands throughout.

Run with ``make stress``, or ``python -m tests.stress.kills --kills 20``. A round kills each stage as often as the
others, several times in a row without anything between them to tidy up:

- reading: ``sector run`` and the reading of it alone, by turns; after each kill reading is done again and every row
  that landed is counted, once;
- dbt: ``sector run``, each of which meets what the one before it left, every other time with its dbt still at work;
- gate: ``sector run``, then the last stage of it alone over the build that it left, again and again;
- publication: that last stage, over the same build.

Then a run is left alone and must come to its end with everything there. After every kill all releases are opened: the
current one is whole, and is the one before to the byte, or the new one. At the end a home that was never disturbed
reads the same files, and its marts must be the same. Prints a line for each kill and a tally, also when interrupted;
exit code 1 at the first thing that is not as it must be, with the home kept to be looked at.
"""

from __future__ import annotations

import argparse
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.crash_world import IMPORTED, PUBLISH, READ, STAGES, World, differing_marts, require
from tests.support.killing import Call, Workshop

KILLED = ("reading", "building", "checking", "publishing")
IN_A_ROW = 5
"""Kills of a stage in a round."""


def say(text: str) -> None:
    """A line of the report, at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


@dataclass
class Kills:
    """What was killed so far, and how long each stage takes when it is not."""

    world: World
    workshop: Workshop
    chance: random.Random
    wanted: int
    began: float = field(default_factory=time.monotonic)
    took: dict[str, float] = field(default_factory=dict)
    tally: Counter[tuple[str, str]] = field(default_factory=Counter)
    runs: Counter[str] = field(default_factory=Counter)

    def count(self, stage: str) -> int:
        """Kills while a stage was at work."""
        return sum(count for (name, _), count in self.tally.items() if name == stage)

    @property
    def killed(self) -> int:
        return sum(self.tally.values())

    def run(self) -> None:
        """A run that is left alone; notes how long its stages take."""
        call, at = self.workshop.sector(self.world.home, "run"), time.monotonic()
        for stage, (_, end) in STAGES.items():
            while not call.has_ended() and (end is None or end not in call.progress()):
                time.sleep(0.01)
            self.took[stage], at = time.monotonic() - at, time.monotonic()
        require(call.wait() == 0, f"exit {call.wait()} of a run that was left alone: {call.progress()}")
        self.world.check_finished()
        self.runs["runs left alone: everything there, once"] += 1

    def kill(self, stage: str, call: Call, mark: str, during: str, alone: bool = False) -> None:
        """Kill it after ``mark`` within the time that ``during`` takes, look, note what it had reached."""
        before, kept = self.world.current, len(self.world.seen)
        hit = call.kill_after(mark, self.chance.uniform(0, self.took[during]), alone)
        said = call.progress()
        require(hit or call.wait() == 0, f"exit {call.wait()} of a call that was not killed: {said}")
        current = self.world.check()
        if not hit:
            self.runs["calls that ended before their kill"] += 1
            self.took[during] *= 0.7  # it is quicker than it was
            return
        ends = [(name, end) for name, (_, end) in STAGES.items() if end and name in KILLED]
        first = KILLED.index(stage)
        reached = next((name for name, end in ends[first:] if end not in said), KILLED[-1])
        outcome = "the new one is current" if current != before else "the one before is current"
        if current == before and len(self.world.seen) > kept:
            outcome = "published, the one before is current"
        self.tally[reached, outcome] += 1
        elapsed = time.monotonic() - self.began
        left = elapsed / self.killed * max(self.wanted - self.killed, 0)
        dbt = ", its dbt left at work" if alone and reached == "building" else ""
        say(
            f"{self.killed:>4} of {self.wanted}  killed while {reached:<10}  {outcome}{dbt}  "
            f"({elapsed:,.0f} s, about {left:,.0f} s left)"
        )

    def reading(self, number: int) -> None:
        """A kill while a file is read; what was not read is read then, once."""
        self.world.land()
        if number % 2:
            self.kill("reading", self.workshop.call(READ, str(self.world.home)), "", "reading alone")
        else:
            self.kill("reading", self.workshop.sector(self.world.home, "run"), "", "reading")
        self.stage_alone(READ, "reading alone")
        self.world.check_read()

    def building(self, number: int) -> None:
        """A kill while dbt is at work, which every other time goes on without its run."""
        call = self.workshop.sector(self.world.home, "run")
        self.kill("building", call, STAGES["building"][0], "building", alone=number % 2 == 0)

    def checking(self, number: int) -> None:
        """A kill in the gate: of a run at first, which leaves its build to the others."""
        if number == 0:
            call, mark = self.workshop.sector(self.world.home, "run"), STAGES["checking"][0]
        else:
            call, mark = self.workshop.call(PUBLISH, str(self.world.home)), ""
        self.kill("checking", call, mark, "checking")

    def publishing(self, number: int) -> None:
        """A kill after the gate has passed the build; every fifth when the release is current already."""
        stage = "after the link" if number % IN_A_ROW == IN_A_ROW - 1 else "publishing"
        call = self.workshop.call(PUBLISH, str(self.world.home))
        self.kill("publishing", call, STAGES[stage][0], stage)

    def stage_alone(self, function: str, name: str) -> None:
        """A stage that is left alone; notes how long it takes."""
        at = time.monotonic()
        call = self.workshop.call(function, str(self.world.home))
        require(call.wait() == 0, f"exit {call.wait()} of a stage that was left alone: {call.progress()}")
        self.took[name] = time.monotonic() - at

    def round(self, number: int) -> None:
        """Every stage, until each has been killed so many times, and a run that is left alone."""
        for stage in KILLED:
            tried = 0
            while self.count(stage) < number * IN_A_ROW:
                getattr(self, stage)(tried)
                tried += 1
        self.world.land()
        self.run()

    def table(self) -> None:
        """The tally."""
        say(f"\n{self.killed} kills in {time.monotonic() - self.began:,.0f} s")
        for stage in KILLED:
            say(f"{self.count(stage):>5}  while {stage}")
            for (name, outcome), count in sorted(self.tally.items()):
                if name == stage:
                    say(f"       {count:>5}  {outcome}")
        for name, count in sorted(self.runs.items()):
            say(f"{count:>5}  {name}")


@contextmanager
def a_folder() -> Iterator[Path]:
    """A folder that is removed when all is as it must be, or when interrupted, and kept to be looked at when not."""
    folder = Path(tempfile.mkdtemp(prefix="kills-"))
    try:
        yield folder
    except Exception:
        say(f"kept to be looked at: {folder}")
        raise
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    shutil.rmtree(folder)


def prove(folder: Path, kills: Kills) -> None:
    """Kill round after round, then compare with a home that was never disturbed."""
    world = kills.world
    for _ in range(2):  # the second has something to compare with, as those that follow
        world.land()
        kills.run()
    kills.stage_alone(READ, "reading alone")
    say("a run left alone: " + ", ".join(f"{name} {seconds:.1f} s" for name, seconds in kills.took.items()))
    kills.began, number = time.monotonic(), 0
    while kills.killed < kills.wanted:
        number += 1
        kills.round(number)
    quiet = folder / "undisturbed"
    shutil.copytree(world.home / "landing", quiet / "landing")
    call = kills.workshop.sector(quiet, "run")
    require(call.wait() == 0, f"the undisturbed run failed: {call.progress()}")
    differing = differing_marts(world.home, quiet)
    require(not differing, f"other rows than those of an undisturbed home: {differing}")
    kills.runs["marts compared with those of an undisturbed home: equal"] += 1


def main() -> None:
    """Kill, look, tally."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200, help=f"at least so many; {len(KILLED) * IN_A_ROW} a round")
    parser.add_argument("--seed", type=int, default=None)
    options = parser.parse_args()
    for number in (signal.SIGINT, signal.SIGTERM):  # also where it was started with interrupts ignored
        signal.signal(number, signal.default_int_handler)
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(10**6)
    say(f"seed {seed}")
    with a_folder() as folder, Workshop(folder / "said", IMPORTED) as workshop:
        kills = Kills(World(folder / "home"), workshop, random.Random(seed), options.kills)  # noqa: S311 (no secrets)
        try:
            prove(folder, kills)
        finally:
            kills.table()
        say("every release whole, every run that followed right")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
