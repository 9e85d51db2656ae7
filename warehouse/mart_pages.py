"""``docs/marts/``: a page for every mart, from the same descriptions as ``meta`` and the documentation of a release.

``make docs`` writes the pages anew; a test tells when they are older than the models. Does not belong here: any
description (the models' .yml files have those).
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from orchestration.contracts import CONTRACTS
from orchestration.paths import PROJECT_ROOT
from orchestration.settings import Settings
from orchestration.transform import DbtError, up_to_date_manifest
from warehouse.carrying import read_lineage
from warehouse.catalog import Column, Table, read_descriptions

FOLDER = PROJECT_ROOT / "docs" / "marts"
INDEX = "README.md"


def render(manifest: Path) -> dict[str, str]:
    """Markdown by file name, from dbt's ``manifest.json``: a page for every mart, and their list."""
    described = read_descriptions(manifest)
    families = read_lineage(manifest).families
    marts = {table: about for (schema, table), about in sorted(described.items()) if schema == "marts"}
    pages = {f"{name}.md": _page(name, about, families[name]) for name, about in marts.items()}
    return {INDEX: _index(marts, families)} | pages


def _index(marts: Mapping[str, Table], families: Mapping[str, str]) -> str:
    lines = [
        "# Marts",
        "",
        "Made by `make docs` from the models' descriptions, which stand in `meta.tables` and `meta.columns` of every",
        "release too. Marts of a family are published or carried over together.",
        "",
    ]
    for family in sorted(set(families.values())):
        lines += [f"## {family}", "", "| mart | a row is | grain |", "|---|---|---|"]
        for name, about in marts.items():
            if families[name] == family:
                lines.append(f"| [{name}]({name}.md) | {_cell(_first_sentence(about.description))} | {about.grain} |")
        lines.append("")
    return "\n".join(lines)


def _page(name: str, about: Table, family: str) -> str:
    raw = ", ".join(f"`{table}`" for table in about.raw_tables if table in CONTRACTS) or "reference lists alone"
    lines = [
        f"# {name}",
        "",
        about.description,
        "",
        f"- **Grain**: {', '.join(f'`{column}`' for column in about.grain.split(', '))}",
        f"- **Family**: {family}",
        f"- **From raw tables**: {raw}",
        "",
    ]
    if about.example:
        lines += ["```sql", about.example, "```", ""]
    lines += ["| column | type | unit | meaning |", "|---|---|---|---|", *map(_row, about.columns), ""]
    key = " ".join(column.upper() for column in about.grain.split(", "))
    lines += [f"Where a figure comes from: `sector explain {name} {key} COLUMN`.", ""]
    return "\n".join(lines)


def _row(column: Column) -> str:
    return f"| `{column.name}` | {column.type} | {column.unit} | {_cell(column.description)} |"


def _cell(text: str) -> str:
    """Text that ends no cell and begins no element."""
    return text.replace("|", "\\|").replace("<", "&lt;")


def _first_sentence(text: str) -> str:
    return text.split(". ")[0].split(": ")[0].rstrip(".")


def main() -> int:
    """Write the pages, and remove those of marts that are no more."""
    try:
        pages = render(up_to_date_manifest(Settings()))
    except DbtError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    FOLDER.mkdir(parents=True, exist_ok=True)
    for path in FOLDER.glob("*.md"):
        if path.name not in pages:
            path.unlink()
    for name, text in pages.items():
        (FOLDER / name).write_text(text, encoding="utf-8")
    sys.stdout.write(f"{len(pages)} pages under {FOLDER.relative_to(PROJECT_ROOT)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
