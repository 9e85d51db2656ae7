"""Searches for garbage: seldom during a run, and afterwards as they were, whatever came of it."""

import gc

import pytest

from orchestration.garbage import THRESHOLDS, few_searches, loaded


def run_that_fails() -> None:
    with few_searches():
        assert not gc.isenabled()
        loaded()
        assert gc.isenabled()
        assert gc.get_threshold() == THRESHOLDS
        assert gc.get_freeze_count() > 0
        raise RuntimeError


def test_searches_are_as_before_after_a_run_that_failed() -> None:
    before = gc.get_threshold()
    assert gc.isenabled()
    with pytest.raises(RuntimeError):
        run_that_fails()
    assert gc.isenabled()
    assert gc.get_threshold() == before
    assert gc.get_freeze_count() == 0
