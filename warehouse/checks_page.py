"""Every check of a build as one page that opens without a network: verdict, figure, limit, history, failing rows.

Belongs here: putting a ``GateReport`` into HTML. Does not belong here: what is checked (``expectations``). The same
report and the same past give the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from expectations.gate import CheckResult, GateReport
from expectations.gates import GATES
from warehouse.note import TEMPLATES

CHECKS_FILE = "checks.json"
"""The report that each release keeps beside its file."""

PAST = 20
"""Releases that a line of figures goes back over: a month of mornings."""

WIDTH, HEIGHT, EDGE = 96, 20, 3
"""Pixels of a line of figures; the edge leaves room for its dot."""

Key = tuple[str, str]


@dataclass(frozen=True)
class Line:
    """A check with its past: ``points`` of an SVG polyline (blank: too short a past), ``past`` in words."""

    check: CheckResult
    points: str
    dot: tuple[float, float]
    past: str


@dataclass(frozen=True)
class Chapter:
    """The checks of one gate of the field; blank ``id``: rules of this house."""

    id: str
    title: str
    protects_from: str
    door: str
    lines: list[Line]

    @property
    def failed(self) -> int:
        return sum(not line.check.passed for line in self.lines)


def past_figures(files: Iterable[Path]) -> dict[Key, list[float]]:
    """The figures of past releases by (mart, check), oldest first; ``files``: their ``checks.json``, newest first."""
    found: dict[Key, list[float]] = {}
    for file in list(files)[:PAST]:
        if not file.is_file():
            continue
        for check in json.loads(file.read_text(encoding="utf-8"))["checks"]:
            if check.get("value") is not None and not check.get("set_aside"):
                found.setdefault((check["mart"], check["check_name"]), []).insert(0, float(check["value"]))
    return found


def render_checks(report: GateReport, title: str, past: Mapping[Key, Sequence[float]]) -> str:
    """The page. ``title`` names the release or the refused build; ``past`` as ``past_figures`` gives it."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    lines = [_line(check, past.get((check.mart, check.check_name), ())) for check in report.checks]
    failed = [line for line in lines if not line.check.passed]
    failed.sort(key=lambda line: (line.check.severity, line.check.mart, line.check.check_name))
    return environment.get_template("checks.html.j2").render(
        title=title,
        report=report,
        failed=failed,
        chapters=[chapter for chapter in _chapters(lines) if chapter.lines or chapter.door],
        width=WIDTH,
        height=HEIGHT,
    )


def _chapters(lines: Sequence[Line]) -> list[Chapter]:
    named = [
        Chapter(name, gate.title, gate.protects_from, gate.door, [line for line in lines if line.check.gate == name])
        for name, gate in GATES.items()
    ]
    house = [line for line in lines if line.check.gate not in GATES]
    return [*named, Chapter("", "Rules of this house", "figures that contradict their own definition", "", house)]


def _line(check: CheckResult, past: Sequence[float]) -> Line:
    figures = [*past, check.value] if check.value is not None else []
    if len(figures) < 2:
        return Line(check, "", (0.0, 0.0), "")
    low, high = min(figures), max(figures)
    span = high - low
    places = [
        (
            round(EDGE + place * (WIDTH - 2 * EDGE) / (len(figures) - 1), 1),
            round(HEIGHT / 2 if span == 0 else HEIGHT - EDGE - (figure - low) / span * (HEIGHT - 2 * EDGE), 1),
        )
        for place, figure in enumerate(figures)
    ]
    points = " ".join(f"{x:g},{y:g}" for x, y in places)
    return Line(check, points, places[-1], f"{len(figures)} releases, {low:.4g} to {high:.4g}, now {figures[-1]:.4g}")
