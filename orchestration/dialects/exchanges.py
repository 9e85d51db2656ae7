"""Dialects of exchanges."""

from orchestration.dialects.base import Dialect

DIALECTS: tuple[Dialect, ...] = ()
