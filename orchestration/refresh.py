"""One run, stage by stage: ingest, build, audit, publish; and the decision that there is nothing to do.

Belongs here: what the command line and the Dagster assets share. Does not belong here: Dagster, any rule about data
(contracts, models, suites have those), any layout of files (settings and ``warehouse.releases`` have those). Imports
stay inside the stages, so that a run that finds nothing new costs no more than looking.
"""

from __future__ import annotations

import datetime as dt
import importlib
import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

from orchestration import transform
from orchestration.durable import write_whole
from orchestration.fingerprint import code_version, settings_fingerprint
from orchestration.messages import one_line
from orchestration.moments import write_moment, write_short
from orchestration.scope import (
    CALENDAR,
    Standing,
    forget_standing,
    inputs,
    moments_read,
    node_name,
    outdated,
    read_standing,
    write_standing,
)
from orchestration.settings import Settings

if TYPE_CHECKING:
    from expectations.gate import CheckResult, GateReport
    from orchestration.ingest import Ledger, TableReport
    from warehouse.carrying import CarriedFamily, CarriedMart, Lineage
    from warehouse.releases import ReleaseRecord

Progress = Callable[[str], None]

SECONDS_OF_A_RATE = 0.5
"""Reading that took less has no rate worth telling."""

SECONDS_BETWEEN_WORDS = 5.0
"""A table that takes longer says how far it is."""


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
    from orchestration.ingest import Ledger, unread

    current = current_or_lost(settings)
    if current is None or unread(settings):
        return None
    if (current.code_version, current.settings_fingerprint) != (code_version(), settings_fingerprint(settings)):
        return None
    knows_more = any(Ledger(settings.ledger).knows_since(current.built_at, current.as_of, now))
    return None if knows_more else current


def current_or_lost(settings: Settings) -> ReleaseRecord | None:
    """The current release; None before the first, and where the link leads nowhere: a run mends that."""
    from warehouse.releases import BrokenLinkError, current_release

    try:
        return current_release(settings.home)
    except BrokenLinkError:
        return None


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
    carried_over: list[dict[str, Any]] = field(default_factory=list)
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
            "carried_over": self.carried_over,
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
        self.is_of_now = as_of is None
        self.must_build = force or as_of is not None
        self.must_build_whole = force
        self.make_current = make_current
        self.progress = progress
        self.reports: list[TableReport] = []
        self.report: GateReport | None = None
        self.release: ReleaseRecord | None = None
        self.borrowed: dict[str, str] = {}
        self.carried: list[CarriedMart] = []
        self.refusals: list[dict[str, Any]] = []
        self.refusal_message = ""
        self.failure: tuple[str, Exception] | None = None
        self.found_nothing_new = False
        self.call: transform.Call | None = None

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Remember the first exception of a stage, for whoever reports the run; raise it on."""
        try:
            yield
        except Exception as error:
            self.failure = self.failure or (name, error)
            raise

    def close(self) -> None:
        """Take dbt along, if it still runs: an interrupted run must not leave a writer on the build files."""
        if self.call is not None:
            self.call.stop()

    def ingest(self, table: str) -> TableReport:
        """Read what is new under ``landing/<table>/``."""
        from orchestration.ingest import ingest_table

        with self.stage(f"reading landing/{table}"):
            began = time.monotonic()
            tell = _Reading(table, self.progress)
            report = ingest_table(self.settings, table, self.began, tell.file)
            return self._read(report, time.monotonic() - began)

    def ingest_strays(self) -> TableReport:
        """Refuse what lies under folders that name no table."""
        from orchestration.ingest import ingest_strays

        with self.stage("reading landing"):
            return self._read(ingest_strays(self.settings, self.began))

    def _read(self, report: TableReport, seconds: float = 0.0) -> TableReport:
        self.reports.append(report)
        for file, reason in report.left:
            self.progress(f"left for the next run: {file}: {reason}")
        if report.batches:
            files = f"{len(report.batches)} file{'s' if len(report.batches) != 1 else ''}"
            counts = [(report.rows_repeated, "repeated"), (report.rows_quarantined, "refused")]
            more = "".join(f", {count:,} {word}" for count, word in counts if count)
            rate = f" ({_speed(report.rows_landed, seconds)})" if seconds >= SECONDS_OF_A_RATE else ""
            self.progress(f"{report.table}: {files}, {report.rows_accepted:,} rows accepted{more}{rate}")
            for batch in report.refused_whole:
                self.progress(f"  refused {batch.file}: {batch.refused_whole}")
        return report

    def has_news(self) -> bool:
        """Whether a build can differ from the current release (R15); always, when a moment was asked for."""
        if self.must_build:
            return True
        with self.stage("comparing with the current release"):
            self.found_nothing_new = nothing_new(self.settings, self.began) is not None
        return not self.found_nothing_new

    def prepare(self) -> tuple[int, int]:
        """Make the build files ready: raw views, calendar, parameters, and what was read so far.

        They are made empty, or go on from the build that lies there (``orchestration.scope``). Gives the numbers of
        landed files and of refused rows since the first run.
        """
        from orchestration.calendars import horizon, trading_calendar
        from orchestration.contracts import CONTRACTS
        from orchestration.ingest import Ledger
        from warehouse.build import MARTS_FILE, BuildParameters, prepare
        from warehouse.catalog import META, write_inputs

        with self.stage("preparing the build"):
            if horizon() < self.began.date() + dt.timedelta(days=14):
                self.progress(f"warning: the trading calendars end on {horizon()}: upgrade exchange-calendars")
            # The build that lies there counts no more from here on, whatever happens to this one.
            standing = self._goes_on_from()
            forget_standing(self.settings)
            _prepared_file(self.settings).unlink(missing_ok=True)
            transform.forget_results(self.settings)
            ledger = Ledger(self.settings.ledger)
            calendar_changed = prepare(
                self.settings.build,
                CONTRACTS,
                ledger.raw_files(),
                trading_calendar(),
                BuildParameters(self.as_of, self.settings.note_etf, self.settings.note_index),
                keep=standing is not None,
            )
            models = self._tell_changes(ledger, standing, calendar_changed) if standing is not None else None
            on = standing.release_id if standing is not None else ""
            write_whole(_prepared_file(self.settings), Prepared(self.began, self.as_of, models, on).to_json())
            _carried_file(self.settings).unlink(missing_ok=True)
            batches = ledger.batches().select([column.name for column in META["batches"].columns])
            quarantine = ledger.quarantine()
            write_inputs(self.settings.build / MARTS_FILE, batches, quarantine)
            self.progress(f"building as of {write_short(self.as_of)}{f', on release {on}' if on else ''}")
            return batches.num_rows, quarantine.num_rows

    def _tell_changes(self, ledger: Ledger, standing: Standing, calendar_changed: bool) -> list[str]:
        """Tell the build what has changed since ``standing``. Gives the unique ids of the models that may change."""
        from orchestration.contracts import CONTRACTS
        from warehouse.build import Change, changed_days, tell_changes

        since = (standing.began, standing.as_of, self.as_of)
        days = {name: contract.business_date for name, contract in CONTRACTS.items()}
        changes = [changed_days(self.settings.build, name, days[name], *since) for name in ledger.knows_since(*since)]
        for name, first in moments_read(standing.as_of, self.as_of).items():
            changes.append(Change(name, first))
        changes += [Change(CALENDAR)] if calendar_changed else []
        made_from = inputs(json.loads(transform.up_to_date_manifest(self.settings).read_text(encoding="utf-8")))
        pairs = [
            (node_name(key), node_name(parent)) for key, parents in made_from.items() for parent in sorted(parents)
        ]
        tell_changes(self.settings.build, changes, pairs, CONTRACTS, standing.began, standing.as_of)
        return sorted(outdated(made_from, {change.name for change in changes}))

    def _goes_on_from(self) -> Standing | None:
        """The build that lies there, if this one can be made from it: its release is kept, and every file that it was
        made from is still in the ledger (a home that was put back from a backup may know less)."""
        from orchestration.ingest import Ledger
        from warehouse.releases import ReleaseError, read_record

        standing = read_standing(self.settings)
        if standing is None or self.must_build_whole:
            return None
        if not standing.may_go_on(self.as_of, code_version(), settings_fingerprint(self.settings)):
            return None
        try:
            record = read_record(self.settings.home, standing.release_id)
        except ReleaseError:
            return None
        known = set(Ledger(self.settings.ledger).batches().column("batch_id").to_pylist())
        return standing if known.issuperset(record.input_batch_ids) else None

    def models(self) -> frozenset[str] | None:
        """Unique ids of the models that this build has to make; None: all, and the seeds."""
        found = prepared(self.settings).models if _prepared_file(self.settings).exists() else None
        return None if found is None else frozenset(found)

    def stands_on(self) -> str:
        """Id of the release whose build this one goes on from; empty where it is made anew."""
        return prepared(self.settings).stands_on

    def build(self, select: Iterable[str] | None = None) -> transform.Call:
        """Begin a call of dbt; ``close`` ends it. ``select`` as in ``transform.Call``."""
        forget_standing(self.settings)
        self.call = transform.Call(self.settings, select)
        return self.call

    def warm_up(self) -> None:
        """Import what the gate needs while dbt's process leaves this one idle: seconds that nobody waits for."""
        Thread(target=_import_gate, name="warm-up").start()

    def borrow(self) -> tuple[list[str], list[str]]:
        """Put marts of the current release where dbt could not build a family.

        Gives those that dbt had left out, and the models that it can build on them: what it skipped and what needs
        nothing of the family but its marts; dbt's results so far are set aside for a call that builds those. Both are
        empty where no model failed or where earlier rows may not stand in; ``built`` tells which.
        """
        from warehouse.build import MARTS_FILE
        from warehouse.carrying import NOTE, HeldError, borrow, buildable, damaged

        nodes = transform.results(self.settings)
        broken = {node.name: node.cause for node in nodes if node.broken}
        if not broken:
            return [], []
        try:
            lender, lineage = self._lender(), self._lineage()
            marts = damaged(lineage, broken)
            skipped = {node.name for node in nodes if node.skipped and node.kind in ("model", "seed")}
            names = buildable(lineage, set(broken), skipped, set(marts))
            if NOTE in skipped and NOTE not in {*marts, *names}:
                raise HeldError(f"{NOTE} cannot be built without {', '.join(sorted(broken))}")
            forget_standing(self.settings)
            write_whole(_carried_file(self.settings), json.dumps(sorted(marts)))
            borrow(self.settings.build, self.settings.releases / lender.release_id / MARTS_FILE, lineage, marts)
        except HeldError as error:
            _carried_file(self.settings).unlink(missing_ok=True)
            self.progress(f"nothing is carried over: {error}")
            return [], []
        transform.set_results_aside(self.settings)
        self.borrowed = dict.fromkeys(marts, lender.release_id)
        for name, cause in sorted(broken.items()):
            self.progress(f"dbt could not build {name}: {cause}")
        return sorted(set(marts) & {*broken, *skipped}), names

    def built(self, error: Exception | None, quiet: bool = False) -> None:
        """Look at dbt's last call. Raises ``DbtError`` when a model failed and no earlier rows stand in for what is
        made from it; failed data tests are for the gate."""
        nodes = transform.results(self.settings)
        with self.stage("building the marts"):
            if error is None and not nodes:
                raise RefusedError(f"{self.settings.build} holds no build: run the whole job")
            for node in nodes:
                if node.broken and not self.borrowed:
                    raise transform.DbtError(f"dbt could not build {node.name}: {node.cause}")
            if error is not None:
                raise transform.DbtError(f"dbt ended early: {error}") from error
            if not quiet:
                ran = [node for node in nodes if not (node.broken or node.skipped)]
                models = sum(node.kind == "model" for node in ran)
                tests = sum(node.kind == "test" for node in ran)
                failed = sum(node.failed for node in nodes)
                passed = f"{tests - failed} of {tests}" if failed else tests
                before = self._unchanged()
                kept = f" ({before} unchanged since the release before)" if before else ""
                self.progress(f"{models} models built{kept}, {passed} data tests passed")

    def _before(self) -> dict[str, Any]:
        """What the gate needs not look at again, as its ``unchanged``, ``earlier`` and ``changed``; nothing where this
        build goes on from none."""
        from expectations.gate import read_results
        from warehouse.build import first_days_changed
        from warehouse.checks_page import CHECKS_FILE

        if self.models() is None:
            return {}
        found = self.settings.releases / self.stands_on() / CHECKS_FILE
        if not found.is_file():
            return {}
        days = first_days_changed(self.settings.build)
        return {
            "earlier": {(check.mart, check.check_name): check for check in read_results(found.read_text("utf-8"))},
            "unchanged": {name for name, day in days.items() if day is None},
            "changed": {name: day for name, day in days.items() if day is not None and day > dt.date.min},
        }

    def _unchanged(self) -> int:
        """Number of models that stand as they did in the build before."""
        models = self.models()
        if models is None:
            return 0
        manifest = json.loads(transform.up_to_date_manifest(self.settings).read_text(encoding="utf-8"))
        return sum(node["resource_type"] == "model" for node in manifest["nodes"].values()) - len(models)

    def _lineage(self) -> Lineage:
        from warehouse.carrying import read_lineage

        return read_lineage(transform.target_folder(self.settings) / "manifest.json")

    def judge(self, carried: Mapping[str, str] | None = None) -> GateReport:
        """Run the gate over the build: what dbt could not build, its tests, suites, audits, past releases, deliveries.
        Keeps nothing. ``carried`` (``schema.name`` -> release id): marts that hold rows of an earlier release."""
        from expectations.gate import report_of, run_gate
        from orchestration.silence import as_checks, verdicts
        from warehouse.releases import list_releases

        releases = [release_file(self.settings, release) for release in list_releases(self.settings.home)]
        report = run_gate(
            self.settings.build,
            limits=self.settings.limits,
            releases=releases,
            code_version=code_version(),
            carried=carried,
            **({} if carried else self._before()),
        )
        tests = failed_nodes(self.settings)
        return report_of([*tests, *report.checks, *as_checks(verdicts(self.settings, self.as_of))])

    def judge_again(self) -> GateReport:
        """What holds of a build that was judged before: rows that were carried over are not compared with newer ones.

        Keeps nothing. Raises ``RefusedError`` where rows were carried over and no release came of it.
        """
        from expectations.gate import after_carrying, report_of
        from warehouse.carrying import NOTE, origins

        if not _carried_file(self.settings).exists():
            return self.judge()
        found = origins(self.settings.build)
        if not found:
            raise RefusedError(f"{self.settings.build} holds rows of an earlier release: run the whole job")
        report = self.judge(found)
        new = report_of([check for check in report.checks if check.passed or check.mart not in found])
        return after_carrying(
            new, self.settings.build, found, touched={f"marts.{NOTE}"} - set(found), limits=self.settings.limits
        )

    def audit(self) -> GateReport:
        """Judge the build, once, and put earlier rows into the marts of families that failed, where that may be.

        A failed check is in the report; only a broken gate raises.
        """
        if self.report is None:
            from expectations.gate import failure_message
            from warehouse.carrying import HeldError

            with self.stage("checking the marts"):
                if _carried_file(self.settings).exists() and not self.borrowed:
                    raise RefusedError(f"{self.settings.build} holds rows of an earlier release: run the whole job")
                report, held = self.judge({f"marts.{mart}": release for mart, release in self.borrowed.items()}), ""
                self.progress(
                    f"{len(report.checks)} checks: {len(report.refusing)} refuse, {len(report.warnings)} warn"
                )
                if report.refusing:
                    try:
                        report = self._carry_over(report)
                    except HeldError as error:
                        if not self.borrowed:
                            _carried_file(self.settings).unlink(missing_ok=True)
                        held = f"\nnothing is carried over: {error}"
                self.report = report
                if refusing := report.refusing:
                    self._refuse([asdict(check) for check in refusing], failure_message(report) + held)
                    page = self.settings.build / "checks.html"
                    title = f"the build refused as of {write_short(self.as_of)}"
                    write_whole(page, self._checks_page(report, title))
        return self.report

    def _carry_over(self, report: GateReport) -> GateReport:
        """Replace what ``report`` refuses by the rows of the current release, and judge those.

        Raises ``HeldError`` when the build has to be held as a whole.
        """
        from expectations.gate import after_carrying
        from warehouse.build import MARTS_FILE
        from warehouse.carrying import NOTE, by_family, carry_over, damaged

        lender, lineage = self._lender(), self._lineage()
        failed: dict[str, str] = {}
        for check in report.refusing:
            failed.setdefault(check.mart.rsplit(".", 1)[-1], f"{check.mart} · {check.check_name}: {check.observed}")
        causes = damaged(lineage, failed)
        forget_standing(self.settings)
        write_whole(_carried_file(self.settings), json.dumps(sorted(causes)))
        release = self.settings.releases / lender.release_id / MARTS_FILE
        self.carried = carry_over(self.settings.build, release, causes)
        for family in by_family(self.carried):
            self.progress(carried_line(family))
        origins = {f"marts.{mart.mart}": mart.release_id for mart in self.carried}
        return after_carrying(
            report, self.settings.build, origins, touched={f"marts.{NOTE}"} - set(origins), limits=self.settings.limits
        )

    def _lender(self) -> ReleaseRecord:
        """The release that this run may take rows from: the current one, for a run of now."""
        from warehouse.carrying import HeldError
        from warehouse.releases import current_release

        if not self.settings.partial_releases:
            raise HeldError("SECTOR_PARTIAL_RELEASES is off")
        if not self.is_of_now:
            raise HeldError("a build as of a moment borrows from none")
        current = current_release(self.settings.home)
        if current is None:
            raise HeldError("no release is current yet")
        if current.as_of > prepared(self.settings).as_of:
            raise HeldError(f"the current release is of a later moment, {write_short(current.as_of)}")
        if current.settings_fingerprint != settings_fingerprint(self.settings):
            raise HeldError("the current release was made with other settings")
        return current

    def _refuse(self, checks: list[dict[str, Any]], message: str) -> None:
        self.refusals, self.refusal_message = checks, message
        note = {"at": write_moment(utc_now()), "as_of": write_moment(self.as_of), "message": message, "checks": checks}
        self.settings.build.mkdir(parents=True, exist_ok=True)
        write_whole(refusal_file(self.settings), json.dumps(note, default=str, ensure_ascii=False))

    def publish(self) -> ReleaseRecord:
        """Publish the build if the gate passed it. Raises ``RefusedError`` when it did not."""
        self.built(None, quiet=True)
        report = self.audit()
        with self.stage("publishing"):
            if not report.passed:
                raise RefusedError(self.refusal_message)
            refusal_file(self.settings).unlink(missing_ok=True)
            before = current_or_lost(self.settings)
            self.release = release = self._publish(report)
            self.progress(f"release {release.release_id} {'is current' if self.make_current else 'kept'}")
        # Who follows the link while it moves may still open the release that it pointed at.
        self._retain({release.release_id, *([before.release_id] if before else [])})
        return release

    def _retain(self, protected: set[str]) -> None:
        """Remove releases that the settings no longer keep. What fails here is said and fails no run."""
        from warehouse.releases import Retention, retain

        keep = self.settings
        policy = Retention(keep.keep_releases, keep.keep_days, keep.keep_last_of_day)
        try:
            gone = retain(keep.home, keep.build, policy, utc_now(), protected)
        except Exception as error:  # noqa: BLE001 (the release is out: tidying up must not turn it into a failure)
            self.progress(f"warning: old releases could not be removed: {one_line(error, keep.home)}")
            return
        if gone:
            ids = gone[0].release_id if len(gone) == 1 else f"{gone[0].release_id} to {gone[-1].release_id}"
            self.progress(f"{len(gone)} old release{'s' if len(gone) != 1 else ''} removed: {ids}")

    def _publish(self, report: GateReport) -> ReleaseRecord:
        from importlib.metadata import version

        from warehouse.build import MARTS_FILE
        from warehouse.carrying import by_family
        from warehouse.catalog import write_release
        from warehouse.checks_page import CHECKS_FILE
        from warehouse.docs import render_docs
        from warehouse.note import DRAWINGS, render_html, render_text
        from warehouse.releases import ReleaseRecord, make_current, new_release_id, publish

        settings = self.settings
        batch_ids, is_sample = self._inputs()
        identity, build = settings_fingerprint(settings), prepared(settings)
        record = ReleaseRecord(
            release_id=new_release_id(build.began, build.as_of, identity),
            built_at=build.began,
            as_of=build.as_of,
            code_version=code_version(),
            settings_fingerprint=identity,
            input_batch_ids=batch_ids,
            is_sample=is_sample,
            duckdb_version=version("duckdb"),
            dbt_version=version("dbt-core"),
            carried_over=tuple(family.family for family in by_family(self.carried)),
        )
        marts = settings.build / MARTS_FILE
        manifest = transform.target_folder(settings) / "manifest.json"
        write_release(marts, record, report, manifest, self.carried)
        documents = {
            "note.txt": render_text(marts),
            "note.html": render_html(marts, settings.build / DRAWINGS),
            CHECKS_FILE: report.to_json(),
            "checks.html": self._checks_page(report, f"release {record.release_id}"),
            "docs.html": render_docs(manifest, marts),
        }
        publish(settings.home, settings.build, record, documents)
        if self.make_current:
            make_current(settings.home, record.release_id)
        if not _carried_file(settings).exists():
            standing = Standing(record.release_id, build.began, build.as_of, record.code_version, identity)
            write_standing(settings, standing)
        return record

    def _checks_page(self, report: GateReport, title: str) -> str:
        """The report beside the figures of past releases."""
        from warehouse.checks_page import CHECKS_FILE, past_figures, render_checks
        from warehouse.releases import list_releases

        past = [
            self.settings.releases / release.release_id / CHECKS_FILE for release in list_releases(self.settings.home)
        ]
        return render_checks(report, title, past_figures(past))

    def _inputs(self) -> tuple[tuple[str, ...], bool]:
        """Ids of the batches that brought rows, sorted, and whether any of them is of the synthetic sample."""
        from orchestration.ingest import Ledger
        from orchestration.providers.sample import SAMPLE_FOLDER

        batches = [row for row in Ledger(self.settings.ledger).batches().to_pylist() if row["rows_accepted"]]
        is_sample = any(SAMPLE_FOLDER in Path(row["file"]).parts[:-1] for row in batches)
        return tuple(sorted({row["batch_id"] for row in batches})), is_sample

    def note(self) -> str:
        """The market note of this run's release."""
        if self.release is None:
            raise RefusedError("this run made no release: materialize the release together with its note")
        return (release_file(self.settings, self.release).parent / "note.txt").read_text(encoding="utf-8")

    def row_counts(self) -> list[tuple[str, int]]:
        """Rows of each mart of this run's release."""
        import duckdb

        if self.release is None:
            return []
        with duckdb.connect(str(release_file(self.settings, self.release)), read_only=True) as con:
            return con.execute(
                "select table_name, rows from meta.tables where table_schema = 'marts' order by table_name"
            ).fetchall()


class _Reading:
    """Says how far the reading of a table is, where that takes long."""

    def __init__(self, table: str, progress: Progress) -> None:
        self.table, self.progress = table, progress
        self.files = self.rows = 0
        self.said_at = time.monotonic()

    def file(self, name: str, rows: int) -> None:
        """A file was read: its rows, 0 where they are read together with those of other files."""
        self.files, self.rows = self.files + 1, self.rows + rows
        if (now := time.monotonic()) - self.said_at >= SECONDS_BETWEEN_WORDS:
            self.said_at = now
            rows_so_far = f", {self.rows:,} rows" if self.rows else ""
            self.progress(f"{self.table}: {self.files:,} files{rows_so_far} so far, {name}")


def _speed(rows: int, seconds: float) -> str:
    return f"{seconds:.1f} s, {rows / seconds:,.0f} rows a second"


@dataclass(frozen=True)
class Prepared:
    """The build that lies in the build folder: when its run began, and the moment that cuts it."""

    began: dt.datetime
    as_of: dt.datetime
    models: list[str] | None
    """Unique ids of the models to make; None: everything."""

    stands_on: str = ""
    """The release whose build this one goes on from."""

    def to_json(self) -> str:
        """As it is kept in the build folder."""
        moments = {"began": self.began.isoformat(), "as_of": self.as_of.astimezone(dt.UTC).isoformat()}
        return json.dumps({**moments, "models": self.models, "stands_on": self.stands_on})


def _prepared_file(settings: Settings) -> Path:
    return settings.build / "prepared.json"


def _carried_file(settings: Settings) -> Path:
    """There while the build holds rows of an earlier release: which are which is known to the run that put them in."""
    return settings.build / "carried.json"


def prepared(settings: Settings) -> Prepared:
    """What the build folder holds. Raises ``RefusedError`` when no build was prepared there."""
    path = _prepared_file(settings)
    if not path.exists():
        raise RefusedError(f"{settings.build} holds no build: run the whole job")
    note = json.loads(path.read_text(encoding="utf-8"))
    began, as_of = (dt.datetime.fromisoformat(note[name]) for name in ("began", "as_of"))
    return Prepared(began, as_of, note["models"], note["stands_on"])


def failed_nodes(settings: Settings) -> list[CheckResult]:
    """What failed in the build's dbt calls, as critical checks: models that could not be built, and data tests on the
    models that they are about."""
    from expectations.gate import CheckResult
    from warehouse.carrying import read_lineage

    failed = [node for node in transform.results(settings) if node.failed or node.broken]
    if not failed:
        return []
    lineage = read_lineage(transform.target_folder(settings) / "manifest.json")
    results = []
    for node in failed:
        model = lineage.tested.get(node.unique_id, "") if node.kind == "test" else node.name
        family = lineage.families.get(model)
        results.append(
            CheckResult(
                check_name=transform.MODEL_BUILT if node.broken else node.name,
                mart=f"{'marts' if family else 'intermediate'}.{model}",
                severity="critical",
                owner=family or "dbt",
                reason=transform.ABOUT_MODELS if node.broken else transform.ABOUT_DATA_TESTS,
                passed=False,
                observed=node.cause,
                limit="built" if node.broken else "no failing row",
                unexpected_rows=node.failures or 0,
            )
        )
    return results


def refusal_file(settings: Settings) -> Path:
    """Where the last refusal is kept until a build passes."""
    return settings.build / "refusal.json"


def last_refusal(settings: Settings) -> dict[str, Any] | None:
    """When, why and by which checks the last build was refused; None when it passed."""
    path = refusal_file(settings)
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def _import_gate() -> None:
    """An import that fails here fails again, loudly, where the gate needs it."""
    with suppress(ImportError):
        importlib.import_module("expectations.engine")
        importlib.import_module("expectations.suites")


def batch_rows(reports: list[TableReport]) -> list[dict[str, Any]]:
    """The files of a run as ``meta.batches`` has them."""
    return [asdict(batch) for report in reports for batch in report.batches]


def unchanged(settings: Settings, release: ReleaseRecord, batches: Sequence[dict[str, Any]] = ()) -> Outcome:
    """The outcome of a run that had nothing to build."""
    message = f"nothing new is known since release {release.release_id} (as of {write_short(release.as_of)})"
    if release.carried_over:
        message += f"; still carried over: {', '.join(release.carried_over)}"
    return Outcome(
        as_of=release.as_of,
        release_id=release.release_id,
        path=release_file(settings, release),
        is_current=True,
        batches=list(batches),
        message=message,
    )


def carried_line(family: CarriedFamily) -> str:
    """A family that is carried over, in a line: from where, how old, why."""
    return (
        f"{family.family} carried over from release {family.release_id} (as of {write_short(family.as_of)}): "
        f"{', '.join(family.tables)}; {family.reason}"
    )


def conclude(run: Refresh | None, succeeded: bool) -> tuple[Outcome, int]:
    """What a finished run came to, and its exit code: 0 done, 1 refused by a check, 2 broken."""
    if run is None:
        return Outcome(utc_now(), message="the run could not start: see the run's log"), 2
    outcome = Outcome(run.as_of, batches=batch_rows(run.reports), checks_failed=run.refusals)
    if run.release is not None:
        release = run.release
        outcome.as_of = release.as_of
        outcome.release_id, outcome.path = release.release_id, release_file(run.settings, release)
        outcome.published, outcome.is_current = True, run.make_current
    if run.report is not None:
        outcome.warnings = len(run.report.warnings)
        outcome.checks_failed = run.refusals or [asdict(check) for check in run.report.set_aside]
    if run.refusals:
        outcome.message = run.refusal_message
        return outcome, 1
    if run.failure is not None:
        stage, error = run.failure
        outcome.message = f"{stage}: {one_line(error, run.settings.home)}"
        return outcome, 2
    if not succeeded:
        outcome.message = f"the run failed: see {run.settings.build / 'run.log'}"
        return outcome, 2
    if run.release is None:
        current = current_or_lost(run.settings)
        if current is None:
            return outcome, 2
        return unchanged(run.settings, current, outcome.batches), 0
    from warehouse.carrying import by_family

    families = by_family(run.carried)
    state = "published and current" if run.make_current else "published, not made current"
    outcome.carried_over = [{**asdict(family), "as_of": write_moment(family.as_of)} for family in families]
    outcome.message = "\n".join([f"{state}, as of {write_short(outcome.as_of)}", *map(carried_line, families)])
    return outcome, 0


def release_file(settings: Settings, release: ReleaseRecord) -> Path:
    """The DuckDB file of a release."""
    from warehouse.build import MARTS_FILE

    return settings.releases / release.release_id / MARTS_FILE
