"""Orders of magnitude: does a batch count in another unit than the table's own history? (contracts R69, gate G1)

A provider that goes from 份 to 万份 under an unchanged header moves every figure by the same power of ten. A batch
that does so is held back whole; nothing is converted by guess. Belongs here: the rule, over figures that are already
numbers. Does not belong here: which columns are guarded and what their units are called (``Contract.guards``).

Figures are compared in pairs: what the batch says, and what is known of the same series (the key without its day) on
the same day, or else the last known within ``NEAR``. A column is in another unit by 10^p, p not 0, when

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
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import duckdb
import polars as pl

from orchestration.contracts.base import Contract, Guard, Kind
from orchestration.dialects import dialects_of
from orchestration.sql import quoted

ENOUGH = 5
AGREEING = 0.6
BAND = 0.5
SPAN = dt.timedelta(days=14)
NEAR = dt.timedelta(days=45)
MOST_ROWS = 50_000
VOUCHED = "units-checked"

_DATES = (Kind.DATE, Kind.MARKET_DATE, Kind.TIMESTAMP)


@dataclass(frozen=True)
class Delivered:
    """What one batch says.

    ``file``: as in ``_file``. ``dialect``: name of the one that read it. ``figures``: what ``evidence`` returned for
    all its parts.
    """

    file: str
    dialect: str
    figures: pl.DataFrame


@dataclass(frozen=True)
class Pairs:
    """Figures of one guarded column beside known ones: a frame ``series, delivered, known, ratio``.

    ``same_days``: they are of the same days, one pair a day; else one pair a series.
    """

    frame: pl.DataFrame
    same_days: bool

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def ratio(self) -> float:
        """Median ratio, NaN without pairs."""
        return _median(self.frame["ratio"])


@dataclass(frozen=True)
class Verdict:
    """A column that moved by 10^``power``, and the pairs that say so."""

    guard: Guard
    power: int
    pairs: Pairs

    @property
    def text(self) -> str:
        compared = "figures of the same days" if self.pairs.same_days else "series"
        return (
            f"unit: looks like {unit_name(self.guard, self.power)} ({self.guard.column}: median"
            f" {_median(self.pairs.frame['delivered']):.6g} against {_median(self.pairs.frame['known']):.6g} known,"
            f" median ratio to known figures {self.pairs.ratio:.6f}, {len(self.pairs)} {compared} compared)"
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


def _median(figures: pl.Series) -> float:
    found = figures.median()
    return float(found) if isinstance(found, (int, float)) else math.nan


# ------------------------------------------------------------------ what is looked at


def day_column(contract: Contract) -> str | None:
    """The key column that dates a record, None where the key has none."""
    return next((name for name in contract.key if contract.field(name).kind in _DATES), None)


def series_columns(contract: Contract) -> tuple[str, ...]:
    """The key without its day and without choices: an opening count differs from a closing one by a day's creations."""
    return tuple(name for name in contract.key if contract.field(name).kind not in (*_DATES, Kind.CHOICE))


def evidence(figures: pl.DataFrame, contract: Contract, until: dt.date) -> pl.DataFrame:
    """The rows of a batch that are looked at: its newest fortnight, all of it where records have no day.

    ``figures``: key columns and guarded columns of every delivered row, refused ones included, guarded ones as Float64
    in the contract's unit. Rows dated after ``until`` (the day of ingestion) are left out. Of the key, the columns of
    the series and the day remain. Parts of a batch are taken one by one; ``held_back`` cuts their sum again.
    """
    series, day = series_columns(contract), day_column(contract)
    kept = figures.select(*series, *((day,) if day else ()), *(guard.column for guard in contract.guards))
    kept = kept.drop_nulls(list(series))
    return _newest(kept if day is None else kept.filter(pl.col(day).cast(pl.Date) <= until), day)


def evidence_of_raw(
    con: duckdb.DuckDBPyConnection, path: Path, contract: Contract, until: dt.date
) -> Iterator[tuple[str, pl.DataFrame]]:
    """``evidence`` of the rows of a Parquet file in the form of raw ones: ``_file`` and its figures, file by file."""
    series, day = series_columns(contract), day_column(contract)
    guarded = [f"cast({guard.column} as double) as {guard.column}" for guard in contract.guards]
    columns = ", ".join(("_file", *series, *((day,) if day else ()), *guarded))
    source = f"select {columns} from read_parquet({quoted(str(path))})"
    if day is not None:
        source = (
            f"with newest as (select _file as newest_of, max({day}) - interval {SPAN.days} day as first"
            f" from read_parquet({quoted(str(path))}) where cast({day} as date) <= ? group by _file)"
            f" {source} join newest on _file = newest_of and {day} >= first"
        )
    found = pl.DataFrame(con.execute(source, [until] if day else []).to_arrow_table())
    for (file,), figures in found.group_by(["_file"], maintain_order=True):
        yield str(file), evidence(figures, contract, until)


def _newest(figures: pl.DataFrame, day: str | None) -> pl.DataFrame:
    if day is not None and len(figures):
        figures = figures.filter(pl.col(day) >= pl.col(day).max() - SPAN).sort(day, descending=True)
    return figures.head(MOST_ROWS)


@dataclass(frozen=True)
class _Known:
    """What is known of the series at hand: ``same`` by series and day, ``last`` and ``ever`` by series."""

    same: pl.DataFrame | None
    last: pl.DataFrame
    ever: pl.DataFrame | None = None


def _read_known(contract: Contract, figures: pl.DataFrame, raw_files: Sequence[Path], *, ever: bool) -> _Known:
    """Known figures near the batch's own days; with ``ever`` also the last ones however old."""
    series, day = ", ".join(series_columns(contract)), day_column(contract)
    listing = ", ".join(quoted(str(path)) for path in raw_files)
    raw = f"read_parquet([{listing}])"

    def latest(by: str) -> str:
        return ", ".join(f"cast(arg_max({g.column}, {by}) as double) as {g.column}" for g in contract.guards)

    with duckdb.connect(":memory:") as con:
        con.execute("set TimeZone = 'UTC'")
        con.register("wanted", figures.select(*series_columns(contract)).unique().to_arrow())
        of_series = f"from {raw} semi join wanted using ({series})"
        if day is None:
            return _Known(
                None, con.sql(f"select {series}, {latest('knowledge_at')} {of_series} group by {series}").pl()
            )
        con.register("wanted_days", figures.select(*series_columns(contract), day).unique().to_arrow())
        first, newest = figures[day].min(), figures[day].max()
        # Quotes come hundreds a day.
        near = SPAN if contract.field(day).kind is Kind.TIMESTAMP else NEAR
        con.execute("set variable first = ?", [first - near])  # type: ignore[operator]
        con.execute("set variable newest = ?", [newest + near])  # type: ignore[operator]
        inside = f"{day} between getvariable('first') and getvariable('newest')"
        moment = f"({day}, knowledge_at)"
        same = con.sql(
            f"select {series}, {day}, {latest('knowledge_at')} from {raw} semi join wanted_days using ({series}, {day})"
            f" where {inside} group by {series}, {day}"
        ).pl()
        last = con.sql(f"select {series}, {latest(moment)} {of_series} where {inside} group by {series}").pl()
        if not ever:
            return _Known(same, last)
        return _Known(same, last, con.sql(f"select {series}, {latest(moment)} {of_series} group by {series}").pl())


def _paired(delivered: pl.DataFrame, known: pl.DataFrame, on: list[str], column: str) -> pl.DataFrame:
    both = delivered.select(*on, pl.col(column).abs().alias("delivered")).join(
        known.select(*on, pl.col(column).abs().alias("known")), on=on, how="inner"
    )
    both = both.filter(pl.col("delivered").is_finite() & (pl.col("delivered") > 0) & (pl.col("known") > 0))
    return both.with_columns((pl.col("delivered") / pl.col("known")).alias("ratio"))


def _pairs(contract: Contract, figures: pl.DataFrame, known: _Known, guard: Guard) -> Pairs:
    series, day, column = list(series_columns(contract)), day_column(contract), guard.column
    if day is not None and known.same is not None:
        same = _paired(figures, known.same, [*series, day], column)
        if len(same) >= ENOUGH:
            return Pairs(same.select(*series, "delivered", "known", "ratio"), same_days=True)
    by_series = figures.group_by(series).agg(pl.col(column).abs().median())
    near = _paired(by_series, known.last, series, column)
    return Pairs(near, same_days=False)


# ------------------------------------------------------------------ the rule


def moved_by(ratios: pl.Series, impossible: Sequence[int] = (), *, wandering: bool = False) -> int:
    """The power of ten, not 0, by which figures with these ratios to known ones have moved; 0: none.

    ``impossible``: powers of which the median alone decides. ``wandering``: figures whose median may lie anywhere
    nearest to the power (rule 3 without rule 2).
    """
    median = _median(ratios)
    if not math.isfinite(median) or median <= 0:
        return 0
    power = round(math.log10(median))
    within = (1 - BAND) * 10.0**power <= median <= (1 + BAND) * 10.0**power
    if power == 0 or not (within or wandering):
        return 0
    if power in impossible and within:
        return power
    agreeing = (ratios.log10().round() == power).mean()
    return power if len(ratios) >= ENOUGH and isinstance(agreeing, float) and agreeing >= AGREEING else 0


def _judged(contract: Contract, pairs: dict[str, Pairs], *, many_series: bool) -> list[Verdict]:
    """The columns that are in another unit, after what has a natural cause has been taken out."""
    found = []
    for guard in contract.guards:
        own = pairs[guard.column]
        wanders = guard.is_activity and not own.same_days
        power = moved_by(own.frame["ratio"], guard.impossible, wandering=wanders)
        if power and not (wanders and abs(power) == 1):
            found.append(Verdict(guard, power, own))
    if not any(verdict.guard.is_activity for verdict in found):
        found += _apart(contract, pairs)
    return found if many_series else _without_split(found)


def _apart(contract: Contract, pairs: dict[str, Pairs]) -> list[Verdict]:
    """Volume or turnover that moved without the other: of the two the one further from what is known."""
    both = [guard for guard in contract.guards if guard.is_activity]
    if len(both) < 2 or any(pairs[guard.column].same_days for guard in both):
        return []
    one, other = (pairs[guard.column] for guard in both)
    joined = one.frame.join(other.frame, on=list(series_columns(contract)), suffix="_other")
    power = moved_by(joined["ratio"] / joined["ratio_other"])
    if not power:
        return []
    if abs(math.log10(one.ratio)) >= abs(math.log10(other.ratio)):
        return [Verdict(both[0], power, one)]
    return [Verdict(both[1], -power, other)]


def _without_split(verdicts: list[Verdict]) -> list[Verdict]:
    """Of one series: prices and shares that moved inversely have been adjusted for a split."""
    moved = {verdict.power * verdict.guard.per_split for verdict in verdicts if verdict.guard.per_split}
    inverse = len({verdict.guard.per_split for verdict in verdicts if verdict.guard.per_split}) == 2
    if inverse and len(moved) == 1:
        return [verdict for verdict in verdicts if not verdict.guard.per_split]
    return verdicts


def _is_vouched_for(file: str) -> bool:
    return VOUCHED in PurePosixPath(file.split("!")[0]).parent.parts


def _implausible(contract: Contract, batch: Delivered) -> str | None:
    """Figures too small for their unit, where nothing is known to compare them with (R69)."""
    dialect = next((found for found in dialects_of(contract.name) if found.name == batch.dialect), None)
    column = dialect.guarded_column if dialect else None
    if dialect is None or column is None:
        return None
    median = _median(batch.figures[column])
    if not math.isfinite(median) or median >= dialect.implausible_below:
        return None
    guard = next(guard for guard in contract.guards if guard.column == column)
    name = unit_name(guard, guard.impossible[0])
    return (
        f"unit: looks like {name} (median {column} {median:g}, nothing known to compare, expected at least"
        f" {dialect.implausible_below})"
    )


def can_judge(contract: Contract, dialects: Collection[str], raw_files: Sequence[Path]) -> bool:
    """Whether there is anything that batches of these dialects can be held against."""
    if not contract.guards:
        return False
    return bool(raw_files) or any(d.guarded_column for d in dialects_of(contract.name) if d.name in dialects)


def held_back(contract: Contract, delivered: Mapping[int, Delivered], raw_files: Sequence[Path]) -> dict[int, str]:
    """Which batches of one run and table count in another unit than the table does: number -> reason.

    ``delivered``: what the batches say, by any number that the caller knows them by. ``raw_files``: committed Parquet
    files of the table; those without a row of these series within ``NEAR`` of the batches' days may be left out, where
    a contract has ``impossible`` powers those without a row of these series.
    """
    day = day_column(contract)
    heard = {
        number: replace(batch, figures=_newest(batch.figures, day))
        for number, batch in delivered.items()
        if contract.guards and len(batch.figures) and not _is_vouched_for(batch.file)
    }
    if not heard:
        return {}
    pairs: dict[int, dict[str, Pairs]] = {}
    if raw_files:
        pairs = _all_pairs(contract, heard, raw_files)
    reasons: dict[int, str] = {}
    for number, batch in heard.items():
        own = pairs.get(number, {})
        verdicts = _judged(contract, own, many_series=_series_count(contract, batch) > 1) if own else []
        reason = "; ".join(verdict.text for verdict in verdicts)
        if not reason and not any(len(found) for found in own.values()):
            reason = _implausible(contract, batch) or ""
        if reason:
            reasons[number] = reason
    for number, reason in _pooled(contract, heard, pairs).items():
        reasons.setdefault(number, reason)
    advice = f"; if the figures are right, land the file again in a folder named {VOUCHED}"
    return {number: f"{reason}{advice}" for number, reason in reasons.items()}


def _series_count(contract: Contract, batch: Delivered) -> int:
    return batch.figures.select(*series_columns(contract)).n_unique()


def _all_pairs(
    contract: Contract, heard: dict[int, Delivered], raw_files: Sequence[Path]
) -> dict[int, dict[str, Pairs]]:
    everything = pl.concat([batch.figures for batch in heard.values()])
    known = _read_known(contract, everything, raw_files, ever=False)
    pairs = {
        number: {guard.column: _pairs(contract, batch.figures, known, guard) for guard in contract.guards}
        for number, batch in heard.items()
    }
    lonely = [
        number
        for number, own in pairs.items()
        if any(guard.impossible and not len(own[guard.column]) for guard in contract.guards)
    ]
    if not lonely or day_column(contract) is None:
        return pairs
    known = _read_known(contract, pl.concat([heard[number].figures for number in lonely]), raw_files, ever=True)
    assert known.ever is not None  # noqa: S101 (narrows the type)
    for number in lonely:
        by_series = heard[number].figures.group_by(list(series_columns(contract)))
        for guard in contract.guards:
            if guard.impossible and not len(pairs[number][guard.column]):
                medians = by_series.agg(pl.col(guard.column).abs().median())
                old = _paired(medians, known.ever, list(series_columns(contract)), guard.column)
                # Of figures this far apart only a power that is impossible says anything.
                if moved_by(old["ratio"], guard.impossible) in guard.impossible:
                    pairs[number][guard.column] = Pairs(old, same_days=False)
    return pairs


def _pooled(contract: Contract, heard: dict[int, Delivered], pairs: dict[int, dict[str, Pairs]]) -> dict[int, str]:
    """Files too small to be judged alone, judged together with those that the same dialect read in this run."""
    small = [number for number, own in pairs.items() if all(len(found) < ENOUGH for found in own.values())]
    reasons: dict[int, str] = {}
    for name in {heard[number].dialect for number in small}:
        members = [number for number in small if heard[number].dialect == name]
        together: dict[str, Pairs] = {}
        for guard in contract.guards:
            frames = [pairs[number][guard.column].frame for number in members]
            one_each = (
                pl.concat(frames)
                .group_by(list(series_columns(contract)))
                .agg(pl.col("delivered", "known", "ratio").median())
            )
            together[guard.column] = Pairs(one_each, same_days=False)
        for verdict in _judged(contract, together, many_series=True):
            for number in members:
                own = pairs[number][verdict.guard.column].ratio
                # A file of its own unit stays; one that nothing is known of goes with the others.
                if not own > 0 or abs(math.log10(own)) > abs(verdict.power) / 2:
                    reasons.setdefault(number, f"{verdict.text} in the files of {name}")
    return reasons
