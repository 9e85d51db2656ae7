"""Readers of the published file: processes that open, query, hold and close it while releases come and go.

As a program (``python -m tests.support.reading HOME SEED``) it is one reader, such as a BI tool: it reads until the
file ``HOME/stop`` is there and tells what it saw as JSON; anything wrong ends it with an error.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from orchestration.paths import PROJECT_ROOT

QUESTION = "select min(x), max(x), (select number from meta.release), (select x from marts.t limit 1) from marts.t"


def _look(con: duckdb.DuckDBPyConnection) -> int:
    """The release's number; every part of the file must tell the same."""
    [numbers] = con.execute(QUESTION).fetchall()
    if len(set(numbers)) != 1:
        raise AssertionError(f"a mixed release: {numbers}")
    return int(numbers[0])


def read(home: Path, seed: int) -> dict[str, Any]:
    """Read until told to stop, and once after that. Gives the numbers seen, each time the file was opened."""
    chance, seen = random.Random(seed), []  # noqa: S311 (moments, no secrets)
    file, is_last = home / "current" / "sector.duckdb", False
    while not is_last:
        is_last = (home / "stop").exists()
        with duckdb.connect(str(file), read_only=True, config={"threads": 1}) as con:
            number = _look(con)
            # now and then a reader holds the file while many releases go by
            time.sleep(chance.choice((0, 0.01, 0.1, 0.1, 2)) * chance.random())
            if _look(con) != number:
                raise AssertionError("an open file changed its release")
        seen.append(number)
    return {"seen": seen}


@contextmanager
def readers(home: Path, count: int) -> Iterator[list[list[int]]]:
    """So many readers while the block runs; afterwards the list holds what each saw. Raises with a reader's error."""
    (home / "stop").unlink(missing_ok=True)
    command = [sys.executable, "-m", "tests.support.reading", str(home)]
    started = [
        subprocess.Popen(
            [*command, str(seed)],
            cwd=PROJECT_ROOT,
            env={**os.environ, "PYTHONPATH": str(PROJECT_ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for seed in range(count)
    ]
    seen: list[list[int]] = []
    try:
        for process in started:  # all of them read before anything changes
            assert process.stdout is not None
            if not process.stdout.readline():
                raise AssertionError(f"a reader did not start: {process.communicate()[1]}")
        yield seen
    finally:
        (home / "stop").touch()
        answers = [(process.communicate(), process.returncode) for process in started]
    for (said, trouble), code in answers:
        if code:
            raise AssertionError(f"a reader failed: {trouble}")
        seen.append(json.loads(said)["seen"])


if __name__ == "__main__":
    place = Path(sys.argv[1])
    with duckdb.connect(str(place / "current" / "sector.duckdb"), read_only=True) as first:
        _look(first)
    sys.stdout.write("reading\n")
    sys.stdout.flush()
    sys.stdout.write(json.dumps(read(place, int(sys.argv[2]))))
