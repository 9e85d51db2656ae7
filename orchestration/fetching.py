"""From a question to landed files and a receipt: asks a dataset, lands each answer atomically, notes what came.

Belongs here: landing and its names, the lock of a dataset, what a question is made of (span, watch lists, cursor), how
failures end up in the receipt. Does not belong here: any provider (``providers``), what the bytes mean (``dialects``,
``ingest``), whether the answer is plausible (``silence``). Knows no Dagster.

A crash at any point loses nothing: a landed file without a receipt is read by the next run all the same, and the next
fetch, asking again, finds its bytes in place.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import logging
import re
import shutil
import traceback
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path, PurePosixPath
from typing import Any

from filelock import FileLock, Timeout

from orchestration.contracts import TABLES
from orchestration.durable import make_folder, sync
from orchestration.ingest import Ledger
from orchestration.ingest.files import format_of, is_ignored
from orchestration.locking import BusyError
from orchestration.moments import MARKET_ZONE
from orchestration.providers.delivery import (
    ControlTotal,
    Dataset,
    Delivery,
    MalformedError,
    ProviderError,
    RefusedError,
    ThrottledError,
    UnavailableError,
    Wanted,
)
from orchestration.providers.transport import Limits, Transport
from orchestration.receipts import Control, FetchedFile, Outcome, Receipt, Receipts, Trouble
from orchestration.refresh import utc_now
from orchestration.settings import REQUESTS_PER_MINUTE, Settings

log = logging.getLogger(__name__)

Heard = Callable[[FetchedFile], None]

NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9._+\-\u3400-\u4dbf\u4e00-\u9fff]")
"""What a landed name does not keep: everything but letters, digits, a few signs and Chinese characters."""

MASK = "***"

_TROUBLES: tuple[tuple[type[ProviderError], Trouble], ...] = (
    (RefusedError, "refused"),
    (ThrottledError, "throttled"),
    (UnavailableError, "unavailable"),
    (MalformedError, "malformed"),
)


def open_transport(settings: Settings) -> Transport:
    """The client for all providers, with the pace and patience that the settings ask for."""
    return Transport(
        settings.base_urls,
        Limits(
            requests_per_minute={**REQUESTS_PER_MINUTE, **settings.requests_per_minute},
            connect_seconds=settings.fetch_connect_seconds,
            silence_seconds=settings.fetch_silence_seconds,
            total_seconds=settings.fetch_total_seconds,
            attempts=settings.fetch_attempts,
        ),
        spool=settings.fetching,
    )


# ----------------------------------------------------------------- question


def question(
    settings: Settings,
    dataset: Dataset,
    *,
    since: dt.date | None = None,
    until: dt.date | None = None,
    etfs: Sequence[str] = (),
    indices: Sequence[str] = (),
    securities: Sequence[str] = (),
    concepts: Sequence[str] = (),
    file: Path | None = None,
    now: dt.datetime | None = None,
) -> Wanted:
    """What a fetch asks for: the span and codes given, else the dataset's look-back to today and the watch lists.

    Where securities are needed and none are watched, the members of the indices asked about stand in. Without a span,
    a dataset that follows changes is asked from its last cursor on, less its overlap, and a fetch that was cut short
    goes on where it stopped. Raises ``ValueError`` for a span that ends before it begins.
    """
    today = (now or utc_now()).astimezone(MARKET_ZONE).date()
    last = until or today
    first = since or last - dt.timedelta(days=dataset.look_back_days)
    if first > last:
        raise ValueError(f"the span ends before it begins: since {first}, until {last}")
    follows = since is None and until is None
    about = tuple(indices) or settings.watched_indices
    known = tuple(securities) or settings.watch_securities
    wanted = Wanted(
        since=first,
        until=last,
        etfs=tuple(etfs) or settings.watched_etfs,
        indices=about,
        securities=known or (members(settings, about) if "securities" in dataset.needs else ()),
        concepts=tuple(concepts) or settings.watch_concepts,
        updated_since=_cursor_less_overlap(settings, dataset) if follows else None,
        file=file,
    )
    token = _unfinished(settings, dataset, wanted)
    return wanted if token is None else Wanted(**{**_plain(wanted), "resume": token})


def members(settings: Settings, indices: Sequence[str]) -> tuple[str, ...]:
    """Securities in the latest set of each index that raw holds, sorted; none before weights have been read."""
    files = Ledger(settings.ledger).raw_files().get("index_weights", [])
    if not files or not indices:
        return ()
    import duckdb

    with duckdb.connect(":memory:") as con:
        rows = con.execute(
            "select distinct security_code from (select index_code, security_code, weight_date, max(weight_date) over "
            "(partition by index_code) as latest from read_parquet(?) where list_contains(?, index_code)) "
            "where weight_date = latest order by security_code",
            [[str(path) for path in files], list(indices)],
        ).fetchall()
    return tuple(code for (code,) in rows)


def _plain(wanted: Wanted) -> dict[str, Any]:
    return {field.name: getattr(wanted, field.name) for field in fields(wanted)}


def _cursor_less_overlap(settings: Settings, dataset: Dataset) -> dt.datetime | None:
    cursor = Receipts(settings.ledger).last_cursor(dataset.provider, dataset.name)
    return None if cursor is None else cursor - dataset.cursor_overlap


def _unfinished(settings: Settings, dataset: Dataset, wanted: Wanted) -> str | None:
    """The word for going on, when the last fetch asked for the same codes and was cut short behind a delivery."""
    latest = next(iter(Receipts(settings.ledger).of(dataset.provider, dataset.name, 1)), None)
    if latest is None or latest.outcome not in ("running", "failed") or not latest.files:
        return None
    moving = {"since", "until", "updated_since"}
    same = {k: v for k, v in latest.question.items() if k not in moving} == {
        k: v for k, v in asked_for(wanted).items() if k not in moving
    }
    return latest.files[-1].resume if same else None


def asked_for(wanted: Wanted) -> dict[str, Any]:
    """A question as plain values, for its receipt: without ``resume``, empty lists left out."""
    plain = {name: value for name, value in _plain(wanted).items() if name != "resume" and value not in ((), None)}
    return {name: _plain_value(value) for name, value in plain.items()}


def _plain_value(value: Any) -> Any:
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, Path):
        return str(value)
    return value.isoformat() if hasattr(value, "isoformat") else value


def require_askable(dataset: Dataset, wanted: Wanted) -> None:
    """Raise ``RefusedError`` when the dataset cannot be asked here, or not so: the message says what to do."""
    if wanted.file is not None and not dataset.reads_file:
        raise RefusedError(f"{dataset.key} reads no file: leave --from out")
    # who has the answer already needs no key
    if wanted.file is None and (why := dataset.missing()) is not None:
        raise RefusedError(why)
    if (why := nothing_to_ask(dataset, wanted)) is not None:
        raise RefusedError(why)


def nothing_to_ask(dataset: Dataset, wanted: Wanted) -> str | None:
    """Why there is nothing to ask about, now or with these codes, as a sentence that says what to do."""
    for need in dataset.needs:
        if not getattr(wanted, need):
            return nothing_to_ask_about(dataset, need)
    why = dataset.unfit(wanted)
    return None if why is None else f"{dataset.key} {why}"


def nothing_to_ask_about(dataset: Dataset, need: str) -> str:
    """What to do when a dataset needs codes and there are none."""
    members = ", or land index_weights so that their members are known" if need == "securities" else ""
    return f"{dataset.key} has to be asked about {need}: set SECTOR_WATCH_{need.upper()}{members}"


# -------------------------------------------------------------------- fetch


def fetch(
    settings: Settings,
    dataset: Dataset,
    wanted: Wanted,
    transport: Transport,
    heard: Heard | None = None,
    clock: Callable[[], dt.datetime] = utc_now,
) -> Receipt:
    """Ask ``dataset``, land every answer, give the receipt. ``heard`` is told of each landed file.

    A provider that fails, and a reader that stumbles over its answer, end in a receipt that says so; what landed
    before stays. Raises ``RefusedError`` when the dataset cannot be asked at all (no receipt then), ``BusyError`` when
    another process fetches it, ``OSError`` when landing cannot be written.
    """
    require_askable(dataset, wanted)
    with _alone(settings, dataset):
        receipts = Receipts(settings.ledger)
        began = clock()
        receipt = Receipt(
            fetch_id=f"{began.astimezone(dt.UTC):%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:8]}",
            provider=dataset.provider,
            dataset=dataset.name,
            started_at=began,
            ended_at=None,
            question=asked_for(wanted),
            since=wanted.since,
            until=wanted.until,
            client_version=dataset.client_version(),
            outcome="running",
            session_market=dataset.session_market,
        )
        receipts.begin(receipt)
        rows, trouble, message = 0, None, None
        try:
            number = 0
            for delivery in _answers(dataset, transport, wanted, settings):
                if isinstance(delivery, ControlTotal):
                    receipts.add_control(
                        receipt.fetch_id, keep(settings.receipts, dataset.provider, delivery, receipt.fetch_id)
                    )
                    continue
                number += 1
                file = land(settings.landing, dataset.provider, delivery, began)
                cursor = delivery.cursor if _follows_changes(dataset, wanted, began) else None
                receipts.add(receipt.fetch_id, number, file, cursor)
                rows += file.rows
                if heard is not None:
                    heard(file)
        except ProviderError as error:
            trouble, message = _trouble_of(error), masked(str(error), settings.secrets)
        except BaseException as error:
            words = "interrupted" if isinstance(error, KeyboardInterrupt) else masked(str(error), settings.secrets)
            receipts.end(receipt.fetch_id, clock(), "failed", "interrupted", words)
            raise
        outcome: Outcome = "failed" if trouble else "delivered" if rows else "empty"
        receipts.end(receipt.fetch_id, clock(), outcome, trouble, message)
        return receipts.get(receipt.fetch_id)


class BrokenError(ProviderError):
    """A provider's reader of ours that stumbled over what came, instead of saying what is wrong with it."""


def _answers(
    dataset: Dataset, transport: Transport, wanted: Wanted, settings: Settings
) -> Iterator[Delivery | ControlTotal]:
    """The answers of a dataset. Whatever goes wrong while they are asked and read is a ``ProviderError``."""
    try:
        for delivery in dataset.deliver(transport, wanted):
            if isinstance(delivery, Delivery):
                landed_name(delivery.table, dataset.provider, delivery.name)
            yield delivery
    except ProviderError:
        raise
    except Exception as error:  # noqa: BLE001 (one dataset's bug must leave a receipt and let the others go on)
        log.error("%s: %s", dataset.key, masked(traceback.format_exc(), settings.secrets))
        raise BrokenError(f"{dataset.key}: the answer cannot be read: {type(error).__name__}: {error}") from None


def _follows_changes(dataset: Dataset, wanted: Wanted, now: dt.datetime) -> bool:
    """Whether the answers reach up to now from where the last ones ended: only then may the cursor move."""
    today = now.astimezone(MARKET_ZONE).date()
    everything = wanted.since <= today - dt.timedelta(days=dataset.look_back_days) and wanted.until >= today
    return wanted.updated_since is not None or everything


def _trouble_of(error: ProviderError) -> Trouble:
    return next((word for kind, word in _TROUBLES if isinstance(error, kind)), "broken")


def masked(text: str, secrets: Sequence[str]) -> str:
    """``text`` with every secret covered."""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, MASK)
    return text


@contextmanager
def _alone(settings: Settings, dataset: Dataset) -> Iterator[None]:
    """One fetch of a dataset at a time, over all processes."""
    settings.fetching.mkdir(parents=True, exist_ok=True)
    lock = FileLock(settings.fetching / f"{dataset.key}.lock", timeout=0, thread_local=False)
    try:
        lock.acquire()
    except Timeout:
        raise BusyError(
            f"another fetch of {dataset.key} is in progress: wait for it to end, then fetch again"
        ) from None
    try:
        yield
    finally:
        lock.release()


# ------------------------------------------------------------------ landing


def land(landing: Path, provider: str, delivery: Delivery, fetched_at: dt.datetime) -> FetchedFile:
    """Put an answer under ``landing/<table>/<provider>/``, whole or not at all, and never over another file.

    An answer without a record is not kept (its ``name`` is empty): it may be a throttled one, and a run would have to
    refuse what has no header. The same bytes under the same name are nothing new. Other bytes get the moment of the
    fetch into their name (``a.json`` -> ``a-fetched20250424193000000000.json``, market time), in a form in which no
    code and no date is found (``ingest.names``). Raises ``ValueError`` for a name that no run would read.
    """
    relative = landed_name(delivery.table, provider, delivery.name)
    target = landing / relative
    size, digest = _identity(delivery.content)
    is_kept = delivery.rows > 0
    is_new = is_kept and not any(_holds(path, size, digest) for path in (target, *_other_prints(target)))
    if is_new:
        make_folder(target.parent)
        if target.exists():
            moment = fetched_at.astimezone(MARKET_ZONE)
            ending = format_of(target.name) or ""
            target = target.with_name(f"{target.name[: -len(ending)]}-fetched{moment:%Y%m%d%H%M%S%f}{ending}")
        _put(target, delivery.content)
    return FetchedFile(
        table=delivery.table,
        name=target.relative_to(landing).as_posix() if is_kept else "",
        is_new=is_new,
        sha256=digest,
        bytes=size,
        rows=delivery.rows,
        asked=delivery.asked,
        page=delivery.page,
        total=delivery.total,
        repeated=delivery.repeated,
        day=delivery.day,
        columns=delivery.columns,
        resume=delivery.resume,
    )


def landed_name(table: str, provider: str, name: str) -> PurePosixPath:
    """Path under ``landing/`` for a delivery's name. Raises ``ValueError`` saying what is wrong with it."""
    if table not in TABLES:
        raise ValueError(f"{provider} delivers {name!r} for {table!r}, which is no table: expected one of {TABLES}")
    given = PurePosixPath(name)
    if given.is_absolute() or "\\" in name or not given.parts or ".." in given.parts:
        raise ValueError(f"{provider} names a delivery {name!r}: expected a path below landing/{table}/{provider}/")
    parts = [NOT_IN_NAMES.sub("_", part) for part in given.parts]
    if any(is_ignored(part) for part in parts) or format_of(parts[-1]) is None:
        raise ValueError(f"{provider} names a delivery {name!r}, which no run would read: give it a known ending")
    return PurePosixPath(table, provider, *parts)


def _other_prints(target: Path) -> list[Path]:
    ending = format_of(target.name) or ""
    stem = target.name[: -len(ending)]
    return sorted(target.parent.glob(f"{stem}-fetched*{ending}")) if target.parent.is_dir() else []


def _identity(content: bytes | Path) -> tuple[int, str]:
    """Size and sha256 (R14)."""
    if isinstance(content, bytes):
        return len(content), hashlib.sha256(content).hexdigest()
    with content.open("rb") as handle:
        return content.stat().st_size, hashlib.file_digest(handle, "sha256").hexdigest()


def _holds(path: Path, size: int, digest: str) -> bool:
    return path.is_file() and path.stat().st_size == size and _identity(path)[1] == digest


def keep(receipts: Path, provider: str, control: ControlTotal, fetch_id: str) -> Control:
    """Put a control total beside the receipts, one for each fetch. Its name is ours alone and passes as it is."""
    name = PurePosixPath(provider, control.name)
    target = receipts / name.with_name(f"{name.stem}-{fetch_id}{name.suffix}")
    if control.rows:
        target.parent.mkdir(parents=True, exist_ok=True)
        _put(target, control.content)
    return Control(
        name=target.relative_to(receipts).as_posix() if control.rows else "",
        sha256=_identity(control.content)[1],
        rows=control.rows,
        asked=control.asked,
        compared=control.compared,
        missing=control.missing,
        surplus=control.surplus,
        failed=control.failed,
    )


def _put(target: Path, content: bytes | Path) -> None:
    """Write (a file: move) beside the target under a name that no run reads, make durable, rename, make the name
    durable."""
    unfinished = target.with_name(f".{target.name}.part")
    if isinstance(content, Path):
        # a landing folder on another disk makes it a copy
        shutil.move(content, unfinished)
    else:
        unfinished.write_bytes(content)
    sync(unfinished)
    unfinished.rename(target)
    sync(target.parent)
