"""One run, stage by stage: ingest, build, audit, publish; and the decision that there is nothing to do.

Belongs here: what the command line and the Dagster assets share. Does not belong here: Dagster, any rule about data
(contracts, models, suites have those), any layout of files (settings and ``warehouse.releases`` have those). Imports
stay inside the stages, so that a run that finds nothing new costs no more than looking.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestration import transform
from orchestration.fingerprint import code_version, fingerprint
from orchestration.moments import write_moment, write_short
from orchestration.settings import Settings

if TYPE_CHECKING:
    from expectations.gate import GateReport
    from orchestration.ingest import TableReport
    from warehouse.releases import ReleaseRecord

Progress = Callable[[str], None]


class RefusedError(Exception):
    """A check refused the build; the current release stays."""


def silent(_: str) -> None:
    """Progress for nobody."""


def utc_now() -> dt.datetime:
    """Now, in UTC, to the microsecond that raw Parquet keeps."""
    return dt.datetime.now(dt.UTC)


def nothing_new(settings: Settings, now: dt.datetime) -> ReleaseRecord | None:
    """The current release when a run at ``now`` could only repeat it (contracts R15), else None.

    Looks at file names, the ledger and the current release's record; opens no data.
    """
    from orchestration.ingest import unread
    from warehouse.releases import current_release

    current = current_release(settings.home)
    if current is None or current.fingerprint != fingerprint(settings) or unread(settings):
        return None
    return None if _became_known(settings, current, now) else current


def _became_known(settings: Settings, release: ReleaseRecord, until: dt.datetime) -> bool:
    from orchestration.ingest import Ledger

    return Ledger(settings.ledger).knows_since(release.built_at, release.as_of, until)


@dataclass
class Outcome:
    """What a run came to, as ``sector run --json`` prints it."""

    as_of: dt.datetime
    release_id: str | None = None
    path: Path | None = None
    published: bool = False
    is_current: bool = False
    batches: list[dict[str, Any]] = field(default_factory=list)
    checks_failed: list[dict[str, Any]] = field(default_factory=list)
    warnings: int = 0
    message: str = ""

    def as_json(self) -> dict[str, Any]:
        """Plain values; moments in ISO 8601."""
        return {
            "release_id": self.release_id,
            "as_of": write_moment(self.as_of),
            "published": self.published,
            "current": self.is_current,
            "path": str(self.path) if self.path else None,
            "batches": self.batches,
            "checks_failed": self.checks_failed,
            "warnings": self.warnings,
            "message": self.message,
        }


class Refresh:
    """The state of one run. Every stage may be called on its own; each says on ``progress`` what it did.

    ``as_of``: moment with a zone that cuts the build; None: the moment the run began, and no release is made when
    nothing has become known (R15). ``make_current``: whether a passing release replaces the current one. ``force``:
    build even if nothing is new.
    """

    def __init__(
        self,
        settings: Settings,
        as_of: dt.datetime | None = None,
        make_current: bool = True,
        force: bool = False,
        progress: Progress = silent,
        began: dt.datetime | None = None,
    ) -> None:
        self.settings = settings
        self.began = began or utc_now()
        self.as_of = as_of or self.began
        self.must_build = force or as_of is not None
        self.make_current = make_current
        self.progress = progress
        self.reports: list[TableReport] = []
        self.report: GateReport | None = None
        self.release: ReleaseRecord | None = None
        self.refusals: list[dict[str, Any]] = []
        self.failure: tuple[str, Exception] | None = None

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Remember the first exception of a stage, for whoever reports the run; raise it on."""
        try:
            yield
        except Exception as error:
            self.failure = self.failure or (name, error)
            raise

    def ingest(self, table: str) -> TableReport:
        """Read what is new under ``landing/<table>/``."""
        from orchestration.ingest import ingest_table

        with self.stage(f"reading landing/{table}"):
            return self._read(ingest_table(self.settings, table, self.began))

    def ingest_strays(self) -> TableReport:
        """Refuse what lies under folders that name no table."""
        from orchestration.ingest import ingest_strays

        with self.stage("reading landing"):
            return self._read(ingest_strays(self.settings, self.began))

    def _read(self, report: TableReport) -> TableReport:
        self.reports.append(report)
        if report.batches:
            files = f"{len(report.batches)} file{'s' if len(report.batches) != 1 else ''}"
            refused = f", {report.rows_quarantined:,} refused" if report.rows_quarantined else ""
            repeated = f", {report.rows_repeated:,} repeated" if report.rows_repeated else ""
            self.progress(f"{report.table}: {files}, {report.rows_accepted:,} rows accepted{repeated}{refused}")
        return report

    def has_news(self) -> bool:
        """Whether a build can differ from the current release (R15); always, when a moment was asked for."""
        if self.must_build:
            return True
        with self.stage("comparing with the current release"):
            return nothing_new(self.settings, self.began) is None

    def prepare(self) -> tuple[int, int]:
        """Make the build files: raw views, calendar, parameters, and what was read so far.

        Gives the numbers of landed files and of refused rows since the first run.
        """
        from orchestration.calendars import horizon, trading_calendar
        from orchestration.contracts import CONTRACTS
        from orchestration.ingest import Ledger
        from warehouse.build import MARTS_FILE, BuildParameters, prepare
        from warehouse.catalog import write_inputs

        with self.stage("preparing the build"):
            if horizon() < self.began.date() + dt.timedelta(days=14):
                self.progress(f"warning: the trading calendars end on {horizon()}: upgrade exchange-calendars")
            ledger = Ledger(self.settings.ledger)
            prepare(
                self.settings.build,
                {name: contract.arrow_schema() for name, contract in CONTRACTS.items()},
                ledger.raw_files(),
                trading_calendar(),
                BuildParameters(self.as_of, self.settings.note_etf, self.settings.note_index),
            )
            batches, quarantine = ledger.batches(), ledger.quarantine()
            write_inputs(self.settings.build / MARTS_FILE, batches, quarantine)
            transform.forget_results(self.settings)
            self.progress(f"building as of {write_short(self.as_of)}")
            return batches.num_rows, quarantine.num_rows

    def built(self, error: Exception | None) -> None:
        """Judge dbt's last call. Raises ``RefusedError`` when a data test failed, ``DbtError`` when a model did."""
        nodes = transform.results(self.settings)
        with self.stage("building the marts"):
            for node in nodes:
                if node.status in {"error", "runtime error"}:
                    raise transform.DbtError(f"dbt could not build {node.name}: {node.message}")
            failed = [node for node in nodes if node.status == "fail"]
            if failed:
                self.refusals += [
                    {
                        "check_name": node.name,
                        "mart": None,
                        "severity": "critical",
                        "observed": node.failures,
                        "message": node.message,
                    }
                    for node in failed
                ]
                listing = "; ".join(f"{node.name}: {node.message}" for node in failed)
                raise RefusedError(f"data tests refused the build: {listing}")
            if error is not None:
                raise transform.DbtError(f"dbt ended early: {error}") from error
            models = sum(node.kind == "model" for node in nodes)
            tests = sum(node.kind == "test" for node in nodes)
            self.progress(f"{models} models built, {tests} data tests passed")

    def audit(self) -> GateReport:
        """Run the gate over the build, once. A failed check is in the report; only a broken gate raises."""
        if self.report is None:
            from expectations.gate import run_gate

            with self.stage("checking the marts"):
                self.report = run_gate(self.settings.build)
                failed = [check for check in self.report.checks if not check.passed]
                refusing = [check for check in failed if check.severity == "critical"]
                self.progress(
                    f"{len(self.report.checks)} checks: {len(refusing)} refusing, {len(failed) - len(refusing)} warnings"
                )
        return self.report

    def publish(self) -> ReleaseRecord:
        """Publish the build if the gate passed it. Raises ``RefusedError`` when it did not."""
        report = self.audit()
        with self.stage("publishing"):
            if not report.passed:
                from expectations.gate import failure_message

                raise RefusedError(failure_message(report))
            self.release = release = self._publish(report)
            self.progress(f"release {release.release_id}{' is current' if self.make_current else ' kept'}")
            return release

    def _publish(self, report: GateReport) -> ReleaseRecord:
        raise NotImplementedError
