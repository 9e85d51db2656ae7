"""Fixtures of all tests."""

from pathlib import Path

import pytest

from tests.support.warehouse_home import Home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """An empty warehouse."""
    return Home(tmp_path / "home")
