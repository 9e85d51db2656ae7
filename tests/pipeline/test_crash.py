"""kill -9 in the middle of runs: the current release stands, and the next run finishes the job.

Publication is killed before the lines of its code by ``tests/unit/test_release_faults.py``; hundreds of runs are killed
by ``make stress``.
"""

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from orchestration import transform
from orchestration.settings import Settings
from tests.support.crash_world import STAGES, World
from tests.support.killing import Workshop

pytestmark = pytest.mark.pipeline

KILLS = {"reading": (16, 2.0), "building": (3, 4.0), "publishing": (1, 0.3)}
"""Stage -> kills, and the longest wait for them after its beginning (seconds)."""


def test_killed_anywhere_the_release_stands_and_the_next_run_finishes(tmp_path: Path) -> None:
    world, chance = World(tmp_path / "home"), random.Random()  # noqa: S311 (moments, no secrets)
    with Workshop(tmp_path / "said") as workshop:
        # the very first run, killed: nothing is current, nothing was published
        world.land()
        assert workshop.sector(world.home, "run").kill_after("rows accepted", 0.1)
        assert world.check() is None
        call = workshop.sector(world.home, "run")
        assert call.wait() == 0, call.progress()
        world.check_finished()

        for stage, (count, longest) in KILLS.items():
            for number in range(count):
                if number % 4 == 0:
                    world.land()
                before = world.check()
                call = workshop.sector(world.home, "run")
                # every other kill leaves dbt behind, if it is there
                assert call.kill_after(STAGES[stage][0], chance.uniform(0, longest), alone=number % 2 == 0), stage
                assert stage == "publishing" or world.check() == before, call.progress()

        world.land()
        call = workshop.sector(world.home, "run")
        assert call.wait() == 0, call.progress()
        world.check_finished()


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="this system does not show its processes under /proc")
def test_dbt_that_outlived_its_run_is_ended_before_the_build_files_are_made_anew(tmp_path: Path) -> None:
    """It would open the next run's build files, and that run would find them locked."""
    settings = Settings(home=tmp_path / "home")
    (tmp_path / "dbt").write_text("import time\ntime.sleep(60)\n")
    ours, others = (
        subprocess.Popen(
            [sys.executable, str(tmp_path / "dbt"), "build"], env={**os.environ, "SECTOR_BUILD_DIR": str(folder)}
        )
        for folder in (settings.build, tmp_path / "another" / "build")
    )
    try:
        while b"dbt" not in Path(f"/proc/{ours.pid}/cmdline").read_bytes():
            time.sleep(0.01)
        transform.end_orphans(settings)
        assert ours.wait(10) == -9
        assert others.poll() is None
    finally:
        for process in (ours, others):
            process.kill()
            process.wait()
