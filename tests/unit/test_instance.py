"""`sector ui`: on loopback unless somebody says that it may be reached."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from orchestration import cli, instance


class Replaced(BaseException):
    """Stands where the process would have become another."""


started: list[list[str]] = []
"""Calls that would have started the pages beside it."""


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[tuple[list[str], dict[str, str]]]:
    """Calls that would have replaced this process: their words and their environment."""
    calls: list[tuple[list[str], dict[str, str]]] = []

    def become(program: str, words: list[str], environment: dict[str, str]) -> None:
        calls.append((words, environment))

    monkeypatch.setattr(os, "execvpe", become)
    monkeypatch.setattr(instance.subprocess, "Popen", lambda words, env: started.append(words))
    started.clear()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SECTOR_HOME", str(tmp_path / "home"))
    return calls


def host_of(words: list[str]) -> str:
    return words[words.index("-h") + 1]


def test_it_listens_on_loopback_and_sends_nothing_home(called) -> None:
    said = CliRunner().invoke(cli.app, ["ui", "--port", "3217"])
    assert said.exit_code == 0
    assert "Materialize all on http://127.0.0.1:3217/locations/sector_warehouse/jobs/refresh" in said.stderr
    [(words, environment)] = called
    assert words[:4] == [sys.executable, "-m", "dagster", "dev"]
    assert (host_of(words), words[words.index("-p") + 1]) == ("127.0.0.1", "3217")
    assert environment["DAGSTER_DISABLE_TELEMETRY"] == "yes"
    configured = yaml.safe_load((Path(environment["DAGSTER_HOME"]) / "dagster.yaml").read_text(encoding="utf-8"))
    assert configured["telemetry"] == {"enabled": False}


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "::", "desk.example"])  # noqa: S104 (what is refused)
def test_another_host_is_refused_with_what_to_do(called, host: str) -> None:
    refused = CliRunner().invoke(cli.app, ["ui", "--host", host])
    assert (refused.exit_code, called) == (2, [])
    assert "no login" in refused.stderr
    assert "ssh -L 3000:127.0.0.1:3000" in refused.stderr


def test_whoever_says_exposed_means_it(called) -> None:
    assert CliRunner().invoke(cli.app, ["ui", "--host", "0.0.0.0", "--exposed"]).exit_code == 0  # noqa: S104
    assert host_of(called[0][0]) == "0.0.0.0"  # noqa: S104


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_loopback_has_these_names(called, host: str) -> None:
    assert instance.is_loopback(host)
    assert CliRunner().invoke(cli.app, ["ui", "--host", host]).exit_code == 0


def test_the_pages_stand_beside_it_on_the_same_host(called) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1] - 1
    assert CliRunner().invoke(cli.app, ["ui", "--port", str(port)]).exit_code == 0
    assert started == [[sys.executable, "-m", "orchestration.pages", str(port + 1), "127.0.0.1"]]
    assert called[0][1]["SECTOR_PAGES_AT"] == f"http://127.0.0.1:{port + 1}"


def test_without_a_port_for_the_pages_it_is_served_all_the_same(called) -> None:
    assert CliRunner().invoke(cli.app, ["ui", "--port", "65535"]).exit_code == 0
    assert started == []
    assert "SECTOR_PAGES_AT" not in called[0][1]
