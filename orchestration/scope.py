"""What a build has to make: everything, or what is below the inputs that changed since the build that lies there.

The build files of a published release stay, with a note of what they are. A run whose code and settings are the same
goes on from there: a table is made anew when a row that it is made from has become known since, or when it reads the
moment of the build itself. The note is taken away before the files are touched and written again after the release is
out, so a build that was killed, refused or mended with earlier rows is never gone on from.

Belongs here: that note, and the way from changed inputs to models. Does not belong here: what has become known (the
ledger says it), how models are built (``orchestration.transform``).
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from orchestration.durable import sync, write_whole
from orchestration.moments import MARKET_ZONE
from orchestration.settings import Settings
from warehouse.build import MARTS_FILE, WORK_FILE

PARAMETERS = "build_parameters"
CALENDAR = "trading_calendar"

MOMENT = "as_of"
DATE = "date of as_of"

READS_AS_OF = "reads_as_of"
"""Key under a model's ``meta``: ``date`` says that it reads no more of the build's moment than its market date."""


@dataclass(frozen=True)
class Standing:
    """The build that lies in the build folder: the release that it became, when its run began, the moment that cut it
    (both with a zone), the code and the settings that it was made with."""

    release_id: str
    began: dt.datetime
    as_of: dt.datetime
    code_version: str
    settings_fingerprint: str

    def may_go_on(self, as_of: dt.datetime, code_version: str, settings_fingerprint: str) -> bool:
        """Whether a build as of a moment can be made from this one: not backwards, and by the same rules."""
        same = (code_version, settings_fingerprint) == (self.code_version, self.settings_fingerprint)
        return same and as_of >= self.as_of


def _file(settings: Settings) -> Path:
    return settings.build / "standing.json"


def read_standing(settings: Settings) -> Standing | None:
    """The build that can be gone on from; None where there is none."""
    path = _file(settings)
    if not path.exists():
        return None
    note = json.loads(path.read_text(encoding="utf-8"))
    if note.pop("build") != str(settings.build):
        return None  # the folder was moved: the views in it name files by their old paths
    if not all((settings.build / name).is_file() for name in (WORK_FILE, MARTS_FILE)):
        return None
    for name in ("began", "as_of"):
        note[name] = dt.datetime.fromisoformat(note[name])
    return Standing(**note)


def write_standing(settings: Settings, standing: Standing) -> None:
    """Say that the build files hold the rows of a release."""
    note = {**asdict(standing), "began": standing.began.isoformat(), "as_of": standing.as_of.isoformat()}
    write_whole(_file(settings), json.dumps({**note, "build": str(settings.build)}))


def forget_standing(settings: Settings) -> None:
    """Say, on disk, that the build files are about to change."""
    if _file(settings).exists():
        _file(settings).unlink()
        sync(settings.build)


def node_name(unique_id: str) -> str:
    """The name of a model by its unique id; other names as they are."""
    return unique_id.rsplit(".", 1)[-1]


def moments_read(before: dt.datetime, as_of: dt.datetime) -> dict[str, dt.date]:
    """What a model that reads the moment of the build reads anew, between two builds, and the first business date of
    its rows that this may touch: of a model made in part that reads the date alone, rows go up to it."""
    dates = [moment.astimezone(MARKET_ZONE).date() for moment in (before, as_of)]
    return {MOMENT: dt.date.min} if dates[0] == dates[1] else {MOMENT: dt.date.min, DATE: dates[0]}


def inputs(manifest: Mapping[str, Any]) -> dict[str, frozenset[str]]:
    """What each model of dbt's ``manifest`` is made from, by unique id: unique ids of tables, names of raw tables,
    ``trading_calendar``, and the moment of the build or its date. A view stands for what it shows.

    A model that reads raw rows reads the moment to cut them and no more, so what has become known since tells whether
    it changed.
    """
    nodes = {key: node for key, node in manifest["nodes"].items() if node["resource_type"] == "model"}
    found: dict[str, frozenset[str]] = {}

    def of(key: str) -> frozenset[str]:
        if key in found:
            return found[key]
        node = nodes[key]
        sources = [parent.split(".") for parent in node["depends_on"]["nodes"] if parent.startswith("source.")]
        made_from = {name for *_, schema, name in sources if schema == "raw" or name == CALENDAR}
        if any(name == PARAMETERS for *_, name in sources) and not made_from:
            by_date = node["config"].get("meta", {}).get(READS_AS_OF) == "date"
            made_from.add(DATE if by_date else MOMENT)
        for parent in node["depends_on"]["nodes"]:
            if parent in nodes:
                made_from |= of(parent) if nodes[parent]["config"]["materialized"] == "view" else {parent}
        found[key] = frozenset(made_from)
        return found[key]

    return {key: of(key) for key in nodes}


def outdated(made_from: Mapping[str, frozenset[str]], changed: Collection[str]) -> frozenset[str]:
    """Unique ids of the models below what has changed. ``made_from`` as ``inputs`` gives it."""
    found: set[str] = set()
    known = set(changed)
    while True:
        more = {key for key, parents in made_from.items() if key not in found and parents & known}
        if not more:
            return frozenset(found)
        found |= more
        known |= more
