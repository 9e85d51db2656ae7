"""The command line's own part: moments, exit codes, one-line errors, JSON on stdout and nothing else there."""

import datetime as dt
import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from orchestration import cli
from orchestration.locking import BusyError, is_held, owner_file, read_owner, run_lock
from orchestration.messages import one_line
from orchestration.moments import read_moment, write_moment
from orchestration.paths import PROJECT_ROOT

runner = CliRunner()


@pytest.fixture
def home(tmp_path, monkeypatch):
    folder = tmp_path / "home"
    monkeypatch.setenv("SECTOR_HOME", str(folder))
    return folder


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2025-04-24", "2025-04-24T15:59:59.999999+00:00"),
        ("20250424", "2025-04-24T15:59:59.999999+00:00"),
        ("2025-04-24 10:30", "2025-04-24T02:30:00+00:00"),
        ("2025-04-24T10:30:15", "2025-04-24T02:30:15+00:00"),
        ("2025-04-24T02:30:00Z", "2025-04-24T02:30:00+00:00"),
        ("2025-04-23T22:30:00-04:00", "2025-04-24T02:30:00+00:00"),
        (" 2025-04-24T00:00:00 ", "2025-04-23T16:00:00+00:00"),
    ],
)
def test_a_moment_without_zone_is_market_time_and_a_bare_date_its_end(text, utc):
    assert read_moment(text).astimezone(dt.UTC).isoformat() == utc


@pytest.mark.parametrize("text", ["yesterday", "2025-02-30", "24.04.2025", "", "1745461800"])
def test_what_is_no_moment_is_a_wrong_call_with_an_example(text, home):
    with pytest.raises(ValueError, match="write 2025-04-24"):
        read_moment(text)
    result = runner.invoke(cli.app, ["run", "--as-of", text])
    assert result.exit_code == 2
    assert "--as-of" in result.stderr
    assert not home.exists(), "a wrong call changes nothing"


def test_a_written_moment_reads_back():
    moment = dt.datetime(2025, 4, 24, 2, 30, 0, 1, dt.UTC)
    assert dt.datetime.fromisoformat(write_moment(moment)) == moment
    assert write_moment(moment).endswith("+08:00")


def test_current_without_as_of_is_a_wrong_call(home):
    result = runner.invoke(cli.app, ["run", "--current", "--json"])
    assert result.exit_code == 2
    assert "--as-of" in json.loads(result.stdout)["error"]
    assert not home.exists()


@pytest.mark.parametrize(
    ("name", "value"),
    [("SECTOR_NOTE_ETF", "159567"), ("SECTOR_THREADS", "many"), ("SECTOR_NOTE_INDEX", "987018")],
)
def test_a_wrong_setting_is_named_by_its_variable(home, monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    result = runner.invoke(cli.app, ["status"])
    assert result.exit_code == 2
    assert f"{name}={value}" in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_a_home_that_is_a_file_is_one_line(tmp_path, monkeypatch):
    file = tmp_path / "home"
    file.write_text("not a folder")
    monkeypatch.setenv("SECTOR_HOME", str(file))
    for command in (["run"], ["status"], ["sample"], ["run", "--as-of", "2025-04-24"]):
        result = runner.invoke(cli.app, command)
        assert result.exit_code == 2, (command, result.output)
        assert len(result.stderr.strip().splitlines()) == 1, result.stderr
        assert str(file) in result.stderr
    assert file.read_text() == "not a folder"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "disk is full"),
        (RuntimeError("IO Error: Could not write file: No space left on device"), "disk is full"),
        (PermissionError(errno.EACCES, "Permission denied", "/data"), "/data is not writable"),
        (OSError(errno.EROFS, "Read-only file system", "/data"), "read-only"),
        (ValueError("two\nlines  here"), "two lines here"),
        (KeyError(), "KeyError"),
    ],
)
def test_every_error_is_one_line_with_its_cure(error, words):
    line = one_line(error)
    assert words in line
    assert "\n" not in line


def test_a_second_run_at_the_same_time_is_told_who_is_first(home):
    home.mkdir()
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys, pathlib\nfrom orchestration.locking import run_lock\n"
            "with run_lock(pathlib.Path(sys.argv[1])):\n    print('held', flush=True)\n    sys.stdin.read()",
            str(home / ".lock"),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(PROJECT_ROOT)},
    )
    try:
        assert holder.stdout.readline().strip() == "held"
        assert is_held(home / ".lock")
        before = sorted(path.name for path in home.iterdir())
        result = runner.invoke(cli.app, ["run", "--json"])
        assert result.exit_code == 2
        assert f"process {holder.pid}" in result.stderr
        assert "another run" in json.loads(result.stdout)["error"]
        assert sorted(path.name for path in home.iterdir()) == before
    finally:
        holder.communicate(input="")
    assert not is_held(home / ".lock")


def test_a_killed_run_leaves_no_lock_but_its_name(tmp_path):
    """The tempting fix, a pid file alone, would leave a lock that somebody must remove by hand."""
    lock = tmp_path / ".lock"
    script = (
        "import os, signal, sys, pathlib\nfrom orchestration.locking import run_lock\n"
        "with run_lock(pathlib.Path(sys.argv[1])):\n    os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", script, str(lock)], env={**os.environ, "PYTHONPATH": str(PROJECT_ROOT)})
    assert not is_held(lock)
    assert not read_owner(lock).is_alive
    with run_lock(lock):
        assert read_owner(lock).pid == os.getpid()


def test_a_lock_left_by_a_machine_that_lost_power_is_free(tmp_path):
    """Its file and the name of its holder are still there, and the number may by now be another process's."""
    lock = tmp_path / ".lock"
    lock.touch()
    owner_file(lock).write_text(json.dumps({"pid": os.getppid(), "since": "2026-01-01T00:00:00+00:00"}))
    assert read_owner(lock).is_alive
    assert not is_held(lock)
    with run_lock(lock):
        assert read_owner(lock).pid == os.getpid()


def test_whoever_looks_whether_a_run_is_in_progress_turns_no_run_away(tmp_path):
    """A look takes the lock for a moment; a run that began in that moment used to be refused."""
    lock = tmp_path / ".lock"
    script = (
        "import sys, time, filelock\nwith filelock.FileLock(sys.argv[1]):\n"
        "    print('held', flush=True)\n    time.sleep(0.1)"
    )
    with subprocess.Popen([sys.executable, "-c", script, str(lock)], stdout=subprocess.PIPE, text=True) as looking:
        assert looking.stdout.readline().strip() == "held"
        with run_lock(lock):
            assert is_held(lock)


def test_the_lock_is_reentrant_within_a_process_and_freed_once(tmp_path):
    lock = tmp_path / ".lock"
    with run_lock(lock):
        with run_lock(lock):
            assert is_held(lock)
        assert is_held(lock)
        assert owner_file(lock).exists()
    assert not is_held(lock)
    assert not owner_file(lock).exists()


def test_busy_error_is_not_an_os_error():
    assert not issubclass(BusyError, OSError)


def test_help_names_every_command_of_the_contract():
    result = runner.invoke(cli.app, ["--help"])
    for command in ("sample", "run", "note", "status", "releases", "rollback", "doctor"):
        assert command in result.output


def test_status_before_the_first_release(home):
    result = runner.invoke(cli.app, ["status", "--json"])
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert document["current"] is None
    assert document["batches"] == []
    assert document["quarantine"] == []
    assert "sector run" in runner.invoke(cli.app, ["status"]).stdout
    assert not home.exists(), "looking makes nothing"


def test_note_and_rollback_without_a_release_are_wrong_calls(home):
    note = runner.invoke(cli.app, ["note"])
    assert note.exit_code == 2
    assert "sector run" in note.stderr
    back = runner.invoke(cli.app, ["rollback", "20260101T000000-00000000"])
    assert back.exit_code == 2
    assert "no release 20260101T000000-00000000" in back.stderr
    assert json.loads(runner.invoke(cli.app, ["releases", "--json"]).stdout) == {"releases": []}


def test_looking_imports_neither_dagster_nor_dbt_nor_gx():
    """A run without news must answer at once; each of these costs seconds."""
    script = (
        "import sys\nfrom orchestration import cli, refresh, status, doctor\n"
        "from orchestration.ingest import unread\n"
        "print([name for name in ('dagster', 'dbt', 'great_expectations', 'pandas') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(PROJECT_ROOT)},
    )
    assert done.stdout.strip() == "[]"


def test_doctor_finds_what_stops_a_run(tmp_path, monkeypatch):
    file = tmp_path / "home"
    file.write_text("")
    monkeypatch.setenv("SECTOR_HOME", str(file))
    result = runner.invoke(cli.app, ["doctor", "--json"])
    assert result.exit_code == 2
    document = json.loads(result.stdout)
    assert not document["healthy"]
    assert any(check["check"] == "home" and check["state"] == "wrong" for check in document["checks"])


def test_doctor_sees_a_broken_link_and_a_dead_run(home):
    home.mkdir()
    (home / "current").symlink_to(Path("releases") / "gone")
    owner_file(home / ".lock").write_text(json.dumps({"pid": 2**22 + 1, "since": "2026-01-01T00:00:00+00:00"}))
    document = json.loads(runner.invoke(cli.app, ["doctor", "--json"]).stdout)
    found = {check["check"]: check for check in document["checks"]}
    assert found["current"]["state"] == "wrong"
    assert "sector run" in found["current"]["cure"]
    assert "died" in found["lock"]["detail"]


def test_doctor_names_variables_that_nothing_reads_folders_of_no_table_and_alerts(home, monkeypatch):
    monkeypatch.setenv("SECTOR_NOTE_EFT", "159567.SZ")
    monkeypatch.setenv("SECTOR_ALERT_FILE", "alerts.jsonl")
    (home / "landing" / "etf_bar").mkdir(parents=True)
    (home / "landing" / "etf_nav").mkdir()
    (home / "landing" / "etf_nav" / "nav.csv").write_text("x\n1\n")
    document = json.loads(runner.invoke(cli.app, ["doctor", "--json"]).stdout)
    found = [(each["check"], each["state"], each["cure"]) for each in document["checks"]]
    assert ("settings", "warning", "did you mean SECTOR_NOTE_ETF?") in found
    assert ("landing", "warning", "did you mean etf_bars?") in found
    assert ("landing", "warning", "`sector run`") in found
    assert ("alerts", "ok", "") in found
    assert document["healthy"]


def test_alerts_show_what_is_open_and_a_test_says_what_arrived(home, monkeypatch):
    home.mkdir()
    result = runner.invoke(cli.app, ["alerts"])
    assert (result.exit_code, "no trouble is open" in result.stdout) == (0, True)
    untold = runner.invoke(cli.app, ["alerts", "--test"])
    assert untold.exit_code == 2
    assert "SECTOR_ALERT_SLACK_URL" in untold.stderr
    monkeypatch.setenv("SECTOR_ALERT_FILE", "alerts.jsonl")
    assert runner.invoke(cli.app, ["alerts", "--test"]).exit_code == 0
    assert json.loads((home / "alerts.jsonl").read_text())["event"] == "test"
    monkeypatch.setenv("SECTOR_ALERT_FILE", "alerts.jsonl/below")
    failed = runner.invoke(cli.app, ["alerts", "--test", "--json"])
    assert failed.exit_code == 1
    assert "alerts.jsonl/below: " in json.loads(failed.stdout)["channels"][0]["failure"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [("sector his", "history"), ("sector history etf_s", "etf_shares"), ("sector explain fct_etf_d", "fct_etf_daily")],
)
def test_the_shell_completes_commands_tables_and_marts(words, expected, monkeypatch):
    monkeypatch.setenv("_SECTOR_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", words)
    monkeypatch.setenv("COMP_CWORD", str(len(words.split()) - 1))
    assert expected in runner.invoke(cli.app, [], prog_name="sector").stdout.split()
