"""S0-40: whatever a maker calls it, what stands in the URL of a camera is told to nobody."""

from __future__ import annotations

import io
import json
import logging
from urllib.parse import quote

import pytest
import structlog

from gatehouse_common.observability import camera_secrets, logs, secrets
from gatehouse_common.observability.camera_secrets import register_camera_url, show_camera_url
from gatehouse_common.observability.secrets import mask

CANARY = "c4nary-pass"


@pytest.fixture(autouse=True)
def _forget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "_known", ())
    monkeypatch.setattr(camera_secrets, "_done", set())


@pytest.mark.parametrize(
    "url",
    [
        f"http://h/videostream.cgi?loginuse=admin&loginpas={CANARY}",
        f"http://h/v?pwd={CANARY}",
        f"http://h/v?user=admin&pass={CANARY}&channel=1",
        f"http://h/v?token={CANARY}",
        f"http://h/v?x={CANARY}",
        f"http://h/v?{CANARY}",
        f"http://h/v?a=1;k={CANARY}",
        f"rtsp://h/1?p={CANARY}#rest",
        f"rtsp://h/user=admin_password={CANARY}_channel=1_stream=0.sdp?real_stream",
        f"rtsp://h/user=admin_pw={CANARY}_channel=1_stream=0.sdp",
        f"rtsp://h/live/key={CANARY}/1",
        f"rtsp://u:{CANARY}@h/1",
    ],
)
def test_no_form_of_a_credential_is_told(url: str) -> None:
    shown = show_camera_url(url)
    assert CANARY not in shown
    assert secrets.MASK in shown
    assert shown.startswith(url.partition("?")[0].partition("=")[0].partition("u:")[0])
    for text in (f"opening {url}", f"the camera said: bad login {CANARY}", repr(url), json.dumps({"e": repr(url)})):
        assert CANARY not in mask(text)


@pytest.mark.parametrize("mark", "/?#")
def test_a_mark_that_should_have_been_escaped_opens_no_password(mark: str) -> None:
    url = f"rtsp://u:half{mark}{CANARY}@h/1"
    assert CANARY not in show_camera_url(url)
    assert mask(f"not the password: half{mark}{CANARY}") == "not the password: ***"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("rtsp://h/cam/realmonitor?channel=1&subtype=0", None),
        ("rtsp://h/Streaming/Channels/101?transportmode=unicast&profile=Profile_1", None),
        ("http://h/mjpg/video.mjpg?resolution=640x480&fps=5&camera=2", None),
        ("synthetic:?size=320x240&fps=25&plate=ABC123", None),
        ("v4l2:///dev/video0?size=1280x720&fps=30", None),
        ("file:///films/day=17/film.mp4?loop=1&pace=fast", None),
        ("http://h/v?channel=1&u=a&p=b", "http://h/v?channel=1&u=***&p=***"),
        ("http://h/v?Stream_Type=main&k=the", "http://h/v?Stream_Type=main&k=***"),
    ],
)
def test_what_is_known_to_be_harmless_is_shown_and_nothing_else(url: str, shown: str | None) -> None:
    assert show_camera_url(url) == (shown or url)


def test_words_names_and_numbers_stay_readable_outside_the_url() -> None:
    register_camera_url("http://h/v?user=front-gate&mystery=live&count=1280&loginpas=ab&pin=123456")
    text = 'front-gate is live: {"width": 1280, "state": "ab"}'
    assert mask(text) == text
    assert mask("pin 123456") == "pin ***"
    assert "front-gate" not in mask("http://h/v?user=front-gate&mystery=live")


@pytest.mark.parametrize("password", ["pä55wort", "a+b c/d", "100%sure"])
def test_encoded_values_are_masked_as_they_are_and_as_they_are_meant(password: str) -> None:
    register_camera_url(f"http://h/v?loginpas={quote(password, safe='')}")
    assert mask(f"said {password}, {quote(password, safe='')}") == "said ***, ***"


def test_a_url_that_is_none_registers_nothing() -> None:
    for text in ("", "http://[::1", "?", "no url at all", "://"):
        register_camera_url(text)
    assert mask("no url at all") == "no url at all"


def test_logs_tell_no_parameter_of_a_camera(monkeypatch: pytest.MonkeyPatch) -> None:
    heard = io.StringIO()
    monkeypatch.setattr("sys.stderr", heard)
    before = logging.getLogger().handlers[:], logging.getLogger().level
    logs.set_up("info", "json", None)
    try:
        url = f"http://h/v?loginuse=admin&loginpas={CANARY}"
        register_camera_url(url)
        structlog.get_logger("gatehouse").info("opening", url=url)
        logging.getLogger("library").error("cannot open %s", url)
        try:
            raise OSError(f"{url}: refused")
        except OSError:
            structlog.get_logger("gatehouse").exception("failed")
    finally:
        logging.getLogger().handlers[:], level = before
        logging.getLogger().setLevel(level)
        structlog.reset_defaults()
    said = heard.getvalue()
    assert len(said.splitlines()) == 3
    assert all(json.loads(line) for line in said.splitlines())
    assert CANARY not in said
    assert "loginpas=***" in said
