"""A release in a notebook or a program: a read-only connection, its tables as polars frames, their descriptions.

Belongs here: choosing a release and reading it. Does not belong here: writing anything; what a column means (schema
``meta`` of the file says that).

    from warehouse import open_release

    with open_release() as warehouse:
        flows = warehouse.frame("fct_etf_daily")
        big = warehouse.scan("fct_constituent_daily").filter(pl.col("weight") > 0.05).collect()
"""

from __future__ import annotations

import datetime as dt
import difflib
from pathlib import Path
from types import TracebackType

import duckdb
import polars as pl

from orchestration.moments import MARKET_ZONE, read_moment, write_short
from warehouse.build import MARTS_FILE
from warehouse.releases import RELEASES, ReleaseError, ReleaseRecord, current_release, list_releases, read_record

SCHEMAS = ("marts", "desk", "reference", "meta")
"""Schemas of a release, in the order in which a plain name is looked for."""


class NoSuchTableError(LookupError):
    """A release has no table of that name."""


class OpenRelease:
    """One release, open for reading; it stays whole and open whatever is published or removed meanwhile.

    ``record``: id, moments and inputs. ``connection``: a read-only DuckDB connection with times in UTC; frames of
    ``scan`` read through it, so collect them before it is closed. Use it in ``with``, or call ``close()``.
    """

    def __init__(self, home: Path, record: ReleaseRecord) -> None:
        self.record = record
        file = home / RELEASES / record.release_id / MARTS_FILE
        try:
            self.connection = duckdb.connect(str(file), read_only=True)
        except duckdb.Error as error:
            cause = str(error).splitlines()[0]
            raise ReleaseError(f"release {record.release_id} cannot be opened: {cause}") from error
        self.connection.execute("set timezone = 'UTC'")

    def __repr__(self) -> str:
        return f"OpenRelease({self.record.release_id!r}, as of {write_short(self.record.as_of)})"

    def __enter__(self) -> OpenRelease:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file; a second call does nothing."""
        self.connection.close()

    def frame(self, table: str) -> pl.DataFrame:
        """All rows of a table: ``fct_etf_daily``, or with its schema ``desk.q02_flow_windows``, ``meta.columns``.

        Money and prices are ``Decimal``, ratios ``Float64``, counts and shares ``Int64`` (units: ``columns``), moments
        ``Datetime`` in UTC; NULL is unknown. The order of rows is not part of it. Raises ``NoSuchTableError``.
        """
        return self._relation(table).pl()

    def scan(self, table: str) -> pl.LazyFrame:
        """The same lazily: filters and chosen columns are read by DuckDB, the rest of the file is not."""
        return self._relation(table).pl(lazy=True)

    @property
    def tables(self) -> pl.DataFrame:
        """What there is: ``table_schema``, ``table_name``, ``description``, ``grain``, ``rows``, the moment of its rows
        (``as_of``) and whether they are those of an earlier release (``carried_over``)."""
        return self.connection.sql(
            "select table_schema, table_name, description, grain, rows, as_of, carried_over from meta.tables"
            " order by table_schema, table_name"
        ).pl()

    def columns(self, table: str) -> pl.DataFrame:
        """The columns of a table: ``column_name``, ``data_type``, ``unit``, ``description``, in their order.

        Raises ``NoSuchTableError``.
        """
        schema, name = self._place(table)
        return self.connection.sql(
            "select column_name, data_type, unit, description from meta.columns"
            " where table_schema = ? and table_name = ? order by ordinal",
            params=[schema, name],
        ).pl()

    def _relation(self, table: str) -> duckdb.DuckDBPyRelation:
        schema, name = self._place(table)
        return self.connection.sql(f'select * from "{schema}"."{name}"')

    def _place(self, table: str) -> tuple[str, str]:
        """Schema and name of a table that there is, as the file writes them (ours hold no quotation mark)."""
        there = self.connection.execute(
            "select table_schema, table_name from information_schema.tables order by table_schema, table_name"
        ).fetchall()
        schema, _, name = table.rpartition(".")
        for candidate in [schema] if schema else SCHEMAS:
            if (candidate, name) in there:
                return candidate, name
        names = [name for known, name in there if known == "marts"]
        near = difflib.get_close_matches(name, [name for _, name in there], 1, 0.6)
        hint = f" (did you mean {near[0]}?)" if near else ""
        raise NoSuchTableError(f"no table {table} in release {self.record.release_id}{hint}; marts: {', '.join(names)}")


def open_release(
    home: str | Path | None = None, release: str | None = None, as_of: str | dt.datetime | dt.date | None = None
) -> OpenRelease:
    """Open a release of the warehouse at ``home`` (default: SECTOR_HOME) read-only.

    Without more: the current one. ``release``: the one of that id. ``as_of``: of the releases that are kept the one
    with the latest moment (``ReleaseRecord.as_of``) that is not after this one, and of several the one built last; what
    became known between the two is not in it (for an exact moment: ``sector run --as-of``). A moment without zone is
    market time, a date means its end.

    Raises ``ReleaseError`` naming what is kept where there is none, ``ValueError`` for a wrong call.
    """
    if release is not None and as_of is not None:
        raise ValueError("release and as_of are two questions: give one of them")
    folder = _home(home)
    if release is not None:
        return OpenRelease(folder, read_record(folder, release))
    if as_of is not None:
        return OpenRelease(folder, _as_of(folder, _moment(as_of)))
    current = current_release(folder)
    if current is None:
        raise ReleaseError(f"no release under {folder} yet: run `sector run`, or give the right home")
    return OpenRelease(folder, current)


def _home(home: str | Path | None) -> Path:
    if home is not None:
        return Path(home).expanduser().absolute()
    from orchestration.settings import Settings

    return Settings().home


def _moment(given: str | dt.datetime | dt.date) -> dt.datetime:
    if isinstance(given, str):
        return read_moment(given)
    if isinstance(given, dt.datetime):
        return given if given.tzinfo else given.replace(tzinfo=MARKET_ZONE)
    return read_moment(given.isoformat())


def _as_of(home: Path, moment: dt.datetime) -> ReleaseRecord:
    kept = list_releases(home)
    known = [record for record in kept if record.as_of <= moment]
    if known:
        return max(known, key=lambda record: (record.as_of, record.built_at))
    if not kept:
        raise ReleaseError(f"no release under {home} yet: run `sector run`, or give the right home")
    oldest = min(record.as_of for record in kept)
    raise ReleaseError(
        f"no release under {home} is of {write_short(moment)} or before; the oldest is of {write_short(oldest)}: "
        f"`sector run --as-of '{moment.astimezone(MARKET_ZONE):%Y-%m-%d %H:%M:%S}'` builds it"
    )
