"""``sector releases --diff OLD NEW``: two releases chosen, compared, and shown to people and machines.

Belongs here: choosing and laying out. The comparing is ``warehouse.difference``.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict, dataclass
from decimal import Decimal
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len, set_cell_size
from rich.console import Console

from orchestration.moments import MARKET_ZONE, write_moment, write_short
from orchestration.refresh import release_file
from orchestration.settings import Settings
from warehouse import releases as shelf
from warehouse.difference import Difference, MartDifference, compare

if TYPE_CHECKING:
    from warehouse.releases import ReleaseRecord

WIDTH = 80
"""Columns that a line of the report fills at most, keys and names of columns apart."""

VALUE_WIDTH = 24


@dataclass(frozen=True)
class Compared:
    """Two releases and how they differ; ``limit`` rows of each mart and kind are listed."""

    old: ReleaseRecord
    new: ReleaseRecord
    difference: Difference
    limit: int

    def as_json(self) -> dict[str, Any]:
        """Plain values. Marts without a difference are there, with their counts."""
        return {
            **{
                name: {"release_id": release.release_id, "as_of": write_moment(release.as_of)}
                for name, release in (("old", self.old), ("new", self.new))
            },
            "limit": self.limit,
            "marts_added": self.difference.marts_added,
            "marts_removed": self.difference.marts_removed,
            "marts": [_plain({**asdict(mart), "same": mart.is_same}) for mart in self.difference.marts],
        }


def _plain(value: Any) -> Any:
    """Exact decimals become texts, moments ISO 8601 in market time; keys stay as they are."""
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    if isinstance(value, dt.datetime):
        return write_moment(value)
    return str(value) if isinstance(value, Decimal) else value


def examine(settings: Settings, old: str, new: str, mart: str | None, limit: int) -> Compared:
    """Compare two releases, each an id or ``current``.

    Raises ``warehouse.releases.ReleaseError`` for an unknown id, ``warehouse.difference.UnknownMartError``.
    """
    records = [_find(settings, name) for name in (old, new)]
    files = [release_file(settings, record) for record in records]
    name = mart.removeprefix("marts.") if mart is not None else None
    return Compared(records[0], records[1], compare(files[0], files[1], name, limit), limit)


def _find(settings: Settings, name: str) -> ReleaseRecord:
    if name != shelf.CURRENT:
        return shelf.read_record(settings.home, name)
    current = shelf.current_release(settings.home)
    if current is None:
        raise shelf.ReleaseError(f"no release under {settings.home} yet: run `sector run` first")
    return current


def show(compared: Compared, console: Console) -> None:
    """The report for people, in 80 columns."""

    def say(text: str = "") -> None:
        console.print(text, markup=False)

    for mark, release in (("old", compared.old), ("new", compared.new)):
        say(f"{mark}  {release.release_id}  as of {write_short(release.as_of)}")
    difference = compared.difference
    for name in difference.marts_added:
        say(f"mart added: {name}")
    for name in difference.marts_removed:
        say(f"mart removed: {name}")
    for mart in difference.marts:
        for line in _schema_lines(mart):
            say(line)
    differing = [mart for mart in difference.marts if not mart.is_same or mart.restamped]
    if differing:
        say()
        say(f"{'mart':<28}{'rows old':>10}{'rows new':>10}{'added':>8}{'removed':>8}{'changed':>8}{'dated':>8}")
    for mart in differing:
        rows = f"{mart.rows_old:>10,}{mart.rows_new:>10,}{mart.added:>8,}{mart.removed:>8,}"
        say(f"{mart.mart:<28}{rows}{mart.changed:>8,}{mart.restamped:>8,}")
    if any(mart.restamped for mart in differing):
        say("dated: rows in which no figure differs, only moments (knowledge_at and the like)")
    same = len(difference.marts) - len(differing)
    say(f"{same} mart{'s' if same != 1 else ''} without any difference" if differing else "no difference in any mart")
    for mart in differing:
        for line in _mart_lines(mart, compared.limit):
            say(line)


def _schema_lines(mart: MartDifference) -> list[str]:
    lines = [f"column added: {mart.mart}.{name}" for name in mart.columns_added]
    lines += [f"column removed: {mart.mart}.{name}" for name in mart.columns_removed]
    return lines + [f"column retyped: {mart.mart}.{name}: {old} -> {new}" for name, old, new in mart.columns_retyped]


def _mart_lines(mart: MartDifference, limit: int) -> list[str]:
    if not limit or not (mart.changed or mart.added or mart.removed):
        return []
    lines = ["", f"{mart.mart} ({', '.join(mart.grain)})"]
    if mart.changed:
        counts = ", ".join(f"{name} {count:,}" for name, count in _most_first(mart.by_column))
        lines += _folded(f"changed figures by column: {counts}")
    before: dict[str, Any] | None = None
    for change in mart.changes:
        if change.key != before:
            lines.append(f"  {_key(change.key)}")
            before = change.key
        old, new = _from_where_they_differ(_text(change.old), _text(change.new))
        lines.append(f"    {change.column:<24}{_short(old)} -> {_short(new)}")
    lines += _rest(mart.changed, limit, "changed")
    for kind, count, keys in (("+", mart.added, mart.added_keys), ("-", mart.removed, mart.removed_keys)):
        lines += [f"{kind} {_key(key)}" for key in keys]
        lines += _rest(count, limit, "added" if kind == "+" else "removed")
    return lines


def _most_first(counts: dict[str, int]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def _rest(count: int, limit: int, kind: str) -> list[str]:
    return [f"  … {count - limit:,} more {kind}: --limit {count}"] if count > limit else []


def _folded(text: str) -> list[str]:
    lines, line = [], " "
    for word in text.split(" "):
        if len(line) + len(word) + 1 > WIDTH:
            lines.append(line)
            line = "   "
        line += f" {word}"
    return [*lines, line]


def _key(key: dict[str, Any]) -> str:
    return " ".join(_text(value) for value in key.values())


def _text(value: Any) -> str:
    if isinstance(value, dt.datetime):
        return f"{value.astimezone(MARKET_ZONE):%Y-%m-%d %H:%M:%S}"
    return "NULL" if value is None else " ".join(str(value).split())


def _from_where_they_differ(old: str, new: str) -> tuple[str, str]:
    """Long texts without most of what they begin with in common."""
    shared = takewhile(lambda pair: pair[0] == pair[1], zip(old, new, strict=False))
    common = sum(1 for _ in shared) - VALUE_WIDTH // 3
    if common <= 0 or max(cell_len(old), cell_len(new)) <= VALUE_WIDTH:
        return old, new
    return f"…{old[common:]}", f"…{new[common:]}"


def _short(text: str) -> str:
    return text if cell_len(text) <= VALUE_WIDTH else f"{set_cell_size(text, VALUE_WIDTH - 1)}…"
