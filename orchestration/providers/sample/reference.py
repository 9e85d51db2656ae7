"""Slow facts: sector membership, concepts, Stock Connect eligibility, exchange rates."""

from __future__ import annotations

import datetime as dt

import numpy as np

from orchestration.providers.sample.moments import Clock
from orchestration.providers.sample.universe import CRO_MEMBERS, SECTORS, Security, Universe

SECTOR_HEADER = (
    "l1_code",
    "l1_name",
    "l2_code",
    "l2_name",
    "l3_code",
    "l3_name",
    "ts_code",
    "name",
    "in_date",
    "out_date",
    "is_new",
)
_RECLASSIFIED_ON = dt.date(2024, 7, 1)
_RECLASSIFIED = 4


def hkd_rate(rng: np.random.Generator, clock: Clock) -> np.ndarray:
    """CNY for one HKD by day of the clock."""
    walk = np.cumsum(rng.normal(0.0, 0.0008, len(clock.days)))
    return np.round(0.9298 * np.exp(walk - walk[-1]), 5)


def fx_rows(clock: Clock, rate: np.ndarray) -> list[tuple[object, ...]]:
    """Reference and valuation rates on Shenzhen sessions: pair, kind, rate_date, rate."""
    rows: list[tuple[object, ...]] = []
    for position in clock.szse_positions:
        day = clock.days[position].isoformat()
        rows.append(("HKDCNY", "sgt_reference", day, round(float(rate[position]) * 1.0003, 5)))
        rows.append(("HKDCNY", "valuation", day, float(rate[position])))
    return rows


def sector_rows(rng: np.random.Generator, companies: list[Security]) -> list[tuple[object, ...]]:
    """One row a company and validity; a few companies came to electronics from computers in 2024."""
    names = {code: name for code, name, *_ in SECTORS}
    moved = [company.code for company in companies if company.sector == "801080"][-_RECLASSIFIED:]

    def levels(sector: str, branch: int) -> tuple[str, ...]:
        name = names[sector]
        return (
            f"{sector}.SI",
            name,
            f"{int(sector) + 1 + branch}.SI",
            f"{name}{'甲乙丙'[branch]}Ⅱ",
            f"85{sector[2:5]}{1 + branch}.SI",
            f"{name}{'甲乙丙'[branch]}Ⅲ",
        )

    rows: list[tuple[object, ...]] = []
    for company in companies:
        if company.sector is None:
            continue
        start = max(dt.date(2021, 7, 30), company.listed_on)
        branch = int(rng.integers(3))
        if company.code in moved:
            old = levels("801750", branch)
            rows.append((*old, company.code, company.name_zh, f"{start:%Y%m%d}", f"{_RECLASSIFIED_ON:%Y%m%d}", "N"))
            start = _RECLASSIFIED_ON
        rows.append((*levels(company.sector, branch), company.code, company.name_zh, f"{start:%Y%m%d}", None, "Y"))
    return rows


def concept_rows(rng: np.random.Generator, universe: Universe) -> list[tuple[object, ...]]:
    """Quarterly snapshots: concept, security_code, as_of_date, source."""
    drugs = [security.code for security in universe.hong_kong if security.cap > 0 and security.code not in CRO_MEMBERS]
    concepts = {
        "CRO": list(CRO_MEMBERS),
        "ADC": [drugs[n] for n in sorted(rng.permutation(len(drugs))[:12])],
        "GLP1": [drugs[n] for n in sorted(rng.permutation(len(drugs))[:9])],
    }
    dates = [
        dt.date(2023, 4, 24),
        dt.date(2023, 12, 29),
        dt.date(2024, 6, 28),
        dt.date(2024, 12, 31),
        dt.date(2025, 3, 31),
    ]
    rows: list[tuple[object, ...]] = []
    for concept, members in concepts.items():
        for number, date in enumerate(dates):
            # One member joined with the third snapshot.
            shown = members if number >= 2 else members[:-1]
            listed = {s.code: s.listed_on for s in (*universe.hong_kong, *universe.a_shares)}
            rows.extend((concept, code, date.isoformat(), "sample list") for code in shown if listed[code] <= date)
    return rows


def eligibility_rows(universe: Universe, left: str) -> list[tuple[object, ...]]:
    """Southbound eligibility of the Hong Kong names; ``left`` may only be sold since September 2024."""
    rows: list[tuple[object, ...]] = []
    for security in universe.hong_kong:
        start = max(security.listed_on, dt.date(2020, 12, 28)).isoformat()
        for channel in ("SH_HK", "SZ_HK"):
            if security.code == left:
                rows.append((security.code, channel, start, "2024-09-10", "false"))
                rows.append((security.code, channel, "2024-09-10", None, "true"))
            else:
                rows.append((security.code, channel, start, None, "false"))
    return rows
