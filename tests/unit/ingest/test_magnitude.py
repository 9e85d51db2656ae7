"""Batches in another unit than the table's history are held back; what grows by itself is not."""

from __future__ import annotations

import datetime as dt
import math
import random
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.contracts import CONTRACTS
from orchestration.contracts.base import Contract
from orchestration.ingest import ingest_table, magnitude
from orchestration.ingest.ledger import ParquetFile
from orchestration.ingest.magnitude import Compared, evidence, held_back, moved_by
from tests.support.warehouse_home import Home, counts

TODAY = dt.date(2026, 3, 2)
POWERS = [-8, -6, -4, -3, -2, -1, 1, 2, 3, 4, 6, 8]


def _days(count: int, end: dt.date = TODAY) -> list[dt.date]:
    found = [end - dt.timedelta(days=back) for back in range(2 * count)]
    return sorted(day for day in found if day.weekday() < 5)[-count:]


def _walk(codes: int, days: list[dt.date], seed: int) -> pl.DataFrame:
    """Bars of funds whose prices, volumes and turnovers wander by themselves; turnover is volume times price."""
    rng = random.Random(seed)  # noqa: S311
    rows = []
    for number in range(codes):
        price, volume = math.exp(rng.gauss(0.5, 1)), math.exp(rng.gauss(16, 2))
        for day in days:
            price *= math.exp(rng.gauss(0, 0.02))
            traded = volume * math.exp(rng.gauss(0, 0.4))
            rows.append((f"{159000 + number}.SZ", day, price, traded, traded * price))
    return pl.DataFrame(
        rows, schema=["etf_code", "trade_date", "close", "volume_shares", "turnover_cny"], orient="row"
    ).with_columns(pl.col("close", "volume_shares", "turnover_cny").cast(pl.Float64))


def _known(folder: Path, frame: pl.DataFrame) -> list[ParquetFile]:
    moment = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
    path = folder / "known.parquet"
    folder.mkdir(parents=True, exist_ok=True)
    frame.with_columns(pl.lit(moment).cast(pl.Datetime("us", "UTC")).alias("knowledge_at")).write_parquet(path)
    return [ParquetFile(path, "raw", "etf_bars")]


def _judge(contract: Contract, frames: list[pl.DataFrame], known: list[ParquetFile]) -> dict[int, str]:
    names = [f"{contract.name}/{number}.csv" for number in range(len(frames))]
    figures = [
        evidence(frame, contract, TODAY).with_columns(pl.lit(name).alias("_file"))
        for name, frame in zip(names, frames, strict=True)
    ]
    held = held_back(contract, pl.concat(figures), dict.fromkeys(names, "some.dialect"), known)
    return {names.index(name): reason for name, reason in held.items()}


def _of(ratios: list[float]) -> Compared:
    frame = pl.DataFrame(
        {"_group": [0] * len(ratios), "ratio": ratios}, schema={"_group": pl.Int64, "ratio": pl.Float64}
    )
    return magnitude._compare(frame).get(0, magnitude.NOTHING)


BARS = CONTRACTS["etf_bars"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("known")


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    codes=st.integers(5, 60),
    power=st.sampled_from(POWERS),
    column=st.sampled_from(["close", "volume_shares", "turnover_cny"]),
)
def test_a_column_scaled_by_a_power_of_ten_is_always_caught(
    folder: Path, seed: int, codes: int, power: int, column: str
) -> None:
    days = _days(21)
    frame = _walk(codes, days, seed)
    known = _known(folder, frame.filter(pl.col("trade_date") < days[-1]))
    new = frame.filter(pl.col("trade_date") == days[-1]).with_columns(pl.col(column) * 10.0**power)
    held = _judge(BARS, [new], known)
    assert column in held[0], held
    assert "unit: looks like" in held[0]


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    codes=st.integers(1, 60),
    splits=st.lists(st.sampled_from([2, 3, 5, 10, 100, 0.1, 0.01]), max_size=2),
    spikes=st.lists(st.sampled_from([10.0, 12.0, 0.1, 0.05]), max_size=2),
)
def test_walks_splits_and_busy_days_never_are(
    folder: Path, seed: int, codes: int, splits: list[float], spikes: list[float]
) -> None:
    """Up to two funds of the file split, up to two trade ten times as much or as little as the day before."""
    days = _days(21)
    frame = _walk(codes, days, seed)
    known = _known(folder, frame.filter(pl.col("trade_date") < days[-1]))
    new = frame.filter(pl.col("trade_date") == days[-1])
    code = pl.col("etf_code")
    for number, k in enumerate(splits):
        of_code = code == f"{159000 + number}.SZ"
        new = new.with_columns(
            pl.when(of_code).then(pl.col("close") / k).otherwise(pl.col("close")).alias("close"),
            pl.when(of_code).then(pl.col("volume_shares") * k).otherwise("volume_shares").alias("volume_shares"),
        )
    for number, times in enumerate(spikes):
        of_code = code == f"{159000 + number}.SZ"
        new = new.with_columns(
            pl.when(of_code).then(pl.col(name) * times).otherwise(name).alias(name)
            for name in ("volume_shares", "turnover_cny")
        )
    assert not _judge(BARS, [new], known)


@pytest.mark.parametrize("times", [10.0, 0.1])
def test_a_theme_that_trades_ten_times_as_much_is_no_unit(folder: Path, times: float) -> None:
    """Every fund of the file: volume and turnover grow together. A rule on turnover alone would stop the desk."""
    days = _days(21)
    frame = _walk(12, days, 1)
    known = _known(folder, frame.filter(pl.col("trade_date") < days[-1]))
    new = frame.filter(pl.col("trade_date") == days[-1]).with_columns(pl.col("volume_shares", "turnover_cny") * times)
    assert not _judge(BARS, [new], known)


def test_a_file_of_one_fund_is_judged_by_the_days_that_are_known(folder: Path) -> None:
    days = _days(21)
    frame = _walk(1, days, 2)
    known = _known(folder, frame)
    lots = frame.with_columns(pl.col("volume_shares") / 100)
    assert "unit: looks like 手 (volume_shares: median" in _judge(BARS, [lots], known)[0]
    assert "11 figures of the same days" in _judge(BARS, [lots], known)[0]
    after = frame.filter(pl.col("trade_date") == days[-1]).with_columns(pl.lit(dt.date(2026, 3, 2)).alias("trade_date"))
    assert not _judge(BARS, [after.with_columns(pl.col("close") / 10)], known), "one new day may be that of a split"


def test_a_past_adjusted_for_a_split_is_no_unit(folder: Path) -> None:
    frame = _walk(1, _days(21), 3)
    known = _known(folder, frame)
    adjusted = frame.with_columns(pl.col("close") / 10, pl.col("volume_shares") * 10)
    assert not _judge(BARS, [adjusted], known)
    assert "close" in _judge(BARS, [frame.with_columns(pl.col("close") / 10)], known)[0]


def test_files_of_one_code_each_are_judged_together(folder: Path) -> None:
    """A provider that hands out a file a code; the one that nothing is known of goes with the others."""
    days = _days(21)
    frame = _walk(7, days, 4)
    known = _known(folder, frame.filter((pl.col("trade_date") < days[-1]) & (pl.col("etf_code") != "159006.SZ")))
    new = frame.filter(pl.col("trade_date") == days[-1])
    files = [new.filter(pl.col("etf_code") == f"{159000 + number}.SZ") for number in range(7)]
    assert not _judge(BARS, files, known)
    thousands = [file.with_columns(pl.col("turnover_cny") / 1000) for file in files]
    held = _judge(BARS, thousands, known)
    assert sorted(held) == list(range(7))
    assert "unit: looks like 千元 (turnover_cny" in held[6]
    assert sorted(_judge(BARS, [files[0], *thousands[1:]], known)) == list(range(1, 7))


def test_growth_over_years_is_not_compared(folder: Path) -> None:
    days = _days(5)
    frame = _walk(20, days, 5)
    long_ago = frame.with_columns(pl.col("trade_date") - dt.timedelta(days=3650), pl.col("volume_shares") * 0.01)
    assert not _judge(BARS, [long_ago], _known(folder, frame))


def test_what_is_known_of_the_same_days_decides_however_busy_they_were(folder: Path) -> None:
    frame = _walk(20, _days(5), 6)
    tenfold = frame.with_columns(pl.col("volume_shares", "turnover_cny") * 10)
    held = _judge(BARS, [tenfold], _known(folder, frame))
    assert "volume_shares" in held[0]
    assert "turnover_cny" in held[0]


@pytest.mark.parametrize(
    ("ratio", "expected"), [(0.49e-4, 0), (0.5e-4, -4), (1e-4, -4), (1.5e-4, -4), (1.51e-4, 0), (1e4, 4), (1.0, 0)]
)
def test_the_bounds_of_ten_thousand_shares_are_those_of_the_contract(ratio: float, expected: int) -> None:
    assert moved_by(_of([ratio]), impossible=(-4, 4)) == expected


@pytest.mark.parametrize(
    ("ratios", "expected"),
    [
        ([0.01] * 5, -2),
        ([0.01] * 4, 0),
        ([0.01] * 6 + [1.0] * 4, -2),
        ([0.01] * 11 + [1.0] * 9, 0),
        ([1.0] * 50, 0),
        ([], 0),
    ],
)
def test_how_many_must_agree(ratios: list[float], expected: int) -> None:
    assert moved_by(_of(ratios)) == expected


# ------------------------------------------------------------------ from files

SHARES = "etf_code,share_date,share_basis,shares"
SSE = "序号,基金代码,基金简称,ETF类型,统计日期,基金份额"


def _sse(day: str, unit: int, codes: int = 1) -> str:
    rows = [f"{n},51000{n},基金,单市,{day},{(289_000_000 + n * 17_000_000) / unit}" for n in range(codes)]
    return "\n".join([SSE, *rows]) + "\n"


@pytest.mark.parametrize("codes", [1, 8])
def test_shares_in_ten_thousands_are_held_back_however_few_and_old_the_known_ones(home: Home, codes: int) -> None:
    home.land("etf_shares/a.csv", _sse("2024-01-15", 1, codes))
    home.run()
    home.land("etf_shares/b.csv", _sse("2025-01-15", 10_000, codes))
    report = home.run()["etf_shares"]
    assert "unit: looks like 万份" in (report.batches[0].refused_whole or "")
    assert counts(report) == (0, 0, 0, 0)
    assert "median ratio to known figures 0.000100" in home.reasons()[0]
    home.land("etf_shares/c.csv", _sse("2025-01-15", 1, codes))
    assert counts(home.run()["etf_shares"]) == (codes, codes, 0, 0)


@pytest.mark.parametrize("every_line", [False, True])
def test_of_the_files_of_one_run_only_those_in_the_other_unit_are_held_back(home: Home, every_line: bool) -> None:
    """However they are read: in bulk, or line by line."""
    home.land("etf_shares/a.csv", _sse("2025-01-14", 1, 6))
    home.run()
    for day, unit in ((15, 1), (16, 10_000), (17, 1)):
        home.land(f"etf_shares/{day}.csv", _sse(f"2025-01-{day}", unit, 6))
    home.now += dt.timedelta(minutes=1)
    report = ingest_table(home.settings, "etf_shares", home.now, every_line=every_line)
    assert [batch.file for batch in report.refused_whole] == ["etf_shares/16.csv"]
    assert counts(report) == (12, 12, 0, 0)
    assert {row["share_date"].day for row in home.raw("etf_shares")} == {14, 15, 17}


def test_a_weight_in_percent_is_judged_by_its_refused_rows_too(home: Home) -> None:
    """9.52 is refused for itself; 0.52 would be taken for 52 %."""
    head, weights = "index_code,weight_date,security_code,weight", [9.52, 9.47, 8.73, 7.62, 7.17, 0.52, 0.41]
    home.land(
        "index_weights/a.csv",
        "\n".join([head, *(f"987018.CNI,2025-03-31,0{1800 + n}.HK,{w / 100}" for n, w in enumerate(weights))]),
    )
    home.run()
    home.land(
        "index_weights/b.csv",
        "\n".join([head, *(f"987018.CNI,2025-04-30,0{1800 + n}.HK,{w}" for n, w in enumerate(weights))]),
    )
    report = home.run()["index_weights"]
    assert "unit: looks like percent (weight: median 7.62 against 0.0762 known" in (
        report.batches[0].refused_whole or ""
    )
    assert len(home.raw("index_weights")) == len(weights)


def test_whoever_vouches_for_the_figures_gets_them_in(home: Home) -> None:
    home.land("etf_shares/a.csv", _sse("2024-01-15", 10, 6))
    home.run()
    home.land("etf_shares/b.csv", _sse("2024-01-16", 1, 6))
    refused = home.run()["etf_shares"].batches[0].refused_whole
    assert "folder named units-checked" in (refused or "")
    home.land("etf_shares/units-checked/b.csv", _sse("2024-01-16", 1, 6))
    assert counts(home.run()["etf_shares"]) == (6, 6, 0, 0)


def test_every_guard_names_a_numeric_column() -> None:
    for contract in CONTRACTS.values():
        for guard in contract.guards:
            assert contract.field(guard.column).name not in contract.key
            assert magnitude.series_columns(contract)
