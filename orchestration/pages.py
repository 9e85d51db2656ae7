"""The pages that the UI's links lead to: note, checks and docs of the current release, refused rows by raw table.

``python -m orchestration.pages PORT [HOST]``, started by `sector ui`, ends with it. Reads, changes nothing; a page is
chosen from a list, no part of an address becomes a path. Knows no Dagster.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from html import escape
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from orchestration.contracts import TABLES
from orchestration.ingest.ledger import Ledger
from orchestration.settings import Settings

SHOWN_LINES = 500

TITLES = {
    "/note.html": "the market note",
    "/checks.html": "every check: figure, limit, past, failing rows",
    "/docs.html": "models, lineage and metrics",
    "/refused.html": "the checks of the last build that was refused",
}

STYLE = (
    "body{font:14px/1.5 system-ui,sans-serif;margin:clamp(1rem,4vw,2rem);color:#1c2330}table{border-collapse:collapse}"
    "th,td{text-align:left;vertical-align:top;padding:.25rem .75rem;border-bottom:1px solid #dde2ea}"
    "td.raw{font-family:ui-monospace,monospace;white-space:pre-wrap;word-break:break-all}"
)


PHONES = "<meta name=viewport content='width=device-width,initial-scale=1'>"

HOME = "<p><a href='/'>All pages</a></p>"


def page_files(settings: Settings) -> dict[str, Path]:
    """Pages that lie on the disk, by address."""
    found = {f"/{name}.html": settings.current / f"{name}.html" for name in ("note", "checks", "docs")}
    return {**found, "/refused.html": settings.build / "checks.html"}


def answer(settings: Settings, address: str) -> tuple[HTTPStatus, bytes]:
    """What stands at an address: status and page."""
    path = urlsplit(address).path
    if path == "/":
        return HTTPStatus.OK, _index(settings)
    table = path.removeprefix("/quarantine/").removesuffix(".html")
    if path == f"/quarantine/{table}.html" and table in TABLES:
        return HTTPStatus.OK, quarantine_page(settings, table)
    file = page_files(settings).get(path)
    if file is None:
        return HTTPStatus.NOT_FOUND, _html("no such page", HOME)
    try:
        return HTTPStatus.OK, file.read_bytes()
    except FileNotFoundError:
        return HTTPStatus.NOT_FOUND, _html(
            "not there yet", f"<p>{escape(str(file))} comes with the first release.</p>" + HOME
        )


def quarantine_page(settings: Settings, table: str) -> bytes:
    """The newest refused lines of a raw table, with file, line, reason and the text as it was delivered."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    files = Ledger(settings.ledger).parquet_files("quarantine", table)
    rows: list[dict[str, object]] = []
    for file in reversed(files):
        lines: pa.Table = pq.read_table(file.path)
        rows += lines.slice(max(0, lines.num_rows - (SHOWN_LINES - len(rows)))).to_pylist()
        if len(rows) >= SHOWN_LINES:
            break
    body = "".join(
        f"<tr><td>{escape(str(row['file']))}</td><td>{_cell(row['row_number'])}</td><td>{_cell(row['reason'])}</td>"
        f"<td class=raw>{_cell(row['raw_text'])}</td></tr>"
        for row in rows
    )
    head = "<tr><th>file</th><th>line</th><th>reason</th><th>as delivered</th></tr>"
    shown = f"<p>The newest {len(rows)} refused lines.</p><table>{head}{body}</table>"
    return _html(f"Quarantine of {table}", (shown if rows else "<p>Nothing was refused.</p>") + HOME)


def _cell(value: object) -> str:
    return "" if value is None else escape(str(value))


def _index(settings: Settings) -> bytes:
    """The pages that are there, and the tables of which something was refused."""
    links = "".join(
        f"<p><a href='{address}'>{address[1:]}</a> {TITLES[address]}</p>"
        for address, file in page_files(settings).items()
        if file.exists()
    )
    ledger = Ledger(settings.ledger)
    tables = "".join(
        f"<p><a href='/quarantine/{table}.html'>{table}</a></p>"
        for table in TABLES
        if ledger.parquet_files("quarantine", table)
    )
    return _html(
        "Pages of the sector warehouse",
        (links or "<p>They come with the first release.</p>")
        + "<h2>Refused rows and files</h2>"
        + (tables or "<p>Nothing was refused.</p>"),
    )


def _html(title: str, body: str) -> bytes:
    head = f"<meta charset=utf-8>{PHONES}<title>{escape(title)}</title><style>{STYLE}</style>"
    return f"<!doctype html><html lang=en>{head}<h1>{escape(title)}</h1>{body}</html>".encode()


def make_server(settings: Settings, host: str, port: int) -> ThreadingHTTPServer:
    """A server of the pages, listening. Raises ``OSError`` when the port is taken."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, content = answer(settings, self.path)
            self.send_response(status)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Cache-Control", "no-store")
            self.send_header("X-Content-Type-Options", "nosniff")
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object, **__: object) -> None:
            """Who read which page is nobody's business."""

    return ThreadingHTTPServer((host, port), Handler)


def main(port: int, host: str) -> None:
    """Serve until the process that started this one is gone."""
    parent = os.getppid()
    server = make_server(Settings(), host, port)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    while os.getppid() == parent:
        time.sleep(1)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "127.0.0.1")
