"""Fifty readers open, query and hold the published file while twenty releases are published and old ones removed.

Run with ``make stress``, or ``python -m tests.stress.readers``. Every row of a release tells its number, so that a
mixture of two would show. Prints what was read; ends with an error at the first thing that is not as it must.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.support.publishing import built, publish_number, record_of
from tests.support.reading import readers
from warehouse.releases import list_releases, rollback

ROWS = 2_000_000


def main() -> None:
    """Publish under readers, then roll back under readers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--readers", type=int, default=50)
    parser.add_argument("--releases", type=int, default=20)
    parser.add_argument("--rows", type=int, default=ROWS)
    options = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        built(home, 0, rows=options.rows)
        publish_number(folder, "0")
        with readers(home, options.readers) as seen:
            for number in range(1, options.releases + 1):
                built(home, number, rows=options.rows)
                publish_number(folder, str(number), keep=4)
                time.sleep(1)
        if any(numbers != sorted(numbers) or numbers[-1] != options.releases for numbers in seen):
            raise AssertionError(f"a reader went back, or missed the last release: {seen}")
        kept = len(list_releases(home))
        with readers(home, options.readers) as after:
            for number in (options.releases - 1, options.releases) * 5:
                rollback(home, record_of(number).release_id)
                time.sleep(1)
        if {number for numbers in after for number in numbers} != {options.releases - 1, options.releases}:
            raise AssertionError(f"a reader saw another release than those two: {after}")
    opened, again = sum(map(len, seen)), sum(map(len, after))
    sys.stdout.write(
        f"{options.readers} readers, {options.releases} releases ({options.releases + 1 - kept} removed meanwhile), "
        f"{opened:,} times opened; 10 rollbacks, {again:,} times opened; no error, no mixture, nothing older: "
        f"{time.monotonic() - began:.0f} s\n"
    )


if __name__ == "__main__":
    main()
