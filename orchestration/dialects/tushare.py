"""Dialects of tushare."""

from orchestration.dialects.base import Dialect

DIALECTS: tuple[Dialect, ...] = ()
