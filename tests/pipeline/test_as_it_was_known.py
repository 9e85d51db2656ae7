"""What was published on a day is what a later warehouse says that the day knew; how files arrive changes nothing.

A desk lands files evening by evening and builds each time. A second warehouse gets the same figures in one heap, in
other files and another order, and is asked for those evenings afterwards. Every cell of every mart has to agree, and a
correction of the last evening changes the figure from then on and never before.
"""

from __future__ import annotations

import datetime as dt
import random
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import exchange_calendars
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestration.ingest import Ledger, ingest_table
from tests.support.raw_build import run_models_on
from tests.support.warehouse_home import Home

pytestmark = pytest.mark.pipeline

ZONE = ZoneInfo("Asia/Shanghai")
SESSIONS = [d.date() for d in exchange_calendars.get_calendar("XSHG", start="2025-03-03", end="2025-04-10").sessions]
HK = {d.date() for d in exchange_calendars.get_calendar("XHKG", start="2025-03-03", end="2025-04-10").sessions}
FIRST_EVENING, LAST_EVENING = SESSIONS[-6], SESSIONS[-1]
MODELS = (
    "+fct_etf_daily +fct_etf_flow_window +fct_etf_tracking +dim_etf +fct_index_breadth_daily +fct_sector_visits_daily "
    "+fct_funding_quarterly +fct_funding_restatement"
)
MARTS = [
    "fct_etf_daily",
    "fct_etf_flow_window",
    "fct_etf_tracking",
    "fct_index_breadth_daily",
    "fct_constituent_daily",
    "fct_sector_visits_daily",
    "fct_funding_quarterly",
    "fct_funding_restatement",
    "dim_etf",
]
Rows = dict[str, list[dict[str, Any]]]


def at(day: dt.date, hour: int, minute: int = 0) -> dt.datetime:
    return dt.datetime(day.year, day.month, day.day, hour, minute, tzinfo=ZONE)


def flat(price: Decimal) -> dict[str, Decimal]:
    return dict.fromkeys(("open", "high", "low", "close"), price)


def deliveries() -> tuple[Rows, Rows]:
    """Rows landed on the first evening and on the last one; each with the moment at which it could be known."""
    rng = random.Random(7)  # noqa: S311
    early: Rows = {}
    late: Rows = {}

    def deliver(table: str, known: dt.datetime, **row: Any) -> None:
        rows = early if known <= at(FIRST_EVENING, 23) else late
        rows.setdefault(table, []).append({**row, "knowledge_at": known.isoformat()})

    codes = ["01801.HK", "02269.HK", "06160.HK"]
    deliver("etf_profiles", at(SESSIONS[0], 0), etf_code="159567.SZ", name_zh="港股通创新药ETF", creation_unit=500_000)
    (early["etf_profiles"][0]).update(tracked_index_code="987018.CNI", listed_on=SESSIONS[0])
    shares, nav, level, prices = 400_000_000, Decimal("0.9000"), Decimal("1000.00"), dict.fromkeys(codes, Decimal(40))
    for weight_date in (SESSIONS[0], SESSIONS[14]):
        for code, weight in zip(codes, ("0.5", "0.3", "0.2"), strict=True):
            known = at(weight_date + dt.timedelta(days=1), 0)
            key = {"index_code": "987018.CNI", "weight_date": weight_date, "security_code": code}
            deliver("index_weights", known, **key, weight=weight)
    for day in SESSIONS:
        etf = {"etf_code": "159567.SZ"}
        shares += rng.choice([0, 500_000, 1_500_000, -1_000_000]) if day in HK else 0
        nav = (nav * Decimal(1 + rng.gauss(0, 0.01))).quantize(Decimal("0.0001"))
        close = (nav * Decimal("1.001")).quantize(Decimal("0.001"))
        bar = {**flat(close), "prev_close": close}
        volume = {"volume_shares": 1000, "turnover_cny": 1000 * close}
        deliver("etf_bars", at(day, 15), **etf, trade_date=day, **bar, **volume)
        deliver("etf_nav", at(day, 22), **etf, nav_date=day, unit_nav=nav, accumulated_nav=nav)
        deliver("etf_shares", at(day, 20), **etf, share_date=day, share_basis="close_of_day", shares=shares)
        deliver("fx_rates", at(day, 18), pair="HKDCNY", kind="valuation", rate_date=day, rate="0.92")
        if day in HK:
            level = (level * Decimal(1 + rng.gauss(0, 0.01))).quantize(Decimal("0.01"))
            bar = flat(level)
            deliver("index_bars", at(day, 16, 10), index_code="987018.CNI", trade_date=day, **bar)
            for code in codes:
                before = prices[code]
                prices[code] = (before * Decimal(1 + rng.gauss(0, 0.02))).quantize(Decimal("0.01"))
                bar = {**flat(prices[code]), "prev_close": before}
                deliver("security_bars", at(day, 16, 10), security_code=code, trade_date=day, **bar, currency="HKD")
        for company in rng.sample(["300100.SZ", "300101.SZ", "600276.SH"], 2):
            notice = day + dt.timedelta(days=rng.choice([1, 3, 9]))
            visit = {"visit_date": day, "visit_way": "现场参观", "visitor_type": "broker", "notice_date": notice}
            deliver(
                "broker_visits", at(notice, 0), security_code=company, visitor_org=f"券商{rng.randrange(4)}", **visit
            )
    for number in range(60):
        announced = dt.date(2023, 1, 5) + dt.timedelta(days=rng.randrange(800))
        key = {"round_uuid": f"{number:032x}", "org_uuid": "", "announced_on": announced}
        amount = {"investment_type": "series_a", "raised_amount_usd": rng.randrange(1, 50) * 10**6}
        deliver("funding_rounds", at(announced + dt.timedelta(days=1), 0), **key, **amount, country_code="USA")
    # The last evening corrects what the first one published.
    old = SESSIONS[-9]
    deliver(
        "etf_nav", at(LAST_EVENING, 21), etf_code="159567.SZ", nav_date=old, unit_nav="0.5000", accumulated_nav="0.5"
    )
    share = {"share_date": old, "share_basis": "close_of_day", "shares": 390_000_000}
    deliver("etf_shares", at(LAST_EVENING, 21), etf_code="159567.SZ", **share)
    first = early["funding_rounds"][0]
    deliver("funding_rounds", at(LAST_EVENING, 21), **{**first, "raised_amount_usd": 900 * 10**6, "knowledge_at": None})
    late["funding_rounds"][-1]["knowledge_at"] = at(LAST_EVENING, 21).isoformat()
    return early, late


def csv(rows: list[dict[str, Any]]) -> str:
    columns = list(dict.fromkeys(column for row in rows for column in row))
    cells = [[("" if row.get(column) is None else str(row.get(column))) for column in columns] for row in rows]
    return "\n".join([",".join(columns), *(",".join(line) for line in cells)]) + "\n"


def figures(marts: Path) -> dict[str, list[tuple[Any, ...]]]:
    with duckdb.connect(str(marts), read_only=True) as con:
        return {mart: con.execute(f"from marts.{mart} order by all").fetchall() for mart in MARTS}


def build(home: Home, folder: Path, as_of: dt.datetime) -> dict[str, list[tuple[Any, ...]]]:
    return figures(run_models_on(folder, Ledger(home.settings.ledger).raw_files(), as_of, MODELS))


def differing(left: dict[str, list[tuple[Any, ...]]], right: dict[str, list[tuple[Any, ...]]]) -> list[str]:
    def rounded(row: tuple[Any, ...]) -> tuple[Any, ...]:
        # sums of doubles depend on the order in which threads meet the rows
        return tuple(float(f"{cell:.10g}") if isinstance(cell, float) else cell for cell in row)

    return [mart for mart in MARTS if [*map(rounded, left[mart])] != [*map(rounded, right[mart])]]


def test_each_evening_is_found_again_by_a_warehouse_that_got_everything_at_once(tmp_path: Path) -> None:
    early, late = deliveries()
    evenings = [at(FIRST_EVENING, 23), at(LAST_EVENING, 23)]

    daily = Home(tmp_path / "daily", now=evenings[0] - dt.timedelta(minutes=2))
    published = []
    for evening, rows in zip(evenings, (early, late), strict=True):
        daily.now = evening - dt.timedelta(minutes=2)
        for table, landed in rows.items():
            daily.land(f"{table}/{evening:%Y%m%d}.csv", csv(landed))
        daily.run()
        published.append(build(daily, tmp_path / "builds" / f"{evening:%m%d}", evening))
    assert not daily.quarantine()

    heap = Home(tmp_path / "heap", now=evenings[1] - dt.timedelta(minutes=2))
    rng = random.Random(11)  # noqa: S311
    for table in early.keys() | late.keys():
        rows = [*early.get(table, []), *late.get(table, [])]
        rng.shuffle(rows)
        half = len(rows) // 2
        for name, part in (("b", rows[:half]), ("a", rows[half:])):
            if part:
                heap.land(f"{table}/{name}.csv", csv(part))
    heap.run()
    assert not heap.quarantine()
    for number, evening in enumerate(evenings):
        again = build(heap, tmp_path / "builds" / f"again-{number}", evening)
        assert not differing(published[number], again), f"as of {evening}"

    # What the correction touched changed from that evening on; the published past did not move.
    old = SESSIONS[-9]
    navs = [{row[1]: row for row in release["fct_etf_daily"]} for release in published]
    assert Decimal("0.5000") in navs[1][old]
    assert Decimal("0.5000") not in navs[0][old]
    totals = [sum(row[6] for row in release["fct_funding_quarterly"]) for release in published]
    assert totals[1] > totals[0]


ROWS = st.lists(
    st.tuples(st.integers(0, 5), st.integers(1, 4), st.integers(1, 9)),
    min_size=1,
    max_size=14,
    unique_by=lambda row: row[:2],
)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS, order=st.randoms(use_true_random=False), cut=st.integers(0, 14), runs=st.booleans())
def test_neither_order_nor_files_nor_runs_change_what_is_known(
    rows: list[tuple[int, int, int]], order: random.Random, cut: int, runs: bool, tmp_path_factory
) -> None:
    """Stamped versions of NAVs: one file in one run, or shuffled over two files, in one run or in two."""
    landed = [
        {"etf_code": "159567.SZ", "nav_date": SESSIONS[day], "unit_nav": f"1.{value}"}
        | {"knowledge_at": at(SESSIONS[day] + dt.timedelta(days=version), 9).isoformat()}
        for day, version, value in rows
    ]
    shuffled = [*landed]
    order.shuffle(shuffled)

    def known(parts: list[list[dict[str, Any]]]) -> dict[int, dict[str, Any]]:
        home = Home(tmp_path_factory.mktemp("home"))
        for number, part in enumerate(parts):
            if part:
                home.land(f"etf_nav/{number}.csv", csv(part))
            if runs or number == len(parts) - 1:
                home.now += dt.timedelta(minutes=1)
                ingest_table(home.settings, "etf_nav", home.now)
        assert not home.quarantine()
        in_force = {}
        for days in range(40):
            moment = at(SESSIONS[0], 10) + dt.timedelta(days=days)
            versions = [row for row in home.raw("etf_nav") if row["knowledge_at"] <= moment]
            in_force[days] = {row["nav_date"]: row["unit_nav"] for row in versions}
        return in_force

    assert known([landed]) == known([shuffled[:cut], shuffled[cut:]])
