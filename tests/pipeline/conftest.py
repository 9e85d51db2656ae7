"""One run of the sample that several test files look at."""

import json
import os
import subprocess
import sys

import duckdb
import pytest

from orchestration.paths import PROJECT_ROOT


@pytest.fixture(scope="session")
def run(tmp_path_factory):
    """The figures of a run as of the note's minute, and the release it made current."""
    home = tmp_path_factory.mktemp("home")
    environment = {**os.environ, "SECTOR_HOME": str(home), "PYTHONPATH": str(PROJECT_ROOT)}

    def sector(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-W", "ignore", "-m", "orchestration.cli", *arguments]
        done = subprocess.run(command, cwd=PROJECT_ROOT, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr + done.stdout
        return done

    sector("sample")
    done = sector("run", "--as-of", "2025-04-24T10:30:00+08:00", "--current", "--json")
    return home, json.loads(done.stdout)


@pytest.fixture(scope="session")
def release(run):
    home, _ = run
    with duckdb.connect(str(home / "current" / "sector.duckdb"), read_only=True) as con:
        yield con


@pytest.fixture(scope="session")
def note(release):
    rows = release.execute("select claim_id, value, value_text, status from marts.rpt_market_note").fetchall()
    assert {status for *_, status in rows} == {"reproduced"}
    return {claim: (value, text) for claim, value, text, _ in rows}
