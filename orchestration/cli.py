"""``sector``: the command line.

Belongs here: arguments, words, exit codes. Results go to stdout, progress and errors to stderr; ``--json`` turns the
result into one JSON document. Does not belong here: what the commands do. Imports of any weight stay inside the
commands, so that a run with nothing to do answers at once.

Exit codes: 0 done, or nothing new; 1 a check refused the build (the old release stays); 2 a wrong call, a wrong
configuration or a broken environment (nothing changed); 130 interrupted.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from rich.console import Console

from orchestration.messages import FULL_DISK, is_full, one_line

if TYPE_CHECKING:
    import datetime as dt

    from orchestration.refresh import Outcome
    from orchestration.settings import Settings

REFUSED = 1
WRONG = 2
INTERRUPTED = 130

LEAST_SPACE = 64 * 1024**2
"""Bytes for manifest, working files and log of the smallest build (30 MB, measured 2026-11), twice."""

PIPE_WIDTH = 240
"""Columns of a table that no terminal shows: nothing is folded."""

out = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else PIPE_WIDTH)
err = Console(stderr=True, highlight=False, soft_wrap=True)

app = typer.Typer(
    name="sector",
    help="A sector desk's warehouse: lands, builds, checks and publishes its tables.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
AsOf = Annotated[
    str | None,
    typer.Option(
        "--as-of",
        metavar="TIMESTAMP",
        help="Moment that cuts the build: 2025-04-24 (its end), '2025-04-24 10:30' (market time), or with a zone.",
    ),
]


def _tables(beginning: str) -> list[str]:
    """Raw tables, for the shell's completion."""
    from orchestration.contracts import CONTRACTS

    return [name for name in CONTRACTS if name.startswith(beginning)]


def _marts(beginning: str) -> list[str]:
    """Marts, for the shell's completion."""
    from orchestration.paths import DBT_PROJECT

    names = sorted(path.stem for path in (DBT_PROJECT / "models" / "marts").rglob("*.sql"))
    return [name for name in names if name.startswith(beginning)]


def _release_ids(beginning: str) -> list[str]:
    """Releases of this home, for the shell's completion."""
    from warehouse.releases import list_releases

    return [r.release_id for r in list_releases(settings_or_exit().home) if r.release_id.startswith(beginning)]


class WrongCallError(Exception):
    """What the caller or the environment has wrong, with the cure, in one line."""


def say(text: str) -> None:
    """Progress, to stderr."""
    err.print(text, markup=False)


def answer(text: str) -> None:
    """A result, to stdout."""
    out.print(text, markup=False)


def answer_json(document: Any) -> None:
    """A result for machines, to stdout. Dates and times in ISO 8601."""
    sys.stdout.write(json.dumps(document, ensure_ascii=False, indent=2, default=plain) + "\n")


def plain(value: Any) -> Any:
    """What JSON has no word for, as text."""
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def settings_or_exit(any_home: bool = False) -> Settings:
    """The settings of the environment. Raises ``WrongCallError`` naming the variable that is wrong.

    ``any_home``: even a SECTOR_HOME that is no folder (for whoever is to say so).
    """
    from pydantic import ValidationError

    from orchestration.settings import Settings, SettingsFileError, is_secret, origin

    try:
        settings = Settings()
        if not any_home and settings.home.exists() and not settings.home.is_dir():
            raise WrongCallError(f"{settings.home} is no folder: set SECTOR_HOME to one")
        return settings
    except ValidationError as error:
        home = Settings.model_construct().home if "SECTOR_HOME" not in os.environ else Path(os.environ["SECTOR_HOME"])
        wrong = []
        for part in error.errors():
            name = str(part["loc"][0])
            value = "" if is_secret(name) else f"={part['input']!s}"
            wrong.append(f"{origin(name, home)}{value}: {part['msg']}")
        raise WrongCallError("; ".join(wrong)) from None
    except SettingsFileError as error:
        raise WrongCallError(str(error)) from None


def fail(message: str, as_json: bool, code: int = WRONG) -> NoReturn:
    """End the command with one line on stderr (and a document on stdout for machines)."""
    err.print(f"error: {message}" if code == WRONG else message, markup=False)
    if as_json:
        answer_json({"error": message})
    raise typer.Exit(code)


@contextmanager
def guarded(as_json: bool) -> Iterator[None]:
    """Every failure becomes one line with its cure and exit 2; ``SECTOR_TRACEBACK=1`` shows where it came from."""
    try:
        yield
    except (typer.Exit, typer.Abort):
        raise
    except KeyboardInterrupt:
        err.print("interrupted: nothing was published, the next run begins anew", markup=False)
        raise typer.Exit(INTERRUPTED) from None
    except BrokenPipeError:
        # the reader of our output has gone: nothing is left to say
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(0) from None
    except Exception as error:  # noqa: BLE001 (the outermost frame: everything becomes a line)
        if os.environ.get("SECTOR_TRACEBACK"):
            err.print_exception()
        fail(one_line(error, _home()), as_json)


def _home() -> Path | None:
    try:
        return settings_or_exit(any_home=True).home
    except WrongCallError:
        return None


def moment_or_exit(text: str | None) -> dt.datetime | None:
    """``--as-of`` read; None when it was not given."""
    from orchestration.moments import read_moment

    try:
        return None if text is None else read_moment(text)
    except ValueError as error:
        raise WrongCallError(f"--as-of: {error}") from None


@app.command(short_help="Make SECTOR_HOME and land the files you name.")
def init(
    files: Annotated[
        list[str] | None, typer.Argument(metavar="[FILE]...", help="Files and folders to land; they stay as they are.")
    ] = None,
    table: Annotated[
        str | None, typer.Option("--table", metavar="TABLE", help="All of them are for it.", autocompletion=_tables)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make SECTOR_HOME: a commented settings file, and the files you name where `sector run` reads them."""
    with guarded(as_json):
        from orchestration import first_files

        settings = settings_or_exit()
        path, is_new = first_files.write_settings(settings)
        landed = first_files.land(settings, [Path(name).expanduser() for name in files or []], table, say)
        if as_json:
            answer_json({"settings": str(path), "new": is_new, "files": [each.as_json() for each in landed]})
        else:
            answer(f"{path}{'' if is_new else ' was there and is as it was'}")
            first_files.show(landed, out)
        if any(each.name for each in landed):
            say("next: sector run")
        elif landed:
            raise typer.Exit(REFUSED)
        elif is_new:
            say("next: sector init FILE..., or sector sample, or sector fetch; then sector run")


@app.command(short_help="Land the synthetic sample.")
def sample(
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same bytes.")] = 7,
    as_json: AsJson = False,
) -> None:
    """Write the synthetic sample into landing/ as provider files."""
    with guarded(as_json):
        from orchestration.locking import run_lock
        from orchestration.providers.sample import write_sample

        settings = settings_or_exit()
        settings.landing.mkdir(parents=True, exist_ok=True)
        with run_lock(settings.lock):
            files = write_sample(
                settings.landing, seed, lambda table, count: say(f"{table}: {count} file{'s' if count != 1 else ''}")
            )
        size = sum(path.stat().st_size for path in files)
        if as_json:
            answer_json({"landing": str(settings.landing), "seed": seed, "files": len(files), "bytes": size})
        else:
            answer(f"{len(files)} synthetic files, {size / 1e6:.1f} MB, under {settings.landing}")
            say("next: sector run")


@app.command(short_help="Ingest what is new, build, check, publish.")
def run(
    as_of: AsOf = None,
    current: Annotated[bool, typer.Option("--current", help="Make a release of --as-of current.")] = False,
    as_json: AsJson = False,
) -> None:
    """Ingest what is new in landing/, build, check, publish, make current."""
    with guarded(as_json):
        moment = moment_or_exit(as_of)
        if current and moment is None:
            raise WrongCallError("--current belongs to --as-of: a run without --as-of always makes its release current")
        outcome, code = refresh(settings_or_exit(), moment, make_current=moment is None or current)
        report_run(outcome, code, as_json)


def refresh(settings: Settings, as_of: dt.datetime | None, make_current: bool) -> tuple[Outcome, int]:
    """Run the job under the lock, unless there is nothing to do. Gives the outcome and the exit code."""
    import datetime as dt

    from orchestration.alerts.telling import after_break, after_death, after_idle
    from orchestration.durable import make_folder
    from orchestration.garbage import few_searches
    from orchestration.locking import run_lock
    from orchestration.moments import write_short
    from orchestration.refresh import nothing_new, unchanged, utc_now

    make_folder(settings.home)
    with run_lock(settings.lock) as died:
        now = utc_now()
        if died is not None:
            after_death(settings, died, say)
        if as_of is None and (release := nothing_new(settings, now)) is not None:
            after_idle(settings, say)
            return unchanged(settings, release), 0
        if as_of is not None and as_of > now + dt.timedelta(days=1):
            say(f"warning: {write_short(as_of)} lies ahead: what becomes known until then is not in this build")
        try:
            require_space(settings)
            with few_searches():
                from orchestration.executing import execute

                return execute(settings, as_of, make_current, say)
        except Exception as error:
            if as_of is None:
                after_break(settings, one_line(error, settings.home), say)
            if is_full(settings.home):
                raise WrongCallError(FULL_DISK) from error
            raise


def require_space(settings: Settings) -> None:
    """Raise ``WrongCallError`` when a build cannot fit: nothing has been changed then."""
    from orchestration.refresh import current_or_lost, release_file

    current = current_or_lost(settings)
    last = release_file(settings, current).stat().st_size if current else 0
    needed, free = LEAST_SPACE + 3 * last, shutil.disk_usage(settings.home).free
    if free < needed:
        raise WrongCallError(
            f"only {free / 1e6:,.0f} MB free under {settings.home}, a build needs {needed / 1e6:,.0f} MB: "
            "free some space, then run again"
        )


def report_run(outcome: Outcome, code: int, as_json: bool) -> None:
    """Print what a run came to and end with its exit code."""
    if code:
        err.print(outcome.message if code == REFUSED else f"error: {outcome.message}", markup=False)
    if as_json:
        document = outcome.as_json()
        answer_json({**document, "error": outcome.message} if code == WRONG else document)
    elif not code:
        answer(outcome.message)
        if outcome.published:
            answer(f"release {outcome.release_id}")
            answer(f"path    {outcome.path}")
    raise typer.Exit(code)


@app.command(short_help="Print the market note.")
def note(as_of: AsOf = None, as_json: AsJson = False) -> None:
    """Print the market note of the current release, or of the release as of a moment (built when there is none)."""
    with guarded(as_json):
        from orchestration import status as facts

        settings, moment = settings_or_exit(), moment_or_exit(as_of)
        release = facts.release_as_of(settings, moment) if moment else facts.current_or_none(settings)
        if release is None and moment:
            say(f"no release as of {as_of} yet: building it")
            outcome, code = refresh(settings, moment, make_current=False)
            if code:
                report_run(outcome, code, as_json)
            release = facts.release_as_of(settings, moment)
        if release is None:
            raise WrongCallError(f"no release under {settings.home} yet: run `sector run` first")
        if as_json:
            answer_json(facts.note_document(settings, release))
        else:
            answer(facts.note_text(settings, release))


@app.command(short_help="Show the release, rows, batches, trouble.")
def status(as_json: AsJson = False) -> None:
    """Show the current release, its age, rows per table, batches, quarantine counts and failed checks."""
    with guarded(as_json):
        from orchestration import status as facts

        document = facts.status(settings_or_exit())
        if as_json:
            answer_json(document)
        else:
            facts.print_status(document, out)


@app.command(short_help="Ask live providers and land the answers.")
def fetch(
    datasets: Annotated[
        list[str] | None,
        typer.Argument(metavar="[DATASET]...", help="tushare.fund_daily, or tushare for all of it; none: everything."),
    ] = None,
    since: Annotated[str | None, typer.Option(metavar="DAY", help="First day, such as 2025-04-01.")] = None,
    until: Annotated[str | None, typer.Option(metavar="DAY", help="Last day; today when it is left out.")] = None,
    etf: Annotated[list[str] | None, typer.Option(metavar="CODE", help="159567.SZ; may be repeated.")] = None,
    index: Annotated[list[str] | None, typer.Option(metavar="CODE", help="987018.CNI; may be repeated.")] = None,
    security: Annotated[list[str] | None, typer.Option(metavar="CODE", help="01801.HK; may be repeated.")] = None,
    concept: Annotated[list[str] | None, typer.Option(metavar="NAME", help="A board; may be repeated.")] = None,
    file: Annotated[
        str | None, typer.Option("--from", metavar="FILE", help="An answer that lies here already: the CSV export.")
    ] = None,
    show_list: Annotated[bool, typer.Option("--list", help="What can be fetched, and whether it can be here.")] = False,
    as_json: AsJson = False,
) -> None:
    """Ask the live providers and land what they answer; `sector run` reads it. Exit 1 when a fetch failed."""
    with guarded(as_json):
        from orchestration import fetch_report as report
        from orchestration.fetching import open_transport

        settings = settings_or_exit()
        if show_list:
            rows = report.listing(settings)
            if as_json:
                answer_json({"datasets": rows})
            else:
                report.print_listing(rows, out)
            return
        try:
            chosen, must = report.choose(datasets or [])
            asked = report.Asked(
                day_or_exit("--since", since),
                day_or_exit("--until", until),
                codes_or_exit("--etf", etf, "watch_etfs", "159567.SZ"),
                codes_or_exit("--index", index, "watch_indices", "987018.CNI or HSI.HI"),
                codes_or_exit("--security", security, "watch_securities", "01801.HK"),
                tuple(concept or ()),
                Path(file).expanduser().absolute() if file else None,
            )
            report.require_reader(chosen, asked.file)
        except ValueError as error:
            raise WrongCallError(str(error)) from None
        settings.home.mkdir(parents=True, exist_ok=True)
        with open_transport(settings) as transport, fetch_progress() as (heard, done):
            fetched = report.run(settings, chosen, must, asked, transport, heard, done)
        if as_json:
            answer_json(fetched.as_json())
        else:
            for receipt in fetched.receipts:
                if receipt.outcome != "failed":
                    answer(report.outcome_line(receipt))
            if any(receipt.new_files for receipt in fetched.receipts):
                say("next: sector run")
        raise typer.Exit(fetched.code)


def day_or_exit(option: str, text: str | None) -> dt.date | None:
    """A day given on the command line; None when it was not."""
    import datetime as dt

    try:
        return None if text is None else dt.date.fromisoformat(text)
    except ValueError:
        raise WrongCallError(f"{option} {text!r} is no day: write 2025-04-24") from None


def codes_or_exit(option: str, codes: list[str] | None, setting: str, example: str) -> tuple[str, ...]:
    """Codes given on the command line, in the form that the setting of the same kind asks for."""
    from pydantic import ValidationError

    from orchestration.settings import Settings

    try:
        return tuple(getattr(Settings.model_validate({setting: tuple(codes or ())}), setting))
    except ValidationError as error:
        raise WrongCallError(f"{option} {error.errors()[0]['input']!r} is no such code: write {example}") from None


@contextmanager
def fetch_progress() -> Iterator[tuple[Any, Any]]:
    """A line that grows while a dataset is asked, a line for each that is done (stderr)."""
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    from orchestration.fetch_report import outcome_line

    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
        counts: dict[str, list[int]] = {}
        task = progress.add_task("asking", total=None)

        def heard(dataset: Any, file: Any) -> None:
            files, rows = counts.setdefault(dataset.key, [0, 0])
            counts[dataset.key] = [files + 1, rows + file.rows]
            progress.update(task, description=f"{dataset.key}: page {files + 1}, {rows + file.rows:,} rows")

        def done(dataset: Any, receipt: Any, verdicts: Any) -> None:
            progress.update(task, description="asking")
            if receipt is not None and receipt.outcome == "failed":
                say(f"failed: {outcome_line(receipt)}")
            for verdict in verdicts:
                if verdict.is_finding:
                    say(f"{'lost' if verdict.state == 'lost' else 'warning'}: {verdict.message}")

        yield heard, done


@app.command(short_help="Show every version of one raw record.")
def history(
    table: Annotated[
        str, typer.Argument(metavar="TABLE", help="A raw table, such as etf_shares.", autocompletion=_tables)
    ],
    key: Annotated[list[str], typer.Argument(metavar="KEY...", help="Its key, in the order of its contract.")],
    as_json: AsJson = False,
) -> None:
    """Show every version of one raw record: its figures, when they were known, the line they stand on."""
    with guarded(as_json):
        from orchestration import history as past

        if as_json:
            answer_json(past.document(settings_or_exit(), table, key))
        else:
            past.show(settings_or_exit(), table, key, out)


@app.command(short_help="Show what a file would become.")
def dialect(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A file anywhere; it is only looked at.")],
    table: Annotated[
        str | None, typer.Option("--table", metavar="TABLE", help="Hold it against this table.", autocompletion=_tables)
    ] = None,
    new: Annotated[
        str | None, typer.Option("--new", metavar="NAME", help="Draft SECTOR_HOME/dialects/NAME.toml for it.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show what a file would become, column by column, before it is landed; or draft a dialect for it."""
    with guarded(as_json):
        from orchestration import dialect_report as report

        settings, path = settings_or_exit(), Path(file)
        if new is not None:
            from orchestration.dialect_draft import write_draft

            draft = write_draft(settings, path, new, table)
            if as_json:
                answer_json({"path": str(draft.path), "table": draft.table, "questions": list(draft.open_questions)})
            else:
                answer(f"{draft.path}: a draft for {draft.table}")
                answer(f"to be answered: {', '.join(draft.open_questions) or 'nothing, but every line is a guess'}")
                say("read it, mend it, say confirmed = true; then look again: sector dialect FILE")
            return
        sheets = report.examine(settings, path, table)
        if as_json:
            answer_json({"file": str(path), "sheets": [sheet.as_json() for sheet in sheets]})
        else:
            report.show(sheets, path, out)


@app.command(short_help="Show how a figure came about.")
def explain(
    mart: Annotated[str, typer.Argument(metavar="MART", help="A mart, such as fct_etf_daily.", autocompletion=_marts)],
    words: Annotated[
        list[str],
        typer.Argument(metavar="KEY... COLUMN", help="The row's key in the order of its grain, then the column."),
    ],
    release: Annotated[
        str | None,
        typer.Option("--release", metavar="ID", help="Another than the current one.", autocompletion=_release_ids),
    ] = None,
    rows: Annotated[int, typer.Option(min=0, help="Rows shown of each raw table.")] = 12,
    as_json: AsJson = False,
) -> None:
    """Show how a figure came about: formula, raw rows with file and line, what would change it."""
    with guarded(as_json):
        from orchestration import explain as reasons

        settings = settings_or_exit()
        found = reasons.explain(settings, reasons.find_release(settings, release), mart, words)
        if as_json:
            answer_json(reasons.document(found))
        else:
            reasons.show(found, out, rows)


@app.command(short_help="Run the gate without publishing.")
def check(
    explain: Annotated[bool, typer.Option("--explain", help="What each check protects from; runs nothing.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="Passed checks too, a line each.")] = False,
    as_json: AsJson = False,
) -> None:
    """Run the gate over the present build without publishing it: what was found beside what is allowed."""
    with guarded(as_json):
        from orchestration import check_report as gate

        settings = settings_or_exit()
        if explain:
            lines = gate.explanations()
            if as_json:
                answer_json({"checks": [asdict(line) for line in lines]})
            else:
                gate.show_explanations(lines, out)
            return
        from orchestration.locking import run_lock

        with run_lock(settings.lock):
            report = gate.check(settings)
        if as_json:
            answer_json(gate.document(report))
        else:
            gate.show(report, out, everything)
        raise typer.Exit(0 if report.passed else REFUSED)


@app.command()
def releases(
    pin: Annotated[
        str | None,
        typer.Option("--pin", metavar="ID", help="Keep it whatever retention says.", autocompletion=_release_ids),
    ] = None,
    unpin: Annotated[
        str | None,
        typer.Option("--unpin", metavar="ID", help="Leave it to retention again.", autocompletion=_release_ids),
    ] = None,
    diff: Annotated[
        tuple[str, str] | None,
        typer.Option("--diff", metavar="OLD NEW", help="Rows and figures that differ; `current` is an id, too."),
    ] = None,
    mart: Annotated[
        str | None, typer.Option("--mart", metavar="MART", help="With --diff: this mart alone.", autocompletion=_marts)
    ] = None,
    limit: Annotated[int, typer.Option(min=0, help="With --diff: rows shown of each mart and kind.")] = 5,
    as_json: AsJson = False,
) -> None:
    """List the releases, newest first; pin one; compare two."""
    with guarded(as_json):
        from orchestration import status as facts

        if sum(option is not None for option in (pin, unpin, diff)) > 1:
            raise WrongCallError("--pin, --unpin and --diff are three calls: give one of them")
        if mart is not None and diff is None:
            raise WrongCallError("--mart belongs to --diff OLD NEW")
        settings = settings_or_exit()
        if pin is not None or unpin is not None:
            document = facts.pin(settings, pin) if pin is not None else facts.unpin(settings, str(unpin))
            if as_json:
                answer_json(document)
            else:
                state = "is pinned: it stays until --unpin" if document["pinned"] else "is left to retention"
                answer(f"release {document['release_id']} {state}")
            return
        if diff is not None:
            from orchestration import difference_report as report

            compared = report.examine(settings, *diff, mart, limit)
            if as_json:
                answer_json(compared.as_json())
            else:
                report.show(compared, out)
            return
        rows = facts.releases(settings)
        if as_json:
            answer_json({"releases": rows})
        else:
            facts.print_releases(rows, out)


@app.command(short_help="Show what is in trouble; test the alerts.")
def alerts(
    test: Annotated[bool, typer.Option("--test", help="Send a test message to every channel that is set.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show what is in trouble, what was, and what could not be told yet. Exit 1 when a test was not delivered."""
    with guarded(as_json):
        from orchestration.alerts import showing

        settings = settings_or_exit()
        if not test:
            document = showing.document(settings)
            if as_json:
                answer_json(document)
            else:
                showing.show(document, out)
            return
        from orchestration.alerts.telling import try_channels

        tried = try_channels(settings)
        if not tried:
            raise WrongCallError(showing.NO_CHANNEL)
        if as_json:
            answer_json({"channels": [{"channel": name, "failure": failure or None} for name, failure in tried]})
        else:
            for name, failure in tried:
                answer(f"{name:10} {f'not delivered: {failure}' if failure else 'delivered'}")
        raise typer.Exit(1 if any(failure for _, failure in tried) else 0)


@app.command()
def rollback(
    release_id: Annotated[
        str, typer.Argument(metavar="ID", help="As `sector releases` lists it.", autocompletion=_release_ids)
    ],
    as_json: AsJson = False,
) -> None:
    """Make an earlier release current."""
    with guarded(as_json):
        from orchestration import status as facts

        document = facts.roll_back(settings_or_exit(), release_id)
        if as_json:
            answer_json(document)
        else:
            answer(f"release {document['release_id']} is current (as of {document['as_of']})")


@app.command(short_help="Find what is wrong and say the cure.")
def doctor(as_json: AsJson = False) -> None:
    """Check the set-up: versions, paths, permissions, calendar horizon, disk, stale locks."""
    with guarded(as_json):
        from orchestration import doctor as clinic

        findings = clinic.examine(settings_or_exit(any_home=True))
        if as_json:
            answer_json({"healthy": clinic.is_healthy(findings), "checks": [finding.as_json() for finding in findings]})
        else:
            clinic.print_findings(findings, out)
        raise typer.Exit(0 if clinic.is_healthy(findings) else WRONG)


@app.command(short_help="Open the Dagster UI on this SECTOR_HOME.")
def ui(
    port: Annotated[int, typer.Option(min=1, max=65535)] = 3000,
    host: Annotated[str, typer.Option(help="Loopback by default: the UI has no login.")] = "127.0.0.1",
    exposed: Annotated[bool, typer.Option("--exposed", help="Let other machines reach a --host of theirs.")] = False,
) -> None:
    """Open the Dagster UI on this SECTOR_HOME, with its schedules, sensors and pages (until interrupted)."""
    with guarded(False):
        from orchestration.instance import REFRESH_PAGE, is_loopback, serve

        settings = settings_or_exit()
        if not exposed and not is_loopback(host):
            raise WrongCallError(
                f"--host {host}: the UI has no login, whoever reaches it can start, stop and read everything; from "
                f"elsewhere use `ssh -L {port}:127.0.0.1:{port}`, or add --exposed behind a proxy that asks who comes"
            )
        say(f"http://{host}:{port} (SECTOR_HOME={settings.home})")
        say(f"daily refresh: Materialize all on http://{host}:{port}{REFRESH_PAGE}")
        serve(settings, host, port)


def _terminated(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def main(arguments: list[str] | None = None) -> None:
    """Entry point ``sector``."""
    signal.signal(signal.SIGTERM, _terminated)
    app(arguments)


if __name__ == "__main__":
    main()
