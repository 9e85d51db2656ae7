"""What a question costs on a release of ten years: the desk's views and twenty questions as BI tools ask them.

Run with ``make bench-scale`` (``--years``, ``--share`` for other sizes), or ``--file`` for a release that is there.
Every question has a new connection, as a dashboard's chart has; the pages of the file may be in the system's cache. The
time is the median of three. Prints a table; ``--json FILE`` keeps the figures. No test: machines differ.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import duckdb
from rich.console import Console
from rich.table import Table

from orchestration.settings import Settings
from tests.benchmarks.market import Market, write_market
from tests.benchmarks.scale import THREADS, run

TIMES = 3

SUBJECTS = """
    select
        (select max(trade_date) from marts.fct_etf_daily) as day,
        (select max(etf_code) from marts.fct_etf_daily) as etf,
        (select mode(index_code) from marts.fct_constituent_daily) as index,
        (select max(security_code) from marts.fct_constituent_daily) as security,
        (select mode(security_code) from marts.fct_visit) as visited,
        (select max(sector_code) from marts.fct_sector_daily where sector_code not in ('ALL', 'NONE')) as sector
"""
"""Whom the questions are about."""

QUESTIONS = {
    "an ETF's year": """
        select trade_date, close, unit_nav, premium_ratio, net_flow_cny, flow_status from marts.fct_etf_daily
        where etf_code = '{etf}' and trade_date > date '{day}' - interval 1 year order by trade_date""",
    "an ETF's whole past, by month": """
        select date_trunc('month', trade_date) as month, sum(net_flow_cny), max(aum_cny) from marts.fct_etf_daily
        where etf_code = '{etf}' group by month order by month""",
    "top flows of a day, with names": """
        select e.name_en, e.name_zh, d.net_flow_cny, d.flow_status from marts.fct_etf_daily d
        join marts.dim_etf e using (etf_code) where d.trade_date = '{day}'
        order by d.net_flow_cny desc nulls last limit 20""",
    "flow of all ETFs by month": """
        select date_trunc('month', trade_date) as month, sum(net_flow_cny) from marts.fct_etf_daily
        group by month order by month""",
    "assets by index tracked, at month ends of a year": """
        select e.tracked_index_code, last_day(d.trade_date) as month, arg_max(d.aum_cny, d.trade_date)
        from marts.fct_etf_daily d join marts.dim_etf e using (etf_code)
        where d.trade_date > date '{day}' - interval 1 year group by all order by all""",
    "days by status of the flow": """
        select flow_status, count(*), count(distinct etf_code), count(distinct trade_date) from marts.fct_etf_daily
        group by flow_status""",
    "premiums beyond two per cent in a quarter": """
        select etf_code, trade_date, premium_ratio from marts.fct_etf_daily
        where trade_date > date '{day}' - interval 3 month and abs(premium_ratio) > 0.02
        order by abs(premium_ratio) desc limit 100""",
    "ten sessions' inflow of every ETF": """
        select etf_code, cumulative_flow_cny, inflow_days, inflow_streak from marts.fct_etf_flow_window
        where as_of_date = '{day}' and window_sessions = 10 order by cumulative_flow_cny desc nulls last""",
    "an ETF's windows over a year": """
        select as_of_date, window_sessions, cumulative_flow_cny from marts.fct_etf_flow_window
        where etf_code = '{etf}' and as_of_date > date '{day}' - interval 1 year order by 1, 2""",
    "tracking of every ETF, last year's window": """
        select t.*, e.name_en from marts.fct_etf_tracking t join marts.dim_etf e using (etf_code)
        where t.as_of_date = (select max(as_of_date) from marts.fct_etf_tracking)""",
    "contributors of an index on a day": """
        select c.security_code, s.name_en, c.weight, c.contribution_ratio from marts.fct_constituent_daily c
        join marts.dim_security s using (security_code) where c.index_code = '{index}' and c.trade_date = '{day}'
        order by c.contribution_ratio desc nulls last""",
    "a member's contribution to its indices by quarter": """
        select index_code, date_trunc('quarter', trade_date) as quarter, sum(contribution_ratio)
        from marts.fct_constituent_daily where security_code = '{security}' group by all order by all""",
    "members ever of every index": """
        select index_code, count(distinct security_code), min(trade_date), max(trade_date)
        from marts.fct_constituent_daily group by index_code order by index_code""",
    "breadth of every index by month": """
        select date_trunc('month', trade_date) as month, index_code, avg(weight_advancing)
        from marts.fct_index_breadth_daily group by all order by all""",
    "an index beside its trackers' flows": """
        select i.trade_date, i.close, sum(d.net_flow_cny) from marts.fct_index_daily i
        join marts.dim_etf e on e.tracked_index_code = i.index_code
        left join marts.fct_etf_daily d on d.etf_code = e.etf_code and d.trade_date = i.trade_date
        where i.index_code = '{index}' group by all order by all""",
    "a sector by quarter": """
        select date_trunc('quarter', trade_date) as quarter, sum(etf_net_flow_cny), sum(turnover_cny),
            max(companies_visited_mtd) from marts.fct_sector_daily where sector_code = '{sector}'
        group by quarter order by quarter""",
    "a company's visits": """
        select visit_date, organization, visitor_type from marts.fct_visit where security_code = '{visited}'
        order by visit_date desc""",
    "companies and institutions by month and sector": """
        select date_trunc('month', visit_date) as month, sector_code, count(distinct company_id),
            count(distinct organization) from marts.fct_visit group by all order by all""",
    "visits by sector to date, every month's end": """
        select as_of_date, sector_code, companies_mtd from marts.fct_sector_visits_daily
        where visitor_type = 'broker' and as_of_date = last_day(as_of_date) order by all""",
    "funding by quarter, stage and region": """
        select quarter_start, stage, region, sum(raised_amount_usd), count(*) from marts.fct_funding_round
        where in_cb_news_venture group by all order by all""",
}
"""About one thing, one day, one period; over all of it; with names from the dimensions; distinct counts."""


@dataclass(frozen=True)
class Answer:
    """A question: rows, and median milliseconds from opening the file to the last row, wall and CPU."""

    question: str
    rows: int
    wall_ms: float
    cpu_ms: float


def questions(file: Path) -> dict[str, str]:
    """SQL by name: every desk view of the file, and ``QUESTIONS`` about subjects that it holds."""
    with duckdb.connect(str(file), read_only=True) as con:
        views = con.execute("select view_name from duckdb_views() where schema_name = 'desk' order by 1").fetchall()
        found = con.execute(SUBJECTS)
        names = [column[0] for column in found.description]
        [values] = found.fetchall()
    subjects = dict(zip(names, values, strict=True))
    desk = {f"desk.{view}": f"select * from desk.{view}" for (view,) in views}
    return desk | {name: sql.format(**subjects) for name, sql in QUESTIONS.items()}


def ask(file: Path, name: str, sql: str) -> Answer:
    """Ask ``TIMES`` times, from a new connection each."""
    laps = []
    for _ in range(TIMES):
        wall, cpu = time.perf_counter(), time.process_time()
        with duckdb.connect(str(file), read_only=True, config={"threads": THREADS}) as con:
            rows = len(con.execute(sql).fetchall())
        laps.append((time.perf_counter() - wall, time.process_time() - cpu))
    walls, cpus = zip(*laps, strict=True)
    return Answer(name, rows, statistics.median(walls) * 1000, statistics.median(cpus) * 1000)


def built(folder: Path, market: Market) -> Path:
    """The release of a warehouse of ``market``, made in ``folder``."""
    settings = Settings(home=folder / "home")
    write_market(settings.landing, market, ending="parquet")
    command = [sys.executable, "-m", "orchestration.cli", "run"]
    run("sector run", command, SECTOR_HOME=str(settings.home), SECTOR_THREADS=str(THREADS))
    return settings.current / "sector.duckdb"


def main() -> None:
    """Ask everything and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--years", type=int, default=10)
    parser.add_argument("--share", type=float, default=0.05, help="of the whole market (1: all of it)")
    parser.add_argument("--file", type=Path, help="a release's sector.duckdb, in place of one made here")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="sector-queries-"))
    try:
        file = arguments.file or built(folder, Market(arguments.years).scaled(arguments.share))
        answers = [ask(file, name, sql) for name, sql in questions(file).items()]
        size = file.stat().st_size
    finally:
        shutil.rmtree(folder)
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    table = Table(title=f"{len(answers)} questions to {size / 1e6:,.0f} MB ({machine})")
    for heading in ("question", "rows", "wall ms", "CPU ms"):
        table.add_column(heading, justify="left" if heading == "question" else "right")
    for answer in sorted(answers, key=lambda answer: -answer.wall_ms):
        table.add_row(answer.question, f"{answer.rows:,}", f"{answer.wall_ms:.0f}", f"{answer.cpu_ms:.0f}")
    console = Console()
    console.print(table)
    walls = [answer.wall_ms for answer in answers]
    console.print(f"median {statistics.median(walls):.0f} ms, worst {max(walls):.0f} ms")
    if arguments.json:
        figures = {"machine": machine, "bytes": size, "questions": [asdict(answer) for answer in answers]}
        arguments.json.write_text(json.dumps(figures, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
