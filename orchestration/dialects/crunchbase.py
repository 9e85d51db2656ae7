"""Dialects of crunchbase."""

from orchestration.dialects.base import Dialect

DIALECTS: tuple[Dialect, ...] = ()
