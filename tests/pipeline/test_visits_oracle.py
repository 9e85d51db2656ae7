"""Visits against an oracle in plain Python: counts with and without briefings, first times, and what is still to come.

The patterns of notices, amendments and names are the acceptance cases'; here visits are plain, so that counting is all
there is: companies with two share classes, a company that changes its sector, brokers and others, notices that are
late. Every cell of every day is compared. Rulings: contracts R12, R41, R43 to R45; domain notes 2.13.
"""

from __future__ import annotations

import datetime as dt
import math
import random
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import exchange_calendars
import pytest

from tests.support.raw_build import run_models

pytestmark = pytest.mark.pipeline

ZONE = ZoneInfo("Asia/Shanghai")
SESSIONS = {d.date() for d in exchange_calendars.get_calendar("XSHG", start="2023-11-01", end="2025-04-30").sessions}
FIRST, AS_OF = dt.date(2023, 12, 4), dt.datetime(2025, 4, 16, 10, 30, tzinfo=ZONE)
TODAY = AS_OF.date()
COMPANIES = [f"{300100 + number}.SZ" for number in range(26)]
RARE = COMPANIES[24:]
TWIN, TWIN_H = COMPANIES[0], "01801.HK"
MOVER, MOVED_ON = COMPANIES[1], dt.date(2025, 3, 12)
HOMELESS = COMPANIES[2]
WAYS = ("特定对象调研", "电话会议", "业绩说明会")
Visit = tuple[str, dt.date, str, str, str, dt.date]
"""company, date, way, institution, type, notice"""


def at(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), ZONE)


def made() -> list[Visit]:
    rng = random.Random(413)  # noqa: S311
    found: dict[tuple[Any, ...], Visit] = {}
    for _ in range(900):
        day = FIRST + dt.timedelta(days=2 * rng.randrange(249))
        if day > TODAY:
            continue
        company = COMPANIES[min(int(rng.expovariate(0.14)), 23)]
        kind, house = rng.choice(
            [("broker", "券商甲"), ("broker", "券商乙"), ("fund", "基金丙"), ("insurance", "人寿丁")]
        )
        way = rng.choice(WAYS)
        # one notice per event
        lag = random.Random(f"{company} {day} {way}").choice([0, 1, 1, 2, 2, 3, 5, 8, 13, 40, 70])  # noqa: S311
        found[company, day, way, house] = (company, day, way, house, kind, day + dt.timedelta(days=lag))
    # a company that nobody called on before, and one that was called on more than a year ago
    for company, day in ((RARE[0], dt.date(2025, 2, 11)), (RARE[1], dt.date(2024, 1, 16)), (RARE[1], TODAY)):
        found[company, day, WAYS[0], "券商甲"] = (company, day, WAYS[0], "券商甲", "broker", day)
    return list(found.values())


VISITS = made()


def sector_of(company: str, day: dt.date) -> str:
    if company == HOMELESS:
        return "NONE"
    if company == MOVER:
        return "801750" if day < MOVED_ON else "801080"
    return ("801080", "801150", "801750")[COMPANIES.index(company) % 3]


def tables() -> dict[str, list[dict[str, Any]]]:
    since = at(dt.date(2021, 12, 13))
    members = []
    for company in COMPANIES:
        if company == HOMELESS:
            continue
        spans = [(dt.date(2021, 12, 13), None)]
        if company == MOVER:
            spans = [(dt.date(2021, 12, 13), MOVED_ON), (MOVED_ON, None)]
        for start, end in spans:
            row = {"security_code": company, "scheme": "SW2021", "level": "L1", "valid_from": start, "valid_to": end}
            members.append({**row, "sector_code": sector_of(company, start), "knowledge_at": since})
    visits = []
    for number, (company, day, way, house, kind, notice) in enumerate(VISITS):
        code = TWIN_H if company == TWIN and number % 2 else company
        row = {"security_code": code, "visit_date": day, "visit_way": way, "visitor_org": house, "visitor_type": kind}
        visits.append({**row, "notice_date": notice, "knowledge_at": at(notice)})
    twins = [{"security_code": code, "issuer_id": "one", "knowledge_at": since} for code in (TWIN, TWIN_H)]
    return {"sector_members": members, "broker_visits": visits, "securities": twins}


def lag_curve() -> list[int]:
    """Days to the first notice of the events of the year that ended sixty days ago, as far as known now."""
    oldest, newest = TODAY - dt.timedelta(days=425), TODAY - dt.timedelta(days=60)
    events: dict[tuple[Any, ...], int] = {}
    for number, (company, day, way, _, _, notice) in enumerate(VISITS):
        code = TWIN_H if company == TWIN and number % 2 else company
        if notice <= TODAY and oldest < day <= newest:
            key = (code, day, way)
            events[key] = min(events.get(key, 999), (notice - day).days)
    return list(events.values())


def expected_rows() -> dict[tuple[Any, ...], dict[str, Any]]:
    lags = lag_curve()
    assert len(lags) >= 100
    share = {age: sum(lag <= age for lag in lags) / len(lags) for age in range(61)}
    known = [visit for visit in VISITS if visit[5] <= TODAY]
    history = min(day for _, day, *_ in known)
    rows: dict[tuple[Any, ...], dict[str, Any]] = {}
    for kind in ("all", "broker"):
        counted = [visit for visit in known if kind == "all" or visit[4] == "broker"]
        days_of: dict[str, list[dt.date]] = {}
        for company, day, *_ in counted:
            days_of.setdefault(company, []).append(day)
        day = history.replace(day=1)
        while day <= TODAY:
            start = day.replace(day=1)
            sessions = [d for n in range((day - start).days + 1) if (d := start + dt.timedelta(days=n)) in SESSIONS]
            shares = [share[(TODAY - d).days] if (TODAY - d).days <= 60 else 1.0 for d in sessions]
            completeness = sum(shares) / len(shares) if shares else None
            month = [visit for visit in counted if start <= visit[1] <= day]
            for sector in ("ALL", "NONE", "801080", "801150", "801750"):
                here = [v for v in month if sector in ("ALL", sector_of(v[0], day))]
                companies = {company for company, *_ in here}
                plain = {company for company, _, way, *_ in here if way != "业绩说明会"}
                firsts = {
                    company
                    for company in companies
                    if not any(
                        min(d for c, d, *_ in month if c == company) - dt.timedelta(days=365) <= earlier < start
                        for earlier in days_of[company]
                    )
                }
                rows["SW2021", sector, day, kind] = {
                    "companies_mtd": len(companies),
                    "visits_mtd": len({visit[:3] for visit in here}),
                    "briefings_mtd": len({visit[:3] for visit in here if visit[2] == "业绩说明会"}),
                    "institutions_mtd": len({house for _, _, _, house, *_ in here}),
                    "companies_excluding_briefings_mtd": len(plain),
                    "visits_excluding_briefings_mtd": len({v[:3] for v in here if v[2] != "业绩说明会"}),
                    "first_time_companies_mtd": len(firsts) if history <= start - dt.timedelta(days=365) else None,
                    "completeness_mtd": completeness,
                    "companies_expected_final": (
                        len(companies) / completeness if completeness is not None and completeness >= 0.2 else None
                    ),
                }
            day += dt.timedelta(days=1)
    return rows


def test_every_cell_of_every_day(tmp_path: Path) -> None:
    expected = expected_rows()
    marts = run_models(tmp_path / "build", tables(), AS_OF, "+fct_sector_visits_daily")
    columns = list(next(iter(expected.values())))
    with duckdb.connect(str(marts), read_only=True) as con:
        rows = con.execute(
            f"select scheme, sector_code, as_of_date, visitor_type, {', '.join(columns)} "
            "from marts.fct_sector_visits_daily"
        ).fetchall()
    got = {row[:4]: dict(zip(columns, row[4:], strict=True)) for row in rows}
    assert got.keys() == expected.keys()
    wrong = [
        f"{key} {column}: want {want}, got {got[key][column]}"
        for key, cells in expected.items()
        for column, want in cells.items()
        if want != got[key][column]
        and not (isinstance(want, float) and math.isclose(want, got[key][column] or math.nan, rel_tol=1e-12))
    ]
    assert not wrong, f"{len(wrong)} cells:\n" + "\n".join(wrong[:20])
    # the world holds what it is there to show
    late = [cells for (_, sector, day, _), cells in expected.items() if sector == "ALL" and day == TODAY]
    assert all(cells["completeness_mtd"] < 1 < cells["companies_expected_final"] for cells in late)
    assert any(cells["companies_excluding_briefings_mtd"] < cells["companies_mtd"] for cells in expected.values())
    assert any(cells["first_time_companies_mtd"] for cells in expected.values())
