"""The charts of the note's page, as SVG that needs no script, no network and no clock.

Belongs here: how a series is drawn (Altair, made SVG by vl-convert). Does not belong here: reading it (``series``).
Every chart is ``WIDTH`` wide, so that it stays legible on a phone and stands two abreast on a desk and on paper. A
series without data has no SVG and says what is missing. A drawing is kept under the digest of all that makes it, so
that a day without new visits does not draw visits again: loading Vega takes longer than the rest of the page.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, partial
from html import escape
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestration.durable import write_whole
from warehouse.note.facts import FlowDay, Note
from warehouse.note.series import REGIONS, Breadth, Contribution, Quoted, RegionFunding, SectorVisits, Series
from warehouse.note.words import MARKET, money, percent

if TYPE_CHECKING:
    import altair as alt

WIDTH = 440

MEASURED_IN = "Liberation Sans"
"""vl-convert brings this font: room for texts is the same on every machine. The page's own font then shows them."""

# Okabe and Ito's palette, told apart with every kind of colour blindness and on a grey print.
BLUE, ORANGE, GREEN, SKY, AMBER = "#0072b2", "#d55e00", "#009e73", "#56b4e9", "#e69f00"
INK, SOFT, LINE, FAINT = "#1c2430", "#5b6675", "#d9dee5", "#f1f3f6"

HATCH = "url(#hatch)"
_HATCH_PATTERN = (
    '<defs><pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    f'<rect width="6" height="6" fill="{FAINT}"/><rect width="1.6" height="6" fill="#9aa5b1"/></pattern></defs>'
)

LABEL_LETTERS, LABEL_WIDTH = 22, 150
"""Letters of a line of a bar's name, and the pixels kept for it: 7 a letter, the widest of the common fonts at 11."""

WIDER = 34
"""Pixels beside a long text at the right edge, for readers whose font is wider than the one it was measured in."""

CLIPPED_GROWTH = 2.0
"""Growth beyond this ratio is drawn at the edge; its figure stands beside it."""

_TEXT_GAP = 0.085
"""Least distance of two labels at the right of the morning's chart, in parts of its height."""

Rows = list[dict[str, Any]]
Chart = partial["alt.TopLevelMixin"]
"""A function of this module with the figures that it draws."""


@dataclass(frozen=True)
class Picture:
    """A chart of the page. ``svg`` is blank where nothing could be drawn, and ``missing`` then says why."""

    id: str
    title: str
    alt: str
    svg: str
    missing: str
    caption: str
    tables: tuple[str, ...]


def pictures(note: Note, series: Series, validate: bool = False, drawings: Path | None = None) -> tuple[Picture, ...]:
    """All charts of the page, in its order.

    ``validate`` holds each against Vega-Lite's schema, which takes longer than drawing it and finds the same every
    morning: tests ask for it. ``drawings``: folder of what was drawn before; afterwards it holds these charts alone.
    """
    pen = _Pen(drawings, validate)
    drawn = _pictures(note, series, pen)
    pen.forget_others()
    return drawn


class _Pen:
    """Draws charts with vl-convert, or takes what the same function drew from the same figures."""

    def __init__(self, folder: Path | None, validate: bool) -> None:
        self.folder, self.validate = folder, validate
        self.used: set[Path] = set()
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)

    def draw(self, chart: Chart) -> str:
        """SVG as vl-convert gives it. Figures are told apart by their ``repr``: those of dataclasses and numbers."""
        if self.folder is None:
            return self._draw(chart)
        what = f"{_made_with()} {chart.func.__name__} {chart.args!r} {chart.keywords!r}"
        file = self.folder / f"{hashlib.sha256(what.encode()).hexdigest()}.svg"
        self.used.add(file)
        if not file.exists():
            write_whole(file, self._draw(chart))
        return file.read_text(encoding="utf-8")

    def _draw(self, chart: Chart) -> str:
        import vl_convert
        from altair.utils.schemapi import debug_mode

        with debug_mode(self.validate):
            spec = json.dumps(chart().to_dict(), sort_keys=True)
        return vl_convert.vegalite_to_svg(spec, vl_version=_vega_lite())

    def forget_others(self) -> None:
        """Remove the drawings that nobody asked for."""
        for file in self.folder.iterdir() if self.folder is not None else ():
            if file not in self.used:
                file.unlink()


@cache
def _made_with() -> str:
    """The code and the libraries that draw, as a digest and their versions."""
    code = hashlib.sha256(b"".join(file.read_bytes() for file in sorted(Path(__file__).parent.glob("*.py"))))
    return f"{code.hexdigest()} {version('altair')} {version('vl-convert-python')}"


def _pictures(note: Note, series: Series, pen: _Pen) -> tuple[Picture, ...]:
    index = note.index_name or note.index_code
    quarter = _quarter(note.quarter) if note.quarter else "the last ended quarter"
    newest = [row for row in series.funding if row.quarter == note.quarter]
    return (
        _picture(
            pen,
            "morning",
            f"The morning: {note.etf_code} against HSI and HSTECH",
            ("fct_etf_intraday", "fct_index_intraday"),
            partial(_morning, series.lines),
            any(line.points for line in series.lines),
            f"no quote of {note.etf_code}, HSI.HI or HSTECH.HI on the note's day by its moment "
            "(etf_quotes, index_quotes)",
            _told_lines(series.lines),
            "Change against the previous close. Dots: where an index crossed it after opening on the other side. "
            + _lacking_lines(series.lines),
        ),
        _picture(
            pen,
            "flow",
            f"Creation flow of {note.etf_code}, last {len(note.flows) or 10} sessions",
            ("fct_etf_daily",),
            partial(_flow, note.flows),
            bool(note.flows),
            f"no window of known flows of {note.etf_code} by the note's moment (etf_shares, etf_nav)",
            "; ".join(f"{day.date}: {money(day.flow, 'CNY', signed=True)}, {day.status}" for day in note.flows),
            "CNY million. Hatched: southbound trading closed, no creations possible. Dashed frame: shares or NAV "
            "unknown. Pale: estimated from the close.",
        ),
        _picture(
            pen,
            "contribution",
            f"Who moved {note.index_code}, {series.session or 'last full session'}",
            ("fct_constituent_daily",),
            partial(_contribution, series.contributions),
            bool(series.contributions),
            f"no full session of {note.index_code} with weights and prices (index_weights, security_bars)",
            "; ".join(f"{member.name_en} {member.contribution * 1e4:+.1f} bp" for member in series.contributions),
            f"Basis points of {index}: weight at the session's start times change. The names that made and cost most.",
        ),
        _picture(
            pen,
            "breadth",
            f"Breadth of {note.index_code}, last {len(series.breadth) or 10} sessions",
            ("fct_index_breadth_daily",),
            partial(_breadth, series.breadth),
            bool(series.breadth),
            f"no full session of {note.index_code} with weights and prices (index_weights, security_bars)",
            "; ".join(
                f"{day.date}: {day.advancers} rose, {day.decliners} fell, {day.unchanged} unchanged, "
                f"{day.suspended} suspended"
                for day in series.breadth
            ),
            "Members that rose (above) and fell (below). " + _last_breadth(series.breadth),
        ),
        _picture(
            pen,
            "visits",
            f"Companies visited by brokers, month to {note.date or 'date'}",
            ("fct_sector_visits_daily",),
            partial(_visits, _named_sectors(series.sectors)),
            any(sector.broker for sector in _named_sectors(series.sectors)),
            "no visit known this month (broker_visits, sector_members)",
            "; ".join(
                f"{sector.name_en} {sector.broker}, {_or_unknown(sector.last_month)} a month before"
                for sector in _named_sectors(series.sectors)
            ),
            f"Bars: this month. Upright mark: the month before to the same day, {series.same_day or 'unknown'}, "
            "as known now; this month still gains late notices.",
        ),
        _picture(
            pen,
            "funding",
            "Venture funding of innovative drugs by quarter and region",
            ("fct_funding_quarterly",),
            partial(_funding, series.funding),
            any(row.amount for row in series.funding),
            "no funding round with an amount in the quarters shown (funding_rounds, organizations)",
            "; ".join(
                f"{_quarter(row.quarter)} {money(row.amount, 'USD')}"
                for row in series.funding
                if row.region == "GLOBAL"
            ),
            "USD billion. Hatched: room for rounds still to be reported, amount ÷ completeness (the share of deals "
            "usually known at this age). " + _told_completeness(newest),
        ),
        _picture(
            pen,
            "growth",
            f"Its growth on the year, {quarter}",
            ("fct_funding_quarterly",),
            partial(_growth, newest),
            any(row.latest is not None or row.lag_matched is not None for row in newest),
            f"no growth known for {quarter} (funding_rounds of the year before)",
            "; ".join(f"{row.region} {percent(row.latest)}, same age {percent(row.lag_matched)}" for row in newest),
            "Full: against the year before as known now. Ring: against the year before as it was known then (same age "
            "of the data). “n/a”: no base, or no vintage a year old."
            + (f" Beyond {CLIPPED_GROWTH:+.0%}: at the edge." if any(map(_is_clipped, newest)) else ""),
        ),
    )


def _picture(
    pen: _Pen,
    name: str,
    title: str,
    tables: tuple[str, ...],
    chart: Chart,
    drawable: bool,
    missing: str,
    told: str,
    caption: str,
) -> Picture:
    svg = _svg(name, title, told, pen.draw(chart)) if drawable else ""
    return Picture(name, title, told, svg, "" if drawable else f"Not available: {missing}.", caption.strip(), tables)


def _svg(name: str, title: str, told: str, drawn: str) -> str:
    """A drawing as SVG to stand in a page: scaled by its box, titled for readers of the screen, ids of its own."""
    drawn = re.sub(r'(\bid="|url\(#)', rf"\g<1>{name}-", drawn).replace(f' font-family="{MEASURED_IN}"', "")
    opening = re.search(r'<svg[^>]*viewBox="([^"]+)"[^>]*>', drawn)
    if opening is None:
        raise ValueError(f"the chart {name} came back without an <svg viewBox>: {drawn[:200]}")
    head = (
        f'<svg viewBox="{opening[1]}" role="img" '
        f'aria-labelledby="{name}-title {name}-told"><title id="{name}-title">{escape(title)}</title>'
        f'<desc id="{name}-told">{escape(told)}</desc>'
    )
    pattern = _HATCH_PATTERN.replace('id="', f'id="{name}-') if f"{name}-hatch" in drawn else ""
    return head + pattern + drawn[opening.end() :]


def _vega_lite() -> str:
    """The Vega-Lite of the installed Altair, as vl-convert names it: ``v6.1.0`` -> ``6.1``."""
    import altair as alt

    return ".".join(alt.SCHEMA_VERSION.removeprefix("v").split(".")[:2])


def _layered(layers: Sequence[alt.Chart], height: int, right: int = 8) -> alt.LayerChart:
    import altair as alt

    return (
        alt.layer(*layers)
        .properties(
            width=WIDTH,
            height=height,
            autosize=alt.AutoSizeParams(type="fit", contains="padding"),
            padding={"left": 2, "top": 6, "right": right, "bottom": 2},
        )
        .configure(font=MEASURED_IN, background="white", aria=False)
        .configure_axis(
            labelColor=SOFT,
            titleColor=SOFT,
            labelFontSize=12,
            titleFontSize=12,
            titleFontWeight="normal",
            gridColor=FAINT,
            domainColor=LINE,
            tickColor=LINE,
        )
        .configure_axisY(titlePadding=14)
        .configure_view(stroke=None)
        .configure_legend(labelFontSize=12, labelColor=INK, title=None, orient="top", symbolSize=90, offset=2)
        .configure_text(fontSize=12, color=INK)
    )


def _on(rows: Rows) -> alt.Chart:
    import altair as alt

    return alt.Chart(alt.Data(values=rows))


def _label(english: str, chinese: str) -> str:
    """Both names in two lines that leave room for the bars, divided by an upright stroke."""
    words = english.split()
    first = 0
    while first < len(words) and _letters(" ".join(words[: first + 1])) <= LABEL_LETTERS:
        first += 1
    return f"{' '.join(words[:first])}|{' '.join([*words[first:], chinese]).strip()}"


def _letters(text: str) -> int:
    """Width in Latin letters: a Chinese character is as wide as two."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def _named_axis() -> alt.Axis:
    """Labels of ``_label``. Their width is set, not measured: readers' fonts are wider or narrower than this one."""
    import altair as alt

    return alt.Axis(
        labelExpr="split(datum.label, '|')",
        minExtent=LABEL_WIDTH,
        maxExtent=LABEL_WIDTH,
        labelLimit=0,
        labelColor=INK,
        labelFontSize=11,
        labelOffset=-6,
        ticks=False,
        domain=False,
    )


def spread(heights: Sequence[float], gap: float) -> list[float]:
    """``heights`` moved apart so that any two are at least ``gap`` from each other, their order and middle kept."""
    order = sorted(range(len(heights)), key=lambda place: heights[place])
    groups: list[list[int]] = []
    middles: list[float] = []
    for place in order:
        groups.append([place])
        middles.append(heights[place])
        while len(groups) > 1 and middles[-1] - middles[-2] < gap * (len(groups[-1]) + len(groups[-2])) / 2:
            last, last_middle = groups.pop(), middles.pop()
            size, joined = len(groups[-1]), len(groups[-1]) + len(last)
            middles[-1] = (middles[-1] * size + last_middle * len(last)) / joined
            groups[-1] = groups[-1] + last
    moved = list(heights)
    for group, middle in zip(groups, middles, strict=True):
        for number, place in enumerate(group):
            moved[place] = middle + (number - (len(group) - 1) / 2) * gap
    return moved


def _minutes(moment: dt.datetime) -> float:
    """Minutes of the market's day: a clock that no machine's zone can move."""
    local = moment.astimezone(MARKET)
    return local.hour * 60 + local.minute + local.second / 60


def _clock_ticks(first: float, last: float) -> list[int]:
    step = next(step for step in (15, 30, 60, 120) if (last - first) / step <= 7 or step == 120)
    return [minute for minute in range(0, 24 * 60, step) if first <= minute <= last]


def _morning(lines: Sequence[Quoted]) -> alt.TopLevelMixin:
    import altair as alt

    shown = [line for line in lines if line.points]
    colours = dict(zip([line.name for line in lines], (BLUE, ORANGE, GREEN), strict=False))
    points: Rows = [
        {"line": line.name, "minute": _minutes(when), "change": change}
        for line in shown
        for when, change in line.points
    ]
    changes = [0.0, *(point["change"] for point in points)]
    low, high = min(changes), max(changes)
    turned = [line for line in shown if line.turned_at]
    gap = (high - low or 0.01) * _TEXT_GAP
    low, high = low - gap * (0.7 + len(turned)), high + gap * 0.7
    first, last = min(point["minute"] for point in points), max(point["minute"] for point in points)
    heights = spread([line.points[-1][1] for line in shown], gap)
    ends: Rows = [
        {"line": line.name, "minute": last, "change": height, "text": f"{line.name} {percent(line.points[-1][1])}"}
        for line, height in zip(shown, heights, strict=True)
    ]
    turns: Rows = [
        {
            "line": line.name,
            "minute": _minutes(line.turned_at),
            "crossing": 0.0,
            "change": low + gap * (0.5 + place),
            "text": f"{line.name} {'up' if line.turned_up else 'down'} {line.turned_at:%H:%M}",
        }
        for place, line in enumerate(turned)
        if line.turned_at
    ]
    x = alt.X(
        "minute:Q",
        title="Shanghai time",
        scale=alt.Scale(domain=[first, max(last, first + 1)], nice=False, zero=False),
        axis=alt.Axis(
            values=_clock_ticks(first, last),
            labelExpr="pad(floor(datum.value / 60), 2, '0', 'left') + ':' + pad(datum.value % 60, 2, '0', 'left')",
            grid=False,
            labelFlush=False,
        ),
    )
    y = alt.Y(
        "change:Q",
        title="change on the day",
        scale=alt.Scale(domain=[low, high], nice=False),
        axis=alt.Axis(format="+.1%", tickCount=6),
    )
    colour = alt.Color("line:N", scale=alt.Scale(domain=list(colours), range=list(colours.values())), legend=None)
    dash = alt.StrokeDash(
        "line:N", scale=alt.Scale(domain=list(colours), range=[[1, 0], [6, 2], [2, 2]][: len(colours)]), legend=None
    )
    layers: list[alt.Chart] = [
        _on([{"change": 0.0}]).mark_rule(color="#8793a1").encode(y=y),
        _on(points).mark_line(strokeWidth=2.2, strokeJoin="round").encode(x=x, y=y, color=colour, strokeDash=dash),
        _on(ends).mark_text(align="left", dx=6, fontWeight="bold").encode(x=x, y=y, color=colour, text="text:N"),
    ]
    if turns:
        crossing = alt.Y("crossing:Q")
        layers += [
            _on(turns).mark_rule(strokeDash=[2, 2]).encode(x=x, y=y, y2="crossing:Q", color=colour),
            _on(turns)
            .mark_point(filled=True, size=75, stroke="white", strokeWidth=1.5, opacity=1)
            .encode(x=x, y=crossing, fill=colour),
            _on(turns).mark_text(align="left", dx=5, fontSize=11).encode(x=x, y=y, color=colour, text="text:N"),
        ]
    return _layered(layers, 270, WIDER)


def _told_lines(lines: Sequence[Quoted]) -> str:
    told = []
    for line in lines:
        if line.points:
            turned = ""
            if line.turned_at:
                turned = f", turned {'positive' if line.turned_up else 'negative'} at {line.turned_at:%H:%M}"
            told.append(f"{line.name} {percent(line.points[-1][1])} at {line.points[-1][0]:%H:%M}{turned}")
    return "; ".join(told)


def _lacking_lines(lines: Sequence[Quoted]) -> str:
    lacking = [line.code for line in lines if not line.points]
    return f"Not available: quotes of {', '.join(lacking)}." if lacking else ""


def _flow(flows: Sequence[FlowDay]) -> alt.TopLevelMixin:
    import altair as alt

    bars: Rows = [
        {
            "day": f"{day.date:%m-%d}",
            "flow": float(day.flow) / 1e6,
            "text": f"{float(day.flow) / 1e6:+,.1f}",
            "kind": "in" if day.flow > 0 else "out",
            "estimated": day.status == "estimated",
        }
        for day in flows
        if day.flow is not None and day.status != "structural_zero"
    ]
    values = [0.0, *(bar["flow"] for bar in bars)]
    low, high = min(values), max(values)
    room = (high - low or 1.0) * 0.09
    low, high = low - (room if low < 0 else 0), high + room
    zones: Rows = [
        {"day": f"{day.date:%m-%d}", "low": low, "high": high, "middle": (low + high) / 2, "text": text}
        for day in flows
        for status, text in (("structural_zero", "closed"), ("missing", "missing"))
        if day.status == status and (day.flow is None or day.flow == 0)
    ]
    days = [f"{day.date:%m-%d}" for day in flows]
    x = alt.X(
        "day:N",
        title=None,
        sort=days,
        scale=alt.Scale(domain=days, paddingInner=0.28, paddingOuter=0.14),
        axis=alt.Axis(labelAngle=0, ticks=False, labelFontSize=11, labelOverlap=False),
    )

    def y(field: str) -> alt.Y:
        return alt.Y(
            f"{field}:Q",
            title="CNY million",
            scale=alt.Scale(domain=[low, high], nice=False),
            axis=alt.Axis(tickCount=5, format=",.0f"),
        )

    closed: Rows = [zone for zone in zones if zone["text"] == "closed"]
    missing: Rows = [zone for zone in zones if zone["text"] == "missing"]
    colour = alt.Color("kind:N", scale=alt.Scale(domain=["in", "out"], range=[BLUE, ORANGE]), legend=None)
    layers: list[alt.Chart] = [
        _on(closed).mark_bar(fill=HATCH).encode(x=x, y=y("low"), y2="high:Q"),
        _on(missing).mark_bar(fill="white", stroke="#9aa5b1", strokeDash=[4, 3]).encode(x=x, y=y("low"), y2="high:Q"),
        _on(zones)
        .mark_text(angle=270, color=INK, fontSize=12, stroke="white", strokeWidth=4, strokeJoin="round")
        .encode(x=x, y=y("middle"), text="text:N"),
        _on(zones).mark_text(angle=270, color=INK, fontSize=12).encode(x=x, y=y("middle"), text="text:N"),
        _on(bars)
        .mark_bar()
        .encode(
            x=x,
            y=y("flow"),
            color=colour,
            opacity=alt.condition("datum.estimated", alt.value(0.5), alt.value(1)),
        ),
        _on([bar for bar in bars if bar["flow"] >= 0])
        .mark_text(dy=-7, fontSize=11)
        .encode(x=x, y=y("flow"), text="text:N"),
        _on([bar for bar in bars if bar["flow"] < 0])
        .mark_text(dy=8, fontSize=11)
        .encode(x=x, y=y("flow"), text="text:N"),
        _on([{"flow": 0.0}]).mark_rule(color="#8793a1").encode(y=y("flow")),
    ]
    return _layered(layers, 270)


def _contribution(members: Sequence[Contribution]) -> alt.TopLevelMixin:
    import altair as alt

    rows: Rows = [
        {
            "name": _label(member.name_en, member.name_zh),
            "bp": member.contribution * 1e4,
            "text": f"{member.contribution * 1e4:+.1f}",
            "kind": "made" if member.contribution > 0 else "cost",
        }
        for member in members
    ]
    values = [0.0, *(row["bp"] for row in rows)]
    low, high = min(values), max(values)
    room = (high - low) * 0.17
    scale = alt.Scale(domain=[low - (room if low < 0 else 0), high + (room if high > 0 else 0)], nice=False)
    x = alt.X("bp:Q", title="contribution, basis points", scale=scale, axis=alt.Axis(tickCount=5))
    y = alt.Y(
        "name:N",
        title=None,
        sort=[row["name"] for row in rows],
        axis=_named_axis(),
        scale=alt.Scale(paddingInner=0.35),
    )
    colour = alt.Color("kind:N", scale=alt.Scale(domain=["made", "cost"], range=[BLUE, ORANGE]), legend=None)
    layers: list[alt.Chart] = [
        _on(rows).mark_bar().encode(x=x, y=y, color=colour),
        _on([row for row in rows if row["bp"] > 0])
        .mark_text(align="left", dx=3, fontSize=11)
        .encode(x=x, y=y, text="text:N"),
        _on([row for row in rows if row["bp"] < 0])
        .mark_text(align="right", dx=-3, fontSize=11)
        .encode(x=x, y=y, text="text:N"),
        _on([{"bp": 0.0}]).mark_rule(color="#8793a1").encode(x=x),
    ]
    return _layered(layers, 60 + 30 * len(rows))


def _breadth(days: Sequence[Breadth]) -> alt.TopLevelMixin:
    import altair as alt

    rows: Rows = [
        {"day": f"{day.date:%m-%d}", "members": sign * count, "text": str(count), "kind": kind}
        for day in days
        for kind, sign, count in (("rose", 1, day.advancers), ("fell", -1, day.decliners))
    ]
    most = max([abs(row["members"]) for row in rows] + [1])
    names = [f"{day.date:%m-%d}" for day in days]
    x = alt.X(
        "day:N",
        title=None,
        sort=names,
        scale=alt.Scale(domain=names, paddingInner=0.28, paddingOuter=0.14),
        axis=alt.Axis(labelAngle=0, ticks=False, labelFontSize=11, labelOverlap=False),
    )
    y = alt.Y(
        "members:Q",
        title="members",
        scale=alt.Scale(domain=[-most * 1.12, most * 1.12], nice=False),
        axis=alt.Axis(labelExpr="format(abs(datum.value), 'd')", tickCount=6),
    )
    colour = alt.Color(
        "kind:N",
        scale=alt.Scale(domain=["rose", "fell"], range=[BLUE, ORANGE]),
        legend=alt.Legend(symbolType="square"),
    )
    layers: list[alt.Chart] = [
        _on(rows).mark_bar().encode(x=x, y=y, color=colour),
        _on([row for row in rows if row["kind"] == "rose"])
        .mark_text(dy=-7, fontSize=11)
        .encode(x=x, y=y, text="text:N"),
        _on([row for row in rows if row["kind"] == "fell"])
        .mark_text(dy=8, fontSize=11)
        .encode(x=x, y=y, text="text:N"),
        _on([{"members": 0}]).mark_rule(color="#8793a1").encode(y=y),
    ]
    return _layered(layers, 320)


def _last_breadth(days: Sequence[Breadth]) -> str:
    if not days:
        return ""
    day = days[-1]
    weight = "" if day.weight_advancing is None else f"; {day.weight_advancing:.0%} of the weight rose"
    return f"Of {day.date} also {day.unchanged} unchanged, {day.suspended} suspended{weight}."


def _named_sectors(sectors: Sequence[SectorVisits]) -> list[SectorVisits]:
    return [sector for sector in sectors if sector.code not in ("ALL", "NONE")]


def _or_unknown(count: int | None) -> str:
    return "unknown" if count is None else str(count)


def _visits(sectors: Sequence[SectorVisits]) -> alt.TopLevelMixin:
    import altair as alt

    rows: Rows = [
        {
            "name": _label(sector.name_en, sector.name_zh),
            "companies": sector.broker,
            "before": sector.last_month,
            "text": f"{sector.broker} ({_or_unknown(sector.last_month)})",
            "end": max(sector.broker or 0, sector.last_month or 0),
        }
        for sector in sectors
        if sector.broker is not None
    ]
    most = max([row["end"] for row in rows] + [1])
    scale = alt.Scale(domain=[0, most * 1.3], nice=False)
    y = alt.Y(
        "name:N",
        title=None,
        sort=[row["name"] for row in rows],
        axis=_named_axis(),
        scale=alt.Scale(paddingInner=0.35),
    )

    def x(field: str) -> alt.X:
        return alt.X(f"{field}:Q", title="companies (same day last month)", scale=scale, axis=alt.Axis(tickCount=5))

    layers: list[alt.Chart] = [
        _on(rows).mark_bar(color=SKY).encode(x=x("companies"), y=y),
        _on([row for row in rows if row["before"] is not None])
        .mark_tick(color=INK, thickness=2.5, bandSize=22)
        .encode(x=x("before"), y=y),
        _on(rows).mark_text(align="left", dx=5, fontSize=11).encode(x=x("end"), y=y, text="text:N"),
    ]
    return _layered(layers, 60 + 41 * len(rows))


def _quarter(start: dt.date) -> str:
    """``2025-01-01`` -> ``Q1 2025``."""
    return f"Q{(start.month + 2) // 3} {start.year}"


def _funding(funding: Sequence[RegionFunding]) -> alt.TopLevelMixin:
    import altair as alt

    parts = [region for region in REGIONS if region != "GLOBAL"]
    rows: Rows = [
        {
            "quarter": _quarter(row.quarter).replace(" ", "|"),
            "region": row.region,
            "usd": float(row.amount) / 1e9,
            "order": parts.index(row.region),
        }
        for row in funding
        if row.region in parts and row.amount
    ]
    totals = [row for row in funding if row.region == "GLOBAL" and row.amount]
    ends: Rows = [
        {
            "quarter": _quarter(row.quarter).replace(" ", "|"),
            "known": float(row.amount or 0) / 1e9,
            "expected": float(row.amount or 0) / 1e9 / min(row.completeness or 1.0, 1.0),
            "text": f"{float(row.amount or 0) / 1e9:.2f}",
        }
        for row in totals
    ]
    names = list(dict.fromkeys(_quarter(row.quarter).replace(" ", "|") for row in funding))
    most = max([end["expected"] for end in ends] + [row["usd"] for row in rows])
    scale = alt.Scale(domain=[0, most * 1.1], nice=False)
    x = alt.X(
        "quarter:N",
        title=None,
        sort=names,
        scale=alt.Scale(domain=names, paddingInner=0.28, paddingOuter=0.14),
        axis=alt.Axis(labelExpr="split(datum.label, '|')", labelAngle=0, ticks=False, labelOverlap=False),
    )

    def y(field: str) -> alt.Y:
        return alt.Y(f"{field}:Q", title="USD billion", scale=scale, axis=alt.Axis(tickCount=5))

    colour = alt.Color(
        "region:N",
        scale=alt.Scale(domain=parts, range=[BLUE, ORANGE, GREEN, "#b8c1cc"]),
        legend=alt.Legend(symbolType="square"),
    )
    open_ended: Rows = [end for end in ends if end["expected"] > end["known"] * 1.0005]
    layers: list[alt.Chart] = [
        _on(rows).mark_bar().encode(x=x, y=y("usd"), color=colour, order="order:Q"),
        _on(open_ended).mark_bar(fill=HATCH, stroke="#9aa5b1").encode(x=x, y=y("known"), y2="expected:Q"),
        _on(ends).mark_text(dy=-7, fontSize=11).encode(x=x, y=y("expected"), text="text:N"),
    ]
    return _layered(layers, 250)


def _told_completeness(newest: Sequence[RegionFunding]) -> str:
    told = next((row.completeness for row in newest if row.region == "GLOBAL"), None)
    if not newest:
        return ""
    known = "not available" if told is None else percent(told, signed=False)
    return f"Completeness of {_quarter(newest[0].quarter)}, worldwide: {known}."


def _growth(newest: Sequence[RegionFunding]) -> alt.TopLevelMixin:
    import altair as alt

    kinds = ("as known now", "same age of data")
    figures: Rows = [
        {"region": row.region, "kind": kind, "growth": growth}
        for row in newest
        for kind, growth in zip(kinds, (row.latest, row.lag_matched), strict=True)
    ]
    dots: Rows = [
        {**figure, "growth": max(-1.0, min(figure["growth"], CLIPPED_GROWTH))}
        for figure in figures
        if figure["growth"] is not None
    ]
    values = [0.0, *(dot["growth"] for dot in dots)]
    low, high = min(values), max(values)
    span = high - low or 0.1
    scale = alt.Scale(domain=[low - span * 0.06, high + span * 0.06], nice=False)
    x = alt.X("growth:Q", title="on the year", scale=scale, axis=alt.Axis(format="+.0%", tickCount=5))
    regions = [row.region for row in newest]
    y = alt.Y(
        "region:N",
        title=None,
        sort=regions,
        scale=alt.Scale(domain=regions),
        axis=alt.Axis(labelColor=INK, ticks=False, domain=False, grid=True),
    )
    texts: Rows = [
        {
            "region": row.region,
            "growth": high + span * 0.06,
            "text": f"{_short(row.latest)} / {_short(row.lag_matched)}",
        }
        for row in newest
    ]
    layers: list[alt.Chart] = [
        _on([{"growth": 0.0}]).mark_rule(color="#8793a1").encode(x=x),
        _on([dot for dot in dots if dot["kind"] == kinds[1]])
        .mark_point(size=120, strokeWidth=2.2, color=ORANGE, opacity=1)
        .encode(x=x, y=y),
        _on([dot for dot in dots if dot["kind"] == kinds[0]])
        .mark_point(size=45, filled=True, color=BLUE, opacity=1)
        .encode(x=x, y=y),
        _on(texts).mark_text(align="left", dx=8, fontSize=11).encode(x=x, y=y, text="text:N"),
    ]
    return _layered(layers, 190, WIDER)


def _is_clipped(row: RegionFunding) -> bool:
    return max(row.latest or 0.0, row.lag_matched or 0.0) > CLIPPED_GROWTH


def _short(ratio: float | None) -> str:
    return "n/a" if ratio is None else f"{ratio:+,.1%}"
