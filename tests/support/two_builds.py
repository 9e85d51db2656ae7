"""The same warehouse built twice: going on from the build before, and whole; and news of every kind.

The market is the one of the benchmarks, small. Does not belong here: gate and publication, which do not care how a
build came about.
"""

from __future__ import annotations

import csv
import datetime as dt
import json
import random
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from orchestration import transform
from orchestration.contracts import CONTRACTS
from orchestration.fingerprint import code_version, settings_fingerprint
from orchestration.ingest import Ledger
from orchestration.refresh import Refresh
from orchestration.scope import Standing, write_standing
from orchestration.settings import Settings
from warehouse.build import MARTS_FILE, WORK_FILE
from warehouse.releases import ReleaseRecord, new_release_id, publish

COMPARED = ((WORK_FILE, "intermediate"), (MARTS_FILE, "marts"), (MARTS_FILE, "reference"))


def build(home: Path, began: dt.datetime, whole: bool = False) -> list[str]:
    """Read what has landed and build, as a run that began then; from what lies there, if that may be.

    Gives the names of the models that were left alone; none where everything was built.
    """
    settings = Settings(home=home)
    run = Refresh(settings, began=began)
    run.must_build_whole = whole
    for table in CONTRACTS:
        run.ingest(table)
    run.prepare()
    models = run.models()
    if models is not None:
        nodes = json.loads(transform.up_to_date_manifest(settings).read_text())["nodes"]
        models = frozenset(key for key in models if nodes[key]["config"]["materialized"] != "view")
    with transform.in_environment(settings):
        call = run.build(models)
        for _ in call.events():
            pass
        run.built(call.error)
    identity = settings_fingerprint(settings)
    batches = tuple(sorted(Ledger(settings.ledger).batches().column("batch_id").to_pylist()))
    record = ReleaseRecord(
        new_release_id(began, began, identity), began, began, code_version(), identity, batches, False, "", ""
    )
    publish(home, settings.build, record, {})
    write_standing(settings, Standing(record.release_id, began, began, record.code_version, identity))
    failed = [node.unique_id for node in transform.results(settings) if node.failed or node.broken]
    assert not failed, failed
    return [node.name for node in transform.results(settings) if node.message == "UNCHANGED"]


def whole_copy(home: Path, began: dt.datetime) -> Path:
    """The same raw rows in another SECTOR_HOME, built whole as of the same moment."""
    copy = home.with_name(f"{home.name}.whole")
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(home, copy, ignore=shutil.ignore_patterns("releases", "landing", "*.duckdb"))
    build(copy, began, whole=True)
    return copy


def differences(one: Path, other: Path) -> list[str]:
    """A line for each table in which two builds differ, with a row of each. Doubles are compared to nine decimals: the
    order in which their parts are added is another one at each build."""
    found = []
    with duckdb.connect() as con:
        con.execute("set TimeZone = 'Asia/Shanghai'")
        for side, home in (("one", one), ("other", other)):
            for file in (WORK_FILE, MARTS_FILE):
                con.execute(f"attach '{home}/build/{file}' as {side}_{Path(file).stem} (read_only)")
        for file, schema in COMPARED:
            tables = con.execute(
                "select table_name, list(struct_pack(name := column_name, kind := data_type) order by column_index)"
                " from duckdb_columns() join duckdb_tables() using (database_name, schema_name, table_name)"
                " where database_name = ? and schema_name = ? group by 1 order by 1",
                [f"other_{Path(file).stem}", schema],
            ).fetchall()
            for table, columns in tables:
                shown = ", ".join(
                    f'case when abs("{c["name"]}") < 1e3 then round("{c["name"]}", 9) else round("{c["name"]}", 2) end'
                    f' as "{c["name"]}"'
                    if c["kind"] == "DOUBLE"
                    else f'"{c["name"]}"'
                    for c in columns
                )
                stem = Path(file).stem
                a, b = (f'(select {shown} from {side}_{stem}.{schema}."{table}")' for side in ("one", "other"))
                pairs = ((a, b), (b, a))
                only = [con.execute(f"from {x} except all from {y} order by all").fetchall() for x, y in pairs]
                if any(only):
                    rows = [str(rows[0]) if rows else "no row" for rows in only]
                    found.append(f"{schema}.{table}: {len(only[0])} and {len(only[1])} rows: {rows[0]} / {rows[1]}")
    return found


@dataclass
class News:
    """What lands on top of a market, file by file, drawn at random: corrections, late rows, new sets, other sectors.

    ``landing``: of the market, with what its tables hold in contract columns. ``today``: its last session.
    """

    landing: Path
    today: dt.date
    chance: random.Random
    number: int = 0
    said: list[str] = field(default_factory=list)

    def draw(self, count: int) -> None:
        """Land so many pieces of news, of kinds that differ."""
        for kind in self.chance.sample(KINDS, count):
            kind(self)

    def rows(self, table: str, where: str, count: int) -> list[dict[str, Any]]:
        """Some rows of what has landed for a table; dates and figures as text."""
        with duckdb.connect() as con:
            found = con.execute(
                f"select * from read_csv('{self.landing}/{table}/*.csv', all_varchar = true, union_by_name = true)"
                f" where {where} order by hash(concat_ws('|', *columns(*)), {self.chance.randrange(10**6)})"
                f" limit {count}"
            )
            names = [column[0] for column in found.description or ()]
            return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def land(self, table: str, rows: Iterable[dict[str, Any]]) -> None:
        """A file of rows; what is None stays empty."""
        rows = list(rows)
        if not rows:
            return
        self.number += 1
        self.said.append(f"{table}: {rows[0]}")
        path = self.landing / table / f"news_{self.number:03d}.csv"
        path.parent.mkdir(exist_ok=True)
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)

    def some_day(self) -> str:
        """SQL of a date of the last year as text, often of late."""
        return f"'{self.today - dt.timedelta(days=self.chance.choice([1, 2, 5, 20, 90, 200, 300]))}'"

    def factor(self) -> float:
        return self.chance.choice([0.97, 0.999, 1.0005, 1.02])


def _times(row: dict[str, Any], names: Iterable[str], factor: float, digits: int) -> dict[str, Any]:
    return {**row, **{name: f"{float(row[name]) * factor:.{digits}f}" for name in names if row.get(name)}}


def _corrected_security(news: News) -> None:
    rows = news.rows("security_bars", f"trade_date >= {news.some_day()}", 3)
    prices = ("open", "high", "low", "close")
    news.land("security_bars", [_times(row, prices, news.factor(), 2) for row in rows])


def _no_reference_price(news: News) -> None:
    rows = news.rows("security_bars", f"trade_date >= {news.some_day()}", 4)
    news.land("security_bars", [{**row, "prev_close": None} for row in rows])


def _suspended_security(news: News) -> None:
    rows = news.rows("security_bars", f"trade_date >= {news.some_day()}", 3)
    news.land("security_bars", [{**row, "close": row["prev_close"], "volume_shares": 0, "turnover": 0} for row in rows])


def _corrected_etf(news: News) -> None:
    rows = news.rows("etf_bars", f"trade_date >= {news.some_day()}", 2)
    news.land("etf_bars", [_times(row, ("open", "high", "low", "close"), news.factor(), 3) for row in rows])


def _corrected_nav(news: News) -> None:
    rows = news.rows("etf_nav", f"nav_date >= {news.some_day()}", 3)
    news.land("etf_nav", [_times(row, ("unit_nav",), news.factor(), 4) for row in rows])


def _corrected_shares(news: News) -> None:
    rows = news.rows("etf_shares", f"share_date >= {news.some_day()}", 3)
    news.land("etf_shares", [{**row, "shares": int(row["shares"]) + 1_000_000} for row in rows])


def _opening_shares(news: News) -> None:
    rows = news.rows("etf_shares", f"share_date >= {news.some_day()}", 3)
    news.land("etf_shares", [{**row, "share_basis": "open_of_day"} for row in rows])


def _split(news: News) -> None:
    [row] = news.rows("etf_bars", f"trade_date >= {news.some_day()}", 1)
    split = {"etf_code": row["etf_code"], "effective_date": row["trade_date"], "numerator": 2, "denominator": 1}
    news.land("etf_splits", [split])


def _new_etf(news: News) -> None:
    code = f"15{news.chance.randrange(1000, 9999)}.SZ"
    [profile] = news.rows("etf_profiles", "true", 1)
    news.land("etf_profiles", [{**profile, "etf_code": code, "name_zh": "新基金"}])
    like, since = f"etf_code = '{profile['etf_code']}'", news.today - dt.timedelta(days=40)
    for table, date in (("etf_bars", "trade_date"), ("etf_nav", "nav_date"), ("etf_shares", "share_date")):
        rows = news.rows(table, f"{like} and {date} >= '{since}'", 40)
        news.land(table, [{**row, "etf_code": code} for row in rows])


def _other_index(news: News) -> None:
    [profile] = news.rows("etf_profiles", "true", 1)
    [other] = news.rows("etf_profiles", f"tracked_index_code <> '{profile['tracked_index_code']}'", 1)
    news.land("etf_profiles", [{**profile, "tracked_index_code": other["tracked_index_code"]}])


def _new_weights(news: News) -> None:
    [one] = news.rows("index_weights", "true", 1)
    index = f"index_code = '{one['index_code']}'"
    last = news.rows("index_weights", f"{index} and weight_date = '{one['weight_date']}'", 5000)
    [outsider] = news.rows("securities", "true", 1)
    members = {row["security_code"] for row in last}
    first, *others = sorted(last, key=lambda row: str(row["security_code"]))
    if outsider["security_code"] not in members:
        first = {**first, "security_code": outsider["security_code"]}
    date = news.chance.choice([str(news.today), str(news.today - dt.timedelta(days=3)), one["weight_date"]])
    news.land("index_weights", [{**row, "weight_date": date} for row in (first, *others)])


def _corrected_weight(news: News) -> None:
    rows = news.rows("index_weights", f"weight_date >= {news.some_day()}", 2)
    news.land("index_weights", [_times(row, ("weight",), 1.001, 8) for row in rows])


def _corrected_level(news: News) -> None:
    rows = news.rows("index_bars", f"trade_date >= {news.some_day()}", 2)
    news.land("index_bars", [{**_times(row, ("close",), 1.001, 2), "high": None, "prev_close": None} for row in rows])


def _late_visits(news: News) -> None:
    rows = news.rows("broker_visits", f"visit_date >= {news.some_day()}", 5)
    later = str(news.today - dt.timedelta(days=news.chance.randrange(3)))
    news.land("broker_visits", [{**row, "notice_date": max(later, row["notice_date"])} for row in rows])


def _more_visits(news: News) -> None:
    rows = news.rows("broker_visits", f"visit_date >= {news.some_day()}", 5)
    day = [dt.date.fromisoformat(row["visit_date"]) + dt.timedelta(days=1) for row in rows]
    told = [max(dt.date.fromisoformat(row["notice_date"]), date) for row, date in zip(rows, day, strict=True)]
    moved = [
        {**row, "visit_date": str(date), "notice_date": str(notice)}
        for row, date, notice in zip(rows, day, told, strict=True)
        if notice <= news.today
    ]
    news.land("broker_visits", moved)


def _another_sector(news: News) -> None:
    [row] = news.rows("sector_members", "true", 1)
    [other] = news.rows("sector_members", f"sector_code <> '{row['sector_code']}'", 1)
    since = {"valid_from": str(news.today - dt.timedelta(days=news.chance.choice([0, 40, 200])))}
    news.land("sector_members", [{**other, **since, "security_code": row["security_code"]}])


def _another_issuer(news: News) -> None:
    one, other = news.rows("securities", "true", 2)
    news.land("securities", [{**one, "issuer_id": other["issuer_id"]}])


def _corrected_rounds(news: News) -> None:
    rows = news.rows("funding_rounds", "raised_amount_usd is not null", 4)
    updated = {"updated_at": f"{news.today} 08:00:00"}
    news.land("funding_rounds", [{**row, "raised_amount_usd": 123_000, **updated} for row in rows[:3]])
    news.land("funding_rounds", [{**row, "deleted_at": f"{news.today} 08:00:00", **updated} for row in rows[3:]])


def _corrected_rates(news: News) -> None:
    rows = news.rows("fx_rates", f"rate_date >= {news.some_day()}", 2)
    news.land("fx_rates", [_times(row, ("rate",), 1.001, 6) for row in rows])


def _known_later(news: News) -> None:
    """Rows that become known two weeks from now, beside one that is known."""
    known, *rows = news.rows("etf_nav", f"nav_date >= {news.some_day()}", 3)
    moment = {"knowledge_at": f"{news.today + dt.timedelta(days=15)}T00:00:00+08:00"}
    later = [{**_times(row, ("unit_nav",), 1.003, 4), **moment} for row in rows]
    news.land("etf_nav", [{**_times(known, ("unit_nav",), 1.001, 4), "knowledge_at": None}, *later])


def _concepts(news: News) -> None:
    rows = news.rows("concept_members", "true", 3)
    news.land("concept_members", [{**row, "as_of_date": str(news.today - dt.timedelta(days=9))} for row in rows])


KINDS: list[Callable[[News], None]] = [
    _corrected_security,
    _no_reference_price,
    _suspended_security,
    _corrected_etf,
    _corrected_nav,
    _corrected_shares,
    _opening_shares,
    _split,
    _new_etf,
    _other_index,
    _new_weights,
    _corrected_weight,
    _corrected_level,
    _late_visits,
    _more_visits,
    _another_sector,
    _another_issuer,
    _corrected_rounds,
    _corrected_rates,
    _known_later,
    _concepts,
]
