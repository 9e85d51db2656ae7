"""Organizations and funding rounds in two exports of different vintage, and the rounds withdrawn between them.

Rounds are reported late and edited, so the first quarter of 2024 looked smaller in April 2024 than a year later.
Amounts of the first quarters of 2024 and 2025 are scaled to the growth that the note tells, and one round of each
region takes the remainder; everything else is drawn.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass, replace

import numpy as np

ORGANIZATIONS = 5_000
FIRST_ROUND = dt.date(2018, 1, 1)
EARLY_EXPORT = dt.datetime(2024, 4, 21)  # noqa: DTZ001 - the export's own stamps carry no zone
LATE_EXPORT = dt.datetime(2025, 4, 22)  # noqa: DTZ001

GROWTH = {"GLOBAL": 0.2057, "USA": -0.0499, "CHN": -0.0405}
"""Growth of innovative-drug venture money, first quarter of 2025 over that of 2024."""

BASE_SHARES = {"USA": 0.60, "CHN": 0.12}
"""Shares of the base quarter; Hong Kong stays as drawn, the rest of the world has the remainder."""

REGIONS = ("USA", "CHN", "HKG", "ROW")

DRUG_CATEGORIES = ("Biotechnology", "Biopharma", "Pharmaceutical", "Therapeutics", "Genetics", "Clinical Trials")
_PROFILE = frozenset(
    {"pre_seed", "seed", "angel", "series_unknown", "equity_crowdfunding", "convertible_note"}
    | {f"series_{letter}" for letter in "abcdefghij"}
)
_BASE_QUARTER, _QUARTER = (2024, 1), (2025, 1)

_DRUG_LISTS = (
    "Biotechnology,Health Care,Therapeutics",
    "Biopharma,Biotechnology",
    "Clinical Trials,Health Care,Pharmaceutical",
    "Genetics,Life Science",
    "Health Care,Pharmaceutical",
)
_OTHER_LISTS = (
    ("Software,SaaS", "Software"),
    ("Health Care,Medical Device", "Health Care"),
    ("Artificial Intelligence,Machine Learning", "Artificial Intelligence,Software"),
    ("Financial Services,FinTech", "Financial Services"),
    ("E-Commerce,Retail", "Commerce and Shopping"),
    ("Battery,Clean Energy", "Energy,Sustainability"),
    ("Semiconductor,Electronics", "Hardware"),
    ("Food Processing,Agriculture", "Food and Beverage"),
)
_DRUG_GROUP = "Biotechnology,Health Care,Science and Engineering"
_COUNTRIES = ("USA", "CHN", "HKG", "GBR", "DEU", "FRA", "CHE", "ISR", "KOR", "JPN", "CAN", "IND", "TWN", "")
_COUNTRY_SHARES = (0.42, 0.19, 0.025, 0.09, 0.05, 0.04, 0.03, 0.03, 0.025, 0.02, 0.025, 0.02, 0.005, 0.03)
_LADDER = ("pre_seed", "seed", "series_a", "series_b", "series_c", "series_d", "series_e", "series_f")
_SIZES = {
    "pre_seed": 0.8e6,
    "angel": 0.6e6,
    "seed": 3.2e6,
    "series_a": 16e6,
    "series_b": 38e6,
    "series_c": 62e6,
    "series_d": 85e6,
    "series_e": 110e6,
    "series_f": 140e6,
    "series_unknown": 9e6,
    "grant": 1.1e6,
    "debt_financing": 20e6,
    "convertible_note": 1.5e6,
    "equity_crowdfunding": 0.7e6,
    "corporate_round": 25e6,
    "private_equity": 70e6,
    "post_ipo_equity": 60e6,
    "undisclosed": 5e6,
    "secondary_market": 30e6,
    "non_equity_assistance": 0.1e6,
}
_SIDE_TYPES = (
    "grant",
    "debt_financing",
    "convertible_note",
    "equity_crowdfunding",
    "corporate_round",
    "private_equity",
    "post_ipo_equity",
    "undisclosed",
    "secondary_market",
    "non_equity_assistance",
    "angel",
)
_WORDS = (
    "Aster",
    "Borealis",
    "Cobalt",
    "Delphi",
    "Ember",
    "Fathom",
    "Granite",
    "Helix",
    "Indigo",
    "Juniper",
    "Kestrel",
    "Lumen",
    "Meridian",
    "Nimbus",
    "Orchard",
    "Pinnacle",
    "Quarry",
    "Ridge",
    "Solstice",
    "Tundra",
    "Umbra",
    "Vertex",
    "Willow",
    "Xenon",
    "Yarrow",
    "Zephyr",
)
_DRUG_ENDINGS = ("Therapeutics", "Bio", "Pharma", "Biosciences", "Medicines")
_OTHER_ENDINGS = ("Labs", "Technologies", "Systems", "Works", "Networks")


@dataclass(frozen=True)
class Organization:
    """One version of an organization."""

    uuid: str
    name: str
    country: str
    categories: str
    groups: str
    created_at: dt.datetime
    updated_at: dt.datetime

    @property
    def is_drug(self) -> bool:
        return any(token in DRUG_CATEGORIES for token in self.categories.split(","))


@dataclass(frozen=True)
class Round:
    """One version of a round. ``amount`` in whole USD; None: undisclosed."""

    uuid: str
    organization: str
    country: str
    kind: str
    announced_on: dt.date
    amount: int | None
    investors: int
    created_at: dt.datetime
    updated_at: dt.datetime

    @property
    def quarter(self) -> tuple[int, int]:
        return self.announced_on.year, (self.announced_on.month + 2) // 3


@dataclass(frozen=True)
class Funding:
    """The two exports, and the rounds deleted after the early one with the moment of deletion."""

    early_organizations: list[Organization]
    late_organizations: list[Organization]
    early_rounds: list[Round]
    late_rounds: list[Round]
    deleted: list[tuple[Round, dt.datetime]]


def _uuid(rng: np.random.Generator) -> str:
    text = rng.bytes(16).hex()
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}"


def _clear_of_vintage(moment: dt.datetime) -> dt.datetime:
    """No stamp within days of the year-ago moment: which zone the export means must not matter there."""
    if EARLY_EXPORT - dt.timedelta(days=1) <= moment <= EARLY_EXPORT + dt.timedelta(days=6):
        return moment + dt.timedelta(days=9)
    return moment


def _moment(rng: np.random.Generator, day: dt.date) -> dt.datetime:
    return dt.datetime(day.year, day.month, day.day) + dt.timedelta(seconds=int(rng.integers(86_400)))  # noqa: DTZ001


def in_profile(rounds: list[Round]) -> list[Round]:
    """Rounds of ``cb_news_venture`` (contracts R50) among ``rounds``, all of them known and not deleted."""
    earlier: dict[str, list[Round]] = defaultdict(list)
    for item in rounds:
        if item.kind in _PROFILE and item.kind not in {"equity_crowdfunding", "convertible_note"}:
            earlier[item.organization].append(item)

    def raised_before(item: Round, letters_only: bool) -> bool:
        return any(
            other.announced_on < item.announced_on and (not letters_only or other.kind.startswith("series_"))
            for other in earlier[item.organization]
        )

    return [
        item
        for item in rounds
        if item.kind in _PROFILE
        or (item.kind == "corporate_round" and raised_before(item, False))
        or (item.kind == "private_equity" and raised_before(item, True))
    ]


def _region(country: str) -> str:
    return country if country in {"USA", "CHN", "HKG"} else "ROW"


def _lag(rng: np.random.Generator) -> float:
    kind = rng.random()
    if kind < 0.55:
        return float(rng.uniform(0, 3))
    if kind < 0.80:
        return float(rng.uniform(3, 30))
    if kind < 0.92:
        return float(rng.uniform(30, 180))
    return float(rng.uniform(180, 720))


def _draw_rounds(rng: np.random.Generator, organization: Organization) -> list[Round]:
    """First versions of an organization's rounds that were created by the late export."""
    day = dt.date(2013, 1, 1) + dt.timedelta(days=int(rng.integers(4_300)))
    rounds: list[Round] = []
    for step in range(int(rng.integers(2, 8))):
        kind = _LADDER[min(step, len(_LADDER) - 1)]
        if step and rng.random() < 0.22:
            kind = _SIDE_TYPES[rng.integers(len(_SIDE_TYPES))]
        elif step > 2 and rng.random() < 0.05:
            kind = "series_unknown"
        if kind in {"private_equity", "corporate_round"} and any(r.kind == "series_unknown" for r in rounds):
            kind = "debt_financing"
        amount: int | None = int(_SIZES[kind] * float(np.exp(rng.normal(0.0, 0.7))) / 1000) * 1000
        if rng.random() < 0.13:
            amount = None
        created = _clear_of_vintage(_moment(rng, day) + dt.timedelta(days=_lag(rng)))
        if day >= FIRST_ROUND and created <= LATE_EXPORT:
            rounds.append(
                Round(
                    _uuid(rng),
                    organization.uuid,
                    organization.country,
                    kind,
                    day,
                    amount,
                    int(rng.integers(1, 9)),
                    created,
                    created,
                )
            )
        day = day + dt.timedelta(days=int(rng.integers(240, 800)))
        if day > LATE_EXPORT.date():
            break
    return rounds


def _edited(rng: np.random.Generator, item: Round) -> Round | None:
    """A later version, when the round is edited before the late export."""
    if rng.random() > 0.25:
        return None
    moment = _clear_of_vintage(item.created_at + dt.timedelta(days=float(rng.uniform(20, 700))))
    if moment > LATE_EXPORT:
        return None
    if item.amount is None:
        amount: int | None = int(_SIZES[item.kind] * float(np.exp(rng.normal(0.0, 0.5))) / 1000) * 1000
    else:
        amount = int(item.amount * float(rng.uniform(0.85, 1.3)) / 1000) * 1000
    return replace(item, amount=amount, investors=item.investors + 1, updated_at=moment)


def _scale(item: Round, factors: dict[tuple[str, tuple[int, int]], float], region: str | None) -> Round:
    factor = factors.get((region, item.quarter)) if region else None
    if factor is None or item.amount is None:
        return item
    return replace(item, amount=round(item.amount * factor))


def _sums(rounds: list[Round], regions: dict[str, str]) -> dict[tuple[str, tuple[int, int]], int]:
    sums: dict[tuple[str, tuple[int, int]], int] = defaultdict(int)
    for item in rounds:
        if item.organization in regions and item.quarter in (_BASE_QUARTER, _QUARTER):
            sums[regions[item.organization], item.quarter] += item.amount or 0
    return sums


def _settle(early: list[Round], late: list[Round], regions: dict[str, str]) -> tuple[list[Round], list[Round]]:
    """Scale two quarters of the drug rounds to ``BASE_SHARES`` and ``GROWTH``, exactly to the dollar."""
    counted = {item.uuid for item in in_profile(late)}
    sums = _sums([item for item in late if item.uuid in counted], regions)
    base_total = sum(sums[region, _BASE_QUARTER] for region in REGIONS)
    base = {region: round(base_total * share) for region, share in BASE_SHARES.items()}
    wanted = {region: round(base[region] * (1 + GROWTH[region])) for region in BASE_SHARES}
    base["ROW"] = base_total - sum(base.values()) - sums["HKG", _BASE_QUARTER]
    total = round(base_total * (1 + GROWTH["GLOBAL"]))
    wanted["ROW"] = total - sum(wanted.values()) - sums["HKG", _QUARTER]
    targets = {
        (region, quarter): figures[region]
        for quarter, figures in ((_BASE_QUARTER, base), (_QUARTER, wanted))
        for region in (*BASE_SHARES, "ROW")
    }
    factors = {key: target / sums[key] for key, target in targets.items()}

    def scaled(rounds: list[Round]) -> list[Round]:
        return [
            _scale(item, factors, regions.get(item.organization)) if item.uuid in counted else item for item in rounds
        ]

    early, late = scaled(early), scaled(late)
    sums = _sums([item for item in late if item.uuid in counted], regions)
    first_versions = {item.uuid for item in early}
    for key, target in targets.items():
        region, quarter = key
        takers = [
            n
            for n, item in enumerate(late)
            if item.uuid in counted
            and item.quarter == quarter
            and item.amount
            and regions.get(item.organization) == region
        ]
        # A round that has no earlier version, so that no restatement of it comes about.
        taker = max(takers, key=lambda n: (late[n].uuid not in first_versions, late[n].amount or 0))
        remainder = target - sums[key]
        late[taker] = replace(late[taker], amount=(late[taker].amount or 0) + remainder)
        if late[taker].uuid in first_versions:
            early = [
                replace(item, amount=late[taker].amount)
                if item.uuid == late[taker].uuid and item.updated_at == late[taker].updated_at
                else item
                for item in early
            ]
    return early, late


def funding(rng: np.random.Generator) -> Funding:
    """Draw the organizations and their rounds, and settle the two quarters of the note."""
    early_organizations, late_organizations = [], []
    early_rounds: list[Round] = []
    late_rounds: list[Round] = []
    deleted: list[tuple[Round, dt.datetime]] = []
    for number in range(ORGANIZATIONS):
        is_drug = number % 10 < 4
        country = _COUNTRIES[int(rng.choice(len(_COUNTRIES), p=_COUNTRY_SHARES))]
        word, second = _WORDS[rng.integers(len(_WORDS))], _WORDS[rng.integers(len(_WORDS))]
        if is_drug:
            categories, groups = _DRUG_LISTS[rng.integers(len(_DRUG_LISTS))], _DRUG_GROUP
            name = f"{word} {second} {_DRUG_ENDINGS[rng.integers(len(_DRUG_ENDINGS))]}"
        else:
            categories, groups = _OTHER_LISTS[rng.integers(len(_OTHER_LISTS))]
            name = f"{word} {second} {_OTHER_ENDINGS[rng.integers(len(_OTHER_ENDINGS))]}"
        stamp = dt.datetime(2017, 6, 1)  # noqa: DTZ001
        organization = Organization(_uuid(rng), name, country, categories, groups, stamp, stamp)
        rounds = _draw_rounds(rng, organization)
        created = min((item.created_at for item in rounds), default=stamp)
        created = max(created - dt.timedelta(days=30), dt.datetime(2017, 6, 1))  # noqa: DTZ001
        created = _clear_of_vintage(created) if created <= EARLY_EXPORT else created
        first = replace(organization, created_at=created, updated_at=created)
        if created <= EARLY_EXPORT:
            early_organizations.append(first)
        last = first
        if rng.random() < 0.3:
            moment = _clear_of_vintage(created + dt.timedelta(days=float(rng.uniform(30, 1500))))
            if EARLY_EXPORT < moment <= LATE_EXPORT:
                last = replace(first, updated_at=moment, name=f"{name} Inc")
                if rng.random() < 0.1 and country:
                    last = replace(last, country="USA")
        late_organizations.append(last)
        for item in rounds:
            edited = _edited(rng, item)
            versions = [item] if edited is None else [item, edited]
            seen_early = [version for version in versions if version.updated_at <= EARLY_EXPORT]
            if seen_early:
                early_rounds.append(seen_early[-1])
            withdrawn = bool(seen_early) and rng.random() < 0.008
            if withdrawn:
                moment = EARLY_EXPORT + dt.timedelta(days=float(rng.uniform(12, 360)))
                deleted.append((seen_early[-1], moment.replace(microsecond=0)))
            else:
                late_rounds.append(versions[-1])

    regions = {
        organization.uuid: _region(organization.country) for organization in late_organizations if organization.is_drug
    }
    withdrawn_uuids = {item.uuid for item, _ in deleted}
    early_rounds, late_rounds = _settle(early_rounds, late_rounds, regions)
    scaled = {item.uuid: item for item in early_rounds if item.uuid in withdrawn_uuids}
    deleted = [(scaled[item.uuid], moment) for item, moment in deleted]
    return Funding(early_organizations, late_organizations, early_rounds, late_rounds, deleted)
