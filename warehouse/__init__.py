"""From a finished build to what people open: build files, releases, catalog, note.

For notebooks and programs: ``from warehouse import open_release``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from warehouse.opening import NoSuchTableError, OpenRelease, open_release

__all__ = ["NoSuchTableError", "OpenRelease", "open_release"]


def __getattr__(name: str) -> Any:
    """The names above, on first use: what else imports a module of this package does not pay for DuckDB and polars."""
    if name in __all__:
        from warehouse import opening

        return getattr(opening, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
