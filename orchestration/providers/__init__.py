"""Providers land bytes as they came; none of them knows what happens downstream.

Each package named in ``PROVIDERS`` exports ``DATASETS``, what it can be asked for. The synthetic sample is no dataset:
``sector sample`` writes it.
"""

from __future__ import annotations

from importlib import import_module

from orchestration.providers.delivery import Dataset

PROVIDERS = (
    "akshare",
    "crunchbase",
    "exchanges",
    "tushare",
)


def datasets() -> tuple[Dataset, ...]:
    """Everything that can be fetched, by provider and name. Imports the providers' modules, not their libraries."""
    found: list[Dataset] = []
    for provider in PROVIDERS:
        found += import_module(f"orchestration.providers.{provider}").DATASETS
    return tuple(sorted(found, key=lambda dataset: dataset.key))
