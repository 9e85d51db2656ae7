"""Calls of akshare's functions from outside their process: with patience that ends, and with what came back judged.

Belongs here: the life of the worker process, and which answers are accepted. Does not belong here: the process itself
(``worker``), what answers look like (``answers``), what is asked (``datasets``).
"""

from __future__ import annotations

import atexit
import json
import os
import selectors
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any, cast

from orchestration.paths import PROJECT_ROOT
from orchestration.providers import delivery
from orchestration.providers.akshare.answers import Page, TooManyPagesError, repeated, total_said, totals_disagree
from orchestration.providers.delivery import (
    MalformedError,
    ProviderError,
    RefusedError,
    ThrottledError,
    UnavailableError,
)

if TYPE_CHECKING:
    from orchestration.providers.transport import Transport

PROVIDER = "akshare"

START_SECONDS = 120.0
"""Longest start of the process: akshare imports over a thousand modules."""

CALL_SECONDS = 1800.0
"""Longest call. The longest honest one is fifty pages of visits at ten requests a minute: five minutes."""

MOST_WORDS = 400
"""Characters of akshare's own words that a message repeats; those of ``requests`` hold whole addresses."""


@dataclass(frozen=True)
class Question:
    """One call of akshare. ``query``, ``filter`` and ``page_limit``: see ``worker``.

    ``never_empty``: there always is something, so that an answer without records was no answer. ``leading``: field
    names with which the provider's records have to begin, where akshare names them by position.
    """

    function: str
    arguments: dict[str, str] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)
    filter: str = ""
    page_limit: int | None = None
    leading: tuple[str, ...] = ()
    never_empty: bool = False

    @property
    def text(self) -> str:
        """The call as people would write it."""
        arguments = ", ".join(f"{name}={value!r}" for name, value in self.arguments.items())
        return f"{self.function}({arguments})" + (f" with {self.filter}" if self.filter else "")


@dataclass(frozen=True)
class Frame:
    """What a call gave: akshare's data frame as CSV text (header row, no index), and how its pages added up.

    ``columns`` and ``text`` are empty when the provider said that there is nothing and akshare gave no header either.
    ``total``: records that there are, by the provider; ``repeated``: those among them that came on two pages.
    """

    columns: tuple[str, ...]
    rows: int
    text: str
    total: int | None
    repeated: int = 0


@dataclass(frozen=True)
class _Process:
    """The worker and its two pipes."""

    popen: subprocess.Popen[bytes]
    questions: IO[bytes]
    answers: IO[bytes]


class Worker:
    """The process in which akshare runs, started when first asked, ended when it says nothing for too long.

    One question at a time.
    """

    def __init__(self) -> None:
        self._process: _Process | None = None
        self._unread = b""
        self._lock = threading.Lock()
        atexit.register(self.close)

    def ask(self, transport: Transport, question: Question, begin: bool = False) -> Frame:
        """Call akshare and judge what came. ``begin``: forget the lists that akshare keeps between calls.

        ``transport`` says where to, how fast and for how long: its ``total_seconds`` is the longest time from one HTTP
        request to the next sign of life. Raises ``ProviderError``s that name the call, and ``TooManyPagesError``.
        """
        with self._lock:
            try:
                return self._asked(transport, question, begin)
            except (ProviderError, TooManyPagesError):
                raise
            except BaseException:
                self.close()
                raise

    def close(self) -> None:
        """End the process, whatever it does."""
        process, self._process, self._unread = self._process, None, b""
        if process is None:
            return
        process.popen.kill()
        process.popen.wait()
        # what a dead process has not read can no longer be flushed
        with suppress(OSError):
            process.questions.close()
        process.answers.close()

    def _asked(self, transport: Transport, question: Question, begin: bool) -> Frame:
        limits = transport.limits
        spacing = 60 / limits.requests_per_minute.get(PROVIDER, limits.default_per_minute)
        pages: list[Page] = []
        process = self._running()
        message: dict[str, Any] = {
            "function": question.function,
            "arguments": question.arguments,
            "query": question.query,
            "filter": question.filter,
            "page_limit": question.page_limit,
            "begin": begin,
            "wire": {
                "base_urls": dict(transport.base_urls),
                "spacing": spacing,
                "connect": limits.connect_seconds,
                "silence": limits.silence_seconds,
                "most_bytes": limits.most_bytes,
                "ceiling": CALL_SECONDS,
            },
        }
        try:
            process.questions.write(json.dumps(message).encode() + b"\n")
            process.questions.flush()
        except OSError as error:
            self.close()
            raise UnavailableError(f"{question.text}: akshare's process has gone ({error}): try again") from None
        last, end, silence = "nothing", time.monotonic() + CALL_SECONDS, limits.total_seconds + spacing
        while True:
            message = self._next(process, f"{question.text}, last at {last}", silence, end)
            if "request" in message:
                last = message["request"]
            elif "page" in message:
                pages.append(_page(message["page"]))
            elif "too_many_pages" in message:
                raise TooManyPagesError(message["too_many_pages"])
            elif "error" in message:
                return judged_error(question, pages, message["error"])
            else:
                return judged_frame(question, pages, message["frame"])

    def _running(self) -> _Process:
        """The process, after its start where there is none."""
        if self._process is not None and self._process.popen.poll() is None:
            return self._process
        self.close()
        environment = {name: value for name, value in os.environ.items() if not name.startswith("SECTOR_")}
        known = environment.get("PYTHONPATH")
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(PROJECT_ROOT), known]))
        popen = subprocess.Popen(
            [sys.executable, "-P", "-m", "orchestration.providers.akshare.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
        )
        self._process = _Process(popen, cast("IO[bytes]", popen.stdin), cast("IO[bytes]", popen.stdout))
        greeting = self._next(self._process, "the start of akshare", START_SECONDS, time.monotonic() + START_SECONDS)
        if "broken" in greeting:
            self.close()
            raise RefusedError(
                f'akshare cannot be imported ({greeting["broken"]}): pip install "sector-warehouse[akshare]" again'
            )
        return self._process

    def _next(self, process: _Process, what: str, silence: float, end: float) -> dict[str, Any]:
        """The next line of the worker. Raises ``UnavailableError`` when it stays silent, or ends."""
        silent_until = min(end, time.monotonic() + silence)
        with selectors.DefaultSelector() as selector:
            selector.register(process.answers, selectors.EVENT_READ)
            while b"\n" not in self._unread:
                rest = silent_until - time.monotonic()
                if rest <= 0 or not selector.select(rest):
                    self.close()
                    raise UnavailableError(_given_up(what, silence, is_silent=silent_until < end))
                piece = os.read(process.answers.fileno(), 1 << 20)
                if not piece:
                    code = process.popen.wait(timeout=10)
                    self.close()
                    fate = signal.Signals(-code).name if code < 0 else f"exit code {code}"
                    raise UnavailableError(f"{what}: akshare's process ended by itself ({fate}): try again")
                self._unread += piece
        line, _, self._unread = self._unread.partition(b"\n")
        return json.loads(line)


def _given_up(what: str, silence: float, is_silent: bool) -> str:
    if is_silent:
        return (
            f"{what}: no sign of life for {silence:.0f} s, the call was ended: try later, or raise "
            "SECTOR_FETCH_TOTAL_SECONDS"
        )
    return f"{what}: no end after {CALL_SECONDS:.0f} s, the call was ended: ask for less at a time"


def _page(described: dict[str, Any]) -> Page:
    return Page(**{**described, "fields": tuple(described["fields"]), "ids": tuple(described["ids"])})


def judged_frame(question: Question, pages: list[Page], frame: dict[str, Any]) -> Frame:
    """The frame, if its pages add up and the fields stand where akshare takes them to stand.

    Raises ``MalformedError`` otherwise, ``ThrottledError`` for an empty frame that the provider gave no reason for.
    """
    _require_fields(question, pages)
    disagreement = totals_disagree(pages)
    if disagreement is not None:
        raise MalformedError(f"{question.text}: {disagreement}")
    nothing = pages[-1].nothing if pages else None
    if not frame["rows"] and (question.never_empty or (nothing is None and not frame["columns"])):
        raise ThrottledError(f"{question.text}: nothing came, where there always is something; {_last(pages)}")
    twice = repeated(pages) if pages else 0
    return Frame(tuple(frame["columns"]), frame["rows"], frame["text"], total_said(pages), twice)


def judged_error(question: Question, pages: list[Page], error: dict[str, Any]) -> Frame:
    """An empty frame where akshare stumbled over an answer that says that there is nothing; raises otherwise."""
    if "where" not in error:
        kind = getattr(delivery, error["kind"])
        text = f"{question.text}: {error['text']}"
        raise ThrottledError(text, error["pause"]) if kind is ThrottledError else kind(text)
    said = error["text"] if len(error["text"]) <= MOST_WORDS else f"{error['text'][:MOST_WORDS]}…"
    if error["kind"] == "UnavailableError":
        raise UnavailableError(
            f"{question.text}: {said} (a site that closes the connection without a word often means: "
            "too many requests from this address)"
        )
    if pages and pages[-1].nothing is not None:
        if question.never_empty:
            raise ThrottledError(f"{question.text}: nothing came, where there always is something; {_last(pages)}")
        return Frame((), 0, "", 0)
    _require_fields(question, pages)
    raise MalformedError(
        f"{question.text}: akshare stumbled at {error['where']} ({said}); {_last(pages)}. "
        "If it stays so, the provider has changed its answer: look for a newer akshare"
    )


def _require_fields(question: Question, pages: list[Page]) -> None:
    for page in pages:
        if question.leading and page.fields and page.fields[: len(question.leading)] != question.leading:
            raise MalformedError(f"{question.text}: {_moved(question.leading, page)}")


def _moved(expected: tuple[str, ...], page: Page) -> str:
    gone = [name for name in expected if name not in page.fields]
    added = [name for name in page.fields[: len(expected)] if name not in expected]
    told = "; ".join(
        [
            *([f"gone: {', '.join(gone)}"] if gone else []),
            *([f"new: {', '.join(added)}"] if added else []),
            *([] if gone or added else ["in another order"]),
        ]
    )
    return f"the fields of {page.asked} changed ({told}) and akshare names them by position: its columns would be wrong"


def _last(pages: list[Page]) -> str:
    if not pages:
        return "nothing was asked over HTTP"
    page = pages[-1]
    fields = f", fields {', '.join(page.fields)}" if page.fields else ""
    return f"the last answer was that of {page.asked}: {page.excerpt}{fields}"
