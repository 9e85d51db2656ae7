"""Sizes of Parquet pages, as several writers write them."""

import io
from collections.abc import Callable
from pathlib import Path

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from orchestration.ingest.parquet_pages import PageError, pages

ROWS = 60_000


def frame() -> pl.DataFrame:
    places = pl.int_range(ROWS, eager=True)
    texts = pl.Series([f"text number {place} of many" for place in range(ROWS)])
    return pl.DataFrame(
        {"place": places, "text": texts, "few": places % 7, "none": pl.Series([None] * ROWS, dtype=pl.String)}
    )


def by_pyarrow(path: Path) -> None:
    pq.write_table(frame().to_arrow(), path, data_page_size=10_000, write_page_checksum=True, compression="gzip")


def by_pyarrow_v2(path: Path) -> None:
    pq.write_table(frame().to_arrow(), path, data_page_version="2.0", row_group_size=20_000, compression="none")


def by_duckdb(path: Path) -> None:
    with duckdb.connect() as con:
        con.from_arrow(frame().to_arrow()).write_parquet(str(path), row_group_size=20_000)


def by_polars(path: Path) -> None:
    frame().write_parquet(path, data_page_size=10_000)


@pytest.mark.parametrize("write", [by_pyarrow, by_pyarrow_v2, by_duckdb, by_polars])
def test_the_pages_of_a_column_are_all_of_it(write: Callable[[Path], None], tmp_path: Path) -> None:
    path = tmp_path / "p.parquet"
    write(path)
    metadata = pq.read_metadata(path)
    seen = 0
    with path.open("rb") as stream:
        for group in range(metadata.num_row_groups):
            for place in range(metadata.num_columns):
                column = metadata.row_group(group).column(place)
                found = list(pages(stream, column))
                seen += len(found)
                assert stream.tell() + found[-1].compressed == (
                    (column.dictionary_page_offset if column.has_dictionary_page else column.data_page_offset)
                    + column.total_compressed_size
                )
                headers = column.total_compressed_size - sum(page.compressed for page in found)
                assert sum(page.uncompressed for page in found) + headers == column.total_uncompressed_size
                assert any(page.is_dictionary for page in found) == column.has_dictionary_page
    assert seen >= metadata.num_row_groups * metadata.num_columns


def test_statistics_of_long_texts_are_stepped_over() -> None:
    out = io.BytesIO()
    texts = pa.table({"name": ["x" * 100_000, "y" * 100_000]})
    pq.write_table(texts, out, use_dictionary=False, compression="none")
    column = pq.read_metadata(out).row_group(0).column(0)
    (page,) = pages(out, column)
    assert page.uncompressed == page.compressed
    assert 200_000 < page.compressed < 200_100


@pytest.mark.parametrize("filler", [b"\xff", b"\x00", b"\x15", b"\x1c", b"\x19"])
def test_bytes_that_are_no_header_are_told(filler: bytes) -> None:
    out = io.BytesIO()
    pq.write_table(pa.table({"name": ["x" * 1000]}), out, use_dictionary=False, compression="none")
    column = pq.read_metadata(out).row_group(0).column(0)
    with pytest.raises(PageError):
        list(pages(io.BytesIO(filler * column.total_compressed_size), column))
    with pytest.raises(PageError):
        list(pages(io.BytesIO(), column))
