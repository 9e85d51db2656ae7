"""A SECTOR_HOME in which runs are killed: what lands in it, and what must hold after each kill."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from orchestration.calendars import sessions
from orchestration.ingest import Ledger
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


class NotWholeError(AssertionError):
    """What must hold after a kill does not."""


def require(holds: bool, what: str) -> None:
    """Raise ``NotWholeError`` unless it holds."""
    if not holds:
        raise NotWholeError(what)


@dataclass
class World:
    """A SECTOR_HOME, what has landed in it, and what its releases were seen to hold."""

    home: Path
    days: list[str] = field(default_factory=list)
    seen: dict[str, int] = field(default_factory=dict)

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
            require(self.seen.setdefault(release_id, len(rows)) == len(rows), f"{file} has changed")
        require(self.seen == {r.release_id: self.seen[r.release_id] for r in records}, "a release has gone")
        return current.release_id if current else None

    def check_finished(self) -> None:
        """After a run that came to its end: everything that landed is there, once, and nothing is left over."""
        current = self.check()
        require(current is not None and self.seen[current] == len(self.days), f"{current} lacks rows that landed")
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
        debris = [*self.home.glob("build/release.*"), *self.home.glob(".current*"), *self.home.rglob("*.staged")]
        require(not debris, f"left over: {debris}")
