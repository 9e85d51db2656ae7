"""The keys of a run that do not stand alone: brought together with what is known and handed to ``versions``.

Belongs here: finding, among the staged rows of a run, the keys that come twice or are known (by hashes: equal ones are
looked at, different ones prove different keys), reading only the raw files that can hold them, and taking decided rows
out of the staged ones. Does not belong here: the rule itself (``versions``), writing (``store``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa

from orchestration.contracts.base import Contract, Kind
from orchestration.ingest import versions
from orchestration.ingest.blocks import LONGEST_LINE
from orchestration.ingest.bulk import Staged
from orchestration.ingest.ledger import ParquetFile
from orchestration.ingest.spill import Spill
from orchestration.ingest.typing import Typist
from orchestration.sql import quoted, raw_rows

SLICE_ROWS = 100_000
"""So many rows at most are decided at a time: a restatement of ten million rows needs no more memory than that."""
SLICE_BYTES = 32 << 20
"""So much text at most, where rows are long."""
_HASHED_ROWS = 20_000_000
"""So many keys of a run are compared at a time."""

_PARTS = pa.schema([pa.field("_part", pa.int32()), pa.field("_batch_id", pa.string())])
_HASHES = pa.schema([pa.field("_hash", pa.uint64())])


@dataclass(frozen=True)
class Origin:
    """Where a batch's rows come from, as far as deciding goes. ``order``: its place by file name (R11);
    ``is_refused``: as a whole, none of its rows count."""

    file: str
    batch_id: str
    feed: str | None
    carried: frozenset[str]
    order: int
    is_refused: bool = False


Refuse = Callable[[int, list[tuple[int | None, str, str]]], None]
"""Takes conflicting rows of a batch: its number, and (row, text, reason) of each."""


def loose_schema(typist: Typist) -> pa.Schema:
    """Columns of rows that are typed and not staged: ``Typist.schema`` without the place in a chunk, and the batch."""
    return pa.schema([*(c for c in typist.schema if c.name != "_position"), pa.field("_batch_id", pa.string())])


def as_loose(typed: pa.Table, batch_id: str, schema: pa.Schema) -> pa.Table:
    """Rows of ``Typist`` in ``loose_schema``."""
    return typed.append_column("_batch_id", pa.array([batch_id]).take(pa.array(np.zeros(len(typed), np.int8)))).select(
        schema.names
    )


def dated_key(contract: Contract) -> str | None:
    """The column of the key that dates it, by which raw files without a key of a run are passed over."""
    dated = (Kind.DATE, Kind.MARKET_DATE, Kind.TIMESTAMP)
    return next((name for name in contract.key if contract.field(name).kind in dated), None)


def key_range(con: duckdb.DuckDBPyConnection, relation: str, contract: Contract) -> tuple[str | None, str | None]:
    """Least and greatest value of the dated key column as text (times in UTC), None without one or without rows."""
    column = dated_key(contract)
    if column is None:
        return None, None
    moment = "cast(moment as varchar)"
    if contract.field(column).kind is Kind.TIMESTAMP:
        moment = "strftime(moment at time zone 'UTC', '%Y-%m-%d %H:%M:%S.%f')"
    (first,), (last,) = con.execute(
        f"select {moment} from (select unnest([min({column}), max({column})]) as moment from {relation}) order by 1"
    ).fetchall()
    return first, last


def _same_value(contract: Contract, name: str) -> str:
    """SQL of a column's part in R10: ``n`` repeats ``k``."""
    if name in contract.key:
        return f"n.{name} = k.{name}"
    if name in contract.beside:
        return f"coalesce(n.{name} = k.{name}, true)"
    return f"n.{name} is not distinct from k.{name}"


def _hash(contract: Contract) -> str:
    return f"hash({', '.join(contract.key)})"


def decide(
    con: duckdb.DuckDBPyConnection,
    typist: Typist,
    staged: list[tuple[Staged, frozenset[str]]],
    loose: Spill,
    origins: list[Origin],
    raw: list[ParquetFile],
    ingested_at: dt.datetime,
    accepted: Spill,
    refuse: Refuse,
) -> np.ndarray:
    """Decide the rows of a run: raw rows to append go to ``accepted``, conflicting ones to ``refuse``.

    ``staged``: results of ``bulk.stage`` with the contract columns that their rows carry; ``loose``: rows that are not
    staged, see ``loose_schema``; ``raw``: what earlier runs accepted, in order of ingestion. Gives the hashes of the
    staged keys that were decided here and must leave the staged rows.
    """
    contract = typist.contract
    new = _Rows(con, typist, staged, loose, origins)
    try:
        old = _Known(con, contract, raw, new.first, new.last)
        pulled, count = _several(new, old)
        if not count:
            return pulled
        text = loose.bytes + min(sum(each.bytes for each, _ in staged), count * LONGEST_LINE)
        for low, high in _slices(max(-(-count // SLICE_ROWS), -(-text // SLICE_BYTES))):
            old.narrow(low, high)
            rows = new.of(pulled[(pulled >= low) & (pulled <= high)], low, high, old)
            if len(rows):
                accepted.add(_decide_slice(rows, old, origins, contract, ingested_at, refuse))
    finally:
        new.close()
    return pulled


def _several(new: _Rows, old: _Known) -> tuple[np.ndarray, int]:
    """Hashes of the keys that come twice or are known, and how many rows are to be decided: theirs and loose ones."""
    found, count = [np.array([], np.uint64)], new.loose
    for low, high in _slices(max(1, -(-new.rows // _HASHED_ROWS))):
        old.narrow(low, high)
        hashes = new.hashes(low, high)
        twice = hashes[1:][hashes[1:] == hashes[:-1]]
        pulled = np.unique(np.concatenate([twice, old.among(hashes)]))
        ends = np.searchsorted(hashes, pulled, side="right")
        count += int((ends - np.searchsorted(hashes, pulled)).sum())
        found.append(pulled)
    return np.concatenate(found), count


def _slices(count: int) -> Iterator[tuple[np.uint64, np.uint64]]:
    edges = [(part << 64) // count for part in range(count + 1)]
    for low, high in pairwise(edges):
        yield np.uint64(low), np.uint64(high - 1)


class _Rows:
    """The rows of a run: staged ones, and loose ones (typed with care)."""

    def __init__(
        self,
        con: duckdb.DuckDBPyConnection,
        typist: Typist,
        staged: list[tuple[Staged, frozenset[str]]],
        loose: Spill,
        origins: list[Origin],
    ) -> None:
        self._con, self._typist, self._contract = con, typist, typist.contract
        self._files = [(each.path, carried) for each, carried in staged]
        listing = ", ".join(quoted(str(path)) for path, _ in self._files)
        self._staged = f"read_parquet([{listing}])" if staged else None
        self._numbers = {origin.file: number for number, origin in enumerate(origins)}
        self._order = np.array([origin.order for origin in origins], np.int64)
        kept = [column for column in typist.schema if column.name != "_position"]
        self._schema = pa.schema([*kept, pa.field("_part", pa.int32())])
        self.loose = 0
        ranges = []
        if loose.rows:
            loose.register(con, "loose_rows")
            taken = [number for number, origin in enumerate(origins) if not origin.is_refused]
            parts = {"_part": pa.array(taken, pa.int32()), "_batch_id": [origins[number].batch_id for number in taken]}
            con.register("taken", pa.table(parts, schema=_PARTS))
            con.execute(
                f"create or replace temp view loose as select *, {_hash(self._contract)} as _hash"
                " from loose_rows join taken using (_batch_id)"
            )
            ((self.loose,),) = con.execute("select count(*) from loose").fetchall()
        self.rows = self.loose + sum(sum(each.rows.values()) for each, _ in staged)
        if self.loose:
            ranges.append(key_range(con, "loose", self._contract))
        if self._staged:
            ranges.append(key_range(con, self._staged, self._contract))
        firsts = [first for first, _ in ranges if first is not None]
        lasts = [last for _, last in ranges if last is not None]
        self.first = min(firsts, default=None)
        self.last = max(lasts, default=None)

    def close(self) -> None:
        self._con.execute("drop view if exists loose")

    def hashes(self, low: np.uint64, high: np.uint64) -> np.ndarray:
        """Those of all rows within a range, in order."""
        found = []
        if self._staged:
            found.append(f"select {_hash(self._contract)} as _hash from {self._staged}")
        if self.loose:
            found.append("select _hash from loose")
        if not found:
            return np.array([], np.uint64)
        within = f"select _hash from ({' union all '.join(found)}) where _hash between {int(low)} and {int(high)}"
        hashes, count = np.empty(self.rows, np.uint64), 0
        for batch in self._con.sql(within).to_arrow_reader():
            hashes[count : count + len(batch)] = batch.column(0)
            count += len(batch)
        hashes = hashes[:count]
        hashes.sort()
        return hashes

    def of(self, hashes: np.ndarray, low: np.uint64, high: np.uint64, old: _Known) -> pl.DataFrame:
        """Loose rows of a range of hashes and staged ones of the given hashes, as ``versions.decide`` wants them;
        without staged rows that plainly repeat what is known."""
        frames = []
        if self.loose:
            loose = self._con.sql(
                f"select {', '.join(self._schema.names)} from loose where _hash between {int(low)} and {int(high)}"
            )
            frames.append(pl.DataFrame(loose.to_arrow_table().cast(self._schema)))
        if self._staged and len(hashes):
            self._con.register("pulled", pa.table([pa.array(hashes)], schema=_HASHES))
            for path, carried in self._files:
                pulled = (
                    f"select * from read_parquet({quoted(str(path))})"
                    f" semi join pulled on _hash = {_hash(self._contract)}"
                )
                source = old.without_repeats(pulled, carried)
                rows = self._con.sql(self._typist.stamps_statement(source)).to_arrow_table()
                files = pl.Series(rows.column("_file"))
                numbers = files.replace_strict(self._numbers, return_dtype=pl.Int32).to_arrow()
                rows = rows.append_column("_part", numbers).select(self._schema.names)
                frames.append(pl.DataFrame(rows.cast(self._schema)))
            self._con.unregister("pulled")
        if not frames:
            return pl.DataFrame()
        rows = pl.concat(frames)
        order = pl.Series("_order", self._order[rows["_part"].to_numpy()])
        rows = rows.with_columns(order, pl.col("_part").cast(pl.Int64)).sort("_order", "_row", maintain_order=True)
        return rows.drop("_order").with_row_index("_index").with_columns(pl.col("_index").cast(pl.Int64))


class _Known:
    """Versions that earlier runs accepted, read only where a key of this run may lie."""

    def __init__(
        self,
        con: duckdb.DuckDBPyConnection,
        contract: Contract,
        raw: list[ParquetFile],
        first: str | None,
        last: str | None,
    ) -> None:
        self._con, self._contract, self._between = con, contract, "true"
        paths = [file.path for file in raw if file.may_hold(first, last)]
        column = dated_key(contract)
        within = "true"
        if column is not None and first is not None and last is not None:
            kind = "date" if contract.field(column).kind is not Kind.TIMESTAMP else "timestamptz"
            zone = "" if kind == "date" else "+00"
            within = f"{column} between {kind} {quoted(first + zone)} and {kind} {quoted(last + zone)}"
        self._source = f"{raw_rows(con, paths, contract.arrow_schema())} where {within}" if paths else None

    def narrow(self, low: np.uint64, high: np.uint64) -> None:
        """Look at keys of a range of hashes only, from now on."""
        self._between = f"{_hash(self._contract)} between {int(low)} and {int(high)}"

    def without_repeats(self, rows: str, carried: frozenset[str]) -> str:
        """SQL of raw rows without those that carry no stamp and equal a known version of their key (R10, R11): in a
        history that is fetched anew these are almost all, and nothing else of their key depends on them."""
        contract = self._contract
        if self._source is None or contract.joined_column is not None or contract.first_version_rule:
            return rows
        same = " and ".join(
            _same_value(contract, name) for name in contract.columns if name in carried or name in contract.key
        )
        unstamped = "_knowledge_source in ('rule', 'ingestion')"
        return (
            f"with pulled_rows as materialized ({rows}),"
            f" known_rows as (select * from {self._source} and {self._between})"
            f" select * from pulled_rows where not {unstamped} union all"
            f" select n.* from (select * from pulled_rows where {unstamped}) as n anti join known_rows as k on {same}"
        )

    def among(self, ordered: np.ndarray) -> np.ndarray:
        """Those of the ordered hashes that a known key has."""
        if self._source is None or not len(ordered):
            return np.array([], np.uint64)
        found = [np.array([], np.uint64)]
        for batch in self._con.sql(
            f"select {_hash(self._contract)} as _hash from {self._source} and {self._between}"
        ).to_arrow_reader():
            known = np.asarray(batch.column(0))
            places = np.minimum(np.searchsorted(ordered, known), len(ordered) - 1)
            found.append(known[ordered[places] == known])
        return np.concatenate(found)

    def of(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Contract columns and ``knowledge_at`` of the versions of these rows' keys, in order of ingestion."""
        schema = pa.schema(
            [self._contract.arrow_schema().field(name) for name in (*self._contract.columns, "knowledge_at")]
        )
        if self._source is None:
            return pl.DataFrame(schema.empty_table())
        self._con.register("new_keys", rows.select(self._contract.key).unique().to_arrow())
        keys = ", ".join(self._contract.key)
        known = self._con.sql(
            f"select {', '.join(schema.names)} from (select * from {self._source} and {self._between})"
            f" semi join new_keys using ({keys})"
            " order by _ingested_at, _file, _row"
        ).to_arrow_table()
        self._con.unregister("new_keys")
        return pl.DataFrame(known.cast(schema))


def _decide_slice(
    new: pl.DataFrame,
    old: _Known,
    origins: list[Origin],
    contract: Contract,
    ingested_at: dt.datetime,
    refuse: Refuse,
) -> pa.Table:
    decisions = versions.decide(new, old.of(new), [origin.carried for origin in origins], contract, ingested_at)
    # A contract may have a column of the name too (that of concept_members does).
    decided = new.join(decisions.frame.rename({"source": "_source"}), on="_index", how="left").sort("_index")

    conflicting: dict[int, list[tuple[int | None, str, str]]] = {}
    for row in decided.filter(pl.col("decision").is_in(list(versions.REFUSED))).iter_rows(named=True):
        shown = "\t".join("" if row[name] is None else str(row[name]) for name in contract.columns)
        key = ", ".join(f"{name} {row[name]}" for name in contract.key)
        line = (row["_row"], shown, f"{versions.REFUSED[row['decision']]}: {key}")
        conflicting.setdefault(row["_part"], []).append(line)
    for number, lines in conflicting.items():
        refuse(number, lines)

    accepted = decided.filter(pl.col("decision") == versions.ACCEPTED)
    if decisions.joined and contract.joined_column is not None:
        added = pl.DataFrame(
            {"_index": list(decisions.joined), "_joined": list(decisions.joined.values())},
            schema={"_index": pl.Int64, "_joined": pl.String},
        )
        accepted = accepted.join(added, on="_index", how="left").with_columns(
            pl.coalesce("_joined", contract.joined_column).alias(contract.joined_column)
        )
    provenance = pl.DataFrame(
        {
            "_part": list(range(len(origins))),
            "_feed": [origin.feed for origin in origins],
            "_file": [origin.file for origin in origins],
            "_batch_id": [origin.batch_id for origin in origins],
        },
        schema={"_part": pl.Int64, "_feed": pl.String, "_file": pl.String, "_batch_id": pl.String},
    )
    schema = contract.arrow_schema()
    rows = accepted.join(provenance, on="_part", how="left", maintain_order="left").with_columns(
        pl.lit(ingested_at).cast(pl.Datetime("us", "UTC")).alias("_ingested_at"),
        pl.col("_source").alias("_knowledge_source"),
    )
    return rows.select(schema.names).to_arrow().cast(schema)
