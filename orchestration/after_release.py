"""A command of the operator's own, called when another release has become current: mail the note, warm a dashboard.

Belongs here: how it is called. Does not belong here: when (``orchestration.sensors``), what it does. It is called
without a shell and without the providers' keys.
"""

from __future__ import annotations

import os
import shlex
import subprocess

from orchestration.settings import Settings

SECONDS = 600
"""After which it is ended."""

SHOWN = 4_000
"""Characters of its output that are shown, from the end."""


class CommandError(Exception):
    """The command could not be started, took too long, or ended with an error."""


def environment(settings: Settings, release_id: str, before: str | None) -> dict[str, str]:
    """What the command sees: this process's environment without keys, and which release."""
    folder = settings.releases / release_id
    ours = {
        "SECTOR_HOME": str(settings.home),
        "SECTOR_RELEASE": release_id,
        "SECTOR_RELEASE_BEFORE": before or "",
        "SECTOR_RELEASE_FOLDER": str(folder),
    }
    plain = {name: value for name, value in os.environ.items() if value not in settings.secrets}
    return {**plain, **ours}


def call(settings: Settings, release_id: str, before: str | None) -> str:
    """Call ``SECTOR_AFTER_RELEASE`` and give the end of what it printed. Raises ``CommandError`` with its words."""
    try:
        words = shlex.split(settings.after_release)
    except ValueError as error:
        raise CommandError(f"SECTOR_AFTER_RELEASE: {settings.after_release!r} is no command: {error}") from None
    if not words:
        raise CommandError("SECTOR_AFTER_RELEASE names no command: set it, then start this again")
    try:
        done = subprocess.run(
            words,
            cwd=settings.releases / release_id,
            env=environment(settings, release_id, before),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise CommandError(f"SECTOR_AFTER_RELEASE: {words[0]} was ended after {SECONDS} s") from None
    except OSError as error:
        raise CommandError(f"SECTOR_AFTER_RELEASE: {words[0]} cannot be started: {error.strerror}") from None
    said = done.stdout.decode("utf-8", "replace")[-SHOWN:].strip()
    if done.returncode:
        raise CommandError(f"SECTOR_AFTER_RELEASE: {words[0]} ended with {done.returncode}: {said}")
    return said
