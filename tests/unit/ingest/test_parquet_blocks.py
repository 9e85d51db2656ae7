"""Landed Parquet read in blocks: what becomes of it is what becomes of it row by row."""

from __future__ import annotations

import datetime as dt
import io
import random
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from orchestration.ingest import bulk, parquet_blocks
from tests.unit.ingest.test_plain import both_ways

ROWS = 250
NASTY: dict[str, tuple[pa.DataType, list[Any]]] = {
    "float": (pa.float64(), [1.25, 0.1 + 0.2, float("nan"), float("inf"), -0.0, 0.0, 1e15, 1e-7, 12.0, None, 1.26995]),
    "float32": (pa.float32(), [1.25, 0.1, float("nan"), None, 3.0]),
    "decimal": (pa.decimal128(20, 8), [Decimal("1.25"), Decimal(0), Decimal("0.00000001"), Decimal("-1.5"), None]),
    "wide": (pa.decimal128(38, 2), [Decimal("1.25"), Decimal("9" * 30), Decimal("12.50"), None]),
    "whole": (pa.int64(), [1, 0, -3, 2**63 - 1, 10**15, None]),
    "unsigned": (pa.uint64(), [1, 2**64 - 1, 7]),
    "bool": (pa.bool_(), [True, False, None]),
    "text": (pa.string(), ["1.25", "", "-", "nan", " 5 ", "1，269", "1e3", "x", 'a"b', "a\tb", "1\n2", None]),
    "words": (pa.dictionary(pa.int32(), pa.string()), ["1.25", "-", None]),
}
NOON, MIDNIGHT = dt.datetime.fromisoformat("2025-04-25 12:00:00"), dt.datetime.fromisoformat("2025-04-24")
ODD, LAST = dt.datetime.fromisoformat("2025-04-24 09:30:00.000005"), dt.datetime.fromisoformat("9999-12-31")
DAYS: dict[str, tuple[pa.DataType, list[Any]]] = {
    "date": (
        pa.date32(),
        [dt.date(2025, 4, 24), dt.date(2025, 4, 25), dt.date(2025, 4, 26), dt.date(1985, 1, 2), None],
    ),
    "naive": (
        pa.timestamp("ns"),
        [MIDNIGHT, NOON, ODD, None],
    ),
    "midnight": (pa.timestamp("ms"), [MIDNIGHT, MIDNIGHT + dt.timedelta(days=1)]),
    "zone": (pa.timestamp("us", tz="UTC"), [dt.datetime(2025, 4, 24, tzinfo=dt.UTC)]),
    "text": (pa.string(), ["2025-04-24", "20250424", "2025/4/24", "soon", "", None]),
    "far": (pa.timestamp("us"), [MIDNIGHT, LAST]),
}
CODES = [f"1595{number:02}.SZ" for number in range(60)] + ["510300.SH"] * 3


def content(seed: int, price: str, volume: str, day: str) -> bytes:
    rng = random.Random(seed)  # noqa: S311 (test data)
    some_days = [dt.date(2025, 1, 1) + dt.timedelta(days=number) for number in range(120)]

    def column(kind: pa.DataType, values: list[Any], plain: list[Any]) -> pa.Array:
        cells = [rng.choice(values if rng.random() < 0.1 else plain or values) for _ in range(ROWS)]
        return pa.array(cells, kind)

    columns = {
        "etf_code": pa.array([rng.choice([*CODES, "159567", None]) for _ in range(ROWS)]),
        "trade_date": column(*DAYS[day], some_days if day == "date" else []),
        "close": column(*NASTY[price], []),
        "open": pa.array([Decimal("1.2500")] * ROWS, pa.decimal128(18, 4)),
        "volume_shares": column(*NASTY[volume], []),
        "note": pa.array([rng.choice(["华泰", "x", None]) for _ in range(ROWS)]),
    }
    target = io.BytesIO()
    pq.write_table(pa.table(columns), target, row_group_size=150)
    return target.getvalue()


VOLUMES = [*list(NASTY)[4:], *list(NASTY)[:4]]
MANY_DAYS = ["date", "naive", "text", "date", "zone", "midnight", "date", "far", "text"]


@pytest.mark.parametrize(("price", "volume", "day"), list(zip(NASTY, VOLUMES, MANY_DAYS, strict=True)))
def test_the_same_rows_whichever_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, price: str, volume: str, day: str
) -> None:
    monkeypatch.setattr(parquet_blocks, "LEAST_ROWS", 1)
    monkeypatch.setattr(parquet_blocks, "BLOCK_ROWS", 100)
    runs = [{"a.parquet": content(1, price, volume, day), "b.parquet": content(2, price, volume, day)}]
    runs.append({"c.parquet": content(1, price, volume, day), "a.parquet": content(3, price, volume, day)})
    blockwise, row_by_row = both_ways(tmp_path, "etf_bars", runs)
    for what, found in blockwise.items():
        assert found == row_by_row[what], what


def written(**columns: pa.Array) -> bytes:
    target = io.BytesIO()
    pq.write_table(pa.table(columns), target)
    return target.getvalue()


def bars(**more: pa.Array) -> dict[str, pa.Array]:
    days = pa.array([dt.date(2025, 4, 24), dt.date(2025, 4, 25)])
    return {"etf_code": pa.array(["159567.SZ"] * 2), "trade_date": days, "close": pa.array([1.25, 1.26]), **more}


BAD_BYTES = pa.Array.from_buffers(
    pa.string(), 2, [None, pa.py_buffer(b"\0\0\0\0\x02\0\0\0\x04\0\0\0"), pa.py_buffer("华".encode("gbk") * 2)]
)


@pytest.mark.parametrize(
    ("more", "in_blocks"),
    [
        ({}, True),
        ({"note": pa.array(["x", "a\0b"])}, True),
        ({"note": pa.array(["x" * 20_000, "y"])}, True),
        ({"note": BAD_BYTES}, True),
        ({"nested": pa.array([[1], None])}, False),
        ({"note": pa.array([b"x", b"\xff"])}, False),
        ({"volume_shares": pa.array([1, 2])}, True),
    ],
)
def test_what_is_no_plain_parquet_is_read_row_by_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: dict[str, pa.Array], in_blocks: bool
) -> None:
    monkeypatch.setattr(parquet_blocks, "LEAST_ROWS", 1)
    tried: list[int] = []
    real = bulk.read_parquet_blocks

    def watched(*arguments: Any) -> Any:
        tried.append(1)
        return real(*arguments)

    monkeypatch.setattr(bulk, "read_parquet_blocks", watched)
    blockwise, row_by_row = both_ways(tmp_path, "etf_bars", [{"a.parquet": written(**bars(**more))}])
    for what, found in blockwise.items():
        assert found == row_by_row[what], what
    assert bool(tried) == in_blocks
