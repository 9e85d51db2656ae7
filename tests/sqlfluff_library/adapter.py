"""What sqlfluff's Jinja sees as ``adapter``: a dispatched macro renders as a call, which lints as well as its body."""

from collections.abc import Callable


def dispatch(name: str, package: str | None = None) -> Callable[..., str]:
    """A macro that renders to ``name(argument, ...)``."""

    def render(*arguments: object, **named: object) -> str:
        return f"{name}({', '.join(str(value) for value in (*arguments, *named.values()))})"

    return render
