"""Dialects of akshare."""

from orchestration.dialects.base import Dialect

DIALECTS: tuple[Dialect, ...] = ()
