"""Receivers of alerts on loopback: a webhook that answers as told, and a mail server that keeps what it is given."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Webhook:
    """``url``; ``taken``: (path with query, JSON document) of each question; ``answers``: what it says, in order.

    The last answer is given again.
    """

    def __init__(self, answers: list[tuple[int, bytes]]) -> None:
        self.answers, self.asked = answers, list[tuple[str, Any]]()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self.server.server_port}/services/T000/B000/hush-hush"

    @property
    def said(self) -> list[str]:
        """Every message in words, whatever its shape."""
        return [
            document.get("text") if isinstance(document.get("text"), str) else _inner(document)
            for _, document in self.asked
        ]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        this = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                content = self.rfile.read(int(self.headers["Content-Length"]))
                this.asked.append((self.path, json.loads(content)))
                status, body = this.answers.pop(0) if len(this.answers) > 1 else this.answers[0]
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """A test's output is its own."""

        return Handler


def _inner(document: dict[str, Any]) -> str:
    return str(document["text"]["content"] if "msgtype" in document else document["content"]["text"])


@contextmanager
def webhook(*answers: tuple[int, bytes]) -> Iterator[Webhook]:
    """A webhook that listens; by default it takes everything, in each of the three ways of saying so."""
    this = Webhook(list(answers) or [(200, b'{"code": 0, "errcode": 0}')])
    with _serving(this.server):
        yield this


class MailServer:
    """``port``; ``mails``: (receivers, text with its headers) of each mail; ``refusal``: an answer to the receivers."""

    def __init__(self, refusal: str = "") -> None:
        self.mails: list[tuple[list[str], str]] = []
        this = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                receivers: list[str] = []
                self._say("220 here")
                while line := self.rfile.readline().decode().rstrip("\r\n"):
                    verb = line[:4].upper()
                    if verb == "RCPT" and refusal:
                        self._say(refusal)
                    elif verb == "RCPT":
                        receivers.append(line[line.index("<") + 1 : line.index(">")])
                        self._say("250 ok")
                    elif verb == "DATA":
                        self._say("354 go on")
                        lines = list(iter(lambda: self.rfile.readline().decode().rstrip("\r\n"), "."))
                        this.mails.append((receivers, "\n".join(lines)))
                        self._say("250 taken")
                    elif verb == "QUIT":
                        self._say("221 bye")
                        return
                    else:
                        self._say("250 ok")

            def _say(self, text: str) -> None:
                self.wfile.write(f"{text}\r\n".encode())

        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]


@contextmanager
def mail_server(refusal: str = "") -> Iterator[MailServer]:
    """A mail server that listens, without encryption."""
    this = MailServer(refusal)
    with _serving(this.server):
        yield this


@contextmanager
def _serving(server: socketserver.BaseServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
