"""What a release was made with: the code of the project, the libraries that compute, the settings that colour figures.

Two releases with one as-of moment, equal digests and the same raw rows hold the same figures.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from importlib.metadata import version
from pathlib import Path

from orchestration.paths import DBT_PROJECT, PROJECT_ROOT
from orchestration.settings import Settings

COMPUTING_LIBRARIES = (
    "dbt-core",
    "dbt-duckdb",
    "duckdb",
    "exchange-calendars",
    "great-expectations",
    "polars",
    "pyarrow",
)

CODE_SUFFIXES = frozenset({".py", ".sql", ".yml", ".yaml", ".csv", ".json", ".j2", ".html", ".txt", ".css"})

NOT_CODE = frozenset({"__pycache__", "target", "logs", "dbt_packages"})

CODE_FOLDERS = (PROJECT_ROOT / "orchestration", PROJECT_ROOT / "expectations", DBT_PROJECT)


def code_files(folder: Path) -> Iterator[Path]:
    """Files under ``folder`` that can change a figure, in a fixed order; dbt's own output left out."""
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in NOT_CODE and not name.startswith("."))
        for name in sorted(files):
            path = Path(parent, name)
            if path.suffix in CODE_SUFFIXES and name != ".user.yml":
                yield path


def digest(files: Iterable[Path], *words: str) -> str:
    """Sixteen hexadecimal digits over the files' names below the project and their bytes, and over ``words``."""
    state = hashlib.sha256()
    for path in files:
        name = path.relative_to(PROJECT_ROOT).as_posix() if path.is_relative_to(PROJECT_ROOT) else path.name
        content = path.read_bytes()
        state.update(f"{name}\0{len(content)}\0".encode())
        state.update(content)
    for word in words:
        state.update(f"{word}\0".encode())
    return state.hexdigest()[:16]


def code_version() -> str:
    """Digest of the project's code and the libraries that compute.

    ``warehouse/`` holds data by default, so only its modules and templates are read there.
    """
    warehouse = PROJECT_ROOT / "warehouse"
    own = [path for folder in CODE_FOLDERS for path in code_files(folder)]
    own += sorted(path for path in warehouse.glob("*.*") if path.suffix in CODE_SUFFIXES)
    own += list(code_files(warehouse / "templates"))
    return digest(own, *(f"{name}=={version(name)}" for name in COMPUTING_LIBRARIES))


def settings_fingerprint(settings: Settings) -> str:
    """Digest of the settings that colour figures: the note's ETF and index."""
    return digest((), settings.note_etf, settings.note_index)
