"""Who is let in, as people and programs meet it: a real server, a real browser, a real player."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import urllib.error
import urllib.request
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from browser_kit import number_of
from running import Running, decode, wait_for

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

ANN, BOB = "winter copper lantern 9", "violet engine harbour 7"
LOCAL = {"GATEHOUSE_AUTH__MODE": "local"}
TOKEN = re.compile(r"gatehouse_pat_[a-z2-7]{12}_[a-z2-7]{52}")


def log_in(page: Page, name: str, password: str) -> None:
    page.fill("[name=name]", name)
    page.fill("[name=password]", password)
    page.click("button.primary")


def answered(url: str, body: dict[str, Any] | None = None, **headers: str) -> tuple[int, bytes]:
    """GET, or POST a body as JSON; return status and answer."""
    data = None if body is None else json.dumps(body).encode()
    sent = {"Content-Type": "application/json"} if body is not None else {}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data, {**sent, **headers}), timeout=20) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def shared_film(page: Page, browser: Browser) -> int:
    """Give out the last three seconds by the page; return how many pictures a stranger gets of them."""
    now = page.evaluate("Date.now()")
    times = [datetime.fromtimestamp(now / 1000 - back, UTC).strftime("%Y-%m-%d %H:%M:%S") for back in (4, 1)]
    page.fill("#from", times[0])
    page.fill("#to", times[1])
    page.click("#share")
    try:
        page.wait_for_selector("#shared input", timeout=3000)
    except PlaywrightTimeout:
        return 0  # not recorded yet
    link = page.locator("#shared input").input_value()
    stranger = browser.new_context().new_page()
    stranger.goto(link)
    stranger.wait_for_function("document.querySelector('video').readyState >= 2")
    assert "gate" in stranger.locator("main").inner_text()
    stranger.context.close()
    return decode(answered(f"{link}/footage.mp4")[1])


def test_from_the_first_user_to_a_viewer_of_one_camera(tmp_path: Path, browser: Browser) -> None:
    """S0-21, S3-2: first run, log in and out; a viewer sees what was granted, and a session ends from elsewhere.

    Of a camera that is open to it live alone, the timeline says that, and asks for nothing of the past.
    """
    cameras = [part for c in ("gate", "yard") for part in ("--camera", f"{c}=synthetic:?size=640x360&fps=15")]
    with Running(tmp_path / "data", *cameras, log=tmp_path / "log", **LOCAL) as gatehouse:
        gatehouse.ready()
        page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
        page.goto(f"{gatehouse.url}/")
        assert page.url.startswith(f"{gatehouse.url}/setup")
        page.fill("[name=again]", ANN)
        log_in(page, "Ann", ANN)
        page.wait_for_url(f"{gatehouse.url}/")
        wait_for("both cameras", lambda: page.locator(".tile[data-drawn]").count() == 2)
        page.goto(f"{gatehouse.url}/timeline")
        assert wait_for("live picture", lambda: number_of(page)) >= 0
        assert page.locator("#add").is_visible()

        wait_for("three seconds", lambda: shared_film(page, browser) > 20)

        page.goto(f"{gatehouse.url}/users")
        form = page.locator("section", has_text="Add a user").last
        form.locator("[name=name]").fill("Bob")
        for field in ("password", "again"):
            form.locator(f"[name={field}]").fill(BOB)
        for permission in ("live", "playback"):
            form.locator(f"[value='gate:{permission}']").check()
        form.locator("button.primary").click()
        assert page.locator(".done").inner_text() == "The user has been added."

        other = browser.new_context(viewport={"width": 360, "height": 800}).new_page()
        other.goto(f"{gatehouse.url}/?camera=yard")
        assert "/login" in other.url
        log_in(other, "bob", "this is not it")
        assert "wrong" in other.locator(".problem").inner_text()
        log_in(other, "bob", BOB)
        other.wait_for_url(f"{gatehouse.url}/timeline?camera=yard")
        wait_for("answer", lambda: "There is no camera" in other.locator("#message").inner_text())
        other.goto(f"{gatehouse.url}/")
        wait_for("one camera", lambda: other.locator(".tile[data-drawn]").count() == 1)
        assert other.locator(".tile").count() == 1
        other.goto(f"{gatehouse.url}/timeline")
        assert wait_for("live picture", lambda: number_of(other)) >= 0
        assert other.locator("#camera option").all_inner_texts() == ["gate"]
        assert not other.locator("#add").is_visible()
        assert "yard" not in other.locator("body").inner_text()
        assert other.locator("nav.rail a").all_inner_texts() == ["Live", "Timeline", "Clips", "Log", "Stats"]
        assert other.locator(".me .who").text_content() == "Bob"
        assert other.goto(f"{gatehouse.url}/audit").status == 403  # type: ignore[union-attr]
        assert "audit:read" in other.locator("main").inner_text()

        page.goto(f"{gatehouse.url}/users")
        page.click("summary:has-text('Change Bob')")
        bob = page.locator("li", has_text="Change Bob")
        bob.locator("[value='gate:playback']").uncheck()
        bob.locator("[value=access]").click()
        refused: list[str] = []
        other.on("response", lambda answer: refused.append(answer.url) if "/api/v1/timeline" in answer.url else None)
        other.goto(f"{gatehouse.url}/timeline")
        log_in(other, "bob", BOB)  # another access ends the sessions
        other.wait_for_url(f"{gatehouse.url}/timeline")
        assert wait_for("live picture", lambda: number_of(other)) >= 0
        assert "Only the live picture" in other.locator("#hint").inner_text()
        other.click("#back")
        wait_for("word of it", lambda: "Only the live picture" in other.locator("#message").inner_text(), 5)
        assert other.locator("#mode").inner_text() == "LIVE"
        assert refused == [], "what is not open is not asked for"

        page.goto(f"{gatehouse.url}/users")
        page.click("summary:has-text('Change Bob')")
        page.click("button:has-text('Disable Bob')")
        other.goto(f"{gatehouse.url}/")
        assert "/login" in other.url
        page.goto(f"{gatehouse.url}/account")
        page.click("main button:has-text('Log out')")
        page.wait_for_url(f"{gatehouse.url}/login")
        other.context.close()
        assert gatehouse.stop(timeout=20) == 0
    said = (tmp_path / "log").read_text()
    assert ANN not in said
    assert BOB not in said


def test_players_and_scripts_show_a_token(tmp_path: Path, browser: Browser) -> None:
    """S0-21: Bearer, X-API-Key and the password in an address, as VLC, ffmpeg and OpenCV send it."""
    with Running(tmp_path / "data", "--demo", log=tmp_path / "log", **LOCAL) as gatehouse:
        gatehouse.ready()
        page = browser.new_context(timezone_id="Asia/Tokyo").new_page()
        page.goto(f"{gatehouse.url}/setup")
        assert page.locator("[name=timezone]").input_value() == "Asia/Tokyo", "the browser's"
        page.fill("[name=again]", ANN)
        log_in(page, "Ann", ANN)
        page.goto(f"{gatehouse.url}/account")
        assert page.locator(".clock abbr").inner_text() == "Asia/Tokyo", "in force"
        page.click("summary:has-text('Make a token')")
        page.fill("[name=name]", "vlc")
        for scope in ("live:view", "cameras:read"):
            page.check(f"[value='{scope}']")
        page.click("button:has-text('Make')")
        found = TOKEN.search(page.locator(".secret").inner_text())
        assert found
        token = found[0]
        for headers in ({"Authorization": f"Bearer {token}"}, {"X-API-Key": token}):
            assert answered(f"{gatehouse.url}/api/v1/cameras", **headers)[0] == 200
        assert answered(f"{gatehouse.url}/api/v1/cameras")[0] == 401
        assert answered(f"{gatehouse.url}/api/v1/users", **{"X-API-Key": token})[0] == 403
        host = gatehouse.url.removeprefix("http://")
        for secret, works in ((token, True), (f"{token[:-1]}{'a' if token[-1] != 'a' else 'b'}", False)):
            address = f"http://token:{secret}@{host}/live/demo.mjpg"
            player = [
                "ffmpeg",
                "-v",
                "error",
                "-i",
                address,
                "-frames:v",
                "5",
                "-f",
                "null",
                "-",
            ]
            played = subprocess.run(player, capture_output=True, timeout=60, check=False)
            assert (played.returncode == 0) == works, played.stderr[-500:]
        page.goto(f"{gatehouse.url}/account")
        page.click("button:has-text('Revoke')")
        assert answered(f"{gatehouse.url}/api/v1/cameras", **{"X-API-Key": token})[0] == 401
        assert gatehouse.stop(timeout=20) == 0
    for file in (tmp_path / "data").rglob("*"):
        if file.is_file() and file.suffix not in {".mp4", ".jpg"}:
            assert token.encode() not in file.read_bytes(), file


def own_address() -> str:
    """Return an address of this machine that is not loopback, if it has one."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # nothing is sent: it only chooses where it would be sent from
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])


def test_from_elsewhere_the_first_user_needs_the_token_that_was_printed(tmp_path: Path) -> None:
    with Running(tmp_path / "data", "--host", "0.0.0.0", log=tmp_path / "log", **LOCAL) as gatehouse:
        gatehouse.ready()
        printed = wait_for("token", lambda: re.search(r"with this token: (\S+)", gatehouse.said()))
        port = gatehouse.url.rsplit(":", 1)[1]
        url = f"http://{own_address()}:{port}/api/v1/auth/setup"
        eve = {"name": "Eve", "password": BOB}
        assert answered(url, eve)[0] == 403
        assert answered(url, {**eve, "token": "guessed"})[0] == 403
        assert answered(url, {**eve, "token": printed[1]})[0] == 204
        assert answered(url, {**eve, "name": "Mallory", "token": printed[1]})[0] == 409
        assert gatehouse.stop(timeout=20) == 0
    with Running(tmp_path / "data", "--host", "0.0.0.0", log=tmp_path / "log2", **LOCAL) as again:
        again.ready()
        assert "token" not in again.said(), "there is a user"
        assert again.stop(timeout=20) == 0
