"""Publication is killed before every line of its code, and finds the disk full at every call that takes space.

What must hold after each: the current release is the old one or the new one, every release is whole, and the next
publication needs no help.
"""

import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.killing import Workshop
from tests.support.publishing import built, publish_number, whole

PUBLISH = "tests.support.publishing:publish_number"
WATCHED = ("warehouse/releases.py", "orchestration/durable.py")


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    with Workshop(tmp_path_factory.mktemp("said"), imported=("tests.support.publishing",)) as server:
        yield server


@pytest.fixture
def before(tmp_path: Path) -> Path:
    """Three releases, of which the next publication lets go the first, and a build that is the fourth."""
    home = tmp_path / "before"
    for number in (1, 2, 3):
        built(home, number)
        publish_number(str(home), str(number))
    built(home, 4)
    assert whole(home) == (3, [2, 3])
    return home


def copy_of(before: Path, home: Path) -> Path:
    shutil.rmtree(home, ignore_errors=True)
    return shutil.copytree(before, home, symlinks=True)


def next_one_is_right(home: Path) -> None:
    built(home, 5)
    publish_number(str(home), "5")
    current, numbers = whole(home)
    assert current == 5
    assert len(numbers) == 2
    left = [*home.glob("build/release.*"), *home.glob(".current*")]
    assert not left


@pytest.mark.parametrize("step", [6, pytest.param(1, marks=pytest.mark.stress)])
def test_killed_before_any_line_a_publication_leaves_whole_releases_and_the_next_one_is_right(
    workshop: Workshop, before: Path, tmp_path: Path, step: int
) -> None:
    home = copy_of(before, tmp_path / "home")
    call = workshop.call(PUBLISH, str(home), "4", watched=WATCHED)
    assert call.wait() == 0, call.progress()
    lines, _ = call.counted()
    assert lines > 80
    assert whole(home) == (4, [3, 4])
    seen = set()
    for line in {*range(1, lines + 1, step), lines}:
        copy_of(before, home)
        call = workshop.call(PUBLISH, str(home), "4", watched=WATCHED, at_line=line)
        assert call.wait() == -signal.SIGKILL
        state = whole(home)
        seen.add((state[0], tuple(state[1])))
        next_one_is_right(home)
    # nothing done; published; current; the oldest gone
    assert seen == {(3, (2, 3)), (3, (2, 3, 4)), (4, (2, 3, 4)), (4, (3, 4))}


def test_a_disk_that_is_full_from_any_call_on_leaves_the_old_release_or_the_new_one_whole(
    workshop: Workshop, before: Path, tmp_path: Path
) -> None:
    home = copy_of(before, tmp_path / "home")
    call = workshop.call(PUBLISH, str(home), "4")
    assert call.wait() == 0, call.progress()
    _, calls = call.counted()
    assert calls > 15
    for number in range(1, calls + 1):
        copy_of(before, home)
        call = workshop.call(PUBLISH, str(home), "4", full_at=number)
        assert call.wait() == 70
        assert "the disk is full: free space and run again; the current release is unchanged" in call.progress()
        assert whole(home) in ((3, [2, 3]), (3, [2, 3, 4]), (4, [2, 3, 4]), (4, [3, 4])), number
        next_one_is_right(home)
