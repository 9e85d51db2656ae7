"""The disk fills up in the middle of a run: it says so, the old release stands, and with space again all is well.

Every single call of a publication that takes space is refused in ``tests/unit/test_release_faults.py``.
"""

import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.crash_world import World
from tests.support.killing import Workshop

pytestmark = [pytest.mark.pipeline, pytest.mark.stress]

MARKS = {
    "while it reads": "",
    "when the rows are in": "rows accepted",
    "while the models are built": "building as of",
    "before the checks": "models built",
    "before the copy": "checks:",
}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256m", "tmpfs", str(folder)], capture_output=True)
    if mounted.returncode:
        pytest.skip(f"no small disk can be mounted here: {mounted.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(filler: Path) -> None:
    with suppress(OSError), filler.open("wb") as handle:
        while True:
            handle.write(bytes(1 << 16))
            handle.flush()


def test_a_disk_that_fills_up_leaves_the_old_release_and_the_next_run_is_right(
    small_disk: Path, tmp_path: Path
) -> None:
    world, filler = World(small_disk / "home"), small_disk / "filler"
    world.land()
    with Workshop(tmp_path / "said") as workshop:
        call = workshop.sector(world.home, "run")
        assert call.wait() == 0, call.progress()
        world.check_finished()
        for when, mark in MARKS.items():
            world.land()
            before = world.check()
            call = workshop.sector(world.home, "run")
            while mark not in call.progress() and not call.has_ended():
                time.sleep(0.005)
            fill(filler)
            assert call.wait() == 2, (when, call.progress())
            assert "disk is full" in call.progress() or "MB free" in call.progress(), (when, call.progress())
            assert world.check() == before, when
            filler.unlink()
        call = workshop.sector(world.home, "run")
        assert call.wait() == 0, call.progress()
        world.check_finished()
