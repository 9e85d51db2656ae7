"""Silence is not success: an answer that came without an error may still be no answer. Five checks, each on its own.

Over the receipt of a fetch and those before it:

- ``empty_on_session``: nothing came about a day on which the market was open.
- ``pages``: the pages of an answer do not add up to what the provider says it has, or repeat each other.
- ``row_count``: far from the median of the answers before.
- ``columns``: a column set that was never seen before.
- ``control_total``: fewer or more came than the provider counts in another list of its own.

Row counts and columns also over files that people drop, by table, dialect and folder. Without history there is no
verdict, and that is said too. Belongs here: judging and wording. Does not belong here: refusing rows (contracts),
refusing releases (expectations). Findings warn; ``lost`` marks those by which data is missing or will be NULL.
"""

from __future__ import annotations

import datetime as dt
import posixpath
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any, Literal

from expectations.gate import CheckResult
from orchestration.calendars import SOUTHBOUND_INTERSECTION_FROM, sessions
from orchestration.ingest.ledger import Ledger
from orchestration.moments import MARKET_ZONE
from orchestration.receipts import FetchedFile, Receipt, Receipts
from orchestration.settings import Settings

Check = Literal["empty_on_session", "pages", "row_count", "columns", "control_total"]
State = Literal["passed", "unjudged", "warning", "lost"]

CHECKS: tuple[Check, ...] = ("empty_on_session", "pages", "row_count", "columns", "control_total")

DESCRIPTIONS: dict[Check, str] = {
    "empty_on_session": "Something came about every day on which the market was open.",
    "pages": "The pages of every answer add up to what the provider says it has; none repeats another.",
    "row_count": "As many rows came as of late.",
    "columns": "The answer has columns that were seen before.",
    "control_total": "As much came as the provider counts in another list of its own.",
}

GATES: dict[Check, str] = {
    "empty_on_session": "G11",
    "pages": "G3",
    "row_count": "G3",
    "columns": "G10",
    "control_total": "G3",
}
"""Gate of the field (``expectations.gates``) that each stands for."""

LATEST_PUBLICATION = dt.time(22, 0)
"""Market time from which a session's own figures are all out (net asset values come last; contracts, etf_nav)."""

LEAST_HISTORY = 5
MOST_HISTORY = 20
"""Answers that a median stands on: a week of sessions at least, a month at most, so that a market that grows does."""

DAY_LIMITS = (0.97, 1.5)
"""Rows of one day of a whole market over the median: a market does not lose three funds in a hundred from one day to
the next (domain notes 1.1), and what grows by half holds something twice."""

SPAN_LIMITS = (0.5, 2.0)
"""Rows per session and question over the median: holidays and new listings move it by tenths, a page or code that is
missing for good halves it."""

CHANGES_LIMITS = (0.1, 10.0)
"""Rows per day where the provider tells of events (visits, changed rounds): their number swings by a factor of three
to five between quiet and busy weeks, so only a factor of ten says something."""

DROPPED_LIMITS = (0.5, 100.0)
"""Rows per file that a person drops: less than half is a cut export or a correction; years at once are ordinary."""


REMEMBERED = dt.timedelta(days=40)
"""Findings on deliveries older than a month and a bit have been seen: they leave releases and status."""

STREAM_HISTORY = dt.timedelta(days=400)
"""Dropped files older than a year and a bit say nothing about those of today."""


@dataclass(frozen=True)
class Verdict:
    """One check on one dataset (``tushare.fund_daily``) or stream of files (``etf_bars/daily [canonical]``)."""

    check: Check
    subject: str
    table: str
    state: State
    message: str

    @property
    def is_finding(self) -> bool:
        return self.state in ("warning", "lost")

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


@dataclass(frozen=True)
class Stream:
    """Files of one table, dialect and folder: (moment of reading, rows, columns) of each, oldest first."""

    table: str
    dialect: str
    folder: str
    files: tuple[tuple[dt.datetime, int, tuple[str, ...]], ...]

    @property
    def subject(self) -> str:
        return f"{self.folder} [{self.dialect}]"


# ----------------------------------------------------------------- receipts


def judge(receipt: Receipt, earlier: Sequence[Receipt]) -> list[Verdict]:
    """The five verdicts on a receipt. ``earlier``: receipts of the same dataset from before it, newest first."""
    return [
        empty_on_session(receipt),
        pages(receipt),
        row_count(receipt, earlier),
        columns(receipt, earlier),
        control_total(receipt),
    ]


def _verdict(receipt: Receipt, check: Check, state: State, message: str) -> Verdict:
    table = receipt.files[0].table if receipt.files else ""
    return Verdict(check, receipt.key, table, state, message)


def sessions_of(market: str, first: dt.date, last: dt.date) -> list[dt.date]:
    """Sessions of ``SZSE``, ``HK`` or ``SOUTHBOUND`` from ``first`` to ``last``; none past the calendars' horizon."""
    days = set(sessions("XHKG" if market == "HK" else "XSHG").sessions)
    if market == "SOUTHBOUND":
        days = {day for day in days & set(sessions("XHKG").sessions) if day >= SOUTHBOUND_INTERSECTION_FROM}
    return sorted(day for day in days if first <= day <= last)


def _last_day_told(receipt: Receipt) -> dt.date:
    """The last day whose figures were out when the fetch began."""
    began = receipt.started_at.astimezone(MARKET_ZONE)
    return began.date() if began.time() >= LATEST_PUBLICATION else began.date() - dt.timedelta(days=1)


def empty_on_session(receipt: Receipt) -> Verdict:
    """Whether something came about every open day that was asked about, as far as its figures must have been out."""
    check: Check = "empty_on_session"
    if receipt.session_market is None:
        return _verdict(receipt, check, "unjudged", "days without a record are ordinary here")
    open_days = sessions_of(receipt.session_market, receipt.since, min(receipt.until, _last_day_told(receipt)))
    if not open_days:
        return _verdict(receipt, check, "unjudged", "no session in the span whose figures must be out")
    empty = [file for file in receipt.files if file.rows == 0 and file.page == 1]
    silent = [f"{file.day} ({file.asked})" for file in empty if file.day in open_days]
    silent += [f"{_days(open_days)} ({file.asked})" for file in empty if file.day is None]
    if not receipt.files and receipt.outcome != "failed":
        silent.append(_days(open_days))
    if silent:
        market = {"SZSE": "Shenzhen", "HK": "Hong Kong", "SOUTHBOUND": "southbound trading"}[receipt.session_market]
        return _verdict(
            receipt,
            check,
            "warning",
            f"{receipt.key}: no record about {'; '.join(silent[:5])}{_more(silent, 5)}, though {market} was open: "
            "the provider may be throttling; fetch again later",
        )
    return _verdict(receipt, check, "passed", f"{len(open_days)} sessions asked about, none without a record")


def _days(days: Sequence[dt.date]) -> str:
    return str(days[0]) if len(days) == 1 else f"{len(days)} sessions from {days[0]} to {days[-1]}"


def _more(items: Sequence[object], shown: int) -> str:
    return f" and {len(items) - shown} more" if len(items) > shown else ""


def answers(files: Iterable[FetchedFile]) -> list[list[FetchedFile]]:
    """The pages of each answer: a first page begins one."""
    found: list[list[FetchedFile]] = []
    for file in files:
        if file.page == 1 or not found:
            found.append([])
        found[-1].append(file)
    return found


def pages(receipt: Receipt) -> Verdict:
    """Whether the pages of every answer add up, without gap and without repetition."""
    lost: list[str] = []
    more: list[str] = []
    compared = 0
    for answer in answers(receipt.files):
        asked, rows = answer[0].asked, sum(file.rows for file in answer)
        total = next((file.total for file in reversed(answer) if file.total is not None), None)
        repeating = [file for file in answer if file.repeated]
        numbers = [file.page for file in answer]
        compared += total is not None or len(answer) > 1
        if numbers != list(range(1, len(numbers) + 1)) and answer[0].page == 1:
            lost.append(f"{asked}: pages {', '.join(map(str, numbers))} came, one is missing")
        if repeating:
            first = repeating[0]
            lost.append(
                f"{asked}: page {first.page} repeats {first.repeated} record(s) of earlier pages: "
                "the list moved while it was read, others may be missing"
            )
        if total is not None and rows - sum(file.repeated for file in answer) < total and answer[0].page == 1:
            lost.append(
                f"{asked}: {rows:,} of {total:,} records on {len(answer)} page(s): {total - rows:,} did not come"
                if rows < total
                else f"{asked}: {total:,} records are told of, {rows:,} came with repetitions among them"
            )
        elif total is not None and rows > total and not repeating and receipt.cursor is None:
            # a list of changes is read while it grows, and overlaps by design
            more.append(f"{asked}: {rows:,} records came, {total:,} are told of: the list grew while it was read")
    if lost or more:
        said = [*lost, *more]
        state: State = "lost" if lost else "warning"
        listing = "; ".join(said[:5])
        return _verdict(receipt, "pages", state, f"{receipt.key}: {listing}{_more(said, 5)}; fetch again")
    if not compared:
        return _verdict(receipt, "pages", "unjudged", "answers of one page, of which no total is told")
    return _verdict(receipt, "pages", "passed", f"{compared} answers add up")


def row_count(receipt: Receipt, earlier: Sequence[Receipt]) -> Verdict:
    """Whether as many rows came as of late: by day where an answer is about one, else per session and question."""
    past = [old for old in earlier if old.outcome == "delivered"][:MOST_HISTORY]
    by_day = _rows_by_day(receipt)
    if receipt.session_market is not None and by_day:
        return _day_counts(receipt, by_day, past)
    limits = SPAN_LIMITS if receipt.session_market is not None else CHANGES_LIMITS
    if len(past) < LEAST_HISTORY:
        return _no_history(receipt, "row_count", len(past))
    if receipt.outcome == "failed" or not receipt.rows:
        return _verdict(receipt, "row_count", "unjudged", "no whole answer to count")
    if receipt.session_market is None:
        # A whole history comes, or a list of today, whatever the span: then only an answer's length can be compared.
        length, usual = _length(receipt), median(_length(old) for old in past)
        if limits[0] * usual <= length <= limits[1] * usual:
            return _counted(receipt, "row_count", length, usual, limits, "rows per question", len(past))
    usual = median(_pace(old) for old in past)
    return _counted(receipt, "row_count", _pace(receipt), usual, limits, _pace_words(receipt), len(past))


def _rows_by_day(receipt: Receipt) -> dict[dt.date, int]:
    found: dict[dt.date, int] = {}
    for file in receipt.files:
        if file.day is not None:
            found[file.day] = found.get(file.day, 0) + file.rows - file.repeated
    return found


def _day_counts(receipt: Receipt, by_day: dict[dt.date, int], past: Sequence[Receipt]) -> Verdict:
    known: dict[dt.date, int] = {}
    for old in reversed(past):
        known.update(_rows_by_day(old))
    known.update(by_day)
    counted = [day for day in sorted(known) if known[day]]
    judged, findings = 0, []
    for day in sorted(by_day):
        before = [known[other] for other in counted if other < day][-MOST_HISTORY:]
        if not by_day[day] or len(before) < LEAST_HISTORY:
            continue
        judged += 1
        usual, (low, high) = median(before), DAY_LIMITS
        if not low * usual <= by_day[day] <= high * usual:
            findings.append(f"{by_day[day]:,} rows about {day}, usual are {usual:,.0f}")
    if findings:
        low, high = DAY_LIMITS
        listing = "; ".join(findings[:5]) + _more(findings, 5)
        return _verdict(
            receipt,
            "row_count",
            "warning",
            f"{receipt.key}: {listing} (allowed: {low:g} to {high:g} times the median of the days before): "
            "part of the list may be missing or twice there; fetch again",
        )
    if not judged:
        return _no_history(receipt, "row_count", len(counted))
    return _verdict(receipt, "row_count", "passed", f"{judged} days with as many rows as usual")


def _pace(receipt: Receipt) -> float:
    """Rows per session (or day, where sessions do not matter) and question."""
    first = receipt.since
    if receipt.question.get("updated_since"):
        first = dt.datetime.fromisoformat(receipt.question["updated_since"]).astimezone(MARKET_ZONE).date()
    days = (receipt.until - first).days + 1
    if receipt.session_market is not None:
        days = len(sessions_of(receipt.session_market, receipt.since, receipt.until))
    return receipt.rows / max(days, 1) / max(len(answers(receipt.files)), 1)


def _length(receipt: Receipt) -> float:
    """Rows per question, however long the span."""
    return receipt.rows / max(len(answers(receipt.files)), 1)


def _pace_words(receipt: Receipt) -> str:
    return "rows per session and question" if receipt.session_market is not None else "rows per day and question"


def _counted(
    receipt: Receipt, check: Check, found: float, usual: float, limits: tuple[float, float], words: str, history: int
) -> Verdict:
    low, high = limits
    if low * usual <= found <= high * usual:
        return _verdict(receipt, check, "passed", f"{found:,.1f} {words}, usual are {usual:,.1f}")
    return _verdict(
        receipt,
        check,
        "warning",
        f"{receipt.key}: {found:,.1f} {words}, the median of the last {history} fetches is {usual:,.1f} "
        f"(allowed: {low:g} to {high:g} times it): see what was asked, fetch again",
    )


def columns(receipt: Receipt, earlier: Sequence[Receipt]) -> Verdict:
    """Whether every answer has columns that were seen before, by table."""
    state: State = "passed"
    findings: list[str] = []
    judged = False
    for table in dict.fromkeys(file.table for file in receipt.files):
        seen = [file.columns for file in receipt.files if file.table == table and file.columns]
        known = [f.columns for old in reversed(earlier) for f in old.files if f.table == table and f.columns]
        if not seen or not known:
            continue
        judged = True
        for gone, added in _changes(seen, known):
            findings.append(f"{table}: {_column_words(gone, added)}")
            state = "lost" if gone or state == "lost" else "warning"
    if findings:
        return _verdict(
            receipt, "columns", state, f"{receipt.key}: {'; '.join(findings)}: see whether it is still read"
        )
    if not judged:
        return _no_history(receipt, "columns", 0)
    return _verdict(receipt, "columns", "passed", "the columns of before")


def _changes(seen: Sequence[tuple[str, ...]], known: Sequence[tuple[str, ...]]) -> list[tuple[list[str], list[str]]]:
    """For each column set of ``seen`` that ``known`` has not (order does not matter): names gone, names added.

    The last known set is what it is held against.
    """
    before = {frozenset(names) for names in known}
    last = known[-1]
    changes = []
    for names in dict.fromkeys(seen):
        if frozenset(names) not in before:
            gone = [name for name in last if name not in names]
            changes.append((gone, [name for name in names if name not in last]))
    return changes


def _column_words(gone: Sequence[str], added: Sequence[str]) -> str:
    words = [f"columns gone: {', '.join(gone)}"] if gone else []
    return "; ".join([*words, f"columns added: {', '.join(added)}"] if added else words)


def control_total(receipt: Receipt) -> Verdict:
    """Whether the answer holds what the provider counts of it elsewhere."""
    check: Check = "control_total"
    control = receipt.control
    if control is None:
        return _verdict(receipt, check, "unjudged", "nothing to hold the answer against")
    again = f"fetch again: sector fetch {receipt.key} --since {receipt.since} --until {receipt.until}"
    if control.failed is not None:
        return _verdict(
            receipt, check, "warning", f"{receipt.key}: what it is held against did not come: {control.failed}; {again}"
        )
    said = [*control.missing, *control.surplus]
    if said:
        state: State = "lost" if control.missing else "warning"
        listing = "; ".join(said[:5])
        return _verdict(receipt, check, state, f"{receipt.key}: {listing}{_more(said, 5)}; {again}")
    if not control.compared:
        return _verdict(receipt, check, "unjudged", f"nothing came, and nothing is counted by {control.asked}")
    return _verdict(receipt, check, "passed", f"{control.compared} as counted by {control.asked}")


def _no_history(receipt: Receipt, check: Check, count: int) -> Verdict:
    return _verdict(receipt, check, "unjudged", f"no verdict yet: history of {count}")


# ------------------------------------------------------------ dropped files


def judge_stream(stream: Stream) -> list[Verdict]:
    """Row count and columns of the files that were read last, held against those read before them."""
    latest = max(moment for moment, _, _ in stream.files)
    new = [(rows, names) for moment, rows, names in stream.files if moment == latest]
    old = [(rows, names) for moment, rows, names in stream.files if moment < latest]
    return [_stream_rows(stream, new, old), _stream_columns(stream, new, old)]


def _stream_verdict(stream: Stream, check: Check, state: State, message: str) -> Verdict:
    return Verdict(check, stream.subject, stream.table, state, message)


Counted = Sequence[tuple[int, tuple[str, ...]]]


def _stream_rows(stream: Stream, new: Counted, old: Counted) -> Verdict:
    history = [rows for rows, _ in old if rows][-MOST_HISTORY:]
    if len(history) < LEAST_HISTORY:
        return _stream_verdict(stream, "row_count", "unjudged", f"no verdict yet: history of {len(history)}")
    usual, (low, high) = median(history), DROPPED_LIMITS
    odd = [rows for rows, _ in new if not low * usual <= rows <= high * usual]
    if odd:
        return _stream_verdict(
            stream,
            "row_count",
            "warning",
            f"{stream.subject}: {', '.join(f'{rows:,}' for rows in odd[:5])}{_more(odd, 5)} rows in a file, the median "
            f"of the last {len(history)} is {usual:,.0f} (allowed: {low:g} to {high:g} times it): unless it is a "
            "correction, the file may be cut",
        )
    return _stream_verdict(stream, "row_count", "passed", f"{len(new)} files with as many rows as usual")


def _stream_columns(stream: Stream, new: Counted, old: Counted) -> Verdict:
    seen = [names for _, names in new if names]
    known = [names for _, names in old if names]
    if not seen or not known:
        return _stream_verdict(stream, "columns", "unjudged", "no verdict yet: no columns known from before")
    changes = _changes(seen, known)
    if changes:
        words = "; ".join(_column_words(gone, added) for gone, added in changes)
        state: State = "lost" if any(gone for gone, _ in changes) else "warning"
        return _stream_verdict(stream, "columns", state, f"{stream.subject}: {words}: see whether all is still read")
    return _stream_verdict(stream, "columns", "passed", "the columns of before")


# ------------------------------------------------------------------ history


def streams(settings: Settings, until: dt.datetime) -> list[Stream]:
    """Files that people dropped, by table, dialect and folder, as far as they were read in the year before ``until``.

    What lies in a provider's folder is judged by its receipts.
    """
    providers = sorted({provider for provider, _ in Receipts(settings.ledger).fetched()})
    found: dict[tuple[str, str, str], list[tuple[dt.datetime, int, tuple[str, ...]]]] = {}
    for table, dialect, file, moment, rows, names in Ledger(settings.ledger).read_between(
        until - STREAM_HISTORY, until, providers
    ):
        folder = posixpath.dirname(file.partition("!")[0])
        found.setdefault((table, dialect, folder), []).append((moment, rows, names))
    return [Stream(*key, tuple(sorted(files, key=lambda file: file[0]))) for key, files in sorted(found.items())]


def as_checks(findings: Iterable[Verdict]) -> list[CheckResult]:
    """Findings as warnings of the gate, and one passed check when something was judged and nothing found."""
    judged = [verdict for verdict in findings if verdict.state != "unjudged"]
    found = [verdict for verdict in judged if verdict.is_finding]
    results = [
        CheckResult(
            check_name=f"delivery_{verdict.check}",
            mart=f"raw.{verdict.table}" if verdict.table else "raw",
            severity="warning",
            owner="landing",
            reason=verdict.message,
            passed=False,
            observed=verdict.subject,
            limit=DESCRIPTIONS[verdict.check],
            unexpected_rows=1,
            sample=[verdict.as_json()],
            gate=GATES[verdict.check],
        )
        for verdict in found
    ]
    if judged and not found:
        subjects = len({verdict.subject for verdict in judged})
        results.append(
            CheckResult(
                check_name="deliveries",
                mart="raw",
                severity="warning",
                owner="landing",
                reason="What was fetched or dropped last is held against what came before.",
                passed=True,
                observed=f"{subjects} deliveries as usual",
                limit="nothing to report",
            )
        )
    return results


def verdicts(settings: Settings, until: dt.datetime | None = None) -> list[Verdict]:
    """The verdicts on the last fetch of every dataset and the last files of every stream, as of ``until`` (now), as
    far as they are not older than ``REMEMBERED``."""
    until = until or dt.datetime.now(dt.UTC)
    receipts = Receipts(settings.ledger)
    found: list[Verdict] = []
    for provider, dataset in receipts.fetched():
        history = [
            receipt
            for receipt in receipts.of(provider, dataset, MOST_HISTORY + 1, until)
            if receipt.outcome != "running"
        ]
        if history and history[0].started_at >= until - REMEMBERED:
            found += judge(history[0], history[1:])
    for stream in streams(settings, until):
        if stream.files[-1][0] >= until - REMEMBERED:
            found += judge_stream(stream)
    return found
