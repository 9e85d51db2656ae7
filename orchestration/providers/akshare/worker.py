"""The process in which akshare runs. It reads questions from its input, a JSON value a line, and answers likewise.

Belongs here: calling one function of akshare, and everything that its ``requests`` do on the way: pace, time limits,
where they go, what came back. Does not belong here: what to ask (``datasets``), when to lose patience (``calls``).

Its own process, because akshare calls hang: many requests have no time limit, and answers are decoded by a JavaScript
engine that no exception interrupts. What akshare prints goes nowhere.

After the start it says ``{"ready": true}``, or ``{"broken": …}`` when akshare cannot be imported. A question:
``function``, ``arguments``, and what akshare has no argument for: ``query`` (parameters put in place of its own),
``filter`` (conditions added to those of Eastmoney's data centre), ``page_limit``; ``begin``: forget the lists that
akshare kept from earlier questions; ``wire``: ``base_urls``, ``spacing``, ``connect``, ``silence``, ``most_bytes`` as
in ``transport``, and ``ceiling``, in seconds and bytes. Lines of an answer: ``{"request": …}`` before and
``{"page": …}`` after each HTTP request, then one of ``{"frame": …}``, ``{"error": …}``, ``{"too_many_pages": n}`` (the
first page says that there are more than ``page_limit``; nothing else was asked).
"""

from __future__ import annotations

import dataclasses
import functools
import io
import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any, TextIO
from urllib.parse import parse_qsl, urlencode, urlsplit

from orchestration.providers.akshare.answers import Page, TooManyPagesError, read_page
from orchestration.providers.delivery import MalformedError, ProviderError, ThrottledError


class Wire:
    """What every request of akshare goes through, in place of ``requests.adapters.HTTPAdapter.send``."""

    def __init__(self, send: Callable[..., Any], say: Callable[[dict[str, Any]], None]) -> None:
        self._send, self._say = send, say
        self._question: dict[str, Any] = {}
        self._wire: dict[str, Any] = {}
        self._last = float("-inf")

    def begin(self, question: dict[str, Any]) -> None:
        """The question that the next requests belong to."""
        self._question, self._wire = question, question["wire"]

    def __call__(self, adapter: Any, request: Any, **options: Any) -> Any:
        """Send ``request`` at the pace, read the whole answer, look at it, and hand it on."""
        parts = urlsplit(request.url)
        asked = f"{parts.netloc}{parts.path}"
        self._wait()
        self._say({"request": asked})
        query = self._amended(dict(parse_qsl(parts.query, keep_blank_values=True)))
        request.url, elsewhere = self._address(parts, query)
        options["timeout"] = (self._wire["connect"], self._wire["silence"])
        if elsewhere:
            options["proxies"] = {}
        response = self._send(adapter, request, **options)
        body = self._read(asked, response)
        if response.is_redirect:
            return self._followed(asked, response)
        page = read_page(asked, query, response.status_code, response.headers.get("retry-after"), body)
        self._say({"page": dataclasses.asdict(page)})
        self._require_few_pages(page)
        return response

    def _read(self, asked: str, response: Any) -> bytes:
        """The whole answer, kept where ``requests`` itself would have kept it."""
        content = io.BytesIO()
        for chunk in response.iter_content(1 << 16):
            content.write(chunk)
            if content.tell() > self._wire["most_bytes"]:
                raise MalformedError(f"{asked} answered more than {self._wire['most_bytes']:,} bytes")
        response._content = content.getvalue()
        return response._content

    def _followed(self, asked: str, response: Any) -> Any:
        """Redirections within a host are followed, others are pages that say so or ask for a login."""
        host = urlsplit(response.headers["location"]).netloc
        if host and host != asked.partition("/")[0]:
            raise MalformedError(f"{asked} sends us on to {host}: the site has moved, or wants a browser")
        return response

    def _wait(self) -> None:
        """One pace for all requests, also for those between which akshare does not rest."""
        rest = self._last + self._wire["spacing"] - time.monotonic()
        if rest > 0:
            _sleep(rest)
        self._last = time.monotonic()

    def _address(self, parts: Any, query: dict[str, str]) -> tuple[str, bool]:
        """Where the request goes, and whether that is another place than akshare's."""
        address = f"{parts.scheme}://{parts.netloc}{parts.path}" + (f"?{urlencode(query)}" if query else "")
        for beginning, replacement in self._wire["base_urls"].items():
            if address.startswith(beginning):
                return replacement.rstrip("/") + address[len(beginning.rstrip("/")) :], True
        return address, False

    def _amended(self, query: dict[str, str]) -> dict[str, str]:
        query |= {name: value for name, value in self._question.get("query", {}).items() if name in query}
        if "filter" in query:
            query["filter"] += self._question.get("filter", "")
        return query

    def _require_few_pages(self, page: Page) -> None:
        limit = self._question.get("page_limit")
        if limit is not None and page.pages is not None and page.pages > limit:
            raise TooManyPagesError(page.pages)


_sleep = time.sleep


def _install(wire: Wire) -> None:
    """Put ``wire`` below every session that akshare opens; its rests between pages are those of the wire."""
    from requests.adapters import HTTPAdapter

    def send(adapter: HTTPAdapter, request: Any, **options: Any) -> Any:
        return wire(adapter, request, **options)

    HTTPAdapter.send = send  # type: ignore[method-assign, assignment]
    time.sleep = lambda seconds: None


def _accept_bytes() -> None:
    """Since version 3 pandas reads workbooks from files alone; akshare hands some of them over as bytes."""
    import pandas

    read = pandas.read_excel

    def read_excel(source: Any, *arguments: Any, **options: Any) -> Any:
        return read(io.BytesIO(source) if isinstance(source, bytes) else source, *arguments, **options)

    pandas.read_excel = read_excel


def _forget() -> None:
    """Empty akshare's memories (lists of boards and indices, which it keeps for the life of a process)."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "akshare"]:
        for value in list(vars(sys.modules[name]).values()):
            if isinstance(value, functools._lru_cache_wrapper):
                value.cache_clear()


def _answer(wire: Wire, question: dict[str, Any]) -> dict[str, Any]:
    import akshare

    if question["begin"]:
        _forget()
    wire.begin(question)
    try:
        frame = getattr(akshare, question["function"])(**question["arguments"])
        text = frame.to_csv(index=False, lineterminator="\n") if len(frame.columns) else ""
        return {"frame": {"columns": list(map(str, frame.columns)), "rows": len(frame), "text": text}}
    except TooManyPagesError as error:
        return {"too_many_pages": error.pages}
    except ProviderError as error:
        pause = error.pause if isinstance(error, ThrottledError) else None
        return {"error": {"kind": type(error).__name__, "text": str(error), "pause": pause}}
    except Exception as error:  # noqa: BLE001 (akshare raises whatever an unexpected answer leads to)
        return {"error": {"kind": _kind(error), "text": f"{type(error).__name__}: {error}", "where": _where(error)}}


def _kind(error: Exception) -> str:
    """What is no JSON is a ``RequestException`` too, by the words of ``requests``, though it came whole."""
    import requests

    came_whole = isinstance(error, ValueError) or not isinstance(error, requests.RequestException | OSError)
    return "MalformedError" if came_whole else "UnavailableError"


def _where(error: Exception) -> str:
    """The line of akshare that gave up."""
    steps = [step for step in traceback.extract_tb(error.__traceback__) if "akshare" in step.filename]
    return f"{os.path.basename(steps[-1].filename)}:{steps[-1].lineno}" if steps else "akshare"  # noqa: PTH119


def _silence() -> TextIO:
    """Keep the way out for ourselves and send what libraries print nowhere."""
    way_out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    return way_out


def main() -> None:
    """Answer questions until the input ends."""
    way_out = _silence()

    def say(message: dict[str, Any]) -> None:
        way_out.write(json.dumps(message) + "\n")
        way_out.flush()

    try:
        from requests.adapters import HTTPAdapter

        wire = Wire(HTTPAdapter.send, say)
        _install(wire)
        _accept_bytes()
        import akshare  # noqa: F401 (takes seconds on a cold machine, which no question shall be blamed for)
    except ImportError as error:
        say({"broken": f"{type(error).__name__}: {error}"})
        return
    say({"ready": True})
    for line in sys.stdin:
        question = json.loads(line)
        # If nobody is left to end a call that hangs, the kernel does.
        signal.alarm(int(question["wire"]["ceiling"]) + 60)
        say(_answer(wire, question))
        signal.alarm(0)


if __name__ == "__main__":
    main()
