"""What each receiver is sent, how it says yes or no, and that no address or secret is repeated."""

import base64
import hashlib
import hmac
import json
import socket
from urllib.parse import parse_qs, urlsplit

import pytest

from orchestration.alerts import channels
from orchestration.alerts.channels import Lines, Mail, NotDeliveredError, Webhook, configured, refused, request
from orchestration.alerts.troubles import Text
from orchestration.settings import Settings
from tests.support.receivers import mail_server, webhook

TEXT = Text("sector: stale family: etf", "cause: nothing new <b> & 没有\ncure: land")
URL = "https://hooks.example/services/T000/B000/hush-hush"


def signature(key: str, words: str) -> str:
    return base64.b64encode(hmac.new(key.encode(), words.encode(), hashlib.sha256).digest()).decode()


def test_slack_is_given_text_with_its_three_escapes():
    url, document = request("slack", URL, "", Text("held <!channel>", "a & b"), 0.0)
    assert url == URL
    assert document == {"text": "held &lt;!channel&gt;\na &amp; b"}


def test_feishu_signs_with_seconds_and_calls_nobody():
    text = Text('<at user_id="all">', "x")
    assert request("feishu", URL, "", text, 0.0)[1] == {
        "msg_type": "text",
        "content": {"text": '‹at user_id="all">\nx'},
    }
    url, document = request("feishu", URL, "s3cret", text, 1_700_000_000.9)
    assert url == URL
    assert document["timestamp"] == "1700000000"
    assert document["sign"] == signature("1700000000\ns3cret", "")


def test_dingtalk_signs_in_the_address_with_milliseconds():
    url, document = request("dingtalk", f"{URL}?access_token=abc", "SECs3cret", TEXT, 1_700_000_000.25)
    assert document == {"msgtype": "text", "text": {"content": f"{TEXT.title}\n{TEXT.body}"}}
    query = parse_qs(urlsplit(url).query)
    assert query["access_token"] == ["abc"]
    assert query["timestamp"] == ["1700000000250"]
    assert query["sign"] == [signature("SECs3cret", "1700000000250\nSECs3cret")]


def test_a_long_message_is_cut():
    for shape in ("slack", "feishu", "dingtalk"):
        document = request(shape, URL, "", Text("t", "x" * 10_000), 0.0)[1]
        assert len(json.dumps(document)) < channels.MOST_CHARACTERS + 200


@pytest.mark.parametrize(
    ("shape", "status", "content", "is_taken"),
    [
        ("slack", 200, b"ok", True),
        ("slack", 404, b"no_service", False),
        ("slack", 302, b"", False),
        ("feishu", 200, b'{"code": 0, "msg": "success"}', True),
        ("feishu", 200, b'{"StatusCode": 0}', True),
        ("feishu", 200, b'{"code": 19021, "msg": "sign match fail"}', False),
        ("feishu", 200, b"<html>", False),
        ("dingtalk", 200, b'{"errcode": 0, "errmsg": "ok"}', True),
        ("dingtalk", 200, b'{"errcode": 310000, "errmsg": "keywords not in content"}', False),
        ("dingtalk", 200, b"[]", False),
        ("dingtalk", 200, b"{}", False),
    ],
)
def test_an_answer_says_whether_the_message_was_taken(shape, status, content, is_taken):
    assert (refused(shape, status, content) == "") is is_taken


@pytest.mark.parametrize("shape", ["slack", "feishu", "dingtalk"])
def test_a_webhook_takes_a_message(shape):
    with webhook() as there:
        Webhook(shape, there.url, "s3cret").send(TEXT, "trouble")
        assert len(there.asked) == 1
        assert "没有" in there.said[0]


def test_a_refusal_names_neither_address_nor_secret(caplog):
    caplog.set_level("DEBUG")
    with webhook((403, b"hush-hush s3cret is not allowed")) as there:
        channel = Webhook("dingtalk", there.url, "s3cret")
        with pytest.raises(NotDeliveredError, match="HTTP 403") as refusal:
            channel.send(TEXT, "trouble")
    said = f"{refusal.value} {channel!r} {caplog.text}"
    assert "hush-hush" not in said
    assert "s3cret" not in said


def test_a_receiver_that_is_not_there_or_never_answers_is_left_in_time(monkeypatch):
    monkeypatch.setattr(channels, "ANSWER_SECONDS", 0.2)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    with pytest.raises(NotDeliveredError, match="cannot be reached"):
        Webhook("slack", f"http://127.0.0.1:{port}/hush").send(TEXT, "trouble")
    with pytest.raises(NotDeliveredError, match="cannot be reached"):
        Mail("127.0.0.1", port, ("a@example.com",), "b@example.com").send(TEXT, "trouble")
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        port = silent.getsockname()[1]
        with pytest.raises(NotDeliveredError, match="no answer in time"):
            Webhook("slack", f"http://127.0.0.1:{port}/hush").send(TEXT, "trouble")
        with pytest.raises(NotDeliveredError, match="no answer in time"):
            Mail("127.0.0.1", port, ("a@example.com",), "b@example.com").send(TEXT, "trouble")


def test_a_mail_goes_to_everybody_with_its_subject_in_one_line():
    with mail_server() as there:
        mail = Mail("127.0.0.1", there.port, ("a@example.com", "b@example.com"), "w@example.com", security="none")
        mail.send(Text("sector: held\nBcc: evil@example.com", TEXT.body), "trouble")
    [(receivers, text)] = there.mails
    assert receivers == ["a@example.com", "b@example.com"]
    assert "Subject: sector: held Bcc: evil@example.com" in text


def test_a_mail_server_without_encryption_is_refused_unless_that_is_set():
    with mail_server() as there, pytest.raises(NotDeliveredError, match="alert_mail_security"):
        Mail("127.0.0.1", there.port, ("a@example.com",), "b@example.com").send(TEXT, "trouble")
    assert there.mails == []


def test_a_mail_that_nobody_may_get_is_not_delivered():
    with mail_server("550 no such user") as there, pytest.raises(NotDeliveredError, match="none of the receivers"):
        Mail("127.0.0.1", there.port, ("a@example.com",), "b@example.com", security="none").send(TEXT, "trouble")


def test_a_file_grows_by_a_line_for_each_message(tmp_path):
    lines = Lines(tmp_path / "told" / "alerts.jsonl")
    lines.send(TEXT, "trouble")
    lines.send(TEXT, "over")
    found = [json.loads(line) for line in lines.path.read_text(encoding="utf-8").splitlines()]
    assert [(line["event"], line["title"], line["body"]) for line in found] == [
        ("trouble", TEXT.title, TEXT.body),
        ("over", TEXT.title, TEXT.body),
    ]
    (tmp_path / "file").write_text("")
    with pytest.raises(NotDeliveredError):
        Lines(tmp_path / "file" / "alerts.jsonl").send(TEXT, "trouble")


def test_the_settings_name_the_channels(tmp_path, monkeypatch):
    assert configured(Settings(home=tmp_path)) == []
    for name, value in {
        "SLACK_URL": URL,
        "FEISHU_URL": URL,
        "DINGTALK_URL": URL,
        "DINGTALK_SECRET": "s3cret",
        "MAIL_TO": "a@example.com, b@example.com",
        "MAIL_SERVER": "mail.example:465",
        "FILE": "alerts.jsonl",
    }.items():
        monkeypatch.setenv(f"SECTOR_ALERT_{name}", value)
    settings = Settings(home=tmp_path)
    found = configured(settings)
    assert [channel.name for channel in found] == ["slack", "feishu", "dingtalk", "mail", "file"]
    assert found[3].to == ("a@example.com", "b@example.com")
    assert (found[3].host, found[3].port, found[3].sender) == ("mail.example", 465, "a@example.com")
    assert found[4].path == tmp_path / "alerts.jsonl"
    assert "hush" not in repr(settings) + repr(found)
    assert URL in settings.secrets
