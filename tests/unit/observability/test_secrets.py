"""S0-40: no password in anything that leaves the process, however it got there."""

from __future__ import annotations

import base64
import json
import threading
from urllib.parse import quote

import pytest

from gatehouse_common.observability import secrets
from gatehouse_common.observability.secrets import mask, register_secret, register_url


@pytest.fixture(autouse=True)
def _forget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "_known", ())


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("rtsp://u:p@h/x?token=t0ken", "rtsp://u:***@h/x?token=***"),
        ("rtsp://u:p@h:554/x", "rtsp://u:***@h:554/x"),
        ("opening rtsp://u:p@ss@h/x failed", "opening rtsp://u:***@h/x failed"),
        ("rtsp://u:p/w@h/x", "rtsp://u:***@h/x"),
        ("mysql+pymysql://gate:s3cret@db/gatehouse", "mysql+pymysql://gate:***@db/gatehouse"),
        ("rtsp://:p@h", "rtsp://:***@h"),
        ("http://a:p1@h1 and http://b:p2@h2", "http://a:***@h1 and http://b:***@h2"),
        ("http://h/v?access_token=abc&fps=5", "http://h/v?access_token=***&fps=5"),
        ("http://h/v?X-Amz-Signature=abc", "http://h/v?X-Amz-Signature=***"),
        ("usr=a PWD=b", "usr=a PWD=***"),
        ("http://h/v?loginuse=a&loginpas=b", "http://h/v?loginuse=a&loginpas=***"),
        ("{'password': 'hunter2', 'user': 'a'}", "{'password': '***', 'user': 'a'}"),
        ('{"db_password":"hunter2"}', '{"db_password":"***"}'),
        ("Authorization: Basic dTpw", "Authorization: Basic ***"),
    ],
)
def test_credentials_are_known_by_their_place(text: str, masked: str) -> None:
    assert mask(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "http://127.0.0.1:5000/",
        "rtsp://gate.example:554/stream1 at 12:30, ask admin@example.org",
        "v4l2:///dev/video0",
        "rtsp://viewer@h/x",
        "a line: with a colon @ a place",
        '{"url": "http://h:80/", "mail": "a@b"}',
        "the author is unknown",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert mask(text) == text


@pytest.mark.parametrize("password", ["c4nary", "c'an\"ary", "c\\nary\\", "cänäry", "c@n/a:r?y#", "c%41nary", "c n\ta"])
def test_a_registered_password_is_masked_in_every_form(password: str) -> None:
    register_url(f"rtsp://u:{quote(password, safe='')}@h/x")
    once = json.dumps({"event": f"said {password}"})
    for text in (
        f"said {password}",
        once,
        json.dumps({"event": f"said {password}"}, ensure_ascii=False),
        json.dumps({"event": once}),
        f"ValueError({password!r})",
        json.dumps({"exception": f"ValueError({password!r})"}, ensure_ascii=False),
        f"rtsp://u:{quote(password, safe='')}@h/x",
        "sent " + base64.b64encode(f"u:{password}".encode()).decode(),
    ):
        masked = mask(text)
        assert secrets.MASK in masked
        for form in (password, quote(password, safe=""), json.dumps(password)[1:-1], repr(password)[1:-1]):
            assert form not in masked
    assert json.loads(mask(once)) == {"event": "said ***"}


@pytest.mark.parametrize("tail", ["", "\\", '"', "\\\\", '\\"', "\n", "'"])
@pytest.mark.parametrize("secret", ["token=abc", "http://u:p@h/", "http://h:1/x@y", "{'password': 'x'}"])
def test_a_masked_line_of_json_is_still_json(secret: str, tail: str) -> None:
    line = json.dumps({"a": secret + tail, "b": f'"{secret}"', "c": "x@y"})
    assert set(json.loads(mask(line))) == {"a", "b", "c"}


def test_a_secret_inside_a_longer_one_leaves_no_rest() -> None:
    for secret in ("hunter", "hunter-two", "nter"):
        register_secret(secret)
    assert mask("hunter-two hunter nter") == "*** *** ***"


def test_what_is_too_short_to_be_told_from_words_is_masked_in_urls_only() -> None:
    register_url("rtsp://u:the@h/x")
    assert mask("the URL rtsp://u:the@h/x") == "the URL rtsp://u:***@h/x"


def test_a_url_that_is_none_registers_nothing() -> None:
    register_url("http://[::1")
    register_url("")
    assert secrets._known == ()


def test_secrets_are_registered_while_others_log() -> None:
    failed: list[RuntimeError] = []
    stop = threading.Event()

    def log() -> None:
        try:
            while not stop.is_set():
                mask("some line " * 20)
        except RuntimeError as error:
            failed.append(error)

    thread = threading.Thread(target=log)
    thread.start()
    for number in range(300):
        register_secret(f"secret-{number}")
    stop.set()
    thread.join()
    assert not failed
