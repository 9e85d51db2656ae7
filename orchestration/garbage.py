"""How often Python looks for cycles of objects that nobody holds, during a run.

A run loads some 3,600 modules and builds a graph of assets, dbt's and Great Expectations' objects beside it: nearly all
of them live until it ends, and Python walks them again and again in search of what could go. Does not belong here:
memory of the data, which DuckDB and Arrow hold outside of Python.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

THRESHOLDS = 50_000, 20, 50
"""Objects made since, and younger searches, after which the next generation is searched (Python: 700, 10, 10)."""


@contextmanager
def few_searches() -> Iterator[None]:
    """None at first; from ``loaded`` on, seldom and among newer objects alone. Afterwards as before."""
    before, enabled = gc.get_threshold(), gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)
        if enabled:
            gc.enable()


def loaded() -> None:
    """Called within ``few_searches`` when what stays until the end is there."""
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
    gc.enable()
