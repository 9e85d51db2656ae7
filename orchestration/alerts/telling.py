"""After a run: see what is wrong, write the messages, send what has not been sent.

Belongs here: which kinds a run can judge, the words of a message, the order of sending. Call these under the run lock.
Nothing here may fail a run: what goes wrong is said on ``progress`` and tried again by the next run.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from orchestration.alerts import finding
from orchestration.alerts.channels import Channel, NotDeliveredError, configured
from orchestration.alerts.troubles import Event, Kind, KnownTrouble, Text, Trouble, Troubles, Write
from orchestration.messages import one_line
from orchestration.moments import MARKET_ZONE, write_moment, write_short
from orchestration.settings import Settings

if TYPE_CHECKING:
    from orchestration.locking import Owner
    from orchestration.refresh import Outcome, Progress, Refresh

MOST_NAMED = 5
"""Files that one message names, where many of a folder are held for one reason."""

ATTEMPTS = 2
PAUSE_SECONDS = 1.0


def after_steps(run: Refresh, succeeded: bool) -> None:
    """Tell of a run whose steps have ended; ``succeeded``: none of them failed."""
    from orchestration.refresh import conclude

    try:
        outcome, code = conclude(run, succeeded)
    except Exception as error:  # noqa: BLE001 (whoever reports the run meets it again)
        after_break(run.settings, one_line(error, run.settings.home), run.progress)
    else:
        after_run(run, outcome, code)


def after_run(run: Refresh, outcome: Outcome, code: int) -> None:
    """Tell of a run that ended with ``outcome`` and exit ``code``. One as of a past moment judges files alone."""
    if not run.is_of_now or not outcome.message or (code == 0 and not outcome.published and not run.found_nothing_new):
        # a past moment, some of the assets, an interruption: the files that were read are all it can judge
        _look(run.settings, [], [], run.progress)
    elif code == 2:
        _look(run.settings, ["failed run"], [finding.failed_run(outcome.message, run.settings)], run.progress)
    elif code == 1:
        found = [finding.refused_release(outcome.checks_failed, run.settings)]
        _look(run.settings, ["failed run", "refused release"], found, run.progress)
    elif not outcome.published:
        after_idle(run.settings, run.progress)
    else:
        _look(run.settings, ["failed run", "refused release"], _carried(outcome), run.progress)


def after_idle(settings: Settings, progress: Progress) -> None:
    """Tell of a look that found nothing new: what was carried over before still is, and time has passed."""
    _look(settings, ["failed run", "refused release"], [], progress, stays=finding.is_about_a_family)


def after_break(settings: Settings, message: str, progress: Progress) -> None:
    """Tell of a run that broke before it could say what it came to."""
    _look(settings, ["failed run"], [finding.failed_run(message, settings)], progress)


def after_death(settings: Settings, owner: Owner, progress: Progress) -> None:
    """Tell of the run before, whose process died: nobody else could."""
    message = f"process {owner.pid} died in a run that began {write_short(owner.since)}: killed, or out of memory"
    after_break(settings, message, progress)


def _carried(outcome: Outcome) -> list[Trouble]:
    families = {family["family"]: family for family in outcome.carried_over}
    return [
        finding.carried_family(
            name,
            family["reason"],
            dt.datetime.fromisoformat(family["as_of"]),
            [check for check in outcome.checks_failed if check["mart"].rsplit(".", 1)[-1] in family["tables"]],
        )
        for name, family in families.items()
    ]


def _look(
    settings: Settings,
    judged: Sequence[Kind],
    found: Sequence[Trouble],
    progress: Progress,
    stays: Callable[[Trouble], bool] = lambda _: False,
) -> None:
    """Take in what a run judged and what the ledger and the clock say; then send. ``stays``: open troubles that do."""
    from orchestration.market_days import market_days
    from orchestration.refresh import current_or_lost, utc_now

    try:
        now = utc_now()
        store, channels = Troubles(settings.ledger), configured(settings)
        known = [each.trouble for each in store.open_troubles()]
        everything: list[Kind] = [*judged, "held batch"]
        seen = [*found, *filter(stays, known), *finding.held_batches(settings, now, known)]
        current = current_or_lost(settings)
        # past the horizon of the calendars nobody can say what is due: runs break there, and that is told
        if current is not None and now.astimezone(MARKET_ZONE).date() <= market_days(settings).horizon:
            everything.append("stale family")
            seen += finding.stale_families(settings, current, now)
        if known or seen or store.unsent():
            store.see(everything, seen, now, [channel.name for channel in channels], writer(settings))
            deliver(store, channels, settings, progress)
    except Exception as error:  # noqa: BLE001 (a run is not undone because nobody could be told)
        progress(f"warning: alerts: {one_line(error, settings.home)}")


# -------------------------------------------------------------------- words


def writer(settings: Settings) -> Write:
    """``troubles.Write`` for this warehouse: one message for a trouble, one for many files held in a folder alike, one
    for the families that got stale together."""

    def write(event: Event, troubles: Sequence[KnownTrouble]) -> list[tuple[Sequence[KnownTrouble], Text]]:
        ordered = sorted(troubles, key=lambda each: (_together(each.trouble), each.trouble_id))
        groups = [list(group) for _, group in groupby(ordered, key=lambda each: _together(each.trouble))]
        return [(group, words(event, group, settings)) for group in groups]

    return write


def _together(trouble: Trouble) -> tuple[str, ...]:
    if trouble.kind == "held batch":
        return trouble.kind, trouble.subject.rpartition("/")[0], trouble.reason
    return (trouble.kind,) if trouble.kind == "stale family" else trouble.identity


def words(event: Event, troubles: Sequence[KnownTrouble], settings: Settings) -> Text:
    """One message about ``troubles``: more than one are stale families, or files held in one folder for one reason."""
    trouble = troubles[0].trouble
    subjects = [each.trouble.subject for each in troubles]
    if len(troubles) == 1:
        what, lines = trouble.subject, _about(event, troubles[0])
    elif trouble.kind == "held batch":
        what = f"{len(troubles)} files of landing/{_together(trouble)[1]}"
        more = [f"and {len(troubles) - MOST_NAMED} more"] if len(troubles) > MOST_NAMED else []
        lines = [*subjects[:MOST_NAMED], *more, *_about(event, troubles[0])]
    else:
        what = ", ".join(subjects)
        lines = [line for each in troubles for line in (each.trouble.subject, *_about(event, each))]
    over = "over: " if event == "over" else ""
    return Text(f"sector: {over}{trouble.kind}: {what}", "\n".join([*lines, f"warehouse {settings.home}"]))


def _about(event: Event, known: KnownTrouble) -> list[str]:
    trouble = known.trouble
    if event == "trouble":
        return [f"cause: {trouble.cause}", f"cure: {trouble.cure}", f"since {write_short(known.opened_at)}"]
    lines = [f"it was: {trouble.cause}", f"it lasted from {write_short(known.opened_at)}"]
    if trouble.kind == "held batch":
        lines.append("later files of the folder are read, or it was taken away; what it held is not read from it")
    return lines


# ------------------------------------------------------------------ sending


def deliver(store: Troubles, channels: Sequence[Channel], settings: Settings, progress: Progress) -> None:
    """Send what has not been sent, in order. A channel that does not take a message gets no further one this time."""
    from orchestration.refresh import utc_now

    for channel in channels:
        for message in store.unsent(channel.name):
            try:
                send(channel, message.text, message.event)
            except NotDeliveredError as error:
                failure = covered(str(error), settings)
                store.not_sent(message, failure)
                waiting = len(store.unsent(channel.name))
                progress(f"warning: {channel.name} took no alert: {failure}; {waiting} waiting for the next run")
                break
            store.sent(message, utc_now())
            progress(f"told {channel.name}: {message.text.title}")


def send(channel: Channel, text: Text, event: str) -> None:
    """Send one message, once more where that may help. Raises ``NotDeliveredError``."""
    from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_fixed

    def is_passing(error: BaseException) -> bool:
        return isinstance(error, NotDeliveredError) and error.is_passing

    Retrying(
        retry=retry_if_exception(is_passing),
        stop=stop_after_attempt(ATTEMPTS),
        wait=wait_fixed(PAUSE_SECONDS),
        reraise=True,
    )(channel.send, text, event)


def try_channels(settings: Settings) -> list[tuple[str, str]]:
    """Send a test message to every channel: its name, and why it did not take it ("" when it did)."""
    from orchestration.refresh import utc_now

    text = Text("sector: test of the alerts", f"sent {write_moment(utc_now())}\nwarehouse {settings.home}")
    found = []
    for channel in configured(settings):
        try:
            send(channel, text, "test")
            found.append((channel.name, ""))
        except NotDeliveredError as error:
            found.append((channel.name, covered(str(error), settings)))
    return found


def covered(text: str, settings: Settings) -> str:
    """``text`` without any secret of the settings."""
    for secret in filter(None, settings.secrets):
        text = text.replace(secret, "***")
    return text
