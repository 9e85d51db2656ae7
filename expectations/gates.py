"""The gates of this field, by id: what each protects from, and which checks of ours stand for it.

Belongs here: words. The checks themselves stand at the door (``orchestration.ingest``, ``orchestration.silence``), in
the suites, in the audits and in the history of past releases; each names its gate.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Gate:
    """``door`` says what the ingest does for it before any row reaches raw; blank where it does nothing."""

    title: str
    protects_from: str
    door: str = ""


GATES: dict[str, Gate] = {
    "G1": Gate(
        "unit magnitude",
        "lots read as shares, 万份 as 份, thousands of yuan as yuan, percent as ratios",
        "a file whose median figures are a power of ten beside those known is refused whole, naming the unit",
    ),
    "G2": Gate(
        "Hong Kong codes",
        "01801 padded to 001801, which reads as another company in Shenzhen",
        "padded codes are read by the index's market, or quarantined where that is unknown",
    ),
    "G3": Gate(
        "row count and unique keys",
        "truncated pages, doubled rows, a fund or an index that dropped out",
        "a page count beside the provider's own total, a row count beside the trailing median",
    ),
    "G4": Gate("sum of weights", "a weight file with members missing, or of another unit"),
    "G5": Gate("split before flow", "a split booked as the largest inflow of the year"),
    "G6": Gate(
        "share basis",
        "opening counts taken for closing ones: every flow a session late",
        "each provider's dialect declares the basis of its share counts",
    ),
    "G7": Gate("size is shares times NAV", "万 and yuan mixed between two columns of one file"),
    "G8": Gate(
        "order of prices",
        "columns in another order than their headers say",
        "a bar with high below low, or outside open and close, is quarantined",
    ),
    "G9": Gate("turnover only grows within a day", "quotes of two feeds mixed, a quote of another day"),
    "G10": Gate(
        "columns as before",
        "a column inserted, gone or renamed by the provider",
        "headers are matched by name; a new set of columns is reported with the delivery",
    ),
    "G11": Gate(
        "empty or throttled",
        "an empty answer taken for a quiet day",
        "an empty answer on a session day is a failed fetch and is never landed",
    ),
    "G12": Gate(
        "calendar completeness",
        "a session without data, data without a session, yesterday's data shown as today's",
        "a bar on a day without a session of its market is quarantined",
    ),
    "G13": Gate("funding conserved", "deleted rounds still counted, closed quarters rewritten without a word"),
    "G14": Gate(
        "notice after visit",
        "visits dated after they were told of, notices that come later than they used to",
        "a notice before its visit is quarantined",
    ),
    "G15": Gate("contribution residual", "stale weights, a missing member, a currency not converted"),
    "G16": Gate(
        "sources tie out", "two providers with other figures for the same thing, an exchange rate turned round"
    ),
}
