"""Which of the new rows are versions, which are repeats, which contradict each other (contracts R10, R11).

Pure: rows in, decisions out. Rows whose key stands alone are decided in bulk; the few keys with several versions go
through ``settle``, the rule written out.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from orchestration.contracts.base import Contract

CONFLICT = "conflicting rows for one key"

_EVER = dt.datetime.min.replace(tzinfo=dt.UTC)

_PORTION_ROWS = 10_000

MOST_OF_A_KEY = 50_000
"""Rows of one key in one run: those of a key are decided together, in memory, and no record changes so often."""

ACCEPTED, REPEATED, CONFLICTING, UNCOUNTABLE = "accepted", "repeated", "conflicting", "uncountable"
REFUSED = {CONFLICTING: CONFLICT, UNCOUNTABLE: f"more than {MOST_OF_A_KEY:,} rows of one key in one run"}
"""Decisions for quarantine, with the reason that is told."""


@dataclass
class NewRow:
    """A row of this run. ``part``: its batch; ``carried``: contract columns that its file carries.

    ``stamp``: given with the row; ``own_stamp``: by the table's own column; ``rule``: by the table's rule.
    """

    index: int
    part: int
    values: dict[str, Any]
    carried: frozenset[str]
    stamp: dt.datetime | None
    own_stamp: dt.datetime | None
    deletion_stamp: dt.datetime | None
    rule: dt.datetime | None
    knowledge_at: dt.datetime | None = None
    source: str = ""
    decision: str = ""


@dataclass(frozen=True)
class KnownRow:
    """A version that an earlier run accepted."""

    values: dict[str, Any]
    knowledge_at: dt.datetime


@dataclass
class Decisions:
    """For each new row (by ``_index``): ``decision``, and for accepted ones knowledge_at, its source and the values
    of the joined column where persons were added to it. Those of ``REFUSED`` go to quarantine."""

    frame: pl.DataFrame
    joined: dict[int, str] = field(default_factory=dict)


def _equal(values: dict[str, Any], other: dict[str, Any], columns: frozenset[str], beside: frozenset[str]) -> bool:
    return all(
        values[name] == other[name] or (name in beside and (values[name] is None or other[name] is None))
        for name in columns
    )


def _join(texts: list[str | None]) -> str | None:
    names: dict[str, None] = {}
    for text in texts:
        if text:
            names.setdefault(text)
    return "、".join(names) or None


def _first_of(rows: list[NewRow], known: list[KnownRow], contract: Contract) -> NewRow | None:
    """The row that is the first version seen of its key, where the contract gives that one a rule of its own.

    Deletions are none; one that came before its round leaves the round the rule, unless the round was edited after it.
    """
    if not contract.first_version_rule or any(row.stamp for row in rows):
        return None
    candidates = [row for row in rows if row.deletion_stamp is None]
    if not candidates:
        return None
    first = min(candidates, key=lambda row: (row.own_stamp or _EVER, row.index))
    if any(not _is_deletion(version) or version.knowledge_at <= (first.own_stamp or _EVER) for version in known):
        return None
    return first


def _is_deletion(version: KnownRow) -> bool:
    return version.values.get("deleted_at") is not None


def _stamp_rows(rows: list[NewRow], known: list[KnownRow], contract: Contract, ingested_at: dt.datetime) -> None:
    """Give every row its moment of knowledge, or decide that an unstamped one repeats what is known."""
    first = _first_of(rows, known, contract)
    beside = contract.beside
    by_moment: dict[dt.datetime, list[KnownRow]] = {}
    by_own_stamp: dict[Any, list[KnownRow]] = {}
    for version in known:
        by_moment.setdefault(version.knowledge_at, []).append(version)
        if contract.first_version_rule and not _is_deletion(version):
            by_own_stamp.setdefault(version.values.get(contract.own_stamp or ""), []).append(version)
    for row in rows:
        compared = row.carried - {contract.joined_column or ""}
        if row.stamp is not None:
            row.knowledge_at, row.source = row.stamp, "stamp"
        elif row.deletion_stamp is not None:
            row.knowledge_at, row.source = row.deletion_stamp, "own_column"
        elif first is not None and (
            row is first or _equal(row.values, first.values, row.carried | first.carried, beside)
        ):
            row.knowledge_at, row.source = row.rule, "rule"
        elif row.own_stamp is not None:
            # The first version is known at another moment than its edit: the same edit again is found by its values.
            if contract.first_version_rule and any(_equal(row.values, v.values, compared, beside) for v in known):
                row.decision = REPEATED
            row.knowledge_at, row.source = row.own_stamp, "own_column"
        elif known:
            if any(_equal(row.values, version.values, compared, beside) for version in known):
                row.decision = REPEATED
            row.knowledge_at, row.source = ingested_at, "ingestion"
        else:
            row.knowledge_at, row.source = row.rule, "rule"
        if row.knowledge_at is None:
            row.knowledge_at, row.source = ingested_at, "ingestion"
        # A figure that changed under an unchanged stamp of its own table was not known at that stamp.
        if row.source == "own_column":
            assert row.knowledge_at is not None  # noqa: S101 (narrows the type)
            same_stamp = list(by_moment.get(row.knowledge_at, ()))
            if row.deletion_stamp is None:
                same_stamp += by_own_stamp.get(row.own_stamp, ())
            if same_stamp and not any(_equal(row.values, version.values, compared, beside) for version in same_stamp):
                row.knowledge_at, row.source = ingested_at, "ingestion"


def _merge_joined(rows: list[NewRow], contract: Contract) -> dict[int, str]:
    """Rows equal but for the joined column become the first of them, with the texts of all (R40)."""
    joined: dict[int, str] = {}
    column = contract.joined_column
    if column is None:
        return joined
    beside = contract.beside
    groups: list[list[NewRow]] = []
    for row in rows:
        compared = row.carried - {column or ""}
        for group in groups:
            head = group[0]
            alike = head.knowledge_at == row.knowledge_at and head.carried == row.carried
            if alike and _equal(row.values, head.values, compared, beside):
                group.append(row)
                break
        else:
            groups.append([row])
    for group in groups:
        text = _join([row.values[column] for row in group])
        for other in group[1:]:
            other.decision = REPEATED
        if text is not None and text != group[0].values[column]:
            group[0].values = {**group[0].values, column: text}
            joined[group[0].index] = text
    return joined


def settle(rows: list[NewRow], known: list[KnownRow], contract: Contract, ingested_at: dt.datetime) -> dict[int, str]:
    """Decide the rows of one key, in place; returns joined texts by row index.

    ``known`` is in order of ingestion. Afterwards every row has its ``decision``, accepted ones their
    ``knowledge_at`` and ``source``.
    """
    _stamp_rows(rows, known, contract, ingested_at)
    beside = contract.beside
    joined = _merge_joined([row for row in rows if not row.decision], contract)
    column = contract.joined_column

    by_moment: dict[tuple[int, dt.datetime | None], list[NewRow]] = {}
    for row in rows:
        if not row.decision:
            by_moment.setdefault((row.part, row.knowledge_at), []).append(row)
    for together in by_moment.values():
        compared = together[0].carried
        if any(not _equal(row.values, together[0].values, compared, beside) for row in together[1:]):
            for row in together:
                row.decision = CONFLICTING
        else:
            for row in together[1:]:
                row.decision = REPEATED

    versions = sorted(known, key=lambda version: version.knowledge_at)
    moments = [version.knowledge_at for version in versions]
    of_this_run: set[dt.datetime] = set()
    waiting = sorted((row for row in rows if not row.decision), key=lambda row: (row.knowledge_at, row.index))
    for row in waiting:
        moment = row.knowledge_at
        assert moment is not None  # noqa: S101 (narrows the type)
        after = bisect_right(moments, moment)
        in_force = versions[max(after - 1, 0) : after]
        # A file landed again repeats its version although a later one shares its moment.
        landed_before = [] if moment in of_this_run else versions[bisect_left(moments, moment) : after]
        compared = row.carried - {column or ""}
        twins = [
            version for version in (*in_force, *landed_before) if _equal(row.values, version.values, compared, beside)
        ]
        if twins and column is not None and row.values.get(column):
            have = twins[0].values[column]
            text = _join([have, row.values[column]])
            if row.values[column] not in (have or ""):
                row.values = {**row.values, column: text}
                joined[row.index] = text or ""
                twins = []
        if twins:
            row.decision = REPEATED
            continue
        row.decision = ACCEPTED
        of_this_run.add(moment)
        versions.insert(after, KnownRow(row.values, moment))
        moments.insert(after, moment)
    return joined


def decide(
    new: pl.DataFrame, known: pl.DataFrame, carried: list[frozenset[str]], contract: Contract, ingested_at: dt.datetime
) -> Decisions:
    """Decide all rows of one run for one table.

    ``new``: contract columns, ``_index`` (order of file name and row), ``_part``, stamps and rule; ``known``: contract
    columns and ``knowledge_at`` of the versions of these keys, in order of ingestion; ``carried``: by part, the
    contract columns its file carries. Returns a frame ``_index, decision, knowledge_at, source``.
    """
    key = list(contract.key)
    values = [name for name in contract.columns if name not in contract.key]
    counts = new.group_by(key).agg(pl.len().alias("_new"))
    known_counts = known.group_by(key).agg(pl.len().alias("_known"))
    sized = new.join(counts, on=key, how="left").join(known_counts, on=key, how="left", nulls_equal=False)
    sized = sized.with_columns(pl.col("_known").fill_null(0))
    moment = pl.Datetime("us", "UTC")
    now = pl.lit(ingested_at).cast(moment)
    uncountable = sized.filter(pl.col("_new") > MOST_OF_A_KEY).select(
        "_index",
        pl.lit(UNCOUNTABLE).alias("decision"),
        pl.lit(None, moment).alias("knowledge_at"),
        pl.lit("").alias("source"),
    )
    sized = sized.filter(pl.col("_new") <= MOST_OF_A_KEY)

    alone = sized.filter((pl.col("_new") == 1) & (pl.col("_known") == 0))
    if contract.first_version_rule:
        own: pl.Expr = pl.col("deletion_stamp")
    else:
        own = pl.coalesce("deletion_stamp", "own_stamp")
    alone = alone.select(
        "_index",
        pl.lit(ACCEPTED).alias("decision"),
        pl.coalesce("stamp", own, "rule", now).alias("knowledge_at"),
        pl.when(pl.col("stamp").is_not_null())
        .then(pl.lit("stamp"))
        .when(own.is_not_null())
        .then(pl.lit("own_column"))
        .when(pl.col("rule").is_not_null())
        .then(pl.lit("rule"))
        .otherwise(pl.lit("ingestion"))
        .alias("source"),
    )

    pairs = sized.filter((pl.col("_new") == 1) & (pl.col("_known") == 1))
    paired, reopened = _decide_pairs(pairs, known, carried, contract, values, now)
    several = pl.concat([sized.filter((pl.col("_new") > 1) | (pl.col("_known") > 1)), reopened])
    decided = [alone, paired, uncountable]
    joined: dict[int, str] = {}
    for portion in _portions(several, key):
        settled, added = _settle_all(portion, known, carried, contract, ingested_at)
        decided.append(settled)
        joined.update(added)
    decided = [frame for frame in decided if len(frame)]
    frame = pl.concat(decided) if decided else alone
    return Decisions(frame.sort("_index"), joined)


def _decide_pairs(
    pairs: pl.DataFrame,
    known: pl.DataFrame,
    carried: list[frozenset[str]],
    contract: Contract,
    values: list[str],
    now: pl.Expr,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """One new row, one known version: compared column by column.

    Returns the decisions, and the rows that bring other persons to a known visit or may be a round's first version,
    for ``settle``.
    """
    versions = known.select(
        *contract.key,
        *(pl.col(name).alias(f"{name}_known") for name in values),
        pl.col("knowledge_at").alias("_known_at"),
    )
    both = pairs.join(versions, on=list(contract.key), how="inner")
    same = pl.lit(value=True)
    for name in values:
        if name != contract.joined_column:
            without = [part for part, has in enumerate(carried) if name not in has]
            alike = pl.col(name).eq_missing(pl.col(f"{name}_known"))
            if name in contract.beside:
                alike = alike | pl.col(name).is_null() | pl.col(f"{name}_known").is_null()
            same = same & (alike | pl.col("_part").is_in(without))
    own = pl.coalesce("deletion_stamp", "own_stamp")
    both = both.with_columns(
        same.alias("_same"), pl.coalesce("stamp", own).alias("_stamped"), pl.col("stamp").is_null().alias("_is_own")
    )
    reopened = both.head(0)
    if contract.joined_column is not None:
        names, have = pl.col(contract.joined_column), pl.col(f"{contract.joined_column}_known").fill_null("")
        adds = pl.col("_same") & names.is_not_null() & ~have.str.contains(names, literal=True).fill_null(value=True)
        reopened, both = both.filter(adds), both.filter(~adds.fill_null(value=False))
    elif contract.first_version_rule:
        # Whether a first version is replaced, or its edit came again, is told by more than the two moments.
        reopened, both = both.filter(~pl.col("_same") | ~pl.col("_is_own")), both.filter("_same", "_is_own")
    late = (pl.col("_stamped") < pl.col("_known_at")).fill_null(value=False) & pl.lit(not contract.first_version_rule)
    restamped = pl.col("_is_own") & (pl.col("_stamped") == pl.col("_known_at"))
    by_ingestion = pl.col("_stamped").is_null() | restamped.fill_null(value=False)
    decided = both.select(
        "_index",
        pl.when(pl.col("_same") & ~late).then(pl.lit(REPEATED)).otherwise(pl.lit(ACCEPTED)).alias("decision"),
        pl.when(by_ingestion).then(now).otherwise(pl.col("_stamped")).alias("knowledge_at"),
        pl.when(by_ingestion)
        .then(pl.lit("ingestion"))
        .when(pl.col("_is_own"))
        .then(pl.lit("own_column"))
        .otherwise(pl.lit("stamp"))
        .alias("source"),
    )
    return decided, reopened.select(pairs.columns)


def _portions(rows: pl.DataFrame, key: list[str]) -> Iterator[pl.DataFrame]:
    """The rows, those of a key together, some keys at a time: written out a row takes a hundred times its bytes."""
    ordered = rows.sort(*key, "_index")
    begins = ordered.select(pl.struct(key).rle_id().alias("_place")).select(
        pl.int_range(pl.len()).filter(pl.col("_place") != pl.col("_place").shift()).alias("_begin")
    )["_begin"]
    begin = 0
    while begin < len(ordered):
        place = begins.search_sorted(begin + _PORTION_ROWS)
        end = int(begins[place]) if place < len(begins) else len(ordered)
        yield ordered[begin:end]
        begin = end


def _settle_all(
    several: pl.DataFrame,
    known: pl.DataFrame,
    carried: list[frozenset[str]],
    contract: Contract,
    ingested_at: dt.datetime,
) -> tuple[pl.DataFrame, dict[int, str]]:
    key = contract.key
    columns = contract.columns
    old: dict[tuple[Any, ...], list[KnownRow]] = {}
    if len(several) and len(known):
        for version in known.join(several.select(key).unique(), on=list(key), how="semi").iter_rows(named=True):
            moment = version.pop("knowledge_at")
            old.setdefault(tuple(version[name] for name in key), []).append(
                KnownRow({name: version[name] for name in columns}, moment)
            )
    groups: dict[tuple[Any, ...], list[NewRow]] = {}
    for row in several.sort("_index").iter_rows(named=True):
        groups.setdefault(tuple(row[name] for name in key), []).append(
            NewRow(
                index=row["_index"],
                part=row["_part"],
                values={name: row[name] for name in columns},
                carried=carried[row["_part"]] & frozenset(columns),
                stamp=row["stamp"],
                own_stamp=row["own_stamp"],
                deletion_stamp=row["deletion_stamp"],
                rule=row["rule"],
            )
        )
    joined: dict[int, str] = {}
    out: list[tuple[int, str, dt.datetime | None, str]] = []
    for name, rows in groups.items():
        joined.update(settle(rows, old.get(name, []), contract, ingested_at))
        out += [(row.index, row.decision, row.knowledge_at, row.source) for row in rows]
    schema: dict[str, pl.DataType | type[pl.DataType]] = {
        "_index": pl.Int64,
        "decision": pl.String,
        "knowledge_at": pl.Datetime("us", "UTC"),
        "source": pl.String,
    }
    return pl.DataFrame(out, schema=schema, orient="row"), joined
