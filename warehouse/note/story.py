"""The morning in sentences, a paragraph a subject; every figure in them is a claim of ``rpt_market_note``.

A sentence is a row of texts and ``Said``: the terminal joins them, the page makes a link of every ``Said``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from warehouse.note.facts import Claim, Note
from warehouse.note.words import MISSING, clock, money, percent, whole


@dataclass(frozen=True)
class Said:
    """Words that tell the figure of a claim."""

    words: str
    claim: str


Sentence = tuple[str | Said, ...]


def plain(sentence: Sentence) -> str:
    """A sentence without its links."""
    return "".join(part.words if isinstance(part, Said) else part for part in sentence)


@dataclass(frozen=True)
class Paragraph:
    """A subject of the story: its sentences, and whether anything in it is missing."""

    title: str
    sentences: tuple[Sentence, ...]
    missing: bool


def figure(claim: Claim) -> str:
    """The value of a claim as the figures table shows it."""
    if not claim.reproduced:
        return MISSING
    if claim.unit == "ratio" and claim.value is not None:
        shown = percent(claim.value)
        return f"{shown} ({claim.text})" if claim.text else shown
    if claim.unit == "CNY" and claim.value is not None:
        return f"{claim.value:,.2f}"
    if claim.unit == "0/1" and claim.value is not None:
        return ("yes" if claim.value else "no") + (f", {claim.text}" if claim.text else "")
    if claim.value is not None:
        return whole(claim.value)
    return claim.text or MISSING


def story(note: Note) -> tuple[Paragraph, ...]:
    """The morning, a paragraph a subject."""
    return (
        _paragraph(note, "ETF", ("etf_change",), _tell_etf),
        _paragraph(note, "Leaders", ("leader_1_change",), _tell_leaders),
        _paragraph(note, "Hang Seng", ("hsi_open_gap", "hsi_open_state"), lambda n: _tell_open(n, "hsi")),
        _paragraph(note, "Hang Seng TECH", ("hstech_open_gap", "hstech_open_state"), lambda n: _tell_open(n, "hstech")),
        _paragraph(
            note,
            "Flows",
            ("etf_inflow_days", "etf_window_sessions", "etf_structural_zero_days", "etf_cumulative_flow"),
            _tell_flows,
        ),
        _paragraph(
            note,
            "Broker visits",
            ("visits_companies_all", "visits_companies_electronics", "visits_companies_healthcare"),
            _tell_visits,
        ),
        _paragraph(note, "Funding", ("funding_yoy_global", "funding_yoy_usa", "funding_yoy_chn"), _tell_funding),
        _paragraph(note, "CRO concept", ("cro_members", "cro_advancers", "cro_decliners"), _tell_cro),
    )


def _paragraph(note: Note, title: str, needed: Sequence[str], tell: Callable[[Note], list[Sentence]]) -> Paragraph:
    told = [claim for name in needed if (claim := note.claims.get(name))]
    moments = [claim.as_of or note.as_of for claim in told if note.is_old(claim)]
    if moments:
        missing = not all(claim.reproduced for claim in told)
        return Paragraph(title, ((f"Carried over, as of {clock(min(moments))}:",), *_own_words(told)), missing)
    lacking = [claim for name in needed if not (claim := note.claims.get(name)) or not claim.reproduced]
    if not lacking:
        return Paragraph(title, tuple(tell(note)), False)
    said = _own_words([claim for claim in lacking if claim])
    return Paragraph(title, said or (("Not available: no data has been ingested.",),), True)


def _own_words(claims: Sequence[Claim]) -> tuple[Sentence, ...]:
    """The claims in the mart's own sentences, each sentence once."""
    first = {claim.sentence: claim.id for claim in reversed(claims)}
    return tuple((Said(sentence, first[sentence]),) for sentence in dict.fromkeys(claim.sentence for claim in claims))


def _value(note: Note, claim_id: str) -> float | None:
    claim = note.claims.get(claim_id)
    return claim.value if claim and claim.reproduced else None


def _text(note: Note, claim_id: str) -> str | None:
    claim = note.claims.get(claim_id)
    return claim.text if claim and claim.reproduced else None


def _count(note: Note, claim_id: str) -> Said:
    return Said(whole(_value(note, claim_id)), claim_id)


def _listed(told: Sequence[Sentence]) -> Sentence:
    """Phrases with commas between them."""
    return tuple(part for place, phrase in enumerate(told) for part in ((", ", *phrase) if place else phrase))


def _moved(ratio: float) -> str:
    if round(ratio, 4) == 0:
        return "was unchanged"
    return f"{'rose' if ratio > 0 else 'fell'} {abs(ratio):.2%}"


def _tell_etf(note: Note) -> list[Sentence]:
    name = f"{note.etf_name} ({note.etf_code})" if note.etf_name else note.etf_code
    when = f" by {note.moment:%H:%M}" if note.moment else ""
    told = (f"{name} ", Said(_moved(note.claims["etf_change"].value or 0.0), "etf_change"))
    turnover = note.claims.get("etf_turnover")
    if turnover is None or not turnover.reproduced:
        return [(*told, f"{when}."), *([(Said(turnover.sentence, turnover.id),)] if turnover else [])]
    return [(*told, " on turnover of ", Said(money(turnover.value, "CNY"), turnover.id), f"{when}.")]


def _tell_leaders(note: Note) -> list[Sentence]:
    of = f"{note.index_name} ({note.index_code})" if note.index_name else note.index_code
    names: list[Sentence] = [
        (f"{leader.name or leader.code} ", Said(percent(leader.change), f"leader_{leader.place}_change"))
        for leader in note.leaders
    ]
    return [(f"Ahead in {of}: ", *_listed(names), ".")]


TURNED = ", turned positive and "

_STATES = {
    "low_open_now_up": (TURNED, "is above its previous close"),
    "low_open_faded": (TURNED, "has faded since"),
    "low_open_still_down": (" and ", "has stayed below its previous close"),
    "high_open_now_down": (" and ", "has fallen below its previous close"),
    "high_open_recovered": (", ", "fell below its previous close and recovered"),
    "high_open_still_up": (" and ", "has stayed above its previous close"),
}
"""What followed an opening: the words between, the words for the state. A flat opening ends the sentence."""


def _tell_open(note: Note, name: str) -> list[Sentence]:
    gap = note.claims[f"{name}_open_gap"].value or 0.0
    state = note.claims[f"{name}_open_state"].text or ""
    turned = _text(note, f"{name}_turned_positive")
    opened = "flat" if state == "flat_open" else f"{abs(gap):.2%} {'lower' if gap < 0 else 'higher'}"
    told: list[str | Said] = [
        f"The {'Hang Seng Index' if name == 'hsi' else 'Hang Seng TECH Index'} opened ",
        Said(opened, f"{name}_open_gap"),
    ]
    between, now = _STATES.get(state, ("", ""))
    if between == TURNED:
        at: Sentence = (" at ", Said(turned, f"{name}_turned_positive")) if turned else ()
        told += [", turned positive", *at, " and "]
    elif between:
        told.append(between)
    return [(*told, *([Said(now, f"{name}_open_state")] if now else []), ".")]


def _tell_flows(note: Note) -> list[Sentence]:
    flow = note.claims["etf_cumulative_flow"].value
    until = f" to {note.flows[-1].date}" if note.flows else ""
    told: list[str | Said] = [
        "Net creations on ",
        _count(note, "etf_inflow_days"),
        " of the last ",
        _count(note, "etf_window_sessions"),
        f" sessions{until}",
    ]
    if _value(note, "etf_structural_zero_days"):
        closed = _count(note, "etf_structural_zero_days")
        told += [" (", closed, " of them without creations because southbound trading was closed)"]
    direction = "inflow" if (flow or 0) >= 0 else "outflow"
    amount = Said(money(abs(flow) if flow is not None else None, "CNY"), "etf_cumulative_flow")
    return [(*told, f", cumulative net {direction} ", amount, ".")]


def _tell_visits(note: Note) -> list[Sentence]:
    month = f"From {note.date.replace(day=1)} to {note.date} b" if note.date else "B"
    told: list[Sentence] = [
        (
            f"{month}rokers called on ",
            _count(note, "visits_companies_all"),
            " listed companies, ",
            _count(note, "visits_companies_electronics"),
            " of them in electronics (电子) and ",
            _count(note, "visits_companies_healthcare"),
            " in pharmaceuticals and biotech (医药生物).",
        )
    ]
    anyone = [f"visits_companies_{which}_any_visitor" for which in ("all", "electronics", "healthcare")]
    if all(_value(note, claim) is not None for claim in anyone):
        told.append(("By any visitor: ", *_listed([(_count(note, claim),) for claim in anyone]), "."))
    return told


def _tell_funding(note: Note) -> list[Sentence]:
    quarter = f"Q{(note.quarter.month + 2) // 3} {note.quarter.year}" if note.quarter else "last quarter"
    parts = (("funding_yoy_global", "worldwide"), ("funding_yoy_usa", "USA"), ("funding_yoy_chn", "China"))

    def growth(suffix: str) -> Sentence:
        return _listed(
            [(Said(percent(_value(note, part + suffix)), part + suffix), f" {word}") for part, word in parts]
        )

    told: list[Sentence] = [
        (
            f"Venture funding of innovative drugs in {quarter} against a year earlier, as known now: ",
            *growth(""),
            ".",
        )
    ]
    if any(_value(note, f"{part}_lag_matched") is not None for part, _ in parts):
        told.append(("At the same age of the data: ", *growth("_lag_matched"), "."))
    else:
        missing = Said(f"{MISSING}, no vintage a year old", "funding_yoy_global_lag_matched")
        told.append(("At the same age of the data: ", missing, "."))
    return told


def _tell_cro(note: Note) -> list[Sentence]:
    members, up, down = (_count(note, f"cro_{part}") for part in ("members", "advancers", "decliners"))
    return [("Of ", members, " members ", up, " rose and ", down, " fell on the last full session.")]
