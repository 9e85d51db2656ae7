"""Keys stand in the environment and on the wire, nowhere else: fetches fail in every way, and nothing repeats them."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from typer.testing import CliRunner

from orchestration import cli
from orchestration.assets.fetch import fetch_asset
from orchestration.fetching import open_transport
from orchestration.providers import datasets
from orchestration.providers.transport import SECRET_WORDS
from orchestration.settings import Settings
from tests.support.fake_provider import Answer, FakeProvider, as_json
from tests.support.planted_keys import SECRETS, forms, holders
from tests.support.recorded import crunchbase, tushare
from tests.support.recorded.crunchbase import Crunchbase, funding_round

TUSHARE, CRUNCHBASE = SECRETS["SECTOR_TUSHARE_TOKEN"], SECRETS["SECTOR_CRUNCHBASE_KEY"]

BARS = ["tushare.fund_daily", "--etf", "510330.SH", "--since", "2025-06-16", "--until", "2025-06-18"]
ROUNDS = ["crunchbase.funding_rounds"]
WAYS_TO_FAIL = (
    *("throttled_empty", "too_many_requests", "column_added", "html", "hang", "half", "drip", "forbidden"),
    "server_error",
)
REPEATING = (
    Answer(f"no such user: {TUSHARE} {CRUNCHBASE}".encode(), 403, "text/plain"),
    Answer(f"<html>{TUSHARE}{CRUNCHBASE}".encode(), 200, "text/html"),
    as_json({"code": 40101, "msg": f"token {TUSHARE} {CRUNCHBASE}", "data": None}),
    as_json([{"status": 401, "code": "LA401", "message": f"Unauthorized {TUSHARE} {CRUNCHBASE}"}], 401),
    Answer(b"", 302, headers={"Location": f"/elsewhere?token={TUSHARE}&user_key={CRUNCHBASE}"}),
    Answer(b"", 500, headers={"X-Asked-With": f"{TUSHARE} {CRUNCHBASE}"}),
)

GOOD_WITH_THE_KEY = as_json(
    {**tushare.envelope(tushare.FUND_DAILY[:1], tuple(tushare.FUND_DAILY[0]), False), "request_id": TUSHARE}
)
"""What lands with a key in it, because it is good: bytes are kept as they came, and nothing else repeats them."""


@pytest.fixture
def home(tmp_path: Path, fake_provider: FakeProvider, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home whose keys are planted and whose providers are on loopback; tracebacks are shown in full."""
    tushare.serve(fake_provider)
    provider = Crunchbase(key=CRUNCHBASE, rounds=[funding_round("r1", updated_at="2025-03-05T00:00:00Z")])
    provider.serve(fake_provider)
    values = {
        **SECRETS,
        "SECTOR_HOME": str(tmp_path / "home"),
        "SECTOR_BASE_URLS": f"{tushare.HOST}={fake_provider.url}/tushare,{crunchbase.API}={fake_provider.url}",
        "SECTOR_REQUESTS_PER_MINUTE": "tushare=60000,crunchbase=60000",
        "SECTOR_FETCH_ATTEMPTS": "1",
        "SECTOR_FETCH_SILENCE_SECONDS": "0.3",
        "SECTOR_FETCH_TOTAL_SECONDS": "0.6",
        "SECTOR_TRACEBACK": "1",
    }
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    return tmp_path / "home"


@pytest.fixture
def said(capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> Iterator[list[str]]:
    """What commands print, collected by the test; judged at its end together with every log at any level."""
    caplog.set_level(logging.DEBUG)
    words: list[str] = []
    yield words
    captured = capfd.readouterr()
    whole = "\n".join([*words, caplog.text, captured.out, captured.err]).encode()
    assert [form for secret in SECRETS.values() for form in forms(secret) if form in whole] == []


def fetch(said: list[str], *arguments: str) -> int:
    result = CliRunner().invoke(cli.app, ["fetch", *arguments])
    said.append(result.stdout + result.stderr)
    return result.exit_code


def test_a_fetch_that_fails_in_any_way_leaves_no_key(home: Path, fake_provider: FakeProvider, said: list[str]) -> None:
    paths = {"/tushare": BARS, crunchbase.ROUNDS: ROUNDS}
    codes = []
    for way in WAYS_TO_FAIL:
        for path, arguments in paths.items():
            fake_provider.fault(path, way)  # type: ignore[arg-type]
            codes.append(fetch(said, *arguments))
            fake_provider.heal()
    assert 1 in codes
    sent = [asked for asked in fake_provider.asked if asked.path in paths]
    assert any(TUSHARE.encode() in asked.body for asked in sent), "it was asked with the key"
    assert any(CRUNCHBASE in asked.headers.values() for asked in sent)
    assert CliRunner().invoke(cli.app, ["status"]).exit_code == 0
    assert holders(home) == []


@pytest.mark.parametrize("answer", REPEATING, ids=lambda answer: f"{answer.status}-{answer.content_type[:9]}")
def test_a_provider_that_repeats_the_key_is_not_repeated(
    home: Path, fake_provider: FakeProvider, said: list[str], answer: Answer
) -> None:
    fake_provider.route("/tushare", answer)
    fake_provider.route(crunchbase.ROUNDS, answer)
    assert fetch(said, *BARS) == 1
    assert fetch(said, *ROUNDS, "--json") == 1
    for command in (["status"], ["status", "--json"], ["fetch", "--list"], ["doctor"]):
        result = CliRunner().invoke(cli.app, command)
        said.append(result.stdout + result.stderr)
    assert holders(home) == []


def test_the_instance_that_the_ui_shows_holds_no_key(home: Path, fake_provider: FakeProvider, said: list[str]) -> None:
    """Run configuration, events, materialization metadata, logs of the steps: whatever Dagster writes to its disk."""
    settings = Settings()
    settings.home.mkdir(parents=True)
    by_key = {dataset.key: dataset for dataset in datasets()}
    asked = {
        "tushare.fund_daily": {"since": "2025-06-16", "until": "2025-06-18", "etfs": ["510330.SH"]},
        "crunchbase.funding_rounds": {},
    }
    storage = settings.home / "instance"
    storage.mkdir()
    succeeded = []
    with dg.DagsterInstance.local_temp(str(storage)) as instance:
        for answer in (None, GOOD_WITH_THE_KEY, REPEATING[0], REPEATING[2]):
            if answer is not None:
                fake_provider.route("/tushare", answer)
                fake_provider.route(crunchbase.ROUNDS, answer)
            for key, config in asked.items():
                dataset = by_key[key]
                with open_transport(settings) as transport:
                    ran = dg.materialize(
                        [fetch_asset(dataset, settings, retries=dg.RetryPolicy(max_retries=0))],
                        resources={"transport": dg.ResourceDefinition.hardcoded_resource(transport)},
                        run_config={"ops": {f"fetch_{dataset.provider}_{dataset.name}": {"config": config}}},
                        raise_on_error=False,
                        instance=instance,
                    )
                succeeded.append(ran.success)
    assert succeeded == [True, True, True, False, False, False, False, False]
    assert [name for name in holders(home) if not name.startswith("landing/")] == []


def test_settings_shown_as_text_cover_their_keys(home: Path) -> None:
    settings = Settings()
    assert not any(secret in f"{settings!r} {settings} {settings.model_dump_json()}" for secret in SECRETS.values())
    named = {name for name, value in settings if type(value).__name__ == "SecretStr"}
    like_a_key = {name for name in type(settings).model_fields if SECRET_WORDS.search(name) or name.endswith("_url")}
    assert named == like_a_key, "a setting that is named like a key, or an address to write to, is a SecretStr"
