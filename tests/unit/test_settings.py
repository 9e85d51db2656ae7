"""Where a setting comes from: the environment, then ``sector.toml``, then the default; no secret in a file."""

import json
import re
import tomllib

import pytest
from typer.testing import CliRunner

from orchestration import cli
from orchestration.first_files import TEMPLATE
from orchestration.settings import ENVIRONMENT_ALONE, Settings, SettingsFileError, is_secret

runner = CliRunner()


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.setenv("SECTOR_HOME", str(tmp_path))
    return tmp_path / "sector.toml"


def test_the_environment_goes_before_the_file_and_the_file_before_the_default(file, monkeypatch):
    file.write_text('threads = 3\nkeep_days = 5\nwatch_etfs = ["513120.SH"]\nrequests_per_minute = { akshare = 6 }\n')
    monkeypatch.setenv("SECTOR_KEEP_DAYS", "7")
    settings = Settings()
    assert (settings.threads, settings.keep_days, settings.keep_releases) == (3, 7, 20)
    assert settings.watch_etfs == ("513120.SH",)
    assert settings.requests_per_minute == {"akshare": 6.0}
    assert Settings(threads=9).threads == 9


def test_the_file_is_that_of_the_home_that_is_given(file, tmp_path):
    file.write_text("threads = 3\n")
    other = tmp_path / "other"
    other.mkdir()
    (other / "sector.toml").write_text("threads = 4\n")
    assert Settings(home=other).threads == 4
    assert Settings(home=tmp_path / "none").threads == 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("thread = 3", "no setting is called thread: did you mean threads?"),
        ("zzz = 3", "sector init"),
        ('home = "/data"', "set SECTOR_HOME in the environment"),
        ('tushare_token = "abc123"', "take it out and set SECTOR_TUSHARE_TOKEN in the environment"),
        ('alert_slack_url = "https://x/abc123"', "take it out and set SECTOR_ALERT_SLACK_URL"),
        ("note_etf = 159567.SZ", "texts in quotation marks"),
        ('note_etf = "159567"', "sector.toml: note_etf=159567: "),
        ("threads = 0", "sector.toml: threads=0: "),
    ],
)
def test_a_wrong_line_is_named_with_its_cure_and_no_secret(file, text, words):
    file.write_text(text + "\n")
    for command in ("status", "doctor", "run", "alerts"):
        result = runner.invoke(cli.app, [command])
        assert result.exit_code == 2, command
        assert words in result.stderr, command
        assert "abc123" not in result.stderr + result.stdout


def test_a_wrong_secret_is_not_shown(file, monkeypatch):
    monkeypatch.setenv("SECTOR_ALERT_SLACK_URL", "hooks.slack.com/services/abc123")
    result = runner.invoke(cli.app, ["status"])
    assert result.exit_code == 2
    assert "SECTOR_ALERT_SLACK_URL: " in result.stderr
    assert "abc123" not in result.stderr
    with pytest.raises(ValueError, match="alert_slack_url") as error:
        Settings()
    assert "abc123" not in str(error.value)


def test_the_file_that_init_writes_names_every_setting_with_its_default(file):
    result = runner.invoke(cli.app, ["init", "--json"])
    assert json.loads(result.stdout) == {"settings": str(file), "new": True, "files": []}
    assert Settings() == Settings.model_construct(**{**Settings.model_construct().model_dump(), "home": file.parent})
    lines = re.findall(r"^# ([a-z_]+ = .*)$", TEMPLATE, re.MULTILINE)
    shown = tomllib.loads("\n".join(lines))
    names = {name for name in Settings.model_fields if name not in ENVIRONMENT_ALONE and not is_secret(name)}
    assert set(shown) == names
    for name, value in shown.items():
        default = Settings.model_fields[name].default
        if default is not None:
            assert (tuple(value) if isinstance(default, tuple) else value) == default, name
    for name in Settings.model_fields:
        assert not is_secret(name) or f"SECTOR_{name.upper()}" in TEMPLATE, name
    file.write_text("\n".join(lines))
    assert Settings().alert_mail_user == "warehouse"


def test_a_file_that_is_there_is_left_as_it_is(file):
    file.write_text("threads = 3\n")
    result = runner.invoke(cli.app, ["init"])
    assert result.exit_code == 0
    assert file.read_text() == "threads = 3\n"
    assert "is as it was" in result.stdout


def test_a_file_that_cannot_be_read_is_said(file):
    file.mkdir()
    with pytest.raises(SettingsFileError, match="cannot be read"):
        Settings()


@pytest.mark.parametrize("times", ["9:20", "24:00", "noon", ""])
def test_times_of_day_are_hours_and_minutes(monkeypatch, times):
    monkeypatch.setenv("SECTOR_REFRESH_TIMES", times)
    with pytest.raises(ValueError, match="refresh_times"):
        Settings()


def test_times_of_day_are_listed(monkeypatch):
    monkeypatch.setenv("SECTOR_REFRESH_TIMES", "09:20, 22:30")
    assert Settings().refresh_times == ("09:20", "22:30")
