"""A SECTOR_HOME in a temporary folder: land bytes, ingest them, look at what became of them."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import polars as pl

from orchestration.contracts import CONTRACTS
from orchestration.ingest import Ledger, TableReport, ingest_strays, ingest_table
from orchestration.settings import Settings


class Home:
    """``run()`` is one run over all tables; every run happens a minute after the one before."""

    def __init__(self, folder: Path, now: dt.datetime = dt.datetime(2026, 3, 2, 12, 0, tzinfo=dt.UTC)) -> None:
        self.settings = Settings(home=folder)
        self.now = now

    def land(self, name: str, content: str | bytes, encoding: str = "utf-8") -> Path:
        path = self.settings.landing / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        return path

    def run(self) -> dict[str, TableReport]:
        self.now += dt.timedelta(minutes=1)
        reports = {table: ingest_table(self.settings, table, self.now) for table in CONTRACTS}
        reports["_strays"] = ingest_strays(self.settings, self.now)
        return {table: report for table, report in reports.items() if report.batches}

    def raw(self, table: str) -> list[dict[str, Any]]:
        files = Ledger(self.settings.ledger).raw_files().get(table, [])
        frames = [pl.read_parquet(path) for path in files]
        return pl.concat(frames).sort("knowledge_at", "_ingested_at", "_file", "_row").to_dicts() if frames else []

    def quarantine(self) -> list[dict[str, Any]]:
        return Ledger(self.settings.ledger).quarantine().to_pylist()

    def reasons(self) -> list[str]:
        return [line["reason"] for line in self.quarantine()]


def counts(report: TableReport) -> tuple[int, int, int, int]:
    """(landed, accepted, quarantined, repeated), after checking that every batch adds up."""
    for batch in report.batches:
        assert batch.rows_landed == batch.rows_accepted + batch.rows_quarantined + batch.rows_repeated, batch
        assert min(batch.rows_landed, batch.rows_accepted, batch.rows_quarantined, batch.rows_repeated) >= 0, batch
    return report.rows_landed, report.rows_accepted, report.rows_quarantined, report.rows_repeated
