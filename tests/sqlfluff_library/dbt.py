"""What sqlfluff's Jinja sees as ``dbt``: its cross-database macros, rendered as calls."""

from collections.abc import Callable

import adapter


def __getattr__(name: str) -> Callable[..., str]:
    if name.startswith("__"):
        raise AttributeError(name)
    return adapter.dispatch(name)
