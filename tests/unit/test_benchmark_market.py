"""The market of the benchmarks: contract columns, one figure for one key however it is written."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.contracts import CONTRACTS
from tests.benchmarks.market import LAST_DAY, Market, write_market

MARKET = Market(years=1).scaled(0.005)


def found(sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect() as con:
        return con.execute(sql).fetchall()


@pytest.fixture(scope="module")
def landing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("market")
    write_market(folder / "whole", MARKET)
    write_market(folder / "day", MARKET, LAST_DAY, LAST_DAY)
    return folder


def test_every_table_has_columns_and_keys_of_its_contract(landing: Path) -> None:
    tables = {path.name for path in (landing / "whole").iterdir()}
    assert set(CONTRACTS) - tables == {"etf_splits"}
    for table in sorted(tables):
        contract = CONTRACTS[table]
        rows = f"read_parquet('{landing}/whole/{table}/*')"
        columns = {name for name, *_ in found(f"describe select * from {rows}")}
        assert columns <= set(contract.columns), table
        key = ", ".join(contract.key)
        doubled = found(f"select {key} from {rows} group by {key} having count(*) > 1")
        # a visit is drawn, not numbered: now and then one is drawn twice, which a run counts as repeated
        assert table == "broker_visits" or not doubled, table


def test_a_day_alone_is_the_day_of_the_whole(landing: Path) -> None:
    dates = {
        "etf_bars": "trade_date",
        "index_bars": "trade_date",
        "security_bars": "trade_date",
        "etf_shares": "share_date",
    }
    for table, date in dates.items():
        whole = f"select * from read_parquet('{landing}/whole/{table}/*') where {date} = date '{LAST_DAY}'"
        alone = f"select * from read_parquet('{landing}/day/{table}/*')"
        assert found(f"({whole}) except ({alone})") == []
        assert found(f"({alone}) except ({whole})") == []
        assert found(alone), table


def test_an_index_moves_as_its_members_do(landing: Path) -> None:
    [[widest]] = found(
        f"""
        select max(abs(moved - told)) from (
            select b.index_code, b.trade_date, any_value(b.close / b.prev_close - 1) as told,
                sum(w.weight * (p.close / p.prev_close - 1)) as moved
            from read_parquet('{landing}/whole/index_bars/*') as b
            join read_parquet('{landing}/whole/index_weights/*') as w on w.index_code = b.index_code
                and w.weight_date = (select max(weight_date) from read_parquet('{landing}/whole/index_weights/*')
                    where weight_date < b.trade_date)
            join read_parquet('{landing}/whole/security_bars/*') as p
                on p.security_code = w.security_code and p.trade_date = b.trade_date
            group by all
        )
        """
    )
    assert widest < 0.002


def test_sizes_shrink_together() -> None:
    assert Market().first_day == dt.date(2016, 11, 21)
    assert MARKET.securities < Market().securities
    assert MARKET.smallest_index <= MARKET.largest_index
