"""kill -9 in the middle of runs: the current release stands, and the next run finishes the job.

Publication is killed before the lines of its code by ``tests/unit/test_release_faults.py``; hundreds of runs are killed
by ``make stress``.
"""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.crash_world import IMPORTED, PUBLISH, READ, STAGES, World
from tests.support.killing import Call, Workshop

pytestmark = pytest.mark.pipeline

READING, BUILDING, CHECKING, PUBLISHING = (
    STAGES[name][0] for name in ("reading", "building", "checking", "publishing")
)


def test_killed_anywhere_the_release_stands_and_the_next_run_finishes(tmp_path: Path) -> None:
    """Twenty kills; a stage alone where the run before it would be paid for once more to no end."""
    world, chance = World(tmp_path / "home"), random.Random()  # noqa: S311 (moments, no secrets)
    home = str(world.home)
    with Workshop(tmp_path / "said", IMPORTED) as workshop:

        def killed(call: Call, mark: str, longest: float, alone: bool = False) -> str | None:
            """Kill it within so many seconds after it has said ``mark``; what is current then."""
            assert call.kill_after(mark, chance.uniform(0, longest), alone), call.progress()
            return world.check()

        # the very first run, killed again and again: nothing is current, nothing was published
        world.land()
        for mark, longest in ((READING, 2.0), ("rows accepted", 0.1), (BUILDING, 4.0), (CHECKING, 0.5)):
            assert killed(workshop.sector(world.home, "run"), mark, longest) is None
        assert not world.seen

        # its build was left to be judged and published: once undisturbed, then killed; it is the old one or a new one
        call = workshop.call(PUBLISH, home)
        assert call.wait() == 0, call.progress()
        world.check_finished()
        for mark, longest in ((READING, 0.5), (READING, 0.5), *[(PUBLISHING, 0.3)] * 4):
            before, kept = world.current, set(world.seen)
            current = killed(workshop.call(PUBLISH, home), mark, longest)
            assert current in {before, *(set(world.seen) - kept)}
            assert current == before or mark == PUBLISHING

        before = world.current
        reading = 0
        while reading < 7:
            world.land()  # read so quickly that some calls end before they are killed
            call = workshop.call(READ, home)
            hit = call.kill_after(READING, chance.uniform(0, 0.05))
            assert hit or call.wait() == 0, call.progress()
            assert world.check() == before
            reading += hit
        for number, mark in enumerate((READING, BUILDING, BUILDING)):
            assert killed(workshop.sector(world.home, "run"), mark, 3.0, alone=number % 2 == 1) == before

        call = workshop.sector(world.home, "run")
        assert call.wait() == 0, call.progress()
        world.check_finished()


def test_an_interrupted_build_takes_dbt_along(tmp_path: Path) -> None:
    """dbt runs on a thread of the run: a process that ends around it dies of it, and says so in words of C++."""
    world = World(tmp_path / "home")
    world.land()
    run = subprocess.Popen(
        [sys.executable, "-m", "orchestration.cli", "run"],
        env={**os.environ, "SECTOR_HOME": str(world.home)},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert run.stderr is not None
    said = ""
    while BUILDING not in said:
        line = run.stderr.readline()
        assert line, said
        said += line
    time.sleep(random.uniform(0, 3))  # noqa: S311 (a moment, no secret)
    run.send_signal(signal.SIGTERM)
    said += run.stderr.read()
    assert (run.wait(60), said.count("interrupted: nothing was published")) == (130, 1), said
    assert world.check() is None
