"""The README's chapter "Bring your own data", run word for word: a file of another vendor becomes rows of a mart."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from orchestration.paths import PROJECT_ROOT
from tests.support.wind import write_workbook

pytestmark = pytest.mark.pipeline


def steps() -> list[tuple[str, list[str]]]:
    """(command, lines that it prints) of the chapter's console blocks."""
    readme = (PROJECT_ROOT / "README.md").read_text(encoding="utf-8")
    chapter = re.split(r"^## ", readme.split("## Bring your own data\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]
    found: list[tuple[str, list[str]]] = []
    for block in re.findall(r"```console\n(.*?)```", chapter, re.DOTALL):
        for line in block.rstrip("\n").split("\n"):
            if line.startswith("$ "):
                found.append((line[2:], []))
            else:
                found[-1][1].append(line.rstrip())
    return found


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder that looks like a checkout with its virtual environment, and the downloaded workbook."""
    commands = tmp_path / ".venv" / "bin"
    commands.mkdir(parents=True)
    (commands / "sector").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m orchestration.cli "$@"\n')
    (commands / "sector").chmod(0o755)
    (commands / "python").symlink_to(sys.executable)
    write_workbook(tmp_path / "Downloads" / "159567.xlsx")
    return tmp_path


def test_the_steps_of_the_readme_print_what_it_says(checkout: Path) -> None:
    environment = {
        **os.environ,
        "HOME": str(checkout),
        "SECTOR_HOME": str(checkout / "warehouse"),
        "PYTHONPATH": str(PROJECT_ROOT),
        "DO_NOT_TRACK": "1",
    }
    assert len(steps()) >= 6
    for command, expected in steps():
        # the interpreter behind a link forgets its packages
        command = command.replace(".venv/bin/python", f"'{sys.executable}'")
        done = subprocess.run(["bash", "-c", command], cwd=checkout, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        shown = done.stdout.replace(f"{checkout}/Downloads", "~/Downloads").replace(f"{checkout}/", "")
        printed = [line.rstrip() for line in shown.splitlines()]
        for line in expected:
            if line != "...":
                assert line in printed, (command, line, printed)
