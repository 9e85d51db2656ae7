"""How a message reaches people: the shapes of Slack, Feishu and DingTalk, a mail, a line of a file.

Belongs here: what each receiver wants, what it answers when it has taken a message, and the care that an address (it is
a key to whoever has it) stands in no error. Does not belong here: what is said, when, and how often (``telling``).

Shapes: Slack, incoming webhooks (``{"text": …}``, answer ``ok``); Feishu, custom bot (``msg_type`` text, signed by
HMAC-SHA256 with the key ``timestamp`` newline ``secret`` over nothing, answer ``code`` 0); DingTalk, custom robot
(``msgtype`` text, ``timestamp`` in milliseconds and ``sign`` in the address, HMAC-SHA256 with the secret over
``timestamp`` newline ``secret``, answer ``errcode`` 0).
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import json
import os
import smtplib
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol
from urllib.parse import quote_plus

from orchestration.alerts.troubles import Text

if TYPE_CHECKING:
    from orchestration.settings import Settings

Shape = Literal["slack", "feishu", "dingtalk"]

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 10.0
"""A run waits no longer for a receiver than this; what was not taken is sent by the next one."""

MOST_CHARACTERS = 3_000
"""Of a chat message: Slack cuts at 4,000, the others refuse above some 20 kB; more than a screen is not read."""

SHOWN_ANSWER = 120
"""Characters of an answer that a warning repeats."""

MOST_ANSWER = 16_384
"""Bytes of an answer that are read."""


class NotDeliveredError(Exception):
    """A receiver did not take a message. ``is_passing``: whether asking once more may help."""

    def __init__(self, message: str, *, is_passing: bool) -> None:
        super().__init__(message)
        self.is_passing = is_passing


class Channel(Protocol):
    """Where messages go."""

    @property
    def name(self) -> str:
        """What the channel is called in ``ledger.sqlite`` and in words; it holds no address."""

    def send(self, text: Text, event: str) -> None:
        """Deliver one message. Raises ``NotDeliveredError``."""


def configured(settings: Settings) -> list[Channel]:
    """The channels that the settings name."""
    found: list[Channel] = []
    webhooks: tuple[tuple[Shape, Any, Any], ...] = (
        ("slack", settings.alert_slack_url, None),
        ("feishu", settings.alert_feishu_url, settings.alert_feishu_secret),
        ("dingtalk", settings.alert_dingtalk_url, settings.alert_dingtalk_secret),
    )
    for shape, url, secret in webhooks:
        if url is not None:
            found.append(Webhook(shape, url.get_secret_value(), secret.get_secret_value() if secret else ""))
    if settings.alert_mail_to:
        host, _, port = settings.alert_mail_server.rpartition(":")
        password = settings.alert_mail_password
        found.append(
            Mail(
                host=host,
                port=int(port),
                to=settings.alert_mail_to,
                sender=settings.alert_mail_from or settings.alert_mail_to[0],
                user=settings.alert_mail_user,
                password=password.get_secret_value() if password else "",
                security=settings.alert_mail_security,
            )
        )
    if settings.alert_file is not None:
        found.append(Lines(settings.home / settings.alert_file.expanduser()))
    return found


# ----------------------------------------------------------------- webhooks


@dataclass(frozen=True, repr=False)
class Webhook:
    """A chat's incoming webhook. ``secret``: signs messages where the bot asks for it (Feishu, DingTalk)."""

    name: Shape
    url: str
    secret: str = ""

    def send(self, text: Text, event: str) -> None:
        """Post it, and see by the answer whether it was taken."""
        import logging

        import httpx

        # httpx writes every address at INFO, and the address is the key.
        logging.getLogger("httpx").setLevel(logging.WARNING)
        url, document = request(self.name, self.url, self.secret, text, time.time())
        try:
            with (
                httpx.Client(timeout=httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS)) as client,
                client.stream("POST", url, json=document) as answer,
            ):
                said = _beginning(answer.iter_bytes(), time.monotonic() + ANSWER_SECONDS)
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, ValueError):
            raise NotDeliveredError("its address is none: write https://…", is_passing=False) from None
        except httpx.TimeoutException:
            raise NotDeliveredError("no answer in time", is_passing=False) from None
        except httpx.HTTPError as error:
            raise NotDeliveredError(f"it cannot be reached ({type(error).__name__})", is_passing=True) from None
        if refusal := refused(self.name, answer.status_code, said):
            again = answer.status_code >= 500
            raise NotDeliveredError(self._covered(refusal), is_passing=again) from None

    def _covered(self, text: str) -> str:
        for hidden in filter(None, (self.url, self.url.rsplit("/", 1)[-1], self.secret)):
            text = text.replace(hidden, "***")
        return text


def _beginning(chunks: Iterator[bytes], deadline: float) -> bytes:
    """As much of an answer as matters; a receiver that only trickles or never ends is not listened to for long."""
    said = b""
    for chunk in chunks:
        said += chunk
        if len(said) > MOST_ANSWER or time.monotonic() > deadline:
            break
    return said[:MOST_ANSWER]


def request(shape: Shape, url: str, secret: str, text: Text, now: float) -> tuple[str, dict[str, Any]]:
    """Address and JSON document of a message; ``now``: seconds since 1970, part of the signature."""
    words = f"{text.title}\n{text.body}".strip()
    if len(words) > MOST_CHARACTERS:
        words = words[: MOST_CHARACTERS - 1] + "…"
    if shape == "slack":
        # Slack's three escapes; without them a file's name could call a whole channel (<!channel>).
        return url, {"text": words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")}
    if shape == "feishu":
        # Feishu knows no escape: <at user_id="all"> in a file's name must not call everybody.
        document: dict[str, Any] = {"msg_type": "text", "content": {"text": words.replace("<", "‹")}}
        if secret:
            moment = str(int(now))
            document |= {"timestamp": moment, "sign": _signature(f"{moment}\n{secret}", "")}
        return url, document
    document = {"msgtype": "text", "text": {"content": words}}
    if secret:
        moment = str(round(now * 1000))
        signature = _signature(secret, f"{moment}\n{secret}")
        url = f"{url}{'&' if '?' in url else '?'}timestamp={moment}&sign={quote_plus(signature)}"
    return url, document


def _signature(key: str, words: str) -> str:
    return base64.b64encode(hmac.new(key.encode(), words.encode(), hashlib.sha256).digest()).decode()


def refused(shape: Shape, status: int, content: bytes) -> str:
    """Why an answer means that the message was not taken; "" when it was.

    Feishu and DingTalk say no with status 200.
    """
    said = " ".join(content.decode("utf-8", "replace").split())[:SHOWN_ANSWER]
    if status != 200:
        return f"HTTP {status}{': ' if said else ''}{said}"
    if shape == "slack":
        return ""
    try:
        document = json.loads(content)
        code = document.get("errcode") if shape == "dingtalk" else document.get("code", document.get("StatusCode"))
    except (ValueError, AttributeError):
        return f"an answer that is none of {shape}'s: {said}"
    return "" if code == 0 else f"it said {said}"


# --------------------------------------------------------------------- mail


@dataclass(frozen=True, repr=False)
class Mail:
    """A mail to everybody on the list. ``security``: ``starttls``, ``tls`` from the first byte, or ``none``."""

    host: str
    port: int
    to: tuple[str, ...]
    sender: str
    user: str | None = None
    password: str = ""
    security: Literal["starttls", "tls", "none"] = "starttls"

    @property
    def name(self) -> str:
        return "mail"

    def send(self, text: Text, event: str) -> None:
        """Hand it to the mail server."""
        message = EmailMessage()
        message["Subject"] = " ".join(text.title.split())
        message["From"], message["To"] = self.sender, ", ".join(self.to)
        message["Date"] = dt.datetime.now(dt.UTC)
        message.set_content(f"{text.body}\n")
        context = ssl.create_default_context()
        try:
            with self._connect(context) as server:
                if self.security == "starttls":
                    server.starttls(context=context)
                if self.user:
                    server.login(self.user, self.password)
                server.send_message(message)
        except smtplib.SMTPAuthenticationError:
            raise NotDeliveredError("the mail server refuses user or password", is_passing=False) from None
        except smtplib.SMTPResponseException as error:
            said = bytes(error.smtp_error).decode("utf-8", "replace") if isinstance(error.smtp_error, bytes) else ""
            is_passing = 400 <= error.smtp_code < 500
            raise NotDeliveredError(
                f"the mail server said {error.smtp_code} {said[:SHOWN_ANSWER]}".strip(), is_passing=is_passing
            ) from None
        except smtplib.SMTPRecipientsRefused:
            raise NotDeliveredError("the mail server takes mail for none of the receivers", is_passing=False) from None
        except smtplib.SMTPNotSupportedError as error:
            raise NotDeliveredError(
                f"the mail server cannot do what is set ({error}): see alert_mail_security", is_passing=False
            ) from None
        except ssl.SSLError as error:
            raise NotDeliveredError(
                f"no safe connection to the mail server ({error.reason})", is_passing=False
            ) from None
        except (OverflowError, ValueError):
            raise NotDeliveredError("its server is none: write host:port", is_passing=False) from None
        except (OSError, smtplib.SMTPException) as error:
            # smtplib says "disconnected" of a server that does not answer
            is_late = isinstance(error, (TimeoutError, smtplib.SMTPServerDisconnected))
            words = (
                "the mail server gives no answer in time"
                if is_late
                else f"the mail server cannot be reached ({type(error).__name__})"
            )
            raise NotDeliveredError(words, is_passing=not is_late) from None

    def _connect(self, context: ssl.SSLContext) -> smtplib.SMTP:
        if self.security == "tls":
            return smtplib.SMTP_SSL(self.host, self.port, timeout=ANSWER_SECONDS, context=context)
        return smtplib.SMTP(self.host, self.port, timeout=ANSWER_SECONDS)


# --------------------------------------------------------------------- file


@dataclass(frozen=True)
class Lines:
    """A file that grows by a line of JSON for each message, for whatever reads it."""

    path: Path

    @property
    def name(self) -> str:
        return "file"

    def send(self, text: Text, event: str) -> None:
        """Append the line, whole and on disk."""
        line = {"at": dt.datetime.now(dt.UTC).isoformat(), "event": event, "title": text.title, "body": text.body}
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise NotDeliveredError(f"{self.path}: {error.strerror or error}", is_passing=False) from None
