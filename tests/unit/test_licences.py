"""The list of licences is that of the lock file, and every package says what it is under."""

from __future__ import annotations

import sys

import pytest

from tests.support.licences import LIST, locked, packages, text


@pytest.mark.skipif(sys.platform != "linux", reason="the list is made on Linux")
def test_the_list_is_that_of_the_lock_file() -> None:
    assert LIST.read_text(encoding="utf-8") == text(), "run `make licences`"


def test_every_package_says_its_licence() -> None:
    found = packages()
    assert {package.name for package in found} == {need.name for need in locked()}
    assert [package.name for package in found if package.licence == "not stated"] == []


def test_what_is_needed_to_run_asks_for_no_disclosure_of_source() -> None:
    """GPL and AGPL would bind whoever passes the installed whole on; LGPL and MPL bind changes of their own files."""
    strong = [p for p in packages() if p.purpose == "run" and "GPL" in p.licence.replace("LGPL", "")]
    assert [p.name for p in strong if "Artistic" not in p.licence] == [], "text-unidecode leaves the choice"
