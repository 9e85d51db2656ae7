"""Commands of the project in processes that are killed: at a moment from outside, or at a line of code from within.

A server that has imported everything forks a process for each call, so that a killed call costs its own work and not
the seconds of its imports. Belongs here: starting, killing, waiting. Does not belong here: what must hold afterwards.
"""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from orchestration.paths import PROJECT_ROOT

OF_A_RUN = (
    "orchestration.cli",
    "orchestration.executing",
    "orchestration.ingest",
    "orchestration.providers.sample",
    "expectations.engine",
    "expectations.suites",
    "warehouse.note",
    "warehouse.releases",
)


@dataclass
class Call:
    """A call under way. ``said``: the file of what it tells on stderr."""

    pid: int
    said: Path
    _answer: Callable[[], int]
    _status: int | None = None

    def kill(self, alone: bool = False) -> None:
        """kill -9; ``alone``: not what it has started."""
        try:
            (os.kill if alone else os.killpg)(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            return

    def wait(self) -> int:
        """Its exit code, negative for the signal that ended it."""
        if self._status is None:
            self._status = self._answer()
        return self._status

    def has_ended(self) -> bool:
        """Whether it is dead already, though nobody has waited for it."""
        try:
            state = Path(f"/proc/{self.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
        except OSError:
            return True
        return state == "Z"

    def progress(self) -> str:
        return self.said.read_text(encoding="utf-8", errors="replace") if self.said.exists() else ""

    def counted(self) -> tuple[int, int]:
        """Lines and file-system calls of a finished ``Workshop.call`` that nothing stopped."""
        *_, lines, calls = self.progress().split()
        return int(lines), int(calls)

    def kill_after(self, mark: str, seconds: float, alone: bool = False) -> bool:
        """Kill it so long after it has said ``mark`` ("": at once); False when it ended before that."""
        while mark not in self.progress():
            if self.has_ended():
                return False
            time.sleep(0.005)
        until = time.monotonic() + seconds
        while time.monotonic() < until and not self.has_ended():
            time.sleep(0.002)
        if self.has_ended():
            return False
        self.kill(alone)
        return self.wait() == -signal.SIGKILL


class Workshop:
    """The server. One call at a time; what calls say is kept in ``folder``. ``imported``: modules that they need."""

    def __init__(self, folder: Path, imported: tuple[str, ...] = OF_A_RUN) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._calls = 0
        self._last: Call | None = None
        self._server = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "tests.support.killing", *imported],
            cwd=PROJECT_ROOT,
            env={**os.environ, "PYTHONPATH": str(PROJECT_ROOT), "DAGSTER_DISABLE_TELEMETRY": "yes"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # an interrupt is for who started it, who ends the call under way
        )

    def __enter__(self) -> Workshop:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._server.stdin is not None
        if self._last is not None and not self._last.has_ended():
            self._last.kill()
        self._server.stdin.close()
        self._server.wait()

    def _ask(self, request: dict[str, Any]) -> Call:
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._calls += 1
        said = self.folder / f"said-{self._calls}.txt"
        self._server.stdin.write(json.dumps({**request, "said": str(said)}) + "\n")
        self._server.stdin.flush()
        answers = self._server.stdout
        self._last = Call(int(answers.readline()), said, lambda: int(answers.readline()))
        return self._last

    def sector(self, home: Path, *arguments: str) -> Call:
        """``sector`` with these arguments on this SECTOR_HOME."""
        return self._ask({"environment": {"SECTOR_HOME": str(home)}, "sector": arguments})

    def call(
        self,
        function: str,
        *arguments: str,
        watched: tuple[str, ...] = (),
        at_line: int | None = None,
        full_at: int | None = None,
    ) -> Call:
        """``module:function`` with texts as arguments.

        ``at_line``: it is killed before the line of that number, in the order in which they first run, of the files
        ``watched`` (ends of paths). ``full_at``: from the file-system call of that number on, of those that take
        space, the disk is full. Without them ``counted`` gives the numbers of such lines and calls.
        """
        return self._ask(
            {
                "function": function,
                "arguments": arguments,
                "watched": watched,
                "at_line": at_line,
                "full_at": full_at,
            }
        )


def _serve() -> None:
    """A line of JSON in, the process id out, then its exit code."""
    import importlib

    for name in sys.argv[1:]:
        importlib.import_module(name)
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        request = json.loads(line)
        child = os.fork()
        if child == 0:
            _become(request)
        print(child, file=answers, flush=True)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), file=answers, flush=True)


def _become(request: dict[str, Any]) -> None:
    """What the forked process does; it ends here."""
    code = 70
    try:
        os.setsid()
        said = os.open(request["said"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(said, 1)
        os.dup2(said, 2)
        os.environ.update(request.get("environment", {}))
        if "sector" in request:
            from orchestration.cli import main

            main(request["sector"])
        else:
            _call(**{name: request[name] for name in ("function", "arguments", "watched", "at_line", "full_at")})
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:  # noqa: BLE001 (the last frame of the process)
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _call(function: str, arguments: list[str], watched: list[str], at_line: int | None, full_at: int | None) -> None:
    import importlib

    module, _, name = function.partition(":")
    work = getattr(importlib.import_module(module), name)
    lines = calls = 0

    def take_space(path: Any) -> None:
        nonlocal calls
        calls += 1
        if full_at is not None and calls >= full_at:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    def on_system_call(event: str, values: tuple[Any, ...]) -> None:
        writes = event == "open" and values[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        if writes or event in ("os.mkdir", "os.symlink", "os.rename"):
            take_space(values[0])

    def fsync(handle: int, flush: Callable[[int], None] = os.fsync) -> None:
        take_space(f"/dev/fd/{handle}")
        flush(handle)

    reached: set[tuple[str, int]] = set()

    def on_line(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal lines
        line = (frame.f_code.co_filename, frame.f_lineno)
        if event == "line" and line not in reached:
            reached.add(line)
            lines += 1
            if lines == at_line:
                os.kill(os.getpid(), signal.SIGKILL)
        return on_line

    def on_call(frame: FrameType, event: str, _: Any) -> Any:
        return on_line if frame.f_code.co_filename.endswith(tuple(watched)) else None

    os.fsync = fsync
    sys.addaudithook(on_system_call)
    if watched:
        sys.settrace(on_call)
    work(*arguments)
    sys.settrace(None)
    sys.stderr.write(f"counted {lines} {calls}\n")


if __name__ == "__main__":
    _serve()
