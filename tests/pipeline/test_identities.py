"""What must hold for any figures whatever: sums, parts and forms of one amount that agree. Examples by Hypothesis."""

from __future__ import annotations

import datetime as dt
import random
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import exchange_calendars
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.support.compiled_models import CompiledModels

pytestmark = pytest.mark.pipeline

ZONE = ZoneInfo("Asia/Shanghai")
SESSIONS = [d.date() for d in exchange_calendars.get_calendar("XSHG", start="2025-03-03", end="2025-04-30").sessions]
HK = {d.date() for d in exchange_calendars.get_calendar("XHKG", start="2025-03-03", end="2025-04-30").sessions}
AS_OF = dt.datetime(2025, 6, 1, tzinfo=ZONE)
EXAMPLES = settings(
    max_examples=6,
    phases=[Phase.explicit, Phase.generate],
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
Rows = dict[str, list[dict[str, Any]]]


def at(day: dt.date, hour: int = 0) -> dt.datetime:
    return dt.datetime(day.year, day.month, day.day, hour, tzinfo=ZONE)


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    def compiled(select: str) -> CompiledModels:
        return CompiledModels(tmp_path_factory.mktemp("compiled"), select)

    return compiled(
        "+fct_etf_daily +fct_etf_flow_window +fct_index_breadth_daily +fct_index_review +fct_sector_visits_daily "
        "+fct_funding_quarterly +fct_funding_stage_quarterly +fct_funding_restatement"
    )


def none(con: duckdb.DuckDBPyConnection, query: str) -> None:
    """No row breaks the rule; the first few are shown."""
    assert con.execute(query + " limit 3").fetchall() == []


# ------------------------------------------------------------------------------------------------------------- ETFs
DAY = st.tuples(
    st.integers(-40, 60),  # creation units
    st.integers(-900, 1000),  # NAV, basis points
    st.sampled_from([1, 1, 1, 1, 1, 1, 1, 2, 3, 10]),  # k
    st.sampled_from([0, 0, 0, 0, 0, 250]),  # distribution, ten-thousandths
    st.sampled_from(["", "", "", "", "", "", "shares", "nav", "both"]),  # what is not delivered
)


def fund_rows(code: str, days: list[tuple[int, int, int, int, str]]) -> Rows:
    rows: Rows = {name: [] for name in ("etf_profiles", "etf_shares", "etf_nav", "etf_splits", "etf_bars")}
    profile = {"etf_code": code, "creation_unit": 500_000, "creation_calendar": "southbound"}
    rows["etf_profiles"].append({**profile, "knowledge_at": at(SESSIONS[0])})
    shares, nav, kept, multiple = 300_000_000, Decimal("1.0000"), Decimal(0), 1
    for day, (units, move, k, paid, lost) in zip(SESSIONS, days, strict=False):
        shares = max(shares * k + (units * 500_000 if day in HK else 0), 500_000)
        distribution = Decimal(paid) / 10_000
        nav = max(nav * (10_000 + move) / 10_000 / k - distribution, Decimal("0.05")).quantize(Decimal("0.0001"))
        multiple *= k
        kept += distribution * multiple
        if k != 1:
            split = {"etf_code": code, "effective_date": day, "numerator": k, "denominator": 1}
            rows["etf_splits"].append({**split, "knowledge_at": at(day, 9)})
        if lost not in ("shares", "both"):
            count = {"etf_code": code, "share_date": day, "share_basis": "close_of_day", "shares": shares}
            rows["etf_shares"].append({**count, "knowledge_at": at(day, 20)})
        if lost not in ("nav", "both"):
            value = {"etf_code": code, "nav_date": day, "unit_nav": nav, "accumulated_nav": nav * multiple + kept}
            rows["etf_nav"].append({**value, "knowledge_at": at(day, 22)})
        prices = dict.fromkeys(("open", "high", "low", "close", "prev_close"), nav)
        bar = {"etf_code": code, "trade_date": day, "volume_shares": 100, "turnover_cny": 100 * nav}
        rows["etf_bars"].append({**bar, **prices, "knowledge_at": at(day, 15)})
    return rows


@EXAMPLES
@given(funds=st.lists(st.lists(DAY, min_size=12, max_size=len(SESSIONS)), min_size=3, max_size=6), order=st.randoms())
def test_flows(models: CompiledModels, funds: list[list[tuple[int, int, int, int, str]]], order: random.Random) -> None:
    tables: Rows = {}
    for number, days in enumerate(funds):
        for table, rows in fund_rows(f"{159100 + number}.SZ", days).items():
            tables.setdefault(table, []).extend(rows)
    con = models.run(tables, AS_OF, ["fct_etf_daily", "fct_etf_flow_window"])
    # both forms of the flow, the paid distribution aside
    none(
        con,
        "select * from (select *, lag(aum_cny) over w as aum_before, lag(shares) over w * split_factor as opening "
        "from sector.marts.fct_etf_daily window w as (partition by etf_code order by trade_date)) "
        "where nav_return_status = 'final' and aum_before is not null and flow_status in ('final', 'split_adjusted') "
        # below a creation unit a split day's flow is 0 (R27)
        "and not (split_factor <> 1 and net_flow_cny = 0) "
        "and abs(net_flow_cny - (aum_cny - aum_before * (1 + nav_return_ratio) + opening * distribution_per_share)) "
        "> 1e-9 * aum_cny + 0.02",
    )
    # a window is the sum of its days, and no day is counted under two heads
    none(
        con,
        "with days as (select *, row_number() over (partition by etf_code order by trade_date) as n "
        "from sector.marts.fct_etf_daily), ends as (select w.*, d.n from sector.marts.fct_etf_flow_window as w "
        "join days as d on w.etf_code = d.etf_code and w.as_of_date = d.trade_date), sums as (select e.etf_code, e.n, "
        "e.window_sessions, sum(d.net_flow_cny) as total, count(d.net_flow_cny) as known, "
        "count(case when d.flow_status = 'structural_zero' then 1 end) as zeros from ends as e join days as d "
        "on d.etf_code = e.etf_code and d.n > e.n - e.window_sessions and d.n <= e.n group by all) "
        "select * from ends join sums using (etf_code, n, window_sessions) "
        "where cumulative_flow_cny is distinct from total or missing_days <> window_sessions - known "
        "or structural_zero_days <> zeros or inflow_days + outflow_days + missing_days > window_sessions",
    )
    # no money on a closed day, none invented on a missing one
    none(
        con,
        "select etf_code, trade_date from sector.marts.fct_etf_daily where flow_status = 'structural_zero' "
        "and net_flow_cny <> 0 or (flow_status = 'missing') <> (net_flow_cny is null)",
    )
    before = con.execute("from sector.marts.fct_etf_daily order by all").fetchall()
    for rows in tables.values():
        order.shuffle(rows)
    assert (
        models.run(tables, AS_OF, ["fct_etf_daily", "fct_etf_flow_window"])
        .execute("from sector.marts.fct_etf_daily order by all")
        .fetchall()
        == before
    )


# ------------------------------------------------------------------------------------------------------------ index
MEMBERS = ["01801.HK", "02269.HK", "06160.HK", "600276.SH", "300100.SZ"]


@EXAMPLES
@given(
    sets=st.lists(st.lists(st.integers(0, 9), min_size=5, max_size=5).filter(any), min_size=2, max_size=3),
    moves=st.lists(
        st.lists(st.one_of(st.integers(-1900, 2500), st.none()), min_size=6, max_size=6), min_size=8, max_size=14
    ),
)
def test_contributions(models: CompiledModels, sets: list[list[int]], moves: list[list[int | None]]) -> None:
    tables: Rows = {name: [] for name in ("index_weights", "index_bars", "security_bars")}
    days = SESSIONS[: len(moves)]
    for place, parts in enumerate(sets):
        held = [(code, part) for code, part in zip(MEMBERS, parts, strict=True) if part]
        for code, part in held:
            row = {"index_code": "930999.CSI", "weight_date": days[3 * place], "security_code": code}
            weight = part / sum(part for _, part in held)
            tables["index_weights"].append({**row, "weight": weight, "knowledge_at": at(days[3 * place], 23)})
    for code, position in [("930999.CSI", 5), *((code, place) for place, code in enumerate(MEMBERS))]:
        before = Decimal(100)
        for day, row in zip(days, moves, strict=True):
            move = row[position]
            if move is None or (code.endswith(".HK") and day not in HK):
                continue
            after = max(before * (10_000 + move) / 10_000, Decimal(1)).quantize(Decimal("0.0001"))
            prices = {**dict.fromkeys(("open", "high", "low", "close"), after), "prev_close": before}
            name = "index_bars" if code == "930999.CSI" else "security_bars"
            key = "index_code" if name == "index_bars" else "security_code"
            tables[name].append({key: code, "trade_date": day, **prices, "knowledge_at": at(day, 17)})
            before = after
    con = models.run(tables, AS_OF, ["fct_index_breadth_daily", "fct_index_review"])
    none(
        con,
        "select b.index_code, b.trade_date from sector.marts.fct_index_breadth_daily as b join (select trade_date, "
        "sum(contribution_ratio) as explained, sum(weight) as weights, sum(weight * weight) as hhi, "
        "min(weight) as least from sector.marts.fct_constituent_daily group by trade_date) as c using (trade_date) "
        "where abs(coalesce(c.explained, 0) + b.contribution_residual - b.index_change_ratio) > 1e-12 "
        "or abs(c.weights - 1) > 1e-9 or c.least < 0 or abs(b.effective_members * c.hhi - 1) > 1e-9 "
        "or b.advancers + b.decliners + b.unchanged + b.suspended > b.members",
    )
    none(
        con,
        "select r.set_date from sector.marts.fct_index_review as r join (select set_date, sum(weight_change) as net, "
        "sum(abs(weight_change)) / 2 as one_way from sector.marts.fct_index_review_member group by set_date) as m "
        "using (set_date) where abs(m.net) > 1e-9 or abs(m.one_way - r.one_way_turnover) > 1e-12 "
        "or r.one_way_turnover < 0 or r.one_way_turnover > 1 + 1e-9",
    )


# ----------------------------------------------------------------------------------------------------------- visits
VISIT = st.tuples(
    st.integers(0, 7),  # company
    st.integers(0, 70),  # day
    st.sampled_from(["现场参观", "电话会议", "业绩说明会"]),
    st.integers(0, 5),  # institution
    st.sampled_from(["broker", "fund", "other"]),
    st.integers(0, 12),  # days to the notice
)


@EXAMPLES
@given(visits=st.lists(VISIT, min_size=1, max_size=60))
def test_visits(models: CompiledModels, visits: list[tuple[int, int, str, int, str, int]]) -> None:
    start = dt.date(2025, 3, 1)
    tables: Rows = {"broker_visits": [], "sector_members": []}
    for company in range(7):  # the eighth has no sector
        spans = [(dt.date(2021, 1, 1), dt.date(2025, 4, 10)), (dt.date(2025, 4, 10), None)]
        for number, (since, until) in enumerate(spans):
            code = ("801080", "801150", "801750")[(company + number * (company % 2)) % 3]
            row = {"security_code": f"{300100 + company}.SZ", "scheme": "SW2021", "level": "L1", "sector_code": code}
            tables["sector_members"].append({**row, "valid_from": since, "valid_to": until, "knowledge_at": at(since)})
    keys = set()
    for company, offset, way, house, kind, lag in visits:
        day = start + dt.timedelta(days=offset)
        row = {"security_code": f"{300100 + company}.SZ", "visit_date": day, "visit_way": way, "visitor_type": kind}
        notice = day + dt.timedelta(days=lag)
        if (company, day, way, house) not in keys:
            keys.add((company, day, way, house))
            row |= {"visitor_org": f"机构{house}", "notice_date": notice, "knowledge_at": at(notice)}
            tables["broker_visits"].append(row)
    con = models.run(tables, AS_OF, ["fct_sector_visits_daily"])
    mart = "sector.marts.fct_sector_visits_daily"
    none(
        con,
        f"select s.as_of_date from {mart} as s join {mart} as a on a.sector_code = 'ALL' "
        "and s.as_of_date = a.as_of_date and s.visitor_type = a.visitor_type where s.companies_mtd > a.companies_mtd "
        "or s.visits_mtd > a.visits_mtd or s.institutions_mtd > a.institutions_mtd "
        "or s.companies_excluding_briefings_mtd > s.companies_mtd or s.companies_mtd > s.visits_mtd "
        "or (s.companies_mtd = 0) <> (s.visits_mtd = 0)",
    )
    none(
        con,
        f"select as_of_date, visitor_type from {mart} group by as_of_date, visitor_type having "
        "sum(case when sector_code = 'ALL' then companies_mtd else -companies_mtd end) <> 0 or "
        "sum(case when sector_code = 'ALL' then visits_mtd else -visits_mtd end) <> 0 or sum(case when sector_code = "
        "'ALL' then companies_excluding_briefings_mtd else -companies_excluding_briefings_mtd end) <> 0",
    )
    # a month holds its companies once: the last day of a month is what anybody counts by hand
    latest: dict[tuple[int, dt.date, str], int] = {}
    for company, offset, way, _, _, lag in visits:
        latest.setdefault((company, start + dt.timedelta(days=offset), way), lag)
    [(companies,)] = con.execute(
        f"select companies_mtd from {mart} where sector_code = 'ALL' and visitor_type = 'all' "
        "and as_of_date = date '2025-05-31'"
    ).fetchall()
    assert companies == len({company for company, day, _ in latest if day.month == 5})


# ---------------------------------------------------------------------------------------------------------- funding
ROUND = st.tuples(
    st.integers(0, 9),  # organization
    st.integers(0, 800),  # day
    st.sampled_from(["seed", "series_a", "series_c", "series_unknown", "corporate_round", "private_equity", "grant"]),
    st.one_of(st.none(), st.integers(0, 40_000_000)),
    st.sampled_from(["USA", "CHN", "HKG", "GBR", None]),
    st.integers(0, 400),  # days until it is known
)


@EXAMPLES
@given(rounds=st.lists(ROUND, min_size=1, max_size=60))
def test_funding(models: CompiledModels, rounds: list[tuple[int, int, str, int | None, str | None, int]]) -> None:
    start = dt.date(2023, 1, 10)
    tables: Rows = {"funding_rounds": [], "organizations": []}
    for number, (org, offset, kind, amount, country, lag) in enumerate(rounds):
        announced = start + dt.timedelta(days=offset)
        row = {"round_uuid": f"r{number}", "org_uuid": f"o{org}", "announced_on": announced, "investment_type": kind}
        known = at(announced + dt.timedelta(days=1 + lag))
        row |= {"raised_amount_usd": None if amount is None else Decimal(amount), "country_code": country}
        tables["funding_rounds"].append({**row, "knowledge_at": known, "_knowledge_source": "stamp"})
    for org in range(0, 10, 2):
        row = {"org_uuid": f"o{org}", "category_list": "Biotechnology" if org % 4 else "Software"}
        tables["organizations"].append({**row, "country_code": "USA" if org == 2 else None, "knowledge_at": at(start)})
    con = models.run(tables, AS_OF, ["fct_funding_quarterly", "fct_funding_stage_quarterly", "fct_funding_restatement"])
    signed = "case when region = 'GLOBAL' then 1 else -1 end"
    for mart, key in (
        ("fct_funding_quarterly", "profile, segment, quarter_start"),
        ("fct_funding_stage_quarterly", "profile, segment, stage, quarter_start"),
        ("fct_funding_restatement", "profile, segment, quarter_start, known_at"),
    ):
        none(
            con,
            f"select {key} from sector.marts.{mart} group by {key} having sum({signed} * deals) <> 0 "
            f"or sum({signed} * coalesce(amount_usd, 0)) <> 0",
        )
    none(
        con,
        "select q.quarter_start from sector.marts.fct_funding_quarterly as q join (select profile, segment, region, "
        "quarter_start, sum(deals) as deals, sum(coalesce(amount_usd, 0)) as amount from "
        "sector.marts.fct_funding_stage_quarterly group by all) as s using (profile, segment, region, quarter_start) "
        "where q.deals <> s.deals or coalesce(q.amount_usd, 0) <> s.amount",
    )
    none(
        con,
        "select w.quarter_start, w.implied_rest_yoy from sector.marts.fct_funding_quarterly as w "
        "join sector.marts.fct_funding_quarterly as u using (profile, segment, quarter_start) "
        "join sector.marts.fct_funding_quarterly as c using (profile, segment, quarter_start) "
        "where w.region = 'GLOBAL' and u.region = 'USA' and c.region = 'CHN' and abs(w.yoy_latest "
        "- (u.base_share * u.yoy_latest + c.base_share * c.yoy_latest "
        "+ (1 - u.base_share - c.base_share) * w.implied_rest_yoy)) > 1e-9 * (1 + abs(w.yoy_latest))",
    )
