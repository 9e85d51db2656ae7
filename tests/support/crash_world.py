"""A SECTOR_HOME in which runs are killed: what lands in it, and what must hold after each kill."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import sys
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from orchestration.calendars import sessions
from orchestration.ingest import Ledger
from orchestration.refresh import Refresh
from orchestration.settings import Settings
from tests.support.killing import OF_A_RUN
from warehouse.releases import current_release, list_releases

HEADER = "etf_code,trade_date,open,high,low,close,prev_close,volume_shares,turnover_cny\n"

STAGES = {
    "reading": ("", "building as of"),
    "building": ("building as of", "models built"),
    "checking": ("models built", "checks:"),
    "publishing": ("checks:", "is current"),
    "after the link": ("is current", None),
}
"""Stage -> what a run says at its beginning and at its end."""


IMPORTED = (*OF_A_RUN, __name__)
READ = "tests.support.crash_world:read"
PUBLISH = "tests.support.crash_world:judge_and_publish"
"""Stages of a run as functions that can be killed, for ``Workshop.call``, and what a workshop for them imports."""


def read(home: str) -> None:
    """The reading of a run, alone."""
    refresh = Refresh(Settings(home=Path(home)), progress=_say)
    refresh.ingest("etf_bars")
    refresh.ingest_strays()


def judge_and_publish(home: str) -> None:
    """The gate and the publication of a run, alone, over the build that lies there; as a build that began now."""
    settings = Settings(home=Path(home))
    note = settings.build / "prepared.json"
    prepared = json.loads(note.read_text(encoding="utf-8"))
    note.write_text(json.dumps({**prepared, "began": dt.datetime.now(dt.UTC).isoformat()}), encoding="utf-8")
    Refresh(settings, progress=_say).publish()


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


class NotWholeError(AssertionError):
    """What must hold after a kill does not."""


def require(holds: bool, what: str) -> None:
    """Raise ``NotWholeError`` unless it holds."""
    if not holds:
        raise NotWholeError(what)


@dataclass
class World:
    """A SECTOR_HOME, what has landed in it, and what its releases were seen to hold: rows, bytes, which was current."""

    home: Path
    days: list[str] = field(default_factory=list)
    seen: dict[str, int] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)
    current: str | None = None

    def __post_init__(self) -> None:
        self._sessions = [str(day) for day in sessions("XSHG").sessions if str(day) > "2023-06"]

    def land(self) -> None:
        """One more file: a session's bar, and a line that cannot be read."""
        day = self._sessions[len(self.days)]
        self.days.append(day)
        close = self.close(len(self.days) - 1)
        text = f"159567.SZ,{day},{close},{close},{close},{close},1.0,1000000,1000000\n159567.SZ,{day},x,,,,,,\n"
        path = self.home / "landing" / "etf_bars" / f"{day}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(f".{path.name}.part")
        unfinished.write_text(HEADER + text, encoding="utf-8")
        unfinished.rename(path)

    @staticmethod
    def close(number: int) -> str:
        return f"{1 + number / 1000:.4f}"

    def check(self) -> str | None:
        """The current release and every kept one are whole; gives the current one's id."""
        records = list_releases(self.home)
        folders = sorted(path.name for path in (self.home / "releases").glob("*"))
        require(folders == sorted(r.release_id for r in records), f"half a release: {folders}")
        current = current_release(self.home)
        for record in records:
            if record.release_id in self.seen and record != current:
                continue
            file = self.home / "releases" / record.release_id / "sector.duckdb"
            path = self.home / "current" / "sector.duckdb" if record == current else file
            with duckdb.connect(str(path), read_only=True) as con:
                [(release_id,)] = con.execute("select release_id from meta.release").fetchall()
                rows = con.execute(
                    "select strftime(trade_date, '%Y-%m-%d'), close from marts.fct_etf_daily order by trade_date"
                ).fetchall()
            require(release_id == record.release_id, f"{file} holds {release_id}")
            expected = [(day, self.close(number)) for number, day in enumerate(self.days[: len(rows)])]
            require([(day, str(close)) for day, close in rows] == expected, f"{file}: rows {rows[-3:]}")
            self.seen[release_id] = len(rows)
            digest = hashlib.sha256(file.read_bytes()).hexdigest()
            require(self.digests.setdefault(release_id, digest) == digest, f"{file} has changed")
        require(self.seen == {r.release_id: self.seen[r.release_id] for r in records}, "a release has gone")
        self.current = current.release_id if current else None
        return self.current

    def check_finished(self) -> None:
        """After a run that came to its end: everything that landed is there, once, and nothing is left over."""
        current = self.check()
        require(current is not None and self.seen[current] == len(self.days), f"{current} lacks rows that landed")
        self.check_read()
        debris = [*self.home.glob("build/release.*"), *self.home.glob(".current*")]
        require(not debris, f"left over: {debris}")

    def check_read(self) -> None:
        """After reading that came to its end: everything that landed is in raw, once, and accounted for."""
        ledger = Ledger(self.home / "ledger.sqlite")
        batches = ledger.batches().to_pylist()
        require(sorted(b["file"] for b in batches) == [f"etf_bars/{day}.csv" for day in self.days], "batches by file")
        counted = {(b["rows_landed"], b["rows_accepted"], b["rows_quarantined"], b["rows_repeated"]) for b in batches}
        require(counted == {(2, 1, 1, 0)}, f"row accounting: {counted}")
        with duckdb.connect() as con:
            raw = [str(path) for path in ledger.raw_files()["etf_bars"]]
            [rows] = con.execute("select count(*), count(distinct _file) from read_parquet(?)", [raw]).fetchall()
        require(rows == (len(self.days), len(self.days)), f"raw rows and files: {rows}")
        require(len(ledger.quarantine()) == len(self.days), "quarantine lines")
        debris = list(self.home.rglob("*.staged"))
        require(not debris, f"left over: {debris}")


def differing_marts(one: Path, other: Path) -> list[str]:
    """Marts of two current releases whose rows differ, apart from the moments at which they became known."""
    with duckdb.connect() as con:
        for name, home in (("a", one), ("b", other)):
            con.execute(f"attach '{home / 'current' / 'sector.duckdb'}' as {name} (read_only)")
        marts: dict[str, list[str]] = {}
        for mart, column, kind in con.execute(
            "select table_name, column_name, data_type from duckdb_columns() "
            "where database_name = 'a' and schema_name = 'marts' order by all"
        ).fetchall():
            marts.setdefault(mart, []).extend([] if kind.startswith("TIMESTAMP") else [f'"{column}"'])
        differing = []
        for mart, columns in marts.items():
            a, b = (f"select {', '.join(columns)} from {name}.marts.{mart}" for name in "ab")
            query = f"select count(*) from (({a} except all {b}) union all ({b} except all {a}))"
            if con.execute(query).fetchall() != [(0,)]:
                differing.append(mart)
        require(bool(marts), f"{one} has no marts")
        return differing
