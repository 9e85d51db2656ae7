"""Text that becomes part of a SQL statement. Only names and paths of ours ever do; data are bound or registered."""


def quoted(text: str) -> str:
    """A SQL string literal."""
    return "'" + text.replace("'", "''") + "'"
