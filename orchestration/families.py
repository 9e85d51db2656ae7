"""Who looks after what: the family of each raw table and of each folder of models, shown as owner and tag.

The families are the folders of ``dbt_project/models/marts/``; ``core`` are calendars, rates and lists that all of them
join. Does not belong here: what a family's trouble holds back (``warehouse.carrying``).
"""

from __future__ import annotations

from collections.abc import Sequence

FOLDERS = {
    "calendar": "core",
    "desk": "note",
    "etf_flow": "etf",
    "etf_return": "etf",
    "etf_split": "etf",
    "index_review": "index",
    "prices": "security",
    "quality": "release",
    "reference": "core",
    "weights": "index",
}
"""Folders of models that are not named after their family."""

TABLES = {
    "organizations": "funding",
    "funding_rounds": "funding",
    "broker_visits": "visits",
    "securities": "security",
    "connect_eligibility": "core",
    "fx_rates": "core",
}
"""Raw tables whose name does not begin with their family."""


def family_of_table(table: str) -> str:
    """The family of a raw table."""
    return TABLES.get(table, table.split("_", 1)[0])


def family_of_model(names: Sequence[str]) -> str:
    """The family of a dbt model or seed, by its fully qualified name (project, folders, name)."""
    folder = names[-2] if len(names) > 2 else "reference"
    return FOLDERS.get(folder, folder)


def owner(family: str) -> str:
    """The family's team, as Dagster names owners."""
    return f"team:{family}"
