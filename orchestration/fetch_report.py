"""What `sector fetch` does and shows: which datasets, one after another, what came of each.

Belongs here: choosing by name, the order, words and exit codes. Does not belong here: fetching one dataset
(``fetching``), judging what came (``silence``).
"""

from __future__ import annotations

import datetime as dt
import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from orchestration import silence
from orchestration.fetching import fetch, nothing_to_ask_about, question
from orchestration.locking import BusyError
from orchestration.moments import write_short
from orchestration.providers import datasets
from orchestration.providers.delivery import Dataset, RefusedError
from orchestration.providers.transport import Transport
from orchestration.receipts import FetchedFile, Receipt, Receipts
from orchestration.settings import Settings

FAILED = 1


@dataclass(frozen=True)
class Asked:
    """What was given on the command line; empty: the dataset's and the settings' own."""

    since: dt.date | None = None
    until: dt.date | None = None
    etfs: tuple[str, ...] = ()
    indices: tuple[str, ...] = ()
    securities: tuple[str, ...] = ()
    concepts: tuple[str, ...] = ()
    file: Path | None = None


@dataclass
class Fetched:
    """What a call came to. ``skipped``: datasets that cannot be asked here, with the reason."""

    receipts: list[Receipt] = field(default_factory=list)
    verdicts: dict[str, list[silence.Verdict]] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)

    @property
    def code(self) -> int:
        """Exit code: 1 when a fetch failed or lost something, else 0."""
        lost = any(verdict.state == "lost" for found in self.verdicts.values() for verdict in found)
        return FAILED if lost or any(receipt.outcome == "failed" for receipt in self.receipts) else 0

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "fetches": [
                {**receipt.as_json(), "checks": [verdict.as_json() for verdict in self.verdicts[receipt.key]]}
                for receipt in self.receipts
            ],
            "skipped": [{"dataset": key, "reason": reason} for key, reason in self.skipped.items()],
        }


def choose(names: Sequence[str]) -> tuple[list[Dataset], bool]:
    """The datasets of these names (``provider`` or ``provider.dataset``), and whether they were named one by one.

    None given: everything that is scheduled. Raises ``ValueError`` for a name that nothing has.
    """
    everything = datasets()
    if not names:
        return [dataset for dataset in everything if dataset.scheduled], False
    chosen: dict[str, Dataset] = {}
    for name in names:
        found = [d for d in everything if d.key == name or (d.provider == name and d.scheduled)]
        if not found:
            known = [*(d.key for d in everything), *{d.provider for d in everything}]
            near = difflib.get_close_matches(name, known, 3, 0.5)
            hint = f": did you mean {', '.join(near)}?" if near else ""
            raise ValueError(f"no provider or dataset is called {name!r}{hint} `sector fetch --list` shows them")
        chosen.update({dataset.key: dataset for dataset in found})
    return list(chosen.values()), all("." in name for name in names)


def require_reader(chosen: Sequence[Dataset], file: Path | None) -> None:
    """Raise ``ValueError`` when a file is given and not the one dataset that is to read it."""
    if file is not None and not (len(chosen) == 1 and chosen[0].reads_file):
        readers = ", ".join(dataset.key for dataset in datasets() if dataset.reads_file)
        raise ValueError(f"--from belongs to one dataset that reads a file: sector fetch {readers} --from {file}")


def run(
    settings: Settings,
    chosen: Sequence[Dataset],
    must: bool,
    asked: Asked,
    transport: Transport,
    heard: Callable[[Dataset, FetchedFile], None],
    done: Callable[[Dataset, Receipt | None, Sequence[silence.Verdict]], None],
) -> Fetched:
    """Fetch one dataset after another. ``must``: one that cannot be asked here is an error, not skipped.

    ``heard`` is told of every landed file, ``done`` of every dataset (without receipt when it was skipped). Raises
    ``RefusedError`` or ``BusyError`` when ``must`` is broken, ``RefusedError`` when nothing at all can be asked.
    """
    found = Fetched()
    for dataset in chosen:
        wanted = question(
            settings,
            dataset,
            since=asked.since,
            until=asked.until,
            etfs=asked.etfs,
            indices=asked.indices,
            securities=asked.securities,
            concepts=asked.concepts,
            file=asked.file,
        )
        try:
            receipt = fetch(settings, dataset, wanted, transport, partial(heard, dataset))
        except (RefusedError, BusyError) as error:
            if must:
                raise
            found.skipped[dataset.key] = str(error)
            done(dataset, None, ())
            continue
        history = [r for r in history_of(settings, dataset) if r.fetch_id != receipt.fetch_id]
        found.receipts.append(receipt)
        found.verdicts[dataset.key] = silence.judge(receipt, history)
        done(dataset, receipt, found.verdicts[dataset.key])
    if not found.receipts:
        reasons = "; ".join(dict.fromkeys(found.skipped.values()))
        raise RefusedError(f"nothing can be asked here: {reasons}")
    return found


def history_of(settings: Settings, dataset: Dataset) -> list[Receipt]:
    """The last receipts of a dataset, newest first."""
    return Receipts(settings.ledger).of(dataset.provider, dataset.name, silence.MOST_HISTORY + 1)


# -------------------------------------------------------------------- words


def outcome_line(receipt: Receipt) -> str:
    """A receipt in one line."""
    if receipt.outcome == "failed":
        return f"{receipt.key}: {receipt.trouble}: {receipt.message}"
    span = str(receipt.until) if receipt.since == receipt.until else f"{receipt.since} to {receipt.until}"
    files = f"{receipt.pages} answer{'s' if receipt.pages != 1 else ''}"
    return f"{receipt.key}: {receipt.rows:,} rows in {files}, {receipt.new_files} new, {span}"


def listing(settings: Settings) -> list[dict[str, Any]]:
    """Every dataset: what it fills, what it asks about, whether it can be asked here, and its last fetch."""
    rows = []
    for dataset in datasets():
        last = next(iter(Receipts(settings.ledger).of(dataset.provider, dataset.name, 1)), None)
        wanted = question(settings, dataset)
        lacking = [nothing_to_ask_about(dataset, need) for need in dataset.needs if not getattr(wanted, need)]
        reason = dataset.missing() or ("; ".join(lacking) or None)
        rows.append(
            {
                "dataset": dataset.key,
                "tables": list(dataset.tables),
                "description": dataset.description,
                "needs": list(dataset.needs),
                "look_back_days": dataset.look_back_days,
                "scheduled": dataset.scheduled,
                "can_be_asked": reason is None,
                "reason": reason,
                "last_fetch": None
                if last is None
                else {"started_at": last.started_at.isoformat(), "outcome": last.outcome, "rows": last.rows},
            }
        )
    return rows


def print_listing(rows: Sequence[dict[str, Any]], console: Console) -> None:
    """The list for people."""
    table = Table(box=None, pad_edge=False, header_style="bold", show_edge=False)
    for column in ("dataset", "tables", "can be asked here", "last fetch", "what"):
        table.add_column(column, overflow="fold")
    for row in rows:
        last = row["last_fetch"]
        when = f"{write_short(dt.datetime.fromisoformat(last['started_at']))[:16]} {last['outcome']}" if last else ""
        table.add_row(
            row["dataset"],
            ", ".join(row["tables"]),
            "yes" if row["can_be_asked"] else f"no: {row['reason']}",
            when,
            row["description"] if row["scheduled"] else f"{row['description']} On demand.",
        )
    console.print(table, markup=False)
