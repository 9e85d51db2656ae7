"""Partial trouble: marts of a family that failed are taken from the release before, everything else is new.

A family is a folder of marts in the dbt project; which marts are made from which stands in dbt's manifest. When marts
of a family may not be published, they, their family and whatever is made from them come from an earlier release, row
by row. Dimensions are shared: when one of them is touched, nothing is carried over and the whole build is held. The
note is no table of one family: its claims are carried over one by one. Marts that dbt could not build are borrowed
before anything is judged, and what it skipped is built on them.

Belongs here: what is damaged, where it comes from, the copying. Does not belong here: what fails
(``expectations.gate``), and whether this run may carry anything over (``orchestration.refresh``).
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import duckdb

from orchestration.sql import quoted
from warehouse.build import MARTS_FILE

NOTE = "rpt_market_note"

SHARED = "dim_"
"""Marts whose names begin so are joined by every family."""

NOT_CARRIED = ("note_date", "claim_id", "claim_order")
"""Columns of a carried claim that stay those of the new note: one date, one order."""


class HeldError(Exception):
    """Nothing can be carried over; the message says why. The whole build is held."""


@dataclass(frozen=True)
class Lineage:
    """dbt's graph as releases see it, by plain names.

    ``families``: mart -> family. ``below``: model -> marts made from it, through any number of models. ``nearest``:
    model -> the first marts on the way down. ``parents``: model -> models and seeds that it reads. ``layouts``: mart ->
    its declared columns and their types, in order. ``tested``: unique id of a data test -> the model that it is about.
    """

    families: dict[str, str]
    below: dict[str, frozenset[str]]
    nearest: dict[str, frozenset[str]]
    parents: dict[str, frozenset[str]]
    layouts: dict[str, tuple[tuple[str, str], ...]]
    tested: dict[str, str]


@dataclass(frozen=True)
class Cause:
    """Why a mart is not published as built: the family that failed, and what failed there."""

    family: str
    reason: str


@dataclass(frozen=True)
class CarriedMart:
    """A mart whose rows were made in an earlier release: which, when, as of when, and why it is used again.

    ``family`` is the one that failed, which is another one than the mart's own when it is made from that.
    """

    mart: str
    family: str
    reason: str
    release_id: str
    built_at: dt.datetime
    as_of: dt.datetime


@dataclass(frozen=True)
class CarriedFamily:
    """The same, family by family: ``as_of`` and ``release_id`` are those of its oldest mart."""

    family: str
    reason: str
    release_id: str
    as_of: dt.datetime
    tables: tuple[str, ...]


def read_lineage(manifest: Path) -> Lineage:
    """The graph of dbt's ``manifest.json``."""
    nodes: dict[str, dict[str, Any]] = json.loads(manifest.read_text(encoding="utf-8"))["nodes"]
    models = {key: node for key, node in nodes.items() if node["resource_type"] in ("model", "seed")}
    families = {key: node["fqn"][2] for key, node in models.items() if node["schema"] == "marts"}
    children: dict[str, list[str]] = {key: [] for key in models}
    for key, node in models.items():
        for parent in node.get("depends_on", {}).get("nodes", []):
            if parent in children:
                children[parent].append(key)
    below: dict[str, frozenset[str]] = {}
    nearest: dict[str, frozenset[str]] = {}

    def walk(key: str) -> None:
        if key in below:
            return
        for child in children[key]:
            walk(child)
        made = [child for child in children[key] if child in families]
        between = [child for child in children[key] if child not in families]
        below[key] = frozenset(made).union(*(below[child] for child in children[key]))
        nearest[key] = frozenset(made).union(*(nearest[child] for child in between))

    for key in models:
        walk(key)

    def name(key: str) -> str:
        return str(models[key]["name"])

    tested = {}
    for key, node in nodes.items():
        parents = [parent for parent in node.get("depends_on", {}).get("nodes", []) if parent in models]
        about = node.get("attached_node") or (parents[0] if parents else None)
        if node["resource_type"] == "test" and about in models:
            tested[key] = name(about)
    return Lineage(
        {name(key): family for key, family in families.items()},
        {name(key): frozenset(map(name, found)) for key, found in below.items()},
        {name(key): frozenset(map(name, found)) for key, found in nearest.items()},
        {
            name(key): frozenset(
                name(parent) for parent in node.get("depends_on", {}).get("nodes", []) if parent in models
            )
            for key, node in models.items()
        },
        {
            name(key): tuple(
                (column["name"], column["data_type"]) for column in models[key].get("columns", {}).values()
            )
            for key in families
        },
        tested,
    )


def damaged(lineage: Lineage, failed: Mapping[str, str]) -> dict[str, Cause]:
    """The marts that may not be published when the tables ``failed`` (plain name -> what failed) may not.

    Those are the failed marts, the facts of their families, and every mart made from one of them but the note (its
    claims have a source each). A model that is no mart stands for the first marts made from it. A failed mart that is
    made from another failed family shows that family's trouble and is none of its own.

    Raises ``HeldError`` where a shared dimension is among them, where a table is none of dbt's, and where no fact
    would be new.
    """
    reasons: dict[str, str] = {}
    for table, reason in failed.items():
        starts = {table} if table in lineage.families else lineage.nearest.get(table, frozenset()) - {NOTE}
        if not starts:
            raise HeldError(f"{table} belongs to no family")
        for start in sorted(starts):
            _not_shared(start, reason)
            reasons.setdefault(start, reason)
    found: dict[str, Cause] = {}
    made_from_others = {start for start in reasons if _is_made_from_another(lineage, start, reasons)}
    # those last: they are damaged by then, unless two families are made from each other
    for start in sorted(reasons, key=lambda mart: (mart in made_from_others, mart)):
        if start in found and start in made_from_others:
            continue
        cause = Cause(lineage.families[start], reasons[start])
        facts = _facts(lineage, cause.family)
        for mart in facts:
            found.setdefault(mart, cause)
        for made in sorted(frozenset().union(*(lineage.below[mart] for mart in facts)) - {NOTE}):
            _not_shared(made, cause.reason)
            found.setdefault(made, cause)
    if {mart for mart in lineage.families if not mart.startswith(SHARED)} - {NOTE} <= set(found):
        raise HeldError("no family is without trouble")
    return found


def _facts(lineage: Lineage, family: str) -> list[str]:
    return sorted(mart for mart, its in lineage.families.items() if its == family and not mart.startswith(SHARED))


def _is_made_from_another(lineage: Lineage, mart: str, failed: Iterable[str]) -> bool:
    """Whether ``mart`` is made from facts of another family in which something failed."""
    others = {lineage.families[other] for other in failed} - {lineage.families[mart]}
    return any(mart in lineage.below[fact] for other in others for fact in _facts(lineage, other))


def _not_shared(mart: str, reason: str) -> None:
    if mart.startswith(SHARED):
        raise HeldError(f"every family rests on {mart} ({reason})")


def carry_over(build: Path, release: Path, causes: Mapping[str, Cause]) -> list[CarriedMart]:
    """Put the rows of the release file ``release`` into the marts ``causes`` of ``build``, and its claims about them
    into the note. Gives what the marts are now, by name. All or nothing.

    Raises ``HeldError`` where a mart is missing on either side or has other columns; the build is as it was then.
    """
    marts = sorted(causes)
    with duckdb.connect(str(build / MARTS_FILE)) as con:
        con.execute("set TimeZone = 'UTC'")
        _attach(con, release)
        for mart in dict.fromkeys([*marts, NOTE]):
            now, then = _layout(con, "current_database()", mart), _layout(con, "'before'", mart)
            if not now or now != then:
                raise HeldError(f"{mart} has other columns in the release before")
        origins = _origins(con)
        con.execute("begin")
        for mart in marts:
            con.execute(f'create or replace table marts."{mart}" as select * from before.marts."{mart}"')
        if NOTE not in causes:
            _carry_claims(con, marts)
        con.execute("commit")
    return [CarriedMart(mart, causes[mart].family, causes[mart].reason, *origins[mart]) for mart in marts]


def borrow(build: Path, release: Path, lineage: Lineage, marts: Iterable[str]) -> None:
    """Put whole marts of the release file ``release`` into ``build``, where dbt could not make them. All or nothing.

    Raises ``HeldError`` where the release lacks one of them or has it with other columns than are declared now.
    """
    with duckdb.connect(str(build / MARTS_FILE)) as con:
        _attach(con, release)
        con.execute("begin")
        for mart in sorted(marts):
            # a type as DuckDB writes it: dbt's files may say numeric where the catalog says DECIMAL(18,3)
            declared = [
                (column, con.execute(f"select typeof(cast(null as {kind}))").fetchall()[0][0])
                for column, kind in lineage.layouts[mart]
            ]
            if _layout(con, "'before'", mart) != declared:
                raise HeldError(f"{mart} has other columns in the release before")
            con.execute(f'create or replace table marts."{mart}" as select * from before.marts."{mart}"')
        con.execute("commit")


def buildable(
    lineage: Lineage, failed: Collection[str], skipped: Collection[str], borrowed: Collection[str]
) -> list[str]:
    """Models among ``skipped`` that can be built once the marts ``borrowed`` stand in for what could not be built.

    ``failed``: models whose own code failed. Sorted by name; dbt finds the order.
    """
    missing = {*failed, *skipped} - set(borrowed)

    @cache
    def possible(model: str) -> bool:
        if model not in missing:
            return True
        return model not in failed and all(map(possible, lineage.parents[model]))

    return sorted(model for model in missing if possible(model))


def _attach(con: duckdb.DuckDBPyConnection, release: Path) -> None:
    try:
        con.execute(f"attach {quoted(str(release))} as before (read_only)")
    except duckdb.Error as error:
        raise HeldError(f"{release} cannot be opened: {str(error).splitlines()[0]}") from error


def _layout(con: duckdb.DuckDBPyConnection, catalog: str, mart: str) -> list[tuple[str, str]]:
    return con.execute(
        "select column_name, data_type from information_schema.columns "
        f"where table_catalog = {catalog} and table_schema = 'marts' and table_name = ? order by ordinal_position",
        [mart],
    ).fetchall()


def _origins(con: duckdb.DuckDBPyConnection) -> dict[str, tuple[str, dt.datetime, dt.datetime]]:
    """Release id, build time and as-of in which each mart of ``before`` was made: mostly its own."""
    [own] = con.execute("select release_id, built_at, as_of from before.meta.release").fetchall()
    rows = con.execute("select * from before.meta.tables where table_schema = 'marts'")
    names = [column[0] for column in rows.description or ()]
    found = {}
    for values in rows.fetchall():
        row = dict(zip(names, values, strict=True))
        # releases made before families were carried over do not say it: all of their rows are their own
        origin = (row["release_id"], row["built_at"], row["as_of"]) if row.get("carried_over") else own
        found[row["table_name"]] = origin
    return found


def _carry_claims(con: duckdb.DuckDBPyConnection, marts: Sequence[str]) -> None:
    """Claims read from ``marts`` become those of the release before, with their moment, so that each figure still
    agrees with the rows that it names. A claim that release did not have is not available."""
    listed = ", ".join(map(quoted, marts))
    lost = {
        "claim": "'Not available: ' || new.source_table || ' was refused, and the release before has no such claim.'",
        "value": "null",
        "value_text": "null",
        "evidence_rows": "0",
        "status": "'not_available'",
    }
    columns = [name for name, _ in _layout(con, "current_database()", NOTE)]
    chosen = ", ".join(
        f'new."{name}"'
        if name in NOT_CARRIED
        else f'case when new.source_table is null or new.source_table not in ({listed}) then new."{name}" '
        f'when old.claim_id is not null then old."{name}" else {lost.get(name, f"new.{name}")} end as "{name}"'
        for name in columns
    )
    con.execute(
        f"create or replace table marts.{NOTE} as select {chosen} from marts.{NOTE} as new "
        f"left join before.marts.{NOTE} as old on new.claim_id = old.claim_id "
        "order by new.claim_order nulls last"
    )


def origins(build: Path) -> dict[str, str]:
    """Marts of a published build whose rows come from an earlier release (``schema.name`` -> its id)."""
    with duckdb.connect(str(build / MARTS_FILE), read_only=True) as con:
        if not con.execute("from duckdb_tables() where schema_name = 'meta' and table_name = 'tables'").fetchall():
            return {}
        rows = con.execute(
            "select table_name, release_id from meta.tables where table_schema = 'marts' and carried_over"
        ).fetchall()
    return {f"marts.{name}": release for name, release in rows}


def by_family(carried: Iterable[CarriedMart]) -> list[CarriedFamily]:
    """``carried`` family by family, sorted."""
    families: dict[str, list[CarriedMart]] = {}
    for mart in carried:
        families.setdefault(mart.family, []).append(mart)
    told = []
    for family, marts in sorted(families.items()):
        oldest = min(marts, key=lambda mart: (mart.as_of, mart.mart))
        tables = tuple(mart.mart for mart in marts)
        told.append(CarriedFamily(family, oldest.reason, oldest.release_id, oldest.as_of, tables))
    return told
