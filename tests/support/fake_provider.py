"""A provider on loopback: answers as told, keeps what it was asked, and misbehaves by name.

Belongs here: HTTP and the faults. Does not belong here: what any provider's answers look like (``recorded/``).

    server.listing("/quotes", records=[...], window=by_page(2), render=as_json)
    server.fault("/quotes", "page_loss")
"""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal
from urllib.parse import parse_qsl, urlsplit

Fault = Literal[
    "throttled_empty",  # 200, the right shape, no record
    "too_many_requests",  # 429 with Retry-After (detail `retry_after`, "7" by default)
    "page_overlap",  # every page but the first begins with the last record of the page before
    "page_loss",  # every page but the first comes without records; the total still counts them
    "column_added",  # every record has one column more (detail `column`, "surprise" by default)
    "column_gone",  # every record lacks the column named by the detail `column`
    "html",  # 200 with a page titled "访问验证"
    "hang",  # the question is read, nothing is answered
    "half",  # Content-Length of the whole, half of the bytes, connection cut
    "drip",  # one byte every 20 ms
    "forbidden",  # 403, no licence (detail `text`)
    "server_error",  # 500
]

PAGE = "<!DOCTYPE html><html><head><title>访问验证</title></head><body>请输入验证码</body></html>"

Record = Mapping[str, Any]


@dataclass(frozen=True)
class Asked:
    """One question as it arrived. ``query`` and ``form`` hold the last value of each name; header names are small."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))


@dataclass(frozen=True)
class Answer:
    """What is sent back."""

    body: bytes
    status: int = 200
    content_type: str = "application/json; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)


def as_json(document: Any, status: int = 200) -> Answer:
    """A document as providers send it: UTF-8, nothing escaped."""
    return Answer(json.dumps(document, ensure_ascii=False).encode(), status)


@dataclass(frozen=True)
class Listing:
    """Records that are answered in windows, so that the faults of paging can be played on any provider.

    ``records``: those that a question is about. ``window``: which of them one answer holds. ``render``: the answer of
    a window and of the total count.
    """

    records: Callable[[Asked], Sequence[Record]]
    window: Callable[[Asked, Sequence[Record]], slice]
    render: Callable[[Sequence[Record], int, Asked], Answer]

    def answer(self, asked: Asked, faults: Mapping[str, Mapping[str, Any]]) -> Answer:
        records = list(self.records(asked))
        window = self.window(asked, records)
        start = window.start or 0
        total = len(records)
        if "page_overlap" in faults and start:
            stop = window.stop if window.stop is None else window.stop - 1
            window = slice(start - 1, stop)
        chosen = records[window]
        if "page_loss" in faults and start:
            chosen = []
        if "throttled_empty" in faults:
            chosen, total = [], 0
        if "column_added" in faults:
            name = faults["column_added"].get("column", "surprise")
            chosen = [{**record, name: "1"} for record in chosen]
        if "column_gone" in faults:
            gone = faults["column_gone"]["column"]
            chosen = [{key: value for key, value in record.items() if key != gone} for record in chosen]
        return self.render(chosen, total, asked)


def whole(_: Asked, records: Sequence[Record]) -> slice:
    """Everything in one answer."""
    return slice(0, len(records))


def fixed(records: Sequence[Record]) -> Callable[[Asked], Sequence[Record]]:
    """The same records, whatever is asked."""
    return lambda _: records


@dataclass
class _Planned:
    fault: Fault
    details: dict[str, Any]
    left: int | None
    skip: int


Route = Callable[[Asked], Answer] | Listing


class FakeProvider:
    """The server. ``url``: its address. ``asked``: every question so far, in order of arrival."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self._routes: dict[str, Route] = {}
        self._faults: dict[str, list[_Planned]] = {}
        self._released = threading.Event()
        self._lock = threading.Lock()
        provider = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                provider._serve(self)

            do_POST = do_GET  # noqa: N815

            def log_message(self, *_: object) -> None:
                """Silent."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: object) -> None:
                """A client that has gone is part of the play."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        """Let hanging questions go and stop."""
        self._released.set()
        self._server.shutdown()
        self._server.server_close()

    # ---------------------------------------------------------- what it plays

    def route(self, path: str, answer: Callable[[Asked], Answer] | Answer) -> None:
        """Answer questions to ``path`` (without query) so. A path that ends with ``*`` serves all that begin so."""
        self._routes[path] = answer if callable(answer) else lambda _: answer

    def listing(
        self,
        path: str,
        records: Sequence[Record] | Callable[[Asked], Sequence[Record]],
        render: Callable[[Sequence[Record], int, Asked], Answer],
        window: Callable[[Asked, Sequence[Record]], slice] = whole,
    ) -> None:
        """Answer questions to ``path`` from records, window by window."""
        self._routes[path] = Listing(records if callable(records) else fixed(records), window, render)

    def fault(self, path: str, fault: Fault, times: int | None = None, after: int = 0, **details: Any) -> None:
        """Misbehave on ``path``: ``times`` times (None: always), after ``after`` good answers."""
        self._faults.setdefault(path, []).append(_Planned(fault, details, times, after))

    def heal(self, path: str | None = None) -> None:
        """End all faults (of one path)."""
        if path is None:
            self._faults.clear()
        else:
            self._faults.pop(path, None)

    def questions(self, path: str) -> list[Asked]:
        """What was asked of ``path``."""
        return [asked for asked in self.asked if asked.path == path]

    # -------------------------------------------------------------- serving

    def _found(self, path: str) -> str | None:
        if path in self._routes:
            return path
        return next((p for p in self._routes if p.endswith("*") and path.startswith(p[:-1])), None)

    def _due(self, route: str) -> dict[str, dict[str, Any]]:
        due: dict[str, dict[str, Any]] = {}
        with self._lock:
            for planned in self._faults.get(route, []):
                if planned.skip:
                    planned.skip -= 1
                elif planned.left is None or planned.left > 0:
                    planned.left = None if planned.left is None else planned.left - 1
                    due[planned.fault] = planned.details
        return due

    def _serve(self, handler: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(handler.path)
        length = int(handler.headers.get("Content-Length") or 0)
        asked = Asked(
            handler.command,
            parts.path,
            dict(parse_qsl(parts.query, keep_blank_values=True)),
            {name.lower(): value for name, value in handler.headers.items()},
            handler.rfile.read(length),
        )
        self.asked.append(asked)
        name = self._found(parts.path)
        if name is None:
            _send(handler, Answer(b"no such path", 404, "text/plain"))
            return
        faults = self._due(name)
        if "hang" in faults:
            self._released.wait(60)
            handler.close_connection = True
            return
        if "too_many_requests" in faults:
            pause = {"Retry-After": str(faults["too_many_requests"].get("retry_after", "7"))}
            _send(handler, Answer(b'{"message":"too many requests"}', 429, headers=pause))
        elif "forbidden" in faults:
            text = faults["forbidden"].get("text", '{"message":"Forbidden: your licence does not include this"}')
            _send(handler, Answer(text.encode(), 403))
        elif "server_error" in faults:
            _send(handler, Answer(b"internal error", 500, "text/plain"))
        elif "html" in faults:
            _send(handler, Answer(PAGE.encode(), 200, "text/html; charset=utf-8"))
        else:
            route = self._routes[name]
            answer = route.answer(asked, faults) if isinstance(route, Listing) else route(asked)
            _send(handler, answer, cut="half" in faults, drip=self._released if "drip" in faults else None)


def _send(
    handler: BaseHTTPRequestHandler, answer: Answer, cut: bool = False, drip: threading.Event | None = None
) -> None:
    handler.send_response(answer.status)
    handler.send_header("Content-Type", answer.content_type)
    handler.send_header("Content-Length", str(len(answer.body)))
    for name, value in answer.headers.items():
        handler.send_header(name, value)
    handler.end_headers()
    # a client that gives up has what it wanted to show
    with contextlib.suppress(OSError):
        if cut:
            handler.wfile.write(answer.body[: len(answer.body) // 2])
            handler.wfile.flush()
            handler.connection.shutdown(socket.SHUT_RDWR)
            handler.close_connection = True
        elif drip is not None:
            for index in range(len(answer.body)):
                if drip.wait(0.02):
                    break
                handler.wfile.write(answer.body[index : index + 1])
                handler.wfile.flush()
            handler.close_connection = True
        else:
            handler.wfile.write(answer.body)


@contextlib.contextmanager
def serving() -> Iterator[FakeProvider]:
    """A server for the length of a block."""
    server = FakeProvider()
    try:
        yield server
    finally:
        server.close()


class Clock:
    """Time for tests: ``sleep`` only moves the hands. ``slept``: every pause that was asked for, in seconds."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
