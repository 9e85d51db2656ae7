"""A whole market as landed files in contract columns: what the benchmarks of full runs and of next days read.

Every figure is a formula of its key and a fixed number, so that a day is the same whether it is written alone or with
ten years. Sizes are parameters; one percent of a market serves the tests. Prices move by a wave and a jitter, weights
sum to 1, share counts change by creation units: enough for every model to do its whole work, and no more likeness than
that. Does not belong here: what is measured (``scale``), files as providers send them (``providers.sample``).
"""

from __future__ import annotations

import argparse
import datetime as dt
from dataclasses import dataclass
from pathlib import Path

import duckdb

from orchestration.calendars import trading_calendar
from orchestration.contracts.broker_visits import VISITOR_TYPES
from orchestration.paths import DBT_PROJECT
from orchestration.sql import quoted

LAST_DAY = dt.date(2026, 11, 20)
SEED = 20261120


@dataclass(frozen=True)
class Market:
    """Sizes of a market. ``years`` end on ``LAST_DAY``; visits and rounds are counts of one year."""

    years: int = 10
    etfs: int = 1_400
    securities: int = 8_000
    indices: int = 60
    smallest_index: int = 50
    largest_index: int = 1_000
    organizations: int = 300_000
    visits: int = 300_000
    rounds: int = 80_000

    def scaled(self, share: float) -> Market:
        """The same market with fewer of everything but years."""

        def part(count: int, least: int) -> int:
            return max(least, round(count * share))

        return Market(
            self.years,
            part(self.etfs, 4),
            part(self.securities, 200),
            part(self.indices, 3),
            min(self.smallest_index, 20),
            min(part(self.largest_index, 40), self.largest_index),
            part(self.organizations, 500),
            part(self.visits, 500),
            part(self.rounds, 500),
        )

    @property
    def first_day(self) -> dt.date:
        return LAST_DAY.replace(year=LAST_DAY.year - self.years) + dt.timedelta(days=1)


def write_market(
    landing: Path, market: Market, first: dt.date | None = None, last: dt.date = LAST_DAY, ending: str = "parquet"
) -> None:
    """Write what ``market`` delivers from ``first`` (None: its first day, and what has no date) to ``last``.

    A file per table and year; ``ending``: ``parquet`` or ``csv``. Nothing is written for a table without rows.
    """
    con = duckdb.connect()
    con.execute("set TimeZone = 'Asia/Shanghai'")
    con.execute("set preserve_insertion_order = false")
    _reference(con, market)
    is_whole = first is None
    begin = first or market.first_day
    for table, sql in _dated(market).items():
        for year in range(begin.year, last.year + 1):
            days = f"between date '{max(begin, dt.date(year, 1, 1))}' and date '{min(last, dt.date(year, 12, 31))}'"
            _write(con, landing, table, f"{year}" if is_whole else f"{begin}_{last}", sql.format(days=days), ending)
    if is_whole:
        for table, sql in _undated().items():
            _write(con, landing, table, "all", sql, ending)
    con.close()


def _write(con: duckdb.DuckDBPyConnection, landing: Path, table: str, name: str, sql: str, ending: str) -> None:
    folder = landing / table
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.{ending}"
    options = "(format parquet, compression zstd)" if ending == "parquet" else "(format csv, header)"
    row = con.execute(f"copy ({sql}) to {quoted(str(path))} {options}").fetchone()
    if row is not None and row[0] == 0:
        path.unlink()


def _reference(con: duckdb.DuckDBPyConnection, market: Market) -> None:
    """Macros, sessions with their numbers, and what the market is made of."""
    con.execute(f"create macro dice(a, b) as (hash(a, b, {SEED}) % 1000003) / 1000003.0")
    con.execute("create macro wave(id, n) as exp(0.25 * sin(n / 40.0 + 6.28 * dice(id, 0)) + 0.012 * dice(id, n))")
    con.register("calendar", trading_calendar())
    con.execute(
        f"""
        create table session as
        select date, 'SZSE' as market, row_number() over (order by date) as n,
            count(*) filter (is_southbound_open is not false) over (order by date) as creations from calendar
        where is_session_szse and date between date '{market.first_day}' - 40 and date '{LAST_DAY}'
        union all
        select date, 'HK', row_number() over (order by date), 0 from calendar
        where is_session_hk and date between date '{market.first_day}' - 40 and date '{LAST_DAY}'
        """
    )
    con.execute(f"delete from session where date < date '{market.first_day}'")
    hong_kong = market.securities // 3
    con.execute(
        f"""
        create table security as
        select i, i < {hong_kong} as is_hk,
            case when i < {hong_kong} then printf('%05d.HK', i + 1)
                when i % 2 = 0 then printf('%06d.SZ', 300000 + i) else printf('%06d.SH', 600000 + i) end as code,
            -- every tenth company of Hong Kong has a mainland share as well
            case when i < {hong_kong} and i % 10 = 0 then 'CO-' || (i + {hong_kong}) else 'CO-' || i end as issuer
        from range({market.securities}) as t(i)
        """
    )
    size = f"{market.smallest_index} * pow({market.largest_index / market.smallest_index}, i / {market.indices - 1}.0)"
    con.execute(
        f"""
        create table an_index as
        select i, case when i = 0 then '987018.CNI' else printf('%06d.CNI', 980000 + i) end as code,
            i % 3 = 0 as is_hk, cast(round({size}) as integer) as size
        from range({market.indices}) as t(i)
        """
    )
    con.execute(
        """
        create table ranked as
        select x.code as index_code, s.code as security_code, size,
            row_number() over (partition by x.code order by dice(x.code, s.code), s.code) as place,
            count(*) over (partition by x.code) as places
        from an_index as x join security as s on s.is_hk = x.is_hk
        """
    )
    # sets of the last session of each month; one member in twenty changes each half-year
    con.execute(
        """
        create table weight as
        select index_code, date as weight_date, security_code, v / sum(v) over (partition by index_code, date) as weight
        from (
            select r.index_code, m.date, r.security_code, 0.2 + dice(r.security_code, m.half) as v
            from ranked as r
            join (
                select max(date) as date, year(date) * 2 + cast(month(date) > 6 as int) as half
                from session where market = 'SZSE' group by year(date), month(date), half
            ) as m on (r.place + m.half * (1 + r.size // 20)) % r.places < r.size
        )
        """
    )
    # an index moves as its members do; the drift of their weights inside a month stays within a basis point or two
    con.execute(
        """
        create table index_level as
        select index_code, date, n, w, lag(w, 1, 1.0) over (partition by index_code order by n) as p
        from (
            select index_code, date, n, exp(sum(ln(1 + r)) over (partition by index_code order by n)) as w
            from (
                select x.code as index_code, d.date, d.n,
                    coalesce(sum(v.weight * (wave(v.security_code, d.n) / wave(v.security_code, d.n - 1) - 1)), 0) as r
                from an_index as x
                join session as d on d.market = case when x.is_hk then 'HK' else 'SZSE' end
                left join weight as v on v.index_code = x.code and v.weight_date = (
                    select max(weight_date) from weight as before
                    where before.index_code = x.code and before.weight_date < d.date
                )
                group by all
            )
        )
        """
    )
    con.execute(
        f"""
        create table etf as
        select i, case when i = 0 then '159567.SZ' when i % 2 = 0 then printf('%06d.SZ', 150000 + i)
            else printf('%06d.SH', 510000 + i) end as code, (select code from an_index where an_index.i =
            etf.i % {market.indices}) as index_code
        from range({market.etfs}) as etf(i)
        """
    )
    sectors = quoted(str(DBT_PROJECT / "seeds" / "sectors.csv"))
    con.execute(
        "create table sector as select sector_code, sector_name_zh, row_number() over (order by sector_code) - 1 as i"
        f" from read_csv({sectors}, all_varchar = true) where scheme = 'SW2021' and level = 'L1'"
    )
    kinds = ", ".join(map(quoted, VISITOR_TYPES))
    types = "'seed', 'series_a', 'series_b', 'angel', 'private_equity', 'corporate_round', 'grant', 'pre_seed'"
    con.execute(
        f"""
        create macro kind_of(x) as ([{kinds}])[1 + x % {len(VISITOR_TYPES)}];
        create macro type_of(x) as ([{types}])[1 + x % 8];
        create macro country_of(x) as (['USA', 'CHN', 'HKG', 'GBR', 'DEU'])[1 + x % 5];
        create macro way_of(x) as (['特定对象调研', '电话会议', '业绩说明会', '现场参观'])[1 + x % 4];
        create macro category_of(x) as
            (['Biotechnology,Health Care', 'Software', 'Biopharma,Therapeutics', 'FinTech'])[1 + x % 4]
        """
    )
    con.execute(
        f"create table organization as select i, printf('%08x-0000-4000-8000-000000000000', i) as id"
        f" from range({market.organizations}) as t(i)"
    )


def _bar(scale: str) -> str:
    """Prices of ``w`` (this session's wave) and ``p`` (the one before) times ``scale``, with range and turnover."""
    close, before = f"round({scale} * w, 2)", f"round({scale} * p, 2)"
    return f"""
        round({before} * (1 + 0.004 * (j - 0.5)), 2) as open,
        round(greatest({close}, {before}) * 1.01, 2) as high, round(least({close}, {before}) * 0.99, 2) as low,
        {close} as close, {before} as prev_close,
        1000 * cast(1000 + 900 * j as bigint) as volume_shares, round(1000 * (1000 + 900 * j) * {close}, 2) as turnover
    """


def _dated(market: Market) -> dict[str, str]:
    """SQL of the tables with a business date, by table; ``{days}`` takes the predicate of the dates."""
    etf = "from etf as e join session as d on d.market = 'SZSE' where d.date {days}"
    waves = "wave(e.code, d.n) as w, wave(e.code, d.n - 1) as p, dice(e.code, -d.n) as j"
    quotes = "d.date + interval 10 hour + interval 30 minute * k as quote_ts"
    last_quotes = f"where d.date {{days}} and d.date > date '{LAST_DAY}' - 7"
    return {
        "etf_bars": f"select etf_code, trade_date, open, high, low, close, prev_close, volume_shares, turnover as"
        f" turnover_cny from (select code as etf_code, date as trade_date, {_bar('1.5')} from (select e.code, d.date,"
        f" {waves} {etf}))",
        # nothing is created while the southbound link is closed
        "etf_shares": "select e.code as etf_code, d.date as share_date, 'close_of_day' as share_basis, 1000000 *"
        " cast(500 + 200 * sin(d.creations / 30.0 + e.i) + 2 * dice(e.code, d.creations) as bigint) as shares"
        f" {etf}",
        "etf_nav": "select e.code as etf_code, d.date as nav_date, round(1.5 * wave(e.code, d.n) * (1 + 0.004 *"
        " (dice(d.n, e.code) - 0.5)), 4) as unit_nav, cast(null as double) as accumulated_nav,"
        f" cast(null as date) as published_on {etf}",
        "etf_quotes": f"select etf_code, quote_ts, close as last, open, prev_close, volume_shares, turnover as"
        f" turnover_cny, cast(null as double) as iopv from (select code as etf_code, quote_ts, {_bar('1.5')} from"
        f" (select e.code, {quotes}, wave(e.code, d.n + k / 20.0) as w, wave(e.code, d.n - 1) as p, dice(e.code, -d.n)"
        f" as j from etf as e join session as d on d.market = 'SZSE' cross join range(3) as q(k) {last_quotes}))",
        "index_bars": f"select index_code, trade_date, open, high, low, close, prev_close, volume_shares, turnover from"
        f" (select index_code, date as trade_date, {_bar('2000')} from (select index_code, date, w, p, dice(index_code,"
        " -n) as j from index_level where date {days}))",
        "index_quotes": f"select index_code, quote_ts, close as last, open, prev_close from (select code as index_code,"
        f" quote_ts, {_bar('2000')} from (select e.code, {quotes}, wave(e.code, d.n + k / 20.0) as w,"
        " wave(e.code, d.n - 1) as p, dice(e.code, -d.n) as j from an_index as e join session as d on d.market = case"
        f" when e.is_hk then 'HK' else 'SZSE' end cross join range(3) as q(k) {last_quotes}))",
        "index_weights": "select index_code, weight_date, security_code, cast(null as varchar) as security_name,"
        " weight, cast(null as timestamp) as published_at from weight where weight_date {days}",
        "security_bars": f"select security_code, trade_date, open, high, low, close, prev_close, volume_shares,"
        f" turnover, currency from (select code as security_code, date as trade_date, {_bar('20')}, currency from"
        f" (select e.code, d.date, {waves}, case when e.is_hk then 'HKD' else 'CNY' end as currency from security as e"
        " join session as d on d.market = case when e.is_hk then 'HK' else 'SZSE' end where d.date {days}))",
        "security_quotes": f"select security_code, quote_ts, close as last, open, prev_close, volume_shares, turnover,"
        f" currency from (select code as security_code, quote_ts, {_bar('20')}, 'HKD' as currency from (select e.code,"
        f" {quotes}, wave(e.code, d.n + k / 20.0) as w, wave(e.code, d.n - 1) as p, dice(e.code, -d.n) as j from"
        " security as e join session as d on d.market = 'HK' and e.is_hk cross join range(3) as q(k) "
        f"{last_quotes}))",
        "broker_visits": "select s.code as security_code, d.date as visit_date, way_of(v.i) as visit_way,"
        " '样例' || k || '号机构' as visitor_org, kind_of(k) as visitor_type, cast(null as varchar) as visitor_names,"
        " d.date + 2 as"
        f" notice_date from (select i, i % {market.visits} as j, cast(hash(i, 1, {SEED}) % 2000 as int) as k from"
        f" range({market.visits * market.years}) as t(i)) as v join (select date, n - min(n) over () as n, count(*)"
        " over () as all_days from session where market = 'SZSE') as d on d.n = v.i % d.all_days join security as s on"
        f" s.i = {market.securities // 3} + hash(v.i, 2, {SEED}) % {market.securities - market.securities // 3}"
        " where d.date {days}",
        "funding_rounds": "select printf('%08x-0000-4000-9000-000000000000', v.i) as round_uuid, o.id as org_uuid,"
        " day as announced_on, type_of(v.h) as investment_type, case when v.h % 5 > 0 then 1000 * (v.h % 90000) end as"
        " raised_amount_usd, country_of(o.i) as country_code, v.h % 9 as investor_count, day + interval 75 hour as"
        " created_at, day + interval 75 hour + interval 1 day * (v.h % 40) as updated_at, cast(null as timestamp) as"
        f" deleted_at from (select i, cast(hash(i, 3, {SEED}) % 1000000 as int) as h, date '{market.first_day}' +"
        f" cast(i % ({market.years} * 365 - 50) as int) as day from range({market.rounds * market.years}) as t(i)) as v"
        f" join organization as o on o.i = hash(v.i, 4, {SEED}) % {market.organizations} where day {{days}}",
        "fx_rates": "select 'HKDCNY' as pair, kind, d.date as rate_date, round(0.92 + 0.01 * sin(d.n / 50.0), 6) as"
        " rate from session as d cross join (values ('valuation'), ('sgt_reference')) as k(kind) where d.market ="
        " 'SZSE' and d.date {days}",
    }


def _undated() -> dict[str, str]:
    """SQL of the tables that are delivered once, by table."""
    return {
        "etf_profiles": "select code as etf_code, 'Benchmark ETF ' || i as name_en, '样例基金' || i as name_zh,"
        " 'Manager ' || i % 60 as manager, index_code as tracked_index_code, date '2010-01-04' as listed_on,"
        " 1000000 as creation_unit, cast(null as varchar) as creation_calendar from etf",
        "securities": "select code as security_code, 'Company ' || i as name_en, '样例公司' || i as name_zh, issuer as"
        " issuer_id, date '2010-01-04' as listed_on, cast(null as date) as delisted_on from security",
        "organizations": "select id as org_uuid, 'Organization ' || i as name, country_of(i) as country_code,"
        " category_of(i // 5) as category_list, 'Group' as category_groups_list, timestamp '2015-01-05 08:00:00' as"
        " updated_at from organization",
        "sector_members": "select s.code as security_code, 'SW2021' as scheme, 'L1' as level, date '2014-01-02' as"
        " valid_from, sector_code, sector_name_zh as sector_name, cast(null as date) as valid_to from security as s"
        " join sector as x on x.i = s.i % (select count(*) from sector) where not s.is_hk",
        "concept_members": "select 'CRO' as concept, code as security_code, date '2014-01-02' as as_of_date,"
        " 'benchmark' as source from security where i % 100 = 0",
        "connect_eligibility": "select code as security_code, channel, date '2016-12-05' as valid_from, cast(null as"
        " date) as valid_to, false as sell_only from security cross join (values ('SH_HK'), ('SZ_HK')) as c(channel)"
        " where is_hk and i % 4 > 0",
    }


def main() -> None:
    """Write a market from the command line, to look at it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("landing", type=Path)
    parser.add_argument("--years", type=int, default=10)
    parser.add_argument("--share", type=float, default=1.0, help="of the whole market")
    parser.add_argument("--ending", choices=("parquet", "csv"), default="parquet")
    arguments = parser.parse_args()
    write_market(arguments.landing, Market(arguments.years).scaled(arguments.share), ending=arguments.ending)


if __name__ == "__main__":
    main()
