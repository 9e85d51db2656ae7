"""Crunchbase's CSV export dropped by hand: plain, packed, whole, or into the wrong folder (contracts R60, R65, R67)."""

from __future__ import annotations

import io
import tarfile
import zipfile

import pytest

from tests.support.recorded.crunchbase import (
    COMMON_COLUMNS,
    ORGANIZATIONS_HEADER,
    OTHER_MEMBERS,
    ROUNDS_HEADER,
    uuid_of,
)
from tests.support.warehouse_home import Home, counts


def record(header: str, **values: object) -> str:
    return ",".join(f'"{values.get(name, "")}"' for name in header.split(","))


COMMON = {
    "uuid": uuid_of("a"),
    "name": "A, Inc.",
    "rank": 7,
    "created_at": "2024-01-02 03:04:05",
    "updated_at": "2024-02-03 04:05:06",
    "country_code": "USA",
}
ROUND = record(ROUNDS_HEADER, **COMMON, investment_type="seed", announced_on="2024-01-01", org_uuid=uuid_of("o"))
ORGANIZATION = record(ORGANIZATIONS_HEADER, **COMMON, category_list="Biotechnology", category_groups_list="Health Care")

MEMBERS = {
    "funding_rounds.csv": f"{ROUNDS_HEADER}\n{ROUND}\n",
    "organizations.csv": f"{ORGANIZATIONS_HEADER}\n{ORGANIZATION}\n",
    **{name: f"{header}\n{record(header, **COMMON)}\n" for name, header in OTHER_MEMBERS.items()},
}
TABLE = {"funding_rounds": "funding_rounds.csv", "organizations": "organizations.csv"}


def zipped(members: dict[str, str]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(f"bulk_export/{name}", text)
    return packed.getvalue()


@pytest.mark.parametrize("table", TABLE)
def test_the_whole_export_gives_its_table_and_a_word_on_every_other_file(table: str, home: Home) -> None:
    home.land(f"{table}/export.zip", zipped(MEMBERS))
    report = home.run()[table]
    assert counts(report) == (1, 1, 0, 0)
    refused = {batch.file.rsplit("/", 1)[-1]: batch.refused_whole for batch in report.batches if batch.refused_whole}
    assert set(refused) == set(MEMBERS) - {TABLE[table]}
    other = next(name for name in TABLE if name != table)
    assert f"it is one of {other} (crunchbase.{other}), and the folder under landing/ names the table" in str(
        refused[f"{other}.csv"]
    )
    for name in OTHER_MEMBERS:
        assert "it is that of Crunchbase's" in str(refused[name]), name
        assert name in str(refused[name])


@pytest.mark.parametrize("table", TABLE)
def test_no_other_file_of_the_export_is_taken_for_the_table(table: str, home: Home) -> None:
    """All of them begin with the same columns: people would become organizations without a word."""
    for name, text in MEMBERS.items():
        home.land(f"{table}/{name}", text)
    report = home.run()[table]
    taken = [batch.file for batch in report.batches if batch.refused_whole is None]
    assert taken == [f"{table}/{TABLE[table]}"]
    assert len(home.raw(table)) == 1


def test_an_archive_of_tar_says_what_to_do(home: Home) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        content = MEMBERS["funding_rounds.csv"].encode()
        member = tarfile.TarInfo("funding_rounds.csv")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    home.land("funding_rounds/bulk_export.tar.gz", packed.getvalue())
    home.run()
    (reason,) = home.reasons()
    assert reason.startswith("a tar archive is not read: Crunchbase's CSV export goes by `sector fetch crunchbase.")


def test_a_header_that_no_table_knows_is_told_no_other_folder(home: Home) -> None:
    home.land("funding_rounds/x.csv", f"{COMMON_COLUMNS}\n{record(COMMON_COLUMNS, **COMMON)}\n")
    home.run()
    assert "names the table" not in home.reasons()[0]
