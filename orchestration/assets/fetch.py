"""One asset per dataset of a provider: asks it, lands the answer; and the checks of silence on what came.

Nobody is asked by surprise: these assets are no part of the refresh, and in a run that makes other assets too
("materialize all") they skip themselves. A dataset that has nothing to ask about skips itself as well. Raw tables name
these assets as their dependencies for lineage, but no run of the warehouse waits for them: a provider that fails leaves
what landed before, and people may drop files beside it.
"""

import datetime as dt
from collections.abc import Iterator, Sequence
from pathlib import Path

import dagster as dg
from pydantic import Field

from orchestration import silence
from orchestration.families import family_of_table, owner
from orchestration.fetching import fetch, masked, nothing_to_ask, question
from orchestration.providers import datasets
from orchestration.providers.delivery import Dataset, RefusedError, Wanted
from orchestration.receipts import Receipt, Receipts
from orchestration.settings import Settings

SHOWN_FILES = 20
SHOWN_BYTES = 600

RETRIES = dg.RetryPolicy(max_retries=2, delay=300, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.FULL)
"""Beside the transport's own repetitions within a minute or two: a provider that is down comes back in some."""

WORTH_ANOTHER = frozenset({"throttled", "unavailable", "malformed"})


class Question(dg.Config):
    """What to ask for. Empty: the dataset's look-back to today, the watch lists, changes since the last cursor.
    ``file``: path of an answer that lies here already, for datasets that read one."""

    since: str | None = None
    until: str | None = None
    etfs: list[str] = Field(default_factory=list)
    indices: list[str] = Field(default_factory=list)
    securities: list[str] = Field(default_factory=list)
    concepts: list[str] = Field(default_factory=list)
    file: str | None = None


def fetch_key(dataset: Dataset) -> dg.AssetKey:
    """Asset key of a dataset."""
    return dg.AssetKey(["fetch", dataset.provider, dataset.name])


def fetch_group(provider: str) -> str:
    """Asset group, and name of the job, of a provider."""
    return f"fetch_{provider}"


def fetched_tables() -> dict[str, list[dg.AssetKey]]:
    """Assets that land files for each raw table."""
    found: dict[str, list[dg.AssetKey]] = {}
    for dataset in datasets():
        for table in dataset.tables:
            found.setdefault(table, []).append(fetch_key(dataset))
    return found


def fetch_asset(dataset: Dataset, settings: Settings, retries: dg.RetryPolicy = RETRIES) -> dg.AssetsDefinition:
    """The asset of one dataset, with its five checks."""
    key = fetch_key(dataset)
    folders = ", ".join(f"landing/{table}/" for table in dataset.tables)

    @dg.multi_asset(
        name=f"fetch_{dataset.provider}_{dataset.name}",
        specs=[
            dg.AssetSpec(
                key,
                group_name=fetch_group(dataset.provider),
                kinds={"python"},
                description=f"{dataset.description.rstrip('.')}. Lands in {folders}.",
                owners=[owner(family_of_table(dataset.tables[0]))],
                skippable=True,
            )
        ],
        check_specs=[
            dg.AssetCheckSpec(check, asset=key, description=silence.DESCRIPTIONS[check]) for check in silence.CHECKS
        ],
        required_resource_keys={"transport"},
        retry_policy=retries,
        # a check without history gives no verdict at all
        can_subset=True,
    )
    def asset(
        context: dg.AssetExecutionContext, config: Question
    ) -> Iterator[dg.AssetCheckResult | dg.MaterializeResult]:
        try:
            wanted = _wanted(settings, dataset, config)
            if (why := _reason_to_skip(context, dataset, wanted, config)) is not None:
                context.log.warning(f"skipped: {why}")
                context.log_event(dg.AssetObservation(key, description=why, metadata={"skipped": why}))
                return
            receipt = fetch(settings, dataset, wanted, context.resources.transport)
        except (RefusedError, ValueError) as error:
            # no token, no codes, no such day: asking again does not help
            raise dg.Failure(str(error), allow_retries=False) from None
        history = [
            old
            for old in Receipts(settings.ledger).of(dataset.provider, dataset.name, silence.MOST_HISTORY + 1)
            if old.fetch_id != receipt.fetch_id
        ]
        verdicts = silence.judge(receipt, history)
        for verdict in verdicts:
            if verdict.state == "unjudged":
                context.log.info(f"{verdict.check}: no verdict: {verdict.message}")
            elif (key, verdict.check) in {(k.asset_key, k.name) for k in context.selected_asset_check_keys}:
                yield check_result(key, verdict)
        if receipt.outcome == "failed":
            raise dg.Failure(
                receipt.message, metadata=metadata(receipt, verdicts), allow_retries=receipt.trouble in WORTH_ANOTHER
            )
        if key in context.selected_asset_keys:
            yield dg.MaterializeResult(
                asset_key=key, metadata={**metadata(receipt, verdicts), "beginning": _beginning(settings, receipt)}
            )

    return asset


def _reason_to_skip(
    context: dg.AssetExecutionContext, dataset: Dataset, wanted: Wanted, config: Question
) -> str | None:
    """Why this run does not ask: it is about other assets, or there is nothing to ask about. What was asked by name,
    with a configuration, is not skipped: it fails with the reason."""
    others = [key for key in context.job_def.asset_layer.executable_asset_keys if key.path[0] != "fetch"]
    if others:
        return "providers are asked by runs of their own: materialize this asset without others, or start its job"
    return nothing_to_ask(dataset, wanted) if dataset.missing() is None and config == Question() else None


def _wanted(settings: Settings, dataset: Dataset, config: Question) -> Wanted:
    def day(text: str | None) -> dt.date | None:
        return dt.date.fromisoformat(text) if text else None

    return question(
        settings,
        dataset,
        since=day(config.since),
        until=day(config.until),
        etfs=config.etfs,
        indices=config.indices,
        securities=config.securities,
        concepts=config.concepts,
        file=Path(config.file) if config.file else None,
    )


def check_result(key: dg.AssetKey, verdict: silence.Verdict) -> dg.AssetCheckResult:
    """A verdict as Dagster shows it: a warning, an error where data is lost; neither blocks anything."""
    return dg.AssetCheckResult(
        asset_key=key,
        check_name=verdict.check,
        passed=not verdict.is_finding,
        severity=dg.AssetCheckSeverity.ERROR if verdict.state == "lost" else dg.AssetCheckSeverity.WARN,
        description=verdict.message,
    )


def metadata(receipt: Receipt, verdicts: Sequence[silence.Verdict]) -> dict[str, dg.MetadataValue]:
    """The receipt and the verdicts on it."""
    return {
        "outcome": dg.MetadataValue.text(receipt.outcome),
        "rows": dg.MetadataValue.int(receipt.rows),
        "pages": dg.MetadataValue.int(receipt.pages),
        "new_files": dg.MetadataValue.int(receipt.new_files),
        "asked": dg.MetadataValue.json(receipt.question),
        "client_version": dg.MetadataValue.text(receipt.client_version),
        "files": dg.MetadataValue.md(_file_table(receipt)),
        "control": dg.MetadataValue.text("" if receipt.control is None else receipt.control.name),
        "checks": dg.MetadataValue.md("\n".join(f"- {v.check}: {v.state}: {v.message}" for v in verdicts)),
    }


def _file_table(receipt: Receipt) -> str:
    head = ["| asked | page | rows | told in all | file | new |", "|---|---:|---:|---:|---|---|"]
    rows = [
        f"| {file.asked} | {file.page} | {file.rows:,} | {'' if file.total is None else f'{file.total:,}'} "
        f"| {file.name} | {'yes' if file.is_new else 'no'} |"
        for file in receipt.files[:SHOWN_FILES]
    ]
    more = len(receipt.files) - SHOWN_FILES
    return "\n".join([*head, *rows, *([f"\nand {more} more"] if more > 0 else [])])


def _beginning(settings: Settings, receipt: Receipt) -> dg.MetadataValue:
    """The first words of the first answer, if it is text. Landed bytes stay as they came, what is shown has no key."""
    first = next((file for file in receipt.files if file.rows), None)
    if first is None:
        return dg.MetadataValue.text("")
    with (settings.landing / first.name).open("rb") as handle:
        content = handle.read(SHOWN_BYTES)
    if b"\0" in content or content.startswith((b"PK", b"\xd0\xcf", b"\x1f\x8b")):
        return dg.MetadataValue.text(f"{first.name}: not a text")
    return dg.MetadataValue.md(f"```\n{masked(content.decode('utf-8', 'replace'), settings.secrets)}\n```")


def fetch_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """An asset for every dataset of every provider."""
    return [fetch_asset(dataset, settings) for dataset in datasets()]
