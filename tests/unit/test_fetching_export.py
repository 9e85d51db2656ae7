"""Crunchbase's CSV export: a large archive downloaded in pieces, of which only whole known files land."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import logging
import tarfile
import tracemalloc
from pathlib import Path

import pytest

from orchestration.fetching import fetch, question
from orchestration.providers.crunchbase import DATASETS, export
from orchestration.providers.delivery import RefusedError
from orchestration.providers.transport import Limits, Transport
from orchestration.receipts import Receipt
from tests.support.fake_provider import Answer, Asked, Clock, FakeProvider
from tests.support.recorded.crunchbase import (
    EXPORT_PATH,
    OTHER_MEMBERS,
    ROUNDS_HEADER,
    export_organization,
    export_round,
    packed,
    ranged,
)
from tests.support.warehouse_home import Home, counts

KEY = "planted-key-5d1f"
DATASET = next(dataset for dataset in DATASETS if dataset.name == "bulk_export")
ROUNDS = "funding_rounds.csv"
MEMBERS = {
    ROUNDS: export_round(3),
    "organizations.csv": export_organization(2),
    **{name: f"{header}\n" for name, header in OTHER_MEMBERS.items()},
}
ARCHIVE = packed(MEMBERS)


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECTOR_CRUNCHBASE_KEY", KEY)


def fetched(home: Home, server: FakeProvider, file: Path | None = None, attempts: int = 1, **limits: float) -> Receipt:
    clock = Clock()
    transport = Transport(
        {export.EXPORT: f"{server.url}{EXPORT_PATH}"},
        Limits(attempts=attempts, **limits),  # type: ignore[arg-type]
        clock=clock,
        sleep=clock.sleep,
        spool=home.settings.fetching,
    )
    with transport:
        return fetch(home.settings, DATASET, question(home.settings, DATASET, file=file), transport)


def landed(home: Home) -> dict[str, bytes]:
    files = (path for path in home.settings.landing.rglob("*") if path.is_file())
    return {path.relative_to(home.settings.landing).as_posix(): path.read_bytes() for path in files}


def spooled(home: Home) -> list[str]:
    return sorted(path.name for path in home.settings.fetching.iterdir() if path.suffix != ".lock")


def test_the_files_of_known_tables_land_with_their_bytes_and_become_rows(
    home: Home, fake_provider: FakeProvider
) -> None:
    fake_provider.route(EXPORT_PATH, Answer(ARCHIVE, content_type="application/gzip"))
    receipt = fetched(home, fake_provider)
    assert (receipt.outcome, receipt.rows, receipt.message) == ("delivered", 5, None)
    assert landed(home) == {
        f"{table}/crunchbase/bulk_export/{table}.csv": MEMBERS[f"{table}.csv"].encode()
        for table in ("funding_rounds", "organizations")
    }
    assert receipt.files[0].columns == tuple(ROUNDS_HEADER.split(","))
    assert spooled(home) == [], "the archive is gone again"
    reports = home.run()
    assert counts(reports["funding_rounds"]) == (3, 3, 0, 0)
    assert counts(reports["organizations"]) == (2, 2, 0, 0)
    assert fake_provider.asked[0].query == {"user_key": KEY}


def test_the_export_of_2016_is_taken_too(home: Home, fake_provider: FakeProvider) -> None:
    rounds = (
        "company_name,country_code,state_code,region,city,company_category_list,funding_round_type,funding_round_code,"
        "announced_on,raised_amount_usd,raised_amount,raised_amount_currency_code,target_money_raised_usd,"
        "target_money_raised,target_money_raised_currency_code,post_money_valuation_usd,post_money_valuation,"
        "post_money_currency_code,investor_count,investor_names,cb_url,company_uuid,funding_round_uuid,created_at,"
        "updated_at\n"
        'Acme,USA,CA,,,Biotechnology,venture,B,2015-01-05,1000000,1000000,USD,,,,,,,2,"A, B",,'
        "5a40c9b1-1c9a-5f4d-8d5b-0e3a4ac0d1f2,6b40c9b1-1c9a-5f4d-8d5b-0e3a4ac0d1f3,2015-01-06 10:00:00,"
        "2015-01-07 10:00:00\n"
    )
    fake_provider.route(EXPORT_PATH, Answer(packed({ROUNDS: rounds, "organizations.csv": export_organization(1)})))
    assert fetched(home, fake_provider).rows == 2
    home.run()
    assert home.reasons() == []
    [row] = home.raw("funding_rounds")
    assert row["investment_type"] == "series_b"


def test_records_are_counted_where_texts_hold_ends_of_lines(home: Home, fake_provider: FakeProvider) -> None:
    text = export_round(2).replace("A round", '"A round\nof ""two"" lines\n"').rstrip("\n")
    fake_provider.route(EXPORT_PATH, Answer(packed(MEMBERS | {ROUNDS: text})))
    receipt = fetched(home, fake_provider)
    assert {file.table: file.rows for file in receipt.files} == {"funding_rounds": 2, "organizations": 2}
    assert counts(home.run()["funding_rounds"]) == (2, 2, 0, 0)


def test_the_same_export_again_lands_nothing_and_a_later_one_lands_beside_it(
    home: Home, fake_provider: FakeProvider
) -> None:
    fake_provider.route(EXPORT_PATH, Answer(ARCHIVE))
    fetched(home, fake_provider)
    again = fetched(home, fake_provider)
    assert (again.outcome, again.rows, again.new_files) == ("delivered", 5, 0)
    assert len(landed(home)) == 2
    fake_provider.route(EXPORT_PATH, Answer(packed(MEMBERS | {ROUNDS: export_round(4)})))
    later = fetched(home, fake_provider)
    assert [file.is_new for file in later.files] == [True, False]
    assert len(landed(home)) == 3
    assert spooled(home) == []


# ------------------------------------------------------------- on the way


def test_a_download_that_is_cut_goes_on_where_it_was(home: Home, fake_provider: FakeProvider) -> None:
    fake_provider.route(EXPORT_PATH, ranged(ARCHIVE))
    fake_provider.fault(EXPORT_PATH, "half", times=1)
    cut = fetched(home, fake_provider)
    assert (cut.outcome, cut.trouble) == ("failed", "unavailable")
    assert "the connection broke" in str(cut.message)
    assert landed(home) == {}
    assert fetched(home, fake_provider).outcome == "delivered"
    half = len(ARCHIVE) // 2
    assert fake_provider.asked[1].headers["range"] == f"bytes={half}-"
    assert landed(home)["funding_rounds/crunchbase/bulk_export/funding_rounds.csv"] == MEMBERS[ROUNDS].encode()


def test_a_download_goes_on_within_one_fetch(home: Home, fake_provider: FakeProvider) -> None:
    fake_provider.route(EXPORT_PATH, ranged(ARCHIVE))
    fake_provider.fault(EXPORT_PATH, "half", times=2)
    assert fetched(home, fake_provider, attempts=4).outcome == "delivered"
    assert len(fake_provider.asked) == 3


def test_half_an_old_export_is_not_mixed_with_the_new_one(home: Home, fake_provider: FakeProvider) -> None:
    """What a provider has now is another file: its rest behind the old beginning would be no archive."""
    fake_provider.route(EXPORT_PATH, ranged(packed(MEMBERS | {ROUNDS: export_round(9)})))
    fake_provider.fault(EXPORT_PATH, "half", times=1)
    fetched(home, fake_provider)
    fake_provider.route(EXPORT_PATH, ranged(ARCHIVE))
    assert fetched(home, fake_provider).outcome == "delivered"
    assert landed(home)["funding_rounds/crunchbase/bulk_export/funding_rounds.csv"] == MEMBERS[ROUNDS].encode()


def test_a_download_that_came_whole_before_a_crash_is_not_asked_for_twice(
    home: Home, fake_provider: FakeProvider
) -> None:
    fake_provider.route(EXPORT_PATH, ranged(ARCHIVE))
    name = "crunchbase-bulk_export.tar.gz"
    home.settings.fetching.mkdir(parents=True)
    (home.settings.fetching / f"{name}.part").write_bytes(ARCHIVE)
    tag = ranged(ARCHIVE)(Asked("GET", EXPORT_PATH, {}, {}, b"")).headers["ETag"]
    (home.settings.fetching / f"{name}.json").write_text(json.dumps({"same": tag, "bytes": len(ARCHIVE)}))
    assert fetched(home, fake_provider).outcome == "delivered"
    assert fake_provider.asked[0].headers["range"] == f"bytes={len(ARCHIVE)}-"


@pytest.mark.parametrize(
    ("fault", "trouble", "words"),
    [
        ("html", "malformed", "expected a gzip archive, found an HTML page titled '访问验证'"),
        ("forbidden", "refused", "Enterprise or Applications licence"),
        ("hang", "unavailable", "silence for 0.3 s"),
        ("drip", "unavailable", "bytes within 0.8 s"),
        ("too_many_requests", "throttled", "429"),
    ],
)
def test_a_refusal_says_why_and_lands_nothing(
    fault: str, trouble: str, words: str, home: Home, fake_provider: FakeProvider
) -> None:
    fake_provider.route(EXPORT_PATH, ranged(ARCHIVE))
    fake_provider.fault(EXPORT_PATH, fault, times=1)  # type: ignore[arg-type]
    receipt = fetched(home, fake_provider, silence_seconds=0.3, total_seconds=0.8)
    assert (receipt.outcome, receipt.trouble) == ("failed", trouble)
    assert words in str(receipt.message)
    assert KEY not in str(receipt)
    assert landed(home) == {}
    assert fetched(home, fake_provider).outcome == "delivered", "a later fetch finishes"


def test_the_key_is_nowhere_though_it_stands_in_the_address(
    home: Home, fake_provider: FakeProvider, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    fake_provider.route(EXPORT_PATH, lambda asked: Answer(f"no licence for {asked.query['user_key']}".encode(), 403))
    receipt = fetched(home, fake_provider)
    assert "no licence for ***" in str(receipt.message)
    fake_provider.route(EXPORT_PATH, Answer(f"<html><title>{KEY}</title></html>".encode()))
    assert "titled '***'" in str(fetched(home, fake_provider).message)
    fake_provider.route(EXPORT_PATH, Answer(ARCHIVE))
    fetched(home, fake_provider)
    assert KEY not in f"{receipt} {caplog.text}"
    assert not [path for path in home.settings.home.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()]


def test_a_redirection_to_a_storage_is_followed_without_the_key(home: Home, fake_provider: FakeProvider) -> None:
    fake_provider.route(EXPORT_PATH, Answer(b"", 302, headers={"Location": "/storage/export?signed=1"}))
    fake_provider.route("/storage/export", ranged(ARCHIVE))
    assert fetched(home, fake_provider).outcome == "delivered"
    assert fake_provider.questions("/storage/export")[0].query == {"signed": "1"}
    fake_provider.route(EXPORT_PATH, Answer(b"", 302, headers={"Location": "http://storage.example/export"}))
    refused = fetched(home, fake_provider)
    assert (refused.trouble, "redirects to another host" in str(refused.message)) == ("refused", True)


# ------------------------------------------------------------- the archive


def _with_member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for known, text in MEMBERS.items():
            info = tarfile.TarInfo(known)
            info.size = len(text.encode())
            archive.addfile(info, io.BytesIO(text.encode()))
        info = tarfile.TarInfo(name)
        info.type, info.linkname = kind, link
        archive.addfile(info)
    return out.getvalue()


def _longer() -> bytes:
    noise = b"".join(hashlib.sha256(bytes([number])).digest() for number in range(256)).hex()
    return packed(MEMBERS | {"people.csv": f"{OTHER_MEMBERS['people.csv']}\n{noise}\n"})


@pytest.mark.parametrize(
    ("archive", "words"),
    [
        (_longer()[:-2000], "cut or damaged"),
        (_longer()[:-8] + b"\0" * 8, "cut or damaged"),
        (_with_member("../../etc/funding_rounds.csv"), "climbs out of the archive"),
        (_with_member("/etc/passwd"), "is absolute"),
        (_with_member("rounds.csv", tarfile.SYMTYPE, "/etc/passwd"), "is a link"),
        (_with_member("rounds.csv", tarfile.LNKTYPE, "people.csv"), "is a link"),
        (_with_member("old/funding_rounds.csv"), "funding_rounds.csv is there twice"),
        (packed({"people.csv": "uuid\n1\n"}), "expected funding_rounds.csv and organizations.csv, found people.csv"),
        (packed({ROUNDS: export_round(1)}), "expected funding_rounds.csv and organizations.csv, found funding_rounds"),
        (packed(MEMBERS | {ROUNDS: f"{ROUNDS_HEADER}\n"}), "funding_rounds.csv holds no record"),
        (packed(MEMBERS | {"people.csv": "x" * 40_000_000}), "expands to more than 200 times"),
        (gzip.compress(b"no archive of files" * 100), "cut or damaged"),
    ],
    ids=[
        "cut", "check sum", "climbing", "absolute", "symbolic link", "hard link", "twice", "none", "one alone",
        "no record", "bomb", "no tar",
    ],
)  # fmt: skip
def test_an_archive_that_is_none_is_refused_whole(
    archive: bytes, words: str, home: Home, fake_provider: FakeProvider
) -> None:
    fake_provider.route(EXPORT_PATH, Answer(archive))
    receipt = fetched(home, fake_provider)
    assert (receipt.outcome, receipt.trouble) == ("failed", "malformed")
    assert words in str(receipt.message)
    assert landed(home) == {}
    assert spooled(home) == []


def test_names_of_members_are_never_paths(home: Home, fake_provider: FakeProvider) -> None:
    fake_provider.route(EXPORT_PATH, Answer(packed({f"./bulk/export/{name}": text for name, text in MEMBERS.items()})))
    fetched(home, fake_provider)
    assert sorted(landed(home)) == [
        "funding_rounds/crunchbase/bulk_export/funding_rounds.csv",
        "organizations/crunchbase/bulk_export/organizations.csv",
    ]


def test_memory_does_not_grow_with_the_archive(
    home: Home, tmp_path: Path, fake_provider: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "COPIED", 64 * 1024)
    path = tmp_path / "bulk_export.tar.gz"
    path.write_bytes(packed({ROUNDS: export_round(30_000)}))
    tracemalloc.start()
    receipt = fetched(home, fake_provider, file=path)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (receipt.rows, receipt.outcome) == (30_000, "delivered")
    assert receipt.files[0].bytes > 5_000_000
    assert most < 2_500_000


# ------------------------------------------------------------- from a file


def test_an_archive_of_ones_own_needs_no_key_and_stays_where_it_is(
    home: Home, fake_provider: FakeProvider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SECTOR_CRUNCHBASE_KEY")
    path = tmp_path / "export of monday.tar.gz"
    path.write_bytes(packed({ROUNDS: export_round(3)}))
    receipt = fetched(home, fake_provider, file=path)
    assert (receipt.outcome, receipt.rows) == ("delivered", 3)
    assert receipt.files[0].asked == "crunchbase: export of monday.tar.gz: funding_rounds.csv"
    assert path.exists()
    assert fake_provider.asked == []
    assert fetched(home, fake_provider, file=path).new_files == 0


def test_a_file_that_is_not_there_and_no_key_say_what_to_do(
    home: Home, fake_provider: FakeProvider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(RefusedError, match=r"finds no file .*gone.tar.gz: give the path"):
        fetched(home, fake_provider, file=tmp_path / "gone.tar.gz")
    monkeypatch.delenv("SECTOR_CRUNCHBASE_KEY")
    with pytest.raises(RefusedError, match=r"--from bulk_export.tar.gz"):
        fetched(home, fake_provider)
