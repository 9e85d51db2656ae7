"""Modules that are loaded when they are used."""

from __future__ import annotations

import subprocess
import sys


def told(code: str) -> str:
    """What a process prints. It ends without a word on its errors: DuckDB's binding tells of what a cycle of modules
    keeps alive."""
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stderr == ""
    return done.stdout.strip()


def test_great_expectations_is_imported_without_statistics() -> None:
    code = (
        "import inspect, sys, expectations.engine; inspect.getmodule(inspect.currentframe(), 'x'); "
        "print('scipy.stats._stats_py' in sys.modules)"
    )
    assert told(code) == "False"


def test_statistics_are_there_for_whoever_uses_them() -> None:
    code = (
        "import expectations.engine; from scipy import stats; import scipy.stats as same; "
        "print(stats.norm.cdf(0), same.norm.cdf(0)); from scipy.stats import norm; print(norm.cdf(0))"
    )
    assert told(code).split() == ["0.5", "0.5", "0.5"]
