"""Readers while releases are published, rolled back and removed: no error, no mixture, nothing older than before.

With fifty readers and twenty releases of some size: ``make stress``.
"""

import time
from pathlib import Path

from tests.support.publishing import built, publish_number, record_of
from tests.support.reading import readers
from warehouse.releases import list_releases, rollback

READERS, RELEASES = 8, 6


def test_readers_see_whole_releases_and_never_an_older_one(tmp_path: Path) -> None:
    built(tmp_path, 0)
    publish_number(str(tmp_path), "0")
    with readers(tmp_path, READERS) as seen:
        for number in range(1, RELEASES + 1):
            built(tmp_path, number)
            publish_number(str(tmp_path), str(number), keep=4)
            time.sleep(0.2)
    assert len(seen) == READERS
    for numbers in seen:
        assert numbers == sorted(numbers)
        assert numbers[-1] == RELEASES
    assert len(list_releases(tmp_path)) == 4


def test_readers_see_whole_releases_while_one_is_rolled_back_and_made_current_again(tmp_path: Path) -> None:
    for number in (1, 2):
        built(tmp_path, number)
        publish_number(str(tmp_path), str(number))
    with readers(tmp_path, READERS) as seen:
        for number in (1, 2, 1, 2, 1):
            rollback(tmp_path, record_of(number).release_id)
            time.sleep(0.2)
    assert len(seen) == READERS
    for numbers in seen:
        assert set(numbers) <= {1, 2}
        assert numbers[-1] == 1
