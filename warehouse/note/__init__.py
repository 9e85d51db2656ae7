"""The market note of one release, as text for a terminal and as one self-contained HTML page.

``facts`` reads it, ``story`` tells it, ``series`` reads what the page shows beside it, ``charts`` and ``tables`` draw
that. The file is all that is asked, no network and no clock: the same file gives the same bytes. What is not available
is shown as such, with the missing input in the mart's own words.
"""

from __future__ import annotations

from pathlib import Path

from warehouse.note.facts import read_note
from warehouse.note.story import figure, plain, story
from warehouse.note.words import MISSING, cell, clock, money, percent, whole

TEMPLATES = Path(__file__).parents[1] / "templates"

DRAWINGS = "charts"
"""Folder under ``build/`` of the last page's charts."""

SAMPLE_NOTICE = "Synthetic sample data: no figure here is a market figure."


def render_text(db: Path) -> str:
    """The note for a terminal: the story, then every claim with its figure, status and source."""
    note = read_note(db)
    lines = [note.title]
    if note.is_sample:
        lines.append(SAMPLE_NOTICE)
    if note.data_ends:
        lines.append(note.data_ends)
    lines += note.old_figures
    lines.append("")
    paragraphs = story(note)
    width = max(len(paragraph.title) for paragraph in paragraphs)
    for paragraph in paragraphs:
        for number, sentence in enumerate(paragraph.sentences):
            lines.append(f"{paragraph.title if number == 0 else '':<{width}}  {plain(sentence)}")
    if note.claims:
        lines += ["", "Figures"]
        shown = [
            (
                claim.id,
                figure(claim),
                claim.unit,
                claim.table + (f", as of {clock(claim.as_of)}" if claim.as_of and note.is_old(claim) else ""),
            )
            for claim in note.claims.values()
        ]
        widths = [max(len(row[column]) for row in shown) for column in range(3)]
        lines += [
            f"  {name:<{widths[0]}}  {value:>{widths[1]}}  {unit:<{widths[2]}}  {table}".rstrip()
            for name, value, unit, table in shown
        ]
    if note.warnings_total:
        lines += ["", f"{note.warnings_total} warning{'s' if note.warnings_total > 1 else ''} of the gate"]
        lines += [f"  {warn.mart} · {warn.check}: {warn.observed}. {warn.reason}" for warn in note.warnings]
        if note.warnings_total > len(note.warnings):
            lines.append(f"  and {note.warnings_total - len(note.warnings)} more in meta.checks")
    lines += ["", f"release {note.release_id}, as of {clock(note.as_of)}, built {clock(note.built_at)} (Shanghai time)"]
    return "\n".join(lines) + "\n"


def render_html(db: Path, drawings: Path | None = None) -> str:
    """The note as one page without any outside request; deterministic for a given file.

    ``drawings``: a folder that keeps the charts of the page made last (``charts.pictures``).
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    from warehouse.note.charts import pictures
    from warehouse.note.series import read_series
    from warehouse.note.tables import leaders_table, regions_table, sectors_table

    note = read_note(db)
    series = read_series(db, note)
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(percent=percent, money=money, whole=whole, clock=clock, figure=figure, cell=cell)
    newest = [row for row in series.funding if row.quarter == note.quarter]
    return environment.get_template("note.html.j2").render(
        note=note,
        series=series,
        paragraphs=story(note),
        pictures=pictures(note, series, drawings=drawings),
        tables={
            "leaders": leaders_table(note.leaders) if note.leaders else "",
            "sectors": sectors_table(series.sectors) if series.sectors else "",
            "regions": regions_table(newest) if newest else "",
        },
        carried={table: carried.as_of for carried in note.carried for table in carried.tables},
        sample_notice=SAMPLE_NOTICE,
        missing=MISSING,
    )
