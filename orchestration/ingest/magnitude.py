"""Orders of magnitude: does a batch count in another unit than the table's own history? (contracts R69, gate G1)

A provider that goes from 份 to 万份 under an unchanged header moves every figure by the same power of ten. A batch
that does so is held back whole; nothing is converted by guess. Belongs here: the rule, over figures that are already
numbers. Does not belong here: which columns are guarded and what their units are called (``Contract.guards``).

Figures are compared in pairs: what the batch says of its newest days, and what is known of the same series (the key
without its day) on the same day, or else the last known within ``NEAR``. A column is in another unit by 10^p, p not 0,
when

1. at least ``ENOUGH`` pairs can be compared: days of what is known, or else series (of the batch, or of all batches
   that its dialect read in this run: a provider that hands out a file a code changes the unit of all of them),
2. the median of their ratios lies within ±50 % of 10^p,
3. ``AGREEING`` of them or more are nearer to 10^p than to any other power of ten.

What moves by a power of ten without a change of unit passes:

* A split is that of one series, and many never split at once. One series alone is judged by days that were known, and
  those do not change in a split. Where a provider adjusts the whole past of a series, prices and shares move inversely
  and the value stays: that is no unit either.
* Turnover and volume grow tenfold together, of one fund or of a whole theme, and wander by more than half in a day. Of
  either a move by 10^2 or more counts by rule 3 alone; a single power of ten counts where the other does not make it
  (their quotient, a price, has moved), or where the same days were known.
* Growth over years is not compared at all, but for the powers that a contract calls impossible (``Guard.impossible``):
  of these the median alone decides, of one pair if there is only one, however long ago (R69).

A file whose figures are right although they look wrong is landed again in a folder named ``units-checked``. Whoever
does that vouches for them, in landing, where it can be seen ever after.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import duckdb
import polars as pl

from orchestration.contracts.base import Contract, Guard, Kind
from orchestration.dialects import dialects_of
from orchestration.ingest.ledger import ParquetFile
from orchestration.sql import quoted

ENOUGH = 5
AGREEING = 0.6
BAND = 0.5
SPAN = dt.timedelta(days=14)
NEAR = dt.timedelta(days=45)
MOST_ROWS = 200
"""Rows of a batch that are looked at: a unit is that of all rows, so a sample tells it."""
_WHOLE = 50_000
VOUCHED = "units-checked"

_DATES = (Kind.DATE, Kind.MARKET_DATE, Kind.TIMESTAMP)
_FILE, _GROUP = "_file", "_group"


@dataclass(frozen=True)
class Compared:
    """Figures of one column beside known ones. ``ratio``, ``delivered``, ``known``: medians; ``agreeing``: share of
    the ratios that are nearest to the power of ten which their median is nearest to; ``same_days``: one pair a day,
    else one a series."""

    pairs: int
    ratio: float
    delivered: float
    known: float
    agreeing: float
    same_days: bool


NOTHING = Compared(0, math.nan, math.nan, math.nan, 0.0, same_days=False)


@dataclass(frozen=True)
class Verdict:
    """A column that moved by 10^``power``, and the figures that say so."""

    guard: Guard
    power: int
    compared: Compared

    @property
    def text(self) -> str:
        what = "figures of the same days" if self.compared.same_days else "series"
        return (
            f"unit: looks like {unit_name(self.guard, self.power)} ({self.guard.column}: median"
            f" {self.compared.delivered:.6g} against {self.compared.known:.6g} known, median ratio to known figures"
            f" {self.compared.ratio:.6f}, {self.compared.pairs} {what} compared)"
        )


def unit_name(guard: Guard, power: int) -> str:
    """What a figure is in that comes 10^``power`` of the known ones."""
    for name, exponent in guard.units:
        if exponent == -power:
            return name
    for name, exponent in guard.units:
        if exponent == power:
            return f"{guard.unit} under a header of {name}"
    return f"{guard.unit} times 10^{power}"


# ------------------------------------------------------------------ what is looked at


def day_column(contract: Contract) -> str | None:
    """The key column that dates a record, None where the key has none."""
    return next((name for name in contract.key if contract.field(name).kind in _DATES), None)


def series_columns(contract: Contract) -> list[str]:
    """The key without its day and without choices: an opening count differs from a closing one by a day's creations."""
    return [name for name in contract.key if contract.field(name).kind not in (*_DATES, Kind.CHOICE)]


def near(contract: Contract) -> dt.timedelta:
    """How far apart two figures may lie to be compared. Quotes come hundreds a day: two weeks of them are enough."""
    day = day_column(contract)
    return SPAN if day is not None and contract.field(day).kind is Kind.TIMESTAMP else NEAR


def evidence(figures: pl.DataFrame, contract: Contract, until: dt.date) -> pl.DataFrame:
    """The rows of a batch that are looked at: a sample of its newest day, or of its newest fortnight where that day has
    few, or of all where records have no day.

    ``figures``: key columns and guarded columns of every delivered row, refused ones included, guarded ones as Float64
    in the contract's unit. Rows dated after ``until`` (the day of ingestion) are left out. Of the key, the columns of
    the series and the day remain. Parts of a batch are taken one by one; ``held_back`` cuts their sum again.
    """
    series, day = series_columns(contract), day_column(contract)
    kept = figures.select(*series, *([day] if day else []), *(guard.column for guard in contract.guards))
    if day is not None:
        kept = kept.filter(pl.col(day).cast(pl.Date) <= until)
    return _newest(kept.drop_nulls(series).with_columns(pl.lit("").alias(_FILE)), day).drop(_FILE)


def _newest(figures: pl.DataFrame, day: str | None) -> pl.DataFrame:
    """The cut of ``evidence``, of each ``_file`` by itself; moments in UTC, whatever the zone they were read in."""
    if day is not None:
        if isinstance(figures.schema[day], pl.Datetime):
            figures = figures.with_columns(pl.col(day).dt.convert_time_zone("UTC"))
        days, newest = pl.col(day).cast(pl.Date), pl.col(day).cast(pl.Date).max().over(_FILE)
        figures = figures.filter(days >= newest - SPAN)
        figures = figures.filter((days == newest) | ((days == newest).sum().over(_FILE) < 4 * ENOUGH))
    place = pl.int_range(pl.len()).over(_FILE)
    step = ((pl.len().over(_FILE) + MOST_ROWS - 1) // MOST_ROWS).clip(lower_bound=1)
    return figures.filter(place % step == 0)


def evidence_of_raw(con: duckdb.DuckDBPyConnection, path: Path, contract: Contract, until: dt.date) -> pl.DataFrame:
    """``evidence`` of the rows of a Parquet file in the form of raw ones, of each ``_file``, which is a column more."""
    series, day = series_columns(contract), day_column(contract)
    guarded = ", ".join(f"cast({guard.column} as double) as {guard.column}" for guard in contract.guards)
    names = [*series, *([day] if day else [])]
    listed = ", ".join(names)
    relation = f"read_parquet({quoted(str(path))})"
    newest, until_then, recent, parameters = "1", "", "", []
    if day is not None:
        newest, until_then = f"max(cast({day} as date))", f" where cast({day} as date) <= ?"
        recent, parameters = f"cast({day} as date) between newest - {SPAN.days} and newest and ", [until]
    # Of a large file a part, chosen by its keys: the same of the same rows.
    rows = con.sql(
        f"select _file, {listed}, {guarded} from {relation} join (select _file, {newest} as newest, count(*) as size"
        f" from {relation}{until_then} group by _file) using (_file)"
        f" where {recent}hash({listed}) % greatest(size // {_WHOLE}, 1) = 0",
        params=parameters,
    ).to_arrow_table()
    figures = pl.DataFrame(rows).select(*names, *(guard.column for guard in contract.guards), _FILE)
    return _newest(figures.drop_nulls(series), day)


# ------------------------------------------------------------------ what is known


def _known(contract: Contract, wanted: pl.DataFrame, raw: Sequence[ParquetFile], by: list[str]) -> pl.DataFrame:
    """The last known figures of the wanted ``by`` columns (series, or series and day), within ``near`` of the wanted
    days where ``wanted`` has a day."""
    day = day_column(contract)
    keys = ", ".join(by)
    moment = "knowledge_at" if day is None else f"({day}, knowledge_at)"
    latest = ", ".join(f"cast(arg_max({g.column}, {moment}) as double) as {g.column}" for g in contract.guards)
    first: Any = None
    last: Any = None
    if day is not None and day in wanted.columns:
        first, last = wanted[day].min(), wanted[day].max()
        first, last = first - near(contract), last + near(contract)
    paths = [quoted(str(file.path)) for file in raw if file.may_hold(*(_as_text(edge) for edge in (first, last)))]
    with duckdb.connect(":memory:") as con:
        con.execute("set TimeZone = 'UTC'")
        con.register("wanted", wanted.select(by).unique().to_arrow())
        if not paths:
            none = ", ".join(f"cast(0 as double) as {guard.column}" for guard in contract.guards)
            return con.sql(f"select {keys}, {none} from wanted limit 0").pl()
        con.execute("set variable first = ?", [first])
        con.execute("set variable last = ?", [last])
        inside = "true" if first is None else f"{day} between getvariable('first') and getvariable('last')"
        return con.sql(
            f"select {keys}, {latest} from read_parquet([{', '.join(paths)}]) semi join wanted using ({keys})"
            f" where {inside} group by {keys}"
        ).pl()


def _as_text(edge: dt.date | None) -> str | None:
    """As ``ParquetFile`` keeps the days and moments of its keys."""
    if isinstance(edge, dt.datetime):
        return f"{edge.astimezone(dt.UTC):%Y-%m-%d %H:%M:%S.%f}"
    return None if edge is None else edge.isoformat()


def _pairs(delivered: pl.DataFrame, known: pl.DataFrame, on: list[str], column: str) -> pl.DataFrame:
    """``_group``, series, ``delivered``, ``known``, ``ratio`` of the figures that can be compared."""
    both = delivered.select(_GROUP, *on, pl.col(column).abs().alias("delivered")).join(
        known.select(*on, pl.col(column).abs().alias("known")), on=on, how="inner"
    )
    both = both.filter(pl.col("delivered").is_finite() & (pl.col("delivered") > 0) & (pl.col("known") > 0))
    return both.with_columns((pl.col("delivered") / pl.col("known")).alias("ratio"))


def _all_pairs(contract: Contract, figures: pl.DataFrame, raw: Sequence[ParquetFile]) -> dict[str, pl.DataFrame]:
    """By guarded column, ``_pairs`` of every batch (``_group``) with ``same_days``."""
    series, day = series_columns(contract), day_column(contract)
    columns = [guard.column for guard in contract.guards]
    medians = figures.group_by(_GROUP, *series).agg(pl.col(columns).abs().median())
    last = _known(contract, figures, raw, series)
    same = _known(contract, figures, raw, [*series, day]) if day is not None else None
    pairs = {}
    for column in columns:
        by_series = _pairs(medians, last, series, column).with_columns(same_days=pl.lit(value=False))
        if same is not None and day is not None:
            by_day = _pairs(figures, same, [*series, day], column).drop(day).with_columns(same_days=pl.lit(value=True))
            decided = by_day.group_by(_GROUP).len().filter(pl.col("len") >= ENOUGH).select(_GROUP)
            by_day = by_day.join(decided, on=_GROUP, how="semi").select(by_series.columns)
            by_series = pl.concat([by_day, by_series.join(decided, on=_GROUP, how="anti")])
        pairs[column] = by_series
    for guard in contract.guards:
        found = pairs[guard.column]
        lonely = medians.filter(~pl.col(_GROUP).is_in(found[_GROUP].unique().to_list()))
        if guard.impossible and day is not None and len(lonely):
            # Of figures this far apart only a power that is impossible says anything.
            old = _pairs(lonely, _known(contract, lonely, raw, series), series, guard.column)
            moved = [
                group for group, each in _compare(old).items() if moved_by(each, guard.impossible) in guard.impossible
            ]
            old = old.filter(pl.col(_GROUP).is_in(moved)).with_columns(same_days=pl.lit(value=False))
            pairs[guard.column] = pl.concat([found, old.select(found.columns)])
    return pairs


# ------------------------------------------------------------------ the rule


def _compare(pairs: pl.DataFrame) -> dict[int, Compared]:
    """The figures of each ``_group``, in a word each."""
    ratio = pl.col("ratio")
    known = [pl.col(name).median() if name in pairs.columns else pl.lit(math.nan) for name in ("delivered", "known")]
    same = pl.col("same_days").first() if "same_days" in pairs.columns else pl.lit(value=False)
    found = pairs.group_by(_GROUP).agg(
        pl.len().alias("pairs"),
        ratio.median().alias("median"),
        known[0].alias("delivered_median"),
        known[1].alias("known_median"),
        (ratio.log10().round() == ratio.median().log10().round()).mean().alias("agreeing"),
        same.alias("same"),
    )
    return {group: Compared(*rest) for group, *rest in found.iter_rows()}


def moved_by(compared: Compared, impossible: Sequence[int] = (), *, wandering: bool = False) -> int:
    """The power of ten, not 0, by which figures have moved; 0: none.

    ``impossible``: powers of which the median alone decides. ``wandering``: figures whose median may lie anywhere
    nearest to the power (rule 3 without rule 2).
    """
    median = compared.ratio
    if not math.isfinite(median) or median <= 0:
        return 0
    power = round(math.log10(median))
    within = (1 - BAND) * 10.0**power <= median <= (1 + BAND) * 10.0**power
    if power == 0 or not (within or wandering):
        return 0
    if power in impossible and within:
        return power
    return power if compared.pairs >= ENOUGH and compared.agreeing >= AGREEING else 0


def _judged(
    contract: Contract, compared: Mapping[str, Compared], quotient: Compared, *, many_series: bool
) -> list[Verdict]:
    """The columns that are in another unit, after what has a natural cause has been taken out.

    ``quotient``: of the ratios of the two columns that are activity.
    """
    found = []
    for guard in contract.guards:
        own = compared[guard.column]
        wanders = guard.is_activity and not own.same_days
        power = moved_by(own, guard.impossible, wandering=wanders)
        if power and not (wanders and abs(power) == 1):
            found.append(Verdict(guard, power, own))
    activity = [guard for guard in contract.guards if guard.is_activity]
    apart = moved_by(quotient)
    if apart and not any(verdict.guard.is_activity for verdict in found):
        # Of the two the one that is further from what is known.
        one, other = (compared[guard.column] for guard in activity)
        if abs(math.log10(one.ratio)) >= abs(math.log10(other.ratio)):
            found.append(Verdict(activity[0], apart, one))
        else:
            found.append(Verdict(activity[1], -apart, other))
    return found if many_series else _without_split(found)


def _without_split(verdicts: list[Verdict]) -> list[Verdict]:
    """Of one series: prices and shares that moved inversely have been adjusted for a split."""
    sides = {verdict.guard.per_split for verdict in verdicts} - {0}
    moved = {verdict.power * verdict.guard.per_split for verdict in verdicts} - {0}
    if len(sides) > 1 and len(moved) == 1:
        return [verdict for verdict in verdicts if not verdict.guard.per_split]
    return verdicts


def _all_judged(
    contract: Contract, pairs: Mapping[str, pl.DataFrame], one_series: Iterable[int] = ()
) -> dict[int, list[Verdict]]:
    """The verdicts on every ``_group`` of pairs that there are any on."""
    compared = {column: _compare(frame) for column, frame in pairs.items()}
    quotients: dict[int, Compared] = {}
    activity = [guard.column for guard in contract.guards if guard.is_activity]
    if len(activity) > 1:
        on = [_GROUP, *series_columns(contract)]
        by_series = [pairs[column].filter(~pl.col("same_days")).select(*on, "ratio") for column in activity]
        both = by_series[0].join(by_series[1], on=on, suffix="_other")
        quotients = _compare(both.select(_GROUP, (pl.col("ratio") / pl.col("ratio_other")).alias("ratio")))
    alone = set(one_series)
    found = {}
    for group in sorted({group for each in compared.values() for group in each}):
        own = {column: each.get(group, NOTHING) for column, each in compared.items()}
        found[group] = _judged(contract, own, quotients.get(group, NOTHING), many_series=group not in alone)
    return {group: verdicts for group, verdicts in found.items() if verdicts}


def _is_vouched_for(file: str) -> bool:
    return VOUCHED in PurePosixPath(file.split("!")[0]).parent.parts


def _implausible(contract: Contract, figures: pl.DataFrame, name: str) -> str:
    """Why figures are too small for their unit where nothing is known to compare them with (R69), else ""."""
    dialect = next((found for found in dialects_of(contract.name) if found.name == name), None)
    column = dialect.guarded_column if dialect else None
    if dialect is None or column is None:
        return ""
    median = figures[column].median()
    if not isinstance(median, float) or median >= dialect.implausible_below:
        return ""
    guard = next(guard for guard in contract.guards if guard.column == column)
    return (
        f"unit: looks like {unit_name(guard, guard.impossible[0])} (median {column} {median:g}, nothing known to"
        f" compare, expected at least {dialect.implausible_below})"
    )


def can_judge(contract: Contract, dialects: Collection[str], raw: Sequence[ParquetFile]) -> bool:
    """Whether there is anything that batches of these dialects can be held against."""
    if not contract.guards:
        return False
    return bool(raw) or any(d.guarded_column for d in dialects_of(contract.name) if d.name in dialects)


def held_back(
    contract: Contract, figures: pl.DataFrame, dialects: Mapping[str, str], raw: Sequence[ParquetFile]
) -> dict[str, str]:
    """Which files of one run and table count in another unit than the table does: ``_file`` -> reason.

    ``figures``: what ``evidence`` and ``evidence_of_raw`` returned, with ``_file``. ``dialects``: by ``_file``, the
    name of the dialect that read it. ``raw``: the committed files of the table; of a dated table only those are opened
    that hold days within ``near`` of the figures'.
    """
    day, series = day_column(contract), series_columns(contract)
    files = [file for file in dialects if not _is_vouched_for(file)]
    figures = _newest(figures, day).join(
        pl.DataFrame({_FILE: files, _GROUP: range(len(files))}, schema={_FILE: pl.String, _GROUP: pl.Int64}), on=_FILE
    )
    if not contract.guards or not len(figures):
        return {}
    reasons: dict[int, str] = {}
    pairs: dict[str, pl.DataFrame] = {}
    if raw:
        pairs = _all_pairs(contract, figures, raw)
        counts = figures.group_by(_GROUP).agg(pl.struct(series).n_unique().alias("series"))
        one_series = counts.filter(pl.col("series") == 1)[_GROUP].to_list()
        for group, verdicts in _all_judged(contract, pairs, one_series).items():
            reasons[group] = "; ".join(verdict.text for verdict in verdicts)
        for group, reason in _pooled(contract, [dialects[file] for file in files], pairs).items():
            reasons.setdefault(group, reason)
    compared = {group for frame in pairs.values() for group in frame[_GROUP].unique()}
    for group in set(figures[_GROUP].unique()) - compared - reasons.keys():
        alone = figures.filter(pl.col(_GROUP) == group) if can_judge(contract, [dialects[files[group]]], []) else None
        if alone is not None and (reason := _implausible(contract, alone, dialects[files[group]])):
            reasons[group] = reason
    advice = f"; if the figures are right, land the file again in a folder named {VOUCHED}"
    return {files[group]: f"{reason}{advice}" for group, reason in reasons.items()}


def _pooled(contract: Contract, dialects: Sequence[str], pairs: Mapping[str, pl.DataFrame]) -> dict[int, str]:
    """Files too small to be judged alone, judged together with those that the same dialect read in this run.

    ``dialects``: by ``_group``.
    """
    counts = {column: dict(frame.group_by(_GROUP).len().iter_rows()) for column, frame in pairs.items()}
    small = [group for group in range(len(dialects)) if all(count.get(group, 0) < ENOUGH for count in counts.values())]
    names = sorted({dialects[group] for group in small})
    pool = pl.DataFrame(
        {_GROUP: small, "_pool": [names.index(dialects[group]) for group in small]},
        schema={_GROUP: pl.Int64, "_pool": pl.Int64},
    )
    series = series_columns(contract)
    together = {
        # One pair a series: five files of one code are no five witnesses of a split.
        column: frame.join(pool, on=_GROUP)
        .group_by("_pool", *series)
        .agg(pl.col("delivered", "known", "ratio").median(), pl.col("same_days").any())
        .rename({"_pool": _GROUP})
        for column, frame in pairs.items()
    }
    reasons: dict[int, str] = {}
    own = {column: _compare(frame) for column, frame in pairs.items()}
    for index, verdicts in _all_judged(contract, together).items():
        for verdict in verdicts:
            for group in pool.filter(pl.col("_pool") == index)[_GROUP]:
                ratio = own[verdict.guard.column].get(group, NOTHING).ratio
                # A file of its own unit stays; one that nothing is known of goes with the others.
                if not ratio > 0 or abs(math.log10(ratio)) > abs(verdict.power) / 2:
                    reasons.setdefault(group, f"{verdict.text} in the files of {names[index]}")
    return reasons
