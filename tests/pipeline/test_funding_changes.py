"""Crunchbase as it lives: fetched three times while rounds are edited, withdrawn and restored, read, built as of the
moment before a change and as of that moment. Rulings: R50 to R55, the rules of ``funding_rounds``.
"""

from __future__ import annotations

import datetime as dt
import logging
from pathlib import Path

import duckdb
import pytest

from orchestration.fetching import fetch, question
from orchestration.ingest import Ledger
from orchestration.providers import datasets
from orchestration.providers.transport import Transport
from orchestration.receipts import Receipt
from tests.support.fake_provider import Clock, FakeProvider
from tests.support.raw_build import run_models
from tests.support.recorded.crunchbase import (
    API,
    ROUNDS,
    Crunchbase,
    deletion,
    funding_round,
    organization,
    uuid_of,
)
from tests.support.warehouse_home import Home

pytestmark = pytest.mark.pipeline

KEY = "planted-key-5d1f"
CHANGE = dt.datetime(2025, 3, 10, tzinfo=dt.UTC)


def fetched(home: Home, server: FakeProvider) -> dict[str, Receipt]:
    """A fetch of everything that Crunchbase's API answers page by page (the export is whole and on demand)."""
    clock = Clock()
    transport = Transport({API: server.url}, clock=clock, sleep=clock.sleep)
    wanted = [d for d in datasets() if d.provider == "crunchbase" and d.name != "bulk_export"]
    return {d.name: fetch(home.settings, d, question(home.settings, d), transport) for d in wanted}


def q1(marts: Path) -> dict[str, tuple[int, float | None]]:
    """Deals and amount of the first quarter of 2025 by region, innovative drugs."""
    with duckdb.connect(str(marts), read_only=True) as con:
        rows = con.execute(
            "select region, deals, cast(amount_usd as double) from marts.fct_funding_quarterly where profile ="
            " 'cb_news_venture' and segment = 'innovative_drugs' and quarter_start = '2025-01-01' and deals > 0"
        ).fetchall()
    return {region: (deals, amount) for region, deals, amount in rows}


def test_what_changes_at_a_moment_is_there_from_that_moment_and_not_before(
    home: Home,
    fake_provider: FakeProvider,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    tmp_path: Path,
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("SECTOR_CRUNCHBASE_KEY", KEY)
    crunchbase = Crunchbase(
        rounds=[
            funding_round("stays", amount_usd=1),
            funding_round("withdrawn", amount_usd=20),
            funding_round("restored", amount_usd=300),
            funding_round("corrected", amount_usd=4_000, org="Beta", country="China"),
        ],
        organizations=[organization("Alpha"), organization("Beta", country="China")],
        deleted=[deletion("never seen", "2025-03-01T00:00:00Z")],
        key=KEY,
    )
    crunchbase.serve(fake_provider)
    first = fetched(home, fake_provider)
    assert [receipt.outcome for receipt in first.values()] == ["delivered"] * 3
    home.run()

    crunchbase.rounds = [r for r in crunchbase.rounds if r["uuid"] not in map(uuid_of, ("withdrawn", "restored"))]
    crunchbase.deleted += [
        deletion("restored", "2025-03-05T00:00:00Z"),
        deletion("withdrawn", "2025-03-10T00:00:00Z"),
    ]
    second = fetched(home, fake_provider)
    assert second["deleted_funding_rounds"].new_files == 1
    home.run()

    moment = "2025-03-10T00:00:00Z"
    crunchbase.rounds[1] = funding_round("corrected", amount_usd=5_000, org="Beta", country="China", updated_at=moment)
    crunchbase.rounds.append(funding_round("restored", amount_usd=300, updated_at=moment))
    crunchbase.organizations[0] = organization("Alpha", country="Hong Kong", updated_at=moment)
    third = fetched(home, fake_provider)
    assert third["funding_rounds"].cursor == CHANGE
    assert "2025-02-03" in fake_provider.questions(ROUNDS)[-1].json["query"][0]["values"][0], "from the last edit known"
    reports = home.run()
    assert reports["funding_rounds"].rows_accepted == 2, "the round that stays is an exact repeat"
    assert not home.reasons()

    assert fetched(home, fake_provider)["funding_rounds"].new_files <= 1
    assert home.run().get("funding_rounds", reports["funding_rounds"]).rows_quarantined == 0
    tables = {name: home.raw(name) for name in ("funding_rounds", "organizations")}
    versions: dict[str, int] = {}
    for row in tables["funding_rounds"]:
        versions[row["round_uuid"]] = versions.get(row["round_uuid"], 0) + 1
    names = ("stays", "withdrawn", "restored", "corrected", "never seen")
    assert [versions[uuid_of(name)] for name in names] == [1, 2, 3, 2, 1]

    select = "+fct_funding_quarterly"
    before = run_models(tmp_path / "before", tables, CHANGE - dt.timedelta(microseconds=1), select)
    assert q1(before) == {"GLOBAL": (3, 4_021), "USA": (2, 21), "CHN": (1, 4_000)}
    at = run_models(tmp_path / "at", tables, CHANGE, select)
    assert q1(at) == {"GLOBAL": (3, 5_301), "HKG": (2, 301), "CHN": (1, 5_000)}

    everything = [path for path in home.settings.home.rglob("*") if path.is_file()]
    assert everything
    assert not [path for path in everything if KEY.encode() in path.read_bytes()], "the key is in no file"
    assert KEY not in caplog.text
    assert KEY not in str(Ledger(home.settings.ledger).batches()) + str(third)
