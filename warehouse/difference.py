"""What changed between two releases: rows by mart and key, figures by column, and the schema itself.

Both files are attached read-only to a DuckDB in memory, which does the comparing. The key of a mart is its grain, as
``meta.tables`` of the release declares it. Does not belong here: which two releases, and how people are shown it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from orchestration.sql import quoted

NO_FIGURES = {
    "": ("knowledge_at",),
    "rpt_market_note": ("note_date", "as_of", "moment", "data_ends", "claim", "source_filter"),
}
"""Columns, of every mart and of one, that tell when and not what, or only repeat a figure with its date in words: a row
in which they alone differ has not changed."""

OWN_KEYS = {"rpt_market_note": ("claim_id",)}
"""Keys other than the grain: a release holds one note, and its claims are compared whatever day they are of."""

ROUNDING = 1e-12
"""Doubles (ratios, shares of one) that differ by less, relatively above 1, are the same figure: threads add up in
another order from build to build, and a residual of large sums keeps their noise (up to 3e-16, observed 2026-11)."""

_TYPES_OF_DOUBLES = ("DOUBLE", "FLOAT")


class UnknownMartError(ValueError):
    """Neither release has such a mart; the message names those that they have."""


@dataclass(frozen=True)
class Change:
    """One figure of one row that both releases have."""

    key: dict[str, Any]
    column: str
    old: Any
    new: Any


@dataclass(frozen=True)
class MartDifference:
    """How one mart differs. Counts are of all rows; ``changes`` and the listed keys are those of the first ones.

    ``restamped``: rows in which nothing but a column of ``NO_FIGURES`` differs. ``by_column``: rows by changed column.
    ``columns_added``, ``columns_removed``, ``columns_retyped`` (column, old type, new type): the schema.
    """

    mart: str
    grain: tuple[str, ...]
    rows_old: int
    rows_new: int
    added: int = 0
    removed: int = 0
    changed: int = 0
    restamped: int = 0
    by_column: dict[str, int] = field(default_factory=dict)
    changes: tuple[Change, ...] = ()
    added_keys: tuple[dict[str, Any], ...] = ()
    removed_keys: tuple[dict[str, Any], ...] = ()
    columns_added: tuple[str, ...] = ()
    columns_removed: tuple[str, ...] = ()
    columns_retyped: tuple[tuple[str, str, str], ...] = ()

    @property
    def is_same(self) -> bool:
        """Whether rows, figures and columns are the same (those of ``NO_FIGURES`` apart)."""
        schema = self.columns_added or self.columns_removed or self.columns_retyped
        return not (self.added or self.removed or self.changed or schema)


@dataclass(frozen=True)
class Difference:
    """How a release differs from an older one. ``marts``: those that both have, by name."""

    marts: tuple[MartDifference, ...]
    marts_added: tuple[str, ...]
    marts_removed: tuple[str, ...]


def compare(old: Path, new: Path, mart: str | None = None, limit: int = 20) -> Difference:
    """Compare two released files. ``mart``: this one alone. ``limit``: rows listed of each mart and kind; 0: none.

    Raises ``UnknownMartError``, and ``duckdb.Error`` for a file that cannot be opened.
    """
    with _opened(old, new) as con:
        before, after = _columns(con, "old"), _columns(con, "new")
        if mart is not None and mart not in before and mart not in after:
            raise UnknownMartError(f"no mart {mart}: there are {', '.join(sorted({*before, *after}))}")
        names = sorted({*before, *after} if mart is None else {mart})
        marts = [
            _compare(con, name, before[name], after[name], limit) for name in names if {name} <= {*before} & {*after}
        ]
        return Difference(
            tuple(marts),
            tuple(name for name in names if name not in before),
            tuple(name for name in names if name not in after),
        )


@contextmanager
def _opened(old: Path, new: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(":memory:") as con:
        con.execute("set TimeZone = 'Asia/Shanghai'")
        for name, path in (("old", old), ("new", new)):
            con.execute(f'attach {quoted(str(path))} as "{name}" (read_only)')
        yield con


def _columns(con: duckdb.DuckDBPyConnection, side: str) -> dict[str, dict[str, str]]:
    """Types of the columns of every mart, in their order."""
    found: dict[str, dict[str, str]] = {}
    for table, column, kind in con.execute(
        "select table_name, column_name, data_type from duckdb_columns() "
        "where database_name = ? and schema_name = 'marts' order by table_name, column_index",
        [side],
    ).fetchall():
        found.setdefault(table, {})[column] = kind
    return found


def _grain(con: duckdb.DuckDBPyConnection, side: str, mart: str) -> tuple[str, ...]:
    row = con.execute(
        f"select grain from \"{side}\".meta.tables where table_schema = 'marts' and table_name = ?", [mart]
    ).fetchone()
    return tuple(filter(None, map(str.strip, row[0].split(",")))) if row and row[0] else ()


def _compare(
    con: duckdb.DuckDBPyConnection, mart: str, before: dict[str, str], after: dict[str, str], limit: int
) -> MartDifference:
    grain = OWN_KEYS.get(mart) or _grain(con, "new", mart) or _grain(con, "old", mart)
    if not grain or any(name not in before or name not in after for name in grain):
        raise UnknownMartError(
            f"{mart}: its grain is {', '.join(grain) or 'not declared'}, which both releases must have as columns: "
            "compare the others with --mart"
        )
    shared = [name for name in before if name in after and name not in grain]
    stamps = [name for name in shared if name in (*NO_FIGURES[""], *NO_FIGURES.get(mart, ()))]
    figures = [name for name in shared if name not in stamps]
    kept = [*grain, *shared]
    differs = {name: _differs(name, before[name], after[name]) for name in figures}
    restamped_if = " or ".join(_differs(name, before[name], after[name]) for name in stamps) or "false"
    con.execute(
        "create or replace temp view compared as select "
        + ", ".join(
            [
                *(f'coalesce(new_row."{name}", old_row."{name}") as "k{n}"' for n, name in enumerate(grain)),
                "old_row._there is null as is_added",
                "new_row._there is null as is_removed",
                f"({restamped_if}) as is_restamped",
                *(f'old_row."{name}" as "o{n}"' for n, name in enumerate(figures)),
                *(f'new_row."{name}" as "n{n}"' for n, name in enumerate(figures)),
                *(f'{condition} as "d{n}"' for n, condition in enumerate(differs.values())),
            ]
        )
        + f" from ({_side('old', mart, kept)}) old_row full join ({_side('new', mart, kept)}) new_row on "
        + " and ".join(f'old_row."{name}" is not distinct from new_row."{name}"' for name in grain)
    )
    both, any_figure = "not is_added and not is_removed", " or ".join(f'"d{n}"' for n in range(len(figures))) or "false"
    counts = con.execute(
        "select count(*) filter (not is_added), count(*) filter (not is_removed), "
        "count(*) filter (is_added), count(*) filter (is_removed), "
        f"count(*) filter ({both} and ({any_figure})), "
        f"count(*) filter ({both} and is_restamped and not ({any_figure}))"
        + "".join(f', count(*) filter ({both} and "d{n}")' for n in range(len(figures)))
        + " from compared"
    ).fetchone()
    assert counts is not None  # noqa: S101 (an aggregate without groups has one row)
    rows_old, rows_new, added, removed, changed, restamped, *by_column = counts
    return MartDifference(
        mart,
        grain,
        *(rows_old, rows_new, added, removed, changed, restamped),
        by_column={name: count for name, count in zip(figures, by_column, strict=True) if count},
        changes=_changes(con, grain, figures, f"{both} and ({any_figure})", limit) if changed else (),
        added_keys=_keys(con, grain, "is_added", limit) if added else (),
        removed_keys=_keys(con, grain, "is_removed", limit) if removed else (),
        columns_added=tuple(name for name in after if name not in before),
        columns_removed=tuple(name for name in before if name not in after),
        columns_retyped=tuple(
            (name, before[name], after[name]) for name in before if name in after and before[name] != after[name]
        ),
    )


def _side(side: str, mart: str, columns: Sequence[str]) -> str:
    names = ", ".join(f'"{name}"' for name in columns)
    return f'select {names}, true as _there from "{side}".marts."{mart}"'


def _differs(name: str, old_type: str, new_type: str) -> str:
    old, new = f'old_row."{name}"', f'new_row."{name}"'
    if old_type in _TYPES_OF_DOUBLES and new_type in _TYPES_OF_DOUBLES:
        close = f"abs({old} - {new}) <= {ROUNDING} * greatest(1, abs({old}), abs({new}))"
        return f"({old} is distinct from {new} and not coalesce({close}, false))"
    if old_type != new_type:
        return f"(cast({old} as varchar) is distinct from cast({new} as varchar))"
    return f"({old} is distinct from {new})"


def _order(grain: Sequence[str]) -> str:
    return ", ".join(f'"k{n}" nulls last' for n in range(len(grain)))


def _keys(con: duckdb.DuckDBPyConnection, grain: Sequence[str], where: str, limit: int) -> tuple[dict[str, Any], ...]:
    keys = ", ".join(f'"k{n}"' for n in range(len(grain)))
    rows = con.execute(f"select {keys} from compared where {where} order by {_order(grain)} limit {limit}").fetchall()
    return tuple(dict(zip(grain, row, strict=True)) for row in rows)


def _changes(
    con: duckdb.DuckDBPyConnection, grain: Sequence[str], figures: Sequence[str], where: str, limit: int
) -> tuple[Change, ...]:
    """The changed figures of the first ``limit`` changed rows."""
    wide = [f'"{kind}{n}"' for kind in "ond" for n in range(len(figures))]
    keys = [f'"k{n}"' for n in range(len(grain))]
    rows = con.execute(
        f"select {', '.join([*keys, *wide])} from compared where {where} order by {_order(grain)} limit {limit}"
    ).fetchall()
    found = []
    for row in rows:
        key = dict(zip(grain, row, strict=False))
        old, new, flags = (row[len(grain) + n * len(figures) :][: len(figures)] for n in range(3))
        found += [Change(key, name, o, n) for name, o, n, flag in zip(figures, old, new, flags, strict=True) if flag]
    return tuple(found)
