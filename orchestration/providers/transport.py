"""How questions travel to providers and answers come back: one polite HTTP client for all of them.

Belongs here: pace, repetition, time and size limits, what a refusal of HTTP means, and the care that no secret reaches
a message, a log or a repr. Does not belong here: any provider's address or shape (its own module has those), where
answers lie (``orchestration.fetching``).

What is asked again, and how often, follows from the kind of error (``delivery``): a throttled or unavailable provider
up to ``Limits.attempts`` times, a malformed answer once, a refusal never.
"""

from __future__ import annotations

import io
import json
import logging
import re
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from html import unescape
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urljoin, urlsplit

import httpx
from pyrate_limiter import InMemoryBucket, Rate, RateItem
from tenacity import RetryCallState, Retrying, stop_after_attempt, wait_exponential_jitter

from orchestration.providers.delivery import (
    MalformedError,
    ProviderError,
    RefusedError,
    ThrottledError,
    UnavailableError,
)

T = TypeVar("T")

log = logging.getLogger(__name__)

# httpx writes every address, query and all, at INFO.
logging.getLogger("httpx").setLevel(logging.WARNING)

USER_AGENT = "sector-warehouse"

SHOWN_TEXT = 200
"""Characters of a provider's own words that a message repeats."""

MOST_REDIRECTS = 3

STRIDE = 16 * 1024**2
"""Bytes of a download for which an answer's whole time is given, so that one of any size may take as long as it takes
and one that only trickles ends."""

JUDGED = 512
"""Bytes of a download that tell an archive from a page."""

HARMLESS_HEADERS = frozenset({"accept", "accept-language", "content-type", "referer", "user-agent", "host"})
"""Headers whose values may be shown; the value of any other may be a key."""

SECRET_WORDS = re.compile(r"token|key|secret|password|passwd|signature|auth", re.IGNORECASE)
"""Names of query parameters and body fields whose values are never shown."""

MASK = "***"
CUT = "…"


@dataclass(frozen=True)
class Limits:
    """How fast, how long, how much.

    ``requests_per_minute``: by provider, evenly spaced; ``default_per_minute`` for the others. ``connect_seconds``:
    to be let in; ``silence_seconds``: between two bytes; ``total_seconds``: for one whole answer, whatever trickles.
    ``most_bytes``: of one answer, after decompression. ``attempts``: of one question. ``longest_pause``: seconds that
    a provider may ask us to wait; for longer ones the question is given up and the message says until when.
    """

    requests_per_minute: Mapping[str, float] = field(default_factory=dict)
    default_per_minute: float = 30.0
    connect_seconds: float = 10.0
    silence_seconds: float = 30.0
    total_seconds: float = 300.0
    most_bytes: int = 512 * 1024**2
    attempts: int = 4
    longest_pause: float = 300.0


class Transport:
    """Asks providers, politely and with an end.

    ``base_urls``: beginnings of addresses as providers write them -> what stands in their place (a mirror, a test
    server). ``clock`` (seconds that only grow) and ``sleep`` serve pace and repetition; tests replace them. ``spool``:
    folder in which downloads lie until they are whole.
    """

    def __init__(
        self,
        base_urls: Mapping[str, str] | None = None,
        limits: Limits | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        spool: Path | None = None,
    ) -> None:
        self.limits = limits or Limits()
        self.spool = spool
        self.base_urls = dict(base_urls or {})
        self._clock, self._sleep = clock, sleep
        self._buckets: dict[str, InMemoryBucket] = {}
        self._lock = threading.Lock()
        # A connection per question: the watch over the whole answer needs its socket, and questions are seconds apart.
        self._client = httpx.Client(
            timeout=httpx.Timeout(self.limits.silence_seconds, connect=self.limits.connect_seconds),
            limits=httpx.Limits(max_keepalive_connections=0),
            headers={"User-Agent": USER_AGENT},
            follow_redirects=False,
        )

    def __repr__(self) -> str:
        return "Transport()"

    def __enter__(self) -> Transport:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the client."""
        self._client.close()

    # ------------------------------------------------------------ questions

    def get(
        self,
        provider: str,
        url: str,
        *,
        params: Mapping[str, str | int | float] | None = None,
        headers: Mapping[str, str] | None = None,
        secrets: Sequence[str] = (),
        accept: Callable[[bytes], object] | None = None,
    ) -> bytes:
        """The bytes at ``url``, decompressed, otherwise as they came.

        ``secrets``: texts that no message may repeat; values of unusual headers and of parameters named like keys are
        among them anyway. ``accept`` looks at the bytes and raises a ``ProviderError`` when they are no answer (an
        error told with status 200, a page instead of data), so that the question is asked again where that helps.
        Raises ``ProviderError``.
        """
        return self._ask(provider, "GET", url, params=params, headers=headers, secrets=secrets, accept=accept)

    def post_json(
        self,
        provider: str,
        url: str,
        body: Mapping[str, Any],
        *,
        headers: Mapping[str, str] | None = None,
        secrets: Sequence[str] = (),
        accept: Callable[[bytes], object] | None = None,
    ) -> bytes:
        """The answer to ``body`` sent as JSON; the rest as in ``get``. Only for questions that change nothing there."""
        return self._ask(provider, "POST", url, body=body, headers=headers, secrets=secrets, accept=accept)

    def download(
        self,
        provider: str,
        url: str,
        name: str,
        *,
        params: Mapping[str, str | int | float] | None = None,
        accept: Callable[[bytes], object] | None = None,
    ) -> Path:
        """The file at ``url``, whole, as ``name`` in the spool folder; the caller takes it away from there.

        What came of a download that was cut short stays as ``name.part``, and the next one goes on behind it if the
        provider still has the same file (``Range`` with ``If-Range``); otherwise it begins anew. Limits of size are
        those of the disk; ``total_seconds`` holds for every 16 MiB. ``accept`` is given the beginning. A redirection
        to another host (a storage of files) is followed over https alone and is told neither parameters nor headers of
        ours. Raises ``ProviderError``.
        """
        if self.spool is None:
            raise RefusedError(f"{provider}: no folder to download into")
        address, hidden = self._address(provider, url), _secrets_in(params, None, None, ())
        download = _Download(self.spool / name, accept)

        def ask() -> Path:
            try:
                return self._downloaded(provider, address, params, download)
            except ProviderError as error:
                raise _masked(error, hidden) from None

        return self.call(provider, ask)

    def call(self, provider: str, ask: Callable[[], T]) -> T:
        """``ask()`` at the provider's pace, again where its ``ProviderError`` says that this helps.

        For clients that bring their own HTTP: they raise the errors of ``delivery`` and keep their own time limits.
        """
        backoff = wait_exponential_jitter(initial=1, max=60, jitter=1)

        def once() -> T:
            self._wait_for_turn(provider)
            return ask()

        def pause(state: RetryCallState) -> float:
            error = state.outcome.exception() if state.outcome else None
            asked_for = error.pause if isinstance(error, ThrottledError) and error.pause else 0.0
            return max(asked_for, backoff(state))

        def tell(state: RetryCallState) -> None:
            error = state.outcome.exception() if state.outcome else None
            log.warning("%s; asking again in %.0f s", error, state.upcoming_sleep)

        return Retrying(
            retry=self._is_worth_another,
            wait=pause,
            stop=stop_after_attempt(self.limits.attempts),
            sleep=self._sleep,
            before_sleep=tell,
            reraise=True,
        )(once)

    # ------------------------------------------------------- pace, repetition

    def _wait_for_turn(self, provider: str) -> None:
        while (waiting := self._take_turn(provider)) > 0:
            self._sleep(waiting / 1000)

    def _take_turn(self, provider: str) -> int:
        """Milliseconds until the provider may be asked; 0: now, and the turn is taken."""
        with self._lock:
            bucket = self._buckets.get(provider)
            if bucket is None:
                per_minute = self.limits.requests_per_minute.get(provider, self.limits.default_per_minute)
                bucket = self._buckets[provider] = InMemoryBucket([Rate(1, max(1, round(60_000 / per_minute)))])
            now = round(self._clock() * 1000)
            bucket.leak(now)
            item = RateItem(provider, now)
            if bucket.put(item):
                return 0
            waiting = bucket.waiting(item)
            return max(1, waiting) if isinstance(waiting, int) else 1

    def _is_worth_another(self, state: RetryCallState) -> bool:
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, ThrottledError):
            return (error.pause or 0) <= self.limits.longest_pause
        if isinstance(error, MalformedError):
            return state.attempt_number == 1
        return isinstance(error, UnavailableError)

    # ------------------------------------------------------------ one question

    def _ask(
        self,
        provider: str,
        method: str,
        url: str,
        *,
        params: Mapping[str, str | int | float] | None = None,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None,
        secrets: Sequence[str],
        accept: Callable[[bytes], object] | None,
    ) -> bytes:
        address = self._address(provider, url)
        hidden = _secrets_in(params, body, headers, secrets)

        def ask() -> bytes:
            try:
                content = self._exchange(provider, method, address, params, body, headers)
                if accept is not None:
                    accept(content)
            except ProviderError as error:
                raise _masked(error, hidden) from None
            return content

        return self.call(provider, ask)

    def _address(self, provider: str, url: str) -> str:
        for beginning, replacement in self.base_urls.items():
            if url.startswith(beginning):
                url = replacement.rstrip("/") + url[len(beginning.rstrip("/")) :]
                break
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise RefusedError(f"{provider}: {_shown(url)} is no http or https address: correct the base address")
        return url

    def _exchange(
        self,
        provider: str,
        method: str,
        url: str,
        params: Mapping[str, str | int | float] | None,
        body: Mapping[str, Any] | None,
        headers: Mapping[str, str] | None,
    ) -> bytes:
        for _ in range(MOST_REDIRECTS + 1):
            answer = self._send(provider, method, url, params, body, headers)
            if isinstance(answer, bytes):
                return answer
            url, params = _followed(provider, url, answer), None
        raise MalformedError(f"{provider}: {_shown(url)} redirects more than {MOST_REDIRECTS} times")

    def _send(
        self,
        provider: str,
        method: str,
        url: str,
        params: Mapping[str, str | int | float] | None,
        body: Mapping[str, Any] | None,
        headers: Mapping[str, str] | None,
    ) -> bytes | _Redirect:
        """One request and its answer. Raises ``ProviderError`` for every way in which there is none."""
        asked = f"{provider}: {method} {_shown(url)}"
        watch = _Watch(self.limits.total_seconds)
        try:
            with (
                watch.over(),
                self._client.stream(
                    method,
                    url,
                    params=dict(params) if params else None,
                    json=dict(body) if body is not None else None,
                    headers=dict(headers or {}),
                    extensions={"trace": watch.trace},
                ) as response,
            ):
                if response.is_redirect:
                    return _Redirect(response.headers["location"])
                if not response.is_success:
                    raise _refusal(asked, response, _beginning(response))
                content = self._read(asked, response)
        except httpx.InvalidURL as error:
            raise RefusedError(f"{asked} is no address: {error}") from None
        except (httpx.HTTPError, httpx.StreamError) as error:
            if not watch.expired:
                raise UnavailableError(_what_broke(asked, error, self.limits)) from None
        if watch.expired:
            raise UnavailableError(
                f"{asked} was not answered in full within {self.limits.total_seconds:g} s: try later, or raise "
                "SECTOR_FETCH_TOTAL_SECONDS"
            )
        return content

    def _downloaded(
        self, provider: str, url: str, params: Mapping[str, str | int | float] | None, download: _Download
    ) -> Path:
        for _ in range(MOST_REDIRECTS + 1):
            location = self._receive(provider, url, params, download)
            if location is None:
                return download.finished()
            url, params = _followed(provider, url, location, elsewhere=True), None
        raise MalformedError(f"{provider}: {_shown(url)} redirects more than {MOST_REDIRECTS} times")

    def _receive(
        self, provider: str, url: str, params: Mapping[str, str | int | float] | None, download: _Download
    ) -> _Redirect | None:
        """One request for the file or the rest of it. None when it is whole."""
        asked = f"{provider}: GET {_shown(url)}"
        watch = _Watch(self.limits.total_seconds)
        try:
            with (
                watch.over(),
                self._client.stream(
                    "GET",
                    url,
                    params=dict(params) if params else None,
                    headers={"Accept-Encoding": "identity", **download.rest()},
                    extensions={"trace": watch.trace},
                ) as response,
            ):
                if response.is_redirect:
                    return _Redirect(response.headers["location"])
                if response.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE and download.has_begun:
                    download.judge_range(asked, response)
                    return None
                if not response.is_success:
                    raise _refusal(asked, response, _beginning(response))
                download.take(asked, response, watch)
        except httpx.InvalidURL as error:
            raise RefusedError(f"{asked} is no address: {error}") from None
        except (httpx.HTTPError, httpx.StreamError) as error:
            if not watch.expired:
                raise UnavailableError(
                    f"{_what_broke(asked, error, self.limits)}. {download.size:,} bytes are kept"
                ) from None
        except OSError as error:
            raise RefusedError(f"{asked}: {download.path.parent} cannot be written: {error.strerror}") from None
        if watch.expired:
            raise UnavailableError(
                f"{asked}: less than {STRIDE:,} bytes within {self.limits.total_seconds:g} s: try later, or raise "
                f"SECTOR_FETCH_TOTAL_SECONDS. {download.size:,} bytes are kept"
            )
        return None

    def _read(self, asked: str, response: httpx.Response) -> bytes:
        # BytesIO hands over its own buffer: the answer is never held twice
        content = io.BytesIO()
        for chunk in response.iter_bytes():
            content.write(chunk)
            if content.tell() > self.limits.most_bytes:
                raise MalformedError(
                    f"{asked} answered more than {self.limits.most_bytes:,} bytes: ask for less at a time"
                )
        return content.getvalue()


@dataclass(frozen=True)
class _Redirect:
    location: str


class _Watch:
    """Cuts a connection at the end of its time. Timeouts of the socket begin anew with every byte that trickles in."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._socket: socket.socket | None = None
        self._timer: threading.Timer | None = None
        self.expired = False

    def trace(self, event: str, info: dict[str, Any]) -> None:
        """Callback of httpcore: keeps the socket of the connection just made."""
        if event in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
            self._socket = info["return_value"].get_extra_info("socket")

    @contextmanager
    def over(self) -> Iterator[None]:
        """The time during which the answer has to come."""
        self.again()
        try:
            yield
        finally:
            self._end()

    def again(self) -> None:
        """The time begins anew."""
        self._end()
        self._timer = threading.Timer(self._seconds, self._cut)
        self._timer.daemon = True
        self._timer.start()

    def _end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _cut(self) -> None:
        self.expired = True
        if self._socket is not None:
            # already closed by the other side: the reader has noticed
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)


class _Download:
    """A file that grows as ``path.part``. ``path.json`` keeps what tells the provider's file from a later one, and its
    size."""

    def __init__(self, path: Path, accept: Callable[[bytes], object] | None) -> None:
        self.path, self._accept = path, accept
        self._part, self._about = path.with_name(f"{path.name}.part"), path.with_name(f"{path.name}.json")

    @property
    def size(self) -> int:
        return self._part.stat().st_size if self._part.exists() else 0

    @property
    def has_begun(self) -> bool:
        return bool(self._told())

    def _told(self) -> dict[str, Any]:
        """``same`` (for If-Range) and ``bytes`` of the file begun; nothing when there is none to go on with."""
        if not self._about.exists() or not self.size:
            return {}
        told = json.loads(self._about.read_bytes())
        return told if told.get("same") else {}

    def rest(self) -> dict[str, str]:
        """Headers that ask for what has not come yet."""
        told = self._told()
        return {"Range": f"bytes={self.size}-", "If-Range": told["same"]} if told else {}

    def judge_range(self, asked: str, response: httpx.Response) -> None:
        """There is nothing behind what came: it is whole, if its size is the file's. Raises ``UnavailableError``."""
        found = response.headers.get("content-range", "")
        if found != f"bytes */{self.size}" or self._told().get("bytes") != self.size:
            size = self.size
            self.forget()
            raise UnavailableError(f"{asked}: {size:,} bytes do not belong to the file of now ({found}): begun anew")

    def take(self, asked: str, response: httpx.Response, watch: _Watch) -> None:
        """Write the answer behind what came before, or in its place when it is the whole file."""
        is_rest = response.status_code == httpx.codes.PARTIAL_CONTENT
        if is_rest and not response.headers.get("content-range", "").startswith(f"bytes {self.size}-"):
            found = response.headers.get("content-range")
            self.forget()
            raise UnavailableError(f"{asked}: asked for the rest of a file, another part came ({found}): begun anew")
        if not is_rest:
            self.forget()
        self._require_space(asked, response)
        self._part.parent.mkdir(parents=True, exist_ok=True)
        if not is_rest:
            length = response.headers.get("content-length")
            # a weak tag does not promise the same bytes
            tag = response.headers.get("etag", "")
            same = response.headers.get("last-modified") if tag.startswith("W/") or not tag else tag
            self._about.write_text(json.dumps({"same": same, "bytes": int(length) if length else None}))
        head, stride, size, is_judged = b"", 0, self.size, is_rest
        with self._part.open("ab") as part:
            for chunk in response.iter_raw():
                if not is_judged:
                    head += chunk
                    if is_judged := len(head) >= JUDGED:
                        self._judge(head)
                part.write(chunk)
                size, stride = size + len(chunk), stride + len(chunk)
                if stride >= STRIDE:
                    stride = 0
                    watch.again()
        if not is_judged:
            self._judge(head)
        expected = json.loads(self._about.read_bytes())["bytes"]
        if expected is not None and size != expected and not watch.expired:
            raise UnavailableError(f"{asked}: {size:,} of {expected:,} bytes came: try later")

    def _judge(self, head: bytes) -> None:
        if self._accept is None:
            return
        try:
            self._accept(head)
        except ProviderError:
            self.forget()
            raise

    def _require_space(self, asked: str, response: httpx.Response) -> None:
        coming = int(response.headers.get("content-length") or 0)
        folder = next(parent for parent in self.path.parents if parent.exists())
        if coming > (free := shutil.disk_usage(folder).free):
            raise RefusedError(f"{asked}: {coming:,} bytes to come, {free:,} are free under {folder}: make room")

    def finished(self) -> Path:
        """The whole file under its own name."""
        self._part.replace(self.path)
        self._about.unlink(missing_ok=True)
        return self.path

    def forget(self) -> None:
        """Throw away what came."""
        self._part.unlink(missing_ok=True)
        self._about.unlink(missing_ok=True)


def _followed(provider: str, url: str, redirect: _Redirect, elsewhere: bool = False) -> str:
    """The address that a redirect names, on the same host, never from https down to http.

    ``elsewhere``: on any host over https.
    """
    target = urljoin(url, redirect.location)
    here, there = urlsplit(url), urlsplit(target)
    if elsewhere and there.scheme == "https" and there.hostname:
        return target
    is_upgrade = (here.scheme, there.scheme) == ("http", "https") and here.hostname == there.hostname
    if not is_upgrade and (here.scheme, here.netloc) != (there.scheme, there.netloc):
        raise RefusedError(
            f"{provider}: {_shown(url)} redirects to another host, {there.hostname}: not followed; if the provider has "
            "moved, set SECTOR_BASE_URLS"
        )
    return target


def _refusal(asked: str, response: httpx.Response, text: str) -> ProviderError:
    """The error that an HTTP status stands for."""
    status = response.status_code
    said = f"{asked} was answered with {status} {response.reason_phrase}".rstrip() + (f": {text}" if text else "")
    pause = _retry_after(response.headers.get("retry-after"))
    if status == httpx.codes.TOO_MANY_REQUESTS or (status == httpx.codes.SERVICE_UNAVAILABLE and pause is not None):
        wait = f"wait {pause:.0f} s" if pause is not None else "wait"
        return ThrottledError(f"{said}; {wait}, or lower SECTOR_REQUESTS_PER_MINUTE", pause)
    if status in (httpx.codes.REQUEST_TIMEOUT, httpx.codes.TOO_EARLY) or status >= httpx.codes.INTERNAL_SERVER_ERROR:
        return UnavailableError(f"{said}; try later")
    if status == httpx.codes.UNAUTHORIZED:
        return RefusedError(f"{said}; the key or token is not accepted: check it")
    if status in (httpx.codes.PAYMENT_REQUIRED, httpx.codes.FORBIDDEN):
        return RefusedError(f"{said}; your licence or account does not cover this, or the address is blocked")
    if status in (httpx.codes.NOT_FOUND, httpx.codes.GONE, httpx.codes.METHOD_NOT_ALLOWED):
        return RefusedError(f"{said}; there is no such endpoint (any more)")
    return RefusedError(f"{said}; the question is not accepted")


def _retry_after(value: str | None) -> float | None:
    """Seconds of a ``Retry-After`` header (a number or a date, RFC 9110 §10.2.3); None when it says neither."""
    if value is None:
        return None
    if re.fullmatch(r"\s*\d{1,9}\s*", value):
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    zoned = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (zoned - datetime.now(UTC)).total_seconds())


def _beginning(response: httpx.Response) -> str:
    """The first words of a refusal, for its message."""
    beginning = bytearray()
    # a refusal whose text does not come is a refusal all the same
    with suppress(httpx.HTTPError, httpx.StreamError):
        for chunk in response.iter_bytes():
            beginning += chunk
            if len(beginning) > 64 * 1024:
                break
    return first_words(bytes(beginning))


def _what_broke(asked: str, error: Exception, limits: Limits) -> str:
    if isinstance(error, httpx.ConnectTimeout):
        return f"{asked}: no connection within {limits.connect_seconds:g} s: check the network, or try later"
    if isinstance(error, httpx.TimeoutException):
        return f"{asked}: silence for {limits.silence_seconds:g} s: try later, or raise SECTOR_FETCH_SILENCE_SECONDS"
    if isinstance(error, httpx.ConnectError):
        return f"{asked}: no connection ({error}): check the network and the address"
    if isinstance(error, httpx.DecodingError):
        return f"{asked}: the answer cannot be decompressed ({error}): try later"
    words = " ".join(str(error).split()) or type(error).__name__
    return f"{asked}: the connection broke before the answer was whole ({words}): try later"


# ------------------------------------------------------------------- secrets


def _shown(url: str) -> str:
    """An address for people: without user, query and fragment, where keys may stand."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{host}{port}{parts.path}" if host else url.split("?")[0]


def _secrets_in(
    params: Mapping[str, Any] | None,
    body: Mapping[str, Any] | None,
    headers: Mapping[str, str] | None,
    named: Sequence[str],
) -> tuple[str, ...]:
    found = {*named, *(value for name, value in (headers or {}).items() if name.lower() not in HARMLESS_HEADERS)}
    for mapping in (params or {}, body or {}):
        found |= {value for name, value in mapping.items() if isinstance(value, str) and SECRET_WORDS.search(name)}
    return tuple(sorted((text for text in found if text), key=len, reverse=True))


def _masked(error: ProviderError, secrets: Sequence[str]) -> ProviderError:
    """The error with every secret in its message covered (providers repeat keys in their refusals)."""
    message = str(error)
    for secret in secrets:
        message = message.replace(secret, MASK)
        # words that were cut short may end within the secret
        for length in range(len(secret) - 1, 3, -1):
            message = message.replace(f"{secret[:length]}{CUT}", f"{MASK}{CUT}")
    return ThrottledError(message, error.pause) if isinstance(error, ThrottledError) else type(error)(message)


# ------------------------------------------------------------------- answers


def first_words(content: bytes) -> str:
    """The first line of an answer that is shown to people: a page's title, else its first line of text."""
    title = page_title(content)
    if title is not None:
        return f"a page titled {title!r}"
    text = content[: 64 * 1024].decode("utf-8", "replace")
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    shown = "".join(c if c.isprintable() else " " for c in line)
    return shown if len(shown) <= SHOWN_TEXT else f"{shown[:SHOWN_TEXT]}{CUT}"


def page_title(content: bytes) -> str | None:
    """The title of an HTML page ('' when it has none); None when the bytes are no page."""
    head = content[: 64 * 1024].lstrip(b"\xef\xbb\xbf \t\r\n")
    if not re.match(rb"<(!doctype\s+html|html|head|body|title|script)\b", head, re.IGNORECASE):
        return None
    found = re.search(rb"<title[^>]*>(.*?)</title>", head, re.IGNORECASE | re.DOTALL)
    title = " ".join(unescape(found[1].decode("utf-8", "replace")).split()) if found else ""
    return "".join(c if c.isprintable() else " " for c in title)[:SHOWN_TEXT]


def expect_json(content: bytes, asked: str) -> Any:
    """The JSON document in ``content``. ``asked`` names the question, for the message.

    Raises ``MalformedError`` for a page (naming its title), for no bytes and for anything else that is no JSON.
    """
    try:
        return json.loads(content)
    except ValueError as error:
        raise MalformedError(f"{asked}: expected JSON, found {_found(content)} ({error})") from None


def expect_workbook(content: bytes, asked: str) -> bytes:
    """``content`` if it begins like an Excel workbook (xlsx or xls). Raises ``MalformedError`` otherwise."""
    if content.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        return content
    raise MalformedError(f"{asked}: expected an Excel workbook, found {_found(content)}")


def _found(content: bytes) -> str:
    if not content.strip():
        return f"{len(content)} bytes without a text"
    title = page_title(content)
    return f"an HTML page titled {title!r}" if title is not None else f"{first_words(content)!r}"
