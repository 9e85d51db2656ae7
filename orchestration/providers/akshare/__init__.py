"""akshare as a provider: its functions as datasets, called in a process of their own. An optional extra."""

from orchestration.providers.akshare.datasets import DATASETS

__all__ = ["DATASETS"]
