"""Dialects of public."""

from orchestration.dialects.base import Dialect

DIALECTS: tuple[Dialect, ...] = ()
