"""What raw holds of each trading session, and the backfill of sessions that it lacks.

One asset per raw market table, a partition per session, any range in one run: the providers of the table are asked for
the whole span, what they land is read, and every session of the span tells its rows. The ordinary run reads whatever
lies in ``landing/`` whole and is no part of this; these assets are no part of it.
"""

import datetime as dt
import warnings
from collections.abc import Iterator, Sequence

import dagster as dg
from pydantic import Field

from orchestration.assets.raw import accounting, raw_key
from orchestration.coverage import Session, sessions_in
from orchestration.families import family_of_table, owner
from orchestration.fetching import fetch, masked, nothing_to_ask, question
from orchestration.ingest import ingest_table
from orchestration.links import quarantine
from orchestration.locking import BusyError, run_lock
from orchestration.partitions import MARKET_TABLES, Market
from orchestration.providers import datasets
from orchestration.providers.delivery import Dataset, RefusedError
from orchestration.refresh import utc_now
from orchestration.settings import Settings

ROWS, ANSWERS = "every_session_has_rows", "providers_answered"

CHECKS = {
    ROWS: "Raw holds rows of every session of the span that was last looked at.",
    ANSWERS: "Every provider that was asked for the span delivered.",
}

SHOWN_DAYS = 10


class Backfill(dg.Config):
    """``ask``: whether providers are asked; without, sessions are read and counted as they lie here. ``datasets``: who
    is asked, such as ``tushare.fund_daily``; empty: all that schedules ask for the table and that can be asked here."""

    ask: bool = True
    datasets: list[str] = Field(default_factory=list)


def sessions_key(table: str) -> dg.AssetKey:
    """Asset key of a raw table's sessions."""
    return dg.AssetKey(["sessions", table])


def sessions_asset(table: str, partitions: dg.PartitionsDefinition, settings: Settings) -> dg.AssetsDefinition:
    """The sessions of one raw table."""

    @dg.asset(
        key=sessions_key(table),
        deps=[raw_key(table)],
        partitions_def=partitions,
        backfill_policy=dg.BackfillPolicy.single_run(),
        group_name="sessions",
        kinds={"parquet"},
        owners=[owner(family_of_table(table))],
        metadata={"quarantine": quarantine(settings, table)},
        description=f"What raw/{table} holds of each trading session. A backfill asks the table's providers for the "
        "whole span in one run, reads what they land, and counts; it asks nobody with `ask: false`. No part of the "
        "daily refresh, which is the job `refresh`: choose these apart from others, Dagster runs both in no one run.",
        check_specs=[
            dg.AssetCheckSpec(name, asset=sessions_key(table), description=text) for name, text in CHECKS.items()
        ],
        required_resource_keys={"transport"},
    )
    def sessions(
        context: dg.AssetExecutionContext, config: Backfill
    ) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
        days = [dt.date.fromisoformat(key) for key in context.partition_keys]
        answers = _ask(context, settings, table, days, config) if config.ask else {}
        asked = ", ".join(f"{name}: {outcome}" for name, (outcome, _) in answers.items()) or "nobody"
        read = _read(context, settings, table)
        held = {session.day: session for session in sessions_in(settings, table, days[0], days[-1])}
        for day in days:
            context.add_asset_metadata(session_metadata(held.get(day)), partition_key=day.isoformat())
        yield dg.MaterializeResult(metadata={"asked": asked, **read})
        yield rows_check(table, days, set(held))
        yield _answers_check(table, answers)

    return sessions


def session_metadata(session: Session | None) -> dict[str, dg.MetadataValue]:
    """Counts of a session, which the UI draws over the sessions. None: raw holds nothing of it."""
    if session is None:
        return {"rows": dg.MetadataValue.int(0), "restatements": dg.MetadataValue.int(0)}
    return {
        "rows": dg.MetadataValue.int(session.rows),
        "restatements": dg.MetadataValue.int(session.versions - session.rows),
        "files": dg.MetadataValue.int(session.files),
        "dialects": dg.MetadataValue.text(", ".join(session.feeds)),
        "read_at": dg.MetadataValue.timestamp(session.read_at),
    }


def rows_check(table: str, days: Sequence[dt.date], held: set[dt.date]) -> dg.AssetCheckResult:
    """Whether raw holds rows of all ``days``; a warning that names those it lacks."""
    lacking = [day for day in days if day not in held]
    named = ", ".join(day.isoformat() for day in lacking[:SHOWN_DAYS])
    more = f" and {len(lacking) - SHOWN_DAYS} more" if len(lacking) > SHOWN_DAYS else ""
    span = f"{len(days)} session{'s' if len(days) != 1 else ''} from {days[0]} to {days[-1]}"
    return dg.AssetCheckResult(
        asset_key=sessions_key(table),
        check_name=ROWS,
        passed=not lacking,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"no row of {named}{more}" if lacking else f"rows of all {span}",
        metadata={"sessions": len(days), "without_rows": len(lacking)},
    )


def _chosen(table: str, names: Sequence[str]) -> list[Dataset]:
    """The datasets of those names, or all scheduled ones of the table. Raises ``dg.Failure`` for a name unknown."""
    able = {dataset.key: dataset for dataset in datasets() if table in dataset.tables}
    if unknown := [name for name in names if name not in able]:
        raise dg.Failure(f"{unknown[0]!r} delivers no {table}: expected one of {', '.join(able)}", allow_retries=False)
    return [able[name] for name in names] or [dataset for dataset in able.values() if dataset.scheduled]


def _ask(
    context: dg.AssetExecutionContext, settings: Settings, table: str, days: Sequence[dt.date], config: Backfill
) -> dict[str, tuple[str, str]]:
    """Outcome and words of each dataset that was asked for the span; ``skipped`` are those that cannot be asked here.

    One that fails does not keep the others from being asked.
    """
    answers: dict[str, tuple[str, str]] = {}
    for dataset in _chosen(table, config.datasets):
        try:
            wanted = question(settings, dataset, since=days[0], until=days[-1])
            why = dataset.missing() or nothing_to_ask(dataset, wanted)
            if why is not None and not config.datasets:
                answers[dataset.key] = ("skipped", why)
                continue
            receipt = fetch(settings, dataset, wanted, context.resources.transport)
            words = receipt.message or f"{receipt.rows:,} rows, {receipt.new_files} new files"
            answers[dataset.key] = (receipt.outcome, words)
        except (RefusedError, BusyError, ValueError) as error:
            answers[dataset.key] = ("failed", masked(str(error), settings.secrets))
        context.log.info(f"{dataset.key}: {': '.join(answers[dataset.key])}")
    return answers


def _read(context: dg.AssetExecutionContext, settings: Settings, table: str) -> dict[str, str]:
    """Read what has landed for the table, unless a run is doing so: the lock is held for no longer than this."""
    try:
        with run_lock(settings.lock):
            report = ingest_table(settings, table, utc_now())
    except BusyError as error:
        context.log.warning(f"what landed is left for the next run: {error}")
        return {"left_for_the_next_run": str(error)}
    counts = ", ".join(f"{name.removeprefix('rows_')} {value.value:,}" for name, value in accounting(report).items())
    return {"read_by_this_run": counts}


def _answers(answers: dict[str, tuple[str, str]]) -> str:
    return "\n".join(f"- {name}: {outcome}: {words}" for name, (outcome, words) in answers.items()) or "nobody"


def _answers_check(table: str, answers: dict[str, tuple[str, str]]) -> dg.AssetCheckResult:
    failed = {name: words for name, (outcome, words) in answers.items() if outcome == "failed"}
    return dg.AssetCheckResult(
        asset_key=sessions_key(table),
        check_name=ANSWERS,
        passed=not failed,
        severity=dg.AssetCheckSeverity.WARN,
        description="; ".join(failed.values())
        or f"{sum(outcome != 'skipped' for outcome, _ in answers.values())} were asked",
        metadata={"asked": dg.MetadataValue.md(_answers(answers))},
    )


def sessions_assets(
    partitions: dict[Market, dg.TimeWindowPartitionsDefinition], settings: Settings
) -> list[dg.AssetsDefinition]:
    """An asset for every raw market table."""
    with warnings.catch_warnings():
        # backfill policies are beta, and say so five times in the log of whoever starts the UI
        warnings.simplefilter("ignore", dg.BetaWarning)
        return [sessions_asset(table, partitions[market], settings) for table, market in MARKET_TABLES.items()]
