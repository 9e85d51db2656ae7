"""What the packages of ``requirements.lock`` are licensed under, from the metadata that they brought: `make licences`.

Belongs here: the list and how it is written to ``requirements-licences.txt``. Does not belong here: any judgement.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from orchestration.paths import PROJECT_ROOT

LOCK = PROJECT_ROOT / "requirements.lock"
LIST = PROJECT_ROOT / "requirements-licences.txt"

ELSEWHERE = "not installed on Linux"
LONGEST = 60
"""Characters of a licence's name; some packages put the whole text there."""

HEAD = """# Licences of the packages in requirements.lock

As their own metadata say it; made by `make licences`, none of their code is part of this repository.
"run" packages are needed to run the warehouse, "develop" ones to test and change it, or for
an extra such as akshare.

| package | version | for | licence |
|---|---|---|---|
"""


@dataclass(frozen=True)
class Package:
    """One line of the list."""

    name: str
    version: str
    purpose: str
    licence: str

    def line(self) -> str:
        return f"| {self.name} | {self.version} | {self.purpose} | {self.licence} |"


def locked(lock: Path = LOCK) -> Iterator[Requirement]:
    """The pinned requirements of a lock file."""
    for line in lock.read_text(encoding="utf-8").splitlines():
        if re.match(r"[A-Za-z0-9]", line):
            yield Requirement(line.removesuffix("\\").strip())


def licence_of(package: Distribution) -> str:
    """The SPDX expression where there is one, else the trove classifiers, else the first line of the free text."""
    metadata = package.metadata
    expression = metadata.get("License-Expression")
    if expression:
        return str(expression)
    named = [c.rpartition(" :: ")[2] for c in metadata.get_all("Classifier", []) if c.startswith("License :: ")]
    named = [name for name in named if name != "OSI Approved"]
    if named:
        return ", ".join(sorted(set(named)))
    text = next((line.strip() for line in (metadata.get("License") or "").splitlines() if line.strip()), "")
    return text[:LONGEST] or "not stated"


def needed_to_run() -> set[str]:
    """Names of the packages that the project's own dependencies bring, on this platform."""
    project = tomllib.loads((PROJECT_ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    waiting = [Requirement(text) for text in project["dependencies"]]
    names: set[str] = set()
    seen: set[tuple[str, str]] = set()
    while waiting:
        need = waiting.pop()
        name = canonicalize_name(need.name)
        for extra in ["", *sorted(need.extras)]:
            if (name, extra) in seen:
                continue
            seen.add((name, extra))
            try:
                brought = distribution(name).requires or []
            except PackageNotFoundError:
                continue
            names.add(name)
            further = map(Requirement, brought)
            waiting += [each for each in further if each.marker is None or each.marker.evaluate({"extra": extra})]
    return names


def packages() -> list[Package]:
    """A line for every locked package, in order of names."""
    run = needed_to_run()
    lines = []
    for need in locked():
        name = canonicalize_name(need.name)
        version = str(need.specifier).removeprefix("==")
        try:
            licence = licence_of(distribution(name)).replace("|", "/")
        except PackageNotFoundError:
            licence = ELSEWHERE
        lines.append(Package(name, version, "run" if name in run else "develop", licence))
    return sorted(lines, key=lambda package: package.name)


def text() -> str:
    """The whole list."""
    return HEAD + "\n".join(package.line() for package in packages()) + "\n"


if __name__ == "__main__":
    LIST.write_text(text(), encoding="utf-8")
    sys.stdout.write(f"{LIST.name}\n")
