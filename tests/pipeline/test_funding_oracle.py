"""Funding against an oracle in plain Python: every cell of the quarterly, stage and restatement marts, at every moment.

The oracle walks over versions round by round and knows nothing of the models. Rulings: contracts R12, R16, R50 to R55.
"""

from __future__ import annotations

import datetime as dt
import itertools
import math
import random
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pytest

from orchestration.contracts.funding_rounds import INVESTMENT_TYPES
from tests.support.raw_build import run_models

pytestmark = pytest.mark.pipeline

SHANGHAI = ZoneInfo("Asia/Shanghai")
VENTURE = {f"series_{letter}" for letter in "abcdefghij"} | {"series_unknown"}
SEED_OR_VENTURE = VENTURE | {"pre_seed", "seed", "angel"}
ALWAYS = SEED_OR_VENTURE | {"equity_crowdfunding", "convertible_note"}
CATEGORIES = {"biotechnology", "biopharma", "pharmaceutical", "therapeutics", "genetics", "clinical trials"}
PROFILES = ("cb_news_venture", "vc_pe_broad")
SEGMENTS = ("all", "innovative_drugs")
REGIONS = ("GLOBAL", "USA", "CHN", "HKG", "ROW")
STAGES = ("seed_angel", "early", "late", "technology_growth", "private_equity", "unknown")
Key = tuple[str, str, str, str, dt.date]  # profile, segment, region, stage or all, quarter


def moment(year: int, month: int, day: int, hour: int = 12, minute: int = 0) -> dt.datetime:
    return dt.datetime(year, month, day, hour, minute, tzinfo=SHANGHAI)


NOW = moment(2026, 2, 3)


@dataclass(frozen=True)
class Round:
    """A version of a round."""

    uuid: str
    org: str | None
    announced: dt.date
    kind: str
    amount: Decimal | None
    country: str | None
    known: dt.datetime
    deleted: dt.datetime | None = None
    stamped: bool = False
    ingested: dt.datetime = dt.datetime(2018, 1, 1, tzinfo=SHANGHAI)

    def row(self) -> dict[str, Any]:
        return {
            "round_uuid": self.uuid,
            "org_uuid": self.org,
            "announced_on": self.announced,
            "investment_type": self.kind,
            "raised_amount_usd": self.amount,
            "country_code": self.country,
            "deleted_at": self.deleted,
            "knowledge_at": self.known,
            "_ingested_at": self.ingested,
            "_knowledge_source": "stamp" if self.stamped else "rule",
        }


@dataclass(frozen=True)
class Organization:
    """A version of an organization."""

    uuid: str
    country: str | None
    categories: str | None
    known: dt.datetime

    def row(self) -> dict[str, Any]:
        return {
            "org_uuid": self.uuid,
            "name": self.uuid,
            "country_code": self.country,
            "category_list": self.categories,
            "knowledge_at": self.known,
        }


# ---------------------------------------------------------------------------------------------------- the oracle
def quarter_of(date: dt.date) -> dt.date:
    return dt.date(date.year, (date.month - 1) // 3 * 3 + 1, 1)


def shifted(quarter: dt.date, quarters: int) -> dt.date:
    months = quarter.year * 12 + quarter.month - 1 + 3 * quarters
    return dt.date(months // 12, months % 12 + 1, 1)


def end_of(quarter: dt.date) -> dt.datetime:
    following = shifted(quarter, 1)
    return moment(following.year, following.month, following.day, 0)


def year_before(at: dt.datetime) -> dt.datetime:
    local = at.astimezone(SHANGHAI)
    leap = local.month == 2 and local.day == 29
    return local.replace(year=local.year - 1, day=28 if leap else local.day)


class Vintage:
    """The rounds and organizations as known at a moment."""

    def __init__(self, rounds: Sequence[Round], organizations: Sequence[Organization], at: dt.datetime):
        latest: dict[str, Round] = {}
        for version in rounds:  # in landing order: of equal knowledge the later row wins
            held = latest.get(version.uuid)
            if version.known <= at and (held is None or held.known <= version.known):
                latest[version.uuid] = version
        self.rounds = [v for v in latest.values() if v.deleted is None or v.deleted > at]
        self.organizations: dict[str, Organization] = {}
        for organization in organizations:
            known = self.organizations.get(organization.uuid)
            if organization.known <= at and (known is None or known.known <= organization.known):
                self.organizations[organization.uuid] = organization
        self.by_quarter: dict[dt.date, list[Round]] = {}
        for version in self.rounds:
            self.by_quarter.setdefault(quarter_of(version.announced), []).append(version)
        self.by_org: dict[str, list[Round]] = {}
        for version in self.rounds:
            if version.org is not None:
                self.by_org.setdefault(version.org, []).append(version)
        self.grouped: dict[dt.date, dict[tuple[str, ...], list[Round]]] = {}

    def after(self, deal: Round, kinds: set[str]) -> bool:
        mates = self.by_org.get(deal.org, []) if deal.org is not None else []
        return any(mate.announced < deal.announced and mate.kind in kinds for mate in mates)

    def belongs(self, deal: Round, profile: str) -> bool:
        if deal.kind in ALWAYS:
            return True
        if deal.kind == "corporate_round":
            return self.after(deal, SEED_OR_VENTURE)
        if deal.kind == "private_equity":
            return profile == "vc_pe_broad" or self.after(deal, VENTURE)
        return False

    def region(self, deal: Round) -> str:
        organization = self.organizations.get(deal.org) if deal.org is not None else None
        country = (organization.country if organization else None) or deal.country
        return country if country in ("USA", "CHN", "HKG") else "ROW"

    def in_segment(self, deal: Round, segment: str) -> bool:
        if segment == "all":
            return True
        organization = self.organizations.get(deal.org) if deal.org is not None else None
        tokens = (organization.categories or "").split(",") if organization else []
        return any(token.strip().lower() in CATEGORIES for token in tokens)

    def stage(self, deal: Round) -> str:
        if deal.kind in ("pre_seed", "seed", "angel"):
            return "seed_angel"
        if deal.kind in VENTURE - {"series_unknown"}:
            return "early" if deal.kind in ("series_a", "series_b") else "late"
        if deal.kind == "private_equity":
            return "technology_growth" if self.after(deal, VENTURE) else "private_equity"
        if not deal.amount:
            return "unknown"
        return "seed_angel" if deal.amount <= 3_000_000 else "early" if deal.amount <= 15_000_000 else "late"

    def deals(self, profile: str, segment: str, region: str, stage: str, quarter: dt.date) -> list[Round]:
        if quarter not in self.grouped:
            groups = self.grouped[quarter] = {}
            for deal in self.by_quarter.get(quarter, []):
                for group in itertools.product(PROFILES, SEGMENTS, REGIONS, ("all", self.stage(deal))):
                    if (
                        self.belongs(deal, group[0])
                        and self.in_segment(deal, group[1])
                        and group[2] in ("GLOBAL", self.region(deal))
                    ):
                        groups.setdefault(group, []).append(deal)
        return self.grouped[quarter].get((profile, segment, region, stage), [])


def amount_of(deals: Iterable[Round]) -> Decimal | None:
    deals = list(deals)
    known = [deal.amount for deal in deals if deal.amount]
    if deals and not known:
        return None
    return sum(known, Decimal(0))


def growth(amount: Decimal | None, base: Decimal | None) -> float | None:
    if amount is None or not base:
        return None
    return float(amount) / float(base) - 1


def oracle(
    rounds: Sequence[Round], organizations: Sequence[Organization], as_of: dt.datetime
) -> dict[Key, tuple[Any, ...]]:
    """(amount, deals, disclosed share, yoy_latest, yoy_lag_matched, completeness) of every group and quarter."""
    vintages: dict[dt.datetime, Vintage] = {}

    def at(moment_of_knowledge: dt.datetime) -> Vintage:
        if moment_of_knowledge not in vintages:
            vintages[moment_of_knowledge] = Vintage(rounds, organizations, moment_of_knowledge)
        return vintages[moment_of_knowledge]

    now, known = at(as_of), [v for v in rounds if v.known <= as_of]
    uuids = [v.uuid for v in known]
    reaches_back = (
        any(v.stamped for v in known)
        or len(set(uuids)) < len(uuids)
        or min((v.ingested for v in known), default=as_of) <= year_before(as_of)
    )
    if not now.rounds:
        return {}
    quarter = min(quarter_of(v.announced) for v in now.rounds)
    last_word = max(v.known for v in known).astimezone(SHANGHAI).date()
    last = max(quarter_of(last_word), max(quarter_of(v.announced) for v in now.rounds))
    found: dict[Key, tuple[Any, ...]] = {}
    while quarter <= last:
        for group in itertools.product(PROFILES, SEGMENTS, REGIONS, ("all", *STAGES)):
            if group[0] == "cb_news_venture" and group[3] == "private_equity":
                continue
            deals = now.deals(*group, quarter)
            amount, before = amount_of(deals), shifted(quarter, -4)
            latest = growth(amount, amount_of(now.deals(*group, before))) if end_of(quarter) <= as_of else None
            year_ago = at(year_before(as_of))
            matched = growth(amount, amount_of(year_ago.deals(*group, before))) if reaches_back else None
            shares = []
            for step in range(1, 9):
                earlier = shifted(quarter, -step)
                final = len(now.deals(*group, earlier))
                if end_of(earlier) <= as_of and final:
                    same_age = at(end_of(earlier) + (as_of - end_of(quarter)))
                    shares.append(len(same_age.deals(*group, earlier)) / final)
            found[(*group, quarter)] = (
                amount,
                len(deals),
                sum(1 for deal in deals if deal.amount) / len(deals) if deals else None,
                latest,
                matched,
                statistics.median(shares) if len(shares) >= 4 else None,
            )
        quarter = shifted(quarter, 1)
    return found


def restatements(
    rounds: Sequence[Round], organizations: Sequence[Organization], as_of: dt.datetime, keys: Iterable[tuple[Any, ...]]
) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    """(quarters_after, amount, deals, amount change) by group, ended quarter and moment, where vintages are known."""
    found: dict[tuple[Any, ...], tuple[Any, ...]] = {}
    last = max((quarter for *_, quarter in keys), default=None)
    vintages: dict[dt.datetime, Vintage] = {}
    for profile, segment, region, stage, quarter in keys:
        if stage != "all" or end_of(quarter) > as_of:
            continue
        ends = [(n, end_of(shifted(quarter, n))) for n in range(9) if shifted(quarter, n) <= last]
        moments = [(n, at) for n, at in ends if at < as_of] + [(None, as_of)]
        first = None
        for position, (after, at) in enumerate(moments):
            vintage = vintages.setdefault(
                at, Vintage(rounds, organizations, at) if at not in vintages else vintages[at]
            )
            deals = vintage.deals(profile, segment, region, stage, quarter)
            amount = amount_of(deals)
            if position == 0 and after is not None:
                first = amount
            found[profile, segment, region, quarter, at] = (after, amount, len(deals), growth(amount, first))
    return found


# ------------------------------------------------------------------------------------------------------ the data
def made(seed: int) -> tuple[list[Round], list[Organization]]:
    """Rounds of 2019 to 2026 with late reports, edits of every judged column, deletions and returns."""
    rng = random.Random(seed)  # noqa: S311
    countries = ["USA", "USA", "CHN", "CHN", "HKG", "GBR", "TWN", None]
    lists = [
        "Biotechnology,Health Care",
        "Software",
        "health care , THERAPEUTICS",
        "Biotechnology Tools",
        "Clinical Trials",
    ]
    organizations = []
    for number in range(60):
        if number % 9 == 8:
            continue  # rounds name an organization that nobody described
        known = moment(2018, 1, 1) + dt.timedelta(days=rng.randrange(2500))
        organizations.append(Organization(f"o{number}", rng.choice(countries), rng.choice([*lists, None]), known))
        if rng.random() < 0.5:
            later = known + dt.timedelta(days=rng.randrange(900), hours=5)
            organizations.append(Organization(f"o{number}", rng.choice(countries), rng.choice(lists), later))
    rounds = []
    for number in range(900):
        kind = rng.choice(["seed", "series_a", "series_b", "series_unknown", "corporate_round", "private_equity"])
        kind = kind if rng.random() < 0.75 else rng.choice(INVESTMENT_TYPES)
        announced = dt.date(2019, 2, 1) + dt.timedelta(days=rng.randrange(2550))
        if dt.date(2021, 4, 1) <= announced < dt.date(2021, 7, 1):
            continue  # a quarter without deals
        lag = dt.timedelta(days=rng.choice([1, 1, 3, 20, 90, 200, 400]), hours=rng.randrange(24))
        version = Round(
            uuid=f"r{number}",
            org=None if rng.random() < 0.04 else f"o{rng.randrange(60)}",
            announced=announced,
            kind=kind,
            amount=rng.choice([None, Decimal(0), *[Decimal(rng.randrange(1, 10**10)) / 100] * 4]),
            country=rng.choice(countries),
            known=moment(announced.year, announced.month, announced.day, 0) + lag,
        )
        rounds.append(version)
        while rng.random() < 0.35:
            edit: dict[str, Any] = rng.choice(
                [
                    {"amount": Decimal(rng.randrange(1, 10**9)) / 100},
                    {"kind": rng.choice(INVESTMENT_TYPES)},
                    {"announced": version.announced + dt.timedelta(days=rng.randrange(-100, 100))},
                    {"country": rng.choice(countries)},
                    {"org": f"o{rng.randrange(60)}"},
                    {"deleted": None},
                ]
            )
            known = version.known + dt.timedelta(days=rng.choice([0, 5, 100, 380]), minutes=rng.choice([0, 7]))
            if rng.random() < 0.3:
                edit = {**edit, "deleted": known + dt.timedelta(days=rng.choice([0, -3, 40]))}
            version = replace(version, **edit, known=known)
            rounds.append(version)
    # Private equity whose date moves to the next quarter, before the venture round that makes it venture money is
    # known: looked at from later quarters it was in two quarters, at two moments, and venture money at one of them.
    for step in range(24):
        quarter = shifted(dt.date(2019, 4, 1), step)
        org, end = f"moved{step}", end_of(quarter)
        equity = Round(
            f"e{step}", org, quarter, "private_equity", Decimal(7), "USA", moment(quarter.year, quarter.month, 9)
        )
        later = replace(equity, announced=shifted(quarter, 1), known=end + dt.timedelta(days=90))
        venture = Round(f"v{step}", org, dt.date(2019, 3, 1), "series_a", None, "USA", end + dt.timedelta(days=120))
        rounds += [equity, later, venture]
    # all that is known of its quarter is withdrawn: that quarter is gone today, and was a base a year ago
    base = Round("first", None, dt.date(2018, 5, 1), "seed", Decimal(99), "USA", moment(2018, 5, 2))
    rounds += [base, replace(base, known=moment(2019, 6, 1), deleted=moment(2019, 6, 1))]
    return rounds, organizations


def differences(marts: Path, expected: Mapping[Key, tuple[Any, ...]]) -> list[str]:
    """What differs in the quarterly marts, all stages together and each."""
    names = ("amount_usd", "deals", "disclosed_share", "yoy_latest", "yoy_lag_matched", "completeness")
    with duckdb.connect(str(marts), read_only=True) as con:
        rows = con.execute(
            f"select profile, segment, region, 'all', quarter_start, {', '.join(names)}, knowledge_at is not null"
            " from marts.fct_funding_quarterly union all "
            f"select profile, segment, region, stage, quarter_start, {', '.join(names)}, knowledge_at is not null"
            " from marts.fct_funding_stage_quarterly"
        ).fetchall()
    got = {row[:5]: row[5:] for row in rows}
    wrong = [f"row {key}" for key in got.keys() ^ expected.keys()]
    for key in got.keys() & expected.keys():
        for name, want, have in zip(names, expected[key], got[key], strict=False):
            close = isinstance(want, float) and isinstance(have, float) and math.isclose(want, have, rel_tol=1e-12)
            if not close and want != have:
                wrong.append(f"{name} of {key}: want {want}, got {have}")
        if not got[key][-1]:
            wrong.append(f"knowledge_at of {key} is NULL")
    return wrong


def cells(con: duckdb.DuckDBPyConnection, query: str, expected: dict[tuple[Any, ...], tuple[Any, ...]]) -> list[str]:
    """What differs between a mart and the oracle; the key are the first five columns."""
    got = {row[:5]: row[5:] for row in con.execute(query).fetchall()}
    wrong = [f"row {key}" for key in got.keys() ^ expected.keys()]
    for key in got.keys() & expected.keys():
        for want, have in zip(expected[key], got[key], strict=True):
            close = isinstance(want, float) and isinstance(have, float) and math.isclose(want, have, rel_tol=1e-12)
            if not close and want != have:
                wrong.append(f"{key}: want {expected[key]}, got {got[key]}")
    return wrong


def growth_that_does_not_add_up(con: duckdb.DuckDBPyConnection) -> list[str]:
    """Quarters in which growth of the world is not the sum of base shares times growth of USA, China and the rest."""
    rows = con.execute(
        "select profile, segment, quarter_start, region, base_share, yoy_latest, implied_rest_yoy "
        "from marts.fct_funding_quarterly"
    ).fetchall()
    figures = {row[:4]: row[4:] for row in rows}
    wrong = []
    for (profile, segment, quarter, region), (_, world, implied) in figures.items():
        if region != "GLOBAL" or implied is None:
            continue
        parts = [figures[profile, segment, quarter, named][:2] for named in ("USA", "CHN")]
        if world is None or any(share is None or yoy is None for share, yoy in parts):
            continue
        rest = 1 - sum(share for share, _ in parts)
        total = sum(share * yoy for share, yoy in parts) + rest * implied
        if not math.isclose(total, world, rel_tol=1e-9, abs_tol=1e-9):
            wrong.append(f"{profile} {segment} {quarter}: {total} of the parts, {world} of the world")
    return wrong


def rounds_that_do_not_add_up(con: duckdb.DuckDBPyConnection) -> list[str]:
    """Groups of ``fct_funding_quarterly`` that are not the sum of ``fct_funding_round``."""
    found = con.execute(
        "with counted as (select *, 'cb_news_venture' as profile from marts.fct_funding_round where in_cb_news_venture "
        "union all by name select *, 'vc_pe_broad' as profile from marts.fct_funding_round where in_vc_pe_broad), "
        "sums as (select profile, s.segment as segment, "
        "coalesce(nullif(r.region, ''), counted.region) as region, quarter_start, count(*) as deals, "
        "sum(raised_amount_usd) as amount_usd from counted "
        "join (values ('all'), ('innovative_drugs')) as s(segment) on s.segment in ('all', counted.segment) "
        "join (values ('GLOBAL'), ('')) as r(region) on true group by all) "
        "select q.profile, q.segment, q.region, q.quarter_start, q.deals, s.deals, q.amount_usd, s.amount_usd "
        "from marts.fct_funding_quarterly as q left join sums as s using (profile, segment, region, quarter_start) "
        "where q.deals <> coalesce(s.deals, 0) or (q.deals > 0 and q.amount_usd is distinct from s.amount_usd)"
    ).fetchall()
    return [str(row) for row in found]


MARTS = "+fct_funding_quarterly +fct_funding_stage_quarterly +fct_funding_restatement +fct_funding_round"


@pytest.mark.parametrize(
    ("seed", "moments"),
    [
        (1, [NOW, moment(2024, 2, 29, 23, 30)]),
        (2, [moment(2023, 7, 1, 0, 0), moment(2020, 5, 15), moment(2018, 1, 1)]),
    ],
)
def test_every_cell_at_every_moment(seed: int, moments: list[dt.datetime], tmp_path: Path) -> None:
    rounds, organizations = made(seed)
    tables = {"funding_rounds": [v.row() for v in rounds], "organizations": [v.row() for v in organizations]}
    for number, as_of in enumerate(moments):
        marts = run_models(tmp_path / str(number), tables, as_of, MARTS)
        expected = oracle(rounds, organizations, as_of)
        wrong = differences(marts, expected)
        with duckdb.connect(str(marts), read_only=True) as con:
            con.execute("set TimeZone = 'Asia/Shanghai'")
            wrong += cells(
                con,
                "select profile, segment, region, quarter_start, known_at, quarters_after, amount_usd, deals, "
                "amount_change_ratio from marts.fct_funding_restatement",
                restatements(rounds, organizations, as_of, expected),
            )
            wrong += growth_that_does_not_add_up(con)
            wrong += rounds_that_do_not_add_up(con)
        assert not wrong, f"as of {as_of}: {len(wrong)} cells, first {wrong[:5]}"


@pytest.mark.parametrize(
    ("ingested", "stamped", "is_known"),
    [
        (moment(2025, 9, 1), False, False),
        (moment(2025, 9, 1), True, True),
        (moment(2025, 2, 3), False, True),
    ],
)
def test_lag_matched_growth_needs_vintages(
    ingested: dt.datetime, stamped: bool, is_known: bool, tmp_path: Path
) -> None:
    """R16: rows of one young batch without stamps of their own say nothing about what was known a year ago."""
    rounds = [
        Round("a", "o", dt.date(2023, 5, 1), "seed", Decimal(100), "USA", moment(2023, 5, 2), None, stamped, ingested),
        Round("b", "o", dt.date(2024, 5, 1), "seed", Decimal(150), "USA", moment(2024, 5, 2), None, stamped, ingested),
    ]
    marts = run_models(tmp_path / "build", {"funding_rounds": [v.row() for v in rounds]}, NOW, MARTS)
    assert not differences(marts, oracle(rounds, [], NOW))
    with duckdb.connect(str(marts), read_only=True) as con:
        con.execute("set TimeZone = 'Asia/Shanghai'")
        figures = con.execute(
            "select yoy_latest, yoy_lag_matched from marts.fct_funding_quarterly "
            "where profile = 'vc_pe_broad' and segment = 'all' and region = 'USA' and quarter_start = '2024-04-01'"
        ).fetchall()
        vintages = con.execute(
            "select cast(min(known_at) as date), count(*), count(amount_usd) from marts.fct_funding_restatement "
            "where profile = 'vc_pe_broad' and segment = 'all' and region = 'USA' and quarter_start = '2024-04-01' "
            "and vintage_status = 'known'"
        ).fetchall()
    assert figures == [(0.5, 0.5 if is_known else None)]
    # the quarter of the last word ended on 2024-06-30, so one past quarter end and now are all there is
    first_vintage = dt.date(2024, 7, 1) if stamped or ingested <= moment(2024, 7, 1) else NOW.date()
    assert vintages[0][0] == first_vintage
