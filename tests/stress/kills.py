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
from pathlib import Path

from tests.support.crash_world import STAGES, World, require
from tests.support.killing import Call, Workshop

WEIGHTS = {"reading": 12, "building": 4, "checking": 2, "publishing": 3, "after the link": 1}
"""A kill late in a run costs the whole run before it."""


def say(text: str) -> None:
    """A line of the report, at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


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
