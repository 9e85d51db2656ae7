"""What `sector alerts` shows: the troubles that are open, those that ended last, and messages that nobody took yet."""

from __future__ import annotations

import datetime as dt
from typing import Any

from rich.console import Console

from orchestration.alerts.channels import configured
from orchestration.alerts.troubles import Troubles
from orchestration.layout import paragraph
from orchestration.moments import write_short
from orchestration.settings import Settings

ENDED = 10

NO_CHANNEL = (
    "nobody is told: set SECTOR_ALERT_SLACK_URL, SECTOR_ALERT_FEISHU_URL or SECTOR_ALERT_DINGTALK_URL, "
    "or alert_mail_to or alert_file in sector.toml"
)


def document(settings: Settings) -> dict[str, Any]:
    """``channels``: names of those that are set; ``open``, ``ended``, ``unsent``: as they are kept."""
    store = Troubles(settings.ledger)
    return {
        "channels": [channel.name for channel in configured(settings)],
        "open": [trouble.as_json() for trouble in store.open_troubles()],
        "ended": [trouble.as_json() for trouble in store.closed(ENDED)],
        "unsent": [message.as_json() for message in store.unsent()],
    }


def show(found: dict[str, Any], console: Console) -> None:
    """The document for people."""
    channels = ", ".join(found["channels"])
    paragraph(console, f"told to: {channels}" if channels else NO_CHANNEL)
    if not found["open"]:
        console.print("no trouble is open", markup=False)
    for trouble in found["open"]:
        console.print(f"\n{trouble['kind']}: {trouble['subject']}, since {_short(trouble['opened_at'])}", markup=False)
        paragraph(console, f"cause: {trouble['cause']}", 2)
        paragraph(console, f"cure:  {trouble['cure']}", 2)
    if found["ended"]:
        console.print("\nover", markup=False)
        for trouble in found["ended"]:
            console.print(f"  {_short(trouble['closed_at'])}  {trouble['kind']}: {trouble['subject']}", markup=False)
    if found["unsent"]:
        console.print("\nnot delivered yet", markup=False)
        for message in found["unsent"]:
            why = message["failure"] or "not tried yet"
            paragraph(console, f"{message['channel']}: {message['text']['title']} ({why})", 2)


def _short(moment: str) -> str:
    return write_short(dt.datetime.fromisoformat(moment))[: len("2025-04-24 10:30")]
