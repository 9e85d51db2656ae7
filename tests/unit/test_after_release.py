"""Another release is current: noticed once, told, and the operator's command called without keys."""

from __future__ import annotations

import datetime as dt
import sys
from pathlib import Path

import dagster as dg
import pytest

from orchestration import after_release, sensors
from orchestration.after_release import CommandError, call
from orchestration.jobs import after_release_job
from orchestration.sensors import release_sensor
from orchestration.settings import Settings

KEY = "planted-token-0123456789"


class Release:
    def __init__(self, release_id: str) -> None:
        self.release_id, self.as_of = release_id, dt.datetime(2025, 4, 24, 2, 30, tzinfo=dt.UTC)


def settings_with(home: Path, command: str, release: str = "a") -> Settings:
    (home / "releases" / release).mkdir(parents=True, exist_ok=True)
    return Settings(home=home, after_release=command, tushare_token=KEY)


def python(tmp_path: Path, code: str) -> str:
    script = tmp_path / "after.py"
    script.write_text(code, encoding="utf-8")
    return f"{sys.executable} '{script}'"


@pytest.fixture
def current(monkeypatch: pytest.MonkeyPatch) -> list[Release | None]:
    found: list[Release | None] = [None]
    monkeypatch.setattr(sensors, "current_or_lost", lambda settings: found[0])
    return found


def tick(settings: Settings, cursor: str | None):
    following = after_release_job(settings)
    context = dg.build_sensor_context(cursor=cursor)
    return release_sensor(following, settings).evaluate_tick(context), context


def test_what_is_current_at_the_first_look_is_no_news(tmp_path: Path, current) -> None:
    settings = settings_with(tmp_path, "true")
    assert "no release" in tick(settings, None)[0].skip_message
    current[0] = Release("a")
    found, _ = tick(settings, None)
    assert found.run_requests == []
    assert found.cursor == "a"
    assert "still" in tick(settings, "a")[0].skip_message


def test_another_release_is_told_and_the_command_asked_for(tmp_path: Path, current) -> None:
    settings = settings_with(tmp_path, "true")
    settings.current.symlink_to(settings.releases / "b")
    current[0] = Release("b")
    found, _ = tick(settings, "a")
    [told] = found.asset_events
    assert told.metadata["before"].value == "a"
    assert "b is current, as of 2025-04-24 10:30" in told.description
    [asked] = found.run_requests
    assert asked.run_config["ops"]["call"]["config"] == {"release_id": "b", "before": "a"}
    assert found.cursor == "b"
    settings.current.unlink()
    settings.current.symlink_to(settings.releases / "a")
    current[0] = Release("a")
    [back] = tick(settings, "b")[0].run_requests
    settings.current.unlink()
    settings.current.symlink_to(settings.releases / "b")
    current[0] = Release("b")
    [again] = tick(settings, "a")[0].run_requests
    assert len({asked.run_key, back.run_key, again.run_key}) == 3, "a rollback and the way back are news too"


def test_without_a_command_nothing_is_started(tmp_path: Path, current) -> None:
    settings = settings_with(tmp_path, "")
    settings.current.symlink_to(settings.releases / "b")
    current[0] = Release("b")
    found, _ = tick(settings, "a")
    assert (len(found.asset_events), found.run_requests) == (1, [])


def test_the_command_knows_the_release_and_no_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECTOR_TUSHARE_TOKEN", KEY)
    code = "import os; print(os.getcwd()); print(sorted(k + '=' + v for k, v in os.environ.items()))"
    said = call(settings_with(tmp_path, python(tmp_path, code)), "a", "z")
    assert said.startswith(str(tmp_path / "releases" / "a"))
    for expected in ("SECTOR_RELEASE=a", "SECTOR_RELEASE_BEFORE=z", f"SECTOR_HOME={tmp_path}"):
        assert expected in said
    assert KEY not in said


def test_no_shell_reads_the_command(tmp_path: Path) -> None:
    code = "import sys; print(sys.argv[1:])"
    assert call(settings_with(tmp_path, python(tmp_path, code) + " '$(id)' ; ls"), "a", None) == "['$(id)', ';', 'ls']"


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("/nowhere/tool", "cannot be started: No such file"),
        ("{python}", "ended with 3: the server said no"),
        ("mail 'note", "is no command: No closing quotation"),
        (" ", "names no command: set it"),
    ],
)
def test_a_command_that_fails_says_why(tmp_path: Path, command: str, words: str) -> None:
    failing = python(tmp_path, "print('the server said no'); raise SystemExit(3)")
    with pytest.raises(CommandError, match=words):
        call(settings_with(tmp_path, command.format(python=failing)), "a", None)


def test_a_command_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(after_release, "SECONDS", 0.2)
    with pytest.raises(CommandError, match="was ended after"):
        call(settings_with(tmp_path, python(tmp_path, "import time; time.sleep(60)")), "a", None)


@pytest.mark.parametrize("command", ["", "{python}"])
def test_the_run_of_a_command_that_fails_is_red_and_shows_no_key(tmp_path: Path, command: str) -> None:
    failing = python(tmp_path, f"print('{KEY}'); raise SystemExit(1)")
    job = after_release_job(settings_with(tmp_path, command.format(python=failing)))
    config = {"ops": {"call": {"config": {"release_id": "a"}}}}
    result = job.execute_in_process(run_config=config, raise_on_error=False)
    assert not result.success
    said = "\n".join(str(event) for event in result.all_events)
    assert "SECTOR_AFTER_RELEASE" in said
    assert KEY not in said
