"""Environments of other programs' own, made on first use: clients read with their versions, not with this project's.

Belongs here: making an environment from pinned requirements with hashes, once, under ``.clients/`` of the checkout.
Does not belong here: what a client does with the published file (the tests and the scripts in ``reading/``).
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from orchestration.paths import PROJECT_ROOT

HERE = Path(__file__).parent
CACHE = PROJECT_ROOT / ".clients"
READING = HERE / "reading"


def python_with(requirements: Path) -> Path:
    """The interpreter of an environment that holds these requirements and nothing else."""
    folder = _folder(requirements.stem, requirements.read_bytes())
    python = folder / "bin" / "python"
    with FileLock(f"{folder}.lock"):
        if not (folder / ".ready").exists():
            shutil.rmtree(folder, ignore_errors=True)
            _done([sys.executable, "-m", "venv", str(folder)])
            # the lists are complete; pip's resolver stumbles over hashes of packages with extras
            install = ["-m", "pip", "install", "-qq", "--disable-pip-version-check", "--require-hashes", "--no-deps"]
            _installed([str(python), *install, "--requirement", str(requirements)])
            (folder / ".ready").touch()
    return python


def node_modules(package: Path) -> Path:
    """The folder of a Node package whose locked dependencies are installed. ``package`` holds package.json and lock."""
    files = ("package.json", "package-lock.json")
    folder = _folder(package.name, b"".join((package / name).read_bytes() for name in files))
    with FileLock(f"{folder}.lock"):
        if not (folder / ".ready").exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            for name in files:
                shutil.copyfile(package / name, folder / name)
            # not `npm ci`: it wants a line for every platform's optional binary, and a lock holds those of its maker's
            _installed(
                ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], cwd=folder
            )
            (folder / ".ready").touch()
    return folder


def answer(command: list[str], cwd: Path | None = None) -> Any:
    """What a program prints, read as JSON. It sees none of this project's own settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "SECTOR_", "DBT_"))}
    return json.loads(_done(command, cwd, kept))


def _folder(name: str, content: bytes) -> Path:
    CACHE.mkdir(exist_ok=True)
    return CACHE / f"{name}-{hashlib.sha256(content).hexdigest()[:12]}"


def _installed(command: list[str], cwd: Path | None = None) -> None:
    """Skips the test, with the installer's words, where its packages cannot be had."""
    try:
        _done(command, cwd)
    except RuntimeError as error:
        pytest.skip(f"the client's environment cannot be made here: {str(error)[-400:]}")


def _done(command: list[str], cwd: Path | None = None, environment: dict[str, str] | None = None) -> str:
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: exit {done.returncode}: {done.stderr[-3000:]}{done.stdout[-1000:]}")
    return done.stdout
