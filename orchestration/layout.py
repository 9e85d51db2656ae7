"""Text for people on a terminal: broken between words where it is narrow, and not at all on its way into a file."""

from textwrap import fill

from rich.console import Console

ENDLESS = 100_000


def paragraph(console: Console, text: str, indent: int = 0) -> None:
    """Print ``text`` line by line, each with ``indent`` spaces before it and two more where it goes on."""
    width = console.width if console.is_terminal else ENDLESS
    margin = " " * indent
    for line in text.splitlines():
        words = fill(line, width, initial_indent=margin, subsequent_indent=f"{margin}  ", break_long_words=False)
        console.print(words, markup=False)
